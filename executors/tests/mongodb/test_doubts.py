"""What a command's text tells that its author may not have meant; what the server refuses is asked of it."""

from __future__ import annotations

import pytest

from executors.analysis import analyse
from executors.base import Access, EngineKind, Finding, FindingCode, Language, Severity, StatementFailed
from executors.tests.mongodb.conftest import Bench

C = FindingCode
INFO, WARNING = Severity.INFO, Severity.WARNING


def found(text: str, language: Language = Language.MONGO) -> list[Finding]:
    analysis = analyse(language, EngineKind.MONGODB, text, (), Access.WRITE)
    assert analysis.valid, analysis.findings
    return [finding for finding in analysis.findings if finding.code is not C.READ_IN_WRITE]


DOUBTS = [
    ("db.c.find({a: 1}).limit(0)", C.NO_LIMIT, INFO, 1, 25),
    ("db.c.find({a: 1}, {}, {limit: 0})", C.NO_LIMIT, INFO, 1, 24),
    ("db.c.find({a: 1}).sort({_id: 1}).skip(50000)", C.DEEP_SKIP, INFO, 1, 39),
    ("db.c.aggregate([{$sort: {_id: 1}},\n {$skip: 10000}])", C.DEEP_SKIP, INFO, 2, 3),
    ("db.runCommand({find: 'c', sort: {_id: 1}, skip: 20000})", C.DEEP_SKIP, INFO, 1, 43),
    ("db.c.find({a: 1}).skip(5)", C.PAGE_WITHOUT_ORDER, INFO, 1, 24),
    ("db.c.aggregate([{$match: {a: 1}}, {$skip: 5}])", C.PAGE_WITHOUT_ORDER, INFO, 1, 36),
    ("db.c.aggregate([{$match: {a: 1}}, {$limit: 5}, {$sort: {a: 1}}])", C.LIMIT_BEFORE_SORT, WARNING, 1, 35),
    ("db.c.find({a: 1}, {a: 1, b: 0})", C.MIXED_PROJECTION, WARNING, 1, 26),
    ("db.c.aggregate([{$project: {a: true, b: false}}])", C.MIXED_PROJECTION, WARNING, 1, 38),
    ("db.c.deleteMany({a: {$in: []}})", C.NEVER_TRUE, WARNING, 1, 17),
    ("db.c.updateOne({$and: [{a: 1}, {a: {$ne: 1}}]}, {$set: {b: 1}})", C.NEVER_TRUE, WARNING, 1, 16),
    ("db.c.updateMany({_id: 5}, {$set: {a: 1}})", C.MANY_BY_ID, INFO, 1, 18),
    ("db.c.bulkWrite([{deleteMany: {filter: {_id: 3, a: 1}}}])", C.MANY_BY_ID, INFO, 1, 40),
    ("db.c.updateMany({a: null}, {$set: {b: 1}})", C.MATCHES_MISSING, INFO, 1, 18),
    ("db.c.deleteMany({b: 1, a: {$ne: 3}})", C.MATCHES_MISSING, INFO, 1, 24),
    ("db.c.deleteMany({$or: [{a: {$nin: [1, 2]}}, {b: 1}]})", C.MATCHES_MISSING, INFO, 1, 25),
    ("db.c.updateOne({_id: 1}, {$set: {'a.$.q': 1}})", C.POSITION_UNKNOWN, WARNING, 1, 34),
    ("db.c.bulkWrite([{updateOne: {filter: {b: 1}, update: {$inc: {'a.$': 1}}}}])", C.POSITION_UNKNOWN, WARNING, 1, 62),
    ("db.c.updateOne({_id: 1}, {$set: {'a.$[x].q': 1}})", C.POSITION_UNKNOWN, WARNING, 1, 34),
    ("db.c.updateOne({_id: 1}, {$set: {b: 1, 'b.c': 2}})", C.CONFLICTING_CHANGES, WARNING, 1, 40),
    ("db.c.updateOne({_id: 1}, {$set: {b: 1}, $inc: {b: 2}})", C.CONFLICTING_CHANGES, WARNING, 1, 48),
    ("db.c.updateOne({_id: 1}, {$set: {_id: 2}})", C.CHANGES_ID, WARNING, 1, 34),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "severity", "line", "column"), DOUBTS, ids=[item[0] for item in DOUBTS])
def test_doubt_is_told_at_its_place(text: str, code: FindingCode, severity: Severity, line: int, column: int) -> None:
    (finding,) = found(text)
    assert (finding.code, finding.severity) == (code, severity)
    assert (finding.line, finding.column) == (line, column)
    assert finding.hint


