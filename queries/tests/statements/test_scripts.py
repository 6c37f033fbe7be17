"""Scripts as people write them, from the submission through the approval to their result, on the real servers."""

# ruff: noqa: E501 - scripts as people write them stand on one line
from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape
from pymongo.database import Database

from queries.lifecycle import Status
from queries.models import QueryRequest
from queries.presentation import script_manual
from queries.results.access import view_page
from queries.tests.world import MONGO_READ_VARIABLE, MONGO_WRITE_VARIABLE, TargetDatabase, World, empty
from web.errors import BadInput

pytestmark = [pytest.mark.mongo, pytest.mark.sandbox]

# What a read returns, one value a row.
SQL_READS = [
    ("return (await db.query('select id, name from items order by id')).rows.map(r => r.name ?? '-')", ["one", "", "-"]),
    ("const {count} = await db.one('select count(*) from items'); return count + 1", [4]),
    ("const r = await db.query('select id from items where id = any($1) order by 1', [[1, 3]]); return r.rows.map(({id}) => id)", [1, 3]),
    ("let sum = 0; for await (const {id} of db.iterate('select id from items')) sum += id; return sum", [6]),
    ("const {rows: [first]} = await db.query('select * from items where id = $1', [1]); return first.name", ["one"]),
    ("const byId = Object.fromEntries((await db.query('select id, name from items')).rows.map(r => [r.id, r.name])); return byId[1]", ["one"]),
    ("const groups = Map.groupBy((await db.query('select id from items')).rows, r => r.id % 2 ? 'odd' : 'even'); return groups.get('odd').length", [2]),
    ("try { await db.query('select 1 / (id - 1) from items') } catch (e) { return e.code }", ["22012"]),
    ("return await db.attempt(() => db.query('select 1/0')).catch(e => e.code)", ["22012"]),
    ("const n = await db.one('select 9007199254740993::int8 as n'); return String(n.n)", ["9007199254740993"]),
    ("console.table((await db.query('select id from items')).rows); console.time('a'); console.timeEnd('a'); return performance.now() >= 0", [True]),
    ("const _ = require('lodash'); return _.sumBy((await db.query('select id from items')).rows, 'id')", [6]),
    ("const [a, b] = await Promise.all([db.one('select 1 as n'), db.one('select 2 as n')]); return a.n + b.n", [3]),
    ("const page = async (after) => (await db.query('select id from items where id > $1 order by id limit 1', [after])).rows[0]?.id; let id = 0, n = 0; while ((id = await page(id))) n += 1; return n", [3]),
    ("const {doc} = await db.one(`select '{\"a\": [1, 2]}'::jsonb as doc`); return doc.a.reduce((x, y) => x + y)", [3]),
    ("return new Date((await db.one(\"select timestamptz '2026-01-31 12:00+00' as at\")).at).getUTCDate()", [31]),
    ("return Number((await db.one('select 1.10::numeric as price')).price).toFixed(1)", ["1.1"]),
    ("if ((await db.one('select count(*) as n from items')).n !== 3) throw new Error('other rows'); return 'as expected'", ["as expected"]),
]  # fmt: skip
# How many rows a write changes.
SQL_WRITES = [
    ("await db.query('update items set name = $1 where id = $2', ['x', 1])", 1),
    ("for (const [id, name] of [[1, 'a'], [2, 'b']]) await db.query('update items set name = $2 where id = $1', [id, name])", 2),
    ("for (const id of [1, 7, 2, 8]) { try { await db.attempt(() => db.query('insert into items values ($1)', [id])) } catch (e) { if (e.code !== '23505') throw e; console.warn('%d is there', id) } }", 2),
    ("await db.attempt(async () => { await db.query('delete from items where id = 1'); throw new Error('no') }).catch(e => console.log(e.message)); await db.query(\"update items set name = 'y' where id = 2\")", 1),
    ("const {rows} = await db.query('select id from items where name is null'); for (const r of rows) await db.query('delete from items where id = $1', [r.id])", 1),
    ("const {rows} = await db.query(\"insert into items values (9, 'n') returning id\"); console.log('made %d', rows[0].id)", 1),
    ("await db.query('insert into items select v, $2 from unnest($1::int[]) v', [[11, 12, 13], 'many'])", 3),
    ("async function rename(id, name) { return db.query('update items set name = $2 where id = $1', [id, name]) } await rename(1, 'q'); await rename(3, 'r')", 2),
    ("let n = 0; for await (const r of db.iterate('select id from items order by id')) { await db.attempt(() => db.query('update items set name = $2 where id = $1', [r.id, 'n' + r.id])); n += 1 } console.log(n)", 3),
    ("const {rowCount} = await db.query('update items set name = name where id = 77'); if (rowCount === 0) console.info('nothing to do')", 0),
]  # fmt: skip
MONGO_READS = [
    ("return (await db.items.find({}).sort({_id: 1}).toArray()).length", [3]),
    ("return await db.items.find({name: {$ne: null}}).sort({_id: 1}).map(d => d.name).toArray()", ["one", ""]),
    ("return db.items.find({_id: 1}).map(d => d.name)", ["one"]),
    ("const c = db.getCollection('items').find({_id: {$lt: 3}}).sort({_id: 1}); const all = []; while (await c.hasNext()) all.push((await c.next())._id); return all", [1, 2]),
    ("let n = 0; await db.items.find({_id: {$gt: 0}}).forEach(d => { n += d._id }); return n", [6]),
    ("return await db.collection('items').countDocuments({})", [3]),
    ("return (await db.items.aggregate([{$group: {_id: null, n: {$sum: 1}}}]).toArray())[0].n", [3]),
    ("return (await db.listCollections().toArray()).map(c => c.name)", ["items"]),
    ("return await db.getCollectionNames()", ["items"]),
    ("return (await db.items.findOne({_id: 1})).name", ["one"]),
    ("return ObjectId('0123456789abcdef01234567').getTimestamp() < ISODate()", [True]),
    ("return [NumberLong('5') + 1, NumberInt(3) + 1, String(NumberDecimal('1.10'))]", [6, 4, "1.10"]),
    ("const d = await db.items.findOne({_id: 99}); return d === null ? 'none' : d.name", ["none"]),
    ("return await db.items.distinct('_id', {_id: {$lt: 3}})", [1, 2]),
    ("try { await db.items.find({a: {$nope: 1}}).toArray() } catch (e) { return e.code }", [2]),
    ("const seen = new Set(); for await (const d of db.items.find({_id: {$in: [1, 2]}})) seen.add(d._id); return seen.size", [2]),
    ("const {format} = require('date-fns'); return format(ISODate('2026-01-31'), 'yyyy')", ["2026"]),
]  # fmt: skip
MONGO_WRITES = [
    ("await db.items.updateOne({_id: 1}, {$set: {name: 'x'}})", 1),
    ("const r = await db.items.insertOne({_id: 9}); console.log('%o', r.insertedId)", 1),
    ("await db.items.insertMany([{_id: 7, at: ISODate()}, {_id: 8, n: NumberLong(5)}])", 2),
    ("for await (const d of db.items.find({name: null})) await db.items.deleteOne({_id: d._id})", 1),
    ("const items = db.items; for (const _id of [1, 2]) await items.updateOne({_id}, {$set: {seen: true}})", 2),
    ("await db.items.find({_id: {$lt: 3}}).forEach(async d => { await db.items.updateOne({_id: d._id}, {$inc: {n: 1}}) })", 2),
    ("if (!await db.items.findOne({_id: 5})) await db.items.insertOne({_id: 5})", 1),
    ("await db.items.bulkWrite([{insertOne: {document: {_id: 6}}}, {deleteOne: {filter: {_id: 1}}}])", 2),
    ("await db.items.replaceOne({_id: 1}, {name: 'all new'})", 1),
]  # fmt: skip
RUNS = [
    *(("postgresql", "read", *row) for row in SQL_READS),
    *(("postgresql", "write", *row) for row in SQL_WRITES),
    *(("mongodb", "read", *row) for row in MONGO_READS),
    *(("mongodb", "write", *row) for row in MONGO_WRITES),
]
# Engine, access, what is refused, with which code, a piece of the hint, what the hint says to write, and its end.
REFUSED: list[tuple[str, str, str, str, str, str, object]] = [
    ("postgresql", "read", "return require('zod').z.number().parse(1)", "module_not_allowed", "This target allows date-fns, lodash.", "return require('lodash').toNumber('1')", [1]),
    ("postgresql", "read", "return require('fs')", "module_not_allowed", "date-fns", "return typeof require('date-fns').format", ["function"]),
    ("postgresql", "read", "return await db.transaction(async () => 1)", "unknown_method", "db.attempt", "return await db.attempt(async () => 1)", [1]),
    ("postgresql", "read", "return (await db.qurey('select 1 as n')).rows", "unknown_method", "Did you mean query?", "return (await db.query('select 1 as n')).rows", [1]),
    ("postgresql", "write", "await db.query('savepoint a'); await db.query('delete from items where id = 1')", "refused_statement", "db.attempt", "await db.attempt(() => db.query('delete from items where id = 1'))", 1),
    ("postgresql", "read", "return (await db.query('select 1 as n; select 2')).rows", "several_statements", "Make a call for each.", "await db.query('select 2'); return (await db.query('select 1 as n')).rows", [1]),
    ("postgresql", "read", "return (await db.query('select $1::text as n', [9007199254740993])).rows", "number_rounded", "9007199254740993n", "return (await db.query('select $1::text as n', [9007199254740993n])).rows", ["9007199254740993"]),
    ("postgresql", "read", "import _ from 'lodash'; return 1", "module_syntax", "require(", "const _ = require('lodash'); return _.add(0, 1)", [1]),
    ("mongodb", "read", "return await db.query('select 1')", "unknown_method", "db.<collection>.find", "return await db.items.find({_id: 1}).map(d => d._id)", [1]),
    ("mongodb", "read", "return await db.getCollectionInfos()", "unknown_method", "Use db.listCollections().toArray().", "return (await db.listCollections().toArray()).length", [1]),
    ("mongodb", "write", "await db.attempt(() => db.items.insertOne({_id: 1}))", "unknown_method", "findOne", "if (!await db.items.findOne({_id: 1})) await db.items.insertOne({_id: 1})", 0),
    ("mongodb", "write", "await db.items.update({_id: 1}, {$set: {a: 1}})", "unknown_method", "updateOne", "await db.items.updateOne({_id: 1}, {$set: {a: 1}})", 1),
    ("mongodb", "read", "return await db.listCollections().sort({name: 1}).toArray()", "unknown_method", "map", "return (await db.listCollections().map(c => c.name)).sort()", ["items"]),
    ("mongodb", "read", "await db.items.deleteOne({_id: 1})", "write_in_read", "write", "", None),
]  # fmt: skip


