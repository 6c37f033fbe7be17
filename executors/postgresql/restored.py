"""Whether rows that were put back still are what they were once every trigger has run.

The statement of an undo tells of each row as it put it back (`undo.py`). What an AFTER trigger, or one that waits for
the COMMIT, does to such a row it cannot see; so they are looked for again, by their own text, before anything lasts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from executors.base import Refused
from executors.postgresql.effect.relations import identifier
from executors.postgresql.effect.scan import OURS, short
from executors.postgresql.reading.parse import Statement
from executors.postgresql.undo import BEFORE, PUT
from executors.postgresql.wire import Wire

# Triggers that wait run now. What they change is part of what is looked at.
_SETTLE = b"SET CONSTRAINTS ALL IMMEDIATE; SELECT pg_catalog.pg_current_xact_id_if_assigned()::text"
_GIVEN = f"pg_catalog.json_to_recordset($3::json) AS g ({BEFORE} text)"
_MISSING = """
SELECT coalesce(pg_catalog.sum(greatest(g.wanted - coalesce(h.found, 0), 0)), 0)
FROM (SELECT {before} AS line, pg_catalog.count(*) AS wanted FROM {given} GROUP BY 1) AS g LEFT JOIN (
  SELECT CAST(t.* AS text) AS line, pg_catalog.count(*) AS found FROM {table} AS t WHERE {ours} GROUP BY 1) AS h
ON h.line = g.line
"""


def check(wire: Wire, item: Statement, values: Sequence[bytes | None]) -> None:
    """Raise `Refused` where a row that the statement of an undo put back is another one by now."""
    xid = (wire.simple(_SETTLE).get_value(0, 0) or b"").decode()
    for number, relation in _put(item) if xid else ():
        table = ".".join(identifier(relation[part]) for part in ("schemaname", "relname"))
        only = "" if relation.get("inh") else "ONLY "
        sql = _MISSING.format(given=_GIVEN, before=BEFORE, table=only + table, ours=OURS).encode()
        missing = int(_asked(wire, sql, [short(xid), xid.encode(), values[number - 1]]))
        if missing:
            rows = "1 row" if missing == 1 else f"{missing:,} rows"
            name = f"{relation['schemaname']}.{relation['relname']}"
            raise Refused(f"{rows} of {name} would be changed by a trigger after being put back. Nothing was put back.")


def _asked(wire: Wire, sql: bytes, given: list[bytes | None]) -> bytes:
    return wire.call(lambda: wire.pgconn.send_query_params(sql, given)).get_value(0, 0) or b"0"


def _put(item: Statement) -> Iterator[tuple[int, dict[str, Any]]]:
    """The number of each part that puts rows into a table, and that table as it is named there."""
    for entry in item.node.get("withClause", {}).get("ctes", ()):
        cte = entry["CommonTableExpr"]
        (kind, query), *_ = cte["ctequery"].items()
        if cte["ctename"].startswith(PUT) and kind in {"InsertStmt", "UpdateStmt"}:
            yield int(cte["ctename"].removeprefix(PUT)), query["relation"]
