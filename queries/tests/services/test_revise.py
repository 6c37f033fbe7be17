"""A revision takes the place of what still waits: never may both come to run."""

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from queries import services
from queries.lifecycle import Status
from queries.models import QueryRequest
from queries.tests import trail
from queries.tests.world import World
from web.errors import NotAllowed, NotNow


def revised(world: World, query: QueryRequest, statement: str = "SELECT 2 AS two") -> QueryRequest:
    return services.submit(actor=world.author, draft=world.draft(statement), revises=query)


def test_guard_07_revising_what_waits_withdraws_it(world: World) -> None:
    query = world.submitted()
    after = revised(world, query)
    assert QueryRequest.objects.get(pk=query.pk).state is Status.WITHDRAWN
    assert trail.holds(query)
    assert trail.actions(query) == ["query.submit", "query.withdraw"]
    assert list(trail.entries(query))[-1][1]["revised_by"] == str(after.public_id)
    with pytest.raises(NotNow, match="withdrawn"):
        world.approved(query)
    assert world.approved(after).state is Status.EXECUTED


def test_guard_07_an_approval_given_already_does_not_save_it(world: World) -> None:
    world.change_target(approvals_required=2)
    query = world.approved(world.submitted())
    after = revised(world, query)
    with pytest.raises(NotNow):
        world.approved(query, by=world.second_reviewer)
    assert world.approved(after).state is Status.PENDING


def test_guard_07_a_revision_of_a_revision_withdraws_only_what_it_revises(world: World) -> None:
    first = world.submitted()
    second = revised(world, first)
    third = revised(world, second, "SELECT 3 AS three")
    states = [QueryRequest.objects.get(pk=query.pk).state for query in (first, second, third)]
    assert states == [Status.WITHDRAWN, Status.WITHDRAWN, Status.PENDING]


def test_guard_07_what_ran_is_left_as_it_is(world: World) -> None:
    query = world.executed()
    revised(world, query)
    assert QueryRequest.objects.get(pk=query.pk).state is Status.EXECUTED


def test_guard_07_a_revision_that_is_refused_withdraws_nothing(world: World) -> None:
    query = world.submitted()
    with pytest.raises(Exception, match="cannot be taken"):
        revised(world, query, "SELEC 1")
    assert QueryRequest.objects.get(pk=query.pk).state is Status.PENDING


def test_guard_07_nobody_withdraws_another_persons_request_by_revising_it(world: World) -> None:
    query = world.submitted()
    with pytest.raises(NotAllowed):
        services.submit(actor=world.colleague, draft=world.draft(), revises=query)
    assert QueryRequest.objects.get(pk=query.pk).state is Status.PENDING


def test_guard_07_the_api_does_it(world: World) -> None:
    query = world.submitted()
    client = APIClient()
    client.force_authenticate(world.author)
    draft = world.draft()
    body = {name: getattr(draft, name) for name in ("pod", "target", "language", "statement", "access", "reason")}
    answer = client.post("/api/v1/queries/", {**body, "revises": str(query.public_id)}, format="json")
    assert answer.status_code == 201, answer.content
    assert QueryRequest.objects.get(pk=query.pk).state is Status.WITHDRAWN


def test_guard_07_the_page_says_it_beforehand_and_does_it(world: World, client: Client) -> None:
    query = world.submitted()
    client.force_login(world.author)
    address = reverse("queries:new")
    said = client.get(address, {"revises": str(query.public_id)}).content.decode()
    assert f"{query.number}</a> still waits for approval. Sending this withdraws it." in said
    fields = {"target": world.target.slug, "language": "sql", "access": "read", "statement": "SELECT 2", "reason": "r"}
    answer = client.post(address, {**fields, "revises": str(query.public_id)})
    assert answer.status_code == 302
    assert QueryRequest.objects.get(pk=query.pk).state is Status.WITHDRAWN
