"""What each mongosh expression must become, or where and why it is refused. No server is needed."""

# ruff: noqa: E501 - a table reads best with one case a line, or several

from __future__ import annotations

import math

import pytest
from bson import Binary, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp, encode
from bson.datetime_ms import DatetimeMS

from executors.mongodb.reading.command import Call, Command, Value
from executors.mongodb.reading.parse import parse
from executors.mongodb.reading.source import Unreadable
from executors.text import MAX_BYTES

OID = "65a1b2c3d4e5f60718293a4b"
MS = 1767225600000  # 2026-01-01T00:00:00Z
UUID = "00112233-4455-6677-8899-aabbccddeeff"


def find(*args: Value, **modifiers: Value) -> Command:
    return Command("c", "find", args, tuple(Call(name, (value,)) for name, value in modifiers.items()))


CHAINS: list[tuple[str, Command]] = [
    ("db.c.find()", find()),
    ("db.c.find({})", find({})),
    ("db.c.find({});", find({})),
    ("  \n db . c . find ( { } ) \n", find({})),
    ("db['c'].find()", find()),
    ('db["c"]["find"]()', find()),
    ('db.getCollection("c").find()', find()),
    ("db.getCollection(`c`).find()", find()),
    ('db.getCollection("a b-ü").find()', Command("a b-ü", "find")),
    ("db.a.b.c.find()", Command("a.b.c", "find")),
    ('db["a"].b.find()', Command("a.b", "find")),
    ('db.getCollection("a").b.find()', Command("a.b", "find")),
    ("db.find.find()", Command("find", "find")),
    ("db.$c_1.find()", Command("$c_1", "find")),
    ("// first\ndb.c /* second */ .find(/* third */ {}) // last", find({})),
    ("db.c.find({}, {a: 1, _id: 0})", find({}, {"a": 1, "_id": 0})),
    ("db.c.find({}).sort({b: -1, a: 1})", find({}, sort={"b": -1, "a": 1})),
    ("db.c.find().limit(5).skip(10)", find(limit=5, skip=10)),
    ("db.c.find().projection({a: 1})", find(projection={"a": 1})),
    ("db.c.find().hint('a_1')", find(hint="a_1")),
    ("db.c.find().hint({a: 1})", find(hint={"a": 1})),
    ("db.c.find().collation({locale: 'de', strength: 2})", find(collation={"locale": "de", "strength": 2})),
    ("db.c.find().maxTimeMS(100).batchSize(5).comment('x')", find(maxTimeMS=100, batchSize=5, comment="x")),
    ("db.c.find().toArray()", Command("c", "find", (), (Call("toArray"),))),
    ("db.c.find().count()", Command("c", "find", (), (Call("count"),))),
    ("db.c.find().pretty()", Command("c", "find", (), (Call("pretty"),))),
    ("db.c.find().explain()", Command("c", "find", (), (Call("explain"),))),
    ("db.c.find().explain('executionStats')", find(explain="executionStats")),
    ("db.c.explain().find()", Command("c", "find", (), (Call("explain"),))),
    ("db.c.explain('executionStats').find().limit(1)", find(limit=1, explain="executionStats")),
    ("db.c.explain().aggregate([])", Command("c", "aggregate", ([],), (Call("explain"),))),
    ("db.c\n  .find({})\n  .limit(1)", find({}, limit=1)),
    ("db.c.findOne({_id: 1})", Command("c", "findOne", ({"_id": 1},))),
    ("db.c.aggregate([{$match: {a: 1}}, {$limit: 5}])", Command("c", "aggregate", ([{"$match": {"a": 1}}, {"$limit": 5}],))),
    ("db.c.aggregate([], {allowDiskUse: true})", Command("c", "aggregate", ([], {"allowDiskUse": True}))),
    ("db.c.countDocuments()", Command("c", "countDocuments")),
    ("db.c.estimatedDocumentCount()", Command("c", "estimatedDocumentCount")),
    ("db.c.distinct('a.b', {x: 1})", Command("c", "distinct", ("a.b", {"x": 1}))),
    ("db.c.getIndexes()", Command("c", "getIndexes")),
    ("db.c.stats()", Command("c", "stats")),
    ("db.c.insertOne({a: 1})", Command("c", "insertOne", ({"a": 1},))),
    ("db.c.insertMany([{a: 1}, {a: 2},])", Command("c", "insertMany", ([{"a": 1}, {"a": 2}],))),
    ("db.c.updateOne({}, {$set: {a: 1}}, {upsert: true})", Command("c", "updateOne", ({}, {"$set": {"a": 1}}, {"upsert": True}))),
    ("db.c.deleteMany({a: null})", Command("c", "deleteMany", ({"a": None},))),
    ("db.c.bulkWrite([{insertOne: {document: {}}}])", Command("c", "bulkWrite", ([{"insertOne": {"document": {}}}],))),
    ("db.c.createIndex({a: 1}, {unique: true})", Command("c", "createIndex", ({"a": 1}, {"unique": True}))),
    ("db.c.dropIndex('a_1')", Command("c", "dropIndex", ("a_1",))),
    ("show dbs", Command("", "showDatabases")),
    ("show collections", Command("", "getCollectionNames")),
    ("use shop\n// first\ndb.c.find({})", Command("c", "find", ({},), database="shop")),
    ("db.c.find().limit(-2)", find(limit=-2)),
    ("db.c.aggregate({$match: {a: 1}}, {$limit: 5})", Command("c", "aggregate", ([{"$match": {"a": 1}}, {"$limit": 5}],))),
    ("db.c.runCommand('count', {query: {}})", Command("", "runCommand", ({"count": "c", "query": {}},))),
    ("db.c.findAndModify({query: {a: 1}, update: {$set: {b: 1}}, new: true})", Command("c", "findOneAndUpdate", ({"a": 1}, {"$set": {"b": 1}}, {"returnDocument": "after"}))),
    ("db.c.findOne({}).a.b", Command("c", "findOne", ({},), (Call("field", ("a.b",)),))),
    ("db.runCommand({ping: 1})", Command("", "runCommand", ({"ping": 1},))),
    ("db.getCollectionNames()", Command("", "getCollectionNames")),
]  # fmt: skip

