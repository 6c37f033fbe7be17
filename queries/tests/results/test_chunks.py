"""Stored chunks: read back at any depth, bound to their place, opened by no other key, missed when they are gone."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import islice
from typing import Any

import bson
import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from executors.base import Column, RowEncoding
from queries import vault
from queries.models import Execution, QueryRequest, ResultChunk
from queries.results import ChunkWriter, download, reader, view_page, writer
from queries.tests.results.stored import copy_rows, store, store_cells
from queries.tests.world import World
from web.errors import Unavailable

ROWS = 1000
ENCODED: dict[RowEncoding, list[bytes]] = {
    RowEncoding.COPY: [copy_rows([(str(n), None, "", f"x\t\n\\{n}é")]) for n in range(ROWS)],
    RowEncoding.JSON: [b'{"n": %d, "deep": [1.50, null]}\n' % n for n in range(ROWS)],
    RowEncoding.BSON: [bson.encode({"n": n, "text": "x\n\0é", "big": 2**40}) for n in range(ROWS)],
}


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of some twenty rows."""
    monkeypatch.setattr(writer, "CHUNK_BYTES", 500)


@pytest.mark.parametrize("encoding", list(RowEncoding))
def test_every_byte_comes_back(world: World, encoding: RowEncoding) -> None:
    execution = store(world, encoding, ENCODED[encoding], ["n"]).execution
    assert execution.chunks.count() > 20
    assert b"".join(reader.blocks(execution)) == b"".join(ENCODED[encoding])


@pytest.mark.parametrize("encoding", list(RowEncoding))
@pytest.mark.parametrize(("first", "limit"), [(0, 1), (0, 200), (19, 2), (500, 137), (999, 10), (1000, 10), (5000, 1)])
def test_a_window_is_that_slice(world: World, encoding: RowEncoding, first: int, limit: int) -> None:
    execution = store(world, encoding, ENCODED[encoding], ["n"]).execution
    assert list(islice(reader.rows_from(execution, first), limit)) == ENCODED[encoding][first : first + limit]


def test_pages_follow_each_other_without_a_gap(world: World) -> None:
    query = store(world, RowEncoding.COPY, ENCODED[RowEncoding.COPY], ["n", "null", "empty", "odd"])
    seen: list[object] = []
    at: int | None = 0
    while at is not None:
        page = view_page(actor=world.author, query=query, first_row=at, limit=73)
        seen += page.rows
        at = page.next
    assert seen == [[str(n), None, "", f"x\t\n\\{n}é"] for n in range(ROWS)]


def test_a_deep_page_costs_what_the_first_one_costs(world: World) -> None:
    execution = store(world, RowEncoding.COPY, ENCODED[RowEncoding.COPY], ["n"]).execution
    # As many chunks are touched: ten rows from the start of a chunk.
    deep = execution.chunks.get(number=30).first_row
    costs = []
    for first in (0, deep):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            list(islice(reader.rows_from(execution, first), 10))
        costs.append(len(queries))
    assert costs[0] == costs[1] <= 3


def test_nothing_of_the_rows_is_readable_in_the_database(world: World) -> None:
    execution = store_cells(world, [["a secret of the target's"]], ["secret"]).execution
    assert b"secret of" not in b"".join(bytes(chunk.data) for chunk in execution.chunks.all())


# --- tampering -------------------------------------------------------------------------------------


