"""What a script returns and leaves behind: nothing that was asked for is dropped, and no value changes, in silence."""

# ruff: noqa: E501 - scripts as people write them stand on one line
from __future__ import annotations

import json

import pytest

from executors.base import Answer, FailureCode, Request, StatementFailed
from executors.tests.script.conftest import EchoDatabase, Recorder, RunScript

pytestmark = pytest.mark.sandbox

SLEEP = "const sleep = (ms) => new Promise((done) => setTimeout(done, ms));"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "[1,2,3].forEach(async (i) => { await db.query('insert into t values ($1)', [i]) }); return 'done'",
            id="out-03",
        ),
        "db.query('a'); return 1",
        "db.query('a').catch(() => {}); return 1",
        "return [db.query('a')]",
        "return {rows: db.query('a')}",
        "await Promise.race([db.query('a'), db.query('b')]); return 1",
        "await Promise.any([db.query('a'), db.query('b'), db.query('c')])",
        "await db.query('a'); Promise.resolve().then(() => 0).then(() => 0).then(() => db.query('b')); return 1",
        "(async () => { await db.query('a'); await db.query('b') })(); await db.query('c')",
        "const it = db.iterate('a'); it.next(); return 1",
        "return {toJSON() { db.query('a'); return 1 }}",
        "return {get a() { Promise.resolve().then(() => db.query('a')); return 1 }}",
        "setTimeout(() => db.query('a'), 60000); return 1",
        "setTimeout(async () => { await 0; await 0; await db.query('a') }, 60000); return 1",
        "setInterval(() => db.query('a'), 60000); return 1",
        "setTimeout(() => setTimeout(() => db.query('a'), 60000), 60000); return 1",
        f"{SLEEP} sleep(60000).then(() => db.query('a')); return 1",
        f"{SLEEP} (async () => {{ for (;;) {{ await sleep(60000); await db.query('a') }} }})(); return 1",
        "queueMicrotask(() => db.query('a')); return 1",
        "function* all() { yield db.query('a') } [...all()]; return 1",
        "return new Promise((done) => { done(1); db.query('a') })",
        "try { return 1 } finally { db.query('a') }",
    ],
)
def test_a_call_still_open_at_the_end_fails_the_run(run_script: RunScript, text: str) -> None:
    database = EchoDatabase()
    with pytest.raises(StatementFailed, match="still open when the script returned") as raised:
        run_script(text, database=database)
    assert raised.value.code is FailureCode.ERROR
    assert "await" in raised.value.public_message
    assert raised.value.detail["line"] == "1"
    assert database.ended == ["rolled back"]


def test_the_place_is_that_of_the_first_open_call(run_script: RunScript) -> None:
    with pytest.raises(StatementFailed, match="2 database calls were") as raised:
        run_script("await db.query('a');\nfor (const i of [1, 2])\n  db.query('b');\nreturn 1")
    assert (raised.value.detail["line"], raised.value.detail["column"]) == ("3", "6")


@pytest.mark.parametrize(
    "text",
    [
        "await Promise.all([1, 2].map((i) => db.query('a'))); return 1",
        "db.query('a'); await db.query('b'); return 1",
        "return (await db.query('a')).rowCount",
        "return db.query('a').then(() => 1)",
        "setTimeout(() => {}, 60000); return 1",
        "setInterval(() => {}, 60000); return 1",
        "const late = new Promise((_, no) => setTimeout(no, 60000)); await Promise.race([db.query('a'), late]); return 1",
        "setTimeout(() => { throw new Error('late') }, 60000); return 1",
        "setTimeout(() => console.log('late'), 60000); return 1",
        f"{SLEEP} (async () => {{ for (;;) await sleep(1000) }})(); return 1",
        "for await (const row of db.iterate('a')) return 1",
    ],
)
def test_what_was_waited_for_is_no_failure(run_script: RunScript, text: str) -> None:
    class Iterating(EchoDatabase):
        def call(self, request: Request) -> Answer:
            answer = super().call(request)
            if request.operation == "fetch":
                answer.value["more"] = False
            return answer

    run = run_script(text, database=Iterating(), seconds=10)
    assert (run.value, run.database.ended, run.seen.log) == ("[1]", ["commit", "clean"], [])


