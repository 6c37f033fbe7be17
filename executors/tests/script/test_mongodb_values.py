"""Values between a script and a live MongoDB, and the names that a script can use there."""

# ruff: noqa: E501 - scripts as people write them stand on one line
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bson
import pytest
from pymongo import MongoClient

from executors.base import Access, Refused, StatementFailed
from executors.tests.script.conftest import Recorder, RunMongo, values

pytestmark = [pytest.mark.sandbox, pytest.mark.mongo]


@pytest.fixture
def raw_collection(mongo_url: str) -> Iterator[Any]:
    """A collection that is written from outside, byte by byte if need be."""
    client: MongoClient[Any] = MongoClient(mongo_url, document_class=bson.raw_bson.RawBSONDocument)
    yield client.scripted.odd
    client.scripted.odd.drop()
    client.close()


def fields(*elements: bytes) -> bson.raw_bson.RawBSONDocument:
    body = b"".join(elements)
    return bson.raw_bson.RawBSONDocument((len(body) + 5).to_bytes(4, "little") + body + b"\0")


def number(name: str, value: int) -> bytes:
    return b"\x10" + name.encode() + b"\0" + value.to_bytes(4, "little")


# --- names (page-05) ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        pytest.param("db.items", id="page-05"),
        "db.collection('items')",
        "db.getCollection('items')",
        "db['items']",
        "((c) => c)(db).items",
    ],
)
def test_a_collection_has_many_names(run_mongo: RunMongo, call: str) -> None:
    text = f"let n = 0; await {call}.find({{_id: {{$lt: 5}}}}).forEach(d => {{ n += d._id }}); return n"
    seen = run_mongo(text)
    assert values(seen) == [[10]]
    assert seen.calls[0].statement.startswith("db.items.find(")


def test_a_dotted_collection_is_one(run_mongo: RunMongo) -> None:
    seen = run_mongo("return [await db.a.b.countDocuments(), await db.getCollection('a.b').countDocuments()]")
    assert [call.statement for call in seen.calls] == ["db.a.b.countDocuments()"] * 2


def test_values_are_made_without_new(run_mongo: RunMongo) -> None:
    text = """
    const made = [ObjectId('0123456789abcdef01234567'), ISODate('2026-01-31'), NumberLong('9007199254740993'), NumberInt(5),
      NumberDecimal('1.10'), UUID('00112233-4455-6677-8899-aabbccddeeff'), Timestamp(1, 2), Timestamp({t: 1, i: 2}), MinKey(),
      BinData(0, 'SGk='), HexData(0, '4869'), Double(5), Long(7n), Int32('8'), Decimal128('1e3')];
    await db.made.insertOne({_id: 1, made});
    const kinds = (await db.made.aggregate([{$unwind: '$made'}, {$project: {_id: 0, t: {$type: '$made'}}}]).toArray()).map(({t}) => t);
    return [kinds.join(' '), ObjectId() instanceof ObjectId, new ObjectId() instanceof ObjectId, made[0].constructor === ObjectId,
      made[1].toISOString(), String(made[9].buffer) === String(made[10].buffer)]"""
    assert values(run_mongo(text, Access.WRITE)) == [
        ["objectId date long int decimal binData timestamp timestamp minKey binData binData double long int decimal"],
        [True],
        [True],
        [True],
        ["2026-01-31T00:00:00.000Z"],
        [True],
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("db.colection('items')", "db has no method colection; did you mean collection?"),
        ("db.runCommand({ping: 1})", "db has no method runCommand; submit it in the mongo language"),
        ("db.items.findd({})", "A collection has no method findd; did you mean find?"),
        ("db.items.update({}, {})", "A collection has no method update; use updateOne or updateMany"),
        ("db.items.find({}).projct({})", "A cursor has no projct; did you mean project?"),
        ("db.collection('a')('b')", "db.a is a collection, not a function"),
        ("db.collection()", "the name of a collection is one text in quotes"),
        ("db.collection('')", "the name of a collection is one text in quotes"),
        ("db.items.x = 1", "x of a collection cannot be set"),
    ],
)
def test_what_does_not_exist_says_so(run_mongo: RunMongo, text: str, said: str) -> None:
    with pytest.raises(StatementFailed) as raised:
        run_mongo(f"const a = 1;\n{text}")
    assert said in raised.value.public_message
    assert raised.value.public_message.startswith("TypeError: ")
    assert raised.value.detail["line"] == "2"


