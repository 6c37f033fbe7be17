"""Plans of a real MongoDB: by index or whole, with how many documents match; nothing is changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from executors import processes
from executors.base import Access, Language, Plan, PlanStep, TimedOut, Unreachable
from executors.tests.mongodb.conftest import Bench

pytestmark = pytest.mark.mongo

SIZE = 300


@pytest.fixture(autouse=True)
def _orders(mongo: Bench) -> None:
    mongo.database.orders.insert_many([{"_id": n, "a": n % 10, "b": n} for n in range(SIZE)])
    mongo.database.orders.create_index("b")


def plan(mongo: Bench, text: str, access: Access = Access.READ, language: Language = Language.MONGO) -> Plan:
    return processes.plan(mongo.read if access is Access.READ else mongo.write, language, text, ())


def wholly(found: Plan) -> list[PlanStep]:
    return [step for step in found.steps if step.reads_all is not None]


def test_condition_without_an_index_reads_the_whole_collection(mongo: Bench) -> None:
    found = plan(mongo, "db.orders.find({a: 3})")
    (scan,) = wholly(found)
    assert (scan.what, scan.relation, scan.rows, scan.reads_all) == ("Reads the whole collection", "orders", 30, SIZE)
    assert (found.rows, found.notes) == (30, ())


def test_index_is_named(mongo: Bench) -> None:
    found = plan(mongo, "db.orders.find({b: {$lt: 5}})")
    assert found.rows == 5
    assert wholly(found) == []
    assert "Looks up by index b_1" in [step.what for step in found.steps]


READS = {
    "by _id": ("db.orders.find({_id: 1})", 1, 0),
    "all": ("db.orders.find()", SIZE, 1),
    "with a limit": ("db.orders.find({a: 3}).limit(7)", 7, 1),
    "one": ("db.orders.findOne({a: 3})", 1, 1),
    "sorted in memory": ("db.orders.find({b: 1}).sort({a: 1})", 1, 0),
    "aggregate of the same documents": ("db.orders.aggregate([{$match: {a: 3}}, {$sort: {c: 1}}])", 30, 1),
    "aggregate of others": ("db.orders.aggregate([{$match: {a: 3}}, {$group: {_id: '$a'}}])", None, 1),
    "a count": ("db.orders.countDocuments({a: 3})", None, 1),
    "distinct": ("db.orders.distinct('a', {a: {$gt: 3}})", None, 1),
    "a collection that is not there": ("db.nowhere.find({a: 1})", 0, 0),
}


@pytest.mark.parametrize("name", READS)
def test_reads(mongo: Bench, name: str) -> None:
    text, rows, scans = READS[name]
    found = plan(mongo, text)
    assert found.steps, found.notes
    assert (found.rows, len(wholly(found))) == (rows, scans)


WRITES = {
    "updateMany": ("db.orders.updateMany({a: 3}, {$set: {c: 1}})", 30, 1),
    "updateOne": ("db.orders.updateOne({a: 3}, {$set: {c: 1}})", 1, 1),
    "upsert": ("db.orders.updateOne({a: 77}, {$set: {c: 1}}, {upsert: true})", None, 1),
    "deleteMany": ("db.orders.deleteMany({b: {$gte: 290}})", 10, 0),
    "deleteMany of all": ("db.orders.deleteMany({})", SIZE, 1),
    "findOneAndDelete": ("db.orders.findOneAndDelete({a: 3})", 1, 1),
    "insertMany": ("db.orders.insertMany([{a: 1}, {a: 2}])", 2, 0),
    "bulkWrite": (
        "db.orders.bulkWrite([{insertOne: {document: {}}}, {deleteMany: {filter: {a: 3}}}, {deleteOne: {filter: {}}}])",
        32,
        2,
    ),
    "out": ("db.orders.aggregate([{$match: {a: 3}}, {$out: 'copy'}])", None, 1),
}


@pytest.mark.parametrize("name", WRITES)
def test_writes_are_planned_and_change_nothing(mongo: Bench, name: str) -> None:
    text, rows, scans = WRITES[name]
    before = list(mongo.database.orders.find())
    found = plan(mongo, text, Access.WRITE)
    assert found.steps, found.notes
    assert (found.rows, len(wholly(found))) == (rows, scans)
    assert list(mongo.database.orders.find()) == before
    assert mongo.database.list_collection_names() == ["orders"]


def test_command_without_a_plan_says_so(mongo: Bench) -> None:
    assert plan(mongo, "db.orders.createIndex({a: 1})", Access.WRITE).notes == ("createIndexes has no plan.",)


def test_calls_of_a_script_have_theirs_where_they_are_written_out(mongo: Bench) -> None:
    text = """const day = new Date().getDay();
const all = await db.orders.find({a: 3}).toArray();
await db.orders.find({a: day}).toArray();
return db.orders.findOne({b: 1});"""
    found = plan(mongo, text, language=Language.SCRIPT)
    assert [step.line for step in found.steps if step.line] == [2, 4]
    assert "Line 3: its values are only known when the script runs." in found.notes
    assert found.rows is None


def test_time_that_does_not_suffice_for_counting_is_told(mongo: Bench) -> None:
    """The server counts until it has no time left: the plan is there, the number is not."""
    found = plan(mongo, "db.orders.find({$expr: {$gt: [{$size: {$range: [0, {$add: [900000, '$b']}]}}, 0]}})")
    assert found.rows is None
    assert len(found.steps) == 1
    assert found.notes == ("How many documents match was not counted in the time there was.",)


def test_server_that_does_not_answer_is_an_error(mongo: Bench) -> None:
    target = replace(mongo.read, url="mongodb://127.0.0.1:1/nowhere?serverSelectionTimeoutMS=500")
    with pytest.raises((TimedOut, Unreachable)):
        processes.plan(target, Language.MONGO, "db.orders.find()", ())
