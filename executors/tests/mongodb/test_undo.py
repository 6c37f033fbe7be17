"""Taking a MongoDB write back: every document as it was, to the byte, or nothing at all."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import bson
import pytest
from bson import DBRef, Decimal128, Int64, ObjectId
from bson.raw_bson import RawBSONDocument

from executors import processes, undoing
from executors.analysis import analyse
from executors.base import (
    Access,
    Effect,
    EngineKind,
    Images,
    Job,
    KeepLimits,
    Language,
    NotReversible,
    Refused,
    Rehearsing,
    Reverse,
    Running,
    StatementFailed,
    WriteOutcome,
)
from executors.mongodb import images as kept
from executors.mongodb import raw
from executors.mongodb.undo import parts
from executors.tests.mongodb.conftest import Bench
from executors.tests.mongodb.test_effect import KEEP, SCRIPTS, WRITES, fill
from executors.tests.recording import Recorder

pytestmark = pytest.mark.mongo

ID = (0x10, "_id", struct.pack("<i", 1))


def document(*fields: tuple[int, str, bytes]) -> bytes:
    """A document of fields, as bytes."""
    body = b"".join(bytes((kind,)) + name.encode() + b"\0" + value for kind, name, value in fields)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def text(value: bytes) -> bytes:
    """A BSON string of these bytes."""
    return struct.pack("<i", len(value) + 1) + value + b"\0"


INT, LONG, DOUBLE = struct.pack("<i", 1), struct.pack("<q", 1), struct.pack("<d", 1)
ODD = {
    "a field that stands twice": document(ID, (0x10, "a", INT), (0x10, "a", INT)),
    "and inside": document(ID, (3, "s", document((0x10, "a", INT), (2, "a", text(b"x"))))),
    "a dollar": document(ID, (0x10, "$a", INT)),
    "an operator": document(ID, (3, "$set", document((0x10, "x", INT)))),
    "a type of Extended JSON": document(ID, (3, "s", document((2, "$oid", text(b"x"))))),
    "a dot": document(ID, (0x10, "a.b", INT)),
    "no name": document(ID, (0x10, "", INT)),
    "only an _id": document(ID),
    "minus zero and NaN": document(ID, (1, "z", struct.pack("<d", -0.0)), (1, "n", bytes.fromhex("010000000000f8ff"))),
    "a symbol": document(ID, (0x0E, "a", text(b"x"))),
    "undefined": document(ID, (6, "a", b"")),
    "code": document(ID, (0x0D, "a", text(b"x()"))),
    "no UTF-8": document(ID, (2, "a", text(b"\xff\xfe"))),
    "a pointer": document(ID, (0x0C, "a", text(b"x") + b"0" * 12)),
    "an old binary": document(ID, (5, "a", struct.pack("<i", 7) + b"\2" + struct.pack("<i", 3) + b"abc")),
    "keys of an array": document(ID, (4, "a", document((0x10, "7", INT), (0x10, "x", INT)))),
    "limits": document(ID, (0xFF, "a", b""), (0x7F, "b", b""), (0x11, "t", INT + INT), (9, "d", b"\xff" * 7 + b"\x7f")),
    "numbers that are equal": document(
        ID, (0x12, "a", LONG), (1, "b", DOUBLE), (0x13, "c", b"\1" + b"\0" * 13 + b"\x40\x30")
    ),
    "order": document(ID, (0x10, "b", INT), (0x10, "a", INT), (0x0B, "r", b"x.y\0im\0")),
}
IDENTIFIERS: dict[str, Any] = {
    "null": None,
    "a document": {"b": 1, "a": Int64(2)},
    "an empty document": {},
    "binary": b"\0\xff",
    "Decimal128": Decimal128("1.10"),
    "a double": 1.0,
    "a long": Int64(1),
    "text": "1' \"é",
    "ObjectId": ObjectId("0123456789abcdef01234567"),
    "true": True,
    "a reference": DBRef("things", 3),
}

State = dict[str, list[bytes]]


def state(mongo: Bench) -> State:
    """Every document of every collection, as bytes."""
    found: State = {}
    for name in mongo.database.list_collection_names(filter={"type": "collection"}):
        if name == "system.views":
            continue
        batches: Any = mongo.database[name].find_raw_batches()
        found[name] = sorted(raw.documents(b"".join(batches)))
    return {name: documents for name, documents in found.items() if documents}


def job(mongo: Bench, made: Reverse, purpose: Running | Rehearsing) -> Job:
    return replace(mongo.job(made.statement, Access.WRITE), parameters=made.parameters, purpose=purpose)


def run(mongo: Bench, statement: str, language: Language = Language.MONGO, keep: KeepLimits = KEEP) -> list[Images]:
    """Run a write; what was kept of it."""
    seen = Recorder()
    asked = replace(mongo.job(statement, Access.WRITE), language=language, purpose=Running(keep=keep))
    processes.run(asked, seen, seen)
    return seen.images


def reverse(images: list[Images]) -> Reverse:
    return undoing.reverse(EngineKind.MONGODB, images, "Takes back a test")


def put_back(mongo: Bench, images: list[Images]) -> list[Images]:
    """Run the reverse of a write as a request for it is read and run; what was kept of it."""
    made, seen = reverse(images), Recorder()
    read = analyse(made.language, EngineKind.MONGODB, made.statement, made.parameters, Access.WRITE)
    assert read.valid, read.findings
    assert read.tables == tuple(sorted({piece.image.table for piece in images}))
    outcome = processes.run(job(mongo, made, Running(made.rows, KEEP, all_or_nothing=True)), seen, seen)
    assert isinstance(outcome, WriteOutcome)
    assert outcome.effect is not None
    assert (outcome.effect.total, outcome.rows_affected) == (made.rows, made.rows)
    assert outcome.effect.reversible
    return seen.images


def store(mongo: Bench, data: bytes) -> None:
    mongo.database.command({"insert": "things", "documents": [RawBSONDocument(data)]})


BY_NAME = {name: written for name, written in WRITES.items() if "nothing" not in name}


@pytest.mark.parametrize("statement", BY_NAME.values(), ids=BY_NAME.keys())
def test_every_document_comes_back_to_the_byte_and_goes_again(mongo: Bench, statement: str) -> None:
    fill(mongo)
    before = state(mongo)
    images = run(mongo, statement)
    after = state(mongo)
    assert before != after
    again = put_back(mongo, images)
    assert state(mongo) == before
    put_back(mongo, again)
    assert state(mongo) == after


@pytest.mark.sandbox
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_a_script_is_taken_back_as_one(mongo: Bench, script: str) -> None:
    fill(mongo)
    before = state(mongo)
    images = run(mongo, script, Language.SCRIPT)
    after = state(mongo)
    assert before != after
    put_back(mongo, put_back(mongo, images))
    assert state(mongo) == after
    put_back(mongo, images)
    assert state(mongo) == before


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_what_no_literal_writes_comes_back(mongo: Bench, odd: bytes) -> None:
    store(mongo, odd)
    before = state(mongo)
    assert before == {"things": [odd]}
    for statement in ("db.things.deleteOne({_id: 1})", "db.things.replaceOne({_id: 1}, {a: 1, b: 1})"):
        put_back(mongo, run(mongo, statement))
        assert state(mongo) == before


@pytest.mark.parametrize("identifier", IDENTIFIERS.values(), ids=IDENTIFIERS.keys())
def test_an_id_of_any_type(mongo: Bench, identifier: object) -> None:
    store(mongo, bson.encode({"_id": identifier, "a": 1}))
    before = state(mongo)
    for statement in ("db.things.updateMany({}, {$set: {a: 2}})", "db.things.deleteMany({})"):
        put_back(mongo, run(mongo, statement))
        assert state(mongo) == before


@pytest.mark.parametrize("since", [
    {"$set": {"a": 1.0}}, {"$set": {"a": Int64(1)}}, {"$set": {"b": None}}, {"$rename": {"a": "aa"}},
    [{"$replaceWith": {"_id": "$_id", "name": "$name", "n": "$n", "tags": "$tags", "sub": "$sub", "a": "$a"}}],
], ids=["another type", "a long", "a field more", "another name", "another order"])  # fmt: skip
def test_a_document_that_changed_since_refuses_all(mongo: Bench, since: Any) -> None:
    fill(mongo)
    images = run(mongo, "db.things.updateMany({_id: {$lt: 4}}, {$set: {a: 1}})")
    mongo.database.things.update_one({"_id": 2}, since)
    left = state(mongo)
    with pytest.raises(Refused, match=r"1 document cannot be put back exactly \(things: 1 changed since: _id 2\)"):
        put_back(mongo, images)
    assert state(mongo) == left


def _gone(mongo: Bench) -> None:
    mongo.database.things.delete_many({"_id": {"$in": [1, 3]}})


def _there_again(mongo: Bench) -> None:
    mongo.database.things.insert_one({"_id": 5, "theirs": True})


def _taken_by_an_equal(mongo: Bench) -> None:
    mongo.database.things.insert_one({"_id": 5.0})


def _taken_value(mongo: Bench) -> None:
    mongo.database.things.insert_one({"_id": 70, "n": 5})
    mongo.database.things.create_index("n", unique=True)


def _rule(mongo: Bench) -> None:
    mongo.database.command("collMod", "things", validator={"never": True})


def _dropped(mongo: Bench) -> None:
    mongo.database.things.drop()


def _view(mongo: Bench) -> None:
    mongo.database.things.rename("elsewhere")
    mongo.database.create_collection("things", viewOn="elsewhere", pipeline=[])


@pytest.mark.parametrize(
    ("since", "why"),
    [
        (_gone, r"2 documents cannot be put back exactly \(things: 2 gone since: _id 1, 3\)"),
        (_there_again, r"things: 1 there again: _id 5\)"),
        (_taken_by_an_equal, "DuplicateKey"),
        (_taken_value, "DuplicateKey"),
        (_rule, "DocumentValidationFailure"),
        (_dropped, "The collection things is gone"),
        (_view, "The collection things is a view now"),
    ],
)
def test_what_stands_in_the_way_refuses_all(mongo: Bench, since: Callable[[Bench], None], why: str) -> None:
    fill(mongo)
    images = run(mongo, "db.things.bulkWrite([{deleteOne: {filter: {_id: 5}}}, {updateMany: {filter: {_id: {$lt: 4}}, "
                        "update: {$set: {a: 1}}}}, {insertOne: {document: {_id: 80}}}])")  # fmt: skip
    since(mongo)
    left = state(mongo)
    with pytest.raises((Refused, StatementFailed), match=why):
        put_back(mongo, images)
    assert state(mongo) == left


def test_values_that_must_be_unique_change_places(mongo: Bench) -> None:
    mongo.database.things.create_index("n", unique=True)
    mongo.database.things.insert_many([{"_id": 1, "n": "a"}, {"_id": 2, "n": "b"}, {"_id": 3, "n": "c"}])
    before = state(mongo)
    operations = [
        f"{{updateOne: {{filter: {{_id: {number}}}, update: {{$set: {{n: '{n}'}}}}}}}}"
        for number, n in ((1, "x"), (2, "a"), (3, "b"), (1, "c"))
    ]
    operations.insert(3, "{deleteOne: {filter: {_id: 77}}}")
    images = run(mongo, f"db.things.bulkWrite([{', '.join(operations)}])")
    after = state(mongo)
    again = put_back(mongo, images)
    assert state(mongo) == before
    put_back(mongo, again)
    assert state(mongo) == after


def test_what_the_server_does_not_keep_is_refused(mongo: Bench) -> None:
    odd = document(ID, (0x11, "t", b"\0" * 8))
    store(mongo, document(ID, (0x10, "a", INT)))
    images = run(mongo, "db.things.deleteOne({_id: 1})")
    (made,) = kept.pieces("things", [(odd, None)])
    assert images
    with pytest.raises(Refused, match="1 not kept by the server as it was: _id 1"):
        put_back(mongo, [made])
    assert state(mongo) == {}


def test_many_documents_in_many_pieces(mongo: Bench) -> None:
    mongo.database.things.insert_many([{"_id": n, "t": "x" * (n % 7 * 1000)} for n in range(2500)])
    before = state(mongo)
    images = run(mongo, "db.things.updateMany({}, {$set: {seen: true}})", keep=KeepLimits(10_000, 50_000_000))
    made, seen = reverse(images), Recorder()
    processes.run(job(mongo, made, Running(2500, all_or_nothing=True)), seen, seen)
    assert state(mongo) == before


def test_a_rehearsal_shows_the_documents_or_what_refuses(mongo: Bench) -> None:
    fill(mongo)
    made = reverse(run(mongo, "db.things.updateMany({_id: {$lt: 4}}, {$unset: {name: 1}})"))
    left = state(mongo)
    seen = Recorder()
    (table,) = processes.rehearse(job(mongo, made, Rehearsing(10, all_or_nothing=True)), seen, seen).effect.tables
    place = [column.name for column in table.columns].index("name")
    assert {(c.before and c.before[place], c.after and c.after[place]) for c in table.changes} == {
        (None, f"Name {n}") for n in (1, 2, 3)
    }
    assert state(mongo) == left
    mongo.database.things.delete_one({"_id": 2})
    with pytest.raises(Refused, match="_id 2"):
        processes.rehearse(job(mongo, made, Rehearsing(10, all_or_nothing=True)), seen, seen)


def test_beyond_the_limits_nothing_is_kept(mongo: Bench) -> None:
    fill(mongo)
    statement = "db.things.updateMany({}, {$inc: {n: 1}})"
    assert run(mongo, statement, keep=KeepLimits(9, 10_000_000)) == []
    assert run(mongo, statement, keep=KeepLimits(1000, 1000)) == []
    assert sum(len(piece.changes) for piece in run(mongo, statement)) == 10


@pytest.mark.parametrize("statement", ["db.things.createIndex({n: 1})", "db.things.dropIndex('n_1')"])
def test_an_index_is_a_change_of_the_schema(mongo: Bench, statement: str) -> None:
    fill(mongo)
    mongo.database.things.create_index("n")
    seen = Recorder()
    asked = replace(mongo.job(statement, Access.WRITE), purpose=Running(keep=KEEP))
    effect = _effect(asked, seen)
    assert [change.what for change in effect.schema] == ["index n_1 of collection things"]
    assert (effect.reversible, seen.images) == (False, [])


def _effect(asked: Job, seen: Recorder) -> Effect:
    outcome = processes.run(asked, seen, seen)
    assert isinstance(outcome, WriteOutcome)
    assert outcome.effect is not None
    return outcome.effect


def test_without_transactions_there_is_no_undo(mongo: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(mongo)
    made = reverse(run(mongo, "db.things.deleteOne({_id: 1})"))
    monkeypatch.setattr("executors.mongodb.clients.Clients._probe", lambda *_: False)
    mongo.write = replace(mongo.write, key=mongo.write.key + "-lone")
    lone = replace(mongo.job("db.things.deleteOne({_id: 2})", Access.WRITE), purpose=Running(keep=KEEP))
    outcome = mongo.run_job(lone)
    assert isinstance(outcome, WriteOutcome)
    assert outcome.effect is not None
    assert (outcome.effect.lasts, outcome.effect.reversible, mongo.control.images) == (True, False, [])
    left = state(mongo)
    with pytest.raises(Refused, match="no transactions"):
        mongo.run_job(job(mongo, made, Running(all_or_nothing=True)))
    assert state(mongo) == left


def test_a_read_login_puts_nothing_back(mongo: Bench) -> None:
    fill(mongo)
    made = reverse(run(mongo, "db.things.deleteOne({_id: 1})"))
    read = analyse(made.language, EngineKind.MONGODB, made.statement, made.parameters, Access.READ)
    assert [finding.code for finding in read.findings] == ["write_in_read"]
    with pytest.raises(Refused, match="read access"):
        mongo.run_job(replace(mongo.job(made.statement, Access.READ), parameters=made.parameters))


@pytest.mark.parametrize(
    ("statement", "parameters", "code"),
    [
        ("db.putBack([{collection: 'things', documents: $1}])", (), "parameters_mismatch"),
        ("db.putBack([{collection: 'things', documents: $1}])", ("", ""), "parameters_mismatch"),
        ("db.putBack([{collection: 'things', documents: $1}])", (1,), "mongo_parameters"),
        ("db.putBack([{collection: 'things', documents: $2}])", ("",), "mongo_arguments"),
        ("db.putBack([{collection: 'system.users', documents: $1}])", ("",), "mongo_collection"),
        ("db.putBack([{collection: 'things', documents: []}])", ("",), "mongo_arguments"),
        ("db.putBack([{collection: 'things', documents: $1, more: 1}])", ("",), "mongo_arguments"),
        ("db.putBack([])", (), "mongo_arguments"),
        ("db.putBack($1)", ("",), "mongo_arguments"),
        ("db.things.putBack([{collection: 'things', documents: $1}])", ("",), "mongo_method"),
        ("db.things.insertOne({a: $1})", ("1",), "mongo_not_literal"),
        ("db.runCommand({insert: 'things', documents: $1})", ("1",), "mongo_not_literal"),
    ],
)
def test_placeholders_stand_nowhere_else(statement: str, parameters: tuple[str | int, ...], code: str) -> None:
    read = analyse(Language.MONGO, EngineKind.MONGODB, statement, parameters, Access.WRITE)
    assert code in [finding.code for finding in read.findings]


@pytest.mark.parametrize(
    "parameter",
    [
        "no JSON",
        "[]",
        "{}",
        '{"left": {"_id": 1}}',
        '{"left": {"_id": 1}, "before": {"_id": 2}}',
        '{"left": {"_id": 1}, "before": {"_id": 1}}',
        '{"left": {"_id": 1}, "before": {"_id": {"$numberLong": "1"}}}',
        '{"left": null, "before": null}',
        '{"left": null, "before": {"a": 1}}',
        '{"left": null, "before": [1]}',
        '{"left": null, "before_bson": "AAAA"}',
        '{"left": null, "before_bson": "no base 64"}',
        '{"left": {"_id": 1}, "before": null}\n{"left": null, "before": {"_id": 1, "a": 1}}',
    ],
)
def test_a_parameter_of_anybody_else_is_refused(parameter: str) -> None:
    with pytest.raises(Refused, match="Line"):
        parts.read(["things"], [parameter])


def test_documents_are_read_as_they_were_written() -> None:
    pairs = [(None, odd) for odd in ODD.values()]
    for pair in pairs:
        (part,) = parts.read(["things"], [parts.written([pair])])
        assert list(part.changes.values()) == [pair]
    readable = parts.written([(None, ODD["numbers that are equal"])])
    assert readable == (
        '{"left": null, "before": {"_id": {"$numberInt": "1"}, "a": {"$numberLong": "1"}, '
        '"b": {"$numberDouble": "1.0"}, "c": {"$numberDecimal": "1"}}}\n'
    )


def test_the_statement_says_what_it_does() -> None:
    one, two = bson.encode({"_id": 1, "a": 1}), bson.encode({"_id": 1, "a": 2})
    made = reverse([*kept.pieces("things", [(one, two)]), *kept.pieces('odd "name', [(None, one), (one, None)])])
    assert made.statement == (
        "// Takes back a test\n"
        "// things: 1 document gets back what it was\n"
        '// odd "name: 1 document that was added is deleted\n'
        '// odd "name: 1 document that was deleted is inserted\n'
        "// Only where every document still is, to the byte, what the write left; else nothing is changed.\n"
        "db.putBack([\n"
        '  {collection: "things", documents: $1},\n'
        '  {collection: "odd \\"name", documents: $2}\n'
        "])"
    )
    assert made.rows == 3


def test_nothing_kept_and_too_much_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotReversible):
        reverse([])
    monkeypatch.setattr("executors.mongodb.undo.reversing._MOST_CHARACTERS", 100)
    with pytest.raises(NotReversible, match="too large"):
        reverse(list(kept.pieces("things", [(None, bson.encode({"_id": 1, "t": "x" * 100}))])))
