"""Rows that a statement tells of by itself, for which no table has to be read.

A plain INSERT, UPDATE, DELETE or MERGE without RETURNING of its own is given one, in text at its end. From
PostgreSQL 18 on it tells the rows before and after; up to 17 an INSERT tells what it added, a DELETE what it removed,
and for an UPDATE the table is read instead. What was told counts only where it is all that the server counted for
that table: a trigger may have changed more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from psycopg.pq.abc import PGresult

from executors.base import Cells, ExecutionError
from executors.postgresql.effect.counters import Count
from executors.postgresql.effect.pairs import Kept, key_places
from executors.postgresql.effect.relations import Relation, identifier, named
from executors.postgresql.effect.scan import Form, cut
from executors.postgresql.reading.parse import Statement
from executors.postgresql.wire import Wire

TELLING = {"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"}
_BEFORE, _AFTER = "portal_before", "portal_after"
_OLD_AND_NEW = 180000


class _Told:
    """What the statements of this transaction told of one table."""

    def __init__(self, relation: Relation, cell: Callable[[bytes], str]) -> None:
        self.relation = relation
        self.before: dict[object, Cells | None] = {}
        self.after: dict[object, Cells | None] = {}
        self.bytes = 0
        self.complete = True
        places = key_places(relation)
        self.first = places[0]
        self._key, self._cell = itemgetter(*places), cell
        self._inserted = self._updated = self._deleted = 0

    @property
    def count(self) -> Count:
        """How many rows they were, of each kind."""
        return Count(self._inserted, self._updated, self._deleted)

    def note(self, *, before: bool, after: bool) -> None:
        """Count one row by its sides."""
        if not before:
            self._inserted += 1
        elif after:
            self._updated += 1
        else:
            self._deleted += 1

    def keep(self, before: Sequence[bytes | None], after: Sequence[bytes | None]) -> None:
        """One row, each side of it empty where there is none. What was there before the first change of a key stays;
        what is there now is what came last."""
        if before:
            was = self._cells(before)
            key = self._key(was)
            self.before.setdefault(key, was)
            self.after[key] = None
        if after:
            now = self._cells(after)
            key = self._key(now)
            self.before.setdefault(key, None)
            self.after[key] = now

    def _cells(self, values: Sequence[bytes | None]) -> Cells:
        cell = self._cell
        return tuple([None if value is None else cell(value) for value in values])

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
        self._named: dict[str, Relation | None] = {}

    def forget(self) -> None:
        """What tables are like may change now."""
        self._named.clear()

    def ask(self, item: Statement) -> Asked | None:
        """The statement with a RETURNING of ours, None where it can have none."""
        node = item.node
        if item.type not in TELLING or "returningList" in node or "returningClause" in node:
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
            told = self._told[asked.relation.root] = _Told(asked.relation, bytes.decode if self._form.exact else cut)
        width, value = len(asked.relation.columns), result.get_value
        columns = range(width * len(asked.sides))
        before, after = (
            slice(at, at + width)
            for at in (
                asked.sides.index(side) * width if side in asked.sides else columns.stop for side in (_BEFORE, _AFTER)
            )
        )
        for row in range(result.ntuples):
            values = [value(row, column) for column in columns]
            was, now = values[before], values[after]
            # A side that is not there has no value in its key either.
            has_been, is_there = (bool(side) and side[told.first] is not None for side in (was, now))
            told.note(before=has_been, after=is_there)
            if told.complete:
                self._keep(told, was if has_been else (), now if is_there else (), sum(map(len, filter(None, values))))

    def _keep(self, told: _Told, before: Sequence[bytes | None], after: Sequence[bytes | None], size: int) -> None:
        told.bytes += size
        if told.bytes > self._form.bytes or len(told.before) >= self._form.rows:
            told.give_up()
        else:
            told.keep(before, after)

    def of(self, root: int, counted: Count) -> Kept | None:
        """The rows of a table, if statements told all that the server counted for it."""
        told = self._told.get(root)
        if told is None or not told.complete or told.count != counted:
            return None
        before = [row for row in told.before.values() if row is not None]
        return Kept(told.relation, before, [row for row in told.after.values() if row is not None])

    def _relation(self, node: dict[str, Any]) -> Relation | None:
        name = ".".join(identifier(node[part]) for part in ("schemaname", "relname") if node.get(part))
        if name not in self._named:
            self._named[name] = named(self._wire, name)
        return self._named[name]

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
