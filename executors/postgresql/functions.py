"""Functions a read calls that are not PostgreSQL's own: the target knows whether they may write."""

from __future__ import annotations

from collections.abc import Sequence

from executors.base import Refused
from executors.postgresql.reading.facts import Function
from executors.postgresql.wire import Wire

_QUERY = b"""
SELECT pg_catalog.format('%I.%I', n.nspname, p.proname), p.prosecdef
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname <> 'pg_catalog' AND (p.provolatile = 'v' OR p.prosecdef) AND p.prokind <> 'a'
  AND (n.nspname || '.' || p.proname = ANY ($1::text[])
    OR (p.proname = ANY ($2::text[]) AND n.nspname = ANY (pg_catalog.current_schemas(true)))
    OR (p.proname = ANY ($3::text[]) AND n.nspname = ANY (pg_catalog.current_schemas(true))
      AND p.pronargs > 0 AND p.pronargs - p.pronargdefaults <= 1))
ORDER BY 1 LIMIT 1
"""


def check(wire: Wire, functions: Sequence[Function]) -> None:
    """Raise `Refused` if a function named in a read is volatile, or runs with its owner's rights.

    Names PostgreSQL has itself are asked about too: a schema of the target may overload them with other arguments.
    So are the names of columns written `x.name`, which call a function of one argument where there is no such column.
    """
    qualified = {f"{call.schema}.{call.name}" for call in functions if call.schema}
    bare = {call.name for call in functions if not call.schema and not call.as_column}
    columns = {call.name for call in functions if call.as_column}
    if not qualified and not bare and not columns:
        return
    arrays = [text_array(sorted(names)) for names in (qualified, bare, columns)]
    result = wire.call(lambda: wire.pgconn.send_query_params(_QUERY, arrays))
    if result.ntuples:
        name = (result.get_value(0, 0) or b"").decode()
        why = "runs with its owner's rights" if result.get_value(0, 1) == b"t" else "may change data (it is VOLATILE)"
        raise Refused(f"The function {name} {why}, so a read may not call it.")


def text_array(names: Sequence[str]) -> bytes:
    """The text of a PostgreSQL array of text."""
    quoted = ['"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"' for name in names]
    return ("{" + ",".join(quoted) + "}").encode()
