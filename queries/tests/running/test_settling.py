"""What a dead process left behind: settled once, by whoever finds it, as the target says, and never run again."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import Error, connection
from django.db.models.functions import Now

from executors.base import Column, ReadOutcome, RowEncoding
from executors.postgresql.commits import witness
from executors.postgresql.wire import Wire
from queries import running
from queries.lifecycle import Status
from queries.models import Code, Execution, QueryRequest
from queries.results import ChunkWriter, view_page
from queries.running import recovery
from queries.running.claim import claim, release
from queries.running.ending import Ending
from queries.running.monitor import Fenced, Monitor
from queries.running.settling import settle_surely
from queries.tests import trail
from queries.tests.running.conftest import Threads
from queries.tests.world import TargetDatabase, World

Approved = Callable[[QueryRequest], QueryRequest]
SETTLED = "settled"


@pytest.fixture
def approved(committed: World, monkeypatch: pytest.MonkeyPatch) -> Approved:
    """Approves in a process that dies before the claim."""

    def approve(query: QueryRequest) -> QueryRequest:
        with monkeypatch.context() as patch:
            patch.setattr("queries.running.run", lambda query: query)
            return committed.approved(query)

    return approve


@pytest.fixture
def dead(approved: Approved) -> Approved:
    """Approves and claims in a process that dies before anything else."""

    def die(query: QueryRequest) -> QueryRequest:
        approved(query)
        in_another_session(partial(claim, query))
        return QueryRequest.objects.get(pk=query.pk)

    return die


def in_another_session(act: Callable[[], object]) -> None:
    """Do it on a connection that is closed afterwards; returns when the server has let go of what it held."""
    backends: list[int] = []

    def go() -> None:
        try:
            connection.ensure_connection()
            backends.append(connection.connection.info.backend_pid)
            act()
        finally:
            connection.close()

    thread = Thread(target=go)
    thread.start()
    thread.join()
    wait_for_the_end_of(backends)


def wait_for_the_end_of(backends: list[int]) -> None:
    by = time.monotonic() + 30
    with connection.cursor() as cursor:
        while cursor.execute("SELECT FROM pg_stat_activity WHERE pid = ANY (%s)", [backends]).fetchone() is not None:
            assert time.monotonic() < by, f"still there: {backends}"
            time.sleep(0.01)


def settle(query: QueryRequest) -> str:
    return SETTLED if running.settle_lost(QueryRequest.objects.get(pk=query.pk)) else "left alone"


def end(query: QueryRequest) -> tuple[Status, str]:
    found = QueryRequest.objects.get(pk=query.pk)
    assert trail.holds(found)
    return found.state, found.code


def test_a_fresh_approval_is_left_to_its_own_process(
    committed: World, approved: Approved, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = approved(committed.submitted())
    assert settle(query) == "left alone"
    monkeypatch.setattr(recovery, "CLAIM_GRACE_SECONDS", 0)
    assert settle(query) == SETTLED
    assert end(query) == (Status.FAILED, Code.INTERRUPTED)
    assert not Execution.objects.filter(pk=query.pk).exists()


def test_of_many_who_find_it_one_settles_it(committed: World, dead: Approved, threads: Threads) -> None:
    for _ in range(5):
        query = dead(committed.insert(uuid.uuid4().hex))
        said = threads.race([partial(settle, query)] * threads.count)
        assert said.count(SETTLED) == 1
        assert end(query) == (Status.FAILED, Code.INTERRUPTED)
        assert trail.actions(query).count("query.fail") == 1


def test_the_command_says_what_it_settled(committed: World, dead: Approved, capsys: pytest.CaptureFixture[str]) -> None:
    running.settle_all_lost()
    query = dead(committed.submitted())
    call_command("settle")
    assert capsys.readouterr().out == f"QR-{query.pk} FAILED INTERRUPTED\n1 settled.\n"
    call_command("settle")
    assert capsys.readouterr().out == "0 settled.\n"


def test_one_that_cannot_be_settled_does_not_hold_up_the_rest(
    committed: World, dead: Approved, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.settle_all_lost()
    first, second = dead(committed.submitted()), dead(committed.submitted())
    original = recovery._lost_ending

    def stubborn(query: QueryRequest) -> Ending | None:
        if query.pk == first.pk:
            raise ZeroDivisionError
        return original(query)

    monkeypatch.setattr(recovery, "_lost_ending", stubborn)
    assert running.settle_all_lost() == [second]
    monkeypatch.undo()
    assert running.settle_all_lost() == [first]


# --- as the target says ----------------------------------------------------------------------------


def committing(query: QueryRequest, transaction: str) -> None:
    """Record a transaction as its process would have."""
    Execution.objects.filter(pk=query.pk).update(transaction=transaction, committing_at=Now())


def begun(target: TargetDatabase, tag: str) -> tuple[psycopg.Connection[Any], str]:
    """A write on the target that is neither committed nor rolled back, and the name of its transaction."""
    session = psycopg.connect(target.write_url)
    session.execute("INSERT INTO effects (tag) VALUES (%s)", [tag])
    return session, witness(Wire(session))


@pytest.mark.parametrize(
    ("finish", "expected"),
    [
        (psycopg.Connection.commit, (Status.EXECUTED, Code.NONE)),
        (psycopg.Connection.rollback, (Status.FAILED, Code.INTERRUPTED)),
    ],
    ids=["committed", "rolled back"],
)
@pytest.mark.slow
def test_it_waits_for_a_transaction_that_is_still_open_and_believes_the_target(
    committed: World,
    dead: Approved,
    target_database: TargetDatabase,
    monkeypatch: pytest.MonkeyPatch,
    finish: Callable[[psycopg.Connection[Any]], None],
    expected: tuple[Status, str],
) -> None:
    monkeypatch.setattr("queries.running.ending.ASK_PAUSES", (0.0, 0.1))
    tag = uuid.uuid4().hex
    query = dead(committed.insert(tag))
    session, name = begun(target_database, tag)
    with session:
        committing(query, name)
        assert settle(query) == "left alone"
        assert QueryRequest.objects.get(pk=query.pk).state is Status.EXECUTING
        finish(session)
    assert settle(query) == SETTLED
    assert end(query) == expected
    assert target_database.effects(tag) == (1 if expected[0] is Status.EXECUTED else 0)


def test_a_commit_the_target_has_no_name_for_is_unknown_and_says_what_to_check(
    committed: World, dead: Approved
) -> None:
    query = dead(committed.insert(uuid.uuid4().hex))
    committing(query, "")
    assert settle(query) == SETTLED
    assert end(query) == (Status.FAILED, Code.OUTCOME_UNKNOWN)
    assert "Look at the rows" in Execution.objects.get(pk=query.pk).failure_message


# --- the fence -------------------------------------------------------------------------------------


def test_who_lost_the_run_may_not_commit(committed: World, dead: Approved) -> None:
    query = dead(committed.insert(uuid.uuid4().hex))
    with pytest.raises(Fenced):
        Monitor(query).committing("1")
    assert settle(query) == SETTLED
    assert Execution.objects.get(pk=query.pk).committing_at is None


def test_who_lost_its_connection_may_not_commit(committed: World, approved: Approved, postgres_url: str) -> None:
    query = approved(committed.insert(uuid.uuid4().hex))
    said: list[type[BaseException]] = []

    def lose() -> None:
        claim(query)
        with psycopg.connect(postgres_url, autocommit=True) as server:
            server.execute("SELECT pg_terminate_backend(%s, 2000)", [connection.connection.info.backend_pid])
        try:
            Monitor(query).committing("1")
        except Error as error:
            said.append(type(error))

    in_another_session(lose)
    assert len(said) == 1
    assert Execution.objects.get(pk=query.pk).committing_at is None
    assert settle(query) == SETTLED


def test_what_is_about_to_commit_is_on_disk_before_it_does(committed: World, approved: Approved) -> None:
    query = approved(committed.insert(uuid.uuid4().hex))
    claim(query)
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        cursor.execute("SELECT pg_current_wal_insert_lsn()")
        before = cursor.fetchone()[0]
        Monitor(query).committing("1")
        cursor.execute("SELECT pg_current_wal_flush_lsn() > %s", [before])
        assert cursor.fetchone()[0]
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone()[0] == "off"
        cursor.execute("RESET synchronous_commit")
    release()
    assert settle(query) == SETTLED


def test_a_late_writer_changes_nothing(committed: World, dead: Approved, caplog: pytest.LogCaptureFixture) -> None:
    query = dead(committed.submitted())
    assert settle(query) == SETTLED
    writer = ChunkWriter(query.pk)
    writer.columns([Column("n", "int4")], RowEncoding.COPY)
    writer.rows(b"1\n", 1)
    late = settle_surely(query, Ending(outcome=ReadOutcome(1)), writer)
    assert late.state is Status.FAILED
    assert end(query) == (Status.FAILED, Code.INTERRUPTED)
    assert Execution.objects.get(pk=query.pk).chunks.count() == 0
    assert "settled already" in caplog.text


def test_settling_again_after_a_lost_answer_keeps_the_result(committed: World, approved: Approved) -> None:
    query = approved(committed.submitted())
    claim(query)
    writer = ChunkWriter(query.pk)
    writer.columns([Column("n", "int4")], RowEncoding.COPY)
    writer.rows(b"1\n", 1)
    ending = Ending(outcome=ReadOutcome(1))
    for _ in range(2):
        assert settle_surely(query, ending, writer).state is Status.EXECUTED
    release()
    assert ending.result_lost == ""
    assert view_page(actor=committed.author, query=query).rows == [["1"]]
    assert trail.actions(query).count("query.complete") == 1
