"""Changes of the schema that write a table anew, row by row, while nobody else may read or write it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from executors.base import FindingCode, Severity
from executors.postgresql.findings.altering import altered, constraints
from executors.postgresql.findings.known import Column, Kind, Table
from executors.postgresql.findings.looked import Looked, Notice, about
from executors.postgresql.reading.conditions.literals import constant
from executors.postgresql.reading.conditions.trees import walk
from executors.postgresql.reading.parse import Node
from executors.postgresql.reading.scopes import qualified, strings

# As `format_type` calls the types whose conversions are known here.
_CALLED = {
    "bool": "boolean", "bpchar": "character", "bytea": "bytea", "date": "date", "float4": "real",
    "float8": "double precision", "int2": "smallint", "int4": "integer", "int8": "bigint", "json": "json",
    "jsonb": "jsonb", "numeric": "numeric", "text": "text", "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone", "uuid": "uuid", "varchar": "character varying",
}  # fmt: skip
_SAME_BYTES = {frozenset({"text", "varchar"})}
# Whether these differ at all hangs on the time zone of the session.
_PERHAPS = {frozenset({"timestamp", "timestamptz"})}
# As many digits of a second as there are.
_FINEST = 6
_ANOTHER_EACH_TIME = frozenset(
    {"clock_timestamp", "gen_random_uuid", "nextval", "random", "random_normal", "timeofday", "uuidv4", "uuidv7"}
)
_SERIAL = frozenset({"serial", "serial2", "serial4", "serial8", "bigserial", "smallserial"})
_STORAGE = {"AT_SetLogged": "SET LOGGED", "AT_SetUnLogged": "SET UNLOGGED", "AT_SetAccessMethod": "SET ACCESS METHOD"}
_SIZE = re.compile(r"\(([\d,]+)\)")
_HINT = "Ask the owner of the database for a quiet time"


def rewrites_for_type(looked: Looked) -> Iterator[Notice]:
    """ALTER COLUMN … TYPE to a type that is stored otherwise."""
    for command, table in altered(looked):
        column = table.columns.get(command.name)
        if command.kind != "AT_AlterColumnType" or column is None or not _stored_anew(column, command.column):
            continue
        hint = f"{_HINT}, or add a column of the new type, fill it in parts, and rename it."
        yield _rewrite(looked, table, f"Giving {column.name} another type than {column.type}", hint, command.column)


def rewrites_for_column(looked: Looked) -> Iterator[Notice]:
    """ADD COLUMN with a value of its own for each row. A default that is the same for all is stored once."""
    for command, table in altered(looked):
        why = _own_value(command.column) if command.kind == "AT_AddColumn" else ""
        if why:
            name = command.column.get("colname", "")
            hint = f"{_HINT}, or add the column without it, and fill it in parts."
            yield _rewrite(looked, table, f"Adding {name} with {why}", hint, command.column)


def rewrites_for_storage(looked: Looked) -> Iterator[Notice]:
    """SET LOGGED, SET UNLOGGED and SET ACCESS METHOD."""
    for command, table in altered(looked):
        if command.kind in _STORAGE and table.kind is Kind.TABLE:
            yield _rewrite(
                looked, table, f"{_STORAGE[command.kind]}, where it is not so yet,", f"{_HINT}.", command.node
            )


def _rewrite(looked: Looked, table: Table, what: str, hint: str, node: Node) -> Notice:
    rows = f", {about(table.rows)} rows" if table.rows else ""
    message = f"{what} writes all of {table.name} anew{rows}: nobody reads or writes it meanwhile."
    severity = Severity.WARNING if looked.is_large(table) else Severity.INFO
    return Notice(FindingCode.REWRITES_TABLE, severity, message, hint, node.get("location"))


# --- types ------------------------------------------------------------------------------------------------------


def _stored_anew(column: Column, new: Node) -> bool:
    """Whether every row is certain to be written again. Of types that are not known here nothing is said."""
    written = new.get("typeName", {})
    schema, name = qualified(strings(written.get("names", ())))
    known = schema in {"", "pg_catalog"} and "arrayBounds" not in written and not written.get("setof")
    if not known or name not in _CALLED or _SIZE.sub("", column.type) != _CALLED.get(column.base):
        return False
    if "raw_default" in new and not _is_cast_of(new["raw_default"], column.name):
        return True
    if name != column.base:
        return frozenset({name, column.base}) not in _PERHAPS and not _keeps(column, name, _sizes(written))
    return not _room(name, _old_sizes(column), _sizes(written))


def _keeps(column: Column, name: str, sizes: Sequence[int]) -> bool:
    """`varchar` to `text` and back, without a length to be held."""
    return frozenset({name, column.base}) in _SAME_BYTES and not sizes


def _room(name: str, old: Sequence[int], new: Sequence[int]) -> bool:
    """Whether the same type with another size holds every value as it is stored."""
    if old == new or (not new and name != "bpchar"):
        return True
    if name == "numeric" and old and new:
        return new[0] >= old[0] and (*new, 0)[1] == (*old, 0)[1]
    if name in {"timestamp", "timestamptz"}:
        return new[0] >= (*old, _FINEST)[0]
    return name == "varchar" and bool(old) and new[0] >= old[0]


def _is_cast_of(using: Node, column: str) -> bool:
    """`USING column` or `USING column::type`: the conversion that would be made without it."""
    inner = using.get("TypeCast", {}).get("arg", using)
    return strings(inner.get("ColumnRef", {}).get("fields", ())) == [column]


def _old_sizes(column: Column) -> list[int]:
    match = _SIZE.search(column.type)
    return [int(part) for part in match[1].split(",")] if match else []


def _sizes(written: Node) -> list[int]:
    found = [constant(part.get("A_Const", {})) for part in written.get("typmods", ())]
    return [int(size) for size in found if isinstance(size, Decimal)]


# --- values of their own ------------------------------------------------------------------------------------------


def _own_value(column: Node) -> str:
    """Why each row gets another value of an added column; "" where it does not, or nobody knows."""
    found = constraints(column)
    _, kind = qualified(strings(column.get("typeName", {}).get("names", ())))
    if kind in _SERIAL or "IDENTITY" in found:
        return "a number for each row"
    if found.get("GENERATED", {}).get("generated_kind", "s") == "s" and "GENERATED" in found:
        return "a computed value for each row"
    default = found.get("DEFAULT", {}).get("raw_expr", {})
    for part, node in walk(default):
        if part == "FuncCall":
            schema, name = qualified(strings(node["funcname"]))
            if schema in {"", "pg_catalog"} and name in _ANOTHER_EACH_TIME:
                return f"another {name}() for each row"
    return ""
