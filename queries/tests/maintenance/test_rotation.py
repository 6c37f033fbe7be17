"""Every chunk under the first key, with nothing lost on the way."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from queries import results
from queries.maintenance import rotation
from queries.maintenance.rotation import rotate, sealed_models
from queries.models import QueryRequest, ResultChunk
from queries.tests.world import World

MANY_ROWS = "SELECT n, repeat('x', 1000) FROM generate_series(1, 2000) AS n"
OLD, NEW = os.urandom(32), os.urandom(32)


@pytest.fixture(autouse=True)
def _small_batches(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PORTAL_RESULT_KEYS = {"old": OLD}
    monkeypatch.setattr(rotation, "BATCH", 3)


def keys() -> set[str]:
    return set(ResultChunk.objects.values_list("key_id", flat=True))


def sealed_rows(key_id: str = "") -> int:
    """How many rows are sealed, by one key or any."""
    rows = [model._default_manager.exclude(data=None) for model in sealed_models()]
    return sum((found.filter(key_id=key_id) if key_id else found).count() for found in rows)


def last_row(world: World, query: QueryRequest) -> Sequence[object]:
    page = results.view_page(actor=world.author, query=QueryRequest.objects.get(pk=query.pk), first_row=1999)
    return page.rows[0]


def test_result_reads_the_same_with_the_new_key_alone(world: World, settings: Any) -> None:
    query = world.executed(MANY_ROWS)
    before = last_row(world, query)
    chunks = sealed_rows()
    settings.PORTAL_RESULT_KEYS = {"new": NEW, "old": OLD}
    done = rotate()
    settings.PORTAL_RESULT_KEYS = {"new": NEW}
    assert (done.resealed, done.remaining, done.unreadable) == (chunks, 0, {})
    assert chunks > 3
    assert keys() == {"new"}
    assert last_row(world, query) == before


def test_second_rotation_does_nothing(world: World, settings: Any) -> None:
    world.executed(MANY_ROWS)
    settings.PORTAL_RESULT_KEYS = {"new": NEW, "old": OLD}
    rotate()
    sealed = list(ResultChunk.objects.order_by("pk").values_list("data", flat=True))
    assert rotate().resealed == 0
    assert list(ResultChunk.objects.order_by("pk").values_list("data", flat=True)) == sealed


def test_interrupted_rotation_goes_on_where_it_was(world: World, settings: Any) -> None:
    world.executed(MANY_ROWS)
    settings.PORTAL_RESULT_KEYS = {"new": NEW, "old": OLD}

    def stop(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotate(stop)
    begun = sealed_rows("new")
    assert 0 < begun <= 3
    assert rotate().resealed == sealed_rows() - begun
    assert keys() == {"new"}


def test_chunk_without_its_key_is_counted_and_kept(
    world: World, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    query = world.executed(MANY_ROWS)
    chunks = sealed_rows()
    settings.PORTAL_RESULT_KEYS = {"new": NEW}
    with pytest.raises(CommandError, match="Keep the older keys"):
        call_command("rotate_result_keys")
    assert f"{chunks} rows of key old cannot be opened" in capsys.readouterr().out
    settings.PORTAL_RESULT_KEYS = {"old": OLD}
    assert last_row(world, query)[0] == "2000"


def test_changed_chunk_does_not_stop_the_others(world: World, settings: Any) -> None:
    world.executed(MANY_ROWS)
    forged = ResultChunk.objects.order_by("pk")[1]
    ResultChunk.objects.filter(pk=forged.pk).update(data=b"x" * 64)
    settings.PORTAL_RESULT_KEYS = {"new": NEW, "old": OLD}
    done = rotate()
    assert done.unreadable == {"old": 1}
    assert done.resealed == sealed_rows() - 1


def test_command_says_that_old_keys_can_go(world: World, settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    world.executed()
    settings.PORTAL_RESULT_KEYS = {"new": NEW, "old": OLD}
    call_command("rotate_result_keys")
    assert capsys.readouterr().out.splitlines() == [
        "2 rows sealed anew with key new.",
        "The older keys can be taken out of PORTAL_RESULT_KEYS.",
    ]


def test_two_rotations_at_once_seal_each_chunk_once(committed: World, settings: Any) -> None:
    query = committed.executed(MANY_ROWS)
    settings.PORTAL_RESULT_KEYS = {"new": NEW, "old": OLD}
    done = []

    def one() -> None:
        done.append(rotate())
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each.resealed for each in done) == sealed_rows()
    assert keys() == {"new"}
    assert last_row(committed, query)[0] == "2000"
