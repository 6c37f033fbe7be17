"""Taking a MongoDB write back: the documents as they were, or nothing; asked for on the page and over the API."""

from __future__ import annotations

from typing import Any

import pytest
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from django.urls import reverse
from pymongo.database import Database
from rest_framework.test import APIClient

from queries import policies, services
from queries.lifecycle import Status
from queries.models import Code, Decision, QueryRequest
from queries.results import rehearsals
from queries.tests.conftest import SignedIn
from queries.tests.world import World
from web.errors import NotNow

pytestmark = pytest.mark.mongo

Target = Database[dict[str, Any]]
RENAME = "db.things.updateMany({n: {$lt: 3}}, {$set: {name: 'changed'}, $unset: {tag: 1}})"


@pytest.fixture
def things(on_mongo: Target) -> Target:
    on_mongo.things.insert_many([{"_id": n, "n": n, "tag": "t", "name": f"name {n}"} for n in (1, 2, 3)])
    return on_mongo


def documents(database: Target) -> dict[str, list[bytes]]:
    options: Any = CodecOptions(RawBSONDocument)
    names = database.list_collection_names()
    found: Any = {name: database.get_collection(name, options).find() for name in names}
    stored = {name: sorted(bytes(document.raw) for document in cursor) for name, cursor in found.items()}
    return {name: rows for name, rows in stored.items() if rows}


def undo(world: World, query: QueryRequest) -> QueryRequest:
    return services.undo(actor=world.author, query_id=query.pk)


@pytest.mark.parametrize(
    "statement",
    [
        RENAME,
        "db.things.deleteMany({})",
        "db.things.insertOne({_id: null, a: NumberLong(1)})",
        "db.things.findAndModify({query: {_id: 1}, update: {n: 5 * 2}, new: true})",
    ],
    ids=["changed", "deleted", "added", "replaced by findAndModify"],
)
def test_it_puts_every_document_back_and_can_be_taken_back_itself(world: World, things: Target, statement: str) -> None:
    before = documents(things)
    query = world.mongo(statement, access="write")
    after = documents(things)
    undone = world.approved(undo(world, query))
    assert (undone.state, undone.undoes_id) == (Status.EXECUTED, query.pk)
    assert documents(things) == before
    assert world.approved(undo(world, undone)).state is Status.EXECUTED
    assert documents(things) == after


@pytest.mark.sandbox
def test_a_script_that_wrote_is_taken_back_in_mongosh(world: World, things: Target) -> None:
    world.change_target(allow_scripts=True)
    before = documents(things)
    text = (
        "for (const d of await db.collection('things').find({}).toArray()) {"
        " await db.collection('log').insertOne({of: d._id}); await db.collection('things').deleteOne({_id: d._id}) }"
    )
    query = world.executed(text, language="script", access="write")
    prepared = undo(world, query)
    assert (prepared.language, prepared.tables, prepared.expects) == ("mongo", ["log", "things"], 6)
    assert world.approved(prepared).state is Status.EXECUTED
    assert documents(things) == before


def test_it_is_rehearsed_and_bound_to_the_documents_it_names(world: World, things: Target) -> None:
    prepared = undo(world, world.mongo(RENAME, access="write"))
    left = documents(things)
    rehearsal = services.rehearse(actor=world.reviewer, query_id=prepared.pk, digest=prepared.digest)
    seen = rehearsals.effect(rehearsal)
    assert seen is not None
    (table,) = seen.tables
    place = [column.name for column in table.columns].index("name")
    assert {change.after[place] for change in table.changes if change.after} == {"name 1", "name 2"}
    assert documents(things) == left
    world.approved(prepared)
    assert Decision.objects.get(query=prepared).bound == 2


def test_a_document_that_changed_since_refuses_all(world: World, things: Target) -> None:
    prepared = undo(world, world.mongo(RENAME, access="write"))
    things.things.update_one({"_id": 2}, {"$set": {"n": 2.0}})
    left = documents(things)
    ended = world.approved(prepared)
    assert (ended.state, ended.code) == (Status.FAILED, Code.REFUSED)
    assert "things: 1 changed since: _id 2" in ended.execution.failure_message
    assert documents(things) == left


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("db.things.createIndex({n: 1})", "it changed the schema"),
        ("db.things.createIndexes([{n: 1}, {name: 1}])", "it changed the schema"),
        ("db.things.aggregate([{$out: 'others'}])", "what happened to the rows of others is not known"),
        ("db.things.updateMany({n: 9}, {$set: {a: 1}})", "changed no row"),
        ("db.things.deleteMany({})", "more of things changed than is kept"),
    ],
    ids=["an index", "indexes", "$out", "nothing", "too many"],
)
def test_what_cannot_be_taken_back_is_said(world: World, things: Target, statement: str, why: str) -> None:
    world.change_target(undo_rows=2)
    query = world.mongo(statement, access="write")
    assert query.state is Status.EXECUTED, query.execution.failure_message
    with pytest.raises(NotNow, match=why):
        undo(world, query)
    assert policies.UNDO not in policies.allowed(world.author, query)


def test_the_page_shows_the_fields_and_the_button(world: World, things: Target, client_of: SignedIn) -> None:
    query = world.mongo(RENAME, access="write")
    address = reverse("queries:detail", args=[query.public_id])
    body = client_of(world.author).get(address).content.decode()
    rows = body.partition("effect__rows")[2]
    assert "<del>" in rows
    assert "name 1" in rows
    assert "changed" in rows
    assert "sequences" not in body
    answer = client_of(world.author).post(reverse("queries:undo", args=[query.public_id]))
    prepared = QueryRequest.objects.get(undoes=query)
    assert answer["Location"] == reverse("queries:detail", args=[prepared.public_id])
    body = client_of(world.reviewer).get(answer["Location"]).content.decode()
    assert "2 documents get back what they were" in body
    assert "name 1" not in body


def test_personal_fields_stay_masked(world: World, things: Target, client_of: SignedIn) -> None:
    world.change_target(personal_columns=["things.name"])
    query = world.mongo("db.things.updateMany({}, {$set: {name: 'renamed'}})", access="write")
    body = client_of(world.author).get(reverse("queries:detail", args=[query.public_id])).content.decode()
    assert "name 1" not in body.partition("effect__rows")[2].partition("</section>")[0]


def test_api_answers_with_the_new_request(world: World, things: Target) -> None:
    query = world.mongo(RENAME, access="write")
    client = APIClient()
    client.force_authenticate(world.author)
    body = client.post(f"/api/v1/queries/{query.public_id}/undo/", {}, format="json").json()
    assert (body["undoes"], body["language"], body["tables"]) == (str(query.public_id), "mongo", ["things"])
    assert '"name": "name 1"' in body["parameters"][0]
    client.force_authenticate(world.colleague)
    assert client.get(f"/api/v1/queries/{body['id']}/").json()["parameters"] is None
