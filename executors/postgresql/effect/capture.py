"""Rows that a statement tells of by itself, for which no table has to be read.

A plain INSERT, UPDATE, DELETE or MERGE without RETURNING of its own is given one, in text at its end. From
PostgreSQL 18 on it tells the rows before and after; up to 17 an INSERT tells what it added, a DELETE what it removed,
and for an UPDATE the table is read instead. What was told counts only where it is all that the server counted for
that table: a trigger may have changed more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from psycopg.pq.abc import PGresult

from executors.base import Cells, ExecutionError
from executors.postgresql.effect.counters import Count
from executors.postgresql.effect.pairs import Kept, key_places
from executors.postgresql.effect.relations import Relation, identifier, named
from executors.postgresql.effect.scan import Form
from executors.postgresql.reading.parse import Statement
from executors.postgresql.wire import Wire

_TARGETED = {"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"}
_BEFORE, _AFTER = "portal_before", "portal_after"
_OLD_AND_NEW = 180000


class _Told:
    """What the statements of this transaction told of one table."""

    def __init__(self, relation: Relation) -> None:
        self.relation = relation
        self.before: dict[object, Cells | None] = {}
        self.after: dict[object, Cells | None] = {}
        self.bytes = 0
        self.complete = True
        self._places = key_places(relation)
        self._key = itemgetter(*self._places)
        self._inserted = self._updated = self._deleted = 0

    @property
    def count(self) -> Count:
        """How many rows they were, of each kind."""
        return Count(self._inserted, self._updated, self._deleted)

    def side(self, values: Sequence[bytes | None]) -> Cells | None:
        """A side of a row; None where there is none, which has no value in its key either."""
        if values[self._places[0]] is None:
            return None
        return tuple([None if value is None else value.decode() for value in values])

    def add(self, before: Cells | None, after: Cells | None) -> None:
        """One row. What was there before the first change of a key stays; what is there now is what came last."""
        if before is None:
            self._inserted += 1
        elif after is None:
            self._deleted += 1
        else:
            self._updated += 1
        if not self.complete:
            return
        if before is not None:
            key = self._key(before)
            self.before.setdefault(key, before)
            self.after[key] = None
        if after is not None:
            key = self._key(after)
            self.before.setdefault(key, None)
            self.after[key] = after

    def give_up(self) -> None:
        """There are too many to be kept; they are only counted from here on."""
        self.complete = False
        self.before.clear()
        self.after.clear()


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
        if relation is None or not relation.key or relation.hidden or not relation.ordinary:
            return None
        returning = self._returning(item.type, node, relation)
        return None if returning is None else Asked(f"{item.text}\nRETURNING {returning[0]}", relation, returning[1])

    def told(self, asked: Asked, result: PGresult) -> None:
        """Take a piece of the statement's answer."""
        told = self._told.get(asked.relation.root)
        if told is None:
            told = self._told[asked.relation.root] = _Told(asked.relation)
        width, get, columns = len(asked.relation.columns), result.get_value, range(result.nfields)
        for row in range(result.ntuples):
            values = [get(row, column) for column in columns]
            told.bytes += sum(map(len, filter(None, values)))
            if told.bytes > self._form.bytes or len(told.before) >= self._form.rows:
                told.give_up()
            sides = {name: told.side(values[at * width : (at + 1) * width]) for at, name in enumerate(asked.sides)}
            told.add(sides.get(_BEFORE), sides.get(_AFTER))

    def of(self, root: int, counted: Count) -> Kept | None:
        """The rows of a table, if statements told all that the server counted for it."""
        told = self._told.get(root)
        if told is None or not told.complete or told.count != counted:
            return None
        before = [row for row in told.before.values() if row is not None]
        return Kept(told.relation, before, [row for row in told.after.values() if row is not None])

    def _relation(self, node: dict[str, Any]) -> Relation | None:
        names = [node[part] for part in ("schemaname", "relname") if node.get(part)]
        return named(self._wire, ".".join(map(identifier, names)))

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