MEANT = [
    "db.c.find({a: 1}).limit(5)",
    "db.runCommand({count: 'c', query: {a: 1}, limit: 0})",
    "db.c.find({a: 1}).sort({_id: 1}).skip(100)",
    "db.c.find({a: 1}).skip(0)",
    "db.c.aggregate([{$sort: {a: 1}}, {$skip: 5}, {$limit: 5}])",
    "db.c.aggregate([{$sort: {b: 1}}, {$limit: 5}, {$sort: {a: 1}}])",
    "db.c.aggregate([{$limit: 5}, {$group: {_id: '$a'}}, {$sort: {_id: 1}}])",
    "db.c.find({a: 1}, {_id: 0, a: 1})",
    "db.c.find({a: 1}, {a: 0, b: 0})",
    "db.c.find({a: 1}, {a: 1, b: {$slice: 2}})",
    "db.c.deleteMany({a: {$in: [1]}})",
    "db.c.updateMany({_id: {$in: [1, 2]}}, {$set: {a: 1}})",
    "db.c.updateMany({_id: /^a/}, {$set: {a: 1}})",
    "db.c.updateOne({_id: 5}, {$set: {a: 1}})",
    "db.c.deleteMany({a: {$ne: null}})",
    "db.c.deleteMany({a: {$nin: [1, null]}})",
    "db.c.deleteMany({a: {$gt: 1, $ne: 5}})",
    "db.c.deleteMany({$and: [{a: {$ne: 3}}, {a: {$exists: true}}]})",
    "db.c.updateOne({'a.q': 2}, {$set: {'a.$.q': 1}})",
    "db.c.updateOne({a: {$elemMatch: {q: 2}}}, {$set: {'a.$.q': 1}})",
    "db.c.updateOne({_id: 1}, {$set: {'a.$[].q': 1, '$price.$x': 1}})",
    "db.c.updateOne({_id: 1}, {$set: {'a.$[x].q': 1}}, {arrayFilters: [{'x.q': 2}]})",
    "db.c.updateOne({_id: 1}, {$set: {ab: 1, a: 2}})",
    "db.c.updateOne({_id: 1}, {$set: {_id: 1, a: 2}})",
    "db.c.updateOne({a: 1}, {$setOnInsert: {_id: 1}, $set: {b: 2}}, {upsert: true})",
    "db.c.replaceOne({_id: 1}, {a: 1})",
    "db.c.updateOne({_id: 1}, [{$set: {a: 1}}])",
]


@pytest.mark.parametrize("text", MEANT)
def test_what_says_what_it_means_raises_none(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "db.c.deleteMany({a: {$nin: 'x'}})",
        "db.c.updateOne({_id: 1}, {$set: {'a.$[x]': 1}}, {arrayFilters: 5})",
        "db.c.aggregate([{$project: 5}, {$skip: 'x'}, {$limit: {}}, {$sort: 1}])",
        "db.c.find({a: {$elemMatch: 5}}, {a: {b: 1}}, {skip: 1, sort: {a: 'x'}})",
    ],
)
def test_what_the_server_refuses_anyway_is_read_to_its_end(text: str) -> None:
    """Values of a wrong kind are no reason not to read on."""
    assert all(finding.code is not C.UNREADABLE for finding in found(text))


@pytest.mark.parametrize(
    "text",
    [
        "await db.c.deleteMany({_id: id})",
        "await db.c.updateOne(filter, {$set: {'a.$.q': 1}})",
        "await db.c.updateOne({...more}, {$set: {'a.$.q': 1}})",
        "await db.c.updateOne({_id: 1}, {$set: {'a.$[x].q': 1}}, {arrayFilters: filters})",
        "await db.c.deleteMany({a: {$in: ids}})",
        "await db.c.deleteMany({a: value})",
    ],
)
def test_what_only_the_run_knows_is_not_judged(text: str) -> None:
    """`_id: id` may be one document or `{$in: […]}`."""
    told = {finding.code for finding in found(text, Language.SCRIPT)}
    assert told <= {C.BUILT_STATEMENT}


@pytest.mark.mongo
@pytest.mark.parametrize(
    "text",
    [
        text
        for text, code, *_ in DOUBTS
        if code in {C.POSITION_UNKNOWN, C.CONFLICTING_CHANGES, C.CHANGES_ID, C.MIXED_PROJECTION}
    ],
)
def test_what_is_said_to_be_refused_is_refused(mongo: Bench, text: str) -> None:
    mongo.database.c.insert_one({"_id": 1, "a": [{"q": 1}], "b": 1})
    with pytest.raises(StatementFailed):
        mongo.run(text, Access.WRITE)


@pytest.mark.mongo
def test_what_has_no_such_field_is_found_as_said(mongo: Bench) -> None:
    mongo.database.c.insert_many([{"_id": 1, "a": 3}, {"_id": 2}, {"_id": 3, "a": 1}])
    for text, ids in (
        ("db.c.find({a: null})", [2]),
        ("db.c.find({a: {$ne: 3}})", [2, 3]),
        ("db.c.find({a: {$nin: [3]}})", [2, 3]),
        ("db.c.find({a: {$gt: 1, $ne: 5}})", [1]),
        ("db.c.find({a: {$ne: null}})", [1, 3]),
    ):
        mongo.run(text)
        assert [document["_id"] for document in mongo.sink.documents] == ids
