"""What a target adds to a command: fields nobody has, kinds that never match, searches without an index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from bson import ObjectId
from pymongo import MongoClient

from executors.analysis import analyse
from executors.base import Access, Asked, EngineKind, Finding, FindingCode, Language, Severity, Target
from executors.mongodb.checking import check
from executors.mongodb.clients import Clients, Connected
from executors.mongodb.findings.known import Sample
from executors.mongodb.reading.calls import MongoCalls
from executors.script.analysis import calls_in
from executors.tests.mongodb.conftest import Document

pytestmark = pytest.mark.mongo
C = FindingCode
INFO, WARNING = Severity.INFO, Severity.WARNING
_DAY = datetime(2024, 1, 1, tzinfo=UTC)
Tell = Callable[[str], list[Finding]]


@pytest.fixture(scope="module")
def filled(mongo_targets: tuple[MongoClient[Document], Target, Target]) -> Iterator[Target]:
    """A target where `orders` and `lines` are large; the rest is not."""
    client, read, _ = mongo_targets
    database = client[read.key]
    database.orders.insert_many(
        {
            "_id": ObjectId(), "number": n, "status": "open", "region": "north", "made": _DAY,
            "customer": {"name": "x", "city": "y", "zip": "z"}, "items": [{"sku": "a", "count": 1}], "code": str(n),
            "mixed": n if n % 2 else "text",
        }
        for n in range(1500)
    )  # fmt: skip
    database.orders.create_index("number", unique=True)
    database.orders.create_index([("region", 1), ("made", 1)])
    database.orders.create_index("status")
    database.lines.insert_many({"order": n, "sku": "a"} for n in range(1500))
    database.people.insert_many({"_id": n, "name": "x", "born": 1970} for n in range(5))
    database.empty.create_index("a")
    database.create_collection("open_orders", viewOn="orders", pipeline=[{"$match": {"status": "open"}}])
    yield replace(read, large_rows=1000)
    client.drop_database(read.key)


@pytest.fixture(scope="module")
def connected(filled: Target) -> Iterator[Connected]:
    clients = Clients()
    yield clients.connected(filled)
    clients.close()


@pytest.fixture(scope="module")
def tell(filled: Target, connected: Connected) -> Tell:
    """What the target tells of a text that may be submitted."""

    def told(text: str) -> list[Finding]:
        analysis = analyse(Language.MONGO, EngineKind.MONGODB, text, (), Access.WRITE)
        assert analysis.valid, analysis.findings
        (answer,) = check(connected, filled, [Asked(text, analysis.tables)], Access.WRITE, 60)
        return [*answer.findings, *answer.noticed]

    return told


ORDERS = "db.orders.find({status: 'open'"
TOLD = [
    (f"{ORDERS}, regoin: 'x'}})", C.UNKNOWN_FIELD, WARNING, 1, 33, "Did you mean region?"),
    (f"{ORDERS}, 'customer.cty': 'x'}})", C.UNKNOWN_FIELD, WARNING, 1, 33, "Did you mean customer.city?"),
    (f"{ORDERS}, 'items.0.scu': 'x'}})", C.UNKNOWN_FIELD, WARNING, 1, 33, "Did you mean items.sku?"),
    (f"{ORDERS}, items: {{$elemMatch: {{cuont: 1}}}}}})", C.UNKNOWN_FIELD, WARNING, 1, 54, "Did you mean items.count?"),
    (f"{ORDERS}, $or: [{{number: 1}}, {{xyzzy: 1}}]}})", C.UNKNOWN_FIELD, INFO, 1, 53, "Other documents may"),
    (f"{ORDERS}}}).sort({{nummer: 1}})", C.UNKNOWN_FIELD, WARNING, 1, 40, "Did you mean number?"),
    (f"{ORDERS}}}, {{numbr: 1}})", C.UNKNOWN_FIELD, WARNING, 1, 35, "Did you mean number?"),
    ("db.orders.aggregate([{$match: {statsu: 'x'}}])", C.UNKNOWN_FIELD, WARNING, 1, 32, "Did you mean status?"),
    ("db.orders.aggregate([{$group: {_id: '$regionn'}}])", C.UNKNOWN_FIELD, WARNING, 1, 32, "Did you mean region?"),
    ("db.orders.updateOne({number: 1}, {$unset: {staus: 1}})", C.UNKNOWN_FIELD, WARNING, 1, 44, "Did you mean status?"),
    ("db.runCommand({find: 'orders', filter: {numberr: 1}})", C.UNKNOWN_FIELD, WARNING, 1, 41, "Did you mean number?"),
    (f"{ORDERS}, made: {{$gt: '2024-01-01'}}}})", C.OTHER_KIND, WARNING, 1, 33, "ISODate"),
    ("db.orders.find({_id: '65a000000000000000000000'})", C.OTHER_KIND, WARNING, 1, 17, "ObjectId"),
    ("db.orders.find({number: {$in: ['1', '2']}})", C.OTHER_KIND, WARNING, 1, 17, "without quotes"),
    ("db.orders.find({number: 1, code: 5})", C.OTHER_KIND, WARNING, 1, 28, "in quotes"),
    ("db.orders.find({code: 'x'})", C.SCANS_COLLECTION, WARNING, 1, 16, "an indexed field"),
    ("db.orders.deleteMany({made: ISODate('2024-01-01')})", C.SCANS_COLLECTION, WARNING, 1, 22, "an indexed field"),
    ("db.orders.aggregate([{$match: {code: 'x'}}])", C.SCANS_COLLECTION, WARNING, 1, 23, "an indexed field"),
    ("db.orders.find({status: {$ne: 'x'}})", C.NARROWS_LITTLE, INFO, 1, 16, "looked for everywhere"),
    ("db.orders.find({region: /orth/})", C.NARROWS_LITTLE, INFO, 1, 16, "looked for everywhere"),
    ("db.orders.find({}).sort({code: 1})", C.UNINDEXED_SORT, WARNING, 1, 25, "about 1,500 documents"),
    (
        "db.people.aggregate([{$lookup: {from: 'lines', localField: '_id', foreignField: 'order', as: 'l'}}])",
        C.LOOKUP_NOT_INDEXED, WARNING, 1, 67, "about 1,500 documents",
    ),
    ("db.orders.updateOne({status: 'open'}, {$inc: {n: 1}})", C.WHICH_OF_SEVERAL, INFO, 1, 21, "Filter by _id"),
    ("db.people.deleteOne({name: 'x'})", C.WHICH_OF_SEVERAL, INFO, 1, 21, "Filter by _id"),
    ("db.people.updateOne({name: 'x'}, {$inc: {n: 1}}, {upsert: true})", C.UPSERT_NOT_UNIQUE, INFO, 1, 21, "Filter by"),
    (
        "db.orders.updateOne({number: 1}, {$set: {customer: {name: 'q'}}})",
        C.LOSES_FIELDS, WARNING, 1, 42, 'Set "customer.…"',
    ),
    ("db.people.replaceOne({_id: 1}, {name: 'q'})", C.LOSES_FIELDS, WARNING, 1, 32, "updateOne with $set"),
    (
        "db.orders.aggregate([{$unwind: '$items'}, {$match: {'items.sku': 'a'}}])",
        C.LATE_MATCH, INFO, 1, 44, "before $unwind as well",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code", "severity", "line", "column", "hint"), TOLD, ids=[f"{one[1]}: {one[0]}" for one in TOLD]
)
def test_target_tells(
    tell: Tell, text: str, code: FindingCode, severity: Severity, line: int, column: int, hint: str
) -> None:
    (finding,) = tell(text)
    assert (finding.code, finding.severity) == (code, severity)
    assert (finding.line, finding.column) == (line, column)
    assert hint in finding.hint


NOTHING = [
    "db.orders.find({number: 5, 'customer.city': 'x', 'items.0.sku': 'a', items: {$elemMatch: {count: 1}}})",
    "db.orders.find({status: 'x', gone: {$exists: false}, went: null, goes: {$ne: 1}})",
    "db.orders.find({number: 1}, {number: 1, score: {$meta: 'x'}, double: {$multiply: ['$number', 2]}})",
    "db.orders.aggregate([{$match: {number: 1}}, {$project: {n: '$number'}}, {$match: {n: 1}}, {$sort: {n: 1}}])",
    "db.orders.updateOne({number: 1}, {$set: {brand: 'new'}})",
    "db.orders.find({number: 1, mixed: 'x', made: ISODate('2024-01-01'), code: /1/})",
    "db.orders.find({region: 'x', made: {$type: 'string'}})",
    "db.orders.find({number: {$in: [1, '1']}})",
    "db.orders.find({code: 'x', status: 'open'})",
    "db.orders.find({code: 'x'}).hint('number_1')",
    "db.orders.find({$expr: {$eq: ['$code', 'x']}})",
    "db.orders.find({region: 'x', status: {$ne: 'y'}})",
    "db.orders.find({region: /^nor/})",
    "db.orders.find({status: 'open'}).sort({code: 1})",
    "db.orders.find({}).sort({made: -1})",
    "db.people.find({name: 'x'}).sort({born: 1})",
    "db.people.aggregate([{$lookup: {from: 'orders', localField: '_id', foreignField: 'number', as: 'o'}}])",
    "db.lines.aggregate([{$lookup: {from: 'people', localField: 'order', foreignField: 'born', as: 'p'}}])",
    "db.orders.updateOne({number: 1, status: 'open'}, {$inc: {n: 1}})",
    "db.people.deleteOne({_id: 1})",
    "db.people.findOneAndUpdate({name: 'x'}, {$inc: {n: 1}}, {sort: {_id: 1}})",
    "db.people.updateOne({_id: 9}, {$set: {name: 'x'}}, {upsert: true})",
    "db.orders.updateOne({number: 1}, {$set: {customer: {name: 'q', city: 'y', zip: 'z', more: 1}}})",
    "db.people.replaceOne({_id: 1}, {name: 'q', born: 1980})",
    "db.orders.aggregate([{$match: {number: 1}}, {$unwind: '$items'}, {$match: {'items.sku': 'a'}}])",
    "db.orders.aggregate([{$unwind: '$items'}, {$match: {status: 'open'}}])",
    "db.empty.find({whatever: 'x'})",
    "db.open_orders.find({whatever: 'x'})",
    "db.orders.insertOne({whatever: 1})",
    "db.orders.getIndexes()",
]


@pytest.mark.parametrize("text", NOTHING)
def test_nothing_is_told_where_nothing_is_certain(tell: Tell, text: str) -> None:
    assert tell(text) == []


def test_what_a_sample_cannot_hold_is_not_judged() -> None:
    """Documents whose keys are data have no end of paths."""
    sample = Sample.of([{f"day{n}": 1 for n in range(6000)}])
    assert not sample.complete
    assert sample.has("anything")


def test_call_of_a_script_is_judged_by_what_is_written_of_it(filled: Target, connected: Connected) -> None:
    text = "await db.orders.find({statsu: value, number: key}).toArray();\nawait db.orders.find(filter).toArray()"
    asked = [told.asks for _, told in calls_in(text, MongoCalls(), Access.READ) if told.asks is not None]
    answers = check(connected, filled, asked, Access.READ, 60)
    assert [[finding.code for finding in (*one.findings, *one.noticed)] for one in answers] == [[C.UNKNOWN_FIELD], []]