def _flip(execution: Execution) -> None:
    chunk = execution.chunks.get(number=3)
    data = bytearray(chunk.data)
    data[len(data) // 2] ^= 1
    execution.chunks.filter(number=3).update(data=bytes(data))


def _cut_short(execution: Execution) -> None:
    execution.chunks.filter(number=3).update(data=b"short")


def _swap(execution: Execution) -> None:
    third, fourth = (bytes(execution.chunks.get(number=n).data) for n in (3, 4))
    execution.chunks.filter(number=3).update(data=fourth)
    execution.chunks.filter(number=4).update(data=third)


def _lie_about_rows(execution: Execution) -> None:
    execution.chunks.filter(number=3).update(first_row=F("first_row") - 1)


def _delete_middle(execution: Execution) -> None:
    execution.chunks.filter(number=3).delete()


def _delete_last(execution: Execution) -> None:
    last = execution.chunks.order_by("-number").first()
    assert last is not None
    last.delete()


def _delete_all(execution: Execution) -> None:
    execution.chunks.all().delete()


def _forget_key(execution: Execution) -> None:
    execution.chunks.filter(number=3).update(key_id="gone")


TAMPERING = [_flip, _cut_short, _swap, _lie_about_rows, _delete_middle, _delete_last, _delete_all, _forget_key]


@pytest.mark.parametrize("tamper", TAMPERING, ids=lambda act: act.__name__)
def test_tampering_is_noticed_and_never_passes_for_a_result(world: World, tamper: Callable[[Execution], None]) -> None:
    query = store(world, RowEncoding.COPY, ENCODED[RowEncoding.COPY], ["n", "null", "empty", "odd"])
    tamper(query.execution)
    with pytest.raises(vault.Unreadable):
        list(reader.blocks(query.execution))
    with pytest.raises(Unavailable, match="cannot be read"):
        view_page(actor=world.author, query=query, first_row=0, limit=ROWS)
    with pytest.raises((vault.Unreadable, Unavailable)):
        b"".join(download(actor=world.author, query=query, format="csv").stream)


def test_a_chunk_opens_in_no_other_result(world: World) -> None:
    mine, other = (store_cells(world, [[word]], ["word"]).execution for word in ("mine", "other"))
    sealed = bytes(other.chunks.get().data)
    ResultChunk.objects.filter(execution=mine).update(data=sealed)
    with pytest.raises(vault.Unreadable):
        list(reader.blocks(mine))


def test_another_key_of_the_same_name_opens_nothing(world: World, settings: Any) -> None:
    execution = store_cells(world, [["x"]], ["x"]).execution
    settings.PORTAL_RESULT_KEYS = dict.fromkeys(settings.PORTAL_RESULT_KEYS, os.urandom(32))
    with pytest.raises(vault.Unreadable):
        list(reader.blocks(execution))


def test_a_new_first_key_seals_and_the_old_one_still_opens(world: World, settings: Any) -> None:
    old = store_cells(world, [["old"]], ["x"]).execution
    settings.PORTAL_RESULT_KEYS = {"new": os.urandom(32), **settings.PORTAL_RESULT_KEYS}
    new = store_cells(world, [["new"]], ["x"]).execution
    assert new.chunks.get().key_id == "new"
    assert [b"".join(reader.blocks(execution)) for execution in (old, new)] == [b"old\n", b"new\n"]


def test_no_nonce_is_used_twice(world: World) -> None:
    store(world, RowEncoding.COPY, ENCODED[RowEncoding.COPY], ["n"])
    nonces = [bytes(data)[: vault.NONCE_BYTES] for data in ResultChunk.objects.values_list("data", flat=True)]
    assert len(set(nonces)) == len(nonces) > 20


# --- the writer ------------------------------------------------------------------------------------


@pytest.fixture
def chunks(world: World) -> ChunkWriter:
    """A writer for a request that ran and whose rows were dropped."""
    found = ChunkWriter(world.executed().pk)
    found.forget()
    return found


def fill(chunks: ChunkWriter, rows: int) -> None:
    chunks.columns([Column("n", "int4")], RowEncoding.COPY)
    for row in ENCODED[RowEncoding.COPY][:rows]:
        chunks.rows(row, 1)


def stored(chunks: ChunkWriter) -> int:
    return sum(ResultChunk.objects.filter(execution_id=chunks._execution_id).values_list("row_count", flat=True))


def test_the_last_result_set_is_the_one_kept(chunks: ChunkWriter) -> None:
    fill(chunks, 100)
    fill(chunks, 30)
    chunks.finish()
    assert stored(chunks) == 30


def test_discarding_forgets_what_was_written_also_when_done_again(chunks: ChunkWriter) -> None:
    fill(chunks, 100)
    chunks.discard()
    chunks.discard()
    chunks.finish()
    assert stored(chunks) == 0
    assert chunks.encoding is None


def test_a_settling_that_is_tried_again_stores_the_last_chunk_again(chunks: ChunkWriter) -> None:
    fill(chunks, 30)
    before = stored(chunks)
    chunks.finish()
    ResultChunk.objects.filter(first_row__gte=before).delete()  # as when the transaction is lost
    chunks.finish()
    assert stored(chunks) == 30


def test_chunks_the_database_lost_are_missed(chunks: ChunkWriter) -> None:
    fill(chunks, 100)
    assert chunks.missing() == ""
    ResultChunk.objects.filter(number=1).delete()
    assert "lost a part" in chunks.missing()


def test_a_result_that_shrank_behind_our_back_is_not_paged(world: World) -> None:
    query = QueryRequest.objects.get(pk=store_cells(world, [["a"], ["b"]], ["x"]).pk)
    Execution.objects.filter(pk=query.pk).update(row_count=3)
    with pytest.raises(Unavailable):
        view_page(actor=world.author, query=query)
