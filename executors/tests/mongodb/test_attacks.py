"""The attacks of every class known: each is refused with a place, in either access, and changes nothing."""

# ruff: noqa: E501 - a table reads best with one case a line, or several

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from bson import Code

from executors.analysis import analyse
from executors.base import Access, EngineKind, Language, OutcomeUnknown, Refused, Severity, StatementFailed
from executors.mongodb.reading.analysis import analyse_command
from executors.mongodb.reading.command import Command
from executors.tests.mongodb.conftest import Bench

JS = "{$function: {body: 'function() { return 1 }', args: [], lang: 'js'}}"
ACCUMULATOR = "{$accumulator: {init: 'f', accumulate: 'f', accumulateArgs: [], merge: 'f', lang: 'js'}}"

# Refused whichever access is asked for.
ALWAYS = [
    # server-side JavaScript, in every place that evaluates
    "db.c.find({$where: 'sleep(1000) || true'})",
    "db.c.find({'\\u0024where': '1'})",
    "db.c.find({$and: [{a: 1}, {$or: [{$where: '1'}]}]})",
    "db.c.find({$nor: [{$where: '1'}]})",
    "db.c.find({a: {$elemMatch: {$where: '1'}}})",
    "db.c.find({a: {$not: {$where: '1'}}})",
    f"db.c.find({{$expr: {JS}}})",
    f"db.c.find({{$expr: {{$and: [true, {{$eq: [1, {JS}]}}]}}}})",
    f"db.c.find({{}}, {{x: {JS}}})",
    f"db.c.find().projection({{x: {JS}}})",
    "db.c.find().sort({$where: 1})",
    f"db.c.find({{}}, {{}}, {{let: {{x: {JS}}}}})",
    "db.c.findOne({$where: '1'})",
    "db.c.countDocuments({$where: '1'})",
    "db.c.distinct('a', {$where: '1'})",
    "db.c.explain().find({$where: '1'})",
    "db.c.find({$where: '1'}).explain()",
    "db.c.find({$where: '1'}).count()",
    f"db.c.aggregate([{{$project: {{x: {JS}}}}}])",
    f"db.c.aggregate([{{$addFields: {{a: {{b: [{JS}]}}}}}}])",
    "db.c.aggregate([{$match: {$where: '1'}}])",
    f"db.c.aggregate([{{$group: {{_id: null, x: {ACCUMULATOR}}}}}])",
    f"db.c.aggregate([{{$bucket: {{groupBy: '$a', boundaries: [0, 1], output: {{x: {ACCUMULATOR}}}}}}}])",
    f"db.c.aggregate([{{$setWindowFields: {{output: {{x: {ACCUMULATOR}}}}}}}])",
    f"db.c.aggregate([{{$lookup: {{from: 'd', as: 'x', pipeline: [{{$set: {{x: {JS}}}}}]}}}}])",
    f"db.c.aggregate([{{$lookup: {{from: 'd', as: 'x', let: {{x: {JS}}}, pipeline: []}}}}])",
    f"db.c.aggregate([{{$unionWith: {{coll: 'd', pipeline: [{{$set: {{x: {JS}}}}}]}}}}])",
    f"db.c.aggregate([{{$facet: {{a: [{{$set: {{x: {JS}}}}}]}}}}])",
    "db.c.aggregate([{$graphLookup: {from: 'd', startWith: 1, connectFromField: 'a', connectToField: 'b', as: 'x', restrictSearchWithMatch: {$where: '1'}}}])",
    f"db.c.aggregate([{{$redact: {JS}}}])",
    f"db.c.aggregate([{{$match: {{}}}}], {{let: {{x: {JS}}}}})",
    "db.c.aggregate([{$group: {_id: 1, x: {$_internalJsReduce: {data: 1, eval: 'f'}}}}])",
    "db.c.updateMany({$where: '1'}, {$set: {a: 1}})",
    f"db.c.updateOne({{}}, [{{$set: {{a: {JS}}}}}])",
    "db.c.updateOne({}, {$set: {a: 1}}, {arrayFilters: [{$where: '1'}]})",
    "db.c.updateOne({}, {$pull: {a: {$where: '1'}}})",
    "db.c.deleteOne({$where: '1'})",
    "db.c.findOneAndDelete({$where: '1'})",
    f"db.c.findOneAndUpdate({{}}, {{$set: {{a: 1}}}}, {{projection: {{x: {JS}}}}})",
    "db.c.bulkWrite([{deleteMany: {filter: {$where: '1'}}}])",
    f"db.c.bulkWrite([{{updateOne: {{filter: {{}}, update: [{{$set: {{a: {JS}}}}}]}}}}])",
    "db.c.createIndex({a: 1}, {partialFilterExpression: {$where: '1'}})",
    "db.runCommand({find: 'c', filter: {$where: '1'}})",
    "db.runCommand({count: 'c', query: {$where: '1'}})",
    "db.runCommand({distinct: 'c', key: 'a', query: {$where: '1'}})",
    f"db.runCommand({{aggregate: 'c', pipeline: [{{$set: {{x: {JS}}}}}], cursor: {{}}}})",
    "db.runCommand({explain: {find: 'c', filter: {$where: '1'}}})",
    "db.runCommand({update: 'c', updates: [{q: {$where: '1'}, u: {$set: {a: 1}}}]})",
    "db.runCommand({delete: 'c', deletes: [{q: {$where: '1'}, limit: 0}]})",
    "db.runCommand({findAndModify: 'c', query: {$where: '1'}, remove: true})",
    "db.runCommand({mapReduce: 'c', map: 'f', reduce: 'f', out: {inline: 1}})",
    "db.runCommand({mapreduce: 'c', map: 'f', reduce: 'f', out: 'x'})",
    "db.runCommand({explain: {mapReduce: 'c', map: 'f', reduce: 'f', out: 'x'}})",
    "db.c.insertOne({a: {$code: 'f'}})",
    # out of the database
    "db.c.aggregate([{$lookup: {from: {db: 'admin', coll: 'x'}, as: 'x', pipeline: []}}])",
    "db.c.aggregate([{$graphLookup: {from: {db: 'admin', coll: 'x'}}}])",
    "db.c.aggregate([{$unionWith: {db: 'admin', coll: 'x'}}])",
    "db.c.aggregate([{$out: {db: 'other', coll: 'x'}}])",
    "db.c.aggregate([{$merge: {into: {db: 'other', coll: 'x'}}}])",
    "db.c.aggregate([{$facet: {a: [{$lookup: {from: {db: 'admin', coll: 'x'}, as: 'x'}}]}}])",
    "db.runCommand({find: 'c', $db: 'admin'})",
    "db.runCommand({aggregate: 1, pipeline: [{$currentOp: {}}], cursor: {}})",
    "db.getCollection('$cmd').find()",
    "db.getCollection('$cmd.sys.inprog').find()",
    "db.system.users.find()",
    "db.system.js.insertOne({_id: 'f', value: 'x'})",
    "db.c.aggregate([{$lookup: {from: 'system.users', as: 'x', pipeline: []}}])",
    # stages and commands that are nobody's business
    "db.c.aggregate([{$currentOp: {allUsers: true}}])",
    "db.c.aggregate([{$listSessions: {}}])",
    "db.c.aggregate([{$listSessions: {}}])",
    "db.c.aggregate([{$planCacheStats: {}}])",
    "db.c.aggregate([{$changeStream: {}}])",
    "db.c.aggregate([{$match: {}, $out: 'x'}])",
    "db.c.aggregate([{$out: 'x'}, {$match: {}}])",
    "db.c.aggregate([{$facet: {a: [{$out: 'x'}]}}])",
    "db.c.aggregate([{$lookup: {from: 'd', as: 'x', pipeline: [{$merge: 'x'}]}}])",
    "db.c.aggregate([{$unionWith: {coll: 'd', pipeline: [{$out: 'x'}]}}])",
    *[
        f"db.runCommand({{{command}}})"
        for command in (
            "currentOp: 1", "getLog: 'global'", "fsync: 1", "setParameter: 1", "profile: 2", "shutdown: 1", "applyOps: []",
            "drop: 'c'", "dropDatabase: 1", "createUser: 'x', pwd: 'y', roles: []", "eval: '1'", "$eval: '1'", "validate: 'c'",
            "killOp: 1, op: 1", "killAllSessions: []", "renameCollection: 'c', to: 'd'", "collMod: 'c'", "create: 'v', viewOn: 'c'",
            "convertToCapped: 'c', size: 1", "commitTransaction: 1", "abortTransaction: 1", "endSessions: []", "findandmodify: 'c'",
            "getMore: NumberLong(1), collection: 'c'", "FIND: 'c'", "usersInfo: 1", "connectionStatus: 1", "",
        )
    ],
    # limits lifted
    "db.c.find().maxTimeMS(-1)",
    "db.c.find().maxTimeMS('0')",
    "db.c.find({}, {}, {noCursorTimeout: true})",
    "db.c.find({}, {}, {tailable: true, awaitData: true})",
    "db.c.find({}, {}, {maxTimeMS: -1})",
    "db.c.aggregate([], {readConcern: {level: 'local'}})",
    "db.runCommand({find: 'c', noCursorTimeout: true})",
    "db.runCommand({find: 'c', lsid: {id: 1}})",
    "db.runCommand({insert: 'c', documents: [{}], writeConcern: {w: 0}})",
    "db.runCommand({insert: 'c', documents: [{}], bypassDocumentValidation: true})",
    "db.runCommand({find: 'c', autocommit: false, txnNumber: NumberLong(1), startTransaction: true})",
    "db.c.insertOne({}, {writeConcern: {w: 0}})",
    "db.c.dropIndex('*')",
    "db.runCommand({dropIndexes: 'c', index: '*'})",
    "db.runCommand({dropIndexes: 'c', index: ['a_1', 'b_1']})",
]  # fmt: skip

