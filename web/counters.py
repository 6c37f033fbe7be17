"""A cache backend that only counts, atomically, in the portal's own PostgreSQL.

django-ratelimit needs two operations: `add` a counter that expires, and `incr` it. Django's own database cache reads
and then writes, so two requests at once count as one; here each operation is a single statement, and a counter that
this process has seen live is not asked for again before it is incremented.
"""

import time
from typing import Any, Final

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import connection

ADD = """
INSERT INTO rate_counters AS counter (key, value, expires_at)
VALUES (%s, %s, clock_timestamp() + make_interval(secs => %s))
ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, expires_at = EXCLUDED.expires_at
    WHERE counter.expires_at <= clock_timestamp()
RETURNING value
"""
INCREMENT = """
UPDATE rate_counters SET value = value + %s WHERE key = %s AND expires_at > clock_timestamp() RETURNING value
"""
GET = "SELECT value FROM rate_counters WHERE key = %s AND expires_at > clock_timestamp()"

# Counters this process has found live, and until when at most, by its own clock.
_live: dict[str, float] = {}
_MOST_LIVE: Final = 10_000


class CounterCache(BaseCache):
    """Counters in table `rate_counters`. Values are integers; nothing else is stored."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self.location = location

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Start a counter unless a live one exists; whether it was started. `timeout` in seconds."""
        name = self.make_and_validate_key(key, version=version)
        if _live.get(name, 0.0) > time.monotonic():
            return False
        seconds = float((self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout) or 0)
        _remember(name, time.monotonic() + seconds)
        return self._one(ADD, (name, int(value), seconds)) is not None

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """The count, or `default`."""
        value = self._one(GET, (self.make_and_validate_key(key, version=version),))
        return default if value is None else value

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Add `delta` and return the new count. Raises ValueError when there is no live counter.

        One that this process had seen, and that was lost in a crash of the server since, begins again.
        """
        name = self.make_and_validate_key(key, version=version)
        value = self._one(INCREMENT, (delta, name))
        left = _live.pop(name, 0.0) - time.monotonic() if value is None else 0.0
        if left > 0:
            _remember(name, time.monotonic() + left)
            value = self._one(ADD, (name, delta, left)) or self._one(INCREMENT, (delta, name))
        if value is None:
            raise ValueError(f"No counter {key!r}.")
        return value

    @staticmethod
    def _one(sql: str, parameters: tuple[str | int | float, ...]) -> int | None:
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            row = cursor.fetchone()
        return None if row is None else int(row[0])


def _remember(name: str, until: float) -> None:
    if len(_live) >= _MOST_LIVE:
        _live.clear()
    _live[name] = until
