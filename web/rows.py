"""Rows of plain statements as instances of models, for the hottest reads: put together once, not for each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeAlias, TypeVar

from django.db import connection, models

Row: TypeAlias = tuple[Any, ...]
M = TypeVar("M", bound=models.Model)


def columns(model: type[models.Model], alias: str, left_out: Collection[str] = ()) -> list[str]:
    """The columns of a model's table in the order in which `reader` takes them, but for the fields `left_out`."""
    return [f'{alias}."{field.column}"' for field in _fields(model, left_out)]


def reader(model: type[M], start: int = 0, left_out: Collection[str] = ()) -> Callable[[Row], M | None]:
    """Makes an instance of `model` from its columns of a row, which begin at `start`; None where nothing was joined.

    A field `left_out` is read when it is asked for, as one that is deferred.
    """
    fields = _fields(model, left_out)
    names = [field.attname for field in fields]
    end = start + len(names)
    key = start + next(i for i, field in enumerate(fields) if field.primary_key)
    converters = [(i, found) for i, field in enumerate(fields) if (found := _converters(field))]

    def read(row: Row) -> M | None:
        if row[key] is None:
            return None
        values = list(row[start:end])
        for i, steps in converters:
            for convert in steps:
                values[i] = convert(values[i], None, connection)
        return model.from_db("default", names, values)

    return read


def _fields(model: type[models.Model], left_out: Collection[str]) -> Sequence[models.Field[Any, Any]]:
    fields = model._meta.concrete_fields  # noqa: SLF001 -- Django's documented Model._meta API
    return [field for field in fields if field.name not in left_out]


def _converters(field: models.Field[Any, Any]) -> list[Callable[..., Any]]:
    return [*connection.ops.get_db_converters(field.get_col("")), *field.get_db_converters(connection)]