WRITES = [
    "db.c.insertOne({})", "db.c.insertMany([{}])", "db.c.updateOne({}, {$set: {a: 1}})", "db.c.updateMany({}, {$set: {a: 1}})",
    "db.c.replaceOne({}, {})", "db.c.deleteOne({})", "db.c.deleteMany({})", "db.c.bulkWrite([{deleteMany: {filter: {}}}])",
    "db.c.findOneAndUpdate({}, {$set: {a: 1}})", "db.c.findOneAndReplace({}, {})", "db.c.findOneAndDelete({})",
    "db.c.createIndex({a: 1})", "db.c.dropIndex('a_1')", "db.c.aggregate([{$out: 'x'}])", "db.c.aggregate([{$merge: 'x'}])",
    "db.c.aggregate([{$merge: {into: 'x'}}])", "db.c.aggregate([{'\\u0024out': 'x'}])", "db.c.aggregate([{$out: 'x'}]).explain()",
    "db.c.aggregate([{$out: 'x'}], {explain: true})", "db.runCommand({aggregate: 'c', pipeline: [{$out: 'x'}], cursor: {}})",
    "db.runCommand({explain: {aggregate: 'c', pipeline: [{$out: 'x'}], cursor: {}}})", "db.runCommand({insert: 'c', documents: [{}]})",
    "db.runCommand({update: 'c', updates: [{q: {}, u: {$set: {a: 1}}}]})", "db.runCommand({delete: 'c', deletes: [{q: {}, limit: 0}]})",
    "db.runCommand({findAndModify: 'c', remove: true})", "db.runCommand({createIndexes: 'c', indexes: [{key: {a: 1}, name: 'a'}]})",
    "db.runCommand({dropIndexes: 'c', index: 'a_1'})",
]  # fmt: skip

