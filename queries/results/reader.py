"""Reads stored rows back: from any row on in constant time, or all of them, a chunk at a time in constant memory."""

from collections.abc import Iterator
from itertools import islice

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

    Raises vault.Unreadable, before the first of them if any are gone or no key is there for one.
    """
    kept = execution.chunks.aggregate(rows=Sum("row_count", default=0), last=Max("number", default=-1), n=Count("pk"))
    if (kept["rows"], kept["n"]) != (execution.row_count, kept["last"] + 1):
        raise vault.Unreadable(INCOMPLETE)
    for key_id in execution.chunks.values_list("key_id", flat=True).distinct():
        vault.require(key_id)
    last, at_once = -1, 1
    while chunks := list(execution.chunks.filter(number__gt=last).order_by("number")[:at_once]):
        for chunk in chunks:
            yield unsealed(chunk)
        last, at_once = chunks[-1].number, CHUNKS_AT_ONCE


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
