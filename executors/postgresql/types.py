"""Names of the types of a result's columns, as the server itself writes them."""

from __future__ import annotations

from psycopg.pq.abc import PGresult

from executors.base import Column
from executors.postgresql.wire import Wire

# Types with a lower oid come with the server and never change their name.
_FIRST_USER_OID = 16384

# The protocol names a domain by its base type; the column it comes from knows the domain.
_QUERY = b"""
SELECT pg_catalog.format_type(coalesce(a.atttypid, x.type), CASE WHEN a.atttypid IS NULL THEN x.modifier ELSE -1 END)
FROM ROWS FROM (pg_catalog.unnest($1::oid[]), pg_catalog.unnest($2::int4[]), pg_catalog.unnest($3::oid[]),
  pg_catalog.unnest($4::int2[])) WITH ORDINALITY AS x(type, modifier, relation, attribute, number)
LEFT JOIN (pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid AND t.typtype = 'd')
  ON a.attrelid = x.relation AND a.attnum = x.attribute
ORDER BY x.number
"""

_built_in: dict[tuple[int, int], str] = {}


def columns(wire: Wire, described: PGresult) -> list[Column]:
    """The columns of a described statement. Asks the server only about types that may have a name of their own."""
    width = range(described.nfields)
    names = [(described.fname(i) or b"").decode("utf-8", "replace") for i in width]
    keys = [(described.ftype(i), described.fmod(i)) for i in width]
    plain = all(described.ftable(i) == 0 for i in width)
    if plain and all(key in _built_in for key in keys):
        return [Column(name, _built_in[key]) for name, key in zip(names, keys, strict=True)]
    types = _ask(wire, described)
    if plain:
        _built_in.update((key, name) for key, name in zip(keys, types, strict=True) if key[0] < _FIRST_USER_OID)
    return [Column(name, type_) for name, type_ in zip(names, types, strict=True)]


def _ask(wire: Wire, described: PGresult) -> list[str]:
    if described.nfields == 0:
        return []
    parts = (described.ftype, described.fmod, described.ftable, described.ftablecol)
    arrays = [_array([part(i) for i in range(described.nfields)]) for part in parts]
    result = wire.call(lambda: wire.pgconn.send_query_params(_QUERY, arrays))
    return [(result.get_value(row, 0) or b"").decode() for row in range(result.ntuples)]


def _array(numbers: list[int]) -> bytes:
    # -1 stands for "no such column" in some servers' answers about system columns; as an oid or int2 it is harmless.
    return ("{" + ",".join(map(str, numbers)) + "}").encode()
