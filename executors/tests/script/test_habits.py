"""How a script goes about its calls: what it repeats, swallows, leaves to chance or never leaves."""

from __future__ import annotations

import pytest

from executors.analysis import analyse
from executors.base import Access, EngineKind, Finding, FindingCode, Language

C = FindingCode
UPDATE = 'db.query("UPDATE t SET a = $1 WHERE id = 3", [1])'


def habits(text: str) -> list[Finding]:
    """What was found; a text that begins with `db.c` somewhere is one for MongoDB."""
    engine = EngineKind.MONGODB if "db.c." in text else EngineKind.POSTGRESQL
    analysis = analyse(Language.SCRIPT, engine, text, (), Access.WRITE)
    return [finding for finding in analysis.findings if finding.code is not C.READ_IN_WRITE]


TOLD = [
    (f"for (const id of ids) {{ await {UPDATE} }}", C.CALL_IN_LOOP, 1, 31),
    (f"for (let i = 0; i < 5; i++)\n  await {UPDATE}", C.CALL_IN_LOOP, 2, 9),
    (f"await Promise.allSettled(ids.map((id) => {UPDATE}))", C.CALL_IN_LOOP, 1, 42),
    ("for (const id of ids) await db.query('SELECT a FROM t WHERE id = $1', [id])", C.CALL_IN_LOOP, 1, 29),
    ("for (const d of list) await db.c.insertOne(d)", C.CALL_IN_LOOP, 1, 29),
    ("for (const k in all) await db.c.findOne({k: all[k]})", C.CALL_IN_LOOP, 1, 28),
    ("await db.query('UPDATE t SET a = $1 WHERE id = 1', [Math.random()])", C.NOT_REPEATABLE, 1, 53),
    ("const now = new Date()\nawait db.query('UPDATE t SET a = $1 WHERE id = 1', [now])", C.NOT_REPEATABLE, 2, 53),
    ("await db.c.insertOne({at: Date.now()})", C.NOT_REPEATABLE, 1, 27),
    ("for await (const d of db.c.find({})) console.log(d)", C.NO_LIMIT, 1, 23),
    (f"try {{ await {UPDATE} }} catch {{}}", C.SWALLOWED_ERROR, 1, 65),
    (f"try {{ await {UPDATE} }} catch (e) {{ return null }}", C.SWALLOWED_ERROR, 1, 65),
    (f"await {UPDATE}.catch(() => {{}})", C.SWALLOWED_ERROR, 1, 7),
    (f"await {UPDATE}.catch(function (e) {{ ok = false }})", C.SWALLOWED_ERROR, 1, 7),
    (f"await Promise.all([{UPDATE}, {UPDATE}])", C.WRITES_TOGETHER, 1, 7),
    ("const open = ids.filter(async (id) => (await ask(id)).open)", C.ASYNC_CONDITION, 1, 14),
    ("if (ids.some(async function (id) { return false })) return 1", C.ASYNC_CONDITION, 1, 5),
    (f"while (true) {{ await {UPDATE} }}", C.ENDLESS_LOOP, 1, 1),
    (f"for (;;) await {UPDATE}", C.ENDLESS_LOOP, 1, 1),
    (f"do {{ await {UPDATE} }} while (true)", C.ENDLESS_LOOP, 1, 1),
    ("const r = db.query('SELECT 1')\nreturn r.rows", C.NOT_AWAITED, 2, 8),
    ("const all = db.c.find({a: 1}).toArray()\nreturn all[0]", C.NOT_AWAITED, 2, 8),
]


@pytest.mark.parametrize(("text", "code", "line", "column"), TOLD, ids=[item[0] for item in TOLD])
def test_habit_is_told_at_its_place(text: str, code: FindingCode, line: int, column: int) -> None:
    finding = next(found for found in habits(text) if found.code is code)
    assert (finding.line, finding.column) == (line, column)
    assert finding.hint


GOOD = [
    "let n; do { n = await db.query('DELETE FROM t WHERE id IN (SELECT id FROM t ORDER BY id LIMIT 500)') } while (n)",
    f"for (;;) {{ const done = await {UPDATE}; if (done) break }}",
    f"while (true) {{ if (await {UPDATE}) return 1 }}",
    "for (const table of tables) console.log(table); return db.query('SELECT 1')",
    f"for (const id of ids) {{ all.push(id) }} await {UPDATE}",
    "for await (const d of db.c.find({a: 1})) { await db.c.updateOne({_id: 1}, {$set: {b: 1}}) }",
    "for await (const d of db.c.find({}).limit(5)) console.log(d)",
    f"const save = async () => {{ await {UPDATE} }}; await save()",
    "await db.query('SELECT $1::float8', [Math.random()])",
    "console.log(Date.now()); await db.query('UPDATE t SET a = 1 WHERE id = 3')",
    "await db.query('UPDATE t SET a = $1 WHERE id = 1', [new Date('2024-01-01')])",
    f"try {{ await {UPDATE} }} catch (e) {{ throw new Error('x') }}",
    f"try {{ await {UPDATE} }} catch (e) {{ console.error(e) }}",
    f"try {{ await {UPDATE} }} catch (e) {{ failed.push(e) }}",
    f"try {{ JSON.parse(text) }} catch {{}} await {UPDATE}",
    f"await {UPDATE}.catch((e) => {{ throw e }})",
    f"await {UPDATE}.catch((e) => console.log(e))",
    "await Promise.all([db.query('SELECT 1'), db.query('SELECT 2')])",
    "const open = ids.filter((id) => id > 5); return db.query('SELECT 1')",
    "const r = db.query('SELECT 1'); return (await r).rows",
    "const r = db.query('SELECT 1'); return r.then((found) => found.rows)",
    "const cursor = db.c.find({a: 1}); return cursor.toArray()",
]


@pytest.mark.parametrize("text", GOOD)
def test_good_habit_raises_none(text: str) -> None:
    assert habits(text) == []
