"""Which objects of the schema this transaction created, altered or dropped, as the catalogue tells from inside it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from executors.base import SchemaChange, SchemaVerb
from executors.postgresql.dependencies import text_array
from executors.postgresql.effect.counters import Counts
from executors.postgresql.reading.rules import LEAVES_CODE, RUNS_CODE
from executors.postgresql.wire import Wire

# Catalogue → what of it is an object of its own to people: indexes of constraints, row types and arrays are not.
_CATALOGUES = {
    "pg_class": "o.relnamespace <> 'pg_toast'::regnamespace AND (o.relkind NOT IN ('t', 'i', 'I', 'c') OR "
    "o.relkind <> 'c' AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = o.oid))",
    "pg_type": "o.typrelid = 0 AND NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.typarray = o.oid)",
    "pg_proc": "true",
    "pg_namespace": "o.nspname NOT LIKE 'pg\\_temp\\_%' AND o.nspname NOT LIKE 'pg\\_toast\\_temp\\_%'",
    "pg_constraint": "o.contype IN ('c', 'f', 'p', 'u', 'x')",
    "pg_trigger": "NOT o.tgisinternal",
    "pg_rewrite": "o.rulename <> '_RETURN'",
}
_OURS = (
    "pg_catalog.age(o.xmin) <= pg_catalog.age($1::text::xid) AND pg_catalog.pg_xact_status("
    "($2::text::bigint + pg_catalog.age($1::text::xid) - pg_catalog.age(o.xmin))::text::xid8) = 'in progress'"
)
# System tables that change only with an object of those, or that say nothing of the schema.
_BESIDE = frozenset({
    "pg_attribute", "pg_attrdef", "pg_depend", "pg_index", "pg_inherits", "pg_partitioned_table", "pg_sequence",
    "pg_shdepend", "pg_statistic", "pg_statistic_ext_data",
})  # fmt: skip
# A column is part of its table.
_COLUMNS = f"""
SELECT DISTINCT 'pg_catalog.pg_class'::regclass::oid, o.attrelid FROM pg_catalog.pg_attribute o
JOIN pg_catalog.pg_class c ON c.oid = o.attrelid AND c.relkind IN ('r', 'p', 'v', 'm', 'f') WHERE {_OURS}
"""
_TOUCHED = " UNION ".join(
    f"SELECT 'pg_catalog.{name}'::regclass::oid, o.oid FROM pg_catalog.{name} o WHERE ({of_its_own}) AND {_OURS}"
    for name, of_its_own in _CATALOGUES.items()
)
_HERE = f"""
SELECT class, object, pg_catalog.pg_describe_object(class, object, 0)
FROM ({_TOUCHED} UNION {_COLUMNS}) AS touched (class, object) ORDER BY 3 LIMIT 200
"""
_ALL = " UNION ALL ".join(
    f"SELECT 'pg_catalog.{name}'::regclass::oid AS class, o.oid AS object, o.xmax FROM pg_catalog.{name} o "
    f"WHERE ({of_its_own})"
    for name, of_its_own in _CATALOGUES.items()
)
_THERE = f"""
SELECT class, object, pg_catalog.pg_describe_object(class, object, 0)
FROM ({_ALL}) AS known WHERE class || '.' || object = ANY ($2::text[]) OR
  (xmax <> '0' AND pg_catalog.age(xmax) <= pg_catalog.age($1::text::xid)) ORDER BY 3 LIMIT 400
"""
_STORED = """
SELECT k, c.relfilenode::text, c.oid::regclass::text FROM pg_catalog.unnest($1::text[]) AS k
JOIN pg_catalog.pg_class c ON pg_catalog.split_part(k, '.', 1)::oid = 'pg_catalog.pg_class'::regclass
  AND c.oid = pg_catalog.split_part(k, '.', 2)::oid AND c.relkind = 'r'
"""
_STILL = " UNION ALL ".join(
    f"SELECT 'pg_catalog.{name}'::regclass::oid || '.' || o.oid FROM pg_catalog.{name} o WHERE o.oid = ANY ($1::oid[])"
    for name in _CATALOGUES
)


@dataclass(frozen=True, slots=True)
class Altered:
    """What a transaction did to the schema. `replaced` and `gone` name tables whose rows went with it."""

    changes: tuple[SchemaChange, ...] = ()
    replaced: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    def unseen(self, types: Collection[str]) -> tuple[str, ...]:
        """The tables whose rows went without a statement of these types that says so: a function did it.

        Beside code that the text itself runs or makes, nobody can tell which of the two it was.
        """
        if not (RUNS_CODE | LEAVES_CODE).isdisjoint(types):
            return *self.replaced, *self.gone
        replaced = () if "AlterTableStmt" in types else self.replaced
        return (*replaced, *(() if "DropStmt" in types else self.gone))


def changes(first: Wire, second: Wire, counted: Counts, truncated: Collection[int]) -> Altered:
    """What the transaction on `first` did to the schema; `second` sees it as everybody else still does.

    Of what is no object of the catalogues above (comments, large objects) the system table is told that it is kept in.
    `truncated` are the oids of tables whose rows were looked at before they were removed.
    """
    xid = counted.xid
    short = str(int(xid) % 2**32).encode()
    here = {f"{kind}.{oid}": what for kind, oid, what in _rows(first, _HERE, [short, xid.encode()])}
    there = {f"{kind}.{oid}": what for kind, oid, what in _rows(second, _THERE, [short, text_array(sorted(here))])}
    oids = sorted({key.split(".")[1] for key in there})
    gone = there.keys() - {key for (key,) in _rows(first, _STILL, [text_array(oids)])}
    seen = {key for key in here if int(key.split(".")[1]) in truncated}
    replaced = _replaced(first, second, here.keys() & there.keys()) - gone - seen
    found = [SchemaChange(SchemaVerb.DROPPED, what) for key, what in there.items() if key in gone]
    for key, what in here.items():
        verb = SchemaVerb.ALTERED if key in there else SchemaVerb.CREATED
        if key not in seen:
            found.append(SchemaChange(SchemaVerb.REPLACED if key in replaced else verb, what))
    beside = [name for name in counted.system if name not in _BESIDE and name not in _CATALOGUES]
    found += [SchemaChange(SchemaVerb.ALTERED, f"system table {name}") for name in beside]
    return Altered(tuple(found), _tables(second, replaced), _tables(second, gone))


def _replaced(first: Wire, second: Wire, keys: Iterable[str]) -> set[str]:
    """The tables whose rows are stored anew: truncated, or rewritten by an ALTER TABLE."""
    array: list[bytes | None] = [text_array(sorted(keys))]
    here = {key: file for key, file, _ in _rows(first, _STORED, array)}
    there = {key: file for key, file, _ in _rows(second, _STORED, array)}
    return {key for key in here.keys() & there.keys() if here[key] != there[key]}


def _tables(second: Wire, keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for _, _, name in _rows(second, _STORED, [text_array(sorted(keys))]))


def _rows(wire: Wire, sql: str, values: Sequence[bytes | None]) -> list[tuple[str, ...]]:
    result = wire.call(lambda: wire.pgconn.send_query_params(sql.encode(), list(values)))
    return [
        tuple((result.get_value(row, column) or b"").decode() for column in range(result.nfields))
        for row in range(result.ntuples)
    ]