def test_a_collection_is_no_promise_and_no_data(run_mongo: RunMongo) -> None:
    text = "const c = await db.items; return [`${c}`, await c.countDocuments(), typeof db.then, JSON.stringify({c})]"
    assert values(run_mongo(text)) == [["db.items"], [1200], ["undefined"], ["{}"]]


def test_a_cursor_is_walked_as_in_the_shell(run_mongo: RunMongo) -> None:
    text = """
    const c = db.items.find({_id: {$lt: 3}}).sort({_id: 1}).pretty().batchSize(2), seen = [];
    while (await c.hasNext()) seen.push((await c.next())._id);
    return [seen.join(), await c.next(), await c.tryNext(), (await db.items.find({_id: 5}).next())._id]"""
    assert values(run_mongo(text)) == [["0,1,2"], [None], [None], [5]]


# --- options of find -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("second", "recorded"),
    [
        ("{projection: {even: 1}, sort: {_id: -1}, limit: 2}", '{"even":1}, {"sort":{"_id":-1},"limit":2}'),
        ("{projection: {even: 1}}", '{"even":1}'),
        ("{limit: 2}", '{}, {"limit":2}'),
        ("{even: 1}", '{"even":1}'),
        ("{comment: 1}", '{"comment":1}'),
    ],
)
def test_the_options_of_a_driver_are_options(run_mongo: RunMongo, second: str, recorded: str) -> None:
    seen = run_mongo(f"return (await db.items.find({{}}, {second}).limit(3).toArray()).length")
    assert seen.calls[0].statement.replace(",", ", ") == f"db.items.find({{}}, {recorded}).limit(3)".replace(
        ",", ", "
    ).replace(",  ", ", ")


def test_what_may_be_either_is_refused(run_mongo: RunMongo) -> None:
    with pytest.raises(StatementFailed, match="may be the option limit or the field of that name"):
        run_mongo("return await db.items.find({}, {limit: 1}).toArray()")
    with pytest.raises(StatementFailed, match="takes the options once"):
        run_mongo("return await db.items.find({}, {limit: 5}, {sort: {_id: 1}}).toArray()")


# --- in ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("new Set([1])", "a Set"),
        ("new Map([['a', 1]])", "a Map"),
        ("() => 1", "a function"),
        ("Symbol('s')", "a symbol"),
        ("undefined", "undefined"),
        ("[1, , 2]", "undefined"),
        ("2n ** 63n", "more than 64 bits"),
        ("new Date(NaN)", "an invalid Date"),
        ("/a/g", "flags g"),
        ("new Int8Array([1])", "class Int8Array"),
        ("new ArrayBuffer(1)", "class ArrayBuffer"),
        ("new Error('e')", "class Error"),
        ("new Number(1)", "class Number"),
        ("Promise.resolve(1)", "class Promise"),
        ("new (class Car { a = 1 })", "class Car"),
        ("{$oid: '0123456789abcdef01234567'}", "the key $oid"),
        ("{$date: 'x'}", "the key $date"),
        ("'\\ud83d'", "half a character"),
        ("{'\\ud83d': 1}", "half a character"),
        ("{[Symbol('a')]: 1}", "a symbol as key"),
        ("db.items", "a function"),
    ],
)
def test_a_value_that_would_change_is_refused_before_anything_is_sent(
    run_mongo: RunMongo, value: str, said: str
) -> None:
    for call in (f"deleteMany({{a: [{{b: {value}}}]}})", f"insertOne({{a: {{b: {value}}}}})"):
        seen = Recorder()
        with pytest.raises(StatementFailed, match=r"TypeError: .*argument 1 of \w+\.a") as raised:
            run_mongo(f"const a = 1;\nawait db.items.{call}", Access.WRITE, seen=seen)
        assert said in raised.value.public_message
        assert raised.value.detail["line"] == "2"
        assert seen.calls == []


@pytest.mark.parametrize(
    "call", ["find(x).toArray()", "countDocuments(x)", "deleteMany(x)", "updateMany(x, {$set: {a: 1}})"]
)
def test_a_filter_that_is_undefined_does_not_mean_everything(run_mongo: RunMongo, call: str) -> None:
    with pytest.raises(StatementFailed, match=r"argument 1 of \w+ is undefined"):
        run_mongo(f"const {{x}} = {{}}; await db.items.{call}", Access.WRITE)


