"""Scripts that try to use up memory, time, output or the portal's patience: each ends, and nobody else notices."""

# ruff: noqa: E501 - scripts as people write them stand on one line
from __future__ import annotations

import resource
import time

import pytest

from executors.base import ExecutionError, Refused, StatementFailed, TimedOut, TooLarge
from executors.script import conversation
from executors.tests.script.conftest import EchoDatabase, Recorder, RunScript

pytestmark = pytest.mark.sandbox

MEMORY = {
    "arrays": "const a = []; for (;;) a.push(new Array(1e6).fill(a.length))",
    "strings": "let s = 'x'; for (;;) s += s + Math.random()",
    "flat strings": "const a = []; for (;;) a.push('x'.repeat(5e7).split('').join('y'))",
    "buffers": "const a = []; for (;;) a.push(new ArrayBuffer(5e7)), new Uint8Array(a.at(-1)).fill(1)",
    "growing buffer": "const b = new ArrayBuffer(1, {maxByteLength: 8e9}); for (let n = 1e6;; n *= 2)"
    " { b.resize(n); new Uint8Array(b).fill(1) }",
    "clones": "let a = new Array(1e5).fill('x'.repeat(100)); for (;;) a = structuredClone([a, a])",
    "maps": "const m = new Map(); for (let i = 0;; i++) m.set(i, {i})",
    "big integers": "let n = 3n; const all = []; for (;;) all.push(n = n * n)",
    "recursion": "const f = () => [f(), f()]; const all = []; for (;;) { try { f() } catch (e) { all.push(new Array(1e6).fill(e)) } }",
    "promises": "const all = []; for (;;) all.push(new Promise(() => {}))",
    "closures": "const all = []; for (;;) { const big = new Array(1e5).fill(0); all.push(() => big) }",
    "json": "let s = '[]'; for (;;) s = JSON.stringify([s, s, JSON.parse(s)])",
    "symbols": "const all = []; for (let i = 0;; i++) all.push(Symbol.for('s' + i + 'x'.repeat(1000)))",
    "text encoders": "const all = []; const s = 'x'.repeat(1e7); for (;;) all.push(new TextEncoder().encode(s))",
    "a returned value": "return Array.from({length: 3e7}, (_, i) => 'row ' + i)",
    "code": "for (let i = 0;; i++) (globalThis.all ??= []).push(new Function('return ' + '1+'.repeat(1e5) + i))",
}
TIME = {
    "a loop": "for (;;) {}",
    "a regular expression": "return /^(a+)+$/.test('a'.repeat(40) + 'b')",
    "microtasks": "const f = () => Promise.resolve().then(f); await f()",
    "awaits": "for (;;) await null",
    "timers": "const f = () => setTimeout(f, 0); f(); await new Promise(() => {})",
    "an interval": "setInterval(() => {}, 1); await new Promise(() => {})",
    "a generator": "function* g() { for (;;) yield 1 } for (const x of g()) ;",
    "an async generator": "async function* g() { for (;;) yield 1 } for await (const x of g()) ;",
    "a getter": "return {get a() { for (;;) {} }}",
    "toJSON": "return {toJSON() { for (;;) {} }}",
    "a proxy": "return [new Proxy({}, {ownKeys() { for (;;) {} }})]",
    "an error's message": "throw Object.defineProperty(new Error(), 'message', {get() { for (;;) {} }})",
    "a sort": "[3, 1, 2].sort(() => { for (;;) {} })",
    "a catch of everything": "for (;;) { try { for (;;) throw 1 } catch {} finally { continue } }",
    "a log that never ends": "console.log({[Symbol.for('Deno.customInspect')]() { for (;;) {} }})",
    "a big number's text": "let n = 7n; for (;;) { n = n ** 3n; String(n) }",
}
QUIET = {
    "a promise nobody resolves": "await new Promise(() => {})",
    "a rejection nobody handles": "Promise.reject(new Error('nobody')); await new Promise(r => setTimeout(r, 50)); return 1",
    "a throw of null": "throw null",
    "a throw of a proxy": "throw new Proxy({}, {get() { throw 1 }})",
    "an error without a stack": "const e = new Error('x'); e.stack = {toString() { throw 1 }}; throw e",
    "an endless stack": "(function f() { f() })()",
    "a circle": "const a = {}; a.a = a; return a",
    "a symbol as a message": "const e = new Error(); e.message = Symbol(); throw e",
    "an error in a timer": "setTimeout(() => { throw new Error('late') }, 1); await new Promise(r => setTimeout(r, 99)); return 1",
    "a thenable that throws": "return {then() { throw new Error('no') }}",
    "too many columns": "return Array.from({length: 3000}, (_, i) => ({['c' + i]: 1}))",
    "a revoked proxy": "const {proxy, revoke} = Proxy.revocable({}, {}); revoke(); return proxy",
    "deep nesting": "let a = []; for (let i = 0; i < 5000; i++) a = [a]; return [{a}]",
}


