"""The catalogue asked about the tables that some statements name: one round trip, whatever is asked.

Each question is a statement of its own, because planning a join of everything costs more than all of them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from itertools import repeat
from typing import Any, TypeAlias

from psycopg import pq
from psycopg.pq.abc import PGresult

from executors.postgresql.findings.known import Column, Dependent, ForeignKey, Index, Kind, Rule, Table, Trigger
from executors.postgresql.reading import rules
from executors.postgresql.reading.scopes import Relation
from executors.postgresql.wire import Wire

# More are not asked about: nobody reads a text of so many tables by its findings.
MOST_TABLES = 50
# How far the cascades of a DELETE are followed.
_FOLLOWED = 4


class Depth(IntEnum):
    """How much is asked: what a read, a write, or a change of the schema may meet."""

    READ = 1
    WRITE = 2
    SCHEMA = 3


_Cells: TypeAlias = Sequence[Any]

# Before 14 a table that was never counted has 0 rows, as an empty one has.
_TABLES = """
SELECT w.n, c.oid, s.nspname, c.relname, c.relkind, c.relispartition, c.relhassubclass,
  pg_catalog.array_to_json(p.partattrs::int2[]), c.relpages::bigint * pg_catalog.current_setting('block_size')::bigint,
  CASE WHEN c.relkind = 'p' THEN (SELECT CASE WHEN pg_catalog.min(l.reltuples) >= 0 THEN pg_catalog.sum(l.reltuples) END
    FROM pg_catalog.pg_partition_tree(c.oid) t JOIN pg_catalog.pg_class l ON l.oid = t.relid AND t.isleaf)::bigint
  WHEN c.reltuples > 0 OR (c.reltuples = 0 AND c.relkind IN ('r', 'm')
    AND (c.relpages > 0 OR pg_catalog.current_setting('server_version_num')::int >= 140000))
    THEN c.reltuples::bigint END,
  c.relrowsecurity, CASE WHEN c.relhasrules THEN (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_array(r.rulename, r.ev_type, r.is_instead) ORDER BY r.rulename)
    FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type <> '1' AND r.ev_enabled IN ('O', 'A')) END
FROM pg_catalog.unnest({tables}) WITH ORDINALITY w(oid, n)
JOIN pg_catalog.pg_class c ON c.oid = w.oid AND c.oid >= 16384
JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = c.oid
"""
_COLUMNS = """
SELECT a.attrelid, a.attnum, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
  coalesce(b.typname, t.typname), a.attnotnull OR t.typnotnull, a.attgenerated <> '', a.attidentity <> '', a.atthasdef
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype
WHERE a.attrelid = ANY ({tables}) AND a.attrelid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
"""
_INDEXES = """
SELECT i.indrelid, c.relname, m.amname, pg_catalog.array_to_json(i.indkey::int2[]), i.indnkeyatts, i.indisunique,
  i.indisprimary, coalesce(pg_catalog.pg_get_expr(i.indexprs, i.indrelid), ''),
  coalesce(pg_catalog.pg_get_expr(i.indpred, i.indrelid), '')
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_am m ON m.oid = c.relam
WHERE i.indrelid = ANY ({tables}) AND i.indrelid >= 16384 AND i.indisvalid ORDER BY i.indrelid, c.relname
"""
# Those of a partition fire for its rows, also where the whole is named; what it has of the whole is told there.
_TRIGGERS = """
SELECT w.named, t.tgname, p.proname, t.tgtype, pg_catalog.array_to_json(t.tgattr::int2[]), t.tgqual IS NOT NULL,
  CASE WHEN t.tgrelid <> w.named THEN t.tgrelid::pg_catalog.regclass::text ELSE '' END
FROM (SELECT c.oid AS named, coalesce(l.relid, c.oid) AS oid FROM pg_catalog.pg_class c
  LEFT JOIN LATERAL pg_catalog.pg_partition_tree(c.oid) l ON c.relkind = 'p'
  WHERE c.oid = ANY ({tables}) AND c.oid >= 16384) w
JOIN pg_catalog.pg_trigger t ON t.tgrelid = w.oid JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
  AND (t.tgrelid = w.named OR t.tgparentid = 0 AND t.tgtype::int & 1 = 1)