@pytest.mark.parametrize(
    "made",
    [
        "Long(1, 2)", "Long(2 ** 53)", "Long('1.5')", "Long('x')", "Long('9223372036854775808')", "Int32(1.5)", "Int32('2147483648')",
        "Double('1x')", "Double({})", "NumberDecimal('1.2345678901234567890123456789012345')", "NumberDecimal(2 ** 60)", "NumberDecimal({})",
        "ISODate('31.1.2026')", "ISODate('2026-02-30')", "ISODate('2026-01-31T25:00:00Z')", "Timestamp(1)", "Timestamp(-1, 0)",
        "Timestamp(4294967296, 0)", "ObjectId('xyz')", "ObjectId(5)", "UUID('xyz')", "BSONRegExp('a', 'g')", "Binary('abc')", "Binary([256])",
        "HexData(0, 'abc')", "BinData(256, '')",
    ],
)  # fmt: skip
def test_a_class_makes_only_the_value_it_was_given(run_mongo: RunMongo, made: str) -> None:
    with pytest.raises(StatementFailed, match=r"^(Type|Range)Error: "):
        run_mongo(f"return {made}")


@pytest.mark.parametrize(
    ("written", "kind", "text"),
    [
        ("9007199254740993n", "long", "9007199254740993"),
        ("-0", "double", "-0"),
        ("2147483647", "int", "2147483647"),
        ("2147483648", "double", "2147483648"),
        ("1e21", "double", "1e+21"),
        ("5e-324", "double", "5e-324"),
        ("NaN", "double", "NaN"),
        ("-Infinity", "double", "-Infinity"),
        ("NumberDecimal('1.10')", "decimal", "1.10"),
        ("NumberDecimal(0.1)", "decimal", "0.1"),
        ("NumberDecimal('-1E+6111')", "decimal", "-1E+6111"),
        ("ISODate('2026-01-31T12:00:00+02:00').toISOString()", "string", "2026-01-31T10:00:00.000Z"),
        ("ISODate('2026-01-31 12:00').toISOString()", "string", "2026-01-31T12:00:00.000Z"),
    ],
)
def test_a_number_arrives_as_it_is(run_mongo: RunMongo, written: str, kind: str, text: str) -> None:
    script = f"""await db.numbers.deleteMany({{_id: 1}}); await db.numbers.insertOne({{_id: 1, v: {written}}});
    const [found] = await db.numbers.aggregate([{{$match: {{_id: 1}}}}, {{$project: {{v: 1, t: {{$type: '$v'}}}}}}]).toArray();
    return [found.t, Object.is(found.v, -0) ? '-0' : String(found.v)]"""
    assert values(run_mongo(script, Access.WRITE)) == [[kind], [text]]


def test_no_condition_of_a_regular_expression_is_dropped(run_mongo: RunMongo) -> None:
    text = """await db.words.insertMany([{_id: 'ab'}, {_id: 'ac'}, {_id: 'AB'}]);
    const found = (filter) => db.words.find(filter).sort({_id: 1}).map((d) => d._id);
    return [await found({_id: {$regex: '^a', $ne: 'ab'}}), await found({_id: {$regex: 'B', $options: 'i', $ne: 'AB'}}), await found({_id: /^a/})]"""
    assert values(run_mongo(text, Access.WRITE)) == [[["ac"]], [["ab"]], [["ab", "ac"]]]


# --- out -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (fields(number("_id", 1), number("a", 1), number("a", 2)), "its field a stands twice"),
        (fields(number("_id", 1), b"\x03s\0" + fields(number("b", 1), number("b", 2)).raw), "its field b stands twice"),
        (
            fields(number("_id", 1), b"\x04l\0" + fields(b"\x030\0" + fields(number("b", 1), number("b", 2)).raw).raw),
            "its field b",
        ),
        (fields(number("_id", 1), b"\x03s\0" + fields(b"\x02$oid\0\x02\0\0\0x\0").raw), "a field is named $oid"),
        (fields(number("_id", 1), b"\x03s\0" + fields(number("$numberInt", 5)).raw), "a field is named $numberInt"),
    ],
)
def test_a_document_no_object_can_hold_is_refused(
    run_mongo: RunMongo, raw_collection: Any, document: Any, said: str
) -> None:
    raw_collection.insert_one(document)
    for call in ("findOne({_id: 1})", "find({}).toArray()", "find({}).next()"):
        with pytest.raises(Refused) as raised:
            run_mongo(f"return await db.odd.{call}")
        assert said in raised.value.public_message


def test_a_text_that_only_ends_like_a_type_is_no_problem(run_mongo: RunMongo, raw_collection: Any) -> None:
    raw_collection.insert_one(fields(number("_id", 1), b"\x02t\0\x05\0\0\0$oid\0", number("$date", 3)))
    assert values(run_mongo("const d = await db.odd.findOne({_id: 1}); return [d.t, d['$date']]")) == [["$oid"], [3]]
