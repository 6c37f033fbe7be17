"""Rows of our own choosing, stored as the result of a request that ran."""

from collections.abc import Iterable, Sequence

from executors.base import Column, RowEncoding
from executors.copytext import encode_copy_row
from queries.models import Execution, QueryRequest, Said
from queries.results import ChunkWriter
from queries.tests.world import World


def copy_rows(rows: Iterable[Sequence[str | None]]) -> bytes:
    """Rows as PostgreSQL's COPY text."""
    return b"".join(encode_copy_row([None if cell is None else cell.encode() for cell in row]) for row in rows)


def store(world: World, encoding: RowEncoding, rows: Sequence[bytes], names: Sequence[str]) -> QueryRequest:
    """A request whose result is these encoded rows."""
    query = world.executed()
    writer = ChunkWriter(query.pk)
    writer.forget()
    writer.columns([Column(name, "text") for name in names], encoding)
    for row in rows:
        writer.rows(row, 1)
    assert writer.missing() == ""
    writer.finish()
    Execution.objects.filter(pk=query.pk).update(
        **Said(columns=[{"name": name, "type": "text"} for name in names]).sealed(query.pk),
        encoding=encoding.value,
        row_count=len(rows),
        result_bytes=writer.byte_count,
    )
    return QueryRequest.objects.get(pk=query.pk)


def store_cells(world: World, rows: Sequence[Sequence[str | None]], names: Sequence[str]) -> QueryRequest:
    """A request whose result is these rows, as PostgreSQL would have sent them."""
    return store(world, RowEncoding.COPY, [copy_rows([row]) for row in rows], names)
