"""`ordered: false`: in mongosh the documents that did not fail stay, here none does, and that is said."""

# ruff: noqa: E501 - statements as people write them stand on one line
from __future__ import annotations

from dataclasses import replace

import pytest

from executors import registry
from executors.analysis import analyse
from executors.base import Access, Asked, EngineKind, FindingCode, Language, StatementFailed
from executors.tests.mongodb.conftest import Bench

STATEMENTS = [
    "db.c.insertMany([{_id: 1}, {_id: 1}, {_id: 2}], {ordered: false})",
    "db.c.bulkWrite([{insertOne: {document: {_id: 1}}}, {insertOne: {document: {_id: 1}}}], {ordered: false})",
    "db.runCommand({insert: 'c', documents: [{_id: 1}, {_id: 1}, {_id: 2}], ordered: false})",
    "db.runCommand({update: 'c', updates: [{q: {a: 1}, u: {$set: {_id: 7}}, upsert: true}, {q: {a: 1}, u: {$inc: {'_id.x': 1}}, upsert: true}], ordered: false})",
]  # fmt: skip


@pytest.mark.parametrize("statement", STATEMENTS)
def test_it_is_said_before(statement: str) -> None:
    """out-14."""
    analysis = analyse(Language.MONGO, EngineKind.MONGODB, statement, (), Access.WRITE)
    (finding,) = (found for found in analysis.findings if found.code is FindingCode.ALL_OR_NOTHING)
    assert "mongosh would keep" in finding.message
    assert finding.line == 1
    assert finding.column == statement.index("ordered") + 1


@pytest.mark.parametrize("statement", [text.replace("false})", "true})") for text in STATEMENTS[:2]])
def test_of_an_ordered_write_nothing_is_said(statement: str) -> None:
    analysis = analyse(Language.MONGO, EngineKind.MONGODB, statement, (), Access.WRITE)
    assert analysis.findings == ()


@pytest.mark.mongo
@pytest.mark.parametrize("statement", STATEMENTS)
def test_it_is_said_after(mongo: Bench, statement: str) -> None:
    """out-14."""
    with pytest.raises(StatementFailed, match="Nothing was kept, although the write says ordered: false"):
        mongo.run(statement, Access.WRITE)
    assert mongo.database.c.count_documents({}) == 0


@pytest.mark.mongo
def test_an_ordered_write_that_fails_says_what_failed_only(mongo: Bench) -> None:
    with pytest.raises(StatementFailed) as caught:
        mongo.run("db.c.insertMany([{_id: 1}, {_id: 1}])", Access.WRITE)
    assert "ordered" not in caught.value.public_message


MIXED = """db.c.bulkWrite([{insertOne: {document: {_id: 1}}}, {insertOne: {document: {_id: 1}}}, {insertOne: {document: {_id: 2}}},
  {updateOne: {filter: {_id: 9}, update: {$set: {a: 1}}}}, {deleteOne: {filter: {_id: 8}}}], {ordered: false})"""


@pytest.mark.mongo
@pytest.mark.parametrize("transactions", [True, False])
def test_the_target_tells_which_of_the_two_holds_and_so_it_is(
    mongo: Bench, monkeypatch: pytest.MonkeyPatch, transactions: bool
) -> None:
    monkeypatch.setattr("executors.mongodb.clients.Clients._probe", lambda *_: transactions)
    mongo.read, mongo.write = (replace(one, key=f"{one.key}-{transactions}") for one in (mongo.read, mongo.write))
    mongo.database.c.insert_many([{"_id": 8}, {"_id": 9}])
    engine = registry.engine(EngineKind.MONGODB)
    (told,) = engine.check(mongo.read, [Asked(MIXED, ("c",))], Access.WRITE)
    (finding,) = [one for one in told.noticed if one.code is FindingCode.ALL_OR_NOTHING]
    assert finding.code in told.settles
    assert ("means here what it means in mongosh" in finding.message) is not transactions
    with pytest.raises(StatementFailed) as caught:
        mongo.run(MIXED, Access.WRITE)
    kept = [(document["_id"], "a" in document) for document in mongo.database.c.find().sort("_id", 1)]
    assert kept == ([(8, False), (9, False)] if transactions else [(1, False), (2, False), (9, True)])
    said = "Nothing was kept" if transactions else "Its other commands changed 2 documents, which stay."
    assert said in caught.value.public_message
