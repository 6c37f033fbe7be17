"""How tables are built, in one digest: it differs once anything was changed that a write of them could meet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from executors.postgresql.dependencies import text_array
from executors.postgresql.wire import Wire

# Rows of the catalogue as they are, not the server's descriptions of them: making those can wait for a lock, which a
# rehearsal that alters the table holds itself.
_QUERY = b"""
WITH RECURSIVE named AS (
  SELECT c.oid FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) w(schema, name)
  JOIN pg_catalog.pg_class c ON c.relname = w.name JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND CASE w.schema WHEN '' THEN pg_catalog.pg_table_is_visible(c.oid) ELSE n.nspname = w.schema END
), part AS (
  SELECT oid FROM named UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN part ON part.oid = i.inhparent
), fired AS (
  SELECT t.* FROM pg_catalog.pg_trigger t JOIN part ON part.oid = t.tgrelid
), fact (words) AS (
  SELECT ROW('table', c.oid, c.relnamespace, c.relname, c.relkind, c.relpersistence, c.relrowsecurity,
    c.relforcerowsecurity, c.relowner, c.relpartbound)::text FROM pg_catalog.pg_class c JOIN part USING (oid)
  UNION ALL SELECT ROW('column', a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.atthasdef,
    a.attidentity, a.attgenerated, a.attisdropped, a.attcollation)::text
    FROM pg_catalog.pg_attribute a JOIN part ON part.oid = a.attrelid WHERE a.attnum > 0
  UNION ALL SELECT ROW('default', d)::text FROM pg_catalog.pg_attrdef d JOIN part ON part.oid = d.adrelid
  UNION ALL SELECT ROW('constraint', k)::text FROM pg_catalog.pg_constraint k
    WHERE k.conrelid IN (SELECT oid FROM part) OR k.confrelid IN (SELECT oid FROM part)
  UNION ALL SELECT ROW('trigger', fired)::text FROM fired
  UNION ALL SELECT ROW('function', p.oid, p.prosrc, p.proconfig, p.prosecdef, p.provolatile, p.probin)::text
    FROM pg_catalog.pg_proc p WHERE p.oid IN (SELECT tgfoid FROM fired)
  UNION ALL SELECT ROW('rule', r)::text FROM pg_catalog.pg_rewrite r JOIN part ON part.oid = r.ev_class
  UNION ALL SELECT ROW('index', i)::text FROM pg_catalog.pg_index i JOIN part ON part.oid = i.indrelid
  UNION ALL SELECT ROW('policy', p)::text FROM pg_catalog.pg_policy p JOIN part ON part.oid = p.polrelid
  UNION ALL SELECT ROW('part', i.inhparent, i.inhrelid)::text
    FROM pg_catalog.pg_inherits i JOIN part ON part.oid = i.inhrelid
)
SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
  coalesce(pg_catalog.string_agg(words, E'\\n' ORDER BY words COLLATE "C"), ''), 'UTF8')), 'hex') FROM fact
"""


def digest(wire: Wire, tables: Iterable[str]) -> str:
    """What these tables are made of, their parts included: columns, defaults, keys (of others to them as well),
    triggers and what they call, rules, policies, indexes. A name is looked for with its schema and without.
    """
    asked = sorted({place for name in tables for place in _places(name)})
    parameters = [text_array([schema for schema, _ in asked]), text_array([name for _, name in asked])]
    result = wire.call(lambda: wire.pgconn.send_query_params(_QUERY, parameters))
    return (result.get_value(0, 0) or b"").decode()


def _places(name: str) -> Iterator[tuple[str, str]]:
    """Where a table of this name may be: a schema, "" for the search path, and its name there."""
    yield "", name
    for at, sign in enumerate(name):
        if sign == ".":
            yield name[:at], name[at + 1 :]
