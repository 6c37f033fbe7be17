"""The portal is killed, or loses its own database, at every point of a run; what it says afterwards is true."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass

import psycopg
import pytest
from django.db import connection

from audit.verification import verify_log
from queries import running
from queries.lifecycle import FINAL, Status
from queries.models import Code, Execution, QueryRequest
from queries.results import view_page
from queries.running import recovery
from queries.tests import trail
from queries.tests.faults.conftest import Portal
from queries.tests.world import TargetDatabase, World
from web.errors import NotFound

pytestmark = pytest.mark.slow

WRITE = "INSERT INTO effects (tag) VALUES ('{tag}') RETURNING tag"
SLOW_WRITE = "INSERT INTO effects (tag) VALUES ('{tag}'); SELECT pg_sleep(2.5), '{tag}'"
READ = "SELECT '{tag}' AS tag"
SLOW_READ = "SELECT pg_sleep(2.5), '{tag}'"
# Some 900 kB: chunks that are stored while it runs, more than one.
LONG_READ = "SELECT repeat('x', 100) || '{tag}' FROM generate_series(1, 7000)"

INTERRUPTED = (Status.FAILED, Code.INTERRUPTED)
EXECUTED = (Status.EXECUTED, Code.NONE)
UNTOUCHED, LOST, KEPT = "untouched", "lost", "kept"


@dataclass(frozen=True, slots=True)
class Case:
    """A fault, and what must be true afterwards: the end, the effects on the target, and what became of the rows."""

    ticket: str
    statement: str
    end: tuple[Status, Code]
    effects: int
    rows: str

    def __str__(self) -> str:
        words = {WRITE: "write", SLOW_WRITE: "slow write", READ: "read", SLOW_READ: "slow read", LONG_READ: "long read"}
        return f"{self.ticket} {words[self.statement]}"


CASES = [
    Case("kill at approved", WRITE, INTERRUPTED, 0, UNTOUCHED),
    Case("kill at claiming", WRITE, INTERRUPTED, 0, UNTOUCHED),
    Case("kill at claimed", WRITE, INTERRUPTED, 0, UNTOUCHED),
    Case("kill at claimed", READ, INTERRUPTED, 0, UNTOUCHED),
    Case("kill at running", SLOW_WRITE, INTERRUPTED, 0, UNTOUCHED),
    Case("kill at running", SLOW_READ, INTERRUPTED, 0, UNTOUCHED),
    Case("kill at committing", WRITE, INTERRUPTED, 0, UNTOUCHED),
    Case("kill at recorded", WRITE, INTERRUPTED, 0, UNTOUCHED),
    Case("kill at ended", WRITE, EXECUTED, 1, LOST),
    Case("kill at ended", READ, INTERRUPTED, 0, UNTOUCHED),
    Case("kill at storing", LONG_READ, INTERRUPTED, 0, UNTOUCHED),
    Case("kill at storing", WRITE, EXECUTED, 1, LOST),
    Case("kill at settling", WRITE, EXECUTED, 1, LOST),
    Case("kill at settled", WRITE, EXECUTED, 1, KEPT),
    Case("cut at approved", WRITE, INTERRUPTED, 0, UNTOUCHED),
    Case("cut at claiming", WRITE, INTERRUPTED, 0, UNTOUCHED),
    Case("cut at claimed", WRITE, INTERRUPTED, 0, UNTOUCHED),
    Case("cut at claimed", READ, EXECUTED, 0, KEPT),
    Case("cut at running", SLOW_WRITE, INTERRUPTED, 0, UNTOUCHED),
    Case("cut at committing", WRITE, INTERRUPTED, 0, UNTOUCHED),
    Case("cut at recorded", WRITE, EXECUTED, 1, KEPT),
    Case("cut at ended", WRITE, EXECUTED, 1, KEPT),
    Case("cut at storing", WRITE, EXECUTED, 1, KEPT),
    Case("cut at storing", LONG_READ, EXECUTED, 0, LOST),
    Case("cut at settling", WRITE, EXECUTED, 1, KEPT),
    Case("cut at settled", WRITE, EXECUTED, 1, KEPT),
    Case("down at ended", WRITE, EXECUTED, 1, LOST),
    Case("down at committing", WRITE, INTERRUPTED, 0, UNTOUCHED),
]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An approval whose process died is settled now, not in a minute."""
    monkeypatch.setattr(recovery, "CLAIM_GRACE_SECONDS", 0)


def settled(query: QueryRequest) -> QueryRequest:
    """The request once it has come to an end, with whoever finds it settling it."""
    by = time.monotonic() + 10
    while (found := QueryRequest.objects.get(pk=query.pk)).state not in FINAL:
        assert time.monotonic() < by, f"still {found.status}"
        running.settle_all_lost()
        time.sleep(0.1)
    return found


def open_doors(postgres_url: str) -> None:
    """Let the portal connect to its database again."""
    connection.close()
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{connection.settings_dict["NAME"]}" ALLOW_CONNECTIONS true')


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_said_afterwards_is_true(
    committed: World, portal: Portal, target_database: TargetDatabase, postgres_url: str, case: Case
) -> None:
    tag = uuid.uuid4().hex
    access = "write" if "INSERT" in case.statement else "read"
    query = committed.submitted(case.statement.format(tag=tag), access=access, ticket=case.ticket)

    status = portal.approve(query, committed.reviewer)
    open_doors(postgres_url)

    assert (status == 0) is case.ticket.startswith("kill")
    found = settled(query)
    assert (found.state, found.code) == case.end
    assert target_database.effects(tag) == case.effects
    check_rows(committed, found, tag, case.rows)
    assert trail.holds(found)
    assert trail.actions(found).count("query.claim") <= 1
    # Settled once: looking again changes nothing, and nothing of it goes on running.
    assert running.settle_all_lost() == []
    gone_within(target_database, found, seconds=3)


def check_rows(world: World, query: QueryRequest, tag: str, rows: str) -> None:
    """Whether the rows can be read, or it is said why not."""
    if rows == KEPT:
        page = view_page(actor=world.author, query=query)
        assert page.rows == [[tag]]
        return
    execution = Execution.objects.filter(pk=query.pk).first()
    assert execution is None or execution.chunks.count() == 0
    if rows == LOST:
        assert execution is not None
        assert execution.result_lost
        with pytest.raises(NotFound):
            view_page(actor=world.author, query=query)


def gone_within(target: TargetDatabase, query: QueryRequest, *, seconds: float) -> None:
    """The statement does not go on without the portal."""
    by = time.monotonic() + seconds
    while target.running(query.public_id):
        assert time.monotonic() < by
        time.sleep(0.1)


def test_afterwards_the_whole_log_still_holds(committed: World, portal: Portal) -> None:
    assert verify_log().fault is None
    for query in QueryRequest.objects.all():
        assert trail.holds(query)
