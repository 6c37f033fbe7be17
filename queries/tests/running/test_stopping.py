"""What is stopped really stops on the target: by a person in another process, by the time limit, by a lock."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable

import pytest
from django.db import connection

from executors import processes
from queries.lifecycle import Status
from queries.models import Code, Execution, QueryRequest
from queries.tests import trail
from queries.tests.running.conftest import Approve, Racer, wait_for
from queries.tests.world import TargetDatabase, World

pytestmark = pytest.mark.slow


def busy(target: TargetDatabase, query: QueryRequest) -> Callable[[], bool]:
    return lambda: target.running(query.public_id) > 0


def idle(target: TargetDatabase, query: QueryRequest) -> Callable[[], bool]:
    return lambda: target.running(query.public_id) == 0


@pytest.mark.parametrize("person", ["author", "second_reviewer"])
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_sleep(9)",
        "INSERT INTO effects (tag) VALUES ('{tag}'); SELECT pg_sleep(9)",
        "INSERT INTO effects (tag) SELECT '{tag}' FROM generate_series(1, 100000000)",
    ],
    ids=["read", "write", "long write"],
)
def test_cancelled_from_another_process_it_stops_on_the_target(
    committed: World, other: Racer, approve: Approve, target_database: TargetDatabase, statement: str, person: str
) -> None:
    tag = uuid.uuid4().hex
    query = committed.submitted(statement.format(tag=tag), access="write" if "INSERT" in statement else "read")
    running = approve(query)
    wait_for(busy(target_database, query))
    other.order("cancel", query, person)
    assert other.answer() == "done EXECUTING"
    wait_for(idle(target_database, query))
    found = running.result(timeout=30)
    ended, asked = found.execution.finished_at, found.execution.cancel_requested_at
    assert ended is not None
    assert asked is not None
    assert (ended - asked).total_seconds() < 2.5
    assert (found.state, found.code) == (Status.FAILED, Code.CANCELLED)
    assert target_database.effects(tag) == 0
    assert trail.actions(found)[-2:] == ["query.cancel", "query.fail"]
    assert trail.holds(found)


def test_while_it_runs_it_says_who_runs_it_on_the_target(
    committed: World, other: Racer, approve: Approve, target_database: TargetDatabase
) -> None:
    query = committed.submitted("SELECT pg_sleep(9)")
    running = approve(query)
    wait_for(lambda: Execution.objects.filter(pk=query.pk).exclude(backend="").exists())
    with target_database.connect() as server:
        found = server.execute(
            "SELECT state FROM pg_stat_activity WHERE pid = %s", [int(Execution.objects.get(pk=query.pk).backend)]
        ).fetchone()
    other.order("cancel", query, "author")
    assert other.answer() == "done EXECUTING"
    running.result(timeout=30)
    assert found == ("active",)


@pytest.mark.parametrize(
    "statement",
    ["SELECT pg_sleep(9)", "SELECT count(*) FROM generate_series(1, 1000000000)"],
    ids=["sleep", "work"],
)
def test_the_time_limit_stops_it_on_the_target_too(
    committed: World, approve: Approve, target_database: TargetDatabase, statement: str
) -> None:
    committed.change_target(seconds_limit=1)
    try:
        query = committed.submitted(statement)
    finally:
        committed.change_target(seconds_limit=10)
    running = approve(query)
    wait_for(busy(target_database, query))
    wait_for(idle(target_database, query))
    found = running.result(timeout=30)
    assert (found.state, found.code) == (Status.FAILED, Code.TIMEOUT)
    assert trail.holds(found)


def test_a_lock_is_waited_for_no_longer_than_its_limit(
    committed: World, approve: Approve, target_database: TargetDatabase
) -> None:
    committed.change_target(lock_seconds_limit=1)
    with target_database.connect() as holder, holder.transaction():
        holder.execute("LOCK TABLE items IN ACCESS EXCLUSIVE MODE")
        found = approve(committed.submitted("UPDATE items SET name = 'x'", access="write")).result(timeout=30)
    committed.change_target(lock_seconds_limit=5)
    # Its time limit is ten seconds.
    assert found.execution.duration_ms is not None
    assert found.execution.duration_ms < 4000
    assert (found.state, found.code) == (Status.FAILED, Code.TIMEOUT)
    assert "lock" in found.execution.failure_message


def test_a_helper_that_dies_is_interrupted_and_the_next_run_is_unharmed(
    committed: World, approve: Approve, target_database: TargetDatabase
) -> None:
    tag = uuid.uuid4().hex
    query = committed.submitted(f"INSERT INTO effects (tag) VALUES ('{tag}'); SELECT pg_sleep(9)", access="write")
    running = approve(query)
    wait_for(busy(target_database, query))
    for helper in list(processes._ours().helpers._busy):
        helper.process.kill()
    found = running.result(timeout=30)
    assert (found.state, found.code) == (Status.FAILED, Code.INTERRUPTED)
    assert approve(committed.submitted()).result(timeout=30).state is Status.EXECUTED
    wait_for(idle(target_database, query))
    assert target_database.effects(tag) == 0


def test_a_long_run_blocks_no_row_of_the_portal(committed: World, other: Racer, approve: Approve) -> None:
    query = committed.submitted("SELECT pg_sleep(2)")
    running = approve(query)
    wait_for(lambda: QueryRequest.objects.get(pk=query.pk).state is Status.EXECUTING)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE %s", ["idle in%"]
        )
        assert cursor.fetchone()[0] == 0
        cursor.execute("SET lock_timeout = '500ms'")
        cursor.execute("SELECT 1 FROM query_requests WHERE id = %s FOR UPDATE", [query.pk])
        cursor.execute("RESET lock_timeout")
    assert threading.active_count() > 1
    assert running.result(timeout=30).state is Status.EXECUTED
