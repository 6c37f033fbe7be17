"""Limits and lost connections as a requester meets them: what is told, and that the next run is unharmed."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Iterator

import pytest

from executors import processes
from executors.processes import pool
from queries.lifecycle import Status
from queries.models import Code, QueryRequest
from queries.tests.running.conftest import Approve, wait_for
from queries.tests.world import READ_VARIABLE, TargetDatabase, World

pytestmark = pytest.mark.slow


@pytest.fixture
def short(committed: World) -> Iterator[None]:
    """Runs may take one second, unless they can talk their way out of it."""
    committed.change_target(seconds_limit=1)
    yield
    committed.change_target(seconds_limit=10)


def told(query: QueryRequest) -> str:
    return query.execution.failure_message


@pytest.fixture
def lift(target_database: TargetDatabase) -> Iterator[None]:
    """A function of the target's own that switches every limit off, which no reading of a statement can know."""
    limits = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "transaction_timeout")
    body = "; ".join(f"PERFORM set_config('{name}', '0', false)" for name in limits)
    with target_database.connect() as server:
        server.execute(f"CREATE FUNCTION lift() RETURNS void LANGUAGE plpgsql AS $$ BEGIN {body}; END $$")
        yield
        server.execute("DROP FUNCTION lift()")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT lift(); INSERT INTO effects (tag) VALUES ('{tag}'); SELECT pg_sleep(9)",
        "INSERT INTO effects (tag) SELECT '{tag}' || lift()::text FROM generate_series(1, 1000000000)",
        "SELECT lift(); INSERT INTO effects (tag) VALUES ('{tag}'); UPDATE items SET name = 'x'",
    ],
    ids=["sleeps", "works", "waits for a lock"],
)
def test_write_that_lifts_its_own_limits_is_stopped_all_the_same(
    committed: World, short: None, lift: None, approve: Approve, target_database: TargetDatabase, statement: str
) -> None:
    tag = uuid.uuid4().hex
    query = committed.submitted(statement.format(tag=tag), access="write")
    with target_database.connect() as holder, holder.transaction():
        holder.execute("LOCK TABLE items IN ACCESS EXCLUSIVE MODE")
        running = approve(query)
        wait_for(lambda: target_database.running(query.public_id) == 1)
        found = running.result(timeout=30)
        assert found.execution.duration_ms is not None
        assert found.execution.duration_ms < 5000
        wait_for(lambda: target_database.running(query.public_id) == 0)
    assert (found.state, found.code) == (Status.FAILED, Code.TIMEOUT)
    assert target_database.effects(tag) == 0


def test_lock_limit_has_words_of_its_own(committed: World, approve: Approve, target_database: TargetDatabase) -> None:
    committed.change_target(lock_seconds_limit=1)
    with target_database.connect() as holder, holder.transaction():
        holder.execute("LOCK TABLE items IN ACCESS EXCLUSIVE MODE")
        found = approve(committed.submitted("SELECT * FROM items")).result(timeout=30)
    committed.change_target(lock_seconds_limit=5)
    assert (found.state, found.code) == (Status.FAILED, Code.TIMEOUT)
    assert "lock" in told(found)
    assert "time limit" not in told(found)


def test_idle_connections_a_restart_ended_do_not_fail_the_next_run(
    committed: World, target_database: TargetDatabase
) -> None:
    assert committed.executed().state is Status.EXECUTED
    with target_database.connect() as server:
        ended = server.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name LIKE 'portal%%' AND datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    assert ended is not None
    assert int(str(ended[0])) > 0
    assert committed.executed().state is Status.EXECUTED


def test_full_target_is_unreachable_after_a_bounded_wait(
    committed: World, approve: Approve, target_database: TargetDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes._ours().helpers, "_at_once", 1)
    monkeypatch.setattr(pool, "_WAIT_SECONDS", 0.5)
    first = committed.submitted("SELECT pg_sleep(6)")
    running = approve(first)
    wait_for(lambda: target_database.running(first.public_id) == 1)
    found = committed.executed()
    assert target_database.running(first.public_id) == 1
    assert (found.state, found.code) == (Status.FAILED, Code.UNREACHABLE)
    assert told(found) == "The target orders is busy with other requests. Try again in a moment."
    assert running.result(timeout=20).state is Status.EXECUTED


def test_silent_target_is_unreachable_after_a_bounded_wait(
    committed: World, target_database: TargetDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv(READ_VARIABLE, f"postgresql://u:p@127.0.0.1:{server.getsockname()[1]}/d")
        began = time.monotonic()
        found = committed.executed()
    assert time.monotonic() - began < 9
    assert (found.state, found.code) == (Status.FAILED, Code.UNREACHABLE)
    assert "nothing was sent" in told(found) or "cannot be reached" in told(found)
    processes.close()