def _resident() -> int:
    """The most memory this process ever had, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize("name", MEMORY)
def test_memory_is_bounded_and_the_portal_keeps_its_own(name: str, run_script: RunScript) -> None:
    before = _resident()
    with pytest.raises(ExecutionError) as raised:
        run_script(MEMORY[name], seconds=4)
    assert isinstance(raised.value, StatementFailed | TimedOut)
    assert _resident() - before < 60 * 1024
    assert run_script("return 1 + 1").value == "[2]"


@pytest.mark.parametrize("name", TIME)
def test_time_is_bounded(name: str, run_script: RunScript) -> None:
    started = time.monotonic()
    with pytest.raises(ExecutionError):
        run_script(TIME[name], seconds=1)
    assert time.monotonic() - started < 10
    assert run_script("return 1 + 1").value == "[2]"


@pytest.mark.parametrize("name", QUIET)
def test_an_odd_end_is_an_error_with_a_sentence(name: str, run_script: RunScript) -> None:
    with pytest.raises(ExecutionError) as raised:
        run_script(QUIET[name], seconds=8)
    assert raised.value.public_message
    assert not isinstance(raised.value, TimedOut)
    assert run_script("return 1 + 1").value == "[2]"


def test_a_flood_of_logs_is_cut(run_script: RunScript) -> None:
    seen = Recorder()
    run_script("for (let i = 0; i < 2e4; i++) console.log('x'.repeat(1e3)); return 1", seen=seen)
    assert len(seen.log) <= conversation.MAX_LOG_LINES
    assert sum(len(text) for _, text in seen.log) <= conversation.MAX_LOG_BYTES


def test_one_long_log_line_is_cut(run_script: RunScript) -> None:
    seen = Recorder()
    run_script("console.log('x'.repeat(1e7)); return 1", seen=seen)
    assert len(seen.log[0][1]) < 10_000


def test_calls_are_counted(run_script: RunScript, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "MAX_CALLS", 50)
    with pytest.raises(Refused, match="at most"):
        run_script("for (;;) await db.query('x')")


def test_calls_nobody_waits_for_end_with_the_script(run_script: RunScript) -> None:
    with pytest.raises(StatementFailed, match="5000 database calls were still open"):
        run_script("for (let i = 0; i < 5000; i++) db.query('x').catch(() => {}); return 1")
    assert run_script("return 1 + 1").value == "[2]"


def test_rows_and_bytes_are_cut(run_script: RunScript) -> None:
    assert run_script("return Array.from({length: 50}, (_, i) => i)", rows=10).outcome.truncated == "rows"
    ran = run_script("return Array.from({length: 5000}, () => 'x'.repeat(100))", rows=9999, size=10_000)
    assert ran.outcome.truncated == "bytes"
    assert sum(map(len, ran.seen.lines)) <= 10_000


def test_a_value_whose_first_row_is_larger_than_it_may_be_is_a_failure(run_script: RunScript) -> None:
    database = EchoDatabase()
    with pytest.raises(TooLarge, match="One row is more than the 1,000 bytes"):
        run_script("return 'x'.repeat(1000)", database=database, size=1000)
    assert database.ended == ["rolled back"]


def test_a_failed_script_is_rolled_back(run_script: RunScript) -> None:
    for text, seconds in (("throw new Error('no')", 5), ("for (;;) {}", 1), ("await new Promise(() => {})", 5)):
        database = EchoDatabase()
        with pytest.raises(ExecutionError):
            run_script(text, database=database, seconds=seconds)
        assert database.ended == ["rolled back"]
