"""Undo on the page and over the API: who is offered it, where it leads, and what is said where there is none."""

from __future__ import annotations

from django.urls import reverse
from rest_framework.test import APIClient

from audit.models import AuditLog
from queries import policies
from queries.models import QueryRequest
from queries.tests.views.conftest import SignedIn
from queries.tests.world import World


def written(world: World, statement: str = "UPDATE items SET name = 'renamed' WHERE id = 1") -> QueryRequest:
    return world.executed(statement, access="write")


def page(query: QueryRequest) -> str:
    return reverse("queries:detail", args=[query.public_id])


def button(query: QueryRequest) -> str:
    return reverse("queries:undo", args=[query.public_id])


def test_author_and_reviewer_see_the_rows_and_the_button(world: World, client_of: SignedIn) -> None:
    query = written(world)
    for who in (world.author, world.reviewer):
        body = client_of(who).get(page(query)).content.decode()
        assert "<del>" in body
        assert "renamed" in body.partition("effect__rows")[2]
        assert (button(query) in body) == ("undo" in policies.allowed(who, query))
    assert AuditLog.objects.filter(action="result.view", data__contains="changes").count() == 2


def test_who_may_not_see_results_sees_counts_alone(world: World, client_of: SignedIn) -> None:
    body = client_of(world.colleague).get(page(written(world))).content.decode()
    assert "1 row of items" in body
    assert "effect__rows" not in body
    assert "Undo prepares" not in body


def test_personal_columns_stay_masked(world: World, client_of: SignedIn) -> None:
    world.change_target(personal_columns=["items.name"])
    body = client_of(world.author).get(page(written(world))).content.decode()
    assert "renamed" not in body.partition("effect__rows")[2].partition("</section>")[0]


def test_the_button_leads_to_a_request_that_says_what_it_takes_back(world: World, client_of: SignedIn) -> None:
    query = written(world)
    answer = client_of(world.author).post(button(query))
    prepared = QueryRequest.objects.get(undoes=query)
    assert (answer.status_code, answer["Location"]) == (302, page(prepared))
    body = client_of(world.reviewer).get(page(prepared)).content.decode()
    assert page(query) in body
    assert "Takes back" in body
    assert page(prepared) in client_of(world.author).get(page(query)).content.decode()


def test_one_that_ran_says_what_it_did_and_not_what_it_would_do(world: World, client_of: SignedIn) -> None:
    query = written(world)
    client_of(world.author).post(button(query))
    prepared = QueryRequest.objects.get(undoes=query)
    waiting = client_of(world.reviewer).get(page(prepared)).content.decode()
    assert "It is to put back what" in waiting
    assert "A rehearsal shows what they change." in waiting
    world.approved(prepared)
    ended = client_of(world.reviewer).get(page(prepared)).content.decode()
    assert "Finished and committed" in ended
    assert "It put back all rows that" in ended
    assert "A rehearsal shows what they change." not in ended


def test_a_second_one_is_refused_with_words(world: World, client_of: SignedIn) -> None:
    query = written(world)
    client = client_of(world.author)
    client.post(button(query))
    answer = client.post(button(query))
    assert answer.status_code == 409
    assert "takes it back already" in answer.content.decode()


def test_where_there_is_none_the_page_says_why(world: World, client_of: SignedIn) -> None:
    body = (
        client_of(world.author).get(page(written(world, "UPDATE items SET name = 'x' WHERE id < 0"))).content.decode()
    )
    assert "there is nothing to take back" in body


def test_api_answers_with_the_new_request(world: World) -> None:
    query = written(world)
    client = APIClient()
    client.force_authenticate(world.author)
    address = f"/api/v1/queries/{query.public_id}/"
    assert client.get(address).json()["allowed"] == ["revise", "undo"]
    answer = client.post(f"{address}undo/", {"reason": "wrong row"}, format="json")
    assert answer.status_code == 201
    body = answer.json()
    assert (body["undoes"], body["status"], body["reason"]) == (str(query.public_id), "PENDING", "wrong row")
    assert answer["Location"] == f"/api/v1/queries/{body['id']}/"
    assert body["parameters"] != []
    again = client.post(f"{address}undo/", {}, format="json")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "undone_already")
    client.force_authenticate(world.colleague)
    assert client.get(answer["Location"]).json()["parameters"] is None
