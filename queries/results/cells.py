"""Encoded rows as the text of cells, for a page, the API and spreadsheets alike."""

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from executors.base import Column, RowEncoding
from executors.copytext import decode_copy_row
from executors.rows import extended_json

if TYPE_CHECKING:
    from executors.mongodb.show import Missing

# Text, None for NULL, or Missing: the field is not there, which is not the same as null.
Cell: TypeAlias = "str | Missing | None"


def cells(encoding: RowEncoding, columns: Sequence[Column], rows: Iterable[bytes]) -> list[list[Cell]]:
    """The text of each cell, None for NULL, Missing for a field that a document does not have."""
    if encoding is RowEncoding.COPY:
        # A row without columns is an empty line, which is not a row with one empty cell.
        return [list(decode_copy_row(row)) if columns else [] for row in rows]
    if encoding is RowEncoding.JSON:
        return [[_text(value) for value in exactly(row)] for row in rows]
    return _bson_cells(columns, rows)


def documents(encoding: RowEncoding, rows: Iterable[bytes]) -> list[str] | None:
    """Each document as indented canonical Extended JSON; None for results that are not documents."""
    if encoding is not RowEncoding.BSON:
        return None
    return [json.dumps(json.loads(extended_json(row)), indent=2, ensure_ascii=False) for row in rows]


def exactly(row: bytes) -> list[object]:
    """The values of a row of JSON, its numbers as they were written."""
    return list(json.loads(row, parse_float=_Number, parse_int=_Number))


class _Number(str):
    """A number of a JSON text, every digit kept."""

    __slots__ = ()


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return str(value)
    return exact_json(value)


def exact_json(value: object) -> str:
    """JSON text of such a value, its numbers as they were written."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {exact_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(exact_json, value)) + "]"
    return str(value) if isinstance(value, _Number) else json.dumps(value, ensure_ascii=False)


def _bson_cells(columns: Sequence[Column], rows: Iterable[bytes]) -> list[list[Cell]]:
    from executors.mongodb import show  # noqa: PLC0415 -- only a reader of documents pays for the driver

    return show.table(b"".join(rows), [column.name for column in columns])
