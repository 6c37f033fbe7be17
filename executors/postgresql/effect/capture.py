"""Rows that a statement tells of by itself, for which no table has to be read.

A plain INSERT, UPDATE, DELETE or MERGE without RETURNING of its own is given one, in text at its end. From
PostgreSQL 18 on it tells the rows before and after; up to 17 an INSERT tells what it added, a DELETE what it removed,
and for an UPDATE the table is read instead. What was told counts only where it is all that the server counted for
that table: a trigger may have changed more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg.pq.abc import PGresult

from executors.base import Cells, ExecutionError
from executors.postgresql.effect.counters import NOTHING, Count
from executors.postgresql.effect.pairs import Kept, key_places
from executors.postgresql.effect.relations import Relation, identifier, relations
from executors.postgresql.effect.scan import Form
from executors.postgresql.reading.parse import Statement
from executors.postgresql.wire import Wire

_TARGETED = {"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"}
_BEFORE, _AFTER = "portal_before", "portal_after"
_OLD_AND_NEW = 180000
# A table of which this login may read every column, and whose statements no rule rewrites.
_ORDINARY = b"""
SELECT c.oid FROM pg_catalog.pg_class c
WHERE c.oid = pg_catalog.to_regclass($1) AND c.relkind IN ('r', 'p') AND NOT c.relhasrules
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
    AND NOT a.attisdropped AND NOT pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT'))
"""


@dataclass(slots=True)
class _Told:
    """What the statements of this transaction told of one table."""

    relation: Relation
    before: dict[Cells, Cells | None] = field(default_factory=dict)
    after: dict[Cells, Cells | None] = field(default_factory=dict)
    count: Count = NOTHING
    bytes: int = 0
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement with a RETURNING of ours. `sides` are the sides of a row that it tells, in the order told."""

    text: str
    relation: Relation
    sides: tuple[str, ...]


class Capture:
    """Gathers, within a form's limits, what statements tell of tables that have a key."""

    def __init__(self, wire: Wire, form: Form) -> None:
        self._wire = wire
        self._form = form
        self._told: dict[int, _Told] = {}

    def ask(self, item: Statement) -> Asked | None:
        """The statement with a RETURNING of ours, None where it can have none."""
        node = item.node
        if item.type not in _TARGETED or "returningList" in node or "returningClause" in node:
            return None
        relation = self._relation(node["relation"])
        if relation is None or not relation.key or relation.hidden:
            return None
        returning = self._returning(item.type, node, relation)
        return None if returning is None else Asked(f"{item.text}\nRETURNING {returning[0]}", relation, returning[1])

    def told(self, asked: Asked, result: PGresult) -> None:
        """Take a piece of the statement's answer."""
        told = self._told.setdefault(asked.relation.root, _Told(asked.relation))
        width = len(asked.relation.columns)
        for row in range(result.ntuples):
            values = [result.get_value(row, column) for column in range(result.nfields)]
            told.bytes += sum(len(value) for value in values if value is not None)
            sides = {
                side: _cells(values[number * width : (number + 1) * width]) for number, side in enumerate(asked.sides)
            }
            self._add(told, sides)

    def of(self, root: int, counted: Count) -> Kept | None:
        """The rows of a table, if statements told all that the server counted for it."""
        told = self._told.get(root)
        if told is None or not told.complete or told.count != counted:
            return None
        before = [row for row in told.before.values() if row is not None]
        return Kept(told.relation, before, [row for row in told.after.values() if row is not None])

    def _add(self, told: _Told, sides: dict[str, Cells | None]) -> None:
        """One row. What was there before the first change of a key stays; what is there now is what came last."""
        before, after = sides.get(_BEFORE), sides.get(_AFTER)
        told.count += Count(int(before is None), int(None not in (before, after)), int(after is None))
        if told.bytes > self._form.bytes or len(told.before) >= self._form.rows:
            told.complete = False
            told.before.clear()
            told.after.clear()
        if not told.complete:
            return
        for row, was, now in ((before, before, None), (after, None, after)):
            if row is not None:
                key = tuple(row[place] for place in key_places(told.relation))
                told.before.setdefault(key, was)
                told.after[key] = now

    def _relation(self, node: dict[str, Any]) -> Relation | None:
        names = [node[part] for part in ("schemaname", "relname") if node.get(part)]
        name = ".".join(map(identifier, names)).encode()
        result = self._wire.call(lambda: self._wire.pgconn.send_query_params(_ORDINARY, [name]))
        found = relations(self._wire, [int(result.get_value(0, 0) or b"0")]) if result.ntuples else ()
        return found[0] if found else None

    def _returning(self, kind: str, node: dict[str, Any], relation: Relation) -> tuple[str, tuple[str, ...]] | None:
        if self._wire.pgconn.server_version >= _OLD_AND_NEW:
            sides: tuple[str, ...] = (_BEFORE, _AFTER)
            head = f"WITH (OLD AS {_BEFORE}, NEW AS {_AFTER}) "
            return head + ", ".join(_columns(relation, side) for side in sides), sides
        if kind == "DeleteStmt":
            return _columns(relation, _alias(node)), (_BEFORE,)
        if kind == "InsertStmt" and "onConflictClause" not in node:
            return _columns(relation, _alias(node)), (_AFTER,)
        return None


def refused(error: ExecutionError) -> bool:
    """Whether a statement may only not return what it changes, so that it has to be run as it was written."""
    return error.detail.get("sqlstate", "") in {"0A000", "42601", "42702", "42703", "42P01"}


def _alias(node: dict[str, Any]) -> str:
    relation = node["relation"]
    return str(relation.get("alias", {}).get("aliasname") or relation["relname"])


def _columns(relation: Relation, qualifier: str) -> str:
    return ", ".join(f"{identifier(qualifier)}.{identifier(column.name)}" for column in relation.columns)


def _cells(values: Sequence[bytes | None]) -> Cells | None:
    """A side of a row; None where there is none, which has no value in its key either."""
    if all(value is None for value in values):
        return None
    return tuple(None if value is None else value.decode() for value in values)
