"""`params.name` in a query: the value the driver binds, what is refused, and the whole way on a real server."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest
from bson import Binary, Decimal128, Int64, ObjectId
from bson.datetime_ms import DatetimeMS

from executors import processes
from executors.base import (
    Access,
    EngineKind,
    Finding,
    FindingCode,
    Language,
    NamedParameter,
    ParameterType,
    Refused,
    Severity,
)
from executors.mongodb.reading.analysis import analyse
from executors.mongodb.reading.given import bson_of
from executors.mongodb.reading.parse import parse
from executors.tests.asked import asked
from executors.tests.mongodb.conftest import Bench, Document

UUID = "123e4567-e89b-12d3-a456-426614174000"


def given(kind: str, value: str | tuple[str, ...] | None, of: str = "", name: str = "v") -> NamedParameter:
    return NamedParameter(name, ParameterType(kind), value, ParameterType(of) if of else None)


VALUES: list[tuple[NamedParameter, Any]] = [
    (given("text", "$a\0"), "$a\0"),
    (given("text", None), None),
    (given("integer", "2147483647"), 2**31 - 1),
    (given("integer", "-9223372036854775808"), Int64(-(2**63))),
    (given("decimal", "12345678901234567890.1230"), Decimal128("12345678901234567890.1230")),
    (given("boolean", "false"), False),
    (given("date", "2026-01-31"), DatetimeMS(1_769_817_600_000)),
    (given("timestamp", "2026-01-31T00:00:00.123000"), DatetimeMS(1_769_817_600_123)),
    (given("timestamp", "2026-01-31T02:00:00+02:00"), DatetimeMS(1_769_817_600_000)),
    (given("uuid", UUID), Binary(uuid.UUID(UUID).bytes, 4)),
    (given("json", '{"a": [1, 1.5, 5000000000, null, {"$oid": "64b7f7e2a1b2c3d4e5f60718"}]}'),
     {"a": [1, 1.5, Int64(5_000_000_000), None, ObjectId("64b7f7e2a1b2c3d4e5f60718")]}),
    (given("json", '{"$numberDecimal": "0.10"}'), Decimal128("0.10")),
    (given("list", ("1", str(2**40)), "integer"), [1, Int64(2**40)]),
    (given("list", (), "date"), []),
    (given("list", None, "date"), None),
]  # fmt: skip


@pytest.mark.parametrize(("parameter", "value"), VALUES, ids=str)
def test_value_has_its_exact_type(parameter: NamedParameter, value: object) -> None:
    found = parse("db.c.find({a: params.v})", parameters=[parameter]).args[0]["a"]
    assert found == value
    assert type(found) is type(value)


REFUSED = [
    (given("integer", str(2**63)), "MongoDB has no whole number of more than 64 bits; choose decimal."),
    (given("decimal", "1" * 35), "MongoDB keeps at most 34 digits of a decimal."),
    (given("timestamp", "2026-01-31T00:00:00.123456Z"), "MongoDB keeps milliseconds"),
    (given("json", "0.12345678901234567890"), "does not fit a double"),
    (given("json", "1e999"), "does not fit a double"),
    (given("json", '{"a": 1, "a": 2}'), "A key stands twice"),
    (given("json", '{"$oid": "x"}'), "ObjectId takes 24 hexadecimal digits"),
    (given("json", '{"$code": "x"}'), "Code is server-side JavaScript"),
    (given("list", ("1", str(2**70)), "integer"), "MongoDB has no whole number"),
]


@pytest.mark.parametrize(("parameter", "message"), REFUSED, ids=str)
def test_what_bson_cannot_keep_is_refused_by_name(parameter: NamedParameter, message: str) -> None:
    with pytest.raises(ValueError, match=message[:20]):
        bson_of(parameter)
    (found,) = errors("db.c.find({a: params.v})", parameter)
    assert (found.code, found.parameter, found.column) == (FindingCode.PARAMETER_VALUE, "v", 15)
    assert message in found.message


def errors(text: str, *parameters: NamedParameter, access: Access = Access.READ) -> list[Finding]:
    found = analyse(EngineKind.MONGODB, text, parameters, access).findings
    return [finding for finding in found if finding.severity is Severity.ERROR]


NAMED = {
    "db.c.find({a: params.a, b: params['a'], c: (params.a)})": [],
    "db.c.find({[params.a]: 1})": [],
    "db.c.find().limit(params.n)": [("n", FindingCode.PARAMETER_MISSING), ("a", FindingCode.PARAMETER_UNUSED)],
    "db.c.find({a: params.a, b: params.b + params.c})": [
        ("b", FindingCode.PARAMETER_MISSING),
        ("c", FindingCode.PARAMETER_MISSING),
    ],
    "db.c.find({a: 'params.a'})": [("a", FindingCode.PARAMETER_UNUSED)],
    "db.c.find({a: params.a}).sort({": [("", FindingCode.MONGO_SYNTAX)],
    "db.c.find({a: params.a.b})": [("", FindingCode.MONGO_NOT_LITERAL)],
    "db.c.find({a: params})": [("", FindingCode.MONGO_NOT_LITERAL)],
    "db.c.find({a: params?.a})": [("", FindingCode.MONGO_NOT_LITERAL)],
    "db[params.a].find()": [("", FindingCode.MONGO_SYNTAX)],
    "db.getCollection(params.a).find()": [("", FindingCode.MONGO_SYNTAX)],
}


@pytest.mark.parametrize("text", NAMED)
def test_missing_and_unused_are_told_by_name(text: str) -> None:
    found = errors(text, given("text", "x", name="a"))
    assert [(one.parameter, one.code) for one in found] == NAMED[text]


def test_value_is_judged_as_if_it_stood_in_the_query() -> None:
    (found,) = errors("db.c.find(params.v)", given("json", '{"$where": "sleep(1)"}'))
    assert found.code is FindingCode.MONGO_JAVASCRIPT
    codes = [
        one.code
        for one in analyse(
            EngineKind.MONGODB, "db.c.deleteMany(params.v)", [given("json", "{}")], Access.WRITE
        ).findings
    ]
    assert FindingCode.NO_FILTER in codes


def test_without_names_there_are_none() -> None:
    found = analyse(EngineKind.MONGODB, "db.c.find()", ["x"], Access.READ).findings
    assert FindingCode.MONGO_PARAMETERS in [one.code for one in found]


@pytest.mark.mongo
def test_bound_in_a_write_a_check_a_plan_and_a_read(mongo: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PLAN_SECONDS", 60.0)
    docs = given("json", '[{"_id": 1, "n": 5}, {"_id": 2, "n": {"$numberLong": "5"}}]', name="docs")
    run(mongo, "db.orders.insertMany(params.docs)", docs, access=Access.WRITE)
    text = "db.orders.find({n: {$gte: params.low, $lte: params.high}}).sort({_id: -1}).limit(params.n)"
    low, high = given("integer", "5", name="low"), given("decimal", "5.0", name="high")
    parameters = (low, high, given("integer", "1", name="n"))
    assert run(mongo, text, *parameters) == [{"_id": 2, "n": 5}]
    read = processes.read(Language.MONGO, EngineKind.MONGODB, text, parameters, Access.READ)
    checked = asked(mongo.read, Language.MONGO, text, Access.READ, read, parameters)
    assert [one for one in checked.findings if one.severity is Severity.ERROR] == []
    assert processes.plan(mongo.read, Language.MONGO, text, parameters).rows == 1
    with pytest.raises(Refused, match="The parameter high has no value"):
        run(mongo, text, low)
    with pytest.raises(Refused, match=r"does not use params\.v"):
        run(mongo, "db.orders.find()", given("text", "x"))


def run(mongo: Bench, text: str, *parameters: NamedParameter, access: Access = Access.READ) -> list[Document]:
    mongo.run_job(replace(mongo.job(text, access), parameters=parameters))
    return mongo.sink.documents
