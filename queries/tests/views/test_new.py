"""The form of a new request: what it sends, and that nothing typed is ever lost."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest
from django.db import connection
from django.test import Client

from executors import registry
from executors.base import EngineKind, ScriptEngine
from queries import services
from queries.models import QueryRequest
from queries.presentation import completions
from queries.tests.views.conftest import SignedIn
from queries.tests.world import World
from web.ratelimit import RATES

TYPED = {
    "target": "orders",
    "language": "sql",
    "access": "read",
    "statement": "SELECT 1 AS <one>\n  FROM nowhere WHERE",
    "reason": "A reason\nwith two lines & signs",
    "ticket": "OPS-1",
    "parameters": "42\nplain text",
}


def assert_kept(body: str) -> None:
    assert "SELECT 1 AS &lt;one&gt;\n  FROM nowhere WHERE" in body
    assert "A reason\nwith two lines &amp; signs" in body
    assert 'value="OPS-1"' in body
    assert "42\nplain text" in body


def test_sent_request_leads_to_its_page(world: World, client_of: SignedIn) -> None:
    response = client_of(world.author).post("/queries/new/", {**TYPED, "statement": "SELECT $1::int, $2::text"})
    query = QueryRequest.objects.get()
    assert response["Location"] == f"/queries/{query.public_id}/"
    assert query.parameters == [42, "plain text"]
    assert query.reason == TYPED["reason"]


def test_syntax_error_names_line_and_column_and_keeps_everything(world: World, client_of: SignedIn) -> None:
    response = client_of(world.author).post("/queries/new/", TYPED)
    assert response.status_code == 400
    assert_kept(response.content.decode())
    assert "Line 1, column" in response.content.decode()
    assert not QueryRequest.objects.exists()


def test_every_wrong_field_is_named_at_once(world: World, client_of: SignedIn) -> None:
    body = client_of(world.author).post("/queries/new/", {**TYPED, "reason": " "}).content.decode()
    assert 'href="#id_statement"' in body
    assert 'href="#id_reason"' in body
    assert "reviewers read it first" in body


@pytest.mark.parametrize("text", ["SELECT 1\0", "", " \n ", "SELECT 1;\u202e"])
def test_statement_that_cannot_be_taken_is_refused_at_its_field(text: str, world: World, client_of: SignedIn) -> None:
    response = client_of(world.author).post("/queries/new/", {**TYPED, "statement": text})
    assert response.status_code == 400
    assert 'id="id_statement_error"' in response.content.decode()


def test_five_megabytes_are_refused_with_a_page(world: World, client_of: SignedIn) -> None:
    response = client_of(world.author).post("/queries/new/", {**TYPED, "statement": "SELECT 1 -- " + "x" * 5_000_000})
    assert response.status_code == 400
    assert "at most 2,000,000 are accepted" in response.content.decode()


def test_target_of_another_pod_is_unknown(world: World, client_of: SignedIn) -> None:
    response = client_of(world.outsider).post("/queries/new/", TYPED)
    assert response.status_code == 400
    assert not QueryRequest.objects.exists()


def test_variable_that_is_not_set_is_named(world: World, client_of: SignedIn) -> None:
    world.change_target(read_url_variable="NOBODY_SET_THIS_URL")
    body = client_of(world.author).get("/queries/new/").content.decode()
    assert "<code>NOBODY_SET_THIS_URL</code> is not set" in body


def test_rate_limit_keeps_what_was_typed(
    world: World, client_of: SignedIn, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PORTAL_RATE_LIMITS = True
    monkeypatch.setitem(RATES, "submit", ("1/h", "person"))
    client = client_of(world.author)
    client.post("/queries/new/", TYPED)
    response = client.post("/queries/new/", TYPED)
    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert_kept(response.content.decode())


def test_session_that_ended_keeps_what_was_typed(world: World) -> None:
    client = Client()
    assert client.post("/queries/new/", TYPED)["Location"] == "/accounts/login/?next=/queries/new/"
    client.force_login(world.author, backend="django.contrib.auth.backends.ModelBackend")
    assert_kept(client.get("/queries/new/").content.decode())


def test_another_target_can_be_looked_at_without_sending(world: World, client_of: SignedIn) -> None:
    response = client_of(world.author).post("/queries/new/", {**TYPED, "show": "1"})
    assert response.status_code == 200
    assert_kept(response.content.decode())


@pytest.mark.parametrize(("engine", "names"), [("postgresql", ["SQL"]), ("mongodb", ["MongoDB query"])])
def test_only_what_the_target_speaks_is_offered(
    engine: str, names: list[str], world: World, client_of: SignedIn
) -> None:
    world.change_target(engine=engine)
    body = client_of(world.author).get("/queries/new/").content.decode()
    options = re.findall(r'<option value="(?:sql|mongo|script)"([^>]*)>([^<]*)</option>', body)
    assert [name for marks, name in options if "disabled" not in marks] == names
    assert [name for marks, name in options if "selected" in marks] == names
    assert "target's own" not in body


def test_language_that_the_target_does_not_speak_is_refused_at_its_field(world: World, client_of: SignedIn) -> None:
    body = client_of(world.author).post("/queries/new/", {**TYPED, "language": "mongo"}).content.decode()
    assert "Orders takes sql." in body
    assert 'id="id_language_error"' in body


def test_nobody_in_a_pod_is_told_whom_to_ask(world: World, client_of: SignedIn) -> None:
    body = client_of(world.auditor).get("/queries/new/").content.decode()
    assert "You are in no pod." in body
    assert '<bdi class="person">admin</bdi>' in body
    assert "Ask for approval" not in body


def test_pod_without_a_target_is_named(world: World, client_of: SignedIn) -> None:
    body = client_of(world.outsider).get("/queries/new/").content.decode()
    assert "Research has no active target. Ask an admin to add" in body
    world.change_target(active=False)
    assert "Payments has no active target" in client_of(world.author).get("/queries/new/").content.decode()


def test_every_method_of_a_script_that_is_completed_is_there() -> None:
    for engine, offered in completions.SCRIPT_METHODS.items():
        prelude = cast("ScriptEngine", registry.engine(EngineKind(engine))).prelude
        for name in (*offered["database"], *offered["collection"]):
            assert re.search(rf"\b{name}\b", prelude), (engine, name)


def test_page_names_who_will_approve(world: World, client_of: SignedIn) -> None:
    body = client_of(world.author).get("/queries/new/").content.decode()
    assert '<bdi class="person">reviewer</bdi>, <bdi class="person">second_reviewer</bdi>' in body


def test_page_tells_how_long_it_takes_these_days(world: World, client_of: SignedIn) -> None:
    client = client_of(world.author)
    body = " ".join(client.get("/queries/new/").content.decode().split())
    assert "No request was decided here in the last 30 days" in body
    for hours in (2, 3, 9):
        _decided_after(world, hours)
    world.submitted()  # waits still, and does not count
    body = " ".join(client.get("/queries/new/").content.decode().split())
    assert "Usual wait these days: 3 hours, going by 3 requests of the last 30 days." in body


def _decided_after(world: World, hours: int) -> None:
    query = world.submitted()
    services.reject(actor=world.reviewer, query_id=query.pk, comment="No.")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE decisions DISABLE TRIGGER USER")
        later = "UPDATE decisions SET at = at + make_interval(hours => %s, mins => 1) WHERE query_id = %s"
        cursor.execute(later, [hours, query.pk])
        cursor.execute("ALTER TABLE decisions ENABLE TRIGGER USER")


def test_statement_is_checked_without_javascript(world: World, client_of: SignedIn) -> None:
    world.executed("SELECT count(*) FROM items WHERE id < 3", reason="Asked before")
    typed = {**TYPED, "statement": "SELECT count(*) FROM items WHERE id < 2", "parameters": "", "check": "1"}
    body = " ".join(client_of(world.author).post("/queries/new/", typed).content.decode().split())
    assert "Reads as valid; touches items" in body
    assert ": Asked before</a>" in body
    assert "Finished, 1 row," in body
    assert QueryRequest.objects.count() == 1


def test_wrong_statement_is_told_when_it_is_checked(world: World, client_of: SignedIn) -> None:
    body = client_of(world.author).post("/queries/new/", {**TYPED, "check": "1"}).content.decode()
    assert "Reads as valid" not in body
    assert 'class="is-bad"' in " ".join(body.split())
    assert_kept(body)


def test_revision_starts_from_the_request_and_is_tied_to_it(world: World, client_of: SignedIn) -> None:
    first = world.submitted("SELECT 1 AS one", reason="Why not")
    client = client_of(world.author)
    body = client.get(f"/queries/new/?revises={first.public_id}").content.decode()
    assert "SELECT 1 AS one" in body
    client.post("/queries/new/", {**TYPED, "statement": "SELECT 2", "parameters": "", "revises": str(first.public_id)})
    assert QueryRequest.objects.get(statement="SELECT 2").revises == first


@pytest.mark.parametrize("revises", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_nothing_but_ones_own_request_is_revised(revises: str, world: World, client_of: SignedIn) -> None:
    assert client_of(world.author).get(f"/queries/new/?revises={revises}").status_code == 404
