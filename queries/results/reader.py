"""Reads stored rows back: a window of them in constant time at any depth, or all of them in constant memory."""

from collections.abc import Iterator

from executors.base import RowEncoding
from executors.rows import split_rows
from queries.models import Execution, ResultChunk
from queries.results import vault


def unsealed(chunk: ResultChunk) -> bytes:
    """The encoded rows of a chunk. Raises vault.Unreadable."""
    where = vault.place(chunk.execution_id, chunk.number, chunk.first_row, chunk.row_count)
    return vault.unseal(chunk.key_id, bytes(chunk.data), where)


def blocks(execution: Execution) -> Iterator[bytes]:
    """The encoded rows of the whole result, a chunk at a time."""
    for number in range(execution.chunks.count()):
        yield unsealed(execution.chunks.get(number=number))


def window(execution: Execution, first_row: int, limit: int) -> list[bytes]:
    """Encoded rows `first_row` … `first_row + limit - 1`, fewer at the end."""
    found: list[bytes] = []
    encoding = RowEncoding(execution.encoding)
    chunk = execution.chunks.filter(first_row__lte=first_row).order_by("-first_row").first()
    while chunk is not None and len(found) < limit:
        skip = max(0, first_row - chunk.first_row)
        rows = list(split_rows(encoding, unsealed(chunk)))
        found += rows[skip : skip + limit - len(found)]
        chunk = execution.chunks.filter(number=chunk.number + 1).first()
    return found
