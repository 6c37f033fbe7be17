"""What MongoDB's writes changed, held against the documents themselves before and after."""

from __future__ import annotations

import base64
from dataclasses import replace
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
    Language,
    Refused,
    Rehearsing,
    RowBound,
    Running,
    ScriptOutcome,
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
    "one twice in one command": "db.things.bulkWrite([{updateOne: {filter: {_id: 1}, update: {$set: {a: 1}}}}, "
    "{updateMany: {filter: {n: {$lt: 4}}, update: {$set: {a: 2}}}}, "
    "{updateOne: {filter: {_id: 9}, update: {$inc: {n: 1}}}}])",
    "each time the next one": "db.things.bulkWrite([{updateOne: {filter: {a: null}, update: {$set: {a: 1}}}}, "
    "{updateOne: {filter: {a: null}, update: {$set: {a: 2}}}}, "
    "{replaceOne: {filter: {a: null}, replacement: {a: 3}}}])",
    "upsert, then update of it": "db.things.bulkWrite([{updateOne: {filter: {_id: 70}, update: {$set: {a: 1}}, "
    "upsert: true}}, {updateOne: {filter: {_id: 70}, update: {$set: {a: 2}}, upsert: true}}])",
    "findOneAndUpdate that changes nothing": "db.things.findOneAndUpdate({_id: 4}, {$set: {n: 4}})",
    "collation": "db.things.updateMany({name: 'NAME 3'}, {$set: {a: 1}}, {collation: {locale: 'en', strength: 2}})",
    "nothing": "db.things.updateMany({n: -1}, {$set: {a: 1}})",
    "every document": "db.things.updateMany({}, {$set: {seen: true}})",
    "odd keys": "db.things.insertOne({_id: {a: 1, b: ISODate('2024-01-01')}, 'a.b': 1})",
}
SCRIPTS = {
    "a loop": "for (let i = 1; i < 6; i++) await db.collection('things').updateOne({_id: i}, {$inc: {n: i}})",
    "two collections": "await db.collection('things').deleteMany({n: {$gt: 5}}); "
    "await db.collection('others').insertMany([{_id: 'a'}, {_id: 'b', n: 1}])",
    "one three times": "const c = db.collection('things'); await c.updateOne({_id: 1}, {$set: {n: 0}}); "
    "await c.deleteOne({_id: 1}); await c.insertOne({_id: 1, n: new Long('5')})",
    "added and gone again": "const c = db.collection('things'); await c.insertOne({_id: 50}); "
    "await c.deleteOne({_id: 50}); await c.updateOne({_id: 2}, {$set: {n: 0}})",
    "read, then written": "const c = db.collection('things'); for (const d of await c.find({n: {$lt: 4}}).toArray()) "
    "await c.replaceOne({_id: d._id}, {was: d})",
    "upserts in a batch": "await db.collection('things').bulkWrite([1, 99].map((id) => "
    "({updateOne: {filter: {_id: id}, update: {$set: {seen: true}}, upsert: true}})))",
    "a batch, then what it left": "const c = db.collection('things'); await c.insertMany([1, 2, 3].map((n) => "
    "({_id: 'b' + n, n: n * 100}))); await c.updateMany({n: {$gte: 200}}, {$set: {late: true}})",
    "counted first": "const c = db.collection('things'); if (await c.countDocuments({n: {$gt: 8}}) === 2) "
    "await c.deleteMany({n: {$gt: 8}})",
}
EVERY = {name: (Language.MONGO, text) for name, text in WRITES.items()}
EVERY |= {f"script: {name}": (Language.SCRIPT, text) for name, text in SCRIPTS.items()}
# A document by its collection and `_id`.
Documents = dict[tuple[str, bytes], bytes]


def fill(mongo: Bench) -> None:
    mongo.database.things.drop()
    mongo.database.things.insert_many(
        [{"_id": i, "n": i, "name": f"Name {i}", "tags": ["a", "b"], "sub": {"x": i * 1.5}} for i in range(1, 11)]
    )


