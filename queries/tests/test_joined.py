"""The plain statements of the hottest paths say what the ORM and the rules say, and there are few of them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import SYSTEM, Role, User
from pods.membership import set_members
from pods.models import Pod, Target
from portal.tests.people import Client
from queries import joined, services
from queries.lifecycle import Verb
from queries.models import Medium, QueryRequest
from queries.running import places
from queries.tests import trail
from queries.tests.running.conftest import wait_for
from queries.tests.world import World, person
from queries.transitions import step
from web.errors import NotAllowed, NotNow

PEOPLE = "author colleague reviewer second_reviewer outsider other_manager auditor admin".split()
# Person, rate, key; the request, places, decision; claim; end; the answer. Each is a transaction of its own.
MOST_STATEMENTS = 9
# Those asked by the clock while a run lasts.
NOT_COUNTED = ('"cancel_requested_at" IS NOT NULL', 'SET "backend"')


def on_its_own(act: Callable[..., Any]) -> Callable[..., Any]:
    """On a thread, which has a connection of its own, and closes it."""

    def acted(*args: Any) -> Any:
        try:
            return act(*args)
        finally:
            connection.close()

    return acted


def everybody(world: World) -> list[User]:
    """All the people there are, one who is in no pod any more, and one who is deactivated."""
    set_members(actor=SYSTEM, pod=world.other_pod, developers=[], managers=[world.other_manager])
    gone = person("gone", Role.MANAGER, is_active=False)
    set_members(actor=SYSTEM, pod=world.pod, developers=[world.author], managers=[world.reviewer, gone])
    return [*(getattr(world, name) for name in PEOPLE), gone]


def test_a_request_is_known_to_exactly_those_who_may_know_of_it(world: World) -> None:
    query = world.submitted()
    people = everybody(world)
    found = [joined.known(reader, query.public_id) for reader in people]
    visible = [QueryRequest.objects.visible_to(reader).filter(pk=query.pk).exists() for reader in people]
    assert found == [query.pk if known else None for known in visible]
    seen = [joined.seen(reader, query.public_id) for reader in people]
    assert [one and one.pk for one in seen] == found
    assert set(visible) == {True, False}
    assert all(joined.known(reader, uuid.uuid4()) is None for reader in people)


def test_the_lock_tells_what_each_person_may_do_in_the_pod(world: World) -> None:
    query = world.submitted()
    for actor in everybody(world):
        told, asked = joined.locked_for(actor, query.pk).pod, Pod.objects.get(pk=query.pod_id)
        assert told.has_manager(actor) is asked.has_manager(actor)
        assert told.has_developer(actor) is asked.has_developer(actor)
        # Of anybody else it was told nothing.
        assert told.has_manager(world.second_reviewer) is asked.has_manager(world.second_reviewer)


def test_what_the_answer_shows_is_what_is_stored(world: World) -> None:
    world.change_target(approvals_required=2)
    query = world.submitted()
    world.approved(query)
    shown = world.approved(query, by=world.second_reviewer)
    stored = QueryRequest.objects.select_related("pod", "target", "author", "execution").get(pk=query.pk)
    assert shown.decisions.all()._result_cache is not None
    assert [(d.pk, d.reviewer) for d in shown.decisions.all()] == [(d.pk, d.reviewer) for d in stored.decisions.all()]
    with CaptureQueriesContext(connection) as captured:
        assert (shown.pod, shown.target, shown.author) == (stored.pod, stored.target, stored.author)
        assert shown.execution.row_count == stored.execution.row_count
    assert not captured
    waiting = joined.shown(world.submitted().pk)
    assert not waiting.decisions.all()
    assert getattr(waiting, "execution", None) is None
    with pytest.raises(QueryRequest.DoesNotExist):
        joined.locked(2**40)


@pytest.mark.slow
def test_who_waited_for_the_lock_sees_what_changed_meanwhile(committed: World) -> None:
    """Also in what is read beside the row: its target, and what the person may do."""
    query = committed.submitted()
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            joined.locked(query.pk)
            waiting = pool.submit(approval, committed, query)
            wait_for(is_waited_for)
            Target.objects.filter(pk=query.target_id).update(active=False)
            set_members(actor=SYSTEM, pod=committed.pod, developers=[committed.author], managers=[committed.reviewer])
        with pytest.raises(NotAllowed, match="Only managers"):
            waiting.result(timeout=10)
    managers = [committed.reviewer, committed.second_reviewer]
    set_members(actor=SYSTEM, pod=committed.pod, developers=[committed.author, committed.colleague], managers=managers)
    Target.objects.filter(pk=query.target_id).update(active=True)


WRITTEN = {
    "its target": "UPDATE targets SET active = active WHERE id = (SELECT target_id FROM query_requests WHERE id = %s)",
    "its pod": "UPDATE pods SET active = active WHERE id = (SELECT pod_id FROM query_requests WHERE id = %s)",
    "the request": "UPDATE query_requests SET status = status WHERE id = %s",
    "its status": "UPDATE query_requests SET status = 'WITHDRAWN' WHERE id = %s",
}


def is_unchanged(query: QueryRequest) -> bool:
    guard = joined.unchanged(query)
    with connection.cursor() as cursor:
        cursor.execute(guard.sql, guard.values)
        return bool(cursor.fetchall() == [(query.pk,)])


@pytest.mark.slow
@pytest.mark.parametrize("what", WRITTEN)
def test_what_was_written_to_since_it_was_read_is_not_acted_on(committed: World, what: str) -> None:
    query = joined.read_for(committed.reviewer, committed.submitted().pk)
    assert is_unchanged(query)
    with connection.cursor() as cursor:
        cursor.execute(WRITTEN[what], [query.pk])
    assert not is_unchanged(query)
    # Nor one that was never read here, whatever its row says.
    assert not is_unchanged(QueryRequest.objects.get(pk=query.pk))


@pytest.mark.slow
def test_what_somebody_else_has_locked_is_not_waited_for(committed: World) -> None:
    query = joined.read_for(committed.reviewer, committed.submitted().pk)
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        joined.locked(query.pk)
        assert not pool.submit(on_its_own(is_unchanged), query).result(timeout=10)
    assert is_unchanged(query)


@pytest.mark.slow
def test_a_step_that_was_recorded_with_it_is_known_and_one_that_was_taken_back_is_not(committed: World) -> None:
    query = joined.read_for(committed.reviewer, committed.submitted().pk)
    step(query, Verb.APPROVE, actor=committed.reviewer, guards=[joined.unchanged(query)]).record()
    assert is_unchanged(query)
    with transaction.atomic():
        step(query, Verb.CLAIM, actor=SYSTEM).record()
        transaction.set_rollback(True)
    assert (query.status, is_unchanged(query)) == ("EXECUTING", False)


def _target(**values: object) -> Callable[[World, QueryRequest], object]:
    return lambda _, query: Target.objects.filter(pk=query.target_id).update(**values)


MEANWHILE: dict[str, tuple[Callable[[World, QueryRequest], object], str]] = {
    "its target was switched off": (_target(active=False), "PENDING target_inactive"),
    "its pod was made inactive": (
        lambda w, _: Pod.objects.filter(pk=w.pod.pk).update(active=False),
        "PENDING pod_inactive",
    ),
    "its target asks for another approval": (_target(approvals_required=2), "PENDING"),
    "its target keeps results for longer": (_target(retention_days=77), "EXECUTED"),
    "its author withdrew it": (
        lambda w, q: services.withdraw(actor=w.author, query_id=q.pk),
        "WITHDRAWN not_now",
    ),
    "somebody else rejected it": (
        lambda w, q: services.reject(actor=w.second_reviewer, query_id=q.pk, comment="no"),
        "REJECTED not_now",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", MEANWHILE)
def test_what_happens_between_reading_and_deciding_counts(
    committed: World, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    change, expected = MEANWHILE[what]
    query = committed.submitted()
    take = places.take
    changed: list[object] = []

    def take_late(read: QueryRequest) -> None:
        take(read)
        if not changed:
            with ThreadPoolExecutor(1) as pool:
                changed.append(pool.submit(on_its_own(change), committed, query).result(timeout=10))

    monkeypatch.setattr(places, "take", take_late)
    code = ""
    try:
        committed.approved(query)
    except NotNow as error:
        code = f" {error.code}"
    stored = QueryRequest.objects.get(pk=query.pk)
    try:
        assert f"{stored.status}{code}" == expected
        assert trail.replayed(stored) is stored.state
        assert not held_here()
    finally:
        Target.objects.filter(pk=query.target_id).update(active=True, approvals_required=1, retention_days=30)
        Pod.objects.filter(pk=committed.pod.pk).update(active=True)


def held_here() -> int:
    """Places and runs that this connection has not given back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        return int(cursor.fetchone()[0])


@on_its_own
def approval(world: World, query: QueryRequest) -> object:
    return world.approved(query, by=world.second_reviewer)


def is_waited_for() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')")
        return bool(cursor.fetchone()[0])


@pytest.mark.slow
@pytest.mark.parametrize("mail", ["", "mail.example"])
def test_an_approval_takes_few_statements(committed: World, api: Client, settings: Any, mail: str) -> None:
    settings.EMAIL_HOST, settings.EMAIL_BACKEND = mail, "django.core.mail.backends.smtp.EmailBackend"
    client = api(committed.reviewer)
    User.objects.filter(pk=committed.author.pk).update(notify_by_email=True)
    query = committed.submitted("SELECT 1 AS one")
    with CaptureQueriesContext(connection) as captured:
        answer = client.post(f"/api/v1/queries/{query.public_id}/approve/", {"digest": query.digest}, format="json")
    assert answer.json()["status"] == "EXECUTED"
    sent = [found["sql"] for found in captured if not any(words in found["sql"] for words in NOT_COUNTED)]
    assert len(sent) <= MOST_STATEMENTS, "\n".join(sent)
    told = query.notices.filter(medium=Medium.EMAIL, person=committed.author)
    assert [notice.version for notice in told] == ([2] if mail else [])
