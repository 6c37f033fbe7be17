"""Reads stored rows back: from any row on in constant time, or all of them, a chunk at a time in constant memory."""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import islice

from django.db import connection

from executors.base import Column, RowEncoding
from executors.cells import Cell, cell_reader
from executors.rows import split_rows
from queries import vault
from queries.models import Execution, ResultChunk
from web.rows import Row, columns, reader

INCOMPLETE = "Chunks of the result are missing."

# Rows and chunks that are there, how many chunks there were, and the keys they are sealed with.
KEPT = """
SELECT coalesce(sum(row_count), 0), count(*), coalesce(max(number), -1) + 1,
    coalesce(array_agg(DISTINCT key_id::text), ARRAY[]::text[])
FROM result_chunks WHERE execution_id = %s
"""
CHUNKS_AT_ONCE = 8
# Bytes of opened chunks that are kept while rows are read here and there; one chunk may have more.
OPENED_BYTES = 16 * 1024 * 1024


def unsealed(chunk: ResultChunk) -> bytes:
    """The encoded rows of a chunk. Raises vault.Unreadable."""
    return chunk.unsealed()


def columns_of(execution: Execution) -> list[Column]:
    """The columns of the result."""
    return [Column(**column) for column in execution.columns]


def blocks(execution: Execution) -> Iterator[bytes]:
    """The encoded rows of the whole result, a chunk at a time: the first at once, then a few to a round trip.

    Raises vault.Unreadable, before the first of them if any are gone or no key is there for one.
    """
    with connection.cursor() as cursor:
        cursor.execute(KEPT, [execution.pk])
        rows, chunks, whole, keys = cursor.fetchone()
    if (rows, chunks) != (execution.row_count, whole):
        raise vault.Unreadable(INCOMPLETE)
    for key_id in keys:
        vault.require(key_id)
    last, at_once = -1, 1
    while chunks := _after(execution.pk, last, at_once):
        for chunk in chunks:
            yield unsealed(chunk)
        last, at_once = chunks[-1].number, CHUNKS_AT_ONCE


def _after(execution_id: int, last: int, most: int) -> list[ResultChunk]:
    """The chunks that follow, in binary: as text their bytes would come twice as long."""
    statement, read = _statement()
    connection.ensure_connection()
    with connection.connection.cursor(binary=True) as cursor:
        cursor.execute(statement, [execution_id, last, most])
        return [chunk for row in cursor if (chunk := read(row)) is not None]


@cache
def _statement() -> tuple[str, Callable[[Row], ResultChunk | None]]:
    names = ", ".join(columns(ResultChunk, "chunk"))
    statement = (
        f"SELECT {names} FROM result_chunks AS chunk WHERE chunk.execution_id = %s AND chunk.number > %s"  # noqa: S608
        " ORDER BY chunk.number LIMIT %s"
    )
    return statement, reader(ResultChunk)


def rows_from(execution: Execution, first_row: int) -> Iterator[bytes]:
    """The encoded rows from `first_row` on, one chunk in memory. Raises vault.Unreadable where one is missing."""
    encoding, end = RowEncoding(execution.encoding), first_row
    chunk = execution.chunks.filter(first_row__lte=first_row).order_by("-first_row").first()
    while chunk is not None:
        yield from islice(split_rows(encoding, unsealed(chunk)), max(0, first_row - chunk.first_row), None)
        end = chunk.first_row + chunk.row_count
        chunk = execution.chunks.filter(number=chunk.number + 1).first()
    if end < execution.row_count:
        raise vault.Unreadable(INCOMPLETE)


def first_cells(execution: Execution, most: int, most_bytes: int) -> list[list[Cell]]:
    """The cells of the first rows: `most` of them, and of no more than so many bytes but for the first.

    Raises vault.Unreadable.
    """
    read = cell_reader(RowEncoding(execution.encoding), columns_of(execution))
    found: list[list[Cell]] = []
    for row in islice(rows_from(execution, 0), most):
        most_bytes -= len(row)
        if found and most_bytes < 0:
            break
        found.append(read(row))
    return found


def rows_at(execution: Execution, numbers: Sequence[int]) -> Iterator[bytes]:
    """The encoded rows of these numbers, in this order. Raises vault.Unreadable where one is missing."""
    opened = _Opened(execution)
    return (opened.row(number) for number in numbers)


class _Opened:
    """Chunks of a result, those that were used last kept open."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._starts = list(execution.chunks.order_by("first_row").values_list("first_row", flat=True))
        self._chunks: OrderedDict[int, list[bytes]] = OrderedDict()
        self._size = 0

    def row(self, number: int) -> bytes:
        place = bisect_right(self._starts, number) - 1
        if place < 0:
            raise vault.Unreadable(INCOMPLETE)
        start = self._starts[place]
        rows = self._chunks.get(start) or self._open(start)
        self._chunks.move_to_end(start)
        if number - start >= len(rows):
            raise vault.Unreadable(INCOMPLETE)
        return rows[number - start]

    def _open(self, start: int) -> list[bytes]:
        chunk = self._execution.chunks.filter(first_row=start).first()
        if chunk is None:
            raise vault.Unreadable(INCOMPLETE)
        rows = list(split_rows(RowEncoding(self._execution.encoding), unsealed(chunk)))
        self._chunks[start] = rows
        self._size += sum(map(len, rows))
        while self._size > OPENED_BYTES and len(self._chunks) > 1:
            self._size -= sum(map(len, self._chunks.popitem(last=False)[1]))
        return rows