ORDER BY w.named, t.tgname, t.tgrelid
"""
# Both ends of a foreign key have triggers of the server's own: they are found by an index, the key itself is not.
_FOREIGN_KEYS = """
WITH RECURSIVE reached (oid, depth) AS (
  SELECT t.tgconstraint, 1 FROM pg_catalog.pg_trigger t
  WHERE t.tgrelid = ANY ({tables}) AND t.tgisinternal AND t.tgconstraint <> 0
  UNION
  SELECT t.tgconstraint, r.depth + 1 FROM reached r
  JOIN pg_catalog.pg_constraint k ON k.oid = r.oid AND k.contype = 'f' AND k.confdeltype = 'c'
  JOIN pg_catalog.pg_trigger t ON t.tgrelid = k.conrelid AND t.tgisinternal AND t.tgconstraint <> 0
  WHERE r.depth < {depth})
SELECT k.conname, k.conrelid, k.confrelid, k.conrelid::pg_catalog.regclass, k.confrelid::pg_catalog.regclass,
  (SELECT pg_catalog.json_agg(a.attname ORDER BY pg_catalog.array_position(k.conkey, a.attnum))
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)),
  (SELECT pg_catalog.json_agg(a.attname ORDER BY pg_catalog.array_position(k.confkey, a.attnum))
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey)),
  k.confdeltype, k.confupdtype,
  (SELECT CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint END FROM pg_catalog.pg_class c WHERE c.oid = k.conrelid),
  EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indpred IS NULL
    AND (i.indkey::int2[])[0:pg_catalog.cardinality(k.conkey) - 1] @> k.conkey), k.convalidated
FROM (SELECT oid, pg_catalog.min(depth) AS depth FROM reached GROUP BY oid) r
JOIN pg_catalog.pg_constraint k ON k.oid = r.oid AND k.contype = 'f' AND k.conparentid = 0
ORDER BY r.depth, k.conname
"""
_VIEWS = """
SELECT d.refobjid, c.oid::pg_catalog.regclass, c.relkind = 'm',
  pg_catalog.json_agg(DISTINCT d.refobjsubid) FILTER (WHERE d.refobjsubid > 0)
FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
JOIN pg_catalog.pg_class c ON c.oid = r.ev_class AND c.relkind IN ('v', 'm')
WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  AND d.refobjid = ANY ({tables}) AND d.refobjid >= 16384 AND c.oid <> d.refobjid
GROUP BY 1, c.oid, c.relname, c.relkind ORDER BY 1, c.relname
"""
# A question that nothing hangs on is not asked: planning it costs more than its answer.
_EVERYTHING = (_TABLES, _COLUMNS, _INDEXES, _TRIGGERS, _FOREIGN_KEYS, _VIEWS)
_QUESTIONS = {Depth.READ: _EVERYTHING[:3], Depth.WRITE: _EVERYTHING[:5], Depth.SCHEMA: _EVERYTHING}

_ACTIONS = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
_RULED = {"2": "UPDATE", "3": "INSERT", "4": "DELETE"}
# The bits of pg_trigger.tgtype.
_ROW, _BEFORE = 1, 2
_EVENTS = {4: "INSERT", 8: "DELETE", 16: "UPDATE", 32: "TRUNCATE"}


def ask(wire: Wire, relations: Iterable[Relation], depth: Depth) -> dict[Relation, Table]:
    """The tables and views among `relations` (as written) that are there. Raises `ExecutionError`.

    The server's own are never among them, nor any behind the first fifty. Triggers and foreign keys are told from
    `Depth.WRITE` on, views that stand on them with `Depth.SCHEMA`.
    """
    asked = sorted({one for one in relations if one.name and one.schema not in rules.OWN_SCHEMAS})[:MOST_TABLES]
    if not asked:
        return {}
    escaping = pq.Escaping(wire.pgconn)
    names = (escaping.escape_literal(_quoted(relation).encode()).decode() for relation in asked)
    tables = f"ARRAY[{', '.join(f'pg_catalog.to_regclass({name})::oid' for name in names)}]"
    sql = ";".join(question.format(tables=tables, depth=_FOLLOWED) for question in _QUESTIONS[depth])
    answers = [_rows(result) for result in wire.results(lambda: wire.pgconn.send_query(sql.encode()))]
    return _tables(asked, [*answers, *repeat([], len(_EVERYTHING) - len(answers))])


def _quoted(relation: Relation) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in relation if part)


def _rows(result: PGresult) -> list[_Cells]:
    return [
        [None if (cell := result.get_value(row, at)) is None else cell.decode() for at in range(result.nfields)]
        for row in range(result.ntuples)
    ]


def _tables(asked: Sequence[Relation], answers: Sequence[Sequence[_Cells]]) -> dict[Relation, Table]:
    tables, columns, indexes, triggers, keys, views = answers
    attributes: dict[str, dict[int, Column]] = defaultdict(dict)
    for oid, number, *cells in columns:
        attributes[oid][int(number)] = _column(cells)
    names = {oid: {number: column.name for number, column in found.items()} for oid, found in attributes.items()}
    none: dict[int, str] = {}
    of_table = (
        _by_table((oid, _index(cells, names.get(oid, none))) for oid, *cells in indexes),
        _by_table((oid, _trigger(cells, names.get(oid, none))) for oid, *cells in triggers),
        _by_table((cells[1], _foreign_key(cells)) for cells in keys),
        _by_table((oid, _dependent(cells, names.get(oid, none))) for oid, *cells in views),
    )
    inwards = [(cells[2], cells[1], _foreign_key(cells)) for cells in keys]
    found: dict[Relation, Table] = {}
    for n, oid, *cells in tables:
        parts = [tuple(part.get(oid, ())) for part in of_table]
        found[asked[int(n) - 1]] = _table(cells, attributes[oid], parts, _reach(oid, inwards))
    return found


def _table(
    cells: _Cells, columns: Mapping[int, Column], parts: Sequence[tuple[Any, ...]], reached: tuple[ForeignKey, ...]
) -> Table:
    schema, name, kind, is_partition, has_children, key, size, rows, secured, ruled = cells
    indexes, triggers, references, views = parts
    names = {number: column.name for number, column in columns.items()}
    return Table(
        schema=schema,
        name=name,
        kind=Kind(kind),
        rows=None if rows is None else int(rows),
        bytes=int(size),
        is_partition=is_partition == "t",
        has_children=has_children == "t",
        partition_key=_named(key, names),
        columns={column.name: column for column in columns.values()},
        indexes=indexes,
        triggers=triggers,
        references=references,
        referenced_by=reached,
        views=views,
        row_security=secured == "t",
        rules=tuple(Rule(*rule) for rule in _rules(ruled)),
    )


def _rules(told: str | None) -> Iterator[tuple[str, str, bool]]:
    for name, event, instead in json.loads(told) if told else ():
        yield name, _RULED[event], instead


def _by_table(pairs: Iterable[tuple[str, Any]]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for oid, part in pairs:
        found[oid].append(part)
    return found


def _reach(oid: str, inwards: Sequence[tuple[str, str, ForeignKey]]) -> tuple[ForeignKey, ...]:
    """The keys to a table, and to those whose rows a DELETE takes along; each once."""
    found: dict[ForeignKey, None] = {}
    near = [oid]
    for at in near:
        for to, by, key in inwards:
            if to == at and key not in found:
                found[key] = None
                if key.on_delete == "CASCADE":
                    near.append(by)
    return tuple(found)


def _column(cells: _Cells) -> Column:
    name, written, base, *flags = cells
    return Column(name, written, base, *(flag == "t" for flag in flags))


def _index(cells: _Cells, names: Mapping[int, str]) -> Index:
    name, method, numbers, keys, unique, primary, expressions, predicate = cells
    columns = _named(numbers, names)
    cut = int(keys)
    flags = (unique == "t", primary == "t")
    return Index(name, method, columns[:cut], columns[cut:], *flags, expressions, predicate)


def _trigger(cells: _Cells, names: Mapping[int, str]) -> Trigger:
    name, function, kind, columns, conditional, partition = cells
    bits = int(kind)
    events = frozenset(event for bit, event in _EVENTS.items() if bits & bit)
    told = (bool(bits & _BEFORE), bool(bits & _ROW))
    return Trigger(name, function, events, *told, _named(columns, names), conditional == "t", partition)


def _dependent(cells: _Cells, names: Mapping[int, str]) -> Dependent:
    name, materialized, columns = cells
    return Dependent(name, materialized == "t", _named(columns, names))


def _foreign_key(cells: _Cells) -> ForeignKey:
    name, _, _, table, referenced, columns, others, on_delete, on_update, rows, indexed, valid = cells
    return ForeignKey(
        name=name,
        table=table,
        columns=tuple(json.loads(columns)),
        referenced=referenced,
        referenced_columns=tuple(json.loads(others)),
        on_delete=_ACTIONS[on_delete],
        on_update=_ACTIONS[on_update],
        rows=None if rows is None else int(rows),
        indexed=indexed == "t",
        valid=valid == "t",
    )


def _named(numbers: str | None, names: Mapping[int, str]) -> tuple[str, ...]:
    """The columns behind a JSON array of their numbers; "" for 0, which is an expression."""
    return tuple(_names_of(json.loads(numbers) if numbers else (), names))


def _names_of(numbers: Iterable[int], names: Mapping[int, str]) -> Iterator[str]:
    return (names.get(number, "") for number in numbers)
