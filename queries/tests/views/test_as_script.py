"""What works in mongosh and is no query is opened as a script, and a file fills the field, without JavaScript."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from executors.text import MAX_BYTES
from queries.models import QueryRequest
from queries.tests.world import World

SHELL = "// each of them\ndb.items.find({a: '<b>'}).forEach(d => print(d.name))"
SCRIPT = "// each of them\nawait db.items.find({a: '<b>'}).forEach(d => console.log(d.name))"


@pytest.fixture
def client(world: World) -> Client:
    client = Client()
    client.force_login(world.author)
    return client


def typed(world: World, statement: str, **more: object) -> dict[str, Any]:
    fields = {"target": world.target.slug, "language": "mongo", "access": "read", "reason": "why", "ticket": "T-1"}
    return {**fields, "statement": statement, "parameters": '"kept"', **more}


def shown(body: str, name: str) -> str:
    """What stands in a textarea."""
    found = re.search(rf'<textarea[^>]*name="{name}"[^>]*>\n(.*?)</textarea>', body, re.DOTALL)
    assert found
    return html.unescape(found[1])


@pytest.mark.mongo
@pytest.mark.usefixtures("mongo_database")
def test_a_refusal_that_a_script_heals_has_the_button(world: World, client: Client) -> None:
    world.move_to_mongo()
    world.change_target(allow_scripts=True)
    refused = client.post("/queries/new/", typed(world, SHELL))
    body = refused.content.decode()
    assert refused.status_code == 400
    assert re.search(r'name="script" value="1" type="submit"\s+data-as-script>Open as script', body)
    opened = client.post("/queries/new/", typed(world, SHELL, script="1"))
    body = opened.content.decode()
    assert opened.status_code == 200
    assert shown(body, "statement") == SCRIPT
    assert re.search(r'<option value="script"\s+selected>', body)
    # Nothing that was typed is lost.
    assert (shown(body, "reason"), shown(body, "parameters")) == ("why", '"kept"')
    assert 'value="T-1"' in body
    assert not QueryRequest.objects.exists()


@pytest.mark.parametrize("statement", ["db.items.find({a: })", "db.items.drop()", "load('x.js')", ""])
@pytest.mark.mongo
@pytest.mark.usefixtures("mongo_database")
def test_what_cannot_be_told_as_a_script_stays(world: World, client: Client, statement: str) -> None:
    world.move_to_mongo()
    world.change_target(allow_scripts=True)
    body = client.post("/queries/new/", typed(world, statement)).content.decode()
    assert not re.search(r"data-as-script>", body)
    body = client.post("/queries/new/", typed(world, statement, script="1")).content.decode()
    assert shown(body, "statement") == statement
    assert re.search(r'<option value="mongo"\s+selected>', body)
    assert "cannot be told as a script" in body


@pytest.mark.mongo
@pytest.mark.usefixtures("mongo_database")
def test_the_check_says_it_as_well(world: World, client: Client) -> None:
    world.move_to_mongo()
    world.change_target(allow_scripts=True)
    draft = {"pod": world.pod.slug, "target": world.target.slug, "language": "mongo", "access": "read"}
    answer = client.post("/api/v1/queries/check/", {**draft, "statement": SHELL}, "application/json").json()
    assert [finding["script"] for finding in answer["findings"] if "script" in finding] == [SCRIPT]


@pytest.mark.mongo
@pytest.mark.usefixtures("mongo_database")
def test_a_target_that_takes_no_scripts_offers_none(world: World, client: Client) -> None:
    world.move_to_mongo()
    refused = client.post("/queries/new/", typed(world, SHELL)).content.decode()
    assert not re.search(r"data-as-script>", refused)
    assert "Open it as a script" not in refused
    opened = client.post("/queries/new/", typed(world, SHELL, script="1")).content.decode()
    assert shown(opened, "statement") == SHELL


def test_sql_has_no_script(world: World, client: Client) -> None:
    body = client.post("/queries/new/", typed(world, "SELEC 1", language="sql", script="1")).content.decode()
    assert shown(body, "statement") == "SELEC 1"


def test_a_file_fills_the_field(world: World, client: Client) -> None:
    file = SimpleUploadedFile("é.sql", "SELECT 'é';\nSELECT 2".encode())
    body = client.post("/queries/new/", typed(world, "SELECT 1", read="1", file=file)).content.decode()
    assert shown(body, "statement") == "SELECT 'é';\nSELECT 2"
    assert shown(body, "reason") == "why"


@pytest.mark.parametrize(
    ("file", "says"),
    [
        (SimpleUploadedFile("a.sql", b"\xff\xfe\x00"), "a.sql is not UTF-8 text."),
        (SimpleUploadedFile("b.sql", b"x" * (MAX_BYTES + 1)), "b.sql is larger than 2 MB"),
        (None, "Choose a file first."),
    ],
    ids=["encoding", "size", "none"],
)
def test_a_file_that_is_refused_loses_nothing(
    world: World, client: Client, file: SimpleUploadedFile | None, says: str
) -> None:
    more = {"file": file} if file else {}
    body = client.post("/queries/new/", typed(world, "SELECT 1", read="1", **more)).content.decode()
    assert says in html.unescape(body)
    assert shown(body, "statement") == "SELECT 1"
