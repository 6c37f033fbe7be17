"""The target drops the connection around COMMIT, restarts, or cannot be asked; what is said afterwards is true."""

from __future__ import annotations

import threading
import time
import uuid

import pytest

from queries.lifecycle import Status
from queries.models import Code, QueryRequest
from queries.results import view_page
from queries.running import ending
from queries.tests import trail
from queries.tests.faults.proxy import Cut, Proxy
from queries.tests.world import READ_VARIABLE, TargetDatabase, World


def test_a_line_cut_before_commit_is_interrupted(world: World, proxy: Proxy, target_database: TargetDatabase) -> None:
    tag = uuid.uuid4().hex
    proxy.cut = Cut.BEFORE
    query = world.approved(world.insert(tag))
    assert (query.state, query.code) == (Status.FAILED, Code.INTERRUPTED)
    assert "nothing was committed" in query.execution.failure_message
    assert target_database.effects(tag) == 0
    assert trail.holds(query)


def test_a_line_cut_after_commit_is_executed_for_the_target_says_so(
    world: World, proxy: Proxy, target_database: TargetDatabase
) -> None:
    tag = uuid.uuid4().hex
    proxy.cut = Cut.AFTER
    query = world.approved(world.insert(tag))
    assert (query.state, query.code) == (Status.EXECUTED, Code.NONE)
    assert query.execution.result_lost == ending.LOST_ANSWER
    assert query.execution.rows_affected is None
    assert target_database.effects(tag) == 1
    assert trail.holds(query)


@pytest.mark.parametrize(
    "statement", ["SELECT pg_sleep(5)", "INSERT INTO effects (tag) VALUES ('x'); SELECT pg_sleep(5)"]
)
def test_a_target_that_drops_its_sessions_meanwhile_is_interrupted(
    world: World, target_database: TargetDatabase, statement: str
) -> None:
    query = world.submitted(statement, access="write" if "INSERT" in statement else "read")
    killer = threading.Thread(target=_terminate_when_running, args=(target_database, query))
    killer.start()
    found = world.approved(query)
    killer.join()
    assert (found.state, found.code) == (Status.FAILED, Code.INTERRUPTED)
    assert target_database.effects("x") == 0


def _terminate_when_running(target: TargetDatabase, query: QueryRequest) -> None:
    by = time.monotonic() + 5
    with target.connect() as connection:
        while time.monotonic() < by:
            ended = connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE %s "
                "AND query LIKE '%%pg_sleep%%' AND state = 'active'",
                [f"%{query.public_id}%"],
            ).fetchall()
            if ended:
                return
            time.sleep(0.05)


def test_warm_connections_that_died_meanwhile_are_replaced(world: World, proxy: Proxy) -> None:
    assert world.executed().state is Status.EXECUTED
    proxy.drop_all()
    query = world.executed("SELECT 'again' AS word")
    assert query.state is Status.EXECUTED
    assert view_page(actor=world.author, query=query).rows == [["again"]]


def test_a_target_that_is_down_is_unreachable_within_seconds(world: World, proxy: Proxy) -> None:
    proxy.close()
    started = time.monotonic()
    query = world.executed()
    assert (query.state, query.code) == (Status.FAILED, Code.UNREACHABLE)
    assert query.execution.failure_message
    assert time.monotonic() - started < 8
    assert trail.holds(query)


def test_no_message_holds_a_credential(world: World, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(READ_VARIABLE, f"postgresql://nobody:hunter2secret@127.0.0.1:{proxy.port}/nowhere")
    query = world.executed()
    assert query.code == Code.UNREACHABLE
    execution = query.execution
    assert "hunter2secret" not in f"{execution.failure_message} {execution.failure_detail}"