LITERALS: list[tuple[str, Value]] = [
    ("1", 1), ("-1", -1), ("+1", 1), ("1.0", 1), ("1.", 1), (".5", 0.5), ("1e3", 1000), ("1E-2", 0.01), ("1_000", 1000),
    ("0x1F", 31), ("0o17", 15), ("0b101", 5), ("-0x10", -16), ("2147483647", 2147483647), ("-2147483648", -2147483648),
    ("2147483648", 2147483648.0), ("5000000000", 5e9), ("9007199254740994", 9007199254740994.0), ("1e23", 1e23), ("1.7976931348623157e308", 1.7976931348623157e308), ("-0", -0.0), ("12n", Int64(12)), ("-5n", Int64(-5)),
    ("Infinity", math.inf), ("-Infinity", -math.inf), ("NaN", math.nan), ("true", True), ("false", False), ("null", None),
    ("'a'", "a"), ('"a"', "a"), ("`a`", "a"), ("`a\nb`", "a\nb"), (r"'\n\t\\\''", "\n\t\\'"), (r"'\x41\u0042\u{1F600}'", "AB😀"),
    (r"'\ud83d\ude00'", "😀"), (r"'\0'", "\0"), ("'a\\\nb'", "ab"), ("'$where'", "$where"), ("'日本'", "日本"),
    ("[]", []), ("[1, 'a', [2,],]", [1, "a", [2]]), ("{}", {}), ("{a: {b: {c: []}}}", {"a": {"b": {"c": []}}}),
    ("{'a b': 1, \"c\": 2, d: 3, $e: 4, _f: 5, 7: 6,}", {"a b": 1, "c": 2, "d": 3, "$e": 4, "_f": 5, "7": 6}),
    (r"{'\u0024set': 1}", {"$set": 1}), ("(1)", 1), ("({a: 1})", {"a": 1}), ("[/* none */]", []),
    ("{b: 1, a: 2}", {"b": 1, "a": 2}),
    ("/^a\\/b/", Regex("^a\\/b", "")), ("/a/i", Regex("a", "i")), ("/a/sim", Regex("a", "ims")), ("RegExp('a', 'i')", Regex("a", "i")),
    ("new RegExp('a')", Regex("a", "")),
    (f"ObjectId('{OID}')", ObjectId(OID)), (f'new ObjectId("{OID}")', ObjectId(OID)), (f"{{$oid: '{OID}'}}", ObjectId(OID)),
    ("ISODate('2026-01-01T00:00:00Z')", DatetimeMS(MS)), ("ISODate('2026-01-01')", DatetimeMS(MS)),
    ("ISODate('20260101')", DatetimeMS(MS)), ("ISODate('2026-01-01 00:00')", DatetimeMS(MS)),
    ("ISODate('2026-01-01T02:00:00.250+02:00')", DatetimeMS(MS + 250)), ("new ISODate('2025-12-31T22:30-0130')", DatetimeMS(MS)),
    ("new Date('2026-01-01')", DatetimeMS(MS)), ("new Date('2026-01-01T00:00:00.000Z')", DatetimeMS(MS)),
    (f"new Date({MS})", DatetimeMS(MS)), ("new Date(-1)", DatetimeMS(-1)), ("new Date('+275760-09-13T00:00:00Z')", DatetimeMS(8640000000000000)),
    ("ISODate('0001-01-01')", DatetimeMS(-62135596800000)), ("ISODate('-000001-12-31T00:00:00Z')", DatetimeMS(-62167305600000)),
    ("{$date: '2026-01-01T00:00:00Z'}", DatetimeMS(MS)), (f"{{$date: {{$numberLong: '{MS}'}}}}", DatetimeMS(MS)), (f"{{$date: {MS}}}", DatetimeMS(MS)),
    ("NumberLong('9223372036854775807')", Int64(2**63 - 1)), ("NumberLong(5)", Int64(5)), ("Long('-5')", Int64(-5)), ("{$numberLong: '7'}", Int64(7)),
    ("NumberInt('5')", 5), ("NumberInt(5)", 5), ("Int32(5)", 5), ("{$numberInt: '-5'}", -5), ("Double(5)", 5.0), ("{$numberDouble: '5'}", 5.0),
    ("{$numberDouble: '-Infinity'}", -math.inf), ("{$numberDouble: 'NaN'}", math.nan), ("{$numberDouble: '-0.0'}", -0.0),
    ("NumberDecimal('0.10')", Decimal128("0.10")), ("NumberDecimal(9.99)", Decimal128("9.99")), ("NumberDecimal(5000000000)", Decimal128("5000000000")),
    ("Decimal128('NaN')", Decimal128("NaN")), ("{$numberDecimal: '-0E+3'}", Decimal128("-0E+3")),
    (f"UUID('{UUID}')", Binary(bytes.fromhex(UUID.replace("-", "")), 4)), (f"{{$uuid: '{UUID}'}}", Binary(bytes.fromhex(UUID.replace("-", "")), 4)),
    ("BinData(0, 'SGk=')", Binary(b"Hi", 0)), ("BinData(128, '')", Binary(b"", 128)), ("HexData(5, 'ff00')", Binary(b"\xff\0", 5)),
    ("{$binary: {base64: 'SGk=', subType: '80'}}", Binary(b"Hi", 128)),
    ("Timestamp(5, 6)", Timestamp(5, 6)), ("new Timestamp({t: 5, i: 6})", Timestamp(5, 6)), ("Timestamp()", Timestamp(0, 0)),
    ("{$timestamp: {t: 4294967295, i: 1}}", Timestamp(4294967295, 1)),
    ("7 * 24 * 60 * 60 * 1000", 604800000), ("100 + 50", 150), ("1 - 2 - 3", -4), ("2 * (3 + 4)", 14), ("7 / 2", 3.5), ("-7 % 3", -1), ("2 ** 10", 1024), ("2 ** -1", 0.5), ("2 ** 3 ** 2", 512),
    ("1 << 20", 1 << 20), ("1 << 31", -(2**31)), ("5 & 3 | 8", 9), ("-1 >>> 0", 4294967295.0), ("-1 >> 1", -1), ("- -1", 1), ("-(2 + 3)", -5), ("-(-0)", 0), ("0 * -1", -0.0), ("2 ** 31", 2147483648.0),
    ("'a' + 'b'", "ab"), ("'a' + 'b' + 'c'", "abc"), ("'' + 1e20", "100000000000000000000"), ("'a' + 1 + 2.5", "a12.5"), ("1 + 2 + 'a'", "3a"), ('`a` + "b"', "ab"), ("1000000 * 1000000 + 'x'", "1000000000000x"), ("NumberInt(5) * 2", 10),
    ("{['a' + 'b']: 1}", {"ab": 1}), ("{['a']: {[1 + 1]: 2}}", {"a": {"2": 2}}), ("{['$' + 'gt']: 1}", {"$gt": 1}), ("[1 + 1, -(1)]", [2, -1]), ("(1 + 1)", 2),
    ("Date.UTC(2026, 0, 1)", float(MS)), ("new Date(Date.UTC(2026, 0, 1))", DatetimeMS(MS)), ("Date.UTC(2025, 12)", float(MS)), ("Date.UTC(2025, 11, 31, 24)", float(MS)), ("Date.UTC(2026, 0, 1, 0, 0, 0, 5)", MS + 5.0), ("Date.UTC(70, 0)", 0),
    ("new Date(2026, 0, 1)", DatetimeMS(MS)), ("new Date(2026, 0)", DatetimeMS(MS)), ("new Date('2026-01-01') - 1000", MS - 1000.0), ("new Date(new Date('2026-01-01') - 1000)", DatetimeMS(MS - 1000)), ("+ISODate('2026-01-01')", float(MS)),
    ("ISODate('2026-01-02') - ISODate('2026-01-01')", 86400000), ("ISODate('2026-01-01').getTime()", float(MS)), ("new Date(ISODate('2026-01-01').valueOf() + 5)", DatetimeMS(MS + 5)), ("ISODate('2026-01-01').toISOString()", "2026-01-01T00:00:00.000Z"),
    ("new Date(ISODate('2026-01-01'))", DatetimeMS(MS)), ("ISODate(new Date('2026-01-01'))", DatetimeMS(MS)), ("Date.parse('2026-01-01')", float(MS)),
    ("ObjectId.createFromTime(1767225600)", ObjectId("6955b9000000000000000000")), ("ObjectId.createFromTime(new Date('2026-01-01') / 1000)", ObjectId("6955b9000000000000000000")), (f"ObjectId.createFromHexString('{OID}')", ObjectId(OID)),
    ("ObjectId.createFromBase64('ZaGyw9Tl9gcYKTpL')", ObjectId(OID)), (f"ObjectId('{OID}').getTimestamp()", DatetimeMS(0x65A1B2C3 * 1000)), (f"ObjectId('{OID}').toString()", OID),
    ("Long.fromString('9007199254740993')", Int64(9007199254740993)), ("NumberLong.fromString('-5')", Int64(-5)), ("Long.fromNumber(5)", Int64(5)), ("Decimal128.fromString('1.10')", Decimal128("1.10")), ("NumberDecimal.fromString('1')", Decimal128("1")),
    ("Math.floor(-1.5)", -2), ("Math.round(2.5)", 3), ("Math.round(-2.5)", -2), ("Math.max(1, 2, 1.5)", 2), ("Math.abs(-3)", 3), ("Math.trunc(-1.5)", -1), ("Math.ceil(1.2)", 2),
    ("MinKey", MinKey()), ("MaxKey", MaxKey()), ("MinKey()", MinKey()), ("new MaxKey()", MaxKey()), ("new MinKey", MinKey()),
    ("{$minKey: 1}", MinKey()), ("{$maxKey: 1}", MaxKey()),
    ("{$regularExpression: {pattern: 'a', options: 'x'}}", Regex("a", "x")), ("{$regex: 'a', $options: 'i'}", {"$regex": "a", "$options": "i"}),
    ("DBRef('c', 1)", {"$ref": "c", "$id": 1}), ("{$ref: 'c', $id: 1}", {"$ref": "c", "$id": 1}), ("{$gt: 1}", {"$gt": 1}),
]  # fmt: skip

