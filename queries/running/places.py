"""How many runs go on at once: on a target with one access, for a pod, and in all, over every replica of the portal.

A place is a session-level advisory lock of the portal's own database, one of as many as there are places: it is given
back with the connection that holds it, whatever becomes of its process, and counted by nobody. So a login's
`CONNECTION LIMIT` is never met, no pod takes every place, and who finds none is told so before a decision is recorded.
"""

import time
from typing import Final

from django.conf import settings
from django.db import connection

from queries.models import QueryRequest
from queries.running.claim import release
from web.errors import Unavailable

# First halves of the advisory locks' keys.
_TARGET: Final = 0x51505431
_POD: Final = 0x51505032
_ALL: Final = 0x51504133
# More than there are places of one kind.
_MOST: Final = 256

# One place of each kind, the number of the first that is free; null where none is.
_TAKE: Final = """
SELECT (SELECT n FROM generate_series(0, %s - 1) n WHERE pg_try_advisory_lock(%s, %s + n) LIMIT 1),
       (SELECT n FROM generate_series(0, %s - 1) n WHERE pg_try_advisory_lock(%s, %s + n) LIMIT 1),
       (SELECT n FROM generate_series(0, %s - 1) n WHERE pg_try_advisory_lock(%s, n) LIMIT 1)
"""
WAIT_SECONDS: Final = 10.0
_PAUSES: Final = (0.01, 0.02, 0.05, 0.1)
_LONGEST_PAUSE: Final = 0.25
_NAMES: Final = ("the database {target}", "the pod {pod}", "the portal")


class NoPlace(Exception):
    """All places of one kind are taken. `where` says which."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.where = where


def take(query: QueryRequest) -> None:
    """Take a place for a run of this request, until `release`. Raises NoPlace, holding none."""
    target, write = query.target, int(query.writes)
    values = [
        *(target.places, _TARGET, (target.pk * 2 + write) % 2**22 * _MOST),
        *(settings.PORTAL_POD_PLACES, _POD, query.pod_id % 2**22 * _MOST),
        *(settings.PORTAL_PLACES, _ALL),
    ]
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, values)
        found = cursor.fetchone()
    if None not in found:
        return
    release()
    name = _NAMES[list(found).index(None)]
    raise NoPlace(name.format(target=target.name, pod=query.pod.name))


class Patience:
    """Waiting for a place, ten seconds at most."""

    def __init__(self) -> None:
        self._by = time.monotonic() + WAIT_SECONDS
        self._pauses = iter(_PAUSES)

    def wait(self, none: NoPlace) -> None:
        """Wait a moment. Raises Unavailable when it was long enough."""
        pause = next(self._pauses, _LONGEST_PAUSE)
        if time.monotonic() + pause >= self._by:
            message = (
                f"All places of {none.where} are taken by other requests, and none became free in {WAIT_SECONDS:g} s. "
                "Nothing was decided; try again in a moment."
            )
            raise Unavailable(message, retry_after=5) from none
        time.sleep(pause)
