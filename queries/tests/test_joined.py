"""The plain statements of the hottest paths say what the ORM and the rules say, and there are few of them."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import SYSTEM, Role, User
from pods.membership import set_members
from pods.models import Pod, Target
from portal.tests.people import Client
from queries import joined
from queries.models import QueryRequest
from queries.tests.running.conftest import wait_for
from queries.tests.world import World, person
from web.errors import NotAllowed

PEOPLE = "author colleague reviewer second_reviewer outsider other_manager auditor admin".split()
# Person, rate, key, rehearsal, lock, places, decision; lock again and claim; lock again and end; the answer.
MOST_STATEMENTS = 12
# Those asked by the clock while a run lasts.
NOT_COUNTED = ('"cancel_requested_at" IS NOT NULL', 'SET "backend"')


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


def moved(query: QueryRequest) -> QueryRequest:
    """The request, locked and taken a step further, as a decision and a claim do."""
    with transaction.atomic(), connection.cursor() as cursor:
        found = joined.locked(query.pk)
        cursor.execute("UPDATE query_requests SET status = 'APPROVED' WHERE id = %s", [query.pk])
        found.status = "APPROVED"
    return found


@pytest.mark.slow
def test_what_nobody_else_wrote_to_is_not_read_again(committed: World) -> None:
    query = moved(committed.submitted())
    with CaptureQueriesContext(connection) as captured:
        for _ in range(2):
            with transaction.atomic():
                assert joined.locked_again(query) is query
                with connection.cursor() as cursor:
                    cursor.execute("UPDATE query_requests SET status = status WHERE id = %s", [query.pk])
    assert not [found["sql"] for found in captured if '"statement"' in found["sql"]]


@pytest.mark.slow
@pytest.mark.parametrize("what", WRITTEN)
def test_what_was_written_since_is_read_again(committed: World, what: str) -> None:
    query = moved(committed.submitted())
    with connection.cursor() as cursor:
        cursor.execute(WRITTEN[what], [query.pk])
    with transaction.atomic():
        again = joined.locked_again(query)
    assert again is not query
    assert again.status == ("WITHDRAWN" if what == "its status" else "APPROVED")
    assert again.target == query.target


@pytest.mark.slow
def test_what_was_locked_in_a_transaction_that_failed_is_read_again(committed: World) -> None:
    query = moved(committed.submitted())
    with transaction.atomic(), connection.cursor() as cursor:
        assert joined.locked_again(query) is query
        cursor.execute("UPDATE query_requests SET status = 'EXECUTING' WHERE id = %s", [query.pk])
        query.status = "EXECUTING"
        transaction.set_rollback(True)
    with transaction.atomic():
        again = joined.locked_again(query)
        assert (again is query, again.status) == (False, "APPROVED")
        # Of one that was never locked it is the lock itself.
        assert joined.locked_again(committed.submitted()).read_with


def approval(world: World, query: QueryRequest) -> object:
    try:
        return world.approved(query, by=world.second_reviewer)
    finally:
        connection.close()


def is_waited_for() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')")
        return bool(cursor.fetchone()[0])


@pytest.mark.slow
def test_an_approval_takes_few_statements(committed: World, api: Client, settings: Any) -> None:
    settings.EMAIL_HOST, settings.EMAIL_BACKEND = "", "django.core.mail.backends.smtp.EmailBackend"
    client = api(committed.reviewer)
    query = committed.submitted("SELECT 1 AS one")
    with CaptureQueriesContext(connection) as captured:
        answer = client.post(f"/api/v1/queries/{query.public_id}/approve/", {"digest": query.digest}, format="json")
    assert answer.json()["status"] == "EXECUTED"
    sent = [found["sql"] for found in captured if not any(words in found["sql"] for words in NOT_COUNTED)]
    sent = [sql for sql in sent if sql not in {"BEGIN", "COMMIT"}]
    assert len(sent) <= MOST_STATEMENTS, "\n".join(sent)
