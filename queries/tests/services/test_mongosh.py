"""What people paste from mongosh: submitted, approved and run on the live server, or refused with a way that works."""

# ruff: noqa: E501 - a table reads best with one statement a line, or several

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import pytest
from bson import Decimal128, Int64, decode_all
from pymongo.database import Database

from executors.mongodb.reading.translated import translated
from queries.lifecycle import Status
from queries.models import QueryRequest
from queries.results.reader import rows_from
from queries.tests.world import World
from web.errors import BadInput

pytestmark = pytest.mark.mongo

Target: TypeAlias = Database[dict[str, Any]]
Expected: TypeAlias = int | list[Any] | Mapping[str, Any]


class Row(NamedTuple):
    """A statement and its end: how many rows, their `_id`s or values, or what the first of them holds.

    Of a write an int is how many documents it changed.
    """

    text: str
    ends: Expected
    access: str = "read"


class Refused(NamedTuple):
    """A statement that is refused, words of why or of what is advised, and the statement that the advice leads to."""

    text: str
    words: str
    instead: Row


def w(text: str, ends: Expected) -> Row:
    return Row(text, ends, "write")


IDS_OF_WEEK = [1, 2]
LITERALS: list[Row | Refused] = [
    Row("db.orders.find({n: 5 * 2})", [1]),
    Row("db.orders.find({n: {$gt: 100 / 4 - 6}})", [2, 3]),
    Row("db.orders.find({n: {$in: [2 ** 3 + 2, -(-20)]}})", [1, 2]),
    Row('db.orders.find({name: "a" + "b"})', [1]),
    Row('db.orders.find({["na" + "me"]: "ab"})', [1]),
    Row("db.orders.find({name: `ab`})", [1]),
    Row("(db.orders.find({n: 10}))", [1]),
    Row("db.orders.find({at: {$gte: new Date(Date.now() - 7 * 24 * 60 * 60 * 1000)}})", IDS_OF_WEEK),
    Row("db.orders.find({at: {$lt: new Date(new Date() - 7*24*60*60*1000)}})", [3]),
    Row("db.orders.find({at: {$gte: ISODate(), $lt: new Date()}})", []),
    Row("db.orders.find({at: {$gte: new Date(new Date().getTime() - 1000 * 60 * 60 * 24 * 7)}})", IDS_OF_WEEK),
    Row("db.orders.find({at: {$gte: new Date(Date.UTC(2020, 0, 1))}})", [1, 2, 3]),
    Row("db.orders.find({at: {$lt: new Date(2020, 0, 1)}})", []),
    Row("db.orders.find({at: {$gte: new Date(ISODate('2020-01-01').getTime() + 1000)}})", [1, 2, 3]),
    Row("db.orders.find({_id: {$lt: ObjectId.createFromTime(Math.floor(Date.now() / 1000))}})", []),
    Row("db.orders.find({_id: ObjectId.createFromHexString('65a1b2c3d4e5f60718293a4b')})", []),
    Row("db.orders.find({big: Long.fromString('9007199254740993')})", [3]),
    Row("db.orders.find({big: NumberLong.fromString('9007199254740993')})", [3]),
    Row("db.orders.find({price: Decimal128.fromString('1.10')})", [3]),
    Row("db.orders.aggregate([{$match: {$expr: {$gt: ['$$NOW', '$at']}}}])", [1, 2, 3]),
    w("db.orders.updateMany({n: {$gte: 10 + 10}}, {$set: {seen: new Date()}})", 2),
    w("db.orders.updateOne({_id: 1}, {$inc: {n: -(2 * 3)}})", 1),
    w("db.orders.insertOne({_id: 9, n: 1 << 4, until: new Date(Date.now() + 3600 * 1000)})", 1),
    Refused("db.orders.find({n: 0.1 + 0.2})", "or 0.3", Row("db.orders.find({n: 0.3})", [])),
    Refused("db.orders.find({n: 1 / 3})", "Write 0.3333333333333333 ", Row("db.orders.find({n: 0.3333333333333333})", [])),
    Refused("db.orders.find({big: 2 ** 53 + 1})", 'NumberLong("9007199254740993")', Row('db.orders.find({big: NumberLong("9007199254740993")})', [3])),
    Refused("db.orders.find({at: {$lt: new Date('2026-01-01') + 1000}})", "new Date(+new Date(…) + 1000)", Row("db.orders.find({at: {$lt: new Date(+new Date('2020-01-01') + 1000)}})", [])),
    Refused("db.orders.find({at: {$gte: new Date('2026-01-01T10:00')}})", "end it with Z", Row("db.orders.find({at: {$gte: new Date('2020-01-01T10:00Z')}})", [1, 2, 3])),
    Refused("db.orders.find({at: {$gte: Date('2020-01-01')}})", "Use new Date(…)", Row("db.orders.find({at: {$gte: new Date('2020-01-01')}})", [1, 2, 3])),
    Refused("db.orders.insertOne({_id: ObjectId()})", "leave _id out", w("db.orders.insertOne({n: 1})", 1)),
    Refused("db.orders.find({name: ab})", 'Put text in quotes: "ab"', Row('db.orders.find({name: "ab"})', [1])),
]  # fmt: skip
SHAPES: list[Row | Refused] = [
    Row("db.orders.find(ObjectId('65a1b2c3d4e5f60718293a4b'))", []),
    Row("db.orders.findOne(ObjectId('65a1b2c3d4e5f60718293a4b'))", []),
    Row("db.orders.find().sort([['n', -1]])", [3, 2, 1]),
    Row("db.orders.find().sort([['name', 1], ['n', -1]])", [1, 2, 3]),
    Row("db.orders.find().sort('n', -1)", [3, 2, 1]),
    Row("db.orders.find().sort(['n'])", [1, 2, 3]),
    Row("db.orders.find().limit(-2)", [1, 2]),
    Row("db.orders.find().explain(true)", 1),
    Row("db.orders.find({n: 10}).explain('allPlansExecution')", 1),
    Row("db.orders.find({n: 10}).explain({verbosity: 'executionStats'})", 1),
    Row("db.orders.explain(false).find({n: 10})", 1),
    Row("db.orders.aggregate({$match: {n: {$gt: 10}}}, {$sort: {n: -1}})", [3, 2]),
    Row("db.orders.aggregate({$match: {n: 10}})", [1]),
    Row("db.orders.aggregate()", [1, 2, 3]),
    Row("db.orders.find().min({_id: 2}).hint({_id: 1})", [2, 3]),
    Row("db.orders.find().max({_id: 2}).hint('_id_')", [1]),
    Row("db.orders.find({_id: 1}, {_id: 1}).returnKey()", 1),
    Row("db.orders.find({_id: 1}).showRecordId()", {"_id": 1, "n": 10}),
    Row("db.orders.find().sort({n: -1}).next()", [3]),
    Row("db.orders.find({n: 99}).next()", []),
    Row("db.orders.find({n: 10}).hasNext()", {"hasNext": True}),
    Row("db.orders.find({n: 99}).hasNext()", {"hasNext": False}),
    Row("db.orders.find().skip(3).hasNext()", {"hasNext": False}),
    Row("db.orders.find().limit(2).size()", {"count": 2}),
    Row("db.orders.find({n: {$gt: 10}}).itcount()", {"count": 2}),
    Row("db.orders.aggregate([{$match: {n: {$gt: 10}}}]).itcount()", {"count": 2}),
    Row("db.orders.aggregate([{$match: {n: 99}}]).hasNext()", {"hasNext": False}),
    Row("db.orders.aggregate([{$sort: {n: -1}}]).next()", [3]),
    Row("db.orders.aggregate([{$match: {n: 99}}]).toArray().length", {"count": 0}),
    Row("db.orders.find({n: {$gt: 10}}).toArray().length", {"count": 2}),
    Row("db.orders.find({n: 10}).readPref('primary')", [1]),
    Row("db.orders.find({n: 10}).readConcern('local').sort({n: 1})", [1]),
    Row("db.orders.findOne({n: 10}).name", ["ab"]),
    Row("db.orders.findOne({n: 99}).name", []),
    Row("db.orders.findOne({n: 10}).name.first", []),
    Row("db.orders.findOne()", [1]),
    w("db.orders.bulkWrite([{insertOne: {_id: 7}}, {insertOne: {document: {_id: 8}}}])", 2),
    w("db.orders.bulkWrite([{updateOne: {filter: {_id: 1}, update: {$set: {n: 1}}}}, {deleteOne: {filter: {_id: 2}}}])", 2),
    Refused("db.orders.find().min({_id: 2}).count()", "$gte and $lt", Row("db.orders.find({_id: {$gte: 2}}).count()", {"count": 2})),
    Refused("db.orders.find().limit('2')", "a whole number", Row("db.orders.find().limit(2)", [1, 2])),
    Refused("db.orders.find().explain('all')", "executionStats", Row("db.orders.find({n: 10}).explain('executionStats')", 1)),
    Refused("db.orders.find({n: 10})[0]", "limit(1)", Row("db.orders.find({n: 10}).limit(1)", [1])),
    Refused("db.orders.find({n: 10}).toArray()[0]", "limit(1)", Row("db.orders.find({n: 10}).limit(1)", [1])),
]  # fmt: skip
COMMANDS: list[Row | Refused] = [
    Row("db.orders.count()", {"count": 3}),
    Row("db.orders.count({n: {$gt: 10}})", {"count": 2}),
    Row("db.orders.count({}, {limit: 2})", {"count": 2}),
    Row("db.orders.dataSize()", 1),
    Row("db.orders.storageSize()", 1),
    Row("db.orders.totalSize()", 1),
    Row("db.orders.totalIndexSize()", 1),
    Row("db.orders.stats()", {"count": 3, "nindexes": 1}),
    Row("db.orders.runCommand('count', {query: {n: 10}})", {"n": 1}),
    Row("db.orders.runCommand('collStats')", {"count": 3}),
    Row("db.orders.runCommand({count: 'orders'})", {"n": 3}),
    Row("db.orders.isCapped()", {"isCapped": False}),
    Row("db.hello()", {"isWritablePrimary": True}),
    Refused("db.orders.find({n: 10}).length()", ".toArray().length", Row("db.orders.find({n: 10}).toArray().length", {"count": 1})),
    Refused("db.orders.find({at: {$gt: new Date(new Date().setDate(new Date().getDate() - 7))}})", "new Date(Date.now() - 7 *", Row("db.orders.find({at: {$gt: new Date(Date.now() - 7 * 24 * 60 * 60 * 1000)}})", IDS_OF_WEEK)),
    Row("db.runCommand('ping')", 1),
    Row("db.runCommand({count: 'orders', query: {n: 10}})", {"n": 1}),
    Row("db.getCollectionInfos()", {"name": "orders", "type": "collection"}),
    Row("db.getCollectionInfos({name: 'none'})", 0),
    Row("db.getCollectionNames()", {"name": "orders"}),
    Row("show collections", {"name": "orders"}),
    Row("show tables;", {"name": "orders"}),
    Row("show dbs", 1),
    Row("db.version()", 1),
    Row("db.stats()", {"collections": 1}),
    Row("use THIS\ndb.orders.find({n: 10})", [1]),
    Row("use THIS; db.orders.find({n: 10})", [1]),
    Row("use 'THIS'\n\n// the first\ndb.orders.find({n: 10})", [1]),
    Row("db.orders.aggregate([{$collStats: {count: {}}}])", {"count": 3}),
    Row("db.aggregate([{$documents: [{_id: 1}, {_id: 2}]}, {$match: {_id: 2}}])", [2]),
    Row("db.orders.aggregate([{$match: {_id: 1}}, {$unionWith: {pipeline: [{$documents: [{_id: 5}]}]}}])", [1, 5]),
    w("db.orders.findAndModify({query: {_id: 1}, update: {$set: {n: 5}}, new: true})", 1),
    w("db.orders.findAndModify({query: {_id: 1}, update: {n: 5}, fields: {n: 1}})", 1),
    w("db.orders.findAndModify({query: {}, sort: {n: -1}, remove: true})", 1),
    w("db.runCommand({findAndModify: 'orders', query: {_id: 2}, update: {$inc: {n: 1}}})", 1),
    w("db.orders.insertOne({_id: 9}, {writeConcern: {w: 'majority'}})", 1),
    w("db.orders.updateMany({n: {$gt: 10}}, {$set: {a: 1}}, {writeConcern: {w: 'majority', wtimeout: 5000}})", 2),
    w("db.orders.deleteOne({_id: 1}, {writeConcern: {w: 'majority', j: true}})", 1),
    w("db.runCommand({delete: 'orders', deletes: [{q: {_id: 1}, limit: 1}], writeConcern: {w: 'majority'}})", 1),
    Refused("db.orders.insertOne({_id: 9}, {writeConcern: {w: 1}})", '{w: "majority"}', w('db.orders.insertOne({_id: 9}, {writeConcern: {w: "majority"}})', 1)),
    Refused("db.orders.deleteOne({_id: 1}, {writeConcern: {w: 0}})", "or leave it out", w("db.orders.deleteOne({_id: 1})", 1)),
    Refused("use admin\ndb.orders.find({n: 10})", "use THIS", Row("use THIS\ndb.orders.find({n: 10})", [1])),
    Refused("db.orders.aggregate([{$documents: [{_id: 1}]}])", "db.aggregate([{$documents: […]}", Row("db.aggregate([{$documents: [{_id: 1}]}])", [1])),
    Refused("db.aggregate([{$match: {n: 10}}])", "db.<collection>.aggregate", Row("db.orders.aggregate([{$match: {n: 10}}])", [1])),
    Refused("db.orders.aggregate([{$match: {n: 10}}, {$collStats: {count: {}}}])", "Put it first", Row("db.orders.aggregate([{$collStats: {count: {}}}])", {"count": 3})),
    Refused("db.orders.insert({_id: 9})", "insertOne", w("db.orders.insertOne({_id: 9})", 1)),
    Refused("db.orders.update({_id: 1}, {$set: {n: 1}})", "updateOne", w("db.orders.updateOne({_id: 1}, {$set: {n: 1}})", 1)),
    Refused("db.orders.remove({_id: 1})", "deleteOne", w("db.orders.deleteOne({_id: 1})", 1)),
    Refused("db.orders.ensureIndex({n: 1})", "createIndex", w("db.orders.createIndex({n: 1})", {"name": "n_1"})),
    Refused("db.orders.findAndModify({query: {_id: 1}})", "remove: true", w("db.orders.findAndModify({query: {_id: 1}, remove: true})", 1)),
    Refused("db.orders.find({$where: 'this.n == 10'})", "$expr", Row("db.orders.find({$expr: {$eq: ['$n', 10]}})", [1])),
    Refused("db.orders.runCommand('validate')", "Supported:", Row("db.orders.runCommand('collStats')", {"count": 3})),
    Refused("db.getSiblingDB('THIS').orders.find({n: 10})", "leave it out if it names that one", Row("db.orders.find({n: 10})", [1])),
    Refused("await db.orders.find({n: 10})", "Leave it out", Row("db.orders.find({n: 10})", [1])),
    Refused("db.orders.findd({n: 10})", "Did you mean find?", Row("db.orders.find({n: 10})", [1])),
    Refused("db.orders.find({n: 10}).limt(1)", "limit", Row("db.orders.find({n: 10}).limit(1)", [1])),
    w("db.orders.createIndex({n: 1})", [{"name": "n_1", "created": 1}]),
    w("db.orders.createIndexes([{n: 1}, {name: 1, n: -1}])", [{"name": "n_1"}, {"name": "name_1_n_-1"}]),
    w("db.orders.createIndexes([{n: 1}], {unique: true})", [{"name": "n_1"}]),
    w("db.runCommand({createIndexes: 'orders', indexes: [{key: {n: 1}, name: 'n_1'}]})", {"numIndexesAfter": 2}),
]  # fmt: skip
TABLE: list[Row | Refused] = [*LITERALS, *SHAPES, *COMMANDS]


