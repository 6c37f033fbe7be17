"""The whole way on a live MongoDB: what runs, what it returns, what it may not."""

from __future__ import annotations

import pytest

from executors import registry
from executors.base import Access, Column, EngineKind, ReadOutcome, Refused, StatementFailed, WriteOutcome
from executors.runner import StatementRunner
from executors.tests.mongodb.conftest import Bench

pytestmark = pytest.mark.mongo


def changed(mongo: Bench, statement: str, **limits: float) -> int | None:
    outcome = mongo.run(statement, Access.WRITE, **limits)
    assert isinstance(outcome, WriteOutcome)
    return outcome.rows_affected


def test_find_streams_documents_with_their_columns(mongo: Bench) -> None:
    mongo.database.c.insert_many([{"_id": 1, "a": "x"}, {"_id": 2, "a": 2, "b": None}])
    assert mongo.run("db.c.find().sort({_id: 1})") == ReadOutcome(2)
    assert mongo.sink.documents == [{"_id": 1, "a": "x"}, {"_id": 2, "a": 2, "b": None}]
    assert mongo.sink.announced == [(Column("_id", "int"), Column("a", "mixed"), Column("b", "null"))]


def test_find_obeys_every_modifier(mongo: Bench) -> None:
    mongo.database.c.insert_many([{"_id": n, "a": n % 3} for n in range(30)])
    mongo.database.c.create_index("a")
    statement = "db.c.find({a: 1}).sort({_id: -1}).skip(1).limit(2).projection({a: 0}).hint({a: 1}).batchSize(1)"
    mongo.run(statement + ".comment('mine').maxTimeMS(500).collation({locale: 'en'}).toArray()")
    assert mongo.sink.documents == [{"_id": 25}, {"_id": 22}]


def test_empty_result_still_announces_no_columns(mongo: Bench) -> None:
    assert mongo.run("db.nothing.find()") == ReadOutcome(0)
    assert mongo.sink.announced == [()]


@pytest.mark.parametrize(
    ("statement", "documents"),
    [
        ("db.c.findOne({_id: 2})", [{"_id": 2, "a": 1}]),
        (
            "db.c.aggregate([{$group: {_id: '$a', n: {$sum: 1}}}, {$sort: {_id: 1}}])",
            [{"_id": 1, "n": 2}, {"_id": 5, "n": 1}],
        ),
        ("db.c.countDocuments({a: 1})", [{"count": 2}]),
        ("db.c.countDocuments({a: 7})", [{"count": 0}]),
        ("db.c.countDocuments({}, {limit: 2})", [{"count": 2}]),
        ("db.c.estimatedDocumentCount()", [{"count": 3}]),
        ("db.c.distinct('a')", [{"value": 1}, {"value": 5}]),
        ("db.c.distinct('a', {_id: 3})", [{"value": 5}]),
        ("db.c.find({a: 1}).count()", [{"count": 2}]),
        ("db.c.find({a: 1}).limit(1).count()", [{"count": 1}]),
        ("db.runCommand({count: 'c', query: {a: 5}})", [{"n": 1}]),
        ("db.runCommand({find: 'c', filter: {a: 5}})", [{"_id": 3, "a": 5}]),
        ("db.runCommand({ping: 1})", [{}]),
    ],
)
def test_reads_answer(mongo: Bench, statement: str, documents: list[dict[str, object]]) -> None:
    mongo.database.c.insert_many([{"_id": 1, "a": 1}, {"_id": 2, "a": 1}, {"_id": 3, "a": 5}])
    assert isinstance(mongo.run(statement), ReadOutcome)
    assert mongo.sink.documents == documents


@pytest.mark.parametrize(
    ("statement", "field"),
    [
        ("db.c.getIndexes()", "key"),
        ("db.c.stats()", "ns"),
        ("db.stats()", "collections"),
        ("db.getCollectionNames()", "name"),
        ("db.c.find({a: 1}).explain()", "queryPlanner"),
        ("db.c.explain('executionStats').find({a: 1})", "executionStats"),
        ("db.c.aggregate([{$match: {}}]).explain()", "queryPlanner"),
        ("db.c.aggregate([{$match: {}}], {explain: true})", "queryPlanner"),
        ("db.c.explain().countDocuments({})", "stages"),
        ("db.c.explain().distinct('a')", "queryPlanner"),
        ("db.runCommand({explain: {find: 'c'}, verbosity: 'queryPlanner'})", "queryPlanner"),
        ("db.runCommand({listIndexes: 'c'})", "key"),
        ("db.runCommand({listCollections: 1, filter: {name: 'c'}})", "name"),
        ("db.runCommand({collStats: 'c'})", "ns"),
        ("db.runCommand({dbStats: 1})", "collections"),
        ("db.runCommand({buildInfo: 1})", "version"),
        ("db.runCommand({hello: 1})", "maxWireVersion"),
    ],
)
def test_inspections_answer(mongo: Bench, statement: str, field: str) -> None:
    mongo.database.c.insert_one({"a": 1})
    mongo.run(statement)
    assert field in mongo.sink.documents[0]


