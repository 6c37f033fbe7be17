"""Encoded rows as the text of cells, whichever engine wrote them: for a page, the API, spreadsheets, and sorting."""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from executors.base import Column, RowEncoding, Scalar
from executors.copytext import copy_field, copy_row_start, decode_copy_row
from executors.json_rows import beginning, spans

if TYPE_CHECKING:
    from executors.mongodb.show import Missing

# Text, None for NULL, or Missing: the field is not there, which is not the same as null.
Cell: TypeAlias = "str | Missing | None"


def cell_reader(
    encoding: RowEncoding, columns: Sequence[Column], most: int | None = None
) -> Callable[[bytes], list[Cell]]:
    """What reads the cells of one encoded row; with `most` the beginning of each, of so many characters at least."""
    if encoding is RowEncoding.COPY:
        return lambda row: _copy_cells(columns, row, most)
    if encoding is RowEncoding.JSON:
        if most is None:
            return lambda row: [_text(value) for value in exactly(row)]
        return lambda row: [_text(beginning(row[start:end], most)) for start, end in spans(row)]
    from executors.mongodb.show import Table  # noqa: PLC0415 -- only a reader of documents pays for the driver

    table = Table(columns)
    return lambda row: table.cells(row, most)


def picker(encoding: RowEncoding, columns: Sequence[Column], wanted: Sequence[int]) -> Callable[[bytes], list[Cell]]:
    """What reads some cells of one encoded row, those of the columns `wanted`, in this order."""
    if encoding is RowEncoding.COPY:
        return lambda row: _picked(row, wanted)
    read = cell_reader(encoding, columns)

    def pick(row: bytes) -> list[Cell]:
        cells = read(row)
        return [cells[place] if place < len(cells) else None for place in wanted]

    return pick


def value_text(encoding: RowEncoding, columns: Sequence[Column], row: bytes, column: int | None) -> str | None:
    """The whole text of one cell of an encoded row; of the row's document, in mongosh's words, without a column.

    None where there is no such cell, or nothing in it.
    """
    if column is None:
        return shell_text(row)[0] if encoding is RowEncoding.BSON else None
    found = cell_reader(encoding, columns)(row)
    cell = found[column] if column < len(found) else None
    return cell if isinstance(cell, str) else None


def shell_text(document: bytes, most: int | None = None) -> tuple[str, bool]:
    """A document in mongosh's words, and whether that is all of it; with `most` it ends after so many characters."""
    from executors.mongodb.shell import shell  # noqa: PLC0415 -- only a reader of documents pays for the driver

    return shell(document, most)


def document_text(document: bytes, most: int | None = None) -> str:
    """A document as canonical Extended JSON; with `most` its beginning, of so many characters at least."""
    from executors.mongodb.show import canonical  # noqa: PLC0415 -- only a reader of documents pays for the driver

    return canonical(document, most)


def exactly(row: bytes) -> list[object]:
    """The values of a row of JSON, its numbers as they were written."""
    return list(json.loads(row, parse_float=Scalar, parse_int=Scalar))


def exact_json(value: object) -> str:
    """JSON text of such a value, its numbers as they were written."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {exact_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(exact_json, value)) + "]"
    return str(value) if isinstance(value, Scalar) else json.dumps(value, ensure_ascii=False)


def _copy_cells(columns: Sequence[Column], row: bytes, most: int | None) -> list[Cell]:
    # A row without columns is an empty line, which is not a row with one empty cell.
    if not columns:
        return []
    return list(decode_copy_row(row) if most is None else copy_row_start(row, most))


def _picked(row: bytes, wanted: Sequence[int]) -> list[Cell]:
    fields = row.removesuffix(b"\n").split(b"\t")
    return [copy_field(fields[place]) for place in wanted]


def _text(value: object) -> str | None:
    if value is None or isinstance(value, Scalar):
        return value
    if isinstance(value, bool):
        return Scalar("true" if value else "false")
    return value if isinstance(value, str) else exact_json(value)
