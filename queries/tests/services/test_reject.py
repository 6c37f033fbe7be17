"""Rejecting: with words, by who may, before anything ran."""

import pytest

from queries import services
from queries.lifecycle import Status, Verb
from queries.models import Code, Decision, Execution, QueryRequest
from queries.tests import trail
from queries.tests.world import World
from web.errors import BadInput, NotAllowed, NotNow


def test_it_ends_the_request_and_nothing_runs(world: World) -> None:
    query = services.reject(actor=world.reviewer, query_id=world.submitted().pk, comment=" too broad ")
    stored = QueryRequest.objects.get(pk=query.pk)
    assert (stored.state, stored.code) == (Status.REJECTED, Code.NONE)
    assert Decision.objects.get(query=query).comment == "too broad"
    assert trail.last(query, Verb.REJECT)["comment"] == "too broad"
    assert not Execution.objects.exists()


def test_asking_for_changes_is_a_rejection_with_a_code(world: World) -> None:
    query = services.reject(
        actor=world.reviewer, query_id=world.submitted().pk, comment="add a WHERE", ask_for_changes=True
    )
    assert (query.state, query.code) == (Status.REJECTED, Code.CHANGES_REQUESTED)
    assert trail.last(query, Verb.REJECT)["code"] == "CHANGES_REQUESTED"


@pytest.mark.parametrize("comment", ["", " \n", "\0", "\ud800", "x" * 4001])
def test_it_needs_words_that_can_be_kept(world: World, comment: str) -> None:
    query = world.submitted()
    with pytest.raises(BadInput) as caught:
        services.reject(actor=world.reviewer, query_id=query.pk, comment=comment, ask_for_changes=True)
    assert list(caught.value.fields) == ["comment"]
    assert QueryRequest.objects.get(pk=query.pk).state is Status.PENDING


@pytest.mark.parametrize("name", ["author", "colleague", "outsider", "other_manager", "auditor", "admin"])
def test_whoever_may_not_decide_may_not_reject(world: World, name: str) -> None:
    query = world.submitted()
    with pytest.raises(NotAllowed):
        services.reject(actor=getattr(world, name), query_id=query.pk, comment="no")
    assert trail.actions(query) == ["query.submit", "query.refused"]


def test_a_digest_is_not_needed_but_must_match_when_sent(world: World) -> None:
    query = world.submitted()
    with pytest.raises(NotNow) as caught:
        services.reject(actor=world.reviewer, query_id=query.pk, comment="no", digest="0" * 64)
    assert caught.value.code == "digest_differs"
    assert QueryRequest.objects.get(pk=query.pk).state is Status.PENDING


def test_what_ran_cannot_be_rejected(world: World) -> None:
    query = world.executed()
    with pytest.raises(NotNow) as caught:
        services.reject(actor=world.second_reviewer, query_id=query.pk, comment="no")
    assert caught.value.state == "EXECUTED"


def test_an_endorsement_cannot_be_turned_into_a_rejection(world: World) -> None:
    world.change_target(approvals_required=2)
    query = world.approved(world.submitted())
    with pytest.raises(NotNow) as caught:
        services.reject(actor=world.reviewer, query_id=query.pk, comment="on second thought")
    assert caught.value.code == "already_decided"