@pytest.fixture
def orders(on_mongo: Target) -> Target:
    return on_mongo


def fill(target: Target) -> None:
    """The documents that every statement finds."""
    for name in target.list_collection_names():
        target.drop_collection(name)
    now = dt.datetime.now(dt.UTC)
    big, price = Int64(9007199254740993), Decimal128("1.10")
    target.orders.insert_many(
        [
            {"_id": 1, "n": 10, "name": "ab", "at": now - dt.timedelta(days=1)},
            {"_id": 2, "n": 20, "name": "b", "at": now - dt.timedelta(days=2)},
            {"_id": 3, "n": 30, "name": "c", "at": now - dt.timedelta(days=30), "big": big, "price": price},
        ]
    )


def ends(query: QueryRequest, access: str, wanted: Expected) -> object:
    """What came of a request, in the terms that the table speaks in."""
    if query.state is not Status.EXECUTED:
        return f"{query.state}: {query.execution.failure_message}"
    documents = [document for block in rows_from(query.execution, 0) for document in decode_all(block)]
    if isinstance(wanted, int):
        return query.execution.rows_affected if access == "write" else len(documents)
    if isinstance(wanted, Mapping):
        first = documents[0] if documents else {}
        return {name: first.get(name) for name in wanted}
    return [document.get("_id", document.get("value", document)) for document in documents]