# Statement, line and column, a part of the message or of what is advised.
REFUSED: list[tuple[str, int, int, str]] = [
    ("", 1, 1, "empty"), ("   // only a comment", 1, 1, "empty"), ("db", 1, 1, "Nothing is called"), ("db.c", 1, 4, "db.c.find({})"),
    ("find()", 1, 1, "starts with db"), ("c.find()", 1, 1, "starts with db"), ("show users", 1, 1, "command of the shell"),
    ("use other", 1, 1, "names the database"), ("db.c.find(); db.d.find()", 1, 14, "Only one expression"), ("db.c.find()\ndb.d.find()", 2, 1, "Only one"),
    ("const x = 1", 1, 1, "script"), ("var x = db.c.find()", 1, 1, "script"), ("for (;;) {}", 1, 1, "script"), ("await db.c.find()", 1, 1, "Leave it out"),
    ("x = db.c.find()", 1, 1, "script"), ("db.c.find(), db.d.find()", 1, 1, "script"), ("db.c.find().length", 1, 13, "script"),
    ("db.c.find()[0]", 1, 13, "limit(1)"), ("db.c.find().forEach(x => x)", 1, 13, "Use a script"), ("db.c.find().map(f)", 1, 13, "Use a script"),
    ("db?.c.find()", 1, 1, "plain dot"), ("db.c.find?.()", 1, 1, "plain dot"), ("db.c.find`x`", 1, 1, "not understood"), ("db[x].find()", 1, 4, "plainly or in quotes"),
    ("db['c' + 'd'].find()", 1, 4, "plainly or in quotes"), ("db.getCollection(x).find()", 1, 4, "getCollection"), ("db.getSiblingDB('x').c.find()", 1, 4, "target"),
    ("db.getMongo().getDB('x').c.find()", 1, 4, "not supported"), ("db.c.findd({})", 1, 6, "Did you mean find?"), ("db.c.insert({})", 1, 6, "insertOne"),
    ("db.c.remove({})", 1, 6, "deleteOne"), ("db.c.update({}, {})", 1, 6, "updateOne"), ("db.c.mapReduce()", 1, 6, "never run"), ("db.c.drop()", 1, 6, "not dropped"),
    ("db.dropDatabase()", 1, 4, "not dropped"), ("db.adminCommand({ping: 1})", 1, 4, "runCommand"), ("db.find()", 1, 4, "Name a collection"), ("db.c.watch()", 1, 6, "never end"),
    ("db.c.constructor.constructor('x')()", 1, 1, "not understood"), ("db.eval('1')", 1, 4, "not supported"), ("db.c.find().noCursorTimeout()", 1, 13, "time limit"),
    ("db.c.find().sort()", 1, 13, "takes 1 arguments"), ("db.c.find(1, 2, 3, 4)", 1, 6, "0 to 3"), ("db.c.insertOne()", 1, 6, "1 to 2"), ("db.c.insertOne({}).limit(1)", 1, 20, "cannot follow"),
    ("db.c.explain().insertOne({})", 1, 16, "cannot be explained"), ("db.c.find({a: 1}", 1, 1, "cannot be read"), ("db.c.find({a 1})", 1, 14, "cannot be read"),
    ("db.c.find({a: })", 1, 1, ""), ("db.c.find('a", 1, 1, ""), ("db.c.find({\n  a: 1,\n  b: x\n})", 3, 6, "Put text in quotes"), ("db.c.find({ü: 1, b: x})", 1, 21, "a name"),
    ("db.c.find({a: f(1)})", 1, 15, "a call"), ("db.c.find({a: Math.PI})", 1, 15, "property"), ("db.c.find({a: 1 && 1})", 1, 15, "operator"), ("db.c.find({a: b ? 1 : 2})", 1, 15, "condition"),
    ("db.c.find({a: !true})", 1, 15, "operator"), ("db.c.find({a: void 0})", 1, 15, "operator"), ("db.c.find({a: typeof 1})", 1, 15, "operator"), ("db.c.find({a: -true})", 1, 15, "computed with"),
    ("db.c.find({a: --1})", 1, 1, ""), ("db.c.find({a: ~1})", 1, 15, "operator"), ("db.c.find({a: +1n})", 1, 15, "computed with"), ("db.c.find({a: (1, 2)})", 1, 16, "commas"),
    ("db.c.find({a: () => 1})", 1, 15, "function"), ("db.c.find({a: function() {}})", 1, 15, "function"), ("db.c.find({a: class {}})", 1, 15, "class"), ("db.c.find({a: this})", 1, 15, "this"),
    ("db.c.find({a: undefined})", 1, 15, "undefined"), ("db.c.find({a: `x${1}`})", 1, 17, "hole"), ("db.c.find({a: f`x`})", 1, 15, "call"), ("db.c.find({a: x = 1})", 1, 15, "assignment"),
    ("db.c.find({...x})", 1, 12, "spread"), ("db.c.find(...x)", 1, 11, "spread"), ("db.c.find([...x])", 1, 12, "spread"), ("db.c.find({[x]: 1})", 1, 13, "a name"), ("db.c.find({x})", 1, 12, "without a value"),
    ("db.c.find({get a() { return 1 }})", 1, 12, "method"), ("db.c.find({a() {}})", 1, 12, "method"), ("db.c.find({async a() {}})", 1, 12, "method"), ("db.c.find({__proto__: {}})", 1, 12, "__proto__"),
    ("db.c.find({'__proto__': {}})", 1, 12, "__proto__"), ("db.c.find({a: 1, a: 2})", 1, 18, "twice"), ("db.c.find({a: 1, 'a': 2})", 1, 18, "twice"), (r"db.c.find({a: 1, '\x61': 2})", 1, 18, "twice"),
    ("db.c.find({1.5: 1})", 1, 12, "quotes"), ("db.c.find({0x1: 1})", 1, 12, "quotes"), ("db.c.find({'a\\0b': 1})", 1, 12, "NUL"), (r"db.c.find({\u0061: 1})", 1, 12, ""), ("db.c.find([1,,2])", 1, 14, "missing"),
    ("db.c.find([,])", 1, 12, "missing"), ("db.c.find({}, , {})", 1, 1, ""), ("db.c.find({a: 010})", 1, 15, "octal"), ("db.c.find({a: 9007199254740993})", 1, 15, 'NumberLong("9007199254740993")'),
    ("db.c.find({a: 9223372036854775808n})", 1, 15, "64 bits"), ("db.c.find({a: " + "1" * 2000 + "})", 1, 15, "digits"), (r"db.c.find({a: '\ud800'})", 1, 15, "surrogate"), (r"db.c.find({a: '\u{110000}'})", 1, 15, "escape"),
    ("db.c.find({a: 1e400})", 1, 15, 'NumberDecimal("1e400")'), ("db.c.find({a: -1e400})", 1, 16, 'NumberDecimal("-1e400")'), ("db.c.find({a: 1e-400})", 1, 15, 'NumberDecimal("1e-400")'),
    ("db.c.find({a: 0.12345678901234567890})", 1, 15, 'NumberDecimal("0.12345678901234567890")'), ("db.c.find({a: -9007199254740993})", 1, 16, 'NumberLong("-9007199254740993")'), ("db.c.find({a: [{b: 0x20000000000001}]})", 1, 20, 'NumberLong("9007199254740993")'),
    ("db.c.find({a: 123456789012345678901})", 1, 15, 'NumberDecimal("123456789012345678901")'), ("db.c.find({a: NumberDecimal(0.12345678901234567890)})", 1, 29, "digits"), ("db.c.find({a: 18446744073709551616})", 1, 15, "NumberDecimal"),
    (r"db.c.find({a: '\07'})", 1, 15, "escape"), ("db.c.find({a: /a/g})", 1, 15, "flags"), ("db.c.find({a: /a/x})", 1, 15, "$options"), ("db.c.find({a: ObjectId()})", 1, 15, "new value"), ("db.c.find({a: ObjectId('xyz')})", 1, 15, "24"),
    ("db.c.find({a: Date('2026-01-01')})", 1, 15, "new"), ("db.c.find({a: new Date('2026-01-01T00:00')})", 1, 15, "end it with Z"),
    ("db.c.find({a: new Date('1 Jan 2026')})", 1, 15, "ISO 8601"), ("db.c.find({a: ISODate('2026-02-30')})", 1, 15, "no such day"), ("db.c.find({a: ISODate('2026-01-01T25:00Z')})", 1, 15, "time of day"),
    ("db.c.find({a: ISODate(5)})", 1, 15, "quotes"), ("db.c.find({a: NumberLong('x')})", 1, 15, "whole number"), ("db.c.find({a: NumberLong('9223372036854775808')})", 1, 15, "fit"), ("db.c.find({a: NumberInt('2147483648')})", 1, 15, "fit"),
    ("db.c.find({a: NumberDecimal('1.2.3')})", 1, 15, "decimal"), ("db.c.find({a: NumberDecimal('12345678901234567890123456789012345')})", 1, 15, "34"), ("db.c.find({a: NumberDecimal(1e-9)})", 1, 15, "quotes"), ("db.c.find({a: UUID()})", 1, 15, "32"),
    ("db.c.find({a: 0.1 + 0.2})", 1, 15, "Write 0.30000000000000004 if that is meant, or 0.3."), ("db.c.find({a: 1 / 3})", 1, 15, "rounds the result of 1 / 3"), ("db.c.find({a: 2 ** 53 + 1})", 1, 15, 'or NumberLong("9007199254740993")'), ("db.c.find({a: 2 ** 64 - 1})", 1, 15, 'or NumberDecimal("18446744073709551616")'),
    ("db.c.find({a: 1e308 * 10})", 1, 15, "no number"), ("db.c.find({a: 1 / 0})", 1, 15, "no number"), ("db.c.find({a: 0 % 0})", 1, 15, "no number"), ("db.c.find({a: 2 ** 5000})", 1, 15, "exponent"), ("db.c.find({a: 2 ** 1024})", 1, 15, "no number"), ("db.c.find({a: 2 ** 0.5})", 1, 15, "exponent"), ("db.c.find({a: -2 ** 2})", 1, 15, "operator"),
    ("db.c.find({a: 1.5 | 0})", 1, 15, "32 bits"), ("db.c.find({a: 2 ** 40 | 0})", 1, 15, "32 bits"), ("db.c.find({a: 'a' * 2})", 1, 15, "computed with"), ("db.c.find({a: 'a' + true})", 1, 15, "quotes"), ("db.c.find({a: 'a' + null})", 1, 15, "quotes"), ("db.c.find({a: 5n + 3n})", 1, 15, "computed with"), ("db.c.find({a: 1 + {}})", 1, 15, "computed with"), ("db.c.find({a: 1 + b})", 1, 19, "a name"),
    ("db.c.find({a: 1 == 1})", 1, 15, "operator"), ("db.c.find({a: new Date('2026-01-01') + 1})", 1, 15, "+new Date"), ("db.c.find({a: 'a' + new Date(5)})", 1, 15, "quotes"), ("db.c.find({[{}]: 1})", 1, 12, "quotes"), ("db.c.find({['a']: 1, a: 2})", 1, 22, "twice"), ("db.c.find({['__proto__']: 1})", 1, 12, "__proto__"),
    ("db.c.find({a: ObjectId.createFromTime(1.5)})", 1, 15, "Math.floor"), ("db.c.find({a: Long.fromString(5)})", 1, 15, "quotes"), ("db.c.find({a: Date.UTC()})", 1, 15, "0 arguments"), ("db.c.find({a: Math.random()})", 1, 15, "call"), ("db.c.find({a: ISODate('2026-01-01').getDate()})", 1, 37, "getTime"), ("db.c.find({a: ISODate('2026-01-01').getTime(1)})", 1, 15, "call"),
    ("db.c.find({a: Date?.UTC(2026, 0)})", 1, 15, "call"), ("db.c.find({a: Date['UTC'](2026, 0)})", 1, 15, "call"), ("db.c.find({a: new Date.UTC(2026, 0)})", 1, 15, "call"), ("db.c.find({a: Date.now(1)})", 1, 15, "only known"), ("db.c.find({a: new Date(1e9, 0)})", 1, 15, "fit"),
    ("db.c.find({a: BinData(0)})", 1, 15, "arguments"), ("db.c.find({a: BinData(0, '?')})", 1, 15, "base64"), ("db.c.find({a: BinData(256, '')})", 1, 15, "subtype"), ("db.c.find({a: HexData(0, 'f')})", 1, 15, "hexadecimal"), ("db.c.find({a: Timestamp(1)})", 1, 15, "ordinal"),
    ("db.c.find({a: Timestamp(-1, 0)})", 1, 15, "fit"), ("db.c.find({a: Code('x')})", 1, 15, "call"), ("db.c.find({a: {$code: 'x'}})", 1, 15, "JavaScript"), ("db.c.find({a: {$oid: 'x'}})", 1, 15, "24"), ("db.c.find({a: {$oid: 'x', b: 1}})", 1, 15, "alone"),
    ("db.c.find({a: {$date: 'yesterday'}})", 1, 15, "ISO"), ("db.c.find({a: {$numberLong: 5}})", 1, 15, "quotes"), ("db.c.find({a: {$undefined: true}})", 1, 15, "null"), ("db.c.find({a: process.env})", 1, 15, "property"), ("db.c.find({a: require('fs')})", 1, 15, "call"),
    ("db.c.find({a: eval('1')})", 1, 15, "call"), ("db.c.find({a: new Function('x')})", 1, 15, "call"), ("db.c.find({a: import('x')})", 1, 15, "call"), ("<!-- x\ndb.c.find()", 1, 1, "not a query"), ("#!x\ndb.c.find()", 1, 1, "not a query"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "command"), CHAINS, ids=[case[0] for case in CHAINS])
