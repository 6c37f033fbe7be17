"""Whoever rehearses is killed in the middle of it: nothing stays on the target, and it can be rehearsed again."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from executors.base import FailureCode
from queries import services
from queries.lifecycle import Status
from queries.models import QueryRequest, Rehearsal
from queries.tests import trail
from queries.tests.faults.conftest import Portal
from queries.tests.world import TargetDatabase, World

pytestmark = pytest.mark.slow

SQL = """INSERT INTO effects (tag) VALUES ('{tag}'); UPDATE items SET name = '{tag}';
CREATE TEMP TABLE scratch AS SELECT 1 AS one; SELECT pg_sleep({seconds})"""
SCRIPT = """await db.query("INSERT INTO effects (tag) VALUES ('{tag}')");
await db.query("UPDATE items SET name = '{tag}'"); await db.query("SELECT pg_sleep({seconds})");"""
COMPUTES = """await db.query("INSERT INTO effects (tag) VALUES ('{tag}')");
const by = Date.now() + {seconds} * 1000; while (Date.now() < by) {{}}"""

HELPER, WORKER = "executors.processes.worker", "gunicorn"
# What the target has of it: sessions, locks, temporary objects, transactions prepared, settings, rows.
LEFT = """
SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND application_name LIKE '%{id}%'),
  (SELECT count(*) FROM pg_locks WHERE pid <> pg_backend_pid()
    AND relation IN ('effects'::regclass, 'items'::regclass)),
  (SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relname = 'scratch'),
  (SELECT count(*) FROM pg_prepared_xacts),
  (SELECT count(*) FROM pg_db_role_setting WHERE setdatabase = (SELECT oid FROM pg_database
    WHERE datname = current_database())),
  (SELECT count(*) FROM effects WHERE tag = '{tag}') + (SELECT count(*) FROM items WHERE name = '{tag}')
"""
NOTHING = (0,) * 6
# What the portal's own database has of it: the place it ran in.
PLACES = """
SELECT count(*) FROM pg_locks JOIN pg_database AS d ON d.oid = database
WHERE locktype = 'advisory' AND datname = current_database()
"""


def wait_for(state: Callable[[], bool], seconds: float) -> None:
    by = time.monotonic() + seconds
    while not state():
        assert time.monotonic() < by
        time.sleep(0.1)


@pytest.mark.parametrize("text", [SQL, SCRIPT, COMPUTES], ids=["sql", "script", "script that computes"])
@pytest.mark.parametrize("victim", [HELPER, WORKER], ids=["helper", "web worker"])
def test_nothing_is_left_of_it(
    committed: World, portal: Portal, target_database: TargetDatabase, victim: str, text: str
) -> None:
    tag = uuid.uuid4().hex
    committed.change_target(seconds_limit=60, rehearsal_seconds=60, allow_scripts=True)
    language = "sql" if text is SQL else "script"
    query = committed.submitted(text.format(tag=tag, seconds=40), access="write", language=language)

    def left() -> tuple[object, ...] | None:
        with target_database.connect() as target:
            return target.execute(LEFT.format(id=query.public_id, tag=tag)).fetchone()

    with ThreadPoolExecutor() as pool:
        answer = pool.submit(portal.act, "rehearse", query, committed.reviewer)
        # Its session is there, and it holds locks of what it changed.
        wait_for(lambda: all((left() or NOTHING)[:2]), 30)
        for pid in portal.processes(victim)[1 if victim == WORKER else 0 :]:
            os.kill(pid, signal.SIGKILL)
        status = answer.result(30)
    gone_by = time.monotonic() + 10
    while (still := left()) != NOTHING:
        assert time.monotonic() < gone_by, still
        time.sleep(0.1)

    assert status == (0 if victim == WORKER else 200)
    failures = list(Rehearsal.objects.filter(query=query).values_list("failure_code", flat=True))
    assert failures == ([] if victim == WORKER else [FailureCode.INTERRUPTED.value])
    found = QueryRequest.objects.get(pk=query.pk)
    assert found.state is Status.PENDING
    assert trail.actions(found).count("query.rehearse") == 1
    with connection.cursor() as cursor:
        cursor.execute(PLACES)
        assert cursor.fetchone() == (0,)


def test_it_can_be_rehearsed_again(committed: World, portal: Portal, target_database: TargetDatabase) -> None:
    tag = uuid.uuid4().hex
    committed.change_target(seconds_limit=60, rehearsal_seconds=60)
    query = committed.submitted(SQL.format(tag=tag, seconds=1), access="write")
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(portal.act, "rehearse", query, committed.reviewer)
        wait_for(lambda: target_database.running(query.public_id) > 0, 30)
        os.kill(portal.processes(WORKER)[1], signal.SIGKILL)
        assert answer.result(30) == 0
    wait_for(portal.ready, 30)
    assert portal.act("rehearse", query, committed.reviewer) == 200
    rehearsal = services.rehearse(actor=committed.reviewer, query_id=query.pk, digest=query.digest)
    assert rehearsal.effect is not None
    assert rehearsal.effect["total"] == 4
    assert trail.actions(query).count("query.rehearse") == 3
    assert target_database.effects(tag) == 0