def test_write_result_and_affected(mongo: Bench) -> None:
    assert changed(mongo, "db.c.insertMany([{_id: 1, a: 1}, {_id: 2, a: 1}])") == 2
    assert mongo.sink.documents == [{"acknowledged": True, "insertedIds": {"0": 1, "1": 2}}]
    assert changed(mongo, "db.c.updateMany({a: 1}, {$set: {b: 2}})") == 2
    assert mongo.sink.documents[0]["matchedCount"] == 2
    assert changed(mongo, "db.c.updateOne({_id: 9}, {$set: {b: 2}}, {upsert: true})") == 1
    assert mongo.sink.documents[0]["insertedId"] == 9
    assert changed(mongo, "db.c.updateOne({_id: 1}, [{$set: {b: '$a'}}])") == 1
    assert changed(mongo, "db.c.replaceOne({_id: 9}, {z: 1})") == 1
    assert changed(mongo, "db.c.deleteOne({_id: 9})") == 1
    assert list(mongo.database.c.find()) == [{"_id": 1, "a": 1, "b": 1}, {"_id": 2, "a": 1, "b": 2}]


def test_find_and_modify_family(mongo: Bench) -> None:
    mongo.database.c.insert_one({"_id": 1, "n": 1})
    assert changed(mongo, "db.c.findOneAndUpdate({_id: 1}, {$inc: {n: 1}}, {returnDocument: 'after'})") == 1
    assert mongo.sink.documents == [{"_id": 1, "n": 2}]
    changed(mongo, "db.c.findOneAndReplace({_id: 1}, {n: 9}, {projection: {_id: 0}})")
    assert mongo.sink.documents == [{"n": 2}]
    changed(mongo, "db.c.findOneAndDelete({_id: 1})")
    assert mongo.sink.documents == [{"_id": 1, "n": 9}]
    assert changed(mongo, "db.c.findOneAndDelete({_id: 1})") == 0
    assert mongo.sink.documents == []


def test_bulk_write_counts_each_kind(mongo: Bench) -> None:
    mongo.database.c.insert_many([{"_id": 1}, {"_id": 2}])
    operations = (
        "{insertOne: {document: {_id: 3}}}, {updateOne: {filter: {_id: 1}, update: {$set: {a: 1}}}},"
        "{replaceOne: {filter: {_id: 5}, replacement: {b: 1}, upsert: true}},"
        "{deleteMany: {filter: {_id: {$in: [2, 3]}}}}"
    )
    assert changed(mongo, f"db.c.bulkWrite([{operations}])") == 5
    result = mongo.sink.documents[0]
    names = ("insertedCount", "matchedCount", "modifiedCount", "deletedCount", "upsertedCount")
    assert [result[name] for name in names] == [1, 1, 1, 2, 1]
    assert list(mongo.database.c.find()) == [{"_id": 1, "a": 1}, {"_id": 5, "b": 1}]


def test_indexes_are_created_and_dropped(mongo: Bench) -> None:
    mongo.database.c.insert_one({"a": 1})
    changed(mongo, "db.c.createIndex({a: 1, b: -1}, {unique: true})")
    assert mongo.sink.documents == [{"name": "a_1_b_-1", "created": 1}]
    assert mongo.database.c.index_information()["a_1_b_-1"]["unique"] is True
    changed(mongo, "db.c.dropIndex('a_1_b_-1')")
    assert list(mongo.database.c.index_information()) == ["_id_"]


