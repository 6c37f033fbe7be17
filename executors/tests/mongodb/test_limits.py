"""Time, rows and bytes hold, and stopping stops, on a live MongoDB."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from bson import decode_all
from pymongo import MongoClient
from pymongo.monitoring import CommandListener, CommandStartedEvent

from executors.base import (
    Access,
    Cancelled,
    CommitStatus,
    Interrupted,
    OutcomeUnknown,
    ReadOutcome,
    Target,
    TimedOut,
    Unreachable,
)
from executors.mongodb.clients import Clients
from executors.mongodb.engine import MongoDBEngine
from executors.mongodb.outcome import abort_and_ask
from executors.mongodb.wire import Wire
from executors.tests.mongodb.conftest import Bench

pytestmark = pytest.mark.mongo

# Far below what the slow statements take, far above what stopping them does on a machine that is busy.
SOON = 15.0

# Keeps the server busy for minutes, without JavaScript.
SLOW = (
    "db.c.aggregate([{$project: {a: {$range: [0, 3000]}}}, {$unwind: '$a'}, {$project: {b: {$range: [0, 3000]}}},"
    " {$unwind: '$b'}, {$group: {_id: {$mod: ['$b', 7]}, n: {$sum: '$b'}}}])"
)
SLOW_WRITE = (
    "db.c.updateMany({}, [{$set: {x: {$reduce: {input: {$range: [0, 4000000]}, initialValue: 0,"
    " in: {$add: ['$$value', '$$this']}}}}}])"
)


@pytest.fixture
def busy(mongo: Bench) -> Bench:
    mongo.database.c.insert_many([{"_id": n} for n in range(20)])
    return mongo


def operations(mongo: Bench) -> list[dict[str, Any]]:
    pipeline: list[dict[str, Any]] = [{"$currentOp": {}}, {"$match": {"command.comment": {"$regex": "^query-"}}}]
    return list(mongo.database.client.admin.aggregate(pipeline))


def open_transactions(mongo: Bench) -> int:
    return int(mongo.database.client.admin.command("serverStatus")["transactions"]["currentOpen"])


def wait_until(true: Callable[[], bool]) -> None:
    """The server ends an operation and a transaction on its own time, once it was told."""
    by = time.monotonic() + SOON
    while not true():
        assert time.monotonic() < by
        time.sleep(0.05)


def test_time_limit_stops_the_server_too(busy: Bench) -> None:
    start = time.monotonic()
    with pytest.raises(TimedOut):
        busy.run(SLOW, seconds=1)
    assert time.monotonic() - start < SOON
    wait_until(lambda: operations(busy) == [])


@pytest.mark.parametrize("modifier", [".maxTimeMS(0)", ".maxTimeMS(2147483647)"])
def test_author_cannot_raise_the_time_limit(busy: Bench, modifier: str) -> None:
    start = time.monotonic()
    with pytest.raises(TimedOut):
        busy.run(SLOW + modifier, seconds=0.7)
    assert time.monotonic() - start < SOON


def test_author_may_lower_the_time_limit(busy: Bench) -> None:
    start = time.monotonic()
    with pytest.raises(TimedOut):
        busy.run(SLOW + ".maxTimeMS(300)", seconds=30)
    assert time.monotonic() - start < SOON


def test_slow_write_is_rolled_back_and_leaves_no_transaction(busy: Bench) -> None:
    with pytest.raises(TimedOut):
        busy.run(SLOW_WRITE, Access.WRITE, seconds=1)
    assert busy.database.c.count_documents({"x": {"$exists": True}}) == 0
    wait_until(lambda: open_transactions(busy) == 0)


@pytest.mark.parametrize(("statement", "access"), [(SLOW, Access.READ), (SLOW_WRITE, Access.WRITE)])
def test_cancel_asked_of_the_control_stops_the_query(busy: Bench, statement: str, access: Access) -> None:
    begun = time.monotonic()
    busy.control.stop = lambda: time.monotonic() - begun > 0.3
    with pytest.raises(Cancelled):
        busy.run(statement, access, seconds=30)
    assert time.monotonic() - begun < SOON
    wait_until(lambda: operations(busy) == [])
    wait_until(lambda: open_transactions(busy) == 0)


def test_cancel_from_elsewhere_needs_only_target_and_id(busy: Bench, engine: MongoDBEngine) -> None:
    job = busy.job(SLOW, Access.READ, seconds=30)
    stopped: list[int] = []

    def stop() -> None:
        while not stopped and time.monotonic() - begun < 10:
            number = engine.cancel(job.target, job.id)
            stopped.extend([number] if number else [])

    begun = time.monotonic()
    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(Cancelled):
        busy.run_job(job)
    thread.join()
    assert stopped == [1]


def test_cancel_leaves_other_queries_alone(busy: Bench, engine: MongoDBEngine) -> None:
    assert engine.cancel(busy.read, "query") == 0


def test_row_limit_cuts_and_says_so(mongo: Bench) -> None:
    mongo.database.c.insert_many([{"_id": n} for n in range(1000)])
    assert mongo.run("db.c.find()", rows=250) == ReadOutcome(250, "rows")
    assert len(decode_all(mongo.sink.data)) == 250
    assert mongo.run("db.c.aggregate([{$match: {}}])", rows=250) == ReadOutcome(250, "rows")
    assert mongo.run("db.c.find()", rows=1000) == ReadOutcome(1000)
    assert mongo.run("db.c.find().limit(250)", rows=250) == ReadOutcome(250)


def test_byte_limit_cuts_between_documents(mongo: Bench) -> None:
    mongo.database.c.insert_many([{"_id": n, "t": "x" * 1000} for n in range(1000)])
    outcome = mongo.run("db.c.find()", bytes=100_000)
    assert isinstance(outcome, ReadOutcome)
    assert outcome.truncated == "bytes"
    assert 90_000 < len(mongo.sink.data) <= 100_000
    assert len(decode_all(mongo.sink.data)) == outcome.row_count == mongo.sink.count


def test_fifty_documents_of_eight_megabytes_from_a_short_query(mongo: Bench) -> None:
    mongo.database.c.insert_one({"_id": 1, "t": "x" * 8_000_000})
    statement = "db.c.aggregate([{$project: {t: 1, n: {$range: [0, 50]}}}, {$unwind: '$n'}])"
    assert mongo.run(statement, bytes=20_000_000) == ReadOutcome(2, "bytes")


def test_blocks_are_of_moderate_size(mongo: Bench) -> None:
    mongo.database.c.insert_many([{"_id": n, "t": "x" * 500} for n in range(5000)])
    mongo.run("db.c.find()")
    assert max(map(len, mongo.sink.blocks)) < 256 * 1024
    assert mongo.sink.count == 5000


def test_wrong_password_is_unreachable_without_secrets(mongo: Bench, engine: MongoDBEngine) -> None:
    url = mongo.read.url.replace(":p%40ss", ":other")
    with pytest.raises(Unreachable) as caught:
        engine.server_version(Target("x", mongo.read.engine, Access.READ, url))
    assert "credential" in caught.value.public_message


def test_closed_port_is_unreachable_without_address(
    mongo: Bench, engine: MongoDBEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("executors.mongodb.clients._SELECTION_MS", 300)
    url = "mongodb://someone:s3cret@127.0.0.1:1/db"
    with pytest.raises(Unreachable) as caught:
        engine.server_version(Target("x", mongo.read.engine, Access.READ, url))
    message = caught.value.public_message
    assert "refused" in message
    assert not any(secret in message for secret in ("127.0.0.1", "s3cret", "someone"))


def test_engine_introspects_fields_types_and_sizes(mongo: Bench, engine: MongoDBEngine) -> None:
    mongo.database.c.insert_many([{"_id": 1, "a": "x", "n": {"m": 1}}, {"_id": 2, "a": 1}])
    mongo.database.create_collection("v", viewOn="c", pipeline=[])
    tables = {table.name: table for table in engine.introspect(mongo.read)}
    assert [(column.name, column.type) for column in tables["c"].columns][:2] == [("_id", "int"), ("a", "mixed")]
    assert (tables["c"].estimated_rows, tables["v"].kind, tables["v"].estimated_rows) == (2, "view", None)
    assert engine.server_version(mongo.read).startswith("MongoDB ")


def test_commit_status_of_a_committed_transaction(mongo: Bench, engine: MongoDBEngine) -> None:
    mongo.run("db.c.insertOne({_id: 1})", Access.WRITE)
    assert engine.commit_status(mongo.write, mongo.control.commits[-1]) is CommitStatus.COMMITTED
    assert mongo.database.c.count_documents({}) == 1


class Sent(CommandListener):
    """The names of commands that went to the server, each with the write concern it asked for."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        """Remember it."""
        self.commands.append((event.command_name, event.command.get("writeConcern")))

    def succeeded(self, event: object) -> None:
        """Nothing of it is needed."""

    def failed(self, event: object) -> None:
        """Nothing of it is needed."""


def test_a_transaction_counts_as_committed_once_a_majority_has_it(mongo: Bench) -> None:
    mongo.run("db.c.insertOne({_id: 1})", Access.WRITE)
    lsid, _, number = mongo.control.commits[-1].partition(":")
    sent = Sent()
    with MongoClient[dict[str, Any]](mongo.write.url, event_listeners=[sent]) as client:
        assert abort_and_ask(client, bytes.fromhex(lsid), int(number)) is CommitStatus.COMMITTED
    majority = {"w": "majority"}
    ends = [command for command in sent.commands if command[0].endswith("Transaction")]
    assert ends[:2] == [("abortTransaction", majority), ("commitTransaction", majority)]


def test_a_server_that_is_not_reached_has_not_answered(mongo: Bench) -> None:
    with MongoClient[dict[str, Any]]("mongodb://127.0.0.1:1", serverSelectionTimeoutMS=200) as client:
        assert abort_and_ask(client, bytes(16), 1) is CommitStatus.UNANSWERED


def test_commit_status_of_an_abandoned_transaction_ends_it(mongo: Bench, engine: MongoDBEngine) -> None:
    clients = Clients()
    wire = Wire(clients.connected(mongo.write), mongo.write, "abandoned", 10)
    wire.begin()
    wire.command({"insert": "c", "documents": [{"_id": 1}]}, writes=True)
    assert engine.commit_status(mongo.write, wire.transaction) is CommitStatus.ABORTED
    assert engine.commit_status(mongo.write, wire.transaction) is CommitStatus.ABORTED
    wire.close()
    clients.close()
    assert mongo.database.c.count_documents({}) == 0


@pytest.mark.parametrize("transaction", ["", "nonsense", "0" * 32 + ":7"])
def test_commit_status_of_a_stranger_is_unknown(mongo: Bench, engine: MongoDBEngine, transaction: str) -> None:
    assert engine.commit_status(mongo.write, transaction) is CommitStatus.UNKNOWN


class Proxy:
    """Passes bytes on to a server, and cuts the connection once a request that holds `word` was passed on."""

    def __init__(self, url: str, word: bytes) -> None:
        self._word = word
        host, _, port = url.rpartition("@")[2].partition("/")[0].partition(":")
        self._server = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = url.replace(f"{host}:{port}", f"127.0.0.1:{self._listener.getsockname()[1]}")
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                for source, sink, cuts in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._pass_on, args=(source, sink, cuts), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, cuts: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if cuts and self._word in data:
                    source.shutdown(socket.SHUT_RDWR)
                    sink.sendall(data)
                    time.sleep(0.2)
                    break
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        """Take no more connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def proxied(mongo: Bench, request: pytest.FixtureRequest) -> Iterator[Bench]:
    proxy = Proxy(mongo.write.url, request.param)
    mongo.write = replace(mongo.write, url=proxy.url)
    yield mongo
    proxy.close()


