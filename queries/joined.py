"""Reads of one request with what belongs to it, by a joined statement that is put together once.

An approval reads its request four times; building the same joined query anew each time was half of what it cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from django.db import connection, models

from accounts.models import User
from pods.models import Pod, Target
from queries.models import Execution, QueryRequest

Row: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True)
class Joined:
    """`related` names what is set on the request, as alias and model; each alias stands in `tables`, too."""

    related: tuple[tuple[str, type[models.Model]], ...]
    tables: str
    lock: str = ""

    def get(self, query_id: int) -> QueryRequest:
        """The request by its key. Raises QueryRequest.DoesNotExist."""
        statement, read_query, readers = self._plan
        with connection.cursor() as cursor:
            cursor.execute(statement, [query_id])
            row = cursor.fetchone()
        if row is None:
            raise QueryRequest.DoesNotExist
        query: QueryRequest = read_query(row)
        for (alias, _), read in zip(self.related, readers, strict=True):
            query._state.fields_cache[alias] = read(row)  # noqa: SLF001 -- where Django keeps what it joined
        return query

    @cached_property
    def _plan(self) -> tuple[str, Callable[[Row], Any], Sequence[Callable[[Row], Any]]]:
        names: list[str] = []
        readers = []
        parts: tuple[tuple[str, type[models.Model]], ...] = (("query", QueryRequest), *self.related)
        for alias, model in parts:
            readers.append(_reader(model, len(names)))
            names += [f'{alias}."{field.column}"' for field in _fields(model)]
        statement = f"SELECT {', '.join(names)} FROM {self.tables} WHERE query.id = %s {self.lock}"  # noqa: S608
        return statement, readers[0], readers[1:]


_WITH_POD_AND_TARGET = (
    "query_requests AS query JOIN pods AS pod ON pod.id = query.pod_id"
    " JOIN targets AS target ON target.id = query.target_id"
)
_LOCKED = Joined((("pod", Pod), ("target", Target)), _WITH_POD_AND_TARGET, "FOR UPDATE OF query")
_SHOWN = Joined(
    (("pod", Pod), ("target", Target), ("author", User), ("execution", Execution)),
    _WITH_POD_AND_TARGET
    + " JOIN users AS author ON author.id = query.author_id"
    + " LEFT JOIN executions AS execution ON execution.query_id = query.id",
)


def locked(query_id: int) -> QueryRequest:
    """The request with its pod and target, its row locked until the transaction ends."""
    return _LOCKED.get(query_id)


def shown(query_id: int) -> QueryRequest:
    """The request with its pod, target, author and execution."""
    return _SHOWN.get(query_id)


def _fields(model: type[models.Model]) -> Sequence[models.Field[Any, Any]]:
    return model._meta.concrete_fields  # noqa: SLF001 -- Django's documented Model._meta API


def _reader(model: type[models.Model], start: int) -> Callable[[Row], models.Model | None]:
    """Makes an instance of `model` from its columns of a row, which begin at `start`; None where nothing was joined."""
    fields = _fields(model)
    names = [field.attname for field in fields]
    key = start + next(i for i, field in enumerate(fields) if field.primary_key)
    converters = [(i, found) for i, field in enumerate(fields) if (found := _converters(field))]

    def read(row: Row) -> models.Model | None:
        if row[key] is None:
            return None
        values = list(row[start : start + len(names)])
        for i, steps in converters:
            for convert in steps:
                values[i] = convert(values[i], None, connection)
        return model.from_db("default", names, values)

    return read


def _converters(field: models.Field[Any, Any]) -> list[Callable[..., Any]]:
    return [*connection.ops.get_db_converters(field.get_col("")), *field.get_db_converters(connection)]
