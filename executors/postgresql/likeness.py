"""What somebody may have meant by a name that the database does not know."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from executors.postgresql.dependencies import text_array
from executors.postgresql.wire import Wire

# A name may be compared with so many others, of nearly its own length, while somebody waits.
_MOST_NAMES = 5000
_LENGTH_APART = 3
_ALIKE = 0.6

_PART = r'(?:"(?:[^"]|"")+"|[\w$]+)'
_NAME = re.compile(rf"{_PART}(?:\s*\.\s*{_PART})*")
_EACH = re.compile(_PART)
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")

# What SQLSTATE says is not there → every name of that kind: as it would be written, and to compare with.
_RELATIONS = b"""
SELECT CASE WHEN s.nspname = ANY (pg_catalog.current_schemas(true)) AND $2 = '' THEN '' ELSE s.nspname END, c.relname
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND s.nspname !~ '^pg_(toast|temp)'
  AND (s.nspname NOT IN ('pg_catalog', 'information_schema') OR $1 LIKE 'pg\\_%')
  AND pg_catalog.has_schema_privilege(s.oid, 'USAGE')
  AND pg_catalog.abs(pg_catalog.length(c.relname::text) - pg_catalog.length($1)) <= 3
ORDER BY coalesce(pg_catalog.array_position(pg_catalog.current_schemas(true), s.nspname), 2147483647), c.relname
LIMIT 5000
"""
_FUNCTIONS = b"""
SELECT DISTINCT '', p.proname FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace s ON s.oid = p.pronamespace
WHERE (s.nspname = ANY (pg_catalog.current_schemas(true)) OR s.nspname = $2)
  AND pg_catalog.abs(pg_catalog.length(p.proname::text) - pg_catalog.length($1)) <= 3 LIMIT 5000
"""
_TYPES = b"""
SELECT DISTINCT '', v.name
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace s ON s.oid = t.typnamespace,
  LATERAL (VALUES (t.typname::text), (pg_catalog.format_type(t.oid, NULL))) v(name)
WHERE s.nspname = ANY (pg_catalog.current_schemas(true)) AND v.name !~ '^_|[][ .]' AND $2::text IS NOT NULL
  AND pg_catalog.abs(pg_catalog.length(v.name) - pg_catalog.length($1)) <= 3 LIMIT 5000
"""
_SCHEMAS = b"""
SELECT '', s.nspname FROM pg_catalog.pg_namespace s
WHERE s.nspname !~ '^pg_(toast|temp)' AND $2::text IS NOT NULL
  AND pg_catalog.abs(pg_catalog.length(s.nspname::text) - pg_catalog.length($1)) <= 3 LIMIT 5000
"""
_BY_STATE = {"42P01": _RELATIONS, "42883": _FUNCTIONS, "42704": _TYPES, "3F000": _SCHEMAS}

_COLUMNS = b"""
SELECT DISTINCT a.attname FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
WHERE c.relname = ANY ($1::text[]) AND a.attnum > 0 AND NOT a.attisdropped LIMIT 5000
"""


def written_at(text: str, at: int) -> tuple[str, ...]:
    """The name that stands at a character of a statement, its parts as the server folds them; () for anything else."""
    match = _NAME.match(text, at)
    return tuple(map(_folded, _EACH.findall(match[0]))) if match else ()


def meant(wire: Wire, state: str, name: Sequence[str]) -> str:
    """The name most like `name` of what SQLSTATE `state` says is missing, as it would be written; "" when none is."""
    sql = _BY_STATE.get(state)
    if sql is None or not name:
        return ""
    *schema, own = name[:1] if state == "3F000" else name
    result = wire.call(lambda: wire.pgconn.send_query_params(sql, [own.encode(), ".".join(schema).encode()]))
    known: dict[str, str] = {}
    for row in range(result.ntuples):
        place, found = ((result.get_value(row, column) or b"").decode() for column in range(2))
        known.setdefault(found, f"{_quoted(place)}.{_quoted(found)}" if place else _quoted(found))
    if own in known and not known[own].count("."):
        return ""  # it is there: something else about it is wrong, such as its arguments
    return known.get(closest(own, list(known)), "")


def meant_column(wire: Wire, relations: Sequence[str], name: str) -> str:
    """The column of one of the relations most like `name`, as it would be written; "" when none is."""
    result = wire.call(lambda: wire.pgconn.send_query_params(_COLUMNS, [text_array(relations)]))
    known = [(result.get_value(row, 0) or b"").decode() for row in range(result.ntuples)]
    found = closest(name, [column for column in known if abs(len(column) - len(name)) <= _LENGTH_APART])
    return _quoted(found) if found else ""


def closest(name: str, known: Sequence[str]) -> str:
    """The most alike of some names; "" when none is alike."""
    return next(iter(difflib.get_close_matches(name, known[:_MOST_NAMES], n=1, cutoff=_ALIKE)), "")


def _folded(part: str) -> str:
    return part[1:-1].replace('""', '"') if part.startswith('"') else part.lower()


def _quoted(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'
