"""The one way a request changes: no act without its entry, and the trail tells the state."""

import itertools
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.backends.utils import CursorWrapper

from accounts.models import SYSTEM, User
from queries import lifecycle, services
from queries.joined import locked
from queries.lifecycle import TRANSITIONS, Status, Verb
from queries.models import Decision, Execution, QueryRequest
from queries.tests import trail
from queries.tests.world import TargetDatabase, World
from queries.transitions import ACTIONS, step
from web.errors import NotAllowed, NotNow


def actor_for(world: World, verb: Verb) -> object:
    people = {Verb.WITHDRAW: world.author, Verb.APPROVE: world.reviewer}
    people |= dict.fromkeys((Verb.ENDORSE, Verb.REJECT, Verb.CLOSE), world.reviewer)
    return people.get(verb, SYSTEM)


@pytest.mark.parametrize(("status", "verb"), list(itertools.product(Status, Verb)), ids=str)
def test_a_step_is_possible_exactly_where_the_lifecycle_says(world: World, status: Status, verb: Verb) -> None:
    query = world.submitted()
    QueryRequest.objects.filter(pk=query.pk).update(status=status)
    with transaction.atomic():
        stored = locked(query.pk)
        if lifecycle.possible(verb, status):
            step(stored, verb, actor=actor_for(world, verb)).record()  # type: ignore[arg-type]
            assert QueryRequest.objects.get(pk=query.pk).state is TRANSITIONS[verb][1]
            return
        with pytest.raises(NotNow) as caught:
            step(stored, verb, actor=actor_for(world, verb))  # type: ignore[arg-type]
    assert caught.value.state == status
    assert trail.actions(query) == ["query.submit"]


def test_who_may_not_learns_that_before_whether_it_is_the_time(world: World) -> None:
    query = world.executed()
    with transaction.atomic(), pytest.raises(NotAllowed):
        step(locked(query.pk), Verb.APPROVE, actor=world.outsider)


def test_every_verb_has_its_action() -> None:
    assert set(ACTIONS) == set(Verb)
    assert len(set(ACTIONS.values())) == len(ACTIONS)


# --- the trail -------------------------------------------------------------------------------------


def _two_approvals(world: World) -> QueryRequest:
    world.change_target(approvals_required=2)
    query = world.approved(world.submitted())
    return world.approved(query, by=world.second_reviewer)


def _endorsed_then_rejected(world: World) -> QueryRequest:
    world.change_target(approvals_required=2)
    query = world.approved(world.submitted())
    return services.reject(actor=world.second_reviewer, query_id=query.pk, comment="no")


def _expired(world: World) -> QueryRequest:
    world.change_target(pending_hours=0)
    query = world.submitted()
    assert services.expire(query_id=query.pk)
    return query


def _unreachable(world: World) -> QueryRequest:
    query = world.submitted()
    with patch.dict(os.environ):
        del os.environ[query.target.read_url_variable]
        return world.approved(query)


def _seen(world: World) -> QueryRequest:
    query = world.executed()
    services.submit(actor=world.author, draft=world.draft(), revises=query)
    with pytest.raises(NotNow):
        world.approved(query, by=world.second_reviewer)
    return query


SCENARIOS: dict[str, tuple[Callable[[World], QueryRequest], Status, list[str]]] = {
    "pending": (lambda w: w.submitted(), Status.PENDING, []),
    "executed": (lambda w: w.executed(), Status.EXECUTED, ["approve", "claim", "complete"]),
    "written": (lambda w: w.approved(w.insert("t")), Status.EXECUTED, ["approve", "claim", "complete"]),
    "failed": (lambda w: w.executed("SELECT 1/0"), Status.FAILED, ["approve", "claim", "fail"]),
    "unreachable": (_unreachable, Status.FAILED, ["approve", "claim", "fail"]),
    "two approvals": (_two_approvals, Status.EXECUTED, ["endorse", "approve", "claim", "complete"]),
    "endorsed, rejected": (_endorsed_then_rejected, Status.REJECTED, ["endorse", "reject"]),
    "rejected": (
        lambda w: services.reject(actor=w.reviewer, query_id=w.submitted().pk, comment="no"),
        Status.REJECTED,
        ["reject"],
    ),
    "withdrawn": (
        lambda w: services.withdraw(actor=w.author, query_id=w.submitted().pk),
        Status.WITHDRAWN,
        ["withdraw"],
    ),
    "expired": (_expired, Status.WITHDRAWN, ["expire"]),
    "revised, refused": (_seen, Status.EXECUTED, ["approve", "claim", "complete"]),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_replaying_the_trail_lands_on_the_stored_status(world: World, name: str) -> None:
    scenario, status, verbs = SCENARIOS[name]
    query = QueryRequest.objects.get(pk=scenario(world).pk)
    assert query.state is status
    assert trail.replayed(query) is status
    assert trail.actions(query) == ["query.submit", *(f"query.{verb}" for verb in verbs)]


# --- no entry, no act ------------------------------------------------------------------------------


@pytest.fixture
def broken_log() -> Callable[[], None]:
    """Makes every append to the audit log fail from now on, in this test's transaction."""

    def break_it() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE FUNCTION audit_is_down() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'the audit log is down'; END $$"
            )
            cursor.execute(
                "CREATE TRIGGER a_broken BEFORE INSERT ON audit_logs FOR EACH ROW EXECUTE FUNCTION audit_is_down()"
            )

    return break_it