@pytest.fixture(scope="module")
def lab(committed: World) -> World:
    """Everybody, and a target that takes scripts with two modules."""
    committed.change_target(allow_scripts=True, script_modules=["date-fns", "lodash"])
    return committed


@pytest.fixture(autouse=True)
def rows(lab: World, target_database: TargetDatabase, mongo_database: Database[dict[str, Any]]) -> Iterator[None]:
    """The same rows before each, on both servers."""
    with target_database.connect() as connection:
        connection.execute("DELETE FROM items; INSERT INTO items VALUES (1, 'one'), (2, ''), (3, NULL)")
    empty(mongo_database)
    mongo_database.items.insert_many([{"_id": 1, "name": "one"}, {"_id": 2, "name": ""}, {"_id": 3, "name": None}])
    before = {name: getattr(lab.target, name) for name in ("engine", "read_url_variable", "write_url_variable")}
    yield
    lab.change_target(**before)
    empty(mongo_database)


def on(lab: World, engine: str) -> None:
    if engine == "mongodb":
        lab.change_target(engine=engine, read_url_variable=MONGO_READ_VARIABLE, write_url_variable=MONGO_WRITE_VARIABLE)


def run(lab: World, access: str, text: str, gives: int | Sequence[object]) -> QueryRequest:
    """From the submission to the end, which is the right one."""
    query = lab.executed(text, access=access, language="script")
    assert (query.status, query.execution.failure_code) == (Status.EXECUTED, ""), query.execution.said.message
    if not isinstance(gives, int):
        found = [value for (value,) in view_page(actor=lab.author, query=query).rows]
        assert found == [value if isinstance(value, str) else json.dumps(value) for value in gives]
    else:
        assert (query.execution.rows_affected or 0) == gives
    return query


