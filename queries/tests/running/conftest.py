"""Portal processes beside this one, and threads that start at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest
from django.db import connection

from accounts.models import User
from queries.models import QueryRequest
from queries.tests.running import racer
from queries.tests.world import World, url_with

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_SECONDS = 30
Approve: TypeAlias = Callable[..., "Future[QueryRequest]"]


def portal_environment() -> dict[str, str]:
    """The environment of a portal process on the database that is connected now."""
    name = str(connection.settings_dict["NAME"])
    settings = {"DJANGO_SETTINGS_MODULE": "portal.settings", "PYTHONPATH": str(ROOT)}
    return {**os.environ, **settings, "PORTAL_DATABASE_URL": url_with(os.environ["PORTAL_DATABASE_URL"], database=name)}


class Racer:
    """Another portal process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", racer.COMMAND],
            cwd=ROOT,
            env=portal_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def answer(self) -> str:
        """The next line it says; "" when it died."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def order(self, verb: str, query: QueryRequest, person: str, *, at: float = 0) -> None:
        """Have it do a verb at a moment."""
        assert self._process.stdin is not None
        order = {"verb": verb, "query": query.pk, "digest": query.digest, "person": person, "at": at}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        """`kill -9`."""
        self._process.kill()

    def hang_up(self) -> None:
        """Close its input, which ends it."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def end(self) -> None:
        """Wait until it has ended."""
        self._process.wait(timeout=20)
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def started(count: int) -> Iterator[list[Racer]]:
    """Portal processes, ready."""
    found = [Racer() for _ in range(count)]
    try:
        assert [process.answer() for process in found] == ["ready"] * count
        yield found
    finally:
        for process in found:
            process.hang_up()
        for process in found:
            process.end()


@pytest.fixture(scope="module")
def other(committed: World) -> Iterator[Racer]:
    """One portal process beside this one."""
    with started(1) as found:
        yield found[0]


@pytest.fixture
def approve(committed: World) -> Iterator[Approve]:
    """Approves in threads of this process."""
    with ThreadPoolExecutor(8) as pool:

        def run(query: QueryRequest, by: User | None = None) -> QueryRequest:
            try:
                return committed.approved(query, by=by)
            finally:
                connection.close()

        yield lambda query, by=None: pool.submit(run, query, by)


def wait_for(what: Callable[[], bool], *, seconds: float = PATIENCE_SECONDS) -> None:
    """Until it holds: the state is waited for, and the clock only ends a test that would hang."""
    by = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < by, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def racers(committed: World) -> Iterator[list[Racer]]:
    """Four portal processes."""
    with started(4) as found:
        yield found


class Threads:
    """Threads that live on, each with its own database connection, and leave the same barrier at once."""

    def __init__(self, count: int) -> None:
        self._barrier = threading.Barrier(count)
        self._pool = ThreadPoolExecutor(count)
        self.count = count

    def race(self, acts: Sequence[Callable[[], str]]) -> list[str]:
        """What each act said, all started in the same moment; one act a thread."""
        assert len(acts) == self.count

        def go(act: Callable[[], str]) -> str:
            self._barrier.wait(timeout=20)
            return act()

        return list(self._pool.map(go, acts))

    def end(self) -> None:
        """Close every thread's connection, and the threads."""

        def close() -> str:
            connection.close()
            # Nobody takes a second turn before everybody had one.
            time.sleep(0.01)
            return ""

        self.race([close] * self.count)
        self._pool.shutdown()


@pytest.fixture(scope="module")
def threads(committed: World) -> Iterator[Threads]:
    """Twenty threads."""
    found = Threads(20)
    yield found
    found.end()
