"""What a script waits for, takes back and returns, and the names it uses, told from its text."""

# ruff: noqa: E501 - scripts as people write them stand on one line
from __future__ import annotations

import re

import pytest

from executors.base import Access, EngineKind, FindingCode, Severity, Verified
from executors.mongodb import engine as mongodb_engine
from executors.mongodb.reading.calls import FIND_OPTIONS
from executors.mongodb.reading.methods import COLLECTION_METHODS, CURSOR_ASKING, CURSOR_SHAPING
from executors.tests.script.read import codes, mongo, read, sql

WRITTEN_OUT = Verified.STATEMENTS_WRITTEN_OUT

# --- waiting ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "(0, db.query)('delete from t')",
        "(db.query)('delete from t')",
        "void (db.query('delete from t'))",
        "async function f(d) { d.query('delete from t') } await f(db)",
    ],
)
def test_a_call_that_nothing_waits_for_is_told_however_it_is_written(text: str) -> None:
    assert "not_awaited" in codes(sql(text))


def test_await_in_texts_comments_and_names_is_left_alone() -> None:
    text = "const s = 'select 1 -- await (x)'; // await (\nfor await (const r of db.iterate(s)) { console.log(x.await (r), `await (`) }"
    assert FindingCode.SYNTAX_ERROR not in {finding.code for finding in sql(text).findings}
    built = sql("await (f)(1); await db.query(`await (${x}`)").findings[0]
    assert built.code is FindingCode.BUILT_STATEMENT


@pytest.mark.parametrize(
    "text",
    [
        "return db.cars.find({}).toArray().length",
        "const n = db.cars.findOne({}).name; return n",
        "return db.getCollectionNames().filter(n => n)",
        "return db.cars.find({}).toArray()[0]",
    ],
)
def test_what_is_asked_of_a_promise_is_told(text: str) -> None:
    assert "not_awaited" in codes(mongo(text, Access.READ))


@pytest.mark.parametrize(
    "text",
    [
        "return (await db.cars.find({}).toArray()).length",
        "return db.cars.find({}).map(c => c.name)",
        "return (await db.cars.find({}).map(c => c.name)).length",
        "const names = await db.cars.find({}).map(c => c.name).sort({a: 1}); return names.filter(n => n)[0]",
        "const c = db.cars.find({}).map(d => d.name); const all = await c; return all.join()",
        "return (await db.listCollections().map(c => c.name)).sort()",
        "return await db.listCollections().toArray()",
        "return db.getCollectionNames().then(n => n.length)",
        "for await (const c of db.listCollections()) console.log(c)",
        "const c = db.listCollections(); while (await c.hasNext()) console.log(await c.next())",
    ],
)
def test_what_only_reads_is_a_read_whatever_was_asked(text: str) -> None:
    analysis = mongo(text)
    assert (analysis.access, set(codes(analysis)) - {"no_limit", "read_in_write"}) == (Access.READ, set())


@pytest.mark.parametrize(
    "text",
    [
        "await db.cars.find({}).map(c => db.cars.deleteOne({_id: c._id}))",
        "await db.cars.find({}).map(db.cars.deleteOne)",
        "await db.listCollections().map(c => db[c.name].deleteMany({}))",
        "await db.listCollections().forEach(async c => { await db.getCollection(c.name).deleteMany({}) })",
        "const {listCollections, ...rest} = db; await rest.cars.deleteMany({})",
        "const list = db.listCollections; await list().map(work(db))",
    ],
)
def test_a_write_beside_a_listing_is_no_read(text: str) -> None:
    assert mongo(text).access is Access.WRITE


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("await db.attempt(async () => { await db.query('delete from t') })", ["no_where"]),
        ("const {attempt, query} = db; await attempt(() => query('delete from t'))", ["no_where"]),
        ("const work = async () => { await db.query('delete from t') }; await db.attempt(work)", ["no_where"]),
        (
            "await db.attempt(async () => { await db.attempt(async () => { await db.query('delete from t') }) })",
            ["no_where"],
        ),
        ("db.attempt(async () => { await db.query('delete from t') })", ["no_where", "not_awaited"]),
        ("await db.attempt(async () => { db.query('delete from t') })", ["no_where", "not_awaited"]),
    ],
)
def test_what_stands_in_an_attempt_is_read(text: str, found: list[str]) -> None:
    analysis = sql(text)
    assert (analysis.access, analysis.tables, sorted(codes(analysis))) == (Access.WRITE, ("t",), found)


@pytest.mark.parametrize(
    "text", ["await db.attempt(db.query)", "await db.attempt(() => db)", "await db.attempt(work(db))"]
)
def test_what_an_attempt_hides_is_told(text: str) -> None:
    analysis = sql(text)
    assert (analysis.access, codes(analysis)) == (Access.WRITE, ["unfollowed_use"])


