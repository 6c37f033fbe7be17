"""The tables a transaction has changed, as the catalogue describes them inside that transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from executors.base import Column, Image
from executors.postgresql.wire import Wire

_QUERY = """
SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
  'oid', c.oid::bigint, 'root', r.oid::bigint, 'kind', c.relkind, 'schema', n.nspname, 'name', r.relname,
  'parts', r.relkind = 'p', 'visible', pg_catalog.pg_table_is_visible(r.oid),
  'leaf', pg_catalog.format('%I.%I', cn.nspname, c.relname),
  'hidden', pg_catalog.row_security_active(c.oid),
  'locked', EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.pid = pg_catalog.pg_backend_pid()
    AND l.relation = c.oid AND l.mode = 'AccessExclusiveLock'),
  'deferrable', EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = r.oid AND NOT i.indimmediate),
  'ordinary', c.relkind IN ('r', 'p') AND NOT c.relhasrules AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      AND NOT pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')),
  'columns', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
      'generated', a.attgenerated <> '', 'identity', a.attidentity = 'a') ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped),
  'key', (SELECT pg_catalog.json_agg(a.attname ORDER BY k.number)
    FROM pg_catalog.pg_index i, pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, number)
    JOIN pg_catalog.pg_attribute a ON a.attnum = k.attnum
    WHERE i.indrelid = r.oid AND i.indisprimary AND a.attrelid = r.oid)))
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
JOIN pg_catalog.pg_class r ON r.oid = coalesce(pg_catalog.pg_partition_root(c.oid), c.oid)
JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
WHERE c.oid = """
_BY_OID = f"{_QUERY} ANY ($1::oid[])".encode()
_BY_NAME = f"{_QUERY} pg_catalog.to_regclass($1)".encode()


@dataclass(frozen=True, slots=True)
class Relation:
    """A table with rows of its own. A partition has the name, columns and key of the table it is a part of (`root`),
    which `parts` tells.

    `leaf` is the quoted name of the part; `hidden`: row security hides rows of it from this login; `locked`: this
    transaction keeps everybody else, our own second look included, from reading it; `ordinary`: no rule rewrites its
    statements, and this login may read every column.
    """

    oid: int
    root: int
    schema: str
    name: str
    visible: bool
    leaf: str
    hidden: bool
    locked: bool
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    generated: tuple[str, ...]
    identity: tuple[str, ...]
    parts: bool
    deferrable: bool
    ordinary: bool

    @property
    def shown(self) -> str:
        """The name as people write it: with its schema where it needs one."""
        return self.name if self.visible else f"{self.schema}.{self.name}"

    @property
    def image(self) -> Image:
        """What an undo needs to know of it."""
        names = (self.columns, self.key, self.generated, self.identity)
        return Image(self.schema, self.name, *names, self.parts, self.deferrable)


def relations(wire: Wire, oids: Iterable[int]) -> tuple[Relation, ...]:
    """The tables with these oids, by name. One that is gone again is left out."""
    array = ("{" + ",".join(map(str, oids)) + "}").encode()
    found = _found(wire, _BY_OID, array)
    return tuple(sorted(found, key=lambda relation: (relation.schema, relation.name, relation.oid)))


def named(wire: Wire, name: str) -> Relation | None:
    """The table with this quoted name, whatever the search path makes of it."""
    return next(iter(_found(wire, _BY_NAME, name.encode())), None)


def _found(wire: Wire, sql: bytes, value: bytes) -> list[Relation]:
    result = wire.call(lambda: wire.pgconn.send_query_params(sql, [value]))
    return [_relation(item) for item in json.loads(result.get_value(0, 0) or b"null") or []]


def identifier(name: str) -> str:
    """A name in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def _relation(item: dict[str, Any]) -> Relation:
    columns = item["columns"] or []
    return Relation(
        item["oid"],
        item["root"],
        item["schema"],
        item["name"],
        item["visible"],
        item["leaf"],
        item["hidden"],
        item["locked"],
        tuple(Column(column["name"], column["type"]) for column in columns),
        tuple(item["key"] or ()),
        tuple(column["name"] for column in columns if column["generated"]),
        tuple(column["name"] for column in columns if column["identity"]),
        item["parts"],
        item["deferrable"],
        item["ordinary"],
    )