def documents(mongo: Bench) -> Documents:
    names = mongo.database.list_collection_names()
    found = ((name, document) for name in names for document in mongo.database[name].find())
    return {(name, bson.encode({"_id": d["_id"]})): bson.encode(d) for name, d in found}


def job(mongo: Bench, text: str, purpose: Running | Rehearsing, language: Language = Language.MONGO) -> Job:
    return replace(mongo.job(text, Access.WRITE), language=language, purpose=purpose)


def rehearse(mongo: Bench, text: str, sample: int = 100, language: Language = Language.MONGO) -> Effect:
    seen = Recorder()
    return processes.rehearse(job(mongo, text, Rehearsing(sample), language), seen, seen).effect


def run(
    mongo: Bench, text: str, purpose: Running | None = None, language: Language = Language.MONGO
) -> tuple[Effect, list[Images]]:
    seen = Recorder()
    outcome = processes.run(job(mongo, text, purpose or Running(keep=KEEP), language), seen, seen)
    assert isinstance(outcome, WriteOutcome | ScriptOutcome)
    assert outcome.effect is not None
    return outcome.effect, seen.images


@pytest.mark.sandbox
@pytest.mark.parametrize(("language", "text"), EVERY.values(), ids=EVERY.keys())
def test_rehearsal_tells_what_the_run_then_does(mongo: Bench, language: Language, text: str) -> None:
    fill(mongo)
    before = documents(mongo)
    rehearsed = rehearse(mongo, text, language=language)
    assert documents(mongo) == before
    effect, images = run(mongo, text, language=language)
    after = documents(mongo)
    assert rehearsed.exact
    assert effect.exact
    counts = {t.table: (t.inserted, t.updated, t.deleted) for t in rehearsed.tables}
    assert counts == {t.table: (t.inserted, t.updated, t.deleted) for t in effect.tables}
    assert counts == truth(before, after)
    kept: list[tuple[Any, Any]] = [(c.before, c.after) for piece in images for c in piece.changes]
    assert {base64.b64decode(was[1]) for was, _ in kept if was} == {
        before[k] for k in before if before[k] != after.get(k)
    }
    assert {base64.b64decode(now[1]) for _, now in kept if now} == {
        after[k] for k in after if after[k] != before.get(k)
    }


def test_parts_that_are_sent_apart_answer_as_one(mongo: Bench) -> None:
    fill(mongo)
    operations = [
        "{deleteOne: {filter: {_id: 1}}}",
        "{updateOne: {filter: {_id: 2}, update: {$set: {a: 1}}}}",
        "{updateOne: {filter: {_id: 70}, update: {$set: {a: 1}}, upsert: true}}",
        "{updateMany: {filter: {_id: {$in: [2, 70]}}, update: {$set: {a: 2}}}}",
        "{updateOne: {filter: {_id: 2}, update: {$set: {a: 2}}}}",
        "{updateOne: {filter: {_id: 71}, update: {$set: {a: 1}}, upsert: true}}",
    ]
    mongo.run(f"db.things.bulkWrite([{', '.join(operations)}])", Access.WRITE)
    (answer,) = mongo.sink.documents
    assert {name: answer[name] for name in ("matchedCount", "modifiedCount", "deletedCount", "upsertedCount")} == {
        "matchedCount": 4,
        "modifiedCount": 3,
        "deletedCount": 1,
        "upsertedCount": 2,
    }
    assert answer["upsertedIds"] == {"2": 70, "5": 71}


def truth(before: Documents, after: Documents) -> dict[str, tuple[int, int, int]]:
    """What changed between two looks, by collection."""
    changed = {key for key in before if key in after and before[key] != after[key]}
    sides = (after.keys() - before.keys(), changed, before.keys() - after.keys())
    names = {name for keys in sides for name, _ in keys}
    return {name: tuple(sum(of == name for of, _ in keys) for keys in sides) for name in names}  # type: ignore[misc]


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
