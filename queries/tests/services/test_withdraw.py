"""Withdrawing and expiring: how a request ends that nobody decided on."""

import pytest

from accounts.models import SYSTEM
from pods.membership import set_members
from queries import services
from queries.lifecycle import Status, Verb
from queries.models import Code, QueryRequest
from queries.tests import trail
from queries.tests.world import World
from web.errors import BadInput, NotAllowed, NotNow


def test_the_author_takes_it_back(world: World) -> None:
    query = services.withdraw(actor=world.author, query_id=world.submitted().pk, comment=" not needed ")
    assert QueryRequest.objects.get(pk=query.pk).state is Status.WITHDRAWN
    assert trail.last(query, Verb.WITHDRAW)["comment"] == "not needed"


@pytest.mark.parametrize("name", ["colleague", "reviewer", "outsider", "other_manager", "auditor", "admin"])
def test_nobody_else_does(world: World, name: str) -> None:
    query = world.submitted()
    with pytest.raises(NotAllowed):
        services.withdraw(actor=getattr(world, name), query_id=query.pk)
    assert QueryRequest.objects.get(pk=query.pk).state is Status.PENDING


def test_also_when_they_left_the_pod_but_not_when_deactivated(world: World) -> None:
    query = world.submitted()
    set_members(actor=SYSTEM, pod=world.pod, developers=[], managers=[world.reviewer])
    world.author.is_active = False
    with pytest.raises(NotAllowed, match="deactivated"):
        services.withdraw(actor=world.author, query_id=query.pk)
    world.author.is_active = True
    assert services.withdraw(actor=world.author, query_id=query.pk).state is Status.WITHDRAWN


def test_also_after_the_first_of_two_approvals(world: World) -> None:
    world.change_target(approvals_required=2)
    query = world.approved(world.submitted())
    assert services.withdraw(actor=world.author, query_id=query.pk).state is Status.WITHDRAWN
    with pytest.raises(NotNow):
        world.approved(query, by=world.second_reviewer)


def test_not_after_it_ran_and_not_twice(world: World) -> None:
    for query in (world.executed(), services.withdraw(actor=world.author, query_id=world.submitted().pk)):
        with pytest.raises(NotNow) as caught:
            services.withdraw(actor=world.author, query_id=query.pk)
        assert caught.value.state == query.status


def test_a_bad_comment_changes_nothing(world: World) -> None:
    query = world.submitted()
    with pytest.raises(BadInput):
        services.withdraw(actor=world.author, query_id=query.pk, comment="\0")
    assert QueryRequest.objects.get(pk=query.pk).state is Status.PENDING


# --- expiring --------------------------------------------------------------------------------------


def test_what_waited_too_long_expires(world: World) -> None:
    world.change_target(pending_hours=0)
    query = world.submitted()
    assert list(QueryRequest.objects.stale()) == [query]
    assert services.expire(query_id=query.pk)
    stored = QueryRequest.objects.get(pk=query.pk)
    assert (stored.state, stored.code) == (Status.WITHDRAWN, Code.EXPIRED)
    assert trail.last(query, Verb.EXPIRE)["code"] == "EXPIRED"


def test_what_still_has_time_or_was_decided_does_not(world: World) -> None:
    fresh = world.submitted()
    world.change_target(pending_hours=0)
    ended = services.withdraw(actor=world.author, query_id=world.submitted().pk)
    assert not services.expire(query_id=fresh.pk)
    assert not services.expire(query_id=ended.pk)
    assert not QueryRequest.objects.stale().exists()
