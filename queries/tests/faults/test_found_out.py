"""A COMMIT whose answer was lost, and a target that cannot be asked: it is asked again until it answers, for a day."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from queries import policies, running, services
from queries.lifecycle import Status, Verb
from queries.models import Code, Execution, QueryRequest
from queries.running import ending
from queries.tests import trail
from queries.tests.faults.proxy import Cut, Proxy
from queries.tests.world import WRITE_VARIABLE, TargetDatabase, World
from web.errors import BadInput, NotAllowed, NotNow


@pytest.fixture
def lost(
    world: World, proxy: Proxy, target_database: TargetDatabase, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., QueryRequest]:
    """Approves a write whose COMMIT is cut off from a target that is gone afterwards."""
    monkeypatch.setattr(ending, "ASK_PAUSES", (0.0, 0.1))

    def lose(cut: Cut = Cut.AFTER, **fields: object) -> QueryRequest:
        proxy.restore()
        proxy.cut, proxy.gone_afterwards = cut, True
        return world.approved(world.insert(uuid.uuid4().hex, **fields))

    return lose


Lost = Callable[..., QueryRequest]
BOTH = pytest.mark.parametrize(
    ("cut", "end"),
    [(Cut.BEFORE, (Status.FAILED, Code.INTERRUPTED)), (Cut.AFTER, (Status.EXECUTED, Code.NONE))],
    ids=["cut before the commit", "cut after the commit"],
)


def seen(world: World, query: QueryRequest) -> QueryRequest:
    return services.visible_query(actor=world.reviewer, public_id=query.public_id)


@BOTH
def test_out_02_while_the_target_cannot_be_asked_it_is_being_found_out(
    world: World, lost: Lost, cut: Cut, end: tuple[Status, Code]
) -> None:
    query = lost(cut)
    assert (query.state, query.code) == (Status.EXECUTING, Code.NONE)
    assert query.is_being_found_out
    assert query.execution.finished_at is None
    assert query.execution.failure_message == ""
    assert trail.actions(query)[-1] == "query.claim"
    found = seen(world, query)
    assert found.is_being_found_out
    assert found.execution.asks == 2
    assert policies.allowed(world.reviewer, found) == ["close"]
    assert policies.allowed(world.author, found) == ["revise"]


@BOTH
def test_out_02_whoever_looks_asks_again_and_learns_it(
    world: World, proxy: Proxy, lost: Lost, cut: Cut, end: tuple[Status, Code], target_database: TargetDatabase
) -> None:
    query = lost(cut)
    proxy.restore()
    found = seen(world, query)
    assert (found.state, found.code) == end
    assert trail.holds(found)
    tag = found.statement.split("'")[1]
    assert target_database.effects(tag) == (1 if end[0] is Status.EXECUTED else 0)
    assert found.execution.result_expires_at is not None


def test_out_02_the_api_says_so_and_then_what_became_of_it(world: World, proxy: Proxy, lost: Lost) -> None:
    query = lost()
    client = APIClient()
    client.force_authenticate(world.author)
    address = f"/api/v1/queries/{query.public_id}/"
    said = client.get(address).json()
    assert (said["status"], said["code"]) == ("EXECUTING", "")
    pending = said["execution"]["finding_out"]
    assert pending["since"] < pending["asked_at"] < pending["until"]
    assert said["execution"]["failure"] is None
    proxy.restore()
    said = client.get(address).json()
    assert (said["status"], said["execution"]["finding_out"]) == ("EXECUTED", None)


def test_out_02_the_page_says_so_and_then_what_became_of_it(
    world: World, proxy: Proxy, lost: Lost, client: Client
) -> None:
    query = lost()
    client.force_login(world.reviewer)
    address = f"/queries/{query.public_id}/"
    for body in (client.get(address).content.decode(), client.get(f"{address}status/").content.decode()):
        assert "What became of it is being found out" in body
        assert "Stop it" not in body
    assert "Being found out" in client.get("/review/?view=running").content.decode()
    proxy.restore()
    assert "Finished and committed" in client.get(address).content.decode()


def test_out_02_the_approval_itself_says_that_it_is_being_found_out(
    world: World, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    monkeypatch.setattr(ending, "ASK_PAUSES", (0.0,))
    proxy.cut, proxy.gone_afterwards = Cut.AFTER, True
    query = world.insert(uuid.uuid4().hex)
    client.force_login(world.reviewer)
    answer = client.post(
        f"/queries/{query.public_id}/approve/", {"digest": query.digest, "confirmed": "effects"}, follow=True
    )
    assert "It was sent to be committed; what became of it is being found out." in answer.content.decode()


def test_out_02_maintenance_asks_again_with_growing_pauses(world: World, proxy: Proxy, lost: Lost) -> None:
    query = lost()
    executions = Execution.objects.filter(pk=query.pk)
    for asks, pause in ((1, 10), (2, 20), (5, 160), (20, 1800), (200, 1800)):
        executions.update(asks=asks, asked_at=timezone.now() - dt.timedelta(seconds=pause - 2))
        assert running.settle_due() == []
        assert executions.get().asks == asks
        executions.update(asked_at=timezone.now() - dt.timedelta(seconds=pause))
        assert running.settle_due() == []
        assert executions.get().asks == asks + 1
    proxy.restore()
    executions.update(asked_at=timezone.now() - dt.timedelta(seconds=1801))
    assert running.settle_due() == [query]
    assert QueryRequest.objects.get(pk=query.pk).state is Status.EXECUTED


def test_out_02_an_operator_may_ask_at_once(world: World, proxy: Proxy, lost: Lost) -> None:
    query = lost()
    assert running.settle_all_lost() == []
    proxy.restore()
    assert running.settle_all_lost() == [query]


def test_out_02_after_a_day_without_an_answer_it_is_unknown_for_good(world: World, proxy: Proxy, lost: Lost) -> None:
    query = lost()
    Execution.objects.filter(pk=query.pk).update(committing_at=timezone.now() - ending.HOPE)
    found = seen(world, query)
    assert (found.state, found.code) == (Status.FAILED, Code.OUTCOME_UNKNOWN)
    assert f"transaction {found.execution.transaction.split()[0]} was" in found.execution.failure_message
    assert "Look at the rows" in found.execution.failure_message
    assert trail.holds(found)
    proxy.restore()
    assert seen(world, query).state is Status.FAILED


def test_out_02_an_answer_after_a_day_still_counts(world: World, proxy: Proxy, lost: Lost) -> None:
    query = lost()
    Execution.objects.filter(pk=query.pk).update(committing_at=timezone.now() - ending.HOPE)
    proxy.restore()
    assert seen(world, query).state is Status.EXECUTED


def test_out_02_a_credential_that_is_missing_for_a_while_ends_nothing(
    world: World, proxy: Proxy, lost: Lost, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = lost()
    proxy.restore()
    with monkeypatch.context() as patch:
        patch.delenv(WRITE_VARIABLE)
        assert seen(world, query).is_being_found_out
    assert seen(world, query).state is Status.EXECUTED


def test_out_02_what_cannot_be_stopped_any_more_is_not_asked_to_stop(world: World, lost: Lost) -> None:
    query = lost()
    with pytest.raises(NotNow, match="being found out"):
        services.cancel(actor=world.author, query_id=query.pk)


def test_out_02_what_a_script_called_and_wrote_is_kept_meanwhile(world: World, proxy: Proxy, lost: Lost) -> None:
    world.change_target(allow_scripts=True)
    proxy.cut, proxy.gone_afterwards = Cut.AFTER, True
    tag = uuid.uuid4().hex
    script = f"console.log('before'); await db.query(`INSERT INTO effects (tag) VALUES ('{tag}')`)"
    query = world.approved(world.submitted(script, language="script", access="write"))
    assert query.is_being_found_out
    proxy.restore()
    found = seen(world, query)
    assert found.state is Status.EXECUTED
    assert (found.execution.calls.count(), found.execution.log_lines.count()) == (1, 1)


# --- closed by hand --------------------------------------------------------------------------------


def test_out_02_a_manager_closes_it_by_hand(world: World, proxy: Proxy, lost: Lost) -> None:
    query = lost()
    closed = services.close(actor=world.second_reviewer, query_id=query.pk, comment="  The row is there. ")
    assert (closed.state, closed.code) == (Status.FAILED, Code.OUTCOME_UNKNOWN)
    execution = Execution.objects.get(pk=query.pk)
    assert (execution.closed_by, execution.closing_comment) == (world.second_reviewer, "The row is there.")
    assert execution.failure_code == Code.OUTCOME_UNKNOWN
    assert execution.finished_at is not None
    assert trail.last(query, Verb.CLOSE)["comment"] == "The row is there."
    assert trail.holds(query)
    proxy.restore()
    assert running.settle_all_lost() == []
    found = seen(world, query)
    assert found.state is Status.FAILED
    assert policies.allowed(world.reviewer, found) == []
    with pytest.raises(NotNow):
        services.close(actor=world.reviewer, query_id=query.pk, comment="again")


def test_out_02_what_stayed_unknown_is_closed_with_what_somebody_found(world: World, lost: Lost) -> None:
    query = lost()
    Execution.objects.filter(pk=query.pk).update(committing_at=timezone.now() - ending.HOPE)
    unknown = seen(world, query)
    ended = unknown.execution.finished_at
    assert policies.allowed(world.reviewer, unknown) == ["close"]
    services.close(actor=world.reviewer, query_id=query.pk, comment="It is not there.")
    found = seen(world, query)
    assert (found.state, found.code) == (Status.FAILED, Code.OUTCOME_UNKNOWN)
    assert (found.execution.finished_at, found.execution.closing_comment) == (ended, "It is not there.")
    assert trail.holds(found)


def test_out_02_its_author_and_others_do_not_close_it(world: World, lost: Lost) -> None:
    query = lost()
    for person in (world.author, world.colleague, world.outsider, world.other_manager, world.auditor, world.admin):
        with pytest.raises(NotAllowed):
            services.close(actor=person, query_id=query.pk, comment="mine")
    assert seen(world, query).is_being_found_out


@pytest.mark.parametrize("comment", ["", "  ", "\0"])
def test_out_02_it_is_not_closed_without_words(world: World, lost: Lost, comment: str) -> None:
    query = lost()
    with pytest.raises(BadInput):
        services.close(actor=world.reviewer, query_id=query.pk, comment=comment)


@pytest.mark.parametrize("statement", ["SELECT 1", "SELECT 1/0"], ids=["finished", "failed"])
def test_out_02_what_has_an_outcome_is_not_closed(world: World, statement: str) -> None:
    query = world.executed(statement)
    with pytest.raises(NotNow):
        services.close(actor=world.reviewer, query_id=query.pk, comment="done")


def test_out_02_page_and_api_close_it(world: World, lost: Lost, client: Client) -> None:
    by_page, by_api = lost(), lost()
    client.force_login(world.reviewer)
    assert "Close it by hand" in client.get(f"/queries/{by_page.public_id}/").content.decode()
    answer = client.post(f"/queries/{by_page.public_id}/close/", {"comment": "It is <there>."}, follow=True)
    body = answer.content.decode()
    assert "You closed" in body
    assert "closed this by hand" in body
    assert "It is &lt;there&gt;." in body
    api = APIClient()
    api.force_authenticate(world.reviewer)
    said = api.post(f"/api/v1/queries/{by_api.public_id}/close/", {"comment": "It is there."}, format="json").json()
    assert (said["status"], said["code"]) == ("FAILED", "OUTCOME_UNKNOWN")
    assert (said["execution"]["closed"]["by"], said["execution"]["closed"]["comment"]) == ("reviewer", "It is there.")
