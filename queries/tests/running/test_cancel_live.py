"""Each kind of work stops on its target when a person says so, over the page or the API of another process."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient

from executors import processes
from pods.models import Target
from queries.lifecycle import Status
from queries.models import Code, Execution, QueryRequest
from queries.tests import trail
from queries.tests.running.conftest import Approve, Racer, wait_for
from queries.tests.world import TargetDatabase, World

pytestmark = pytest.mark.slow

# From the moment the wish is on record to the end of the run; quiet, it takes half a second.
SECONDS = 2.5
WAYS = ["cancel by page", "cancel by API"]
Cancel: TypeAlias = Callable[[QueryRequest, str, str], QueryRequest]


@dataclass(frozen=True, slots=True)
class Events:
    """A MongoDB target with a thousand numbers."""

    database: Any
    target: Target

    def running(self, query: QueryRequest) -> int:
        """How many operations still carry the request's id, seen by the administrator."""
        wanted = {"command.comment": {"$regex": str(query.public_id)}}
        return len(list(self.database.client.admin.aggregate([{"$currentOp": {}}, {"$match": wanted}])))

    def transactions(self) -> int:
        """How many transactions are open on the server."""
        return int(self.database.client.admin.command("serverStatus")["transactions"]["currentOpen"])


@pytest.fixture(scope="module")
def events(committed: World, mongo_url: str) -> Iterator[Events]:
    """The target, with a user who may read and one who may write."""
    name = f"events_{uuid.uuid4().hex[:8]}"
    parts = urlsplit(mongo_url)
    with MongoClient[dict[str, Any]](mongo_url) as client:
        for role in ("read", "readWrite"):
            client.admin.command("createUser", f"{name}_{role}", pwd="pw", roles=[{"role": role, "db": name}])
            netloc = f"{name}_{role}:pw@{parts.netloc.rpartition('@')[2]}"
            os.environ[f"TEST_EVENTS_{role.upper()}_URL"] = parts._replace(netloc=netloc, path=f"/{name}").geturl()
        client[name].numbers.insert_many([{"n": n} for n in range(1000)])
        target = Target.objects.create(
            pod=committed.pod,
            name="Events",
            slug="events",
            engine="mongodb",
            read_url_variable="TEST_EVENTS_READ_URL",
            write_url_variable="TEST_EVENTS_READWRITE_URL",
            seconds_limit=20,
            allow_scripts=True,
        )
        yield Events(client[name], target)
        processes.close()
        client.drop_database(name)
        for role in ("read", "readWrite"):
            client.admin.command("dropUser", f"{name}_{role}")


@pytest.fixture
def scripts(committed: World) -> Iterator[None]:
    """Scripts are allowed on the PostgreSQL target."""
    committed.change_target(allow_scripts=True)
    yield
    committed.change_target(allow_scripts=False)


@pytest.fixture
def cancelled(committed: World, approve: Approve, other: Racer) -> Cancel:
    """Runs a request, cancels it once it works (as the caller says), and returns it as it ended, in time."""

    def go(query: QueryRequest, way: str, person: str) -> QueryRequest:
        running = approve(query)
        wait_for(lambda: Execution.objects.filter(pk=query.pk).exclude(backend="").exists())
        time.sleep(0.3)
        other.order(way, query, person)
        assert other.answer() in {"answered 200", "answered 302"}
        found = running.result(timeout=30)
        assert found.execution.finished_at is not None
        assert found.execution.cancel_requested_at is not None
        assert (found.execution.finished_at - found.execution.cancel_requested_at).total_seconds() < SECONDS
        assert (found.state, found.code) == (Status.FAILED, Code.CANCELLED)
        assert trail.actions(found)[-2:] == ["query.cancel", "query.fail"]
        assert trail.holds(found)
        return found

    return go


