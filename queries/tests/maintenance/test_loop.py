"""The rhythm of the tasks: on several replicas, past errors and lost connections, until SIGTERM."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection

from queries.maintenance import loop
from queries.maintenance.loop import Stopping, Task, maintain
from queries.models import Notice, QueryRequest
from queries.tests.world import World

ROOT = Path(__file__).resolve().parents[3]


def do(monkeypatch: pytest.MonkeyPatch, *tasks: tuple[str, Callable[[Stopping], int], int]) -> None:
    """Let the loop have these tasks, each due all the time."""
    made = [Task(name, run, 0.01, lock) for name, run, lock in tasks]
    monkeypatch.setattr(loop, "tasks", lambda _: made)


def maintain_once_and_close() -> None:
    maintain(stop=threading.Event(), once=True)
    connection.close()


def test_every_task_runs_once_with_once(committed: World) -> None:
    done = maintain(stop=threading.Event(), once=True)
    # Whether one is due tells another test.
    assert done.pop("checkpoints") in {0, 1}
    assert done == {
        "settle": 0,
        "expire": 0,
        "remind": 0,
        "months": 0,
        "publish": 0,
        "forward": 0,
        "notices": 0,
        "digests": 0,
        "tidy": 0,
    }


def waited(query: QueryRequest, *, hours: float) -> None:
    """Let the request have been submitted so much earlier."""
    earlier = dt.timedelta(hours=hours)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE query_requests DISABLE TRIGGER query_is_frozen")
        QueryRequest.objects.filter(pk=query.pk).update(
            submitted_at=query.expires_at - dt.timedelta(hours=10) - earlier, expires_at=query.expires_at - earlier
        )
        cursor.execute("ALTER TABLE query_requests ENABLE TRIGGER query_is_frozen")


def test_manager_is_reminded_once_at_half_time(committed: World) -> None:
    committed.reviewer.notify_by_email, committed.reviewer.email = True, "reviewer@example.com"
    committed.reviewer.save()
    committed.change_target(pending_hours=10)
    query = committed.submitted()
    for hours in (4.9, 0.2, 1.0):
        maintain(stop=threading.Event(), once=True)
        query.refresh_from_db()
        waited(query, hours=hours)
    maintain(stop=threading.Event(), once=True)
    said = [message.subject for message in mail.outbox]
    assert said == [f"{query.number} waits for your review", f"{query.number} still waits for your review"]


def test_stale_request_expires(committed: World) -> None:
    committed.change_target(pending_hours=10)
    query = committed.submitted()
    query.refresh_from_db()
    waited(query, hours=10)
    assert maintain(stop=threading.Event(), once=True)["expire"] == 1
    query.refresh_from_db()
    assert (query.status, query.code) == ("WITHDRAWN", "EXPIRED")


def test_error_of_one_task_keeps_no_other(committed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Stopping) -> int:
        raise ValueError

    do(monkeypatch, ("bad", fail, 1), ("good", lambda _: 3, 2))
    assert maintain(stop=threading.Event(), once=True) == {"bad": 0, "good": 3}


def test_lost_connection_is_replaced(committed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(_: Stopping) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return 0

    def count(_: Stopping) -> int:
        return 1 + Notice.objects.filter(pk=0).count()

    do(monkeypatch, ("cut", cut, 1), ("count", count, 2))
    assert maintain(stop=threading.Event(), once=True) == {"cut": 0, "count": 1}


def test_task_under_way_elsewhere_is_skipped(committed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, leave, runs = threading.Event(), threading.Event(), []

    def run(_: Stopping) -> int:
        runs.append(1)
        inside.set()
        leave.wait(10)
        return 1

    do(monkeypatch, ("slow", run, 9))
    first = threading.Thread(target=maintain_once_and_close)
    first.start()
    assert inside.wait(10)
    assert maintain(stop=threading.Event(), once=True) == {"slow": 0}
    leave.set()
    first.join()
    assert len(runs) == 1


def test_lock_outlives_what_a_task_does_to_its_connection(committed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def run(_: Stopping) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")
            connection.close()
        with loop._lock(9) as mine:
            seen.append(mine)
        return 1

    do(monkeypatch, ("settles", run, 9))
    maintain(stop=threading.Event(), once=True)
    assert seen == [False]
    with loop._lock(9) as mine:
        assert mine


def test_loop_comes_round_again_until_it_is_stopped(committed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, runs = threading.Event(), []

    def run(_: Stopping) -> int:
        runs.append(time.monotonic())
        if len(runs) == 3:
            stop.set()
        return 1

    do(monkeypatch, ("again", run, 0), ("never reached", lambda _: 1, 0))
    assert maintain(stop=stop)["again"] == 3


def test_interval_must_be_positive() -> None:
    with pytest.raises(CommandError, match="more than 0"):
        call_command("maintain", interval=0.0)


@pytest.mark.slow
def test_sigterm_stops_the_command_cleanly(committed: World) -> None:
    database = connection.settings_dict
    url = "postgresql://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**database)
    environment = {**os.environ, "PORTAL_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "portal.settings"}
    environment["PORTAL_SECRET_KEY"] = django_settings.SECRET_KEY
    process = subprocess.Popen(
        [sys.executable, "manage.py", "maintain", "--interval", "60"], cwd=ROOT, env=environment, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    assert any(b"maintaining" in line for line in process.stderr)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 0, errors
    assert b"Traceback" not in errors
