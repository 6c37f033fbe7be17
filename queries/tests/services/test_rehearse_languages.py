"""What holds in every language: a rehearsal counts what the run then does, and no write over its bound commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from pymongo.database import Database

from queries import services
from queries.lifecycle import Status
from queries.models import Code, Decision, QueryRequest
from queries.tests.world import TargetDatabase, World, empty

pytestmark = [pytest.mark.mongo, pytest.mark.sandbox]

SQL = {
    "an update": "UPDATE items SET name = 'x' WHERE id < 3",
    "several statements": "DELETE FROM items WHERE id = 1; INSERT INTO items VALUES (7, 'x'), (8, 'y')",
}
SQL_SCRIPTS = {
    "a loop": "for (const id of [1, 2, 3]) await db.query('UPDATE items SET name = $1 WHERE id = $2', ['n' + id, id])",
    "read, then written": "const {rows} = await db.query('SELECT id FROM items WHERE name IS NOT NULL'); "
    "for (const row of rows) await db.query('DELETE FROM items WHERE id = $1', [row.id])",
}
MONGO = {
    "an update": "db.items.updateMany({_id: {$lt: 3}}, {$set: {name: 'x'}})",
    "operations": "db.items.bulkWrite([{deleteOne: {filter: {_id: 1}}}, {insertOne: {document: {_id: 7}}}, "
    "{updateOne: {filter: {_id: 9}, update: {$set: {a: 1}}, upsert: true}}])",
}
MONGO_SCRIPTS = {
    "a loop": "for (const _id of [1, 2, 3]) await db.collection('items').updateOne({_id}, {$set: {name: 'n' + _id}})",
    "read, then written": "for await (const d of db.collection('items').find({name: {$ne: null}})) "
    "await db.collection('items').deleteOne({_id: d._id})",
}
WRITES = [
    *(("postgresql", "sql", text) for text in SQL.values()),
    *(("postgresql", "script", text) for text in SQL_SCRIPTS.values()),
    *(("mongodb", "mongo", text) for text in MONGO.values()),
    *(("mongodb", "script", text) for text in MONGO_SCRIPTS.values()),
]
ALL = {
    ("postgresql", "sql"): "UPDATE items SET name = 'all'",
    ("postgresql", "script"): "await db.query(`UPDATE items SET name = 'all'`)",
    ("mongodb", "mongo"): "db.items.updateMany({}, {$set: {name: 'all'}})",
    ("mongodb", "script"): "await db.collection('items').updateMany({}, {$set: {name: 'all'}})",
}
Items = dict[object, object]


@dataclass(frozen=True)
class Shelf:
    """The items of a target, as somebody else sees and adds them."""

    items: Callable[[], Items]
    add: Callable[[int], object]


@pytest.fixture
def shelf(
    request: pytest.FixtureRequest,
    world: World,
    target_database: TargetDatabase,
    mongo_database: Database[dict[str, Any]],
) -> Iterator[Shelf]:
    """Three items on the product that a test names, which takes scripts."""
    world.change_target(allow_scripts=True)
    if request.param == "mongodb":
        world.move_to_mongo()
        mongo_database.items.insert_many([{"_id": 1, "name": "one"}, {"_id": 2, "name": ""}, {"_id": 3, "name": None}])
        yield Shelf(
            lambda: {document["_id"]: document for document in mongo_database.items.find()},
            lambda number: mongo_database.items.insert_one({"_id": number, "name": "more"}),
        )
        empty(mongo_database)
        return
    with target_database.connect() as connection:
        yield Shelf(
            lambda: {row[0]: row[1] for row in connection.execute("SELECT id, name FROM items")},
            lambda number: connection.execute("INSERT INTO items VALUES (%s, 'more')", [number]),
        )
        connection.execute("TRUNCATE items")
        connection.execute("INSERT INTO items VALUES (1, 'one'), (2, ''), (3, NULL)")


def asked(world: World, language: str, text: str) -> QueryRequest:
    return world.submitted(text, access="write", language=language)


def rehearse(world: World, query: QueryRequest) -> dict[str, Any]:
    rehearsal = services.rehearse(actor=world.reviewer, query_id=query.pk, digest=query.digest)
    assert rehearsal.effect is not None
    return dict(rehearsal.effect)


@pytest.mark.parametrize(("shelf", "language", "text"), WRITES, indirect=["shelf"])
def test_the_rehearsal_counts_what_the_run_then_does(world: World, shelf: Shelf, language: str, text: str) -> None:
    before = shelf.items()
    query = asked(world, language, text)
    seen = rehearse(world, query)
    assert shelf.items() == before
    ended = world.approved(query)
    assert ended.state is Status.EXECUTED
    after = shelf.items()
    assert ended.execution.effect == seen
    changed = sum(before[key] != after[key] for key in before.keys() & after.keys())
    (table,) = seen["tables"]
    assert (table["inserted"], table["updated"], table["deleted"]) == (
        len(after.keys() - before.keys()),
        changed,
        len(before.keys() - after.keys()),
    )


@pytest.mark.parametrize(("shelf", "language"), ALL, indirect=["shelf"])
def test_rows_that_came_after_the_rehearsal_are_over_the_bound(
    request: pytest.FixtureRequest, world: World, shelf: Shelf, language: str
) -> None:
    query = asked(world, language, ALL[request.node.callspec.params["shelf"], language])
    assert rehearse(world, query)["total"] == 3
    shelf.add(4)
    shelf.add(5)
    before = shelf.items()
    ended = world.approved(query)
    assert Decision.objects.get(query=query).bound == 4
    assert (ended.state, ended.code) == (Status.FAILED, Code.ROW_BOUND)
    assert shelf.items() == before