@pytest.mark.parametrize("way", WAYS)
def test_read_that_waits_for_a_lock(
    committed: World, cancelled: Cancel, target_database: TargetDatabase, way: str
) -> None:
    committed.change_target(lock_seconds_limit=9)
    query = committed.submitted("SELECT * FROM items")
    with target_database.connect() as holder, holder.transaction():
        holder.execute("LOCK TABLE items IN ACCESS EXCLUSIVE MODE")
        found = cancelled(query, way, "author")
        wait_for(lambda: sessions(target_database, found) == 0)
    committed.change_target(lock_seconds_limit=5)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO effects (tag) SELECT '{tag}' FROM generate_series(1, 200000000)",
        "INSERT INTO effects (tag) SELECT '{tag}' FROM generate_series(1, 20000000) n RETURNING id",
    ],
    ids=["silent", "returning rows"],
)
def test_long_write(
    cancelled: Cancel, committed: World, target_database: TargetDatabase, way: str, statement: str
) -> None:
    tag = uuid.uuid4().hex
    found = cancelled(committed.submitted(statement.format(tag=tag), access="write"), way, "second_reviewer")
    wait_for(lambda: sessions(target_database, found) == 0)
    assert target_database.effects(tag) == 0


def test_read_whose_rows_never_stop(cancelled: Cancel, committed: World, target_database: TargetDatabase) -> None:
    committed.change_target(rows_limit=10_000_000, bytes_limit=10_000_000_000)
    query = committed.submitted("SELECT n, repeat('x', 200) FROM generate_series(1, 2000000000) n")
    committed.change_target(rows_limit=50_000, bytes_limit=100_000_000)
    found = cancelled(query, "cancel by API", "author")
    wait_for(lambda: sessions(target_database, found) == 0)
    assert not found.execution.chunks.exists()


@pytest.mark.mongo
@pytest.mark.parametrize("way", WAYS)
def test_slow_find(cancelled: Cancel, committed: World, events: Events, way: str) -> None:
    statement = "db.numbers.find({$expr: {$gt: [{$sum: {$map: {input: {$range: [0, 100000]}, in: '$$this'}}}, -1]}})"
    query = committed.submitted(statement + ".sort({n: 1})", target="events", language="mongo")
    found = cancelled(query, way, "author")
    assert events.running(found) == 0


@pytest.mark.mongo
def test_slow_mongodb_write(cancelled: Cancel, committed: World, events: Events) -> None:
    total = "{$reduce: {input: {$range: [0, 100000]}, initialValue: 0, in: {$add: ['$$value', '$$this']}}}"
    statement = f"db.numbers.updateMany({{}}, [{{$set: {{x: {total}}}}}])"
    query = committed.submitted(statement, target="events", language="mongo", access="write")
    found = cancelled(query, "cancel by API", "author")
    assert events.running(found) == 0
    assert events.transactions() == 0
    assert events.database.numbers.count_documents({"x": {"$exists": True}}) == 0


SCRIPTS = {
    "busy": "await db.query(\"INSERT INTO effects (tag) VALUES ('{tag}')\"); for (;;) {{}}",
    "waiting": "await db.query(\"INSERT INTO effects (tag) VALUES ('{tag}')\"); await db.query('SELECT pg_sleep(15)')",
    # each call takes 2 ms, so that none of ours reaches the most a script may make before it is stopped
    "calling": "for (;;) await db.query(\"INSERT INTO effects (tag) SELECT '{tag}' FROM pg_sleep(0.002)\")",
}


@pytest.mark.sandbox
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_script(
    scripts: None, cancelled: Cancel, committed: World, target_database: TargetDatabase, script: str, way: str
) -> None:
    tag = uuid.uuid4().hex
    query = committed.submitted(script.format(tag=tag), language="script", access="write")
    found = cancelled(query, way, "author")
    wait_for(lambda: sessions(target_database, found) == 0)
    assert target_database.effects(tag) == 0


def sessions(target: TargetDatabase, query: QueryRequest) -> int:
    """How many sessions carry the request's name, those that idle in a transaction among them."""
    with target.connect() as server:
        row = server.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE %s", [f"%{query.public_id}%"]
        ).fetchone()
    assert row is not None
    return int(str(row[0]))


@pytest.mark.mongo
@pytest.mark.sandbox
def test_busy_script_on_mongodb(cancelled: Cancel, committed: World, events: Events) -> None:
    script = "await db.collection('numbers').insertOne({mark: 1}); for (;;) {}"
    query = committed.submitted(script, target="events", language="script", access="write")
    found = cancelled(query, "cancel by page", "author")
    assert events.running(found) == 0
    assert events.transactions() == 0
    assert events.database.numbers.count_documents({"mark": 1}) == 0
