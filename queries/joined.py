"""Reads of one request with what belongs to it, by a joined statement that is put together once.

An approval reads its request four times; building the same joined query anew each time was half of what it cost.
Once its row is locked again a moment later, only what can have changed is read (`locked_again`).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

from django.db import connection, models

from accounts.models import User
from pods.models import RIGHTS, Pod, Target
from queries.models import Decision, Execution, QueryRequest, TemplateUse
from web.rows import Row, columns, reader

Part: TypeAlias = tuple[str, type[models.Model]]
Readers: TypeAlias = Mapping[str, Callable[[Row], Any]]


@dataclass(frozen=True)
class Joined:
    """A joined read: `parts` are aliases in `tables` and their models, `more` expressions that are read before them.

    `rest` is what follows the condition.
    """

    parts: tuple[Part, ...]
    tables: str
    more: tuple[str, ...] = ()
    rest: str = ""

    def rows(self, query_id: int, *values: Any) -> Sequence[Row]:
        """The rows of a request by its key; `values` are those of `more`. Raises QueryRequest.DoesNotExist."""
        with connection.cursor() as cursor:
            cursor.execute(self._plan[0], [*values, query_id])
            rows: Sequence[Row] = cursor.fetchall()
        if not rows:
            raise QueryRequest.DoesNotExist
        return rows

    def query(self, row: Row, *related: str) -> QueryRequest:
        """The request of a row, and what is `related` to it set on it."""
        readers = self.readers
        query: QueryRequest = readers["query"](row)
        for alias in related:
            query._state.fields_cache[alias] = readers[alias](row)  # noqa: SLF001 -- where Django keeps what it joined
        return query

    @property
    def readers(self) -> Readers:
        """What makes an instance of each part from a row."""
        return self._plan[1]

    @cached_property
    def _plan(self) -> tuple[str, Readers]:
        names = [*self.more]
        readers: dict[str, Callable[[Row], Any]] = {}
        for alias, model in self.parts:
            readers[alias] = reader(model, len(names))
            names += columns(model, alias)
        statement = f"SELECT {', '.join(names)} FROM {self.tables} WHERE query.id = %s {self.rest}"  # noqa: S608
        return statement, readers


# Whoever has the row is waited for apart: what a statement that waited has read beside it is older than its lock.
# Its pod and target as they are, by the versions of their rows; and the row itself, by who wrote it last: whoever locks
# it, as a rule.
_BESIDE = "concat_ws(' ', pod.xmin, pod.ctid, target.xmin, target.ctid)"
_OURS = f"concat_ws(' ', pg_current_xact_id()::xid, {_BESIDE})"
_FOUND = f"concat_ws(' ', query.xmin, {_BESIDE})"
_LOCKED = Joined(
    (("query", QueryRequest), ("pod", Pod), ("target", Target)),
    "query_requests AS query JOIN pods AS pod ON pod.id = query.pod_id"
    " JOIN targets AS target ON target.id = query.target_id",
    more=(_OURS,),
    rest="FOR UPDATE OF query SKIP LOCKED",
)
_LOCKED_FOR = replace(_LOCKED, more=(_OURS, RIGHTS))
_AGAIN = f"SELECT query.status, {_FOUND}, {_OURS} FROM {_LOCKED.tables} WHERE query.id = %s {_LOCKED.rest}"  # noqa: S608
_WAIT = "SELECT FROM query_requests WHERE id = %s FOR UPDATE"
# A row for each decision on it.
_SHOWN = Joined(
    (
        *_LOCKED.parts,
        ("author", User),
        ("execution", Execution),
        ("template_use", TemplateUse),
        ("decision", Decision),
        ("reviewer", User),
    ),
    f"{_LOCKED.tables} JOIN users AS author ON author.id = query.author_id"
    " LEFT JOIN executions AS execution ON execution.query_id = query.id"
    " LEFT JOIN template_uses AS template_use ON template_use.query_id = query.id"
    " LEFT JOIN decisions AS decision ON decision.query_id = query.id"
    " LEFT JOIN users AS reviewer ON reviewer.id = decision.reviewer_id",
    rest="ORDER BY decision.id",
)
_RELEASED = replace(_SHOWN, more=("pg_advisory_unlock_all()",))

# As `visible_to` has it; a test holds the two together.
_KNOWN = """
SELECT query.id FROM query_requests AS query WHERE query.public_id = %s AND (%s OR query.author_id = %s OR EXISTS (
    SELECT FROM pod_group_permissions AS held JOIN users_groups AS membership ON membership.group_id = held.group_id
    WHERE held.content_object_id = query.pod_id AND membership.user_id = %s))
"""


def known(reader: User, public_id: uuid.UUID) -> int | None:
    """The key of a request, None unless the reader may know of it."""
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [public_id, reader.may_read_audit_log, reader.pk, reader.pk])
        row = cursor.fetchone()
    return None if row is None else int(row[0])


def locked(query_id: int) -> QueryRequest:
    """The request with its pod and target as they are once its row is locked, until the transaction ends."""
    return _query(_LOCKED, _lock(_LOCKED, query_id))


def locked_again(query: QueryRequest) -> QueryRequest:
    """As `locked` reads it: the same one, only locked anew, where nothing of it, its pod and its target was
    written since it was locked but by that transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_AGAIN, [query.pk])
        row = cursor.fetchone()
    if row is None or row[:2] != (query.status, query.read_with):
        return locked(query.pk)
    query.read_with = row[2]
    return query


def locked_for(actor: User, query_id: int) -> QueryRequest:
    """The same, its pod also told what the actor may do in it: for one act, in the transaction of the lock."""
    row = _lock(_LOCKED_FOR, query_id, actor.pk)
    query = _query(_LOCKED_FOR, row)
    query.pod.trust(actor, row[1])
    return query


def shown(query_id: int) -> QueryRequest:
    """The request with its pod, target, author, execution, use of a template and decisions."""
    return _with_decisions(_SHOWN, query_id)


def released(query_id: int) -> QueryRequest:
    """The same, and this connection lets go of every run and place that it holds."""
    return _with_decisions(_RELEASED, query_id)


def _query(joined: Joined, row: Row) -> QueryRequest:
    query = joined.query(row, "pod", "target")
    query.read_with = row[0]
    return query


def _with_decisions(joined: Joined, query_id: int) -> QueryRequest:
    rows = joined.rows(query_id)
    query = joined.query(rows[0], "pod", "target", "author", "execution", "template_use")
    found = Decision.objects.all()
    found._result_cache = [_decision(joined, row) for row in rows if row[-1] is not None]  # noqa: SLF001 -- as a prefetch
    query._prefetched_objects_cache = {"decisions": found}  # type: ignore[attr-defined]  # noqa: SLF001 -- leaves them
    return query


def _decision(joined: Joined, row: Row) -> Decision:
    decision: Decision = joined.readers["decision"](row)
    decision._state.fields_cache["reviewer"] = joined.readers["reviewer"](row)  # noqa: SLF001 -- where Django keeps what it joined
    return decision


def _lock(joined: Joined, query_id: int, *values: Any) -> Row:
    try:
        return joined.rows(query_id, *values)[0]
    except QueryRequest.DoesNotExist:
        with connection.cursor() as cursor:
            cursor.execute(_WAIT, [query_id])
        return joined.rows(query_id, *values)[0]
