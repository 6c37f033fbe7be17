"""Whoever races whom: one execution, one effect on the target, and the losers learn the state."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from copy import copy
from functools import partial

import pytest
from django.db import connection

from queries import running
from queries.lifecycle import Status, Verb
from queries.models import Decision, Execution, QueryRequest
from queries.tests import trail
from queries.tests.running.conftest import Racer, Threads
from queries.tests.running.racer import act
from queries.tests.world import TargetDatabase, World
from queries.transitions import step
from web.errors import NotNow

pytestmark = pytest.mark.slow

ROUNDS = 55
MIXED_ROUNDS = 50
PROCESS_ROUNDS = 80
LAST_ROUNDS = 8
CLAIM_ROUNDS = 15
LATE = {f"not now {status}" for status in Status if status is not Status.PENDING}


def check_one_winner(query: QueryRequest, said: list[str], effects: int) -> None:
    """Exactly one act took effect, everybody else came too late, and the trail tells the same."""
    won = [words for words in said if words.startswith("done")]
    assert len(won) == 1
    assert set(said) - set(won) <= LATE
    assert trail.holds(query)
    ran = won == ["done EXECUTED"]
    assert effects == (1 if ran else 0)
    assert Execution.objects.filter(pk=query.pk).count() == effects
    assert trail.actions(query).count("query.claim") == effects
    assert Decision.objects.filter(query=query).count() == (0 if won == ["done WITHDRAWN"] else 1)


def approvals(query: QueryRequest, people: list[str]) -> list[Callable[[], str]]:
    return [partial(act, "approve", query.pk, query.digest, name) for name in people]


def test_two_managers_and_their_double_clicks_run_it_once(
    committed: World, threads: Threads, target_database: TargetDatabase
) -> None:
    for _ in range(ROUNDS):
        tag = uuid.uuid4().hex
        query = committed.insert(tag)
        said = threads.race(approvals(query, ["reviewer", "second_reviewer"] * 10))
        check_one_winner(query, said, target_database.effects(tag))


def test_an_approval_races_a_withdrawal_and_a_rejection(
    committed: World, threads: Threads, target_database: TargetDatabase
) -> None:
    winners = set()
    for _ in range(MIXED_ROUNDS):
        tag = uuid.uuid4().hex
        query = committed.insert(tag)
        mixed = [("approve", "reviewer"), ("reject", "second_reviewer"), ("withdraw", "author"), ("reject", "reviewer")]
        acts = [partial(act, verb, query.pk, query.digest, name) for verb, name in mixed * 5]
        random.shuffle(acts)
        said = threads.race(acts)
        check_one_winner(query, said, target_database.effects(tag))
        winners |= {words for words in said if words.startswith("done")}
    # The races are real: not always the same one wins.
    assert len(winners) > 1


def test_processes_that_approve_at_once_run_it_once(
    committed: World, racers: list[Racer], target_database: TargetDatabase
) -> None:
    people = ["reviewer", "second_reviewer", "reviewer", "author"]
    for number in range(PROCESS_ROUNDS):
        tag = uuid.uuid4().hex
        query = committed.insert(tag)
        at = time.time() + 0.01
        for racer, name in zip(racers, people[number % 4 :] + people[: number % 4], strict=True):
            racer.order("withdraw" if name == "author" else "approve", query, name, at=at)
        check_one_winner(query, [racer.answer() for racer in racers], target_database.effects(tag))


def test_the_last_of_two_approvals_runs_it_once(
    committed: World, threads: Threads, target_database: TargetDatabase
) -> None:
    committed.change_target(approvals_required=2)
    try:
        for _ in range(LAST_ROUNDS):
            tag = uuid.uuid4().hex
            query = committed.insert(tag)
            said = threads.race(approvals(query, ["reviewer", "second_reviewer"] * 10))
            done = [words for words in said if words.startswith("done")]
            # The first of them is told what the request is by then.
            assert (len(done), "done EXECUTED" in done) == (2, True)
            assert target_database.effects(tag) == 1
            assert trail.actions(query)[1:3] == ["query.endorse", "query.approve"]
    finally:
        committed.change_target(approvals_required=1)


# --- the claim by itself ---------------------------------------------------------------------------


@pytest.fixture
def approved(committed: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], QueryRequest]:
    """Approved, and its process died before the claim."""

    def approve(tag: str) -> QueryRequest:
        with monkeypatch.context() as patch:
            patch.setattr("queries.running.run", lambda query: query)
            return committed.approved(committed.insert(tag))

    return approve


def run(query: QueryRequest) -> str:
    try:
        running.run(copy(query))
    except NotNow as error:
        return f"not now {error.state}"
    return "ran"


def settle(query: QueryRequest) -> str:
    return "settled" if running.settle_lost(QueryRequest.objects.get(pk=query.pk)) else "left alone"


def test_of_many_who_claim_one_runs_it_and_settlers_leave_it_alone(
    approved: Callable[[str], QueryRequest], threads: Threads, target_database: TargetDatabase
) -> None:
    for _ in range(CLAIM_ROUNDS):
        tag = uuid.uuid4().hex
        query = approved(tag)
        said = threads.race([partial(run, query), partial(settle, query)] * 10)
        assert said.count("ran") == 1
        assert "settled" not in said
        assert target_database.effects(tag) == 1
        assert trail.replayed(query) is Status.EXECUTED


def test_a_claim_that_fails_leaves_no_hold_behind(
    approved: Callable[[str], QueryRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    query = approved(uuid.uuid4().hex)
    monkeypatch.setattr("queries.transitions.log.append", _broken)
    with pytest.raises(ZeroDivisionError):
        running.run(query)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone()[0] == 0


def _broken(*_: object, **__: object) -> None:
    raise ZeroDivisionError


def test_what_changed_behind_the_portals_back_does_not_run(
    approved: Callable[[str], QueryRequest], target_database: TargetDatabase, postgres_url: str
) -> None:
    tag = uuid.uuid4().hex
    query = approved(tag)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE query_requests DISABLE TRIGGER query_is_frozen")
        cursor.execute("UPDATE query_requests SET rows_limit = rows_limit + 1 WHERE id = %s", [query.pk])
        cursor.execute("ALTER TABLE query_requests ENABLE TRIGGER query_is_frozen")
    with pytest.raises(NotNow) as caught:
        running.run(query)
    assert caught.value.code == "digest_differs"
    assert target_database.effects(tag) == 0
    assert not Execution.objects.filter(pk=query.pk).exists()


def test_a_step_outside_of_a_transaction_is_refused(committed: World) -> None:
    query = committed.submitted()
    with pytest.raises(RuntimeError, match="inside a transaction"):
        step(query, Verb.WITHDRAW, actor=committed.author)