@pytest.mark.parametrize(("engine", "access", "text", "gives"), RUNS, ids=lambda value: str(value)[:60])
def test_it_runs_as_written(lab: World, engine: str, access: str, text: str, gives: int | Sequence[object]) -> None:
    on(lab, engine)
    run(lab, access, text, gives)


@pytest.mark.parametrize(
    ("engine", "access", "text", "code", "hint", "followed", "gives"), REFUSED, ids=lambda value: str(value)[:60]
)
def test_it_is_refused_with_a_hint_that_works(
    lab: World, engine: str, access: str, text: str, code: str, hint: str, followed: str, gives: int
) -> None:
    on(lab, engine)
    with pytest.raises(BadInput) as caught:
        lab.submitted(text, access=access, language="script")
    found = [error for error in caught.value.fields["statement"] if error.code == code]
    assert found
    assert all(error.line for error in found)
    assert any(hint in error.message for error in found)
    # With the other access the same text is what the hint says.
    run(lab, access if followed else "write", followed or text, gives if followed else 1)


@pytest.mark.parametrize("example", script_manual.EXAMPLES, ids=lambda example: example.title)
def test_an_example_of_the_manual_runs(lab: World, example: script_manual.Example) -> None:
    on(lab, example.engine)
    query = lab.executed(example.text, access="write" if example.writes else "read", language="script")
    assert (query.status, query.execution.failure_code) == (Status.EXECUTED, ""), query.execution.said.message
    assert bool(query.execution.rows_affected) is example.writes
    assert bool(query.execution.row_count) is not example.writes


def test_the_manual_is_in_the_docs_and_beside_the_editor(lab: World, client: Client) -> None:
    docs = Path(__file__).parents[3] / "docs" / "scripts.md"
    assert docs.read_text("utf-8") == script_manual.markdown()
    client.force_login(lab.author)
    page = client.get("/queries/new/").content.decode()
    assert all(escape(example.text) in page for example in script_manual.EXAMPLES)
    assert all(escape(text) in page for _, text in script_manual.RULES)
