"""What MongoDB's writes changed, held against the documents themselves before and after."""

from __future__ import annotations

import base64
from typing import Any

import bson
import pytest

from executors import processes
from executors.base import (
    Access,
    Effect,
    Gap,
    Images,
    Job,
    KeepLimits,
    Refused,
    Rehearsing,
    RowBound,
    Running,
    WriteOutcome,
)
from executors.tests.mongodb.conftest import Bench
from executors.tests.recording import Recorder

pytestmark = pytest.mark.mongo

KEEP = KeepLimits(rows=1000, bytes=10_000_000)
WRITES = {
    "insertOne": "db.things.insertOne({_id: 100, a: 1})",
    "insertMany": "db.things.insertMany([{a: 1}, {a: 2}, {_id: 'x', a: NumberLong(3)}])",
    "updateOne": "db.things.updateOne({_id: 3}, {$set: {a: 'new'}})",
    "updateMany": "db.things.updateMany({n: {$lt: 5}}, {$inc: {n: 100}})",
    "updateMany that changes some": "db.things.updateMany({n: {$lt: 5}}, {$set: {n: 2}})",
    "a pipeline": "db.things.updateMany({n: {$gte: 8}}, [{$set: {sum: {$add: ['$n', 1]}}}])",
    "array filters": "db.things.updateMany({}, {$set: {'tags.$[t]': 'z'}}, {arrayFilters: [{t: 'b'}]})",
    "upsert": "db.things.updateOne({_id: 77}, {$set: {a: 1}}, {upsert: true})",
    "upsert that finds": "db.things.updateOne({_id: 7}, {$set: {a: 1}}, {upsert: true})",
    "replaceOne": "db.things.replaceOne({_id: 2}, {only: true})",
    "deleteOne": "db.things.deleteOne({_id: 2})",
    "deleteMany": "db.things.deleteMany({n: {$in: [1, 3, 5]}})",
    "findOneAndUpdate": "db.things.findOneAndUpdate({n: {$gt: 2}}, {$set: {a: 1}}, {sort: {n: -1}})",
    "findOneAndReplace": "db.things.findOneAndReplace({_id: 4}, {b: 1}, {returnDocument: 'after'})",
    "findOneAndDelete": "db.things.findOneAndDelete({_id: 4})",
    "findOneAndUpdate with upsert": "db.things.findOneAndUpdate({_id: 55}, {$set: {a: 1}}, {upsert: true})",
    "bulkWrite": "db.things.bulkWrite([{insertOne: {document: {_id: 200}}}, {updateOne: {filter: {_id: 200}, "
    "update: {$set: {a: 5}}}}, {deleteOne: {filter: {_id: 1}}}, {replaceOne: {filter: {_id: 2}, replacement: "
    "{r: 1}}}, {updateMany: {filter: {n: {$gt: 8}}, update: {$unset: {tags: 1}}}}])",
    "one twice": "db.things.bulkWrite([{updateOne: {filter: {_id: 1}, update: {$set: {a: 1}}}}, "
    "{deleteMany: {filter: {n: {$lt: 3}}}}])",
    "collation": "db.things.updateMany({name: 'NAME 3'}, {$set: {a: 1}}, {collation: {locale: 'en', strength: 2}})",
    "nothing": "db.things.updateMany({n: -1}, {$set: {a: 1}})",
    "every document": "db.things.updateMany({}, {$set: {seen: true}})",
    "odd keys": "db.things.insertOne({_id: {a: 1, b: ISODate('2024-01-01')}, 'a.b': 1})",
}
Documents = dict[bytes, bytes]


def fill(mongo: Bench) -> None:
    mongo.database.things.drop()
    mongo.database.things.insert_many(
        [{"_id": i, "n": i, "name": f"Name {i}", "tags": ["a", "b"], "sub": {"x": i * 1.5}} for i in range(1, 11)]
    )


def documents(mongo: Bench) -> Documents:
    return {bson.encode({"_id": d["_id"]}): bson.encode(d) for d in mongo.database.things.find()}