def ended(world: World, target: Target, row: Row) -> object:
    fill(target)
    try:
        query = world.submitted(row.text.replace("THIS", target.name), language="mongo", access=row.access)
    except BadInput as refused:
        return f"refused: {refused.fields}"
    return ends(world.approved(query), row.access, row.ends)


def why(world: World, target: Target, row: Refused) -> str:
    try:
        text = row.text.replace("THIS", target.name)
        world.submitted(text, language="mongo", access=row.instead.access)
    except BadInput as refused:
        return " ".join(problem.message for problem in refused.fields["statement"])
    return ""


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("text", "rows", "logged"),
    [
        ("db.orders.find({n: {$gt: 10}}).sort({n: 1}).map(d => d.name)", 2, 0),
        ("db.orders.find({n: {$gt: 10}}).toArray().map(d => ({n: d.n * 2}))", 2, 0),
        ("db.orders.find({n: {$gt: 10}}).forEach(d => print(d.name))", 0, 2),
        ("db.orders.aggregate([{$match: {n: 10}}]).forEach(printjson)", 0, 1),
    ],
)
def test_what_works_on_results_is_given_as_a_script_that_runs(
    world: World, orders: Target, text: str, rows: int, logged: int
) -> None:
    fill(orders)
    world.change_target(allow_scripts=True)
    assert why(world, orders, Refused(text, "", Row(text, rows)))
    ran = world.executed(translated(text), language="script")
    assert ran.state is Status.EXECUTED, ran.execution.failure_message
    assert (ran.execution.row_count, ran.execution.log_lines.count()) == (rows, logged)


def test_clock_is_that_of_the_run_and_one_for_the_whole_statement(world: World, orders: Target) -> None:
    query = world.submitted(
        "db.orders.insertMany([{_id: 1, at: new Date()}, {_id: 2, at: ISODate()}])", language="mongo", access="write"
    )
    assert "run_time" in [found["code"] for found in query.findings]
    submitted = dt.datetime.now(dt.UTC)
    world.approved(query)
    times = {document["at"] for document in orders.orders.find()}
    assert len(times) == 1
    assert times.pop().replace(tzinfo=dt.UTC) >= submitted.replace(microsecond=submitted.microsecond // 1000 * 1000)


def test_every_statement_ends_as_the_table_says(world: World, orders: Target) -> None:
    wrong: list[tuple[object, ...]] = []
    for row in TABLE:
        if isinstance(row, Refused) and row.words.replace("THIS", orders.name) not in why(world, orders, row):
            wrong.append((row.text, row.words, why(world, orders, row)))
        runs = row.instead if isinstance(row, Refused) else row
        found = ended(world, orders, runs)
        if found != runs.ends:
            wrong.append((runs.text, runs.ends, found))
    assert len(TABLE) >= 100
    assert not wrong, "\n".join(map(str, wrong))
