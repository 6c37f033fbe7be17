"""Some rows of a result, read as they are asked for, and as many of them as there is room for."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Protocol

from executors.base import Column, RowEncoding
from executors.cells import Cell, cell_reader, document_text

# Bytes of JSON that the rows of one answer of the API may have. A first row that has more comes alone, and cut.
ANSWER_BYTES = 2 * 1024 * 1024
# Characters of a value of such a row, less and less until it fits.
LENGTHS = (100_000, 10_000, 1_000, 100, 0)
# Bytes of the columns' names together, and the characters of one where there would be more.
NAMES_BYTES = 256 * 1024
NAME_LENGTHS = (1_000, 100, 10)


@dataclass(slots=True)
class Room:
    """The bytes an answer or a page may have for its rows: `whole` of them, `left` for what comes next."""

    whole: int
    left: int

    def has(self, size: int) -> bool:
        """Whether so many more may come. What comes first may always: it is cut until it fits."""
        return size <= self.left or self.left == self.whole


@dataclass(frozen=True, slots=True)
class Window:
    """Rows from the place `first_row` on, of `row_count` that are asked for; the result has `whole`.

    `rows` are read from storage while they are taken, each with its number in the result.
    """

    columns: list[Column]
    encoding: RowEncoding
    rows: Iterator[tuple[int, bytes]]
    first_row: int
    row_count: int
    whole: int
    truncated: str

    def next(self, count: int) -> int | None:
        """Where the rows after `count` of them begin; None when there are no more."""
        end = self.first_row + count
        return end if count and end < self.row_count else None


class Page(Protocol):
    """What is made of a window: it knows how many rows it shows."""

    @property
    def count(self) -> int:
        """How many rows."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What an answer holds only the beginning of: a cell, a document (no `column`) or a column's name (no `row`).

    Both count from 0; `row` over the whole result.
    """

    row: int | None
    column: int | None


@dataclass(frozen=True, slots=True)
class ResultPage:
    """Some rows of a result. Cells are the server's own text, None for NULL; `next` is where more rows start.

    `documents` are canonical Extended JSON, None for results that are not documents. `cut` is empty unless a row is
    larger than an answer may be.
    """

    columns: list[Column]
    rows: list[list[Cell]]
    documents: list[str] | None
    first_row: int
    row_count: int
    truncated: str
    next: int | None
    cut: tuple[Cut, ...] = ()

    @property
    def count(self) -> int:
        """How many rows."""
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class _Row:
    """A row as it is answered."""

    cells: list[Cell]
    document: str | None
    cut: tuple[Cut, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of JSON."""
        return _size([[cell if isinstance(cell, str) else None for cell in self.cells], self.document])


def answered(window: Window, room: int = ANSWER_BYTES) -> ResultPage:
    """As many of the rows as there is room for, and one at least: of one that is too large the beginnings."""
    rows = list(_rows(window, Room(room, room)))
    columns, cut_names = _columns(window.columns)
    return ResultPage(
        columns=columns,
        rows=[row.cells for row in rows],
        documents=[row.document or "" for row in rows] if window.encoding is RowEncoding.BSON else None,
        first_row=window.first_row,
        row_count=window.row_count,
        truncated=window.truncated,
        next=window.next(len(rows)),
        cut=(*cut_names, *(cut for row in rows for cut in row.cut)),
    )


def _rows(window: Window, room: Room) -> Iterator[_Row]:
    read = _reader(window)
    for number, encoded in window.rows:
        # A row that cannot fit beside those before it is not read in vain.
        if not room.has(len(encoded)):
            return
        row = _fitting(read, encoded, number, room.whole)
        if not room.has(row.size):
            return
        room.left -= row.size
        yield row


def _fitting(read: Callable[[bytes, int | None], _Row], encoded: bytes, number: int, room: int) -> _Row:
    """The row, whole if it has room, else with values as long as it has room for."""
    if len(encoded) <= room and (row := read(encoded, None)).size <= room:
        return row
    for most in LENGTHS:
        row = _shortened(read(encoded, most), number, most)
        if row.size <= room:
            break
    return row


def _reader(window: Window) -> Callable[[bytes, int | None], _Row]:
    """What reads one encoded row; with a number, values of so many characters at least where they have them."""
    cells_of = cache(lambda most: cell_reader(window.encoding, window.columns, most))
    documents = window.encoding is RowEncoding.BSON
    return lambda row, most: _Row(cells_of(most)(row), document_text(row, most) if documents else None)


def _shortened(row: _Row, number: int, most: int) -> _Row:
    long = [place for place, cell in enumerate(row.cells) if isinstance(cell, str) and len(cell) > most]
    cells = [cell[:most] if isinstance(cell, str) else cell for cell in row.cells]
    cut = [Cut(number, place) for place in long]
    if row.document is not None and len(row.document) > most:
        cut.insert(0, Cut(number, None))
    return _Row(cells, None if row.document is None else row.document[:most], tuple(cut))


def _columns(columns: Sequence[Column]) -> tuple[list[Column], list[Cut]]:
    """The columns, and whose names are cut: none unless the names alone are large."""
    if _size([column.name for column in columns]) <= NAMES_BYTES:
        return list(columns), []
    short, most = list(columns), 0
    for most in NAME_LENGTHS:
        short = [replace(column, name=column.name[:most]) for column in columns]
        if _size([column.name for column in short]) <= NAMES_BYTES:
            break
    return short, [Cut(None, place) for place, column in enumerate(columns) if len(column.name) > most]


def _size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))
