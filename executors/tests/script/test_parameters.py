"""`params` in a script: what it holds, that nothing is lost on the way to the database, and what the text tells."""

# ruff: noqa: E501 - scripts as people write them stand on one line
from __future__ import annotations

from typing import Any

import pytest

from executors.analysis import analyse
from executors.base import Access, EngineKind, Language, NamedParameter, ParameterType, Severity, StatementFailed
from executors.tests.script.conftest import RunMongo, RunSQL, values

UUID = "123e4567-e89b-12d3-a456-426614174000"


def given(name: str, kind: str, value: str | tuple[str, ...] | None, of: str = "") -> NamedParameter:
    return NamedParameter(name, ParameterType(kind), value, ParameterType(of) if of else None)


# parameter → what the script sees of it: its type, and it as text; on PostgreSQL and on MongoDB
SEEN: list[tuple[NamedParameter, str, str]] = [
    (given("text", "text", "a'b\n\u2028"), "string a'b\n\u2028", "string a'b\n\u2028"),
    (given("empty", "text", ""), "string ", "string "),
    (given("none", "date", None), "object null", "object null"),
    (given("n", "integer", "5"), "number 5", "number 5"),
    (given("big", "integer", "9007199254740993"), "bigint 9007199254740993", "object 9007199254740993"),
    (given("price", "decimal", "0.10"), "string 0.10", "object 0.10"),
    (given("yes", "boolean", "true"), "boolean true", "boolean true"),
    (given("no", "boolean", "false"), "boolean false", "boolean false"),
    (
        given("day", "date", "2026-01-31"),
        "string 2026-01-31",
        "object Sat Jan 31 2026 00:00:00 GMT+0000 (Coordinated Universal Time)",
    ),
    (given("key", "uuid", UUID), f"string {UUID}", f"object {UUID}"),
    (given("ids", "list", ("1", "2"), "integer"), "object 1,2", "object 1,2"),
    (given("nobody", "list", (), "text"), "object ", "object "),
    (given("facts", "json", '[1, {"a": null}]'), "object 1,[object Object]", "object 1,[object Object]"),
]
ALL = tuple(parameter for parameter, _, _ in SEEN)
SHOW = "return Object.entries(params).map(([name, v]) => `${name}: ${typeof v} ${v}`)"


@pytest.mark.sandbox
def test_script_on_postgresql_sees_every_type_and_binds_it_exactly(run_sql: RunSQL) -> None:
    shown = [row[0] for row in _lists(values(run_sql(SHOW, parameters=ALL)))]
    assert shown == [f"{one.name}: {sql}" for one, sql, _ in SEEN]
    back = """
        const {rows: [row]} = await db.query(
          "select $1::text a, $2::int8 b, $3::numeric c, $4::date d, $5::uuid e, $6::int[] f, $7::jsonb g, $8::timestamptz h, $9::date i",
          [params.text, params.big, params.price, params.day, params.key, params.ids, params.exact, params.at, params.none])
        return [row.a, String(row.b), row.c, row.d, row.e, row.f, String(row.g.n), row.h, row.i]
    """
    more = (
        given("exact", "json", '{"n": 0.12345678901234567890}'),
        given("at", "timestamp", "2026-01-31T10:00:00.123456Z"),
    )
    found = [row[0] for row in _lists(values(run_sql(back, parameters=(*ALL, *more))))]
    assert found[:7] == [
        "a'b\n\u2028",
        "9007199254740993",
        "0.10",
        "2026-01-31",
        UUID,
        "{1,2}",
        "0.12345678901234567890",
    ]
    assert "10:00:00.123456" in found[7]
    assert found[8] is None


@pytest.mark.sandbox
@pytest.mark.mongo
def test_script_on_mongodb_sees_every_type_and_binds_it_exactly(run_mongo: RunMongo) -> None:
    shown = [row[0] for row in _lists(values(run_mongo(SHOW, parameters=ALL)))]
    assert shown == [f"{one.name}: {mongo}" for one, _, mongo in SEEN]
    back = """
        await db.bound.insertOne({_id: 1, ...params})
        const types = {}
        for (const name of Object.keys(params)) types[name] = {$type: `$${name}`}
        const [found] = await db.bound.aggregate([{$project: {_id: 0, ...types}}]).toArray()
        return Object.values(found)
    """
    types = [row[0] for row in _lists(values(run_mongo(back, Access.WRITE, parameters=ALL)))]
    assert types == [
        "string", "string", "null", "int", "long", "decimal", "bool", "bool", "date", "binData", "array", "array", "array",
    ]  # fmt: skip


@pytest.mark.sandbox
def test_name_that_is_not_there_is_an_error_and_nothing_can_be_set(run_sql: RunSQL) -> None:
    with pytest.raises(StatementFailed, match="params has no nam; did you mean name"):
        run_sql("return params.nam", parameters=[given("name", "text", "x")])
    with pytest.raises(StatementFailed, match=r"read only|Cannot assign|not extensible"):
        run_sql("params.name = 'y'", parameters=[given("name", "text", "x")])


TOLD: dict[str, list[tuple[str, str]]] = {
    "return params.a": [],
    "return params['a']": [],
    "const {a} = params; return a": [],
    "const {a: b, c = 1} = params; return b": [("parameter_missing", "c")],
    "return params.b": [("parameter_missing", "b"), ("parameter_unused", "a")],
    "return params?.a": [],
    "return 1": [("parameter_unused", "a")],
    "return 'params.a'": [("parameter_unused", "a")],
    "return Object.keys(params)": [],
    "return params[name()]": [],
    "const params = {b: 1}; return params.b": [],
    "const f = (params) => params.b; return f({})": [],
    "return globalThis.params.a": [],
    "return {params}": [],
    "return await db.query('select :a')": [("parameter_missing", ""), ("parameter_unused", "a")],
}


@pytest.mark.parametrize("text", TOLD)
def test_what_the_text_tells(text: str) -> None:
    found = analyse(Language.SCRIPT, EngineKind.POSTGRESQL, text, [given("a", "text", "x")], Access.READ).findings
    told = [(one.code.value, one.parameter) for one in found if one.severity is Severity.ERROR]
    assert sorted(told) == TOLD[text]


def test_missing_has_its_place_and_bson_its_word() -> None:
    (found,) = [one for one in _errors(EngineKind.POSTGRESQL, "const a = 1\nreturn params.b") if one.parameter]
    assert (found.line, found.column) == (2, 8)
    wide = given("a", "integer", str(2**64))
    assert _errors(EngineKind.POSTGRESQL, "return params.a", wide) == []
    (found,) = _errors(EngineKind.MONGODB, "return params.a", wide)
    assert (found.code.value, found.parameter) == ("parameter_value", "a")
    (found,) = _errors(EngineKind.POSTGRESQL, "return 1", "x")
    assert found.message == "A script takes parameters by name."


def _errors(engine: EngineKind, text: str, *parameters: Any) -> list[Any]:
    found = analyse(Language.SCRIPT, engine, text, parameters, Access.READ).findings
    return [one for one in found if one.severity is Severity.ERROR]


def _lists(found: list[object]) -> list[list[Any]]:
    return [one if isinstance(one, list) else [one] for one in found]
