"""What MongoDB tells of a run under way, asked from another process with the run's own login."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from executors import processes
from executors.base import Access, Activity, Cancelled, Job, Target
from executors.tests.mongodb.conftest import Bench
from executors.tests.mongodb.test_limits import SLOW

pytestmark = pytest.mark.mongo


@pytest.fixture
def running(mongo: Bench) -> Iterator[Job]:
    """A slow read on a thread of its own, stopped at the end."""
    mongo.database.c.insert_many([{"_id": n} for n in range(20)])
    job = mongo.job(SLOW, Access.READ, seconds=30)
    stop = threading.Event()
    mongo.control.stop = stop.is_set

    def go() -> None:
        with pytest.raises(Cancelled):
            mongo.run_job(job)

    thread = threading.Thread(target=go)
    thread.start()
    yield job
    stop.set()
    thread.join(5)
    assert not thread.is_alive()


def ask(target: Target, name: str, ready: Callable[[Activity], bool]) -> Activity | None:
    """What is told once it is ready; None when it never is."""
    by = time.monotonic() + 20
    while time.monotonic() < by:
        found = processes.activity(target, "", name)
        if found and ready(found):
            return found
    return None


def test_run_tells_that_it_works_and_since_when(running: Job) -> None:
    found = ask(running.target, running.id, lambda found: found.elapsed_ms > 200)
    assert found is not None
    assert (found.state, found.waiting_for, found.blocked_by) == ("active", "", ())
    assert found.elapsed_ms < 30_000


def test_other_login_and_other_query_are_told_nothing(running: Job, mongo: Bench) -> None:
    assert ask(running.target, running.id, lambda _: True) is not None
    assert processes.activity(mongo.write, "", running.id) is None
    assert processes.activity(running.target, "", running.id[:-1]) is None
    assert processes.activity(replace(running.target, url=mongo.write.url), "", running.id) is None
