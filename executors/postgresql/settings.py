"""What a text sets in front of its statement, set on a session: never above the limits of its run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from executors.base import Limits, Refused, Target
from executors.postgresql.options import search_path
from executors.postgresql.reading.settings import Setting, beyond
from executors.postgresql.wire import Wire

_SET = b"SELECT pg_catalog.set_config($1, $2, $3)"


def apply(wire: Wire, settings: Sequence[Setting], target: Target, limits: Limits, *, local: bool) -> None:
    """Set them for this transaction (`local`), or for what is left of the session. Raises `Refused`."""
    for one in settings:
        if refused := beyond(one, 0, 0, target.search_path):
            raise Refused(refused[0], detail={"hint": refused[1]})
        values = [one.name.encode(), _within(one, target, limits).encode(), b"true" if local else b"false"]
        wire.ask(_SET, values)


def _within(one: Setting, target: Target, limits: Limits) -> str:
    if one.name == "search_path":
        schemas = tuple(name for name in one.schemas if name not in {"pg_catalog", "pg_temp"})
        return search_path(replace(target, search_path=schemas or target.search_path))
    most = {"statement_timeout": limits.seconds, "lock_timeout": limits.lock_seconds}.get(one.name)
    return one.value if most is None else str(max(1, min(int(one.value), round(most * 1000))))