def test_chain_becomes_the_command(statement: str, command: Command) -> None:
    assert parse(statement) == command


@pytest.mark.parametrize(("text", "value"), LITERALS, ids=[case[0] for case in LITERALS])
def test_literal_becomes_the_bson_value(text: str, value: Value) -> None:
    # Compared as bytes: types, the order of fields, NaN and the sign of zero count.
    assert encode({"v": parse(f"db.c.insertOne({{v: {text}}})").args[0]["v"]}) == encode({"v": value})


@pytest.mark.parametrize(("statement", "line", "column", "words"), REFUSED, ids=[case[0][:60] for case in REFUSED])
def test_anything_else_is_refused_where_it_stands(statement: str, line: int, column: int, words: str) -> None:
    with pytest.raises(Unreadable) as caught:
        parse(statement)
    finding = caught.value.finding
    assert (finding.line, finding.column) == (line, column) or not words, finding
    assert words in f"{finding.message} {finding.hint}"
    assert len(finding.message) < 200


# What stands in a statement that is read at `MS`.
OF_THE_RUN: list[tuple[str, Value]] = [
    ("new Date()", DatetimeMS(MS)), ("new Date", DatetimeMS(MS)), ("ISODate()", DatetimeMS(MS)), ("new ISODate()", DatetimeMS(MS)), ("Date.now()", float(MS)), ("new Date(Date.now())", DatetimeMS(MS)),
    ("new Date(Date.now() - 7*24*60*60*1000)", DatetimeMS(MS - 604800000)), ("new Date(new Date() - 3600 * 1000)", DatetimeMS(MS - 3600000)), ("new Date(ISODate().getTime() + 5)", DatetimeMS(MS + 5)), ("new Date(+new Date() - 1)", DatetimeMS(MS - 1)),
    ("Math.floor(Date.now() / 1000)", MS // 1000), ("Date.now() / 7", MS / 7), ("new Date() - new Date()", 0), ("(new Date()).toISOString()", "2026-01-01T00:00:00.000Z"), ("{$gte: new Date(Date.now() - 1), $lt: new Date()}", {"$gte": DatetimeMS(MS - 1), "$lt": DatetimeMS(MS)}),
    ("ObjectId.createFromTime(Math.floor(Date.now() / 1000) - 60)", ObjectId((MS // 1000 - 60).to_bytes(4, "big") + bytes(8))),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), OF_THE_RUN, ids=[case[0] for case in OF_THE_RUN])
def test_clock_stands_still_while_a_statement_is_read(text: str, value: Value) -> None:
    statement = f"db.c.insertOne({{v: {text}}})"
    command = parse(statement, MS)
    assert encode({"v": command.args[0]["v"]}) == encode({"v": value})
    assert command.clock_reads


@pytest.mark.parametrize(
    "statement",
    ["(db.c.find({}))", "((db.c.find({})));", "(db.c).find({})", "(db.c.find)({})", "( /* x */ db.c.find({}) )"],
)
def test_brackets_around_an_expression_change_nothing(statement: str) -> None:
    assert parse(statement) == find({})


def test_a_date_of_parts_is_told_with_what_it_was_read_as() -> None:
    command = parse("db.c.find({a: new Date(2026, 0, 31)})")
    assert command.local_dates == (((1, 15), "2026-01-31T00:00:00.000Z"),)


def test_places_of_keys_are_remembered() -> None:
    command = parse("db.c.find({a: 1,\n  ü: {b: 2}}).sort({c: 1})")
    assert command.place((0, 0, "ü", "b")) == (2, 7)
    assert command.place((1, 0, "c")) == (2, 21)
    assert command.place((1, 0, "nowhere")) == (2, 20)


def test_places_are_those_of_what_was_written() -> None:
    command = parse("use shop\ndb.c.findAndModify({query: {a: 1}, update: {$set: {b: 2}}, new: true})")
    assert command.place((0, 0, "a")) == (2, 29)
    assert command.place((0, 1, "$set", "b")) == (2, 52)
    assert parse("db.c.aggregate({$match: {}}, {$limit: 5})").place((0, 0, 1, "$limit")) == (1, 31)


def test_nesting_as_deep_as_bson_allows_is_read() -> None:
    parse(f"db.c.insertOne({'{a: ' * 90}1{'}' * 90})")


@pytest.mark.parametrize(
    "statement",
    [
        "[" * 99_000, "{a:" * 33_000, "(" * 99_000, "`${" * 33_000, "/*" * 49_000, "a(}{[`" * 16_000, "<a" * 49_000,
        "db.c.find(" + "[" * 49_000 + "]" * 49_000 + ")", "db.c.find(" + "{a:" * 24_000 + "1" + "}" * 24_000 + ")",
        "db.c.find(" + "(" * 49_000 + "1" + ")" * 49_000 + ")", "db.c.find(" + "- " * 49_000 + "1)", "db.c" + ".find()" * 13_000,
        "db.c.find('" + "\\ud800" * 16_000 + "')", "db.c.find(0x" + "f" * 99_000 + ")", "db.c.find(1e" + "9" * 99_000 + ")",
        "db.c.find(NumberDecimal('" + "9" * 99_000 + "'))", "db.c.find(" + "1+" * 49_000 + "x)", "x" * (MAX_BYTES + 1),
    ],
    ids=lambda statement: statement[:20],
)  # fmt: skip
def test_hostile_text_is_a_clean_error(statement: str) -> None:
    with pytest.raises(Unreadable) as caught:
        parse(statement)
    assert len(caught.value.finding.message) < 200


def test_table_is_as_large_as_promised() -> None:
    assert len(CHAINS) + len(LITERALS) + len(REFUSED) >= 120
