"""Reads stored rows back: a window of them in constant time at any depth, or all of them in constant memory."""

from collections.abc import Iterator

from django.db.models import Count, Max, Sum

from executors.base import RowEncoding
from executors.rows import split_rows
from queries import vault
from queries.models import Execution, ResultChunk

INCOMPLETE = "Chunks of the result are missing."

CHUNKS_AT_ONCE = 8


def unsealed(chunk: ResultChunk) -> bytes:
    """The encoded rows of a chunk. Raises vault.Unreadable."""
    return chunk.unsealed()


def blocks(execution: Execution) -> Iterator[bytes]:
    """The encoded rows of the whole result, a chunk at a time: the first at once, then a few to a round trip.

    Raises vault.Unreadable, before the first of them if any are gone.
    """
    kept = execution.chunks.aggregate(rows=Sum("row_count", default=0), last=Max("number", default=-1), n=Count("pk"))
    if (kept["rows"], kept["n"]) != (execution.row_count, kept["last"] + 1):
        raise vault.Unreadable(INCOMPLETE)
    last, at_once = -1, 1
    while chunks := list(execution.chunks.filter(number__gt=last).order_by("number")[:at_once]):
        for chunk in chunks:
            yield unsealed(chunk)
        last, at_once = chunks[-1].number, CHUNKS_AT_ONCE


def window(execution: Execution, first_row: int, limit: int) -> list[bytes]:
    """Encoded rows `first_row` … `first_row + limit - 1`, fewer at the end. Raises vault.Unreadable."""
    found: list[bytes] = []
    encoding = RowEncoding(execution.encoding)
    chunk = execution.chunks.filter(first_row__lte=first_row).order_by("-first_row").first()
    while chunk is not None and len(found) < limit:
        skip = max(0, first_row - chunk.first_row)
        rows = list(split_rows(encoding, unsealed(chunk)))
        found += rows[skip : skip + limit - len(found)]
        chunk = execution.chunks.filter(number=chunk.number + 1).first()
    if len(found) < min(limit, execution.row_count - first_row):
        raise vault.Unreadable(INCOMPLETE)
    return found
