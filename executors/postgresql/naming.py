"""Asking the catalogue which of the things that statements name are not there."""

from __future__ import annotations

from collections.abc import Sequence

from executors.postgresql.dependencies import text_array
from executors.postgresql.reading.objects import Named
from executors.postgresql.wire import Wire

# $1 schemas ('' where none is written), $2 names, $3 the target's search path, $4 the parts that are meant of them.
_ASKED = b"""
SELECT w.n FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[]), pg_catalog.unnest($4::text[]))
  WITH ORDINALITY w(schema, name, part, n)
WHERE NOT EXISTS (SELECT FROM %s AND (s.nspname = w.schema OR w.schema = ''
  AND (s.nspname = ANY (pg_catalog.current_schemas(true)) OR s.nspname = ANY ($3::text[]))))
"""
_CLASS = b"pg_catalog.pg_class o JOIN pg_catalog.pg_namespace s ON s.oid = o.relnamespace"
_TYPE = b"pg_catalog.pg_type o JOIN pg_catalog.pg_namespace s ON s.oid = o.typnamespace"
_OF = {
    "relation": _CLASS + b" WHERE o.relname = w.name",
    "table": _CLASS + b" WHERE o.relname = w.name AND o.relkind IN ('r', 'p')",
    "view": _CLASS + b" WHERE o.relname = w.name AND o.relkind = 'v'",
    "materialized view": _CLASS + b" WHERE o.relname = w.name AND o.relkind = 'm'",
    "index": _CLASS + b" WHERE o.relname = w.name AND o.relkind IN ('i', 'I')",
    "sequence": _CLASS + b" WHERE o.relname = w.name AND o.relkind = 'S'",
    "column": _CLASS
    + b" JOIN pg_catalog.pg_attribute p ON p.attrelid = o.oid AND p.attname = w.part AND NOT p.attisdropped"
    + b" WHERE o.relname = w.name",
    "constraint": _CLASS
    + b" JOIN pg_catalog.pg_constraint p ON p.conrelid = o.oid AND p.conname = w.part WHERE o.relname = w.name",
    "trigger": _CLASS
    + b" JOIN pg_catalog.pg_trigger p ON p.tgrelid = o.oid AND p.tgname = w.part WHERE o.relname = w.name",
    "type": _TYPE + b" WHERE o.typname = w.name",
    "domain": _TYPE + b" WHERE o.typname = w.name AND o.typtype = 'd'",
    "constraint of a domain": _TYPE
    + b" JOIN pg_catalog.pg_constraint p ON p.contypid = o.oid AND p.conname = w.part WHERE o.typname = w.name",
    "value of an enum": _TYPE
    + b" JOIN pg_catalog.pg_enum p ON p.enumtypid = o.oid AND p.enumlabel = w.part WHERE o.typname = w.name",
    "statistics": b"pg_catalog.pg_statistic_ext o JOIN pg_catalog.pg_namespace s ON s.oid = o.stxnamespace"
    b" WHERE o.stxname = w.name",
    "schema": b"pg_catalog.pg_namespace s WHERE s.nspname = w.name",
    "any constraint": b"pg_catalog.pg_constraint o JOIN pg_catalog.pg_namespace s ON s.oid = o.connamespace"
    b" WHERE o.conname = w.name",
    "setting": b"pg_catalog.pg_settings o JOIN pg_catalog.pg_namespace s ON s.nspname = 'pg_catalog'"
    b" WHERE pg_catalog.lower(o.name) = pg_catalog.lower(w.name)",
}
UNKNOWN = {kind: _ASKED % of for kind, of in _OF.items()}
# Those with a part: missing where what they are a part of is missing, which is told by itself.
PARTS = {"column": "relation", "constraint": "relation", "trigger": "relation"}
PARTS |= {"constraint of a domain": "domain", "value of an enum": "type"}


def missing(wire: Wire, named: Sequence[Named], search_path: Sequence[str]) -> list[Named]:
    """Those that are not there, in their order; parts of what is not there itself are left out."""
    found: list[Named] = []
    for kind in UNKNOWN:
        of_kind = [one for one in named if one.kind == kind]
        if kind in PARTS:
            gone = {(one.schema, one.relation) for one in found}
            of_kind = [one for one in of_kind if (one.schema, one.relation) not in gone]
        if of_kind:
            found += _missing(wire, kind, of_kind, search_path)
    order = {one: place for place, one in reversed(list(enumerate(named)))}
    return sorted(found, key=order.__getitem__)


def _missing(wire: Wire, kind: str, named: Sequence[Named], search_path: Sequence[str]) -> list[Named]:
    lists = [[one.schema for one in named], [one.relation for one in named], list(search_path)]
    parameters = [text_array(part) for part in (*lists, [one.column for one in named])]
    result = wire.call(lambda: wire.pgconn.send_query_params(UNKNOWN[kind], parameters))
    return [named[int(result.get_value(row, 0) or b"1") - 1] for row in range(result.ntuples)]
