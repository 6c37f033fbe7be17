"""What V8 refuses is found when it is written, at its place; nothing of a script is run for it."""

from __future__ import annotations

import os
import signal

import pytest

from executors import processes
from executors.base import Access, Analysis, EngineKind, FindingCode, Language, Severity, Verified
from executors.processes import parsing, scripts
from executors.sandbox.client import SpawnerSettings


def read(text: str) -> Analysis:
    return processes.read(Language.SCRIPT, EngineKind.POSTGRESQL, text, (), Access.READ)


REFUSED = [
    ("const a = 1;\n\n  const a = 2", 3, 9, "already been declared"),
    ("let a; var a", 1, 12, "already been declared"),
    ("for (const a of b) { const c = 1; const c = 2 }", 1, 41, "already been declared"),
    ("throw\nnew Error('x')", 1, 1, "newline after throw"),
    ("[1].forEach(x => { await x })", 1, 20, "a function that is not async"),
    ("const f = x => await x", 1, 16, "a function that is not async"),
    ("function f() {\n  return await g()\n}", 2, 10, "a function that is not async"),
    ("if (1) { break }", 1, 10, "break"),
    ("for (;;) { continue other }", 1, 21, "other"),
    ("let let = 1", 1, 5, "reserved word"),
    ("return /(/", 1, 8, "regular expression"),
    ("with (a) { }", 1, 1, "with"),
    ("delete a", 1, 8, "Delete of an unqualified"),
    ("super.x", 1, 1, "super"),
    ("arguments = 1", 1, 1, "arguments"),
    ("yield 1", 1, 1, "reserved word"),
    ("const s = '😀é'; break", 1, 17, "break"),
    ("class A { constructor() {} constructor() {} }", 1, 28, "constructor"),
    ("return '\\07'", 1, 10, "Octal"),
    ("(a, a) => 1", 1, 5, "Duplicate parameter"),
]


@pytest.mark.parametrize(("text", "line", "column", "words"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_v8_refuses_is_an_error_at_its_place(text: str, line: int, column: int, words: str) -> None:
    analysis = read(text)
    found = analysis.findings[0]
    assert (found.code, found.severity) == (FindingCode.SYNTAX_ERROR, Severity.ERROR)
    assert (found.line, found.column) == (line, column), found
    assert words in found.message
    assert set(analysis.verified) <= {Verified.NO_HIDDEN_CHARACTERS, Verified.NO_LOOKALIKE_NAMES}


@pytest.mark.parametrize(
    "text",
    [
        "return 1",
        "return await db.query('select 1') // }",
        "const a = 1; { const a = 2 }",
        "for await (const row of db.iterate('select 1')) { console.log(row) }",
        "return new.target",
        "label: for (;;) { break label }",
        "while (true) { db.query('select pg_sleep(60)') }",
    ],
)
def test_what_v8_takes_is_vouched_for_and_not_run(text: str) -> None:
    analysis = read(text)
    assert analysis.valid
    assert Verified.SYNTAX in analysis.verified


def test_text_too_deep_for_v8_is_told_as_such() -> None:
    analysis = read(f"return {'(' * 5000}1{')' * 5000}")
    assert [finding.code for finding in analysis.findings] == [FindingCode.TOO_DEEP]
    assert read("return 1").valid


def test_parser_that_was_killed_is_replaced() -> None:
    assert read("return 1").valid
    child = parsing._parsers[os.getpid()].child
    assert child is not None
    os.kill(child.pid, signal.SIGKILL)
    assert Verified.SYNTAX in read("return 1").verified
    assert not read("const a = 1, a = 2").valid


def test_syntax_is_not_vouched_for_where_no_sandbox_can_be_asked() -> None:
    parsing.close()
    scripts.configure(SpawnerSettings(most=0))
    try:
        analysis = read("const a = 1; const a = 2")
    finally:
        scripts.configure(SpawnerSettings())
    assert analysis.valid
    assert Verified.SYNTAX not in analysis.verified
    assert not read("const a = 1; const a = 2").valid
