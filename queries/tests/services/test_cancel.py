"""Asking to stop: by author and managers, while it runs, whatever else is true."""

from __future__ import annotations

import pytest

from queries import services
from queries.lifecycle import Status
from queries.models import Execution, QueryRequest
from queries.tests import trail
from queries.tests.world import World
from web.errors import BadInput, NotAllowed, NotNow


@pytest.fixture
def executing(world: World, monkeypatch: pytest.MonkeyPatch) -> QueryRequest:
    """A request that was claimed and whose process is busy with it."""
    with monkeypatch.context() as patch:
        patch.setattr("queries.running.run", lambda query: query)
        query = world.approved(world.submitted("SELECT pg_sleep(1)"))
    from queries.running.claim import claim  # noqa: PLC0415 -- beside the function of the same package

    claim(query)
    return QueryRequest.objects.get(pk=query.pk)


@pytest.mark.parametrize("name", ["author", "reviewer", "second_reviewer"])
def test_author_and_managers_ask_it_to_stop(world: World, executing: QueryRequest, name: str) -> None:
    actor = getattr(world, name)
    services.cancel(actor=actor, query_id=executing.pk, comment=" too slow ")
    execution = Execution.objects.get(pk=executing.pk)
    assert (execution.cancel_requested_by, executing.state) == (actor, Status.EXECUTING)
    assert execution.cancel_requested_at is not None
    action, data = list(trail.entries(executing))[-1]
    assert (action.value, data["comment"]) == ("query.cancel", "too slow")
    assert trail.holds(executing)


@pytest.mark.parametrize("name", ["colleague", "outsider", "other_manager", "auditor", "admin"])
def test_nobody_else_does(world: World, executing: QueryRequest, name: str) -> None:
    with pytest.raises(NotAllowed):
        services.cancel(actor=getattr(world, name), query_id=executing.pk)
    assert Execution.objects.get().cancel_requested_at is None


def test_a_deactivated_author_does_not(world: World, executing: QueryRequest) -> None:
    world.author.is_active = False
    with pytest.raises(NotAllowed, match="deactivated"):
        services.cancel(actor=world.author, query_id=executing.pk)


def test_the_first_to_ask_is_the_one_named(world: World, executing: QueryRequest) -> None:
    services.cancel(actor=world.author, query_id=executing.pk)
    services.cancel(actor=world.reviewer, query_id=executing.pk)
    assert Execution.objects.get().cancel_requested_by == world.author
    assert trail.actions(executing).count("query.cancel") == 2


def test_what_does_not_run_cannot_be_stopped(world: World) -> None:
    for query in (world.submitted(), world.executed()):
        with pytest.raises(NotNow) as caught:
            services.cancel(actor=world.author, query_id=query.pk)
        assert caught.value.state == query.status


def test_a_bad_comment_changes_nothing(world: World, executing: QueryRequest) -> None:
    with pytest.raises(BadInput):
        services.cancel(actor=world.author, query_id=executing.pk, comment="\0")
    assert Execution.objects.get().cancel_requested_at is None
