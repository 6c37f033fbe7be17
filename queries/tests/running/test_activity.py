"""While a run waits, people are told what for and who holds it; and asking can neither hang the page nor the target."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from django.core.cache import cache
from django.test import Client
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from executors import processes
from executors.base import Access, Activity, EngineKind, Target
from queries import services
from queries.lifecycle import Status
from queries.models import Execution, QueryRequest
from queries.running.activity import activity
from queries.tests.running.conftest import Approve, wait_for
from queries.tests.world import TargetDatabase, World
from web.errors import NotNow

pytestmark = pytest.mark.slow

SECRET = "a word of somebody else's statement"


@pytest.fixture
def run(committed: World, approve: Approve) -> Iterator[Callable[..., QueryRequest]]:
    """Starts a request and returns it once its backend is known; stopped at the end."""
    started = []

    def go(statement: str, **fields: object) -> QueryRequest:
        query = committed.submitted(statement, **fields)
        started.append((query, approve(query)))
        wait_for(lambda: Execution.objects.filter(pk=query.pk).exclude(backend="").exists())
        return QueryRequest.objects.get(pk=query.pk)

    committed.change_target(seconds_limit=40, lock_seconds_limit=40)
    yield go
    committed.change_target(seconds_limit=10, lock_seconds_limit=5)
    for query, running in started:
        with suppress(NotNow):
            services.cancel(actor=committed.author, query_id=query.pk)
        running.result(timeout=30)


@pytest.fixture
def locked(target_database: TargetDatabase) -> Iterator[None]:
    """A superuser holds the table, in the words of a statement that is nobody's business."""
    with psycopg.connect(target_database.admin_url, application_name="<b>nightly</b>") as holder:
        holder.execute(f"LOCK TABLE items IN ACCESS EXCLUSIVE MODE /* {SECRET} */")
        yield
        holder.rollback()


def seen(query: QueryRequest, ready: Callable[[Activity], bool] = lambda _: True) -> Activity:
    """The activity, as soon as it is there and ready."""
    found: list[Activity] = []

    def look() -> bool:
        cache.clear()
        now = activity(query)
        found.extend([now] if now and ready(now) else [])
        return bool(found)

    wait_for(look)
    return found[0]


def get(committed: World, query: QueryRequest) -> dict[str, Any]:
    client = APIClient(headers={"Authorization": f"Bearer {AccessToken.for_user(committed.author)}"})
    return dict(client.get(f"/api/v1/queries/{query.public_id}/").json()["execution"])


def test_blocked_read_names_the_lock_and_its_holder_and_no_statement(
    committed: World, run: Callable[..., QueryRequest], locked: None, target_database: TargetDatabase
) -> None:
    query = run("SELECT * FROM items")
    seen(query, lambda found: found.blocked_by != ())
    found = get(committed, query)["activity"]
    holder = found["blocked_by"][0]
    assert (found["state"], found["waiting_for"]) == ("active", "a lock on items (AccessShareLock)")
    assert 0 < found["elapsed_ms"] < 40_000
    user = psycopg.conninfo.conninfo_to_dict(target_database.admin_url)["user"]
    assert (holder["application"], holder["user"]) == ("<b>nightly</b>", user)
    # The login is no superuser: the server keeps this to itself, and so nothing is guessed.
    assert (holder["state"], holder["seconds"]) == ("", None)
    assert SECRET not in str(found)


@pytest.mark.parametrize("part", ["", "status/"])
def test_page_says_it_without_scripts_and_when_polled(
    committed: World, run: Callable[..., QueryRequest], locked: None, part: str
) -> None:
    query = run("SELECT * FROM items")
    seen(query, lambda found: found.blocked_by != ())
    client = Client()
    client.force_login(committed.author, backend="django.contrib.auth.backends.ModelBackend")
    text = client.get(f"/queries/{query.public_id}/{part}").content.decode()
    assert "a lock on items (AccessShareLock)" in text
    assert "&lt;b&gt;nightly&lt;/b&gt;" in text
    assert "<b>nightly" not in text
    assert SECRET not in text


def test_holder_of_the_same_login_is_seen_whole(
    run: Callable[..., QueryRequest], target_database: TargetDatabase
) -> None:
    with psycopg.connect(target_database.write_url) as holder:
        holder.execute("UPDATE items SET name = 'held' WHERE id = 1")
        # What the row says already: this run may well finish once its way is free.
        query = run("UPDATE items SET name = 'one' WHERE id = 1", access="write")
        found = seen(query, lambda found: found.blocked_by != ())
        pid = holder.info.backend_pid
        holder.rollback()
    assert found.waiting_for == "the end of another transaction that changed the same row"
    assert [(one.pid, one.state) for one in found.blocked_by] == [(pid, "idle in transaction")]
    assert found.blocked_by[0].seconds in range(40)


def test_run_that_waits_for_nobody_names_nobody(run: Callable[..., QueryRequest]) -> None:
    sleeping = seen(run("SELECT pg_sleep(35)"), lambda found: found.waiting_for != "")
    assert (sleeping.waiting_for, sleeping.blocked_by) == ("its own pg_sleep", ())


def test_working_run_waits_for_nothing(run: Callable[..., QueryRequest]) -> None:
    working = seen(run("SELECT count(*) FROM generate_series(1, 1000000000)"), lambda found: found.waiting_for == "")
    assert (working.state, working.blocked_by) == ("active", ())


def test_what_does_not_run_has_none(committed: World) -> None:
    waiting, done = committed.submitted(), committed.executed()
    assert done.state is Status.EXECUTED
    assert [activity(query) for query in (waiting, done)] == [None, None]
    assert get(committed, done)["activity"] is None


def test_backend_that_runs_another_query_is_not_told_of(run: Callable[..., QueryRequest]) -> None:
    query = run("SELECT pg_sleep(35)")
    target = query.target.with_credential(Access.READ)
    assert processes.activity(target, query.execution.backend, str(query.public_id)) is not None
    assert processes.activity(target, query.execution.backend, "0" * 32) is None
    assert processes.activity(target, "not a pid", str(query.public_id)) is None


def test_login_of_the_other_access_is_not_told(run: Callable[..., QueryRequest]) -> None:
    query = run("SELECT pg_sleep(35)")
    target = query.target.with_credential(Access.WRITE)
    assert processes.activity(target, query.execution.backend, str(query.public_id)) is None


def test_full_target_answers_that_nobody_can_tell_and_waits_for_no_place(
    run: Callable[..., QueryRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    query = run("SELECT pg_sleep(35)")
    monkeypatch.setattr(processes._ours().helpers, "_at_once", 1)
    cache.clear()
    assert activity(query) is None
    assert QueryRequest.objects.get(pk=query.pk).state is Status.EXECUTING


def test_silent_target_is_given_up_after_two_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"postgresql://u:p@127.0.0.1:{server.getsockname()[1]}/d"
        target = Target("silent", EngineKind.POSTGRESQL, Access.READ, url)
        began = time.monotonic()
        assert processes.activity(target, "1", "x") is None
        assert time.monotonic() - began < 5


def test_many_who_watch_ask_the_target_once_a_second(run: Callable[..., QueryRequest]) -> None:
    query = run("SELECT pg_sleep(35)")
    first = seen(query)
    assert [activity(query) for _ in range(20)] == [first] * 20
    time.sleep(1.1)
    later = activity(query)
    assert later is not None
    assert later.elapsed_ms >= first.elapsed_ms + 1000