def test_write_commands(mongo: Bench) -> None:
    assert changed(mongo, "db.runCommand({insert: 'c', documents: [{_id: 1}, {_id: 2}]})") == 2
    assert changed(mongo, "db.runCommand({update: 'c', updates: [{q: {}, u: {$set: {a: 1}}, multi: true}]})") == 2
    assert changed(mongo, "db.runCommand({delete: 'c', deletes: [{q: {_id: 1}, limit: 1}]})") == 1
    assert changed(mongo, "db.runCommand({findAndModify: 'c', query: {_id: 2}, remove: true})") == 1
    assert changed(mongo, "db.runCommand({createIndexes: 'c', indexes: [{key: {a: 1}, name: 'a'}]})") is None
    assert mongo.database.c.count_documents({}) == 0


def test_out_writes_with_write_access_only(mongo: Bench) -> None:
    mongo.database.c.insert_one({"_id": 1})
    with pytest.raises(Refused):
        mongo.run("db.c.aggregate([{$out: 'd'}])")
    mongo.run("db.c.aggregate([{$out: 'd'}])", Access.WRITE)
    assert list(mongo.database.d.find()) == [{"_id": 1}]


def test_failed_write_leaves_nothing(mongo: Bench) -> None:
    with pytest.raises(StatementFailed, match="DuplicateKey"):
        mongo.run("db.c.insertMany([{_id: 1}, {_id: 1}])", Access.WRITE)
    assert mongo.database.c.count_documents({}) == 0
    assert mongo.control.commits == []


def test_write_is_announced_with_its_transaction(mongo: Bench) -> None:
    mongo.run("db.c.insertOne({_id: 1})", Access.WRITE)
    (transaction,) = mongo.control.commits
    assert transaction.startswith(mongo.control.backends[0] + ":")


def test_forbidden_commit_leaves_nothing(mongo: Bench) -> None:
    def forbid(_: str) -> None:
        raise OSError("the portal's own database is gone")

    mongo.control.commit = forbid
    for statement in ("db.c.insertOne({_id: 1})", "db.c.createIndex({a: 1})"):
        with pytest.raises(OSError, match="portal's own"):
            mongo.run(statement, Access.WRITE)
    assert mongo.database.list_collection_names() == []


def test_read_credential_cannot_write_even_unguarded(mongo: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("executors.mongodb.session.require_allowed", lambda *_: None)
    with pytest.raises(StatementFailed, match="Unauthorized"):
        mongo.run("db.c.insertOne({_id: 1})")
    assert mongo.database.c.count_documents({}) == 0


def test_read_runs_with_write_access(mongo: Bench) -> None:
    mongo.database.c.insert_one({"_id": 1})
    assert mongo.run("db.c.stats()", Access.WRITE) == ReadOutcome(1)
    assert mongo.run("db.c.find()", Access.WRITE) == ReadOutcome(1)


def test_sink_failure_ends_the_run_as_itself(mongo: Bench) -> None:
    mongo.database.c.insert_one({"_id": 1})

    def fail(data: bytes, count: int) -> None:
        raise OSError("disk full")

    mongo.sink.rows = fail  # type: ignore[method-assign]

    with pytest.raises(OSError, match="disk full"):
        StatementRunner(registry.engine(EngineKind.MONGODB)).run(
            mongo.job("db.c.find()", Access.READ), mongo.sink, mongo.control
        )


def test_server_error_names_code_and_no_host(mongo: Bench) -> None:
    with pytest.raises(StatementFailed) as caught:
        mongo.run("db.c.find({a: {$nope: 1}})")
    assert caught.value.public_message.startswith("BadValue: unknown operator: $nope")
    assert caught.value.detail == {"code": "2", "codeName": "BadValue", "line": "1", "column": "6"}
    assert "127.0.0.1" not in caught.value.public_message


def test_out_09_what_was_upserted_is_told_by_the_number_of_its_operation(mongo: Bench) -> None:
    mongo.database.things.insert_one({"_id": 1})
    operations = (
        "[{insertOne: {document: {_id: 7}}}, {updateOne: {filter: {_id: 1}, update: {$set: {a: 1}}, upsert: true}},"
        " {updateOne: {filter: {_id: 8}, update: {$set: {a: 1}}, upsert: true}}, {deleteOne: {filter: {_id: 1}}},"
        " {replaceOne: {filter: {_id: 9}, replacement: {b: 1}, upsert: true}}, {insertOne: {document: {_id: 10}}}]"
    )
    mongo.run(f"db.things.bulkWrite({operations})", Access.WRITE)
    (told,) = mongo.sink.documents
    assert told["upsertedIds"] == {"2": 8, "4": 9}
    assert told["insertedIds"] == {"0": 7, "5": 10}
