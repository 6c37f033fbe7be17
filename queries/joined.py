"""Reads of one request with what belongs to it, by a joined statement that is put together once.

Building the same joined query anew for each approval was half of what it cost. Once it was read it need not be read
again to be acted on: the statement that acts locks its row, if nothing was written to it since (`unchanged`).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

from django.db import connection, models

from accounts.models import User
from audit import log
from pods.models import RIGHTS, Pod, Target
from queries.models import Decision, Execution, QueryRequest, TemplateUse
from web.rows import Row, columns, reader

Part: TypeAlias = tuple[str, type[models.Model]]
Readers: TypeAlias = Mapping[str, Callable[[Row], Any]]


@dataclass(frozen=True)
class Joined:
    """A joined read: `parts` are aliases in `tables` and their models, `more` expressions that are read before them.

    `where` is the condition, `rest` what follows it.
    """

    parts: tuple[Part, ...]
    tables: str
    more: tuple[str, ...] = ()
    where: str = "query.id = %s"
    rest: str = ""

    def rows(self, *values: Any) -> Sequence[Row]:
        """The rows of a request; `values` are those of `more` and of `where`. Raises QueryRequest.DoesNotExist."""
        with connection.cursor() as cursor:
            cursor.execute(self._plan[0], values)
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
        statement = f"SELECT {', '.join(names)} FROM {self.tables} WHERE {self.where} {self.rest}"  # noqa: S608
        return statement, readers


# Whoever has the row is waited for apart: what a statement that waited has read beside it is older than its lock.
# Its row by who wrote it last; its pod and target as they are, by the versions of their rows.
_VERSIONS = ("query.xmin::text", "concat_ws(' ', pod.xmin, pod.ctid, target.xmin, target.ctid)")
_READ = Joined(
    (("query", QueryRequest), ("pod", Pod), ("target", Target)),
    "query_requests AS query JOIN pods AS pod ON pod.id = query.pod_id"
    " JOIN targets AS target ON target.id = query.target_id",
    more=_VERSIONS,
)
_READ_FOR = replace(_READ, more=(*_VERSIONS, RIGHTS))
_LOCKED = replace(_READ, rest="FOR UPDATE OF query SKIP LOCKED")
_LOCKED_FOR = replace(_READ_FOR, rest=_LOCKED.rest)
_UNCHANGED = f"""
SELECT query.id FROM {_LOCKED.tables}
WHERE query.id = %s AND query.status = %s AND {" = %s AND ".join(_VERSIONS)} = %s {_LOCKED.rest}
"""  # noqa: S608 -- constants of ours
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
_VISIBLE = """
query.public_id = %s AND (%s OR query.author_id = %s OR EXISTS (
    SELECT FROM pod_group_permissions AS held JOIN users_groups AS membership ON membership.group_id = held.group_id
    WHERE held.content_object_id = query.pod_id AND membership.user_id = %s))
"""
_KNOWN = f"SELECT query.id FROM query_requests AS query WHERE {_VISIBLE}"  # noqa: S608 -- constants of ours
_SEEN = replace(_SHOWN, more=(RIGHTS,), where=_VISIBLE)


def known(reader: User, public_id: uuid.UUID) -> int | None:
    """The key of a request, None unless the reader may know of it."""
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, _of_reader(reader, public_id))
        row = cursor.fetchone()
    return None if row is None else int(row[0])


def seen(reader: User, public_id: uuid.UUID) -> QueryRequest | None:
    """The request as `shown` has it, None unless the reader may know of it; its pod told what they may do in it."""
    try:
        rows = _SEEN.rows(reader.pk, *_of_reader(reader, public_id))
    except QueryRequest.DoesNotExist:
        return None
    query = _with_decisions(_SEEN, rows)
    query.pod.trust(reader, rows[0][0])
    return query


def _of_reader(reader: User, public_id: uuid.UUID) -> tuple[Any, ...]:
    return public_id, reader.may_read_audit_log, reader.pk, reader.pk


def locked(query_id: int) -> QueryRequest:
    """The request with its pod and target as they are once its row is locked, until the transaction ends."""
    return _query(_LOCKED, _lock(_LOCKED, query_id))


def locked_for(actor: User, query_id: int) -> QueryRequest:
    """The same, its pod also told what the actor may do in it: for one act, in the transaction of the lock."""
    return _query_for(actor, _LOCKED_FOR, _lock(_LOCKED_FOR, actor.pk, query_id))


def read_for(actor: User, query_id: int) -> QueryRequest:
    """The same of a request that nobody locks: what is done to it names `unchanged`."""
    return _query_for(actor, _READ_FOR, _READ_FOR.rows(actor.pk, query_id)[0])


def unchanged(query: QueryRequest) -> log.Act:
    """Locks a request that was read here, without waiting; gives nothing where somebody has its row or wrote to it, its
    pod or its target since, but for the steps recorded with the object at hand."""
    return log.Act("unchanged", _UNCHANGED, [query.pk, query.status, query.written_by, query.read_with])


def shown(query_id: int) -> QueryRequest:
    """The request with its pod, target, author, execution, use of a template and decisions."""
    return _with_decisions(_SHOWN, _SHOWN.rows(query_id))


def released(query_id: int) -> QueryRequest:
    """The same, and this connection lets go of every run and place that it holds."""
    return _with_decisions(_RELEASED, _RELEASED.rows(query_id))


def _query(joined: Joined, row: Row) -> QueryRequest:
    query = joined.query(row, "pod", "target")
    query.written_by, query.read_with = row[:2]
    return query


def _query_for(actor: User, joined: Joined, row: Row) -> QueryRequest:
    query = _query(joined, row)
    query.pod.trust(actor, row[2])
    return query


def _with_decisions(joined: Joined, rows: Sequence[Row]) -> QueryRequest:
    query = joined.query(rows[0], "pod", "target", "author", "execution", "template_use")
    found = Decision.objects.all()
    found._result_cache = [_decision(joined, query, row) for row in rows if row[-1] is not None]  # noqa: SLF001 -- as a prefetch
    query._prefetched_objects_cache = {"decisions": found}  # type: ignore[attr-defined]  # noqa: SLF001 -- leaves them
    return query


def _decision(joined: Joined, query: QueryRequest, row: Row) -> Decision:
    decision: Decision = joined.readers["decision"](row)
    beside = {"query": query, "reviewer": joined.readers["reviewer"](row)}
    decision._state.fields_cache.update(beside)  # noqa: SLF001 -- where Django keeps what it joined
    return decision


def _lock(joined: Joined, *values: Any) -> Row:
    """The row, once it is locked; the last of `values` is the request's key."""
    try:
        return joined.rows(*values)[0]
    except QueryRequest.DoesNotExist:
        with connection.cursor() as cursor:
            cursor.execute(_WAIT, values[-1:])
        return joined.rows(*values)[0]
