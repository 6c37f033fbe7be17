"""Places for runs: who finds none waits, and is told so before anything is decided."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from pods.models import Target
from queries import services
from queries.lifecycle import Status
from queries.models import Decision, Execution, QueryRequest
from queries.running import places
from queries.tests.running.conftest import Approve, Racer, wait_for
from queries.tests.world import READ_VARIABLE, TargetDatabase, World
from web.errors import Unavailable

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _one_place(committed: World) -> Iterator[None]:
    """The target takes one run at a time with each login."""
    committed.change_target(places=1)
    yield
    committed.change_target(places=8)


def running(target: TargetDatabase, query: QueryRequest) -> bool:
    return target.running(query.public_id) > 0


def test_who_finds_no_place_gets_one_when_it_is_free(
    committed: World, approve: Approve, target_database: TargetDatabase
) -> None:
    first, second = committed.submitted("SELECT pg_sleep(2)"), committed.submitted("SELECT 1 AS one")
    going = approve(first)
    wait_for(lambda: running(target_database, first))
    assert committed.approved(second).state is Status.EXECUTED
    assert going.result(timeout=30).state is Status.EXECUTED


def test_nothing_is_decided_for_whom_none_becomes_free(
    committed: World, approve: Approve, target_database: TargetDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "WAIT_SECONDS", 0.3)
    first, second = committed.submitted("SELECT pg_sleep(4)"), committed.submitted("SELECT 1 AS one")
    going = approve(first)
    wait_for(lambda: running(target_database, first))
    with pytest.raises(Unavailable, match="All places of the database") as caught:
        committed.approved(second)
    assert caught.value.retry_after > 0
    assert QueryRequest.objects.get(pk=second.pk).state is Status.PENDING
    assert not Decision.objects.filter(query=second).exists()
    # The other login has places of its own.
    assert committed.approved(committed.insert(uuid.uuid4().hex)).state is Status.EXECUTED
    going.result(timeout=30)
    assert committed.approved(second).state is Status.EXECUTED


@pytest.mark.parametrize(("setting", "where"), [("PORTAL_PLACES", "the portal"), ("PORTAL_POD_PLACES", "the pod")])
def test_the_portal_and_a_pod_have_places_too(
    committed: World,
    approve: Approve,
    target_database: TargetDatabase,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    setting: str,
    where: str,
) -> None:
    monkeypatch.setattr(places, "WAIT_SECONDS", 0.3)
    committed.change_target(places=8)
    setattr(settings, setting, 1)
    first, second = committed.submitted("SELECT pg_sleep(2)"), committed.submitted("SELECT 1 AS one")
    going = approve(first)
    wait_for(lambda: running(target_database, first))
    with pytest.raises(Unavailable, match=where):
        committed.approved(second)
    going.result(timeout=30)


def test_a_place_is_given_back_when_its_process_dies(
    committed: World, other: Racer, target_database: TargetDatabase
) -> None:
    first, second = committed.submitted("SELECT pg_sleep(20)"), committed.submitted("SELECT 1 AS one")
    other.order("approve", first, "reviewer")
    wait_for(lambda: running(target_database, first))
    other._process.kill()
    assert committed.approved(second).state is Status.EXECUTED


def test_a_refused_approval_holds_no_place(committed: World) -> None:
    query = committed.approved(committed.submitted("SELECT 1 AS one"))
    with pytest.raises(Exception, match="already"):
        services.approve(actor=committed.second_reviewer, query_id=query.pk, digest=query.digest)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone() == (0,)


def test_who_waits_is_told_what_for(committed: World, approve: Approve, target_database: TargetDatabase) -> None:
    first, second = committed.submitted("SELECT pg_sleep(5)"), committed.submitted("SELECT 1 AS one")
    going = approve(first)
    wait_for(lambda: running(target_database, first))
    waiting = approve(second)
    wait_for(lambda: places.waits_for(second) == "the database Orders")
    assert not places.waits_for(first)
    assert waiting.result(timeout=10).state is Status.EXECUTED
    assert not places.waits_for(second)
    going.result(timeout=30)


def test_a_pod_that_holds_fewer_goes_first(
    committed: World, approve: Approve, target_database: TargetDatabase, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "WAIT_SECONDS", 60.0)
    committed.change_target(places=8, seconds_limit=60)
    settings.PORTAL_PLACES = 2
    theirs = Target.objects.create(
        pod=committed.other_pod, name="Papers", slug="papers", engine="postgresql", read_url_variable=READ_VARIABLE
    )
    draft = committed.draft("SELECT 1 AS one", pod=committed.other_pod.slug, target=theirs.slug)
    other = services.submit(actor=committed.outsider, draft=draft)
    first = [committed.submitted("SELECT pg_sleep(50)") for _ in range(2)]
    crowd = [committed.submitted("SELECT 1 AS one") for _ in range(4)]
    going = [approve(query) for query in first]
    wait_for(lambda: all(running(target_database, query) for query in first))
    going += [approve(query) for query in crowd]
    wait_for(lambda: sum(places.waits_for(query) == "the portal" for query in crowd) > 2)
    last = approve(other, committed.other_manager)
    wait_for(lambda: places.waits_for(other) == "the portal")
    # One place becomes free; the other stays with the pod of the crowd.
    services.cancel(actor=committed.author, query_id=first[0].pk)
    assert last.result(timeout=20).state is Status.EXECUTED
    began = Execution.objects.get(query=other).started_at
    assert not Execution.objects.filter(query__in=crowd, started_at__lt=began).exists()
    services.cancel(actor=committed.author, query_id=first[1].pk)
    assert [one.result(timeout=20).state for one in going] == [Status.FAILED] * 2 + [Status.EXECUTED] * 4
    committed.change_target(seconds_limit=10)


def test_who_comes_when_many_wait_is_told_at_once(
    committed: World, approve: Approve, target_database: TargetDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "_queue", threading.BoundedSemaphore(1))
    first, second, third = (committed.submitted(f"SELECT pg_sleep({seconds})") for seconds in (6, 0, 0))
    going = approve(first)
    wait_for(lambda: running(target_database, first))
    waiting = approve(second)
    wait_for(lambda: bool(places.waits_for(second)))
    with pytest.raises(Unavailable, match="others wait for one already"):
        committed.approved(third)
    assert not Decision.objects.filter(query=third).exists()
    assert [one.result(timeout=15).state for one in (going, waiting)] == [Status.EXECUTED] * 2
    # Whoever waited waits no longer.
    assert committed.approved(third).state is Status.EXECUTED
