"""What people paste from mongosh: submitted, approved and run on the live server, or refused with a way that works."""

# ruff: noqa: E501 - a table reads best with one statement a line, or several

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import pytest
from bson import Decimal128, Int64, decode_all
from pymongo.database import Database

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
TABLE: list[Row | Refused] = [*LITERALS]


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
        query = world.submitted(row.text, language="mongo", access=row.access)
    except BadInput as refused:
        return f"refused: {refused.fields}"
    return ends(world.approved(query), row.access, row.ends)


def why(world: World, row: Refused) -> str:
    try:
        world.submitted(row.text, language="mongo", access=row.instead.access)
    except BadInput as refused:
        return " ".join(problem.message for problem in refused.fields["statement"])
    return ""


def test_every_statement_ends_as_the_table_says(world: World, orders: Target) -> None:
    wrong: list[tuple[object, ...]] = []
    for row in TABLE:
        if isinstance(row, Refused) and row.words not in why(world, row):
            wrong.append((row.text, row.words, why(world, row)))
        runs = row.instead if isinstance(row, Refused) else row
        found = ended(world, orders, runs)
        if found != runs.ends:
            wrong.append((runs.text, runs.ends, found))
    assert not wrong, "\n".join(map(str, wrong))