ALLOWED = [
    "db.c.find({name: '$where'})",
    "db.c.find({a: {$in: ['$function', 'mapReduce', '$out']}})",
    "db.c.find({mapReduce: 1, where: 2, db: 3})",
    "db.c.aggregate([{$match: {text: '$accumulator'}}])",
    "db.c.aggregate([{$lookup: {from: 'd', localField: 'a', foreignField: 'b', as: 'x'}}])",
    "db.c.aggregate([{$unionWith: 'd'}])",
]


def refusals(statement: str, access: Access) -> list[tuple[str, int | None]]:
    analysis = analyse(Language.MONGO, EngineKind.MONGODB, statement, (), access)
    return [(finding.code, finding.line) for finding in analysis.findings if finding.severity is Severity.ERROR]


@pytest.mark.parametrize("statement", ALWAYS)
def test_attack_is_refused_in_both_accesses(statement: str) -> None:
    for access in Access:
        found = refusals(statement, access)
        assert found
        assert all(line == 1 for _, line in found)


@pytest.mark.parametrize("statement", WRITES)
def test_write_is_refused_in_read_access_only(statement: str) -> None:
    assert refusals(statement, Access.READ) == [("write_in_read", 1)]
    assert refusals(statement, Access.WRITE) == []


@pytest.mark.parametrize("statement", ALLOWED)
def test_data_that_only_looks_like_an_attack_is_allowed(statement: str) -> None:
    assert refusals(statement, Access.READ) == []


