"""Calls that nothing waits for, and text that reads as something else than it does."""

from __future__ import annotations

import pytest

from executors.analysis import analyse
from executors.base import Access, Analysis, EngineKind, FindingCode, Language, Severity, Verified

WRITTEN_OUT = Verified.STATEMENTS_WRITTEN_OUT


def sql(text: str, access: Access = Access.WRITE) -> Analysis:
    return analyse(Language.SCRIPT, EngineKind.POSTGRESQL, text, (), access)


def mongo(text: str, access: Access = Access.WRITE) -> Analysis:
    return analyse(Language.SCRIPT, EngineKind.MONGODB, text, (), access)


def codes(analysis: Analysis) -> list[str]:
    return [finding.code.value for finding in analysis.findings]


# --- waiting ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "db.query('select 1')",
        "void db.query('select 1')",
        "db.query('select 1').catch(() => {})",
        "db.query('select 1').then((r) => r).finally(() => {})",
        "[1].forEach(async (i) => { await db.query('select 1') })",
        "[1].forEach((i) => db.query('select 1'))",
        "[1].map(async (i) => { await db.query('select 1') })",
        "const one = async (i) => { await db.query('select 1') }; [1].forEach(one)",
        "(async () => { await db.query('select 1') })()",
        "async function work() { await db.query('select 1') } work()",
    ],
)
def test_a_call_that_nothing_waits_for_is_told(text: str) -> None:
    assert "not_awaited" in codes(sql(text))


@pytest.mark.parametrize(
    "text",
    [
        "await db.query('select 1')",
        "return db.query('select 1')",
        "await Promise.all([1].map((i) => db.query('select 1')))",
        "const p = db.query('select 1'); await p",
        "await db.query('select 1').catch(() => {})",
        "for await (const row of db.iterate('select 1')) console.log(row)",
        "async function work() { await db.query('select 1') } await work()",
        "[1].forEach((i) => console.log(i)); await db.query('select 1')",
    ],
)
def test_a_call_that_is_waited_for_is_not(text: str) -> None:
    assert "not_awaited" not in codes(sql(text))


def test_the_shells_for_each_waits() -> None:
    assert codes(mongo("await db.a.find({b: 1}).forEach(async (d) => { await db.c.insertOne(d) })")) == []
    assert codes(mongo("db.a.find({b: 1}).forEach((d) => { console.log(d) })", Access.READ)) == ["not_awaited"]


# --- traps (name-04, out-07) -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        pytest.param("return\n{ ok: 1 }", 1, 1, id="name-04"),
        ("const a = 1;\nreturn // the value:\n  a", 2, 1),
        ("return\n(await db.query('select 1')).rows", 1, 1),
        ("if (x) {\n  return\n  1\n}", 2, 3),
        ("if (x) return\n  [1]", 1, 8),
        ("const f = () => { return\n 1 }", 1, 19),
    ],
)
def test_a_return_that_stands_alone_is_told(text: str, line: int, column: int) -> None:
    found = next(f for f in sql(text).findings if f.code is FindingCode.RETURNS_NOTHING)
    assert (found.line, found.column) == (line, column)


@pytest.mark.parametrize(
    "text",
    [
        "return",
        "return;\nf()",
        "if (x) return\nawait f()",
        "return {\n ok: 1 }",
        "return (\n 1)",
        "f()\nreturn\nfunction f() {}",
    ],
)
def test_a_plain_return_is_not(text: str) -> None:
    assert "returns_nothing" not in codes(sql(text))


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("const a = 1 <!-- b", 1, 13),
        ("const a = 1 <!-- `\nawait db.query('delete from t')\n`", 1, 13),
        ("const a = 1\n  --> b", 2, 3),
        ("/*\n*/ --> b", 2, 4),
        ("--> b", 1, 1),
    ],
)
def test_a_comment_of_old_pages_is_refused(text: str, line: int, column: int) -> None:
    found = next(f for f in sql(text).findings if f.code is FindingCode.HTML_COMMENT)
    assert (found.line, found.column, found.severity) == (line, column, Severity.ERROR)
    assert WRITTEN_OUT not in sql(text).verified


@pytest.mark.parametrize(
    "text", ["while (n --> 0) f()", "'<!-- a -->'", "`\n-->`", "// <!--", "f(/<!--/)", "/* <!-- */"]
)
def test_what_only_looks_like_one_is_not(text: str) -> None:
    assert "html_comment" not in codes(sql(text))


@pytest.mark.parametrize(
    "number",
    [
        pytest.param("9007199254740993", id="out-07"),
        "12345678901234567890",
        "9_007_199_254_740_993",
        "0x20000000000001",
        "1e400",
        "1e-400",
        "0.12345678901234567890",
        "1234567890.123456789",
        "-9007199254740993",
    ],
)
def test_a_number_that_javascript_rounds_is_refused_where_it_stands(number: str) -> None:
    text = f"await db.query('select * from orders where id = $1',\n [{number}])"
    (found,) = [f for f in sql(text, Access.READ).findings if f.severity is Severity.ERROR]
    assert (found.code, found.line, found.column) == (FindingCode.NUMBER_ROUNDED, 2, 3 + number.startswith("-"))
    assert "text" in found.hint


def test_the_way_to_write_a_whole_number_is_named() -> None:
    assert "9007199254740993n" in sql("return 9007199254740993").findings[0].hint
    assert "0x20000000000001n" in sql("return 0x20000000000001").findings[0].hint
    assert "1e400n" not in sql("return 1e400").findings[0].hint
    assert codes(sql("return {9007199254740993: 1}")) == ["number_rounded"]


@pytest.mark.parametrize(
    "number", ["9007199254740991", "0.1", "1.10", "1e21", "123n", "9007199254740993n", "0xff", "1_000", ".5"]
)
def test_a_number_that_is_kept_is_not(number: str) -> None:
    assert codes(sql(f"return {number}")) == []
