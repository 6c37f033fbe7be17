"""What a script tries to reach outside its sandbox: each case must fail, and the next script must not notice."""

# ruff: noqa: E501 - scripts as people write them stand on one line
from __future__ import annotations

import os
import resource
import time
from pathlib import Path

import pytest

from executors.base import ExecutionError
from executors.sandbox.client import SandboxChild, SpawnerClient
from executors.sandbox.program import LOADER
from executors.tests.script.conftest import Recorder, Run, RunScript

pytestmark = pytest.mark.sandbox

SECRET = "a-file-that-no-script-may-read"

# A script that reached what it wanted returns "escaped"; whatever else it returns or throws, it failed.
IMPORTS = {
    f"import {name}": f"const m = await import('{name}'); return 'escaped'"
    for name in (
        "node:fs", "node:fs/promises", "node:process", "node:child_process", "node:net", "node:http", "node:https",
        "node:dns", "node:dgram", "node:tls", "node:vm", "node:v8", "node:os", "node:module", "node:inspector",
        "node:worker_threads", "node:sqlite", "node:cluster", "node:repl", "node:wasi", "node:test", "node:util",
        "fs", "npm:lodash", "jsr:@std/fs", "https://example.com/x.js", "http://127.0.0.1/x.js", "ext:core/mod.js",
        "ext:deno_node/fs.ts", "deno:runtime", "bun:ffi", "file:///etc/passwd", "/etc/passwd", "./runner.py", "NODE:fs",
    )
}  # fmt: skip
FILES = {
    "import a file as text": "await import('file://@FILE@', {with: {type: 'text'}}); return 'escaped'",
    "import a file as bytes": "await import('file://@FILE@', {with: {type: 'bytes'}}); return 'escaped'",
    "import a file as json": "await import('file:///etc/passwd', {with: {type: 'json'}}); return 'escaped'",
    "import the environment": "await import('file:///proc/self/environ', {with: {type: 'text'}}); return 'escaped'",
    "import the parent's memory map": "await import('file:///proc/1/maps', {with: {type: 'text'}}); return 'escaped'",
    "import the system's name": "await import('file:///usr/lib/os-release', {with: {type: 'text'}}); return 'escaped'",
    "import a module from data": "const m = await import('data:text/javascript,import fs from \"node:fs\";export default fs');"
    " return m.default ? 'escaped' : 0",
    "import the bootstrap again": f"await import('{LOADER.as_uri()}?again'); return 'escaped'",
    "import built from text": "await new Function('return import(\"node:\" + \"fs\")')(); return 'escaped'",
    "import from async code text": "const F = (async () => {}).constructor; await new F('await import(\"node:os\")')();"
    " return 'escaped'",
    "import through eval": "await (0, eval)(\"import('node:fs')\"); return 'escaped'",
}
GLOBALS = {
    f"the global {name}": f"return typeof {name} === 'undefined' || {name} === undefined ? 'absent' : 'escaped'"
    for name in (
        "Deno", "process", "Buffer", "fetch", "WebSocket", "EventSource", "Worker", "XMLHttpRequest", "localStorage",
        "sessionStorage", "caches", "indexedDB", "BroadcastChannel", "navigator", "WebAssembly", "SharedArrayBuffer",
        "Atomics", "prompt", "alert", "close", "reportError", "GPU", "OffscreenCanvas", "global", "window", "self",
        "module", "exports", "__bootstrap", "gc", "MessageChannel", "Request", "Cache", "location",
    )
}  # fmt: skip
LANGUAGE = {
    "this at the top": "return this === undefined ? 'absent' : 'escaped'",
    "this in a function": "return (function () { return this })() === undefined ? 'absent' : 'escaped'",
    "this through Function": "const g = new Function('return this')(); return g.Deno || g.process ? 'escaped' : 0",
    "the caller of a getter": "try { return ({get x() { return arguments.callee.caller }}).x ? 'escaped' : 0 }"
    " catch { return 0 }",
    "constructor of console": "const F = console.log.constructor; return F('return typeof Deno')() === 'undefined' ? 0 : 'escaped'",
    "constructor of db": "const F = db.query.constructor; return await F('return typeof Deno')() === 'undefined' ? 0 : 'escaped'",
    "variables of the bootstrap": "for (const n of ['secret', 'send', 'readSync', 'writeSync', 'stdin', 'stdout', 'host'])"
    " { try { eval(n); return 'escaped' } catch {} } return 0",
    "source of the database call": "return /secret|writeSync/.test(db.query.toString() + require.toString() + console.log)"
    " ? 'escaped' : 0",
    "call sites": "Error.prepareStackTrace = (e, sites) => sites; const s = new Error().stack;"
    " return Array.isArray(s) && s.some(x => x.getFunction() || x.getThis()) ? 'escaped' : 0",
    "call sites of a failed call": "Error.prepareStackTrace = (e, sites) => { for (const s of sites)"
    " if (typeof s.getFunction() === 'function' && /secret/.test(s.getFunction())) globalThis.got = 1; return '' };"
    " try { await db.query('fail') } catch (e) { String(e.stack) } return globalThis.got ? 'escaped' : 0",
    "internals symbol": "return Object.getOwnPropertySymbols(globalThis).some(s => /Deno|internal/i.test(String(s))"
    " && globalThis[s]?.core) ? 'escaped' : 0",
    "prototype of the global": "let p = globalThis; while ((p = Object.getPrototypeOf(p))) for (const n of"
    " Object.getOwnPropertyNames(p)) if (/core|internal|exit|Deno/.test(n)) return 'escaped'; return 0",
    "custom inspection": "let got; console.log({[Symbol.for('Deno.customInspect')](f, o) {"
    " got = f?.constructor('return typeof Deno')() }}); return got === 'object' ? 'escaped' : 0",
    "private inspection": "let got; console.log({[Symbol.for('Deno.privateCustomInspect')](...a) {"
    " got = a.some(x => x && x.core) }}); return got ? 'escaped' : 0",
    "import.meta": "return (0, eval)('import.meta') ? 'escaped' : 0",
    "a timer with text": "setTimeout('globalThis.got = 1', 0); await new Promise(r => setTimeout(r, 20));"
    " return globalThis.got ? 'escaped' : 0",
    "replace db": "globalThis.db = {}; return Object.keys(db).length ? 0 : 'escaped'",
    "require a path": "require('/etc/passwd'); return 'escaped'",
    "require a prototype name": "require('constructor'); return 'escaped'",
    "require an inherited name": "require('__proto__'); return 'escaped'",
    "require an object": "let n = 0; require({toString() { n += 1; return n > 1 ? 'fs' : 'lodash' }}); return 'escaped'",
    "a finer clock": "return Object.getOwnPropertyNames(performance).join() === 'now,timeOrigin' && Object.isFrozen(performance)"
    " && Number.isInteger(performance.now()) ? 0 : 'escaped'",
    "constructor of the clock": "return performance.now.constructor('return typeof Deno')() === 'undefined' ? 0 : 'escaped'",
    "a patched map of the console": "let got; Map.prototype.get = function (k) { got = [...this.keys()] };"
    " console.count('a'); return /secret|Deno/.test(String(got)) ? 'escaped' : 0",
    "require child_process": "require('child_process'); return 'escaped'",
}
CASES = IMPORTS | FILES | GLOBALS | LANGUAGE


