"""`db` is followed through a script's text; what cannot be followed is told, and nothing is claimed of it."""

# ruff: noqa: E501 - scripts as people write them stand on one line
from __future__ import annotations

import pytest

from executors.base import Access, FindingCode, Severity, Verified
from executors.tests.script.read import codes, mongo, sql

WRITTEN_OUT = Verified.STATEMENTS_WRITTEN_OUT

# --- told-06: texts --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("const s = 'DELETE FROM airlines WHERE name = ' + \"'x'\"; await db.query(s)", id="told-06"),
        "await db.query(`delete from t where a = '${x}'`)",
        "await db.query('delete from t where a = ' + x)",
        "const where = `a = '${x}'`; const s = 'delete from t where ' + where; await db.query(s)",
        "let s = 'delete from t'; if (x) s += ' where a = 1'; await db.query(s)",
        "await db.query(['delete', 'from', 't'].join(' '))",
        "await db.query('delete from t'.concat(x))",
        "await db.query(make())",
        "await db.query(x ? 'delete from t' : 'select 1')",
        "const {s} = {s: 'delete from t'}; await db.query(s)",
        "await db.query(texts[0])",
        "await db.query(...all)",
        "for (const s of ['delete from t', 'delete from u']) await db.query(s)",
        "const run = (s) => db.query(s); await run('delete from t')",
        "var s = 'select 1'; function f(s) { return db.query(s) } await f('delete from t')",
        "await db.query(String.raw`delete from t`)",
        "await db.query(('delete ' + 'from t'))",
    ],
)
def test_a_text_put_together_is_told_and_nothing_is_claimed(text: str) -> None:
    analysis = sql(text)
    told = next(finding for finding in analysis.findings if finding.code is FindingCode.BUILT_STATEMENT)
    assert "when the script runs" in told.message
    assert told.line == 1
    assert analysis.access is Access.WRITE
    assert WRITTEN_OUT not in analysis.verified
    assert Verified.EVERY_WRITE_FILTERED not in analysis.verified


@pytest.mark.parametrize(
    "text",
    [
        "await db.query('delete from t')",
        'await db.query("delete from t")',
        "await db.query(`delete\n from t`)",
        "const s = 'delete from t'; await db.query(s)",
        "const s = `delete from t`, again = s; await db.query(again)",
        "let s; s = 'delete from t'; await db.query(s)",
        "await db.query(('delete from t'))",
        "await db.query('delete\\x20from\\u0020t')",
        "await db.query(/* all of it */ 'delete from t')",
    ],
)
def test_a_text_that_is_certain_is_read(text: str) -> None:
    analysis = sql(text)
    assert (analysis.tables, analysis.access) == (("t",), Access.WRITE)
    assert codes(analysis) == ["no_where"]
    assert WRITTEN_OUT in analysis.verified


def test_the_pieces_of_a_text_are_read_as_far_as_they_are_written() -> None:
    analysis = sql("const t = 'airlines'; await db.query('delete from ' + t)")
    assert analysis.tables == ("airlines",)
    assert codes(analysis) == ["built_statement", "no_where"]
    assert "delete from airlines" in analysis.findings[0].message


def test_a_text_that_would_grow_without_end_is_not_put_together() -> None:
    doubled = "".join(f"const a{i + 1} = a{i} + a{i};" for i in range(60))
    assert "built_statement" in codes(sql(f"const a0 = 'select 1';{doubled} await db.query(a60)"))
    assert "built_statement" in codes(sql("const a = b; const b = a; await db.query(a)"))
    long = " + ".join(["'x'"] * 3000)
    assert "built_statement" in codes(sql(f"await db.query({long})"))


