"""What a call on MongoDB is given, as far as it stands in the script."""

from __future__ import annotations

import pytest

from executors.analysis import analyse
from executors.base import Access, Analysis, EngineKind, FindingCode, Language, Severity


def sql(text: str, access: Access = Access.WRITE) -> Analysis:
    return analyse(Language.SCRIPT, EngineKind.POSTGRESQL, text, (), access)


def mongo(text: str, access: Access = Access.WRITE) -> Analysis:
    return analyse(Language.SCRIPT, EngineKind.MONGODB, text, (), access)


def codes(analysis: Analysis) -> list[str]:
    return [finding.code.value for finding in analysis.findings]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("await db.cars.updateMany({}, {$set: {x: y}})", ["no_filter"]),
        ("await db.cars.updateMany(f, {$set: {x: 1}})", ["built_statement"]),
        ("await db.cars.updateMany({...f}, {$set: {x: 1}})", ["built_statement"]),
        ("await db.cars.updateMany({[k]: 1}, {$set: {x: 1}})", ["built_statement"]),
        ("await db.cars.updateMany({$or: parts}, {$set: {x: 1}})", ["built_statement"]),
        ("await db.cars.updateMany({_id}, {$set: {x: 1}})", []),
        ("await db.cars.updateMany({a: {$in: list}}, {$set: {x: n + 1}})", []),
        ("await db.cars.updateMany({a: 1}, {$set: changes})", ["built_statement"]),
        ("await db.cars.updateOne({a: x}, update)", ["built_statement"]),
        ("await db.cars.insertMany(documents)", []),
        ("await db.cars.bulkWrite([...operations])", ["built_statement"]),
        ("await db.cars.bulkWrite([{deleteMany: {filter: f}}])", ["built_statement"]),
        ("const f = {}; f.a = 1; await db.cars.deleteMany(f)", ["built_statement"]),
        ("await db.collection(name).deleteMany({a: 1})", ["built_statement"]),
        ("await db.cars.deleteMany(...args)", ["built_statement"]),
        ("await db.cars.updateMany({a: 1}, {b: 2})", ["mongo_update"]),
        ("await db.cars.deleteMany()", ["mongo_arguments"]),
        ("await db.cars.find({$where: 'x'}).toArray()", ["mongo_javascript"]),
        ("await db.cars.find({a: 1}).limit(n).skip(-1).toArray()", ["mongo_arguments"]),
        ("await db.cars.deleteMany({_id: new ObjectId(), at: ISODate()})", []),
    ],
)
def test_what_a_call_is_given_is_read_as_far_as_it_is_written(text: str, found: list[str]) -> None:
    assert [code for code in codes(mongo(text)) if code != "read_in_write"] == found


@pytest.mark.parametrize(
    "text",
    [
        "await db.cars.aggregate(pipeline).toArray()",
        "await db.cars.aggregate([...stages]).toArray()",
        "await db.cars.aggregate([{$match: {}}, last]).toArray()",
        "await db.cars.aggregate([{...stage}]).toArray()",
        "await db.cars.aggregate([{[name]: 'b'}]).toArray()",
    ],
)
def test_a_pipeline_that_is_not_known_may_write(text: str) -> None:
    analysis = mongo(text)
    assert (codes(analysis), analysis.access) == (["built_statement"], Access.WRITE)


def test_the_collections_of_a_pipeline_are_listed() -> None:
    text = "await db.cars.aggregate([{$lookup: {from: 'makers', pipeline: [{$match: {a: x}}], as: 'm'}}]).toArray()"
    assert mongo(text).tables == ("cars", "makers")
    assert mongo(text).access is Access.READ


@pytest.mark.parametrize(
    ("second", "severity"),
    [
        ("{projection: {a: 1}}", Severity.INFO),
        ("{sort: {a: 1}, limit: 5}", Severity.INFO),
        ("{limit: 10}", Severity.INFO),
        ("{limit: n}", Severity.INFO),
        ("{limit: 1}", Severity.ERROR),
        ("{skip: 0, comment: 1}", Severity.ERROR),
    ],
)
def test_options_of_a_driver_are_told(second: str, severity: Severity) -> None:
    (found,) = mongo(f"return await db.cars.find({{}}, {second}).toArray()", Access.READ).findings
    assert (found.code, found.severity) == (FindingCode.DRIVER_OPTIONS, severity)


def test_options_of_find_one_are_told() -> None:
    assert codes(mongo("return await db.cars.findOne({}, {projection: {a: 1}, sort: {a: 1}})", Access.READ)) == [
        "driver_options"
    ]


@pytest.mark.parametrize("second", ["{a: 1}", "{comment: 1}", "{sort: 1, hint: 1}", "{limit: 1, a: 1}", "{}", "x"])
def test_a_projection_is_a_projection(second: str) -> None:
    assert codes(mongo(f"return await db.cars.find({{}}, {second}).toArray()", Access.READ)) == []