def _attempt(run_script: RunScript, text: str) -> Run | ExecutionError:
    try:
        return run_script(text, seconds=8)
    except ExecutionError as error:
        return error


@pytest.mark.parametrize("name", CASES)
def test_nothing_outside_is_reached(name: str, run_script: RunScript, tmp_path: Path) -> None:
    file = tmp_path / "secret.txt"
    file.write_text(SECRET)
    ended = _attempt(run_script, CASES[name].replace("@FILE@", str(file)))
    if isinstance(ended, Run):
        assert "escaped" not in ended.value
        assert SECRET not in ended.value
    else:
        assert SECRET not in ended.public_message
    assert run_script("return 1 + 1").value == "[2]"


FORGERIES = {
    "stringify": 'JSON.stringify = () => \'{"type":"done"}\'',
    "parse": "JSON.parse = () => ({value: {columns: [], rows: [[666]], rowCount: 1}})",
    "toJSON on objects": "Object.prototype.toJSON = function () { return {type: 'call', operation: 'evil', payload: {}} }",
    "toJSON on strings": "String.prototype.toJSON = () => 'evil'",
    "reflection": "Reflect.apply = Reflect.construct = () => { throw 1 }",
    "promises": "Promise.prototype.then = function () { return this }; Promise.prototype.constructor = Object",
    "promise resolution": "Promise.resolve = Promise.all = () => 'evil'",
    "typed arrays": "Object.getPrototypeOf(Uint8Array.prototype).set = function () { globalThis.stolen = arguments };"
    " Object.getPrototypeOf(Uint8Array.prototype).subarray = () => null",
    "species": "Object.defineProperty(Uint8Array, Symbol.species, {value: Array})",
    "species of the prototype": "Object.defineProperty(Uint8Array.prototype, 'constructor', {value: {[Symbol.species]:"
    " function (b, o, l) { globalThis.stolen = new TextDecoder().decode(b); return new Uint8Array(b, o, l) }}})",
    "length of typed arrays": "const n = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'length')"
    ".get; Object.defineProperty(Uint8Array.prototype, 'length', {get() { globalThis.stolen ??= new TextDecoder()"
    ".decode(this.slice(0, 99)); return n.call(this) }})",
    "encoder": "TextEncoder.prototype.encode = () => new Uint8Array(4); TextDecoder.prototype.decode = () => '{}'",
    "setters on array indexes": "Object.defineProperty(Array.prototype, '0', {set(v) { globalThis.stolen = v }})",
    "array iteration": "Array.prototype[Symbol.iterator] = function* () { yield 'evil' }",
    "array methods": "for (const n of ['map', 'push', 'shift', 'slice', 'join']) Array.prototype[n] = () => 'evil'",
    "string methods": "for (const n of ['slice', 'split', 'indexOf']) String.prototype[n] = () => 'evil'",
    "regular expressions": "RegExp.prototype.exec = RegExp.prototype.test = () => null",
    "object functions": "for (const n of Object.getOwnPropertyNames(Object)) try { Object[n] = () => 'evil' } catch {}",
    "maps": "for (const n of ['get', 'set', 'has', 'delete']) { Map.prototype[n] = () => 1; WeakMap.prototype[n] = () => 1;"
    " WeakSet.prototype[n] = () => true; Set.prototype[n] = () => true }",
    "functions": "Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => 'evil'",
    "null prototypes": "Object.prototype.error = {message: 'evil'}; Object.prototype.type = 'done'",
    "error properties": "Object.defineProperty(Error.prototype, 'stack', {get() { return 'evil' }})",
    "global errors": "globalThis.Error = globalThis.TypeError = globalThis.Promise = globalThis.Uint8Array = null",
    "then on objects": "Object.prototype.then = function (f) { globalThis.stolen = this; f('evil') }",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_patching_the_language_forges_nothing(name: str, run_script: RunScript) -> None:
    """The script may break itself; what the portal hears stays what was really asked, and the secret stays hidden."""
    seen = Recorder()
    text = f"{FORGERIES[name]}; try {{ await db.query('really asked') }} catch {{}}\nreturn globalThis.stolen"
    try:
        run_script(text, seen=seen, seconds=5)
    except ExecutionError as error:
        assert "tampered" not in error.public_message or name == "toJSON on objects"  # noqa: PT017 - a return is as good
    assert {call.statement for call in seen.calls} <= {"really asked"}
    assert all(len(call.statement) < 100 for call in seen.calls)
    assert run_script("return 1 + 1").value == "[2]"


def _started(sandbox: SpawnerClient) -> SandboxChild:
    """A child that has become Deno: one started cold is still being confined."""
    child = sandbox.acquire(5)
    by = time.monotonic() + 5
    while Path(f"/proc/{child.pid}/comm").read_text().strip() != "deno" and time.monotonic() < by:
        time.sleep(0.01)
    return child


def test_a_child_has_no_file_but_its_channel(sandbox: SpawnerClient) -> None:
    child = _started(sandbox)
    try:
        targets = [str(Path(f"/proc/{child.pid}/fd/{name}").readlink()) for name in ("0", "1", "2")]
        assert targets[0] == targets[1]
        assert targets[0].startswith("socket:")
        assert targets[2] == "/dev/null"
    finally:
        sandbox.kill(child)
        child.close()


def test_a_child_holds_nothing_of_the_environment(sandbox: SpawnerClient) -> None:
    child = _started(sandbox)
    try:
        environment = Path(f"/proc/{child.pid}/environ").read_bytes().split(b"\0")
        names = {entry.partition(b"=")[0] for entry in environment if entry}
        assert names <= {b"DENO_DIR", b"DENO_NO_UPDATE_CHECK", b"NO_COLOR"}
    finally:
        sandbox.kill(child)
        child.close()


def test_every_layer_is_on(sandbox: SpawnerClient) -> None:
    child = _started(sandbox)
    try:
        status = Path(f"/proc/{child.pid}/status").read_text()
        assert "NoNewPrivs:\t1" in status
        assert "Seccomp:\t2" in status
        assert str(Path(f"/proc/{child.pid}/ns/net").readlink()) != str(Path("/proc/self/ns/net").readlink())
        assert str(Path(f"/proc/{child.pid}/ns/user").readlink()) != str(Path("/proc/self/ns/user").readlink())
        assert resource.prlimit(child.pid, resource.RLIMIT_DATA)[1] == 320 * 2**20
        assert os.getpgid(child.pid) == child.pid
    finally:
        sandbox.kill(child)
        child.close()