def test_names_of_operators_may_be_stored() -> None:
    assert refusals("db.c.insertOne({doc: {$where: 'x', $function: 1}})", Access.WRITE) == []


@pytest.mark.parametrize("value", [Code("f"), {"a": [Code("f", {})]}, [{"b": {"c": Code("f")}}]])
def test_code_objects_of_a_script_are_refused(value: Any) -> None:
    for method, args in (("find", ({"a": value},)), ("insertOne", ({"a": value},))):
        assert not analyse_command(Command("c", method, args), Access.WRITE).valid


def test_value_too_deep_for_the_driver_is_refused() -> None:
    value: Mapping[str, Any] = {}
    for _ in range(1500):
        value = {"a": value}
    assert not analyse_command(Command("c", "find", (value,)), Access.READ).valid


@pytest.mark.mongo
@pytest.mark.parametrize("statement", [*ALWAYS, *WRITES])
def test_runner_refuses_and_nothing_changes(mongo: Bench, statement: str) -> None:
    with pytest.raises(Refused):
        mongo.run(statement)
    assert mongo.control.commits == []
    assert mongo.database.list_collection_names() == []


@pytest.mark.mongo
@pytest.mark.parametrize("statement", [statement for statement in WRITES if "explain" not in statement])
def test_read_credential_alone_refuses_writes(mongo: Bench, statement: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mongo.database.c.insert_one({"_id": 1})
    mongo.database.c.create_index("a", name="a_1")
    monkeypatch.setattr("executors.mongodb.session.require_allowed", lambda *_: None)
    with pytest.raises((StatementFailed, OutcomeUnknown), match="Unauthorized"):
        mongo.run(statement)
    assert list(mongo.database.c.find()) == [{"_id": 1}]
    assert mongo.database.list_collection_names() == ["c"]


def test_findings_for_the_reviewer() -> None:
    def codes(statement: str) -> list[str]:
        analysis = analyse(Language.MONGO, EngineKind.MONGODB, statement, (), Access.WRITE)
        return [finding.code for finding in analysis.findings]

    assert codes("db.c.deleteMany({})") == ["no_filter"]
    assert codes("db.c.deleteMany({a: 1})") == []
    assert codes("db.c.bulkWrite([{updateMany: {filter: {}, update: {$set: {a: 1}}}}])") == ["no_filter"]
    assert codes("db.runCommand({delete: 'c', deletes: [{q: {}, limit: 0}]})") == ["no_filter"]
    assert codes("db.c.find()") == ["no_limit"]
    assert codes("db.c.find().limit(5)") == []
    assert codes("db.c.aggregate([{$out: 'd'}])") == ["replaces_collection"]
    assert codes("db.c.updateOne({a: 1}, {b: 1})") == ["mongo_update"]
    assert codes("db.c.find({a:\u200b1})") == ["invisible_character"]


def test_collections_are_named_however_deep() -> None:
    statement = (
        "db.c.aggregate([{$lookup: {from: 'd', as: 'x', pipeline: [{$unionWith: 'e'}]}}, {$facet: {a: [{$graphLookup:"
        " {from: 'f'}}]}}, {$merge: {into: 'g'}}])"
    )
    analysis = analyse(Language.MONGO, EngineKind.MONGODB, statement, (), Access.WRITE)
    assert analysis.tables == ("c", "d", "e", "f", "g")
    assert analysis.access is Access.WRITE
    assert analysis.kinds == ("aggregate",)
