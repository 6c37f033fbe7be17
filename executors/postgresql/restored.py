"""Whether rows that were put back still are what they were once every trigger has run.

The statement of an undo tells of each row as it put it back (`undo.py`). What an AFTER trigger, or one that waits for
the COMMIT, does to such a row it cannot see; so they are looked for again, by their own text, before anything lasts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from executors.base import Refused
from executors.postgresql.effect.relations import identifier
from executors.postgresql.effect.scan import OURS, short
from executors.postgresql.reading.parse import Statement
from executors.postgresql.undo import BEFORE, LEFT, PUT
from executors.postgresql.wire import Wire

# Triggers that wait run now. What they change is part of what is looked at.
_SETTLE = b"SET CONSTRAINTS ALL IMMEDIATE; SELECT pg_catalog.pg_current_xact_id_if_assigned()::text"
_GIVEN = "pg_catalog.json_to_recordset($3::json) AS g"
_MISSING = """
SELECT coalesce(pg_catalog.sum(greatest(g.wanted - coalesce(h.found, 0), 0)), 0)
FROM (SELECT {before} AS line, pg_catalog.count(*) AS wanted FROM {given} ({before} text) GROUP BY 1) AS g LEFT JOIN (
  SELECT CAST(t.* AS text) AS line, pg_catalog.count(*) AS found FROM {table} AS t WHERE {ours} GROUP BY 1) AS h
ON h.line = g.line
"""
_THERE_AGAIN = """
SELECT pg_catalog.count(*) FROM {table} AS t JOIN {given} ({columns}) ON {same} WHERE {ours}
"""


def check(wire: Wire, item: Statement, values: Sequence[bytes | None]) -> None:
    """Raise `Refused` where a row that the statement of an undo put back, or took away, is another one by now."""
    xid = (wire.simple(_SETTLE).get_value(0, 0) or b"").decode()
    for number, kind, relation in _parts(item) if xid else ():
        given = values[number - 1] or b"[]"
        sql = _question(kind, relation, given)
        if not sql:
            continue
        wrong = int(_asked(wire, sql.encode(), [short(xid), xid.encode(), given]))
        if wrong:
            rows = "1 row" if wrong == 1 else f"{wrong:,} rows"
            name = f"{relation['schemaname']}.{relation['relname']}"
            raise Refused(f"{rows} of {name} would be changed by a trigger after being put back. Nothing was put back.")


def _question(kind: str, relation: dict[str, Any], given: bytes) -> str:
    """How many rows are wrong; "" where a row that was taken away has no key to be known by."""
    name = ".".join(identifier(relation[part]) for part in ("schemaname", "relname"))
    table = name if relation.get("inh") else f"ONLY {name}"
    if kind != "DeleteStmt":
        return _MISSING.format(given=_GIVEN, before=BEFORE, table=table, ours=OURS)
    first, _ = json.JSONDecoder().raw_decode(given.decode(), 1)
    key = [identifier(column) for column in first if column != LEFT]
    same = " AND ".join(f"CAST(t.{column} AS text) = g.{column}" for column in key)
    columns = ", ".join(f"{column} text" for column in key)
    return _THERE_AGAIN.format(given=_GIVEN, table=table, columns=columns, same=same, ours=OURS) if key else ""


def _asked(wire: Wire, sql: bytes, given: list[bytes | None]) -> bytes:
    return wire.call(lambda: wire.pgconn.send_query_params(sql, given)).get_value(0, 0) or b"0"


def _parts(item: Statement) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """The number of each part that changes a table, the kind of its statement, and that table as it is named there."""
    for entry in item.node.get("withClause", {}).get("ctes", ()):
        cte = entry["CommonTableExpr"]
        (kind, query), *_ = cte["ctequery"].items()
        if cte["ctename"].startswith(PUT) and kind != "SelectStmt":
            yield int(cte["ctename"].removeprefix(PUT)), kind, query["relation"]