def job(mongo: Bench, text: str, purpose: Running | Rehearsing) -> Job:
    made = mongo.job(text, Access.WRITE)
    return Job(made.id, made.target, made.language, text, made.limits, (), purpose)


def rehearse(mongo: Bench, text: str, sample: int = 100) -> Effect:
    seen = Recorder()
    return processes.rehearse(job(mongo, text, Rehearsing(sample)), seen, seen).effect


def run(mongo: Bench, text: str, purpose: Running | None = None) -> tuple[Effect, list[Images]]:
    seen = Recorder()
    outcome = processes.run(job(mongo, text, purpose or Running(keep=KEEP)), seen, seen)
    assert isinstance(outcome, WriteOutcome)
    assert outcome.effect is not None
    return outcome.effect, seen.images


@pytest.mark.parametrize("text", WRITES.values(), ids=WRITES.keys())
def test_rehearsal_tells_what_the_run_then_does(mongo: Bench, text: str) -> None:
    fill(mongo)
    before = documents(mongo)
    rehearsed = rehearse(mongo, text)
    assert documents(mongo) == before
    effect, images = run(mongo, text)
    after = documents(mongo)
    assert rehearsed.exact
    assert effect.exact
    counts = [(t.inserted, t.updated, t.deleted) for t in rehearsed.tables]
    assert counts == [(t.inserted, t.updated, t.deleted) for t in effect.tables]
    changed = [key for key in before if key in after and before[key] != after[key]]
    truth = (len(after.keys() - before.keys()), len(changed), len(before.keys() - after.keys()))
    assert counts == ([truth] if any(truth) else [])
    kept: list[tuple[Any, Any]] = [(c.before, c.after) for piece in images for c in piece.changes]
    assert {base64.b64decode(was[1]) for was, _ in kept if was} == {
        before[k] for k in before if before[k] != after.get(k)
    }
    assert {base64.b64decode(now[1]) for _, now in kept if now} == {
        after[k] for k in after if after[k] != before.get(k)
    }


def test_sample_shows_fields(mongo: Bench) -> None:
    fill(mongo)
    (table,) = rehearse(mongo, "db.things.updateOne({_id: 3}, {$set: {name: 'new'}, $unset: {n: 1}})").tables
    names = [column.name for column in table.columns]
    (change,) = table.changes
    assert change.before is not None
    assert change.after is not None
    assert (change.before[names.index("name")], change.after[names.index("name")]) == ("Name 3", "new")
    assert change.after[names.index("n")] is None


def test_write_over_its_bound_never_commits(mongo: Bench) -> None:
    fill(mongo)
    before = documents(mongo)
    with pytest.raises(RowBound):
        run(mongo, "db.things.updateMany({}, {$set: {a: 1}})", Running(bound=9))
    assert documents(mongo) == before
    run(mongo, "db.things.updateMany({}, {$set: {a: 1}})", Running(bound=10))


@pytest.mark.parametrize("stage", ["{$out: 'others'}", "{$merge: {into: 'others'}}"])
def test_what_lasts_is_neither_rehearsed_nor_bound(mongo: Bench, stage: str) -> None:
    fill(mongo)
    text = f"db.things.aggregate([{{$match: {{}}}}, {stage}])"
    with pytest.raises(Refused, match="cannot be rehearsed"):
        rehearse(mongo, text)
    with pytest.raises(Refused, match="cannot be held"):
        run(mongo, text, Running(bound=1000))
    assert mongo.database.others.count_documents({}) == 0
    effect, _ = run(mongo, text, Running())
    assert not effect.counted
    assert [(table.table, table.gap) for table in effect.tables] == [("others", Gap.NOT_TOLD)]
    mongo.database.others.drop()


def test_index_cannot_be_rehearsed(mongo: Bench) -> None:
    fill(mongo)
    with pytest.raises(Refused, match="cannot be rehearsed"):
        rehearse(mongo, "db.things.createIndex({n: 1})")
