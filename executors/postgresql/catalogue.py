"""Which tables and columns a credential can read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from executors.base import Column, Reference, Table, Target
from executors.postgresql.dependencies import text_array
from executors.postgresql.reading.scopes import Relation
from executors.postgresql.wire import Wire

# Before 14 a table that was never counted has 0 rows, as an empty one has.
_QUERY = b"""
SELECT n.nspname, c.relname,
  CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' ELSE 'table' END,
  CASE WHEN c.reltuples >= 0 AND c.relkind IN ('r', 'm', 'p') AND (c.reltuples > 0 OR c.relpages > 0
    OR pg_catalog.current_setting('server_version_num')::int >= 140000) THEN c.reltuples::bigint END,
  a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnum = ANY(p.conkey), f.confrelid::regclass,
  pg_catalog.left(pg_catalog.obj_description(c.oid, 'pg_class'), 500)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_constraint p ON p.conrelid = c.oid AND p.contype = 'p'
LEFT JOIN LATERAL (SELECT k.confrelid FROM pg_catalog.pg_constraint k
  WHERE k.conrelid = c.oid AND k.contype = 'f' AND a.attnum = ANY(k.conkey) ORDER BY k.oid LIMIT 1) f ON true
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%'
  AND n.nspname NOT LIKE 'pg\\_temp\\_%'
  AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
  AND (pg_catalog.has_table_privilege(c.oid, 'SELECT') OR pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT'))
ORDER BY coalesce(pg_catalog.array_position($1::text[], n.nspname::text), 2147483647), n.nspname, c.relname, a.attnum
LIMIT 200000
"""


_COLUMNS = b"""
SELECT w.n, a.attname FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[]))
  WITH ORDINALITY w(schema, name, n)
JOIN pg_catalog.pg_class c ON c.relname = w.name JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE s.nspname = w.schema OR w.schema = '' AND pg_catalog.pg_table_is_visible(c.oid)
"""


def tables(wire: Wire, target: Target) -> tuple[Table, ...]:
    """What the role of `wire` may SELECT, the target's schemas first in their order."""
    result = wire.call(lambda: wire.pgconn.send_query_params(_QUERY, [text_array(target.search_path)]))
    rows = [
        tuple(value.decode() if (value := result.get_value(row, i)) is not None else None for i in range(9))
        for row in range(result.ntuples)
    ]
    return tuple(_table(list(group)) for _, group in groupby(rows, key=lambda row: row[:4]))


def _table(rows: Sequence[tuple[str | None, ...]]) -> Table:
    """One table of a row for each of its columns."""
    schema, name, kind, estimate = rows[0][:4]
    return Table(
        str(schema),
        str(name),
        str(kind),
        tuple(Column(str(row[4]), str(row[5])) for row in rows),
        _number(estimate),
        tuple(str(row[4]) for row in rows if row[6] == "t"),
        tuple(Reference(str(row[4]), row[7]) for row in rows if row[7] is not None),
        rows[0][8] or "",
    )


def columns(wire: Wire, relations: Iterable[Relation]) -> dict[str, list[str]]:
    """The columns of relations by their names as given, for those that are there."""
    asked = list(relations)
    parameters = [text_array([relation.schema for relation in asked]), text_array([one.name for one in asked])]
    result = wire.call(lambda: wire.pgconn.send_query_params(_COLUMNS, parameters))
    found: dict[str, list[str]] = {}
    for row in range(result.ntuples):
        number, name = ((result.get_value(row, column) or b"").decode() for column in range(2))
        found.setdefault(str(asked[int(number) - 1]), []).append(name)
    return found


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)