@pytest.mark.parametrize("proxied", [b"commitTransaction"], indirect=True)
def test_lost_answer_to_commit_is_unknown_until_the_server_is_asked(
    proxied: Bench, engine: MongoDBEngine, mongo_targets: tuple[Any, Target, Target]
) -> None:
    with pytest.raises(OutcomeUnknown):
        proxied.run("db.c.insertOne({_id: 1})", Access.WRITE)
    assert engine.commit_status(mongo_targets[2], proxied.control.commits[-1]) is CommitStatus.COMMITTED
    assert proxied.database.c.count_documents({}) == 1


@pytest.mark.parametrize("proxied", [b"updates"], indirect=True)
def test_connection_lost_in_a_transaction_changes_nothing(proxied: Bench) -> None:
    proxied.database.c.insert_one({"_id": 1})
    with pytest.raises(Interrupted):
        proxied.run("db.c.updateOne({_id: 1}, {$set: {a: 1}})", Access.WRITE)
    assert list(proxied.database.c.find()) == [{"_id": 1}]


@pytest.mark.parametrize("proxied", [b"createIndexes"], indirect=True)
def test_connection_lost_outside_a_transaction_is_unknown(proxied: Bench) -> None:
    with pytest.raises(OutcomeUnknown):
        proxied.run("db.c.createIndex({a: 1})", Access.WRITE)