Act = Callable[[World, QueryRequest], object]
ACTS: dict[str, Act] = {
    "approve": lambda w, q: services.approve(actor=w.reviewer, query_id=q.pk, digest=q.digest),
    "reject": lambda w, q: services.reject(actor=w.reviewer, query_id=q.pk, comment="no"),
    "withdraw": lambda w, q: services.withdraw(actor=w.author, query_id=q.pk),
    "submit": lambda w, _: services.submit(actor=w.author, draft=w.draft()),
}


@pytest.mark.parametrize("name", ACTS)
def test_without_its_entry_nothing_happens(
    world: World, target_database: TargetDatabase, broken_log: Callable[[], None], name: str
) -> None:
    tag = uuid.uuid4().hex
    query = world.insert(tag)
    broken_log()
    with pytest.raises(DatabaseError, match="the audit log is down"), transaction.atomic():
        ACTS[name](world, query)
    assert QueryRequest.objects.get().state is Status.PENDING
    assert not Decision.objects.exists()
    assert not Execution.objects.exists()
    assert target_database.effects(tag) == 0


def test_a_claim_without_its_entry_leaves_the_target_untouched(world: World, target_database: TargetDatabase) -> None:
    tag = uuid.uuid4().hex
    query = world.insert(tag)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION no_claims() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN IF NEW.action = 'query.claim' THEN RAISE EXCEPTION 'no claims'; END IF; RETURN NEW; END $$"
        )
        cursor.execute("CREATE TRIGGER a_broken BEFORE INSERT ON audit_logs FOR EACH ROW EXECUTE FUNCTION no_claims()")
    with pytest.raises(DatabaseError, match="no claims"):
        world.approved(query)
    assert QueryRequest.objects.get().state is Status.APPROVED
    assert not Execution.objects.exists()
    assert target_database.effects(tag) == 0


# --- what the database itself refuses --------------------------------------------------------------

FROZEN: dict[str, str | int | None] = {
    "statement": "DROP TABLE items",
    "parameters": "[1]",
    "digest": "0" * 64,
    "language": "script",
    "access": "write",
    "reason": "another",
    "ticket": "X-1",
    "seconds_limit": 3600,
    "lock_seconds_limit": 600,
    "rows_limit": 10**7,
    "bytes_limit": 10**9,
    "approvals_required": 0,
    "public_id": str(uuid.uuid4()),
    "author_id": None,
    "pod_id": None,
    "target_id": None,
    "submitted_at": "2020-01-01",
    "expires_at": "2040-01-01",
}


@contextmanager
def _refused(words: str) -> Iterator[CursorWrapper]:
    with pytest.raises(DatabaseError, match=words), transaction.atomic(), connection.cursor() as cursor:
        yield cursor


@pytest.mark.parametrize("column", FROZEN)
def test_what_was_submitted_cannot_be_changed_by_anybody(world: World, column: str) -> None:
    query = world.submitted()
    with _refused("frozen at submission") as cursor:
        cursor.execute(f"UPDATE query_requests SET {column} = %s WHERE id = %s", [FROZEN[column], query.pk])


def _raw_decision(query: QueryRequest, *, author: User, reviewer: User) -> None:
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute(
            "INSERT INTO decisions (query_id, author_id, reviewer_id, verdict, comment, digest) "
            "VALUES (%s, %s, %s, 'approve', '', %s)",
            [query.pk, author.pk, reviewer.pk, query.digest],
        )


def test_the_database_refuses_a_decision_on_ones_own_request(world: World) -> None:
    query = world.submitted()
    with pytest.raises(DatabaseError, match="decision_not_on_own_query"):
        _raw_decision(query, author=world.author, reviewer=world.author)


def test_a_decision_cannot_lie_about_the_author(world: World) -> None:
    query = world.submitted()
    with pytest.raises(DatabaseError, match="decision_repeats_author"):
        _raw_decision(query, author=world.colleague, reviewer=world.author)


def test_nobody_decides_twice(world: World) -> None:
    query = world.submitted()
    _raw_decision(query, author=world.author, reviewer=world.reviewer)
    with pytest.raises(DatabaseError, match="decision_once_per_reviewer"):
        _raw_decision(query, author=world.author, reviewer=world.reviewer)


@pytest.mark.parametrize("statement", ["UPDATE decisions SET comment = 'x'", "DELETE FROM decisions"])
def test_a_decision_is_final(world: World, statement: str) -> None:
    world.executed()
    with _refused("A decision is final") as cursor:
        cursor.execute(statement)


def test_the_database_knows_no_eighth_status(world: World) -> None:
    query = world.submitted()
    with _refused("query_status_known") as cursor:
        cursor.execute("UPDATE query_requests SET status = 'DONE' WHERE id = %s", [query.pk])
