"""The pages of templates: kept from a request, asked with, approved in advance, changed, retired; no JavaScript."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from queries import grants
from queries.lifecycle import Status
from queries.models import QueryRequest, Template
from queries.services import Typed
from queries.tests.services.test_grants import granted
from queries.tests.services.test_templates import asked, draft, kept
from queries.tests.views.conftest import SignedIn
from queries.tests.world import World

VALUE = {"named-0-name": "id", "named-0-type": "integer", "named-0-given": "value"}


def ask(client: Client, template: Template, value: str = "2", **fields: str) -> Any:
    sent = {"digest": template.now.digest, "target": "orders", "reason": "to look", "named-0-value": value}
    return client.post(f"/templates/{template.public_id}/ask/", {**VALUE, **sent, **fields}, follow=True)


def form(**fields: Any) -> dict[str, Any]:
    named = {"named-0-name": "id", "named-0-type": "integer", "named-0-value": "", "named-0-given": "value"}
    facts = {"name": "Item by id", "language": "sql", "access": "read", "targets": ["orders"], **named}
    return {**facts, "statement": "SELECT name FROM items WHERE id = :id", **fields}


def terms(template: Template, **fields: Any) -> dict[str, Any]:
    until = (grants.today() + dt.timedelta(days=3)).isoformat()
    facts = {"target": "orders", "until": until, "runs_a_day": "9", "runs_a_person": "3", "whom": "everyone"}
    return {"digest": template.now.digest, **facts, **fields}


def test_a_request_is_kept_as_a_template_with_its_values_as_the_usual_ones(world: World, client_of: SignedIn) -> None:
    statement = "SELECT name FROM items WHERE id = :id"
    query = world.submitted(statement, parameters=(Typed("id", "integer", "3"),), reason="The name of an item")
    client = client_of(world.author)
    assert f"/templates/new/?query={query.public_id}" in client.get(f"/queries/{query.public_id}/").content.decode()
    page = client.get(f"/templates/new/?query={query.public_id}").content.decode()
    for text in (statement, "The name of an item", ">\n3</textarea>", 'value="orders"\n        checked'):
        assert text in page
    answer = client.post("/templates/new/", form(**{"named-0-value": "3"}), follow=True)
    template = Template.objects.get()
    assert answer.redirect_chain[-1][0] == f"/templates/{template.public_id}/"
    assert template.now.parameters == [{"name": "id", "type": "integer", "usual": "3"}]
    assert ">\n3</textarea>" in answer.content.decode()


def test_what_is_refused_comes_back_at_its_field(world: World, client_of: SignedIn) -> None:
    answer = client_of(world.author).post("/templates/new/", form(name="", **{"named-0-name": "other"}))
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "Give it a name." in page
    answer = client_of(world.author).post("/templates/new/", form(**{"named-0-name": "other"}))
    page = answer.content.decode()
    # The name that is missing has a row by now.
    assert 'value="id"' in page
    assert 'value="other"' in page
    assert "The parameter id has no value." in page
    assert not Template.objects.exists()


def test_asking_by_the_form_leads_to_the_request(world: World, client_of: SignedIn) -> None:
    template = kept(world)
    answer = ask(client_of(world.colleague), template, ticket="T-9")
    query = QueryRequest.objects.get()
    page = answer.content.decode()
    assert answer.redirect_chain[-1][0] == f"/queries/{query.public_id}/"
    assert (query.author, query.state, query.ticket) == (world.colleague, Status.PENDING, "T-9")
    assert f'href="/templates/{template.public_id}/?version=1"' in page
    assert "Item by id" in page


def test_a_value_that_is_none_is_said_at_its_row_and_stays(world: World, client_of: SignedIn) -> None:
    template = kept(world)
    answer = ask(client_of(world.author), template, "two", reason="")
    page = answer.content.decode()
    assert answer.status_code == 400
    assert ">\ntwo</textarea>" in page
    assert "Write a whole number in digits" in page
    assert "Say what this is for" in page
    assert not QueryRequest.objects.exists()


def test_a_template_that_changed_under_the_form_is_shown_anew(world: World, client_of: SignedIn) -> None:
    template = kept(world)
    client = client_of(world.author)
    changed = client_of(world.reviewer).post(
        f"/templates/{template.public_id}/change/", form(digest=template.now.digest), follow=True
    )
    assert changed.status_code == 200
    answer = ask(client, template)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "was changed since you saw it" in page
    assert f'name="digest" value="{Template.objects.get().now.digest}"' in page
    assert not QueryRequest.objects.exists()


def test_a_manager_approves_in_advance_and_it_runs_at_once(world: World, client_of: SignedIn) -> None:
    template = kept(world)
    manager, author = client_of(world.reviewer), client_of(world.author)
    address = f"/templates/{template.public_id}/"
    assert "a manager decides before it runs" in author.get(address).content.decode()
    assert "/grant/" not in author.get(address).content.decode()
    page = manager.post(f"{address}grant/", terms(template), follow=True).content.decode()
    assert "Approved in advance on Orders" in page
    assert "Holds" in page
    shown = author.get(address).content.decode()
    assert "it runs at once" in shown
    assert "You have 3 runs left today" in shown
    ran = ask(author, template).content.decode()
    assert QueryRequest.objects.get().state is Status.EXECUTED
    assert "was approved in advance and ran" in ran
    assert "Approved in advance by" in ran
    assert "approved in advance yourself" not in manager.get(address).content.decode()
    assert "You approved it in advance yourself" in manager.get(address).content.decode()


def test_a_run_that_finds_it_withdrawn_says_so_on_its_page(world: World, client_of: SignedIn) -> None:
    template = kept(world)
    granted(world, template)
    client_of(world.second_reviewer).post(f"/templates/{template.public_id}/withdraw/", {"target": "orders"})
    page = ask(client_of(world.author), template).content.decode()
    query = QueryRequest.objects.get()
    assert query.state is Status.PENDING
    said = "Its approval in advance has ended. It was withdrawn."
    assert page.count(said) == 2
    assert said in client_of(world.reviewer).get(f"/queries/{query.public_id}/").content.decode()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"until": "soon"}, "Write a day as 2026-01-31."),
        ({"runs_a_day": "many"}, "Write a whole number."),
        ({"whom": ""}, "Choose who may use it."),
        ({"whom": "these"}, "Name people"),
        ({"runs_a_person": "99"}, "from 1 to 9"),
    ],
)
def test_terms_that_make_no_sense_come_back(
    fields: dict[str, str], said: str, world: World, client_of: SignedIn
) -> None:
    template = kept(world)
    answer = client_of(world.reviewer).post(f"/templates/{template.public_id}/grant/", terms(template, **fields))
    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert not template.grants.exists()


def test_all_that_is_wrong_with_the_terms_is_told_at_once_each_at_its_field(world: World, client_of: SignedIn) -> None:
    template = kept(world)
    sent = terms(template, until="", runs_a_day="many", runs_a_person="", whom="")
    answer = client_of(world.reviewer).post(f"/templates/{template.public_id}/grant/", sent)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert page.count('role="alert"') == 1
    for field in ("until", "runs_a_day", "runs_a_person", "whom"):
        assert f'<a href="#id_grant_{field}">' in page
        assert f'id="id_grant_{field}_error"' in page
        assert page.count(f'id="id_grant_{field}"') == 1
    assert page.count('aria-invalid="true"') == 3  # a fieldset is none
    assert "Choose the last day." in page


def test_a_refused_value_is_told_once(world: World, client_of: SignedIn) -> None:
    page = ask(client_of(world.author), kept(world), "two", ticket="x" * 99).content.decode()
    assert page.count('role="alert"') == 1
    assert 'aria-invalid="true" aria-describedby="id_ticket_error"' in page


def test_what_a_template_lacks_is_told_at_once(world: World, client_of: SignedIn) -> None:
    sent = form(name="", statement=" \n", targets=[])
    page = client_of(world.author).post("/templates/new/", sent).content.decode()
    for field in ("name", "statement", "targets"):
        assert f'<a href="#id_{field}">' in page


def test_who_withdrew_it_is_named_where_it_ended(world: World, client_of: SignedIn) -> None:
    template = kept(world)
    granted(world, template)
    withdrawn = client_of(world.second_reviewer).post(
        f"/templates/{template.public_id}/withdraw/", {"target": "orders"}, follow=True
    )
    ended = withdrawn.content.decode().partition('id="grants"')[2].partition("It was withdrawn.")[0]
    assert world.second_reviewer.username in ended.rpartition("Ended")[2]


def test_a_run_on_it_says_everywhere_that_it_was_approved_in_advance(world: World, client_of: SignedIn) -> None:
    template = kept(world)
    granted(world, template)
    ran = ask(client_of(world.author), template).content.decode()
    assert "had approved this in advance, with its template" in ran
    assert "Approved\n          in advance</span>" in ran
    waits = ask(client_of(world.reviewer), template).content.decode()
    assert "had approved this in advance" not in waits


def test_a_change_claims_no_end_of_what_was_never_given(world: World, client_of: SignedIn) -> None:
    template = kept(world)
    sent = form(digest=template.now.digest, description="Names.")
    answer = client_of(world.author).post(f"/templates/{template.public_id}/change/", sent, follow=True)
    page = answer.content.decode()
    assert f"{template.name} was changed: version 2." in page
    assert "has ended" not in page


def test_old_versions_are_seen_and_not_asked_with(world: World, client_of: SignedIn) -> None:
    template = kept(world)
    client = client_of(world.author)
    client.post(f"/templates/{template.public_id}/change/", form(digest=template.now.digest, description="Names."))
    old = client.get(f"/templates/{template.public_id}/?version=1").content.decode()
    assert "Version 1, not in use" in old
    assert "/ask/" not in old
    assert "Names." in client.get(f"/templates/{template.public_id}/").content.decode()
    for number in ("3", "x", "9" * 30):
        assert client.get(f"/templates/{template.public_id}/?version={number}").status_code == 404


def test_they_are_listed_found_and_on_the_page_of_their_pod(world: World, client_of: SignedIn) -> None:
    template = kept(world, description="Looks an item up.")
    client = client_of(world.colleague)
    for address in (
        "/templates/",
        "/templates/?pod=payments",
        "/templates/?q=looks",
        "/templates/?q=items+item",
        "/pods/payments/",
        "/queries/?q=looks",
    ):
        assert f"/templates/{template.public_id}/" in client.get(address).content.decode(), address
    for address in ("/templates/?pod=research", "/templates/?q=nothing"):
        assert str(template.public_id) not in client.get(address).content.decode(), address
    assert str(template.public_id) not in client_of(world.outsider).get("/templates/").content.decode()
    digest = template.now.digest
    client_of(world.author).post(f"/templates/{template.public_id}/retire/", {"digest": digest})
    assert str(template.public_id) not in client.get("/templates/").content.decode()
    assert "Retired" in client.get(f"/templates/{template.public_id}/").content.decode()


@pytest.mark.parametrize("verb", ["ask", "grant", "withdraw", "retire", "change"])
def test_people_of_other_pods_are_told_of_nothing(verb: str, world: World, client_of: SignedIn) -> None:
    template = kept(world)
    sent = {"digest": template.now.digest, "target": "orders"}
    for somebody in (world.outsider, world.other_manager):
        assert client_of(somebody).post(f"/templates/{template.public_id}/{verb}/", sent).status_code == 404
    assert draft().name == template.name
    assert asked(template).digest == template.now.digest