# --- told-08, told-09: ways to db ------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("const c = db.collection('cars'); await c.deleteMany({})", id="told-08"),
        "const c = db.cars; await c.deleteMany({})",
        "const name = 'cars', d = db, c = d.getCollection(name); await c.deleteMany({})",
        "const {cars} = db; await cars.deleteMany({})",
        "const {cars: c} = db; await c.deleteMany({})",
        "const {'cars': c} = db; await c.deleteMany({})",
        "const {deleteMany} = db.cars; await deleteMany({})",
        "const drop = db.cars.deleteMany; await drop({})",
        "await db['cars']['deleteMany']({})",
        "const k = 'cars'; await db[k].deleteMany({})",
        "await db?.cars?.deleteMany?.({})",
        "await (await (db)).cars.deleteMany({})",
        "await globalThis.db.cars.deleteMany({})",
        "await globalThis['db'].cars.deleteMany({})",
        "const g = globalThis; await g.db.cars.deleteMany({})",
        "const {db: d} = globalThis; await db.cars.deleteMany({})",
        "let c; c = db.cars; await c.deleteMany({})",
        "const all = {}; await db.cars.deleteMany(all)",
        "await db.cars.deleteMany({}, {comment: note})",
        "await d\\u0062.c\\u0061rs.deleteMany({})",
        "async function clear() { await db.cars.deleteMany({}) } await clear()",
        "await db.cars.deleteMany.bind(db.cars)({})",
        "if (db && db.cars) await db.cars.deleteMany({})",
        "await db.cars.bulkWrite([{deleteMany: {filter: {}}}])",
    ],
)
def test_a_way_to_the_database_is_followed(text: str) -> None:
    analysis = mongo(text)
    assert (analysis.access, analysis.tables) == (Access.WRITE, ("cars",))
    assert "no_filter" in codes(analysis)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("const q = db.query; await q('delete from airlines')", id="told-09"),
        "const {query} = db; await query('delete from airlines')",
        "const {one: first} = db; await first('delete from airlines')",
        "await db['query']('delete from airlines')",
        "const q = db.query.bind(db); await q('delete from airlines')",
        "await (0, db.query)('delete from airlines')",
        "await (db.query)('delete from airlines')",
        "await ((0, db).query)('delete from airlines')",
        "await (db)?.['query']('delete from airlines')",
        "await /* all */ (db.query('delete from airlines'))",
        "await (async () => { await (0, db.query)('delete from airlines') })()",
        "if (1) await (db.query)('delete from airlines')",
        "async function f(d) { await d.query('delete from airlines') } await f(db)",
        "const f = async (x, d) => { await (d.query)('delete from airlines') }; await f(1, db)",
        "const f = d => d.query('delete from airlines'); await f(db)",
        "const f = function (d) { return g(d) }; const g = (e) => e.query('delete from airlines'); await f(db)",
        "async function f(q) { await q('delete from airlines') } await f(db.query)",
        "const f = (d) => { const {query} = d; return query('delete from airlines') }; await f(db)",
    ],
)
def test_a_method_by_another_name_is_read(text: str) -> None:
    analysis = sql(text)
    assert (analysis.access, analysis.tables, codes(analysis)) == (Access.WRITE, ("airlines",), ["no_where"])


@pytest.mark.parametrize(
    "text",
    [
        "await work(db)",
        "async function f(d) { await d.query('delete from t') } await f(...[db])",
        "async function f(d) { d = x; await d.query('delete from t') } await f(db)",
        "async function f(d = x) { await d.query('delete from t') } await f(db)",
        "async function f(...d) { await d[0].query('delete from t') } await f(db)",
        "async function f({query}) { await query('delete from t') } await f(db)",
        "function f(d) { return arguments[0].query('delete from t') } await f(db)",
        "async function f(d) { return d } await (await f(db)).query('delete from t')",
        "async function f(d) { await d.query('delete from t') } async function g(d) { } await f(db)",
        "let f = async (d) => { await d.query('delete from t') }; f = g; await f(db)",
        "async function f(d) { await d('delete from t') } await f(db.query); await f(db.one)",
        "const o = {f(d) { return d.query('delete from t') }}; await o.f(db)",
        "await (x ? db.query : y)('delete from t')",
        "await [db.query][0]('delete from t')",
        "await (db.query || x)('delete from t')",
        "const d = {db}; await d.db.query('delete from t')",
        "const d = {it: db}; await d.it.query('delete from t')",
        "const [d] = [db]; await d.query('delete from t')",
        "let d = db; d = other; await d.query('delete from t')",
        "let d = other; d = db; await d.query('delete from t')",
        "for (const d of [db]) await d.query('delete from t')",
        "const f = () => db; await f().query('delete from t')",
        "return db",
        "await db[name]('delete from t')",
        "const {[name]: q} = db; await q('delete from t')",
        "const {query, ...rest} = db; await rest.one('delete from t')",
        "const {query = other} = db; await query('delete from t')",
        "await db.query.call(db, 'delete from t')",
        "await db.query.apply(db, ['delete from t'])",
        "await Reflect.apply(db.query, db, ['delete from t'])",
        "await Reflect.get(globalThis, 'd' + 'b').query('delete from t')",
        "await globalThis[name].query('delete from t')",
        "const f = (d = db) => d.query('delete from t'); await f()",
        "const d = x ? db : null; await d.query('delete from t')",
        "const d = db || null; await d.query('delete from t')",
        "({query: q} = db); await q('delete from t')",
        "class A { d = db } await new A().d.query('delete from t')",
        "await Promise.all(['delete from t'].map(db.query))",
        "const db2 = structuredClone(db)",
        "const q = db.query.bind(db, 'delete from t'); await q()",
        "db`x`",
        "await run.call(globalThis)",
    ],
)
def test_a_use_that_cannot_be_followed_is_told(text: str) -> None:
    analysis = sql(text)
    told = next(finding for finding in analysis.findings if finding.code is FindingCode.UNFOLLOWED_USE)
    assert (told.severity, told.line) == (Severity.WARNING, 1)
    assert analysis.access is Access.WRITE
    assert WRITTEN_OUT not in analysis.verified