@pytest.mark.parametrize(
    "text", ["Promise.reject(new Error('lost')); return 1", "(async () => { throw new Error('lost') })(); return 1"]
)
def test_a_rejection_nobody_handles_fails_the_run(run_script: RunScript, text: str) -> None:
    with pytest.raises(StatementFailed, match="Error: lost"):
        run_script(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("'\\u{1f600} hi'.slice(0, 1)", ["\ufffd"], id="out-06"),
        ("['a\\udc00b\\ud83d']", ["a\ufffdb\ufffd"]),
        ("'\\u{1f600}'", ["\U0001f600"]),
        ("String.raw`\\ud83d`", ["\\ud83d"]),
        ("'\\\\\\ud83d'", ["\\\ufffd"]),
        ("{doc: {'\\ud83d': ['\\ude00']}}", [{"\ufffd": ["\ufffd"]}]),
        ("new Map([['\\ud83d', 1]])", [[["\ufffd", 1]]]),
        ("{doc: {n: 9007199254740993n}}", [{"n": 9007199254740993}]),
        ("9007199254740993n", ["9007199254740993"]),
        ("{doc: [NaN, -Infinity]}", [["NaN", "-Infinity"]]),
        ("{at: new Date(NaN)}", ["Invalid Date"]),
        ("{doc: {at: new Date(NaN)}}", [{"at": "Invalid Date"}]),
        ("new Date(0)", ["1970-01-01T00:00:00.000Z"]),
        ("{f: Math.max}", ["[Function: max]"]),
        ("Symbol('s')", ["Symbol(s)"]),
        ("{e: new TypeError('no')}", ["TypeError: no"]),
        ("new RangeError('no')", ["RangeError: no"]),
        ("{doc: {r: /a/g}}", [{"r": "/a/g"}]),
        ("{doc: new Uint8Array([1, 255])}", [[1, 255]]),
        ("new Set([1, 2])", [[1, 2]]),
        ("{doc: {p: Promise.resolve(1)}}", [{"p": "Promise { 1 }"}]),
    ],
)
def test_a_value_is_shown_as_what_it_is(run_script: RunScript, text: str, expected: list[object]) -> None:
    assert json.loads(run_script(f"return ({text})").value) == expected


def test_a_negative_zero_stays_one(run_script: RunScript) -> None:
    assert run_script("return {doc: {z: -0}}").value == '[{"z":-0}]'


def test_a_number_of_ten_thousand_digits_is_kept(run_script: RunScript) -> None:
    assert json.loads(run_script("return {doc: {n: 10n ** 10000n}}").value) == [{"n": "1" + "0" * 10_000}]
    assert len(run_script("return {doc: {n: 10n ** 3000n}}").value) == len('[{"n":}]') + 3001


def test_half_a_character_is_marked_in_names_logs_and_errors(run_script: RunScript) -> None:
    seen = Recorder()
    with pytest.raises(StatementFailed, match=r"Error: \ufffd$"):
        run_script("console.log('\\ud83d'); throw new Error('\\ud83d')", seen=seen)
    assert seen.log == [("info", "\ufffd")]
    (column,) = run_script("return [{'\\ud83d': 1}]").seen.columns_seen
    assert column.name == "\ufffd"


def test_a_name_that_does_not_exist_says_so(run_script: RunScript) -> None:
    with pytest.raises(StatementFailed, match=r"TypeError: db has no qurey; did you mean query\?") as raised:
        run_script("const a = 1;\nawait db.qurey('select 1')")
    assert raised.value.detail["line"] == "2"
    with pytest.raises(StatementFailed, match="TypeError: db has no transaction; there is query, one, iterate"):
        run_script("await db.transaction(() => 1)")
