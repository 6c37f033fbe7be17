"""How far a long command has come: what pg_stat_progress_* counts of the phase it is in."""

from __future__ import annotations

import json
from typing import Any, Final

from executors.base import ExecutionError, Progress
from executors.postgresql.wire import Wire

# Waiting for other transactions is counted in those; building in blocks, then in rows.
_INDEX: Final = """
SELECT phase, CASE WHEN waits THEN lockers_done WHEN blocks_total > 0 THEN blocks_done ELSE tuples_done END AS done,
       CASE WHEN waits THEN lockers_total WHEN blocks_total > 0 THEN blocks_total ELSE tuples_total END AS total,
       CASE WHEN waits THEN 'transactions' WHEN blocks_total > 0 THEN 'blocks' ELSE 'rows' END AS unit
FROM (SELECT *, phase LIKE 'waiting%' AS waits FROM pg_catalog.pg_stat_progress_create_index WHERE pid = $1::int) found
"""
_VACUUM: Final = """
SELECT phase, CASE phase WHEN 'vacuuming heap' THEN heap_blks_vacuumed ELSE heap_blks_scanned END,
       heap_blks_total, 'blocks' FROM pg_catalog.pg_stat_progress_vacuum WHERE pid = $1::int
"""
_CLUSTER: Final = """
SELECT phase, heap_blks_scanned, heap_blks_total, 'blocks' FROM pg_catalog.pg_stat_progress_cluster
WHERE pid = $1::int
"""
_QUERY: Final = f"""
SELECT json_build_object('phase', phase, 'done', done, 'total', nullif(total, 0), 'unit', unit)
FROM ({_INDEX} UNION ALL {_VACUUM} UNION ALL {_CLUSTER}) counted LIMIT 1
"""  # noqa: S608 -- texts of this module


def of(wire: Wire, backend: str) -> Progress | None:
    """That of the session `backend`; None where the server counts nothing of it, or has no such views."""
    try:
        result = wire.ask(_QUERY.encode(), [backend.encode()])
    except ExecutionError:
        return None
    found: dict[str, Any] | None = json.loads(result.get_value(0, 0) or b"null") if result.ntuples else None
    if not found or not found["phase"]:
        return None
    counted = found["total"] is not None
    return Progress(
        found["phase"], found["done"] if counted else None, found["total"], found["unit"] if counted else ""
    )