@pytest.mark.parametrize(
    "text",
    [
        "const db = other; await db.query('delete from t')",
        "async function f(db) { await db.query('delete from t') } await f(x)",
        "try { x() } catch (db) { await db.query('delete from t') }",
    ],
)
def test_a_db_of_the_scripts_own_is_told(text: str) -> None:
    analysis = sql(text)
    assert "unfollowed_use" in codes(analysis)
    assert WRITTEN_OUT not in analysis.verified


@pytest.mark.parametrize(
    "text",
    [
        "eval(x)",
        "const e = eval; e(x)",
        "(0, eval)(x)",
        "new Function('return db')()",
        "Function('return db')()",
        "const F = (async () => {}).constructor; await F(x)()",
        "const {constructor: F} = () => 1; F(x)()",
        "await (() => 1).constructor(x)()",
        "const _ = require('lodash'); _.template('<% db.query(1) %>')()",
    ],
)
def test_text_that_becomes_code_is_told(text: str) -> None:
    analysis = sql(f"{text}; await db.query('select 1')")
    assert "dynamic_code" in codes(analysis)
    assert (analysis.access, WRITTEN_OUT in analysis.verified) == (Access.WRITE, False)


@pytest.mark.parametrize(
    "text",
    [
        "const f = (() => 1)['constr' + 'uctor']",
        "const f = (() => 1)[key]",
        "const {[key]: f} = () => 1",
        "const f = Object.getPrototypeOf(async () => 1)",
        "const f = Reflect.get(() => 1, key)",
    ],
)
def test_nothing_is_claimed_where_code_could_be_reached_unnamed(text: str) -> None:
    analysis = sql(f"{text}; await db.query('select 1')")
    assert (analysis.access, analysis.verified.count(WRITTEN_OUT)) == (Access.WRITE, 0)


@pytest.mark.parametrize(
    "text",
    [
        "const rows = (await db.query('select 1')).rows; for (let i = 0; i < rows.length; i++) console.log(rows[i].a)",
        "const r = await db.one('select 1'); return r.a['b'][0]",
        "return typeof db",
        "if (x.constructor.name === 'A') await db.query('select 1')",
        "return f instanceof Function",
    ],
)
def test_what_is_harmless_costs_no_assurance(text: str) -> None:
    analysis = sql(f"await db.query('select 1'); {text}")
    assert WRITTEN_OUT in analysis.verified
    assert set(codes(analysis)) == {"read_in_write"}


# --- told-13 ---------------------------------------------------------------------------------------


def test_only_a_whole_script_is_called_a_read() -> None:
    """told-13"""
    text = "const r = await db.query('select 1'); await db.query('update airlines set name = name where carrier = $1', ['AA'])"
    assert codes(sql(text)) == []
    assert codes(sql("await db.query('select 1'); await db.query(x)")) == ["built_statement"]
    assert codes(sql("await db.query('select 1'); await work(db)")) == ["unfollowed_use"]
    assert codes(sql("await db.query('select 1'); await db.query('select 2')")) == ["read_in_write"]
    assert codes(mongo("await db.a.find({}).toArray(); await db.b.deleteOne({_id: 1})")) == []


def test_what_holds_of_every_call_is_claimed_of_the_script() -> None:
    verified = sql("await db.query('select 1'); await db.query('delete from t where a = $1', [1])").verified
    assert {Verified.EVERY_WRITE_FILTERED, Verified.NOTHING_DROPPED, WRITTEN_OUT} <= set(verified)
    verified = sql("await db.query('delete from t'); await db.query('delete from t where a = $1', [1])").verified
    assert Verified.EVERY_WRITE_FILTERED not in verified
    assert Verified.ONLY_READS in sql("await db.query('select 1')", Access.READ).verified
    assert Verified.ONLY_READS not in sql("await db.query('select 1'); await db.query(x)", Access.READ).verified
    assert set(sql("return 1", Access.READ).verified) == {
        Verified.SYNTAX,
        Verified.NO_HIDDEN_CHARACTERS,
        Verified.NO_LOOKALIKE_NAMES,
    }


def test_options_leave_the_values_counted() -> None:
    assert codes(sql("return await db.query('select $1::int', [1], {dates: true})", Access.READ)) == []
    assert "parameters_mismatch" in codes(
        sql("return await db.query('select $1::int', [], {dates: true})", Access.READ)
    )