@pytest.mark.parametrize("statement", ["savepoint a", "rollback", "begin", "commit"])
def test_a_savepoint_has_its_own_word(statement: str) -> None:
    (found,) = sql(f"await db.query('{statement}')").findings
    assert (found.severity, "db.attempt" in found.hint) == (Severity.ERROR, True)


RETURNED = [
    ("return db.cars.find({a: 1})", True),
    ("return await db.cars.find({a: 1}).sort({a: 1})", True),
    ("const c = db.cars.aggregate([]); return c", True),
    ("return [1, 2].map(async n => await db.cars.findOne({_id: n}))", True),
    ("await db.cars.findOne({a: 1})", True),
    ("return await db.cars.find({a: 1}).toArray()", False),
    ("return db.cars.find({a: 1}).map(async c => c.name)", False),
    ("return await Promise.all([1, 2].map(async n => await db.cars.findOne({_id: n})))", False),
    ("function all() { return db.cars.find({a: 1}) } for await (const c of all()) console.log(c)", False),
    ("console.log(await db.cars.findOne({a: 1}))", False),
    ("if (!await db.cars.findOne({a: 1})) throw new Error('none')", False),
    ("if (!await db.cars.findOne({a: 1})) return; console.log(1)", False),
]


@pytest.mark.parametrize(("text", "told"), RETURNED)
def test_a_result_that_is_none_is_told(text: str, told: bool) -> None:
    found = set(codes(mongo(text, Access.READ))) & {"returns_nothing", "not_awaited"}
    assert bool(found) is told


def test_rows_that_are_returned_unasked_are_told() -> None:
    assert "returns_nothing" in codes(sql("return db.iterate('select 1')", Access.READ))
    assert codes(sql("await db.query('delete from t where a = 1')")) == []


# --- names that do not exist (page-05) -------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "engine", "column", "hint"),
    [
        ("await db.qurey('select 1')", EngineKind.POSTGRESQL, 10, "Did you mean query?"),
        ("await db.transaction(f)", EngineKind.POSTGRESQL, 10, "one transaction"),
        ("const {qurey} = db", EngineKind.POSTGRESQL, 8, "Did you mean query?"),
        ("await db.query.all('x')", EngineKind.POSTGRESQL, 16, "Iterate"),
        ("await db.colection('a').find({})", EngineKind.MONGODB, 10, "Did you mean collection?"),
        ("await db.cars.findd({})", EngineKind.MONGODB, 15, "Did you mean find?"),
        ("await db.cars.update({}, {})", EngineKind.MONGODB, 15, "Use updateOne or updateMany."),
        ("await db.cars.createIndex({a: 1})", EngineKind.MONGODB, 15, "Submit it in the mongo language."),
        ("await db.runCommand({ping: 1})", EngineKind.MONGODB, 10, "Submit it in the mongo language."),
        ("await db.attempt(async () => {})", EngineKind.MONGODB, 10, "look before it"),
        ("await db.query('select 1')", EngineKind.MONGODB, 10, "db.query is for PostgreSQL"),
        ("await db.getCollectionInfos()", EngineKind.MONGODB, 10, "Use db.listCollections().toArray()."),
        ("await db.listCollections().sort({a: 1})", EngineKind.MONGODB, 28, "There is map"),
        ("await db.listCollections.find({})", EngineKind.MONGODB, 26, "Call it: db.listCollections()."),
        ("await db.cars.find({}).projct({a: 1})", EngineKind.MONGODB, 24, "Did you mean project?"),
        ("const c = db.cars.find({}); await c.toArrray()", EngineKind.MONGODB, 37, "Did you mean toArray?"),
    ],
)
def test_a_name_that_does_not_exist_is_found_when_it_is_written(
    text: str, engine: EngineKind, column: int, hint: str
) -> None:
    analysis = read(text, engine)
    (found,) = [finding for finding in analysis.findings if finding.code is FindingCode.UNKNOWN_METHOD]
    assert (found.line, found.column, found.severity) == (1, column, Severity.ERROR)
    assert hint in found.hint


def test_the_text_and_the_run_know_the_same_names() -> None:
    prelude = mongodb_engine.MongoDBEngine().prelude
    cursor = prelude.partition("class Cursor {")[2].partition("\n}\n")[0]
    written = set(re.findall(r"^  (?:async )?(\w+)\(", cursor, re.MULTILINE)) - {"constructor"}
    assert written == {*CURSOR_SHAPING, *CURSOR_ASKING}
    methods = prelude.partition("const METHODS = {")[2].partition("};")[0]
    assert {*re.findall(r"(\w+):", methods), "find", "aggregate"} == set(COLLECTION_METHODS)
    options = re.search(r'FIND_OPTIONS = new Set\(\s*"([^"]+)"', prelude)
    assert options
    assert set(options[1].split()) == FIND_OPTIONS
