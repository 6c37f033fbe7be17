"""Some rows of a result, read as they are asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from executors.base import Column, RowEncoding
from queries.results.cells import Cell, cells, documents

# Encoded rows of one answer of the API; a first row that is larger comes alone.
ANSWER_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Window:
    """Rows from `first_row` on. `rows` are read from storage while they are taken, at most `limit` of them."""

    columns: list[Column]
    encoding: RowEncoding
    rows: Iterator[bytes]
    first_row: int
    row_count: int
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
class ResultPage:
    """Some rows of a result, whole. Cells are the server's own text, None for NULL; `next` is where more rows start.

    `documents` are canonical Extended JSON, None for results that are not documents.
    """

    columns: list[Column]
    rows: list[list[Cell]]
    documents: list[str] | None
    first_row: int
    row_count: int
    truncated: str
    next: int | None

    @property
    def count(self) -> int:
        """How many rows."""
        return len(self.rows)


def whole(window: Window) -> ResultPage:
    """As many of the rows as an answer may have bytes, and one at least."""
    taken = list(_fitting(window.rows, ANSWER_BYTES))
    return ResultPage(
        columns=window.columns,
        rows=cells(window.encoding, window.columns, taken),
        documents=documents(window.encoding, taken),
        first_row=window.first_row,
        row_count=window.row_count,
        truncated=window.truncated,
        next=window.next(len(taken)),
    )


def _fitting(rows: Iterator[bytes], size: int) -> Iterator[bytes]:
    left = size
    for row in rows:
        if left < len(row) and left < size:
            return
        left -= len(row)
        yield row
