"""Pages of a portal all of whose places are taken by long runs: gunicorn as it is configured, with two workers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from accounts.models import User
from queries import services
from queries.models import Execution
from queries.tests.faults.conftest import served
from queries.tests.running.conftest import wait_for
from queries.tests.world import World

RUNS = 16
MORE = 12
SECONDS = 50
# Far less than a statement takes; a busy machine may take its time.
AT_MOST = 2.0
pytestmark = pytest.mark.slow


def test_nobody_waits_for_somebody_elses_statement(committed: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    committed.change_target(places=RUNS, seconds_limit=60)
    queries = [committed.submitted(f"SELECT pg_sleep({SECONDS})") for _ in range(RUNS + MORE)]
    asked: list[tuple[str, User | None]] = [
        ("/healthz", None),
        ("/readyz", None),
        ("/accounts/login/", None),
        ("/review/", committed.other_manager),
        (f"/queries/{queries[0].public_id}/status/", committed.author),
    ]
    settings = {"WEB_CONCURRENCY": "2", "PORTAL_PLACES": str(RUNS), "PORTAL_POD_PLACES": str(RUNS)}
    with served(tmp_path_factory.mktemp("served"), settings) as portal, ThreadPoolExecutor(len(queries)) as pool:
        for path, by in asked * 2:
            portal.get(path, by, seconds=30)
        answers = [pool.submit(portal.approve, query, committed.reviewer) for query in queries[:RUNS]]
        running = Execution.objects.filter(query__in=queries, finished_at=None)
        wait_for(lambda: running.count() == RUNS)
        # These find no place, and wait for one; so many at once that some are told that too many wait.
        late = [pool.submit(portal.approve, query, committed.reviewer) for query in queries[RUNS:]]
        took = {path: min(portal.get(path, by, seconds=SECONDS) for _ in range(3)) for path, by in asked}
        # All of that while every one of them ran.
        assert running.count() == RUNS
        assert {path: seconds for path, seconds in took.items() if seconds > AT_MOST} == {}
        assert {answer.result() for answer in late} == {503}
        for query in queries[:RUNS]:
            services.cancel(actor=committed.author, query_id=query.pk)
        assert [answer.result() for answer in answers] == [200] * RUNS
    committed.change_target(places=8, seconds_limit=10)
