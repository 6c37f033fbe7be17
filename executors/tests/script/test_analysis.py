"""What reading a script tells before it runs."""

# ruff: noqa: E501 - scripts as people write them stand on one line
from __future__ import annotations

import pytest

from executors.analysis import analyse
from executors.base import Access, Analysis, EngineKind, FindingCode, Language


def read(text: str, access: Access = Access.READ, engine: EngineKind = EngineKind.POSTGRESQL) -> Analysis:
    return analyse(Language.SCRIPT, engine, text, (), access)


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("const a = ;", "syntax_error", 1, 9),
        ("import fs from 'fs'", "module_syntax", 1, 1),
        ("\n  export default 1", "module_syntax", 2, 3),
        ("await import('node:fs')", "module_syntax", 1, 7),
        ("const é = 1; require('fs')", "module_not_allowed", 1, 14),
        ("require(name)", "module_name", 1, 1),
        ("await db.query('delete from t where id = 1')", "write_in_read", 1, 7),
        ("await db.query('selec 1')", "syntax_error", 1, 7),
        ("await db.query('select $1::int', [1, 2])", "parameters_mismatch", 1, 7),
        ("", "empty", None, None),
    ],
)
def test_an_error_has_its_place(text: str, code: str, line: int | None, column: int | None) -> None:
    analysis = read(text)
    assert not analysis.valid
    assert (code, line, column) in {(f.code, f.line, f.column) for f in analysis.findings}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("eval('1')", "dynamic_code"),
        ("new Function('return 1')", "dynamic_code"),
        ("await db.query(`select ${x}`)", "built_statement"),
        ("await db.query('select ' + x)", "built_statement"),
        ("await fetch('x')", "not_available"),
    ],
)
def test_a_warning_does_not_refuse(text: str, code: str) -> None:
    analysis = read(text)
    assert analysis.valid
    assert code in {finding.code for finding in analysis.findings}


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("print('x')", "console.log"),
        ("db.c.find().forEach(printjson)", "console.log"),
        ("const {rows} = await client.query('select 1')\nreturn rows", "await db.query"),
        ("return (await pool.query('select 1')).rows", "await db.query"),
        ("await mongoose.connect('x')", "await db.query"),
        ("sleep(5)", "setTimeout"),
        ("if (!(await db.one('select true as a')).a) quit()", "return"),
        ("use('shop')", "its target"),
        ("return {at: process.env.A}", "db, console, require"),
    ],
)
def test_a_name_of_another_place_is_told_with_what_stands_for_it(text: str, advice: str) -> None:
    (finding,) = [found for found in read(text).findings if found.code is FindingCode.NOT_AVAILABLE]
    assert finding.line
    assert advice in finding.hint


@pytest.mark.parametrize(
    "text",
    [
        "const print = console.log\nprint(1)",
        "function sleep(ms) { return new Promise((go) => setTimeout(go, ms)) }\nawait sleep(5)",
        "for (const client of clients) console.log(client.name)",
        "const use = (pool) => pool.length\nreturn use([])",
        "return {print: 1, pool: row.pool, quit() {}}",
        "const {client, pool: {use}} = row\nreturn [client, use]",
        "class load {}\nreturn new load()",
    ],
)
def test_a_name_of_the_scripts_own_is_none_of_another_place(text: str) -> None:
    assert "not_available" not in {finding.code for finding in read(text).findings}


def test_calls_and_tables_are_listed() -> None:
    text = 'await db.query(\'select * from orders\'); for await (const r of db.iterate("select 1 from \\"b\\"")) await db.one(x)'
    assert read(text).kinds == ("script", "SELECT", "SELECT", "query")
    assert read(text).tables == ("b", "orders")


def test_a_write_needs_write_access() -> None:
    analysis = read("await db.query('update t set a = 1 where id = 2')", Access.WRITE)
    assert (analysis.valid, analysis.access) == (True, Access.WRITE)


def test_mongo_calls_are_listed_and_writes_refused_in_a_read() -> None:
    text = "await db.collection('a').find({}).sort({x: 1}).toArray(); await db.collection('b').deleteMany({x: 1})"
    analysis = read(text, engine=EngineKind.MONGODB)
    assert (analysis.kinds, analysis.tables) == (("script", "find", "deleteMany"), ("a", "b"))
    assert [finding.code for finding in analysis.findings] == ["write_in_read"]
    assert read(text, Access.WRITE, EngineKind.MONGODB).valid
