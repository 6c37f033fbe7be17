"""A deployment without transactions: writes are announced before they are sent, and doubts are told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from executors.base import Access, OutcomeUnknown, StatementFailed, WriteOutcome
from executors.tests.mongodb.conftest import Bench

pytestmark = pytest.mark.mongo


@pytest.fixture
def lone(mongo: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """The live server, taken for one without transactions, under a key of its own."""
    monkeypatch.setattr("executors.mongodb.clients.Clients._probe", lambda *_: False)
    mongo.write = replace(mongo.write, key=mongo.write.key + "-lone")
    return mongo


def test_write_is_announced_before_it_is_sent(lone: Bench) -> None:
    def remember(_: str) -> None:
        lone.database.seen.insert_one({"count": lone.database.c.count_documents({})})

    lone.control.commit = remember
    assert isinstance(lone.run("db.c.insertOne({_id: 1})", Access.WRITE), WriteOutcome)
    assert lone.control.commits == [""]
    assert [document["count"] for document in lone.database.seen.find()] == [0]


def test_failure_half_way_says_what_stays(lone: Bench) -> None:
    with pytest.raises(StatementFailed, match="2 documents stay changed"):
        lone.run("db.c.insertMany([{_id: 1}, {_id: 2}, {_id: 1}])", Access.WRITE)
    assert lone.database.c.count_documents({}) == 2


def test_time_limit_half_way_is_an_unknown_outcome(lone: Bench) -> None:
    lone.database.c.insert_many([{"_id": n} for n in range(20)])
    slow = "{$reduce: {input: {$range: [0, 4000000]}, initialValue: 0, in: {$add: ['$$value', '$$this']}}}"
    with pytest.raises(OutcomeUnknown, match="no transactions"):
        lone.run(f"db.c.updateMany({{}}, [{{$set: {{x: {slow}}}}}])", Access.WRITE, seconds=1)
