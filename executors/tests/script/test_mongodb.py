"""Scripts on a live MongoDB: every type arrives as it left, and a script is one transaction."""

# ruff: noqa: E501 - scripts as people write them stand on one line
from __future__ import annotations

import pytest

from executors.base import Access, ExecutionError, Refused, StatementFailed
from executors.tests.script.conftest import Recorder, RunMongo, values

pytestmark = [pytest.mark.sandbox, pytest.mark.mongo]


def test_a_chain_is_one_recorded_call(run_mongo: RunMongo) -> None:
    seen = run_mongo(
        "return await db.collection('items').find({even: true}).sort({_id: -1}).limit(2).project({_id: 1}).toArray()"
    )
    assert values(seen) == [[1198], [1196]]
    assert [call.statement for call in seen.calls] == [
        'db.items.find({"even":true}).sort({"_id":-1}).limit(2).projection({"_id":1})'
    ]


def test_iteration_sees_every_document(run_mongo: RunMongo) -> None:
    assert values(run_mongo("let n = 0; for await (const d of db.collection('items').find({})) n += 1; return n")) == [
        [1200]
    ]


def test_every_type_survives_a_round_trip(run_mongo: RunMongo) -> None:
    text = """
    const types = {a: new ObjectId('0123456789abcdef01234567'), b: new Long('9007199254740993'), c: new Decimal128('1.10'),
      d: new Int32(5), e: new Double(5), f: new Binary([1, 255], 128), g: new UUID('00112233-4455-6677-8899-aabbccddeeff'),
      h: new Timestamp({t: 1, i: 2}), i: new MinKey(), j: new MaxKey(), k: /a.b/i, l: new Date(5), m: null, n: [1, {o: 2.5}], p: -0.0};
    await db.collection('types').insertOne({_id: 1, ...types});
    const {_id, ...found} = await db.collection('types').findOne({_id: 1});
    return JSON.stringify(types) === JSON.stringify({...found, d: new Int32(found.d), e: new Double(found.e), k: /a.b/i})
      && found.k.options === 'i' && Object.is(found.p, -0)"""
    assert values(run_mongo(text, Access.WRITE)) == [[True]]


def test_a_script_that_throws_leaves_nothing(run_mongo: RunMongo) -> None:
    with pytest.raises(StatementFailed, match="undo"):
        run_mongo("await db.collection('items').deleteMany({}); throw new Error('undo')", Access.WRITE)
    assert values(run_mongo("return await db.collection('items').countDocuments()")) == [[1200]]


@pytest.mark.parametrize(
    "call",
    [
        "updateOne({_id: 1}, {$set: {a: 1}})",
        "find({$where: 'true'}).toArray()",
        "aggregate([{$out: 'other'}]).toArray()",
        "aggregate([{$lookup: {from: 'items', pipeline: [{$match: {$where: 'true'}}], as: 'x'}}]).toArray()",
        "find({}).limit(-1.5).toArray()",
    ],
)
def test_a_read_is_held_to_reading(run_mongo: RunMongo, call: str) -> None:
    seen = Recorder()
    with pytest.raises(Refused) as raised:
        run_mongo(f"await db.collection('items').{call}", seen=seen)
    assert raised.value.detail["line"] == "1"
    assert seen.calls[0].failure


def test_a_caught_failure_still_forbids_the_commit(run_mongo: RunMongo) -> None:
    text = "const c = db.collection('items'); await c.insertOne({_id: 9001}); try { await c.insertOne({_id: 9001}) } catch {}"
    with pytest.raises(ExecutionError, match="given the transaction up"):
        run_mongo(text, Access.WRITE)


SHELL = [
    ("await db.items.find({_id: {$lt: 3}}).sort({_id: 1}).map(d => d._id * 2).toArray()", [0, 2, 4]),
    ("await db.items.find({_id: {$lt: 2}}).map(d => d._id).map(n => n + 1).sort({_id: -1})", [2, 1]),
    ("db.items.find({_id: 7}).map(async d => d._id)", [7]),
    ("(await db.items.aggregate([{$match: {_id: 7}}]).map(d => d._id).toArray()).length", [1]),
    (
        "await (async () => { const c = db.items.find({_id: {$lt: 2}}).sort({_id: 1}).map(d => d._id); const all = []; while (await c.hasNext()) all.push(await c.next()); return all })()",
        [0, 1],
    ),
    (
        "await (async () => { let n = 0; await db.items.find({_id: {$lt: 3}}).map(d => d._id).forEach(i => { n += i }); return n })()",
        [3],
    ),
    (
        "await (async () => { const all = []; for await (const i of db.items.find({_id: {$lt: 2}}).map(d => d._id)) all.push(i); return all })()",
        [0, 1],
    ),
    ("(await db.listCollections().toArray()).map(c => [c.name, c.type].join()).includes('items,collection')", [True]),
    ("(await db.listCollections().map(c => c.name)).includes('items')", [True]),
    (
        "await (async () => { const all = []; for await (const c of db.listCollections()) all.push(c.name); return all.includes('items') })()",
        [True],
    ),
    (
        "await (async () => { const c = db.listCollections(); let n = 0; while (await c.hasNext()) n += (await c.next()).name === 'items'; return [n, await c.next()] })()",
        [1, None],
    ),
    ("(await db.getCollectionNames()).filter(n => n === 'items')", ["items"]),
    (
        "[ObjectId('0123456789abcdef01234567').toString(), NumberLong('5').toString(), NumberInt(3).toString(), NumberDecimal('1.10').toString(), ISODate('2026-01-31').toISOString()]",
        ["0123456789abcdef01234567", "5", "3", "1.10", "2026-01-31T00:00:00.000Z"],
    ),
    ("await db.getCollection('items').countDocuments({even: true})", [600]),
]


@pytest.mark.parametrize(("expression", "expected"), SHELL)
def test_what_is_written_in_the_shell_works(run_mongo: RunMongo, expression: str, expected: list[object]) -> None:
    assert values(run_mongo(f"return {expression}")) == [[value] for value in expected]


def test_a_write_may_list_the_collections(run_mongo: RunMongo) -> None:
    text = "await db.items.updateOne({_id: 1}, {$set: {listed: (await db.getCollectionNames()).includes('items')}}); return (await db.items.findOne({_id: 1})).listed"
    assert values(run_mongo(text, Access.WRITE)) == [[True]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("await db.attempt(async () => {})", "gives a MongoDB transaction up"),
        ("await db.items.find({}).map('x')", "map takes a function"),
        ("db.listCollections({name: 'items'})", "takes no values"),
        ("await db.listCollections().sort({name: 1}).toArray()", "sort"),
    ],
)
def test_what_there_is_not_is_said(run_mongo: RunMongo, text: str, said: str) -> None:
    with pytest.raises(ExecutionError, match=said):
        run_mongo(text)
