"""Scripts on a live MongoDB: every type arrives as it left, and a script is one transaction."""

# ruff: noqa: E501 - scripts as people write them stand on one line
from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient

from executors import processes
from executors.base import Access, EngineKind, ExecutionError, Job, Language, Limits, Refused, StatementFailed, Target
from executors.tests.script.conftest import Recorder

pytestmark = [pytest.mark.sandbox, pytest.mark.mongo]

RunMongo = Callable[..., Recorder]


@pytest.fixture(scope="module")
def urls(mongo_url: str) -> Iterator[dict[Access, str]]:
    """A reader and a writer of the database `scripted`."""
    parts = urlsplit(mongo_url)
    client: MongoClient[dict[str, object]] = MongoClient(mongo_url)
    for name, role in (("script_r", "read"), ("script_w", "readWrite")):
        client.admin.command("createUser", name, pwd=name, roles=[{"role": role, "db": "scripted"}])
    client.scripted.items.insert_many([{"_id": number, "even": number % 2 == 0} for number in range(1200)])
    host = parts.netloc.rpartition("@")[2]
    names = {Access.READ: "script_r", Access.WRITE: "script_w"}
    yield {
        access: parts._replace(netloc=f"{name}:{name}@{host}", path="/scripted").geturl()
        for access, name in names.items()
    }
    processes.close()
    client.drop_database("scripted")
    for name in names.values():
        client.admin.command("dropUser", name)
    client.close()


@pytest.fixture
def run_mongo(urls: dict[Access, str]) -> RunMongo:
    def run(text: str, access: Access = Access.READ, seen: Recorder | None = None) -> Recorder:
        target = Target(f"scripted-{access}", EngineKind.MONGODB, access, urls[access])
        seen = seen or Recorder()
        processes.run(Job("q2", target, Language.SCRIPT, text, Limits(15, 5000, 5_000_000)), seen, seen)
        return seen

    return run


def values(seen: Recorder) -> list[object]:
    return [json.loads(line) for line in seen.lines]


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
