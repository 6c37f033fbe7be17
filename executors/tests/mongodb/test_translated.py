"""What works in mongosh as the script that does the same; what could come to mean something else is left alone."""

# ruff: noqa: E501, ISC004 - scripts stand on one line
from __future__ import annotations

import pytest

from executors.base import Access, EngineKind, FindingCode, Severity
from executors.mongodb.reading.analysis import analyse
from executors.mongodb.reading.translated import translated

SAME = [
    ("db.c.find().map(d => d.n)", "return await db.c.find().map(d => d.n).toArray()"),
    ("db.c.find().map(d => d.n).toArray()", "return await db.c.find().map(d => d.n).toArray()"),
    ("db.c.find().toArray().map(d => d.n)", "return (await db.c.find().toArray()).map(d => d.n)"),
    ("db.c.find().forEach(printjson);", "await db.c.find().forEach((d) => console.log(d));"),
    ("db.c.find().forEach(d => print(d.n))", "await db.c.find().forEach(d => console.log(d.n))"),
    ("db.c.aggregate([]).forEach(function(d) { printjson(d) })",
     "await db.c.aggregate([]).forEach(function(d) { console.log(d) })"),
    ("db.c.find()[0].n", "return (await db.c.find().toArray())[0].n"),
    ("db.c.findOne({_id: 1}).n.length", "return (await db.c.findOne({_id: 1})).n.length"),
    ("db.c.find().itcount() + 1", "return (await db.c.find().toArray()).length + 1"),
    ("db.c.find().size()", "return await db.c.find().count()"),
    ("db.c.count({a: 1}) > 2", "return await db.c.countDocuments({a: 1}) > 2"),
    ("var c = db.c.find(); while (c.hasNext()) print(c.next().n);",
     "var c = db.c.find(); while (await c.hasNext()) console.log((await c.next()).n);"),
    ("let c; c = db.c.find(); c.next()", "let c; c = db.c.find(); return await c.next()"),
    ("const c = db.c; c.find().limit(1)", "const c = db.c; return await c.find().limit(1).toArray()"),
    ("for (const d of db.c.find()) print(d)", "for await (const d of db.c.find()) console.log(d)"),
    ("for (const d of db.c.find().toArray()) print(d)", "for (const d of await db.c.find().toArray()) console.log(d)"),
    ("db.c.find().forEach(d => { db.o.insertOne(d) })",
     "await db.c.find().forEach(async d => { await db.o.insertOne(d) })"),
    ("[1, 2].forEach(n => db.c.deleteOne({_id: n}))",
     "for (const each of [1, 2]) await (async n => await db.c.deleteOne({_id: n}))(each)"),
    ("[1, 2].map(n => db.c.findOne({_id: n}))",
     "return await Promise.all([1, 2].map(async n => await db.c.findOne({_id: n})))"),
    ("db.getCollectionNames().forEach(n => print(db[n].findOne()))",
     "for (const each of (await db.getCollectionNames())) await (async n => console.log("
     "await db.getCollection(n).findOne()))(each)"),
    ("function f(n) { return db.c.findOne({_id: n}) }\nf(1).n",
     "async function f(n) { return await db.c.findOne({_id: n}) }\nreturn (await f(1)).n"),
    ("const f = n => db.c.findOne({_id: n}); print(f(1))",
     "const f = async n => await db.c.findOne({_id: n}); console.log(await f(1))"),
    ("if (db.c.countDocuments({}) > 3) { db.c.deleteMany({a: 1}) } // é\n",
     "if (await db.c.countDocuments({}) > 3) { await db.c.deleteMany({a: 1}) } // é"),
    ("db.c.find({_id: {$in: db.o.distinct('ref')}})",
     "return await db.c.find({_id: {$in: await db.o.distinct('ref')}}).toArray()"),
    # A shell shows what a cursor gives; a cursor itself is no row.
    ("db.c.find({a: 1 > 0 ? 1 : 2});", "return await db.c.find({a: 1 > 0 ? 1 : 2}).toArray();"),
    ("(db.c.aggregate([{$match: {a: `x${1}`}}]))", "return await (db.c.aggregate([{$match: {a: `x${1}`}}])).toArray()"),
    ("const n = 1; await db.c.find({n})", "const n = 1; return await db.c.find({n}).toArray()"),
    ("db.o.find();\ndb.c.find();", "db.o.find();\nreturn await db.c.find().toArray();"),
    ("const all = db.c.find().sort({a: 1}); all", "const all = db.c.find().sort({a: 1}); return await all.toArray()"),
    ("tojson(db.c.findOne())", "return JSON.stringify(await db.c.findOne())"),
    ("use shop\ndb.c.find().map(d => d.a)", "return await db.c.find().map(d => d.a).toArray()"),
    ("print(tojson(db.c.findOne()))", "console.log(JSON.stringify(await db.c.findOne()))"),
    ("try { db.c.insertOne({_id: 1}) } catch (e) { print(e) }",
     "try { await db.c.insertOne({_id: 1}) } catch (e) { console.log(e) }"),
    ("x = db.c.find().toArray().length", "let x = (await db.c.find().toArray()).length"),
    ("await db.c.findOne()", "return await db.c.findOne()"),
]  # fmt: skip
LEFT = [
    "db.c.drop()", "db.c.find().skip(1).count(true)", "db.c.find().filter(x => x)", "db.c.find().length", "load('a.js')", "rs.status()", "print(1)", "1 + 1",
    "db.getSiblingDB('x').c.find().map(d => 1)", "db.c.find().toArray().filter(d => db.o.findOne({_id: d._id}))",
    "[1, 2].forEach((n, i) => db.c.deleteOne({_id: n}))", "x = [1].forEach(n => db.c.deleteOne({_id: n}))",
    "[3, 1].sort((a, b) => db.c.findOne({_id: a}).n - 1)", "const d = db; d.c.find()", "db.c?.find().map(d => d)",
    "db.c.find().map(d => d", "db.c.find().noSuch()", "db[x][y].find().map(d => d)", "(" * 50_000,
    "db.c.find()" + ".map(d => d)" * 40_000,
    "db.c.find({_id: id})", "db.c.find({}, (err, docs) => {})", "x = 1; y.push(db.c.findOne())",
    "({m: () => db.c.findOne()}).m()", "function* g() { yield db.c.findOne() } [...g()]", "class A { m() { return db.c.findOne() } }",
]  # fmt: skip


@pytest.mark.parametrize(("shell", "script"), SAME)
def test_the_text_stays_and_its_calls_are_awaited(shell: str, script: str) -> None:
    assert translated(shell) == script


@pytest.mark.parametrize("shell", LEFT, ids=lambda shell: shell[:40])
def test_what_could_mean_something_else_is_left(shell: str) -> None:
    assert translated(shell) == ""


@pytest.mark.parametrize(("shell", "script"), [one for one in SAME if "map(d" in one[0]][:3])
def test_the_refusal_carries_it(shell: str, script: str) -> None:
    (found,) = [f for f in analyse(EngineKind.MONGODB, shell, (), Access.READ).findings if f.severity is Severity.ERROR]
    assert found.script == script
    assert "script" in found.hint


def test_what_is_no_statement_of_the_shell_either_carries_none() -> None:
    (found,) = analyse(EngineKind.MONGODB, "db.c.mapReduce()", (), Access.READ).findings
    assert (found.code, found.script) == (FindingCode.MONGO_METHOD, "")
