"""Helpers keep what is dangerous out of the web worker, and end with it."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from executors import processes
from executors.base import (
    Cancelled,
    ExecutionError,
    Job,
    Language,
    Limits,
    ReadOutcome,
    StatementFailed,
    TooLarge,
    Unreachable,
)
from executors.processes import pool
from executors.processes.frames import Channel
from executors.processes.helper import Helper, _Conversation
from executors.tests.postgresql.world import Database
from executors.tests.recording import Recorder

LIMITS = Limits(seconds=60, rows=2_000_000, bytes=1 << 30)
GROWTH_KB = 12 * 1024


class Dropping(Recorder):
    """A sink that stores nothing, as one that writes to a database does."""

    def rows(self, data: bytes, count: int) -> None:
        """Count only."""
        self.blocks.append((b"", count))


def run(database: Database, statement: str, recorder: Recorder | None = None) -> ReadOutcome:
    recorder = recorder or Dropping()
    job = Job("helper", database.target("reader"), Language.SQL, statement, LIMITS)
    outcome = processes.run(job, recorder, recorder)
    assert isinstance(outcome, ReadOutcome)
    return outcome


def peak_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.fixture
def bystander(database: Database) -> Iterator[list[float]]:
    """Another request, again and again, beside the test's own: its durations."""
    took: list[float] = []
    stop = threading.Event()

    def go() -> None:
        while not stop.wait(0.05):
            began = time.monotonic()
            run(database, "SELECT 1")
            took.append(time.monotonic() - began)

    thread = threading.Thread(target=go)
    thread.start()
    yield took
    stop.set()
    thread.join()


@pytest.mark.slow
def test_value_of_500_mb_ends_as_too_large(database: Database, bystander: list[float]) -> None:
    run(database, "SELECT 1")
    before = peak_kb()
    with pytest.raises(TooLarge):
        run(database, "SELECT repeat('x', 500 * 1024 * 1024)")
    assert peak_kb() - before < GROWTH_KB
    assert bystander
    assert max(bystander) < 5


@pytest.mark.slow
def test_error_of_100_mb_is_cut_to_8_kb(database: Database, bystander: list[float]) -> None:
    run(database, "SELECT 1")
    before = peak_kb()
    with pytest.raises((TooLarge, StatementFailed)) as caught:
        run(database, "SELECT CAST(repeat('x', 100 * 1024 * 1024) AS int)")
    assert len(caught.value.public_message) <= 8192
    assert peak_kb() - before < GROWTH_KB
    assert bystander


@pytest.mark.slow
def test_600_000_notices_cost_the_web_worker_nothing(database: Database) -> None:
    before = peak_kb()
    run(database, "SELECT count(shop.twice(n)) FROM generate_series(1, 600000) n")
    database.admin.execute(_NOISY)
    assert run(database, "SELECT count(shop.noisy(n)) FROM generate_series(1, 600000) n").row_count == 1
    assert peak_kb() - before < GROWTH_KB


_NOISY = """
CREATE OR REPLACE FUNCTION shop.noisy(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
$$ BEGIN RAISE NOTICE 'n %', $1; RETURN $1; END $$;
GRANT EXECUTE ON FUNCTION shop.noisy(int) TO PUBLIC
"""


def test_million_rows_cost_the_web_worker_no_more_than_a_thousand(database: Database) -> None:
    run(database, "SELECT n, repeat('x', 50) FROM generate_series(1, 1000) n")
    before = peak_kb()
    assert run(database, "SELECT n, repeat('x', 50) FROM generate_series(1, 1000000) n").row_count == 1_000_000
    assert peak_kb() - before < GROWTH_KB


def test_row_larger_than_the_result_may_be_is_too_large(database: Database) -> None:
    job = Job("wide", database.target("reader"), Language.SQL, "SELECT repeat('x', 2000)", Limits(5, 10, 1000))
    with pytest.raises(TooLarge, match="One row"):
        processes.run(job, Recorder(), Recorder())


def test_helper_knows_nothing_of_the_portal(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_SECRET_KEY", "do-not-pass-on")
    processes.close()
    run(database, "SELECT 1")
    for pid in _helpers():
        told = Path(f"/proc/{pid}/environ").read_bytes() + Path(f"/proc/{pid}/cmdline").read_bytes()
        assert b"do-not-pass-on" not in told
        assert database.password.encode() not in told


def test_statement_of_a_killed_web_worker_ends(database: Database) -> None:
    statement = "SELECT pg_sleep(60)"
    worker = subprocess.Popen([sys.executable, "-c", _WORKER, database.target("reader").url, statement])
    _wait_for(database, statement, running=True)
    worker.kill()
    worker.wait()
    _wait_for(database, statement, running=False)


_WORKER = """
import sys
from executors import processes
from executors.base import *
from executors.tests.recording import Recorder
target = Target("killed", EngineKind.POSTGRESQL, Access.READ, sys.argv[1], ("shop",))
processes.run(Job("k", target, Language.SQL, sys.argv[2], Limits(90, 10, 1000)), Recorder(), Recorder())
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGSEGV])
def test_killed_helper_fails_its_run_only(database: Database, number: signal.Signals) -> None:
    """Whatever ended it, told to stop or not, it is not said that something was too large."""
    # Of its own: the server goes on with the statement of a helper that was killed before, until it notices.
    statement = f"SELECT pg_sleep(20), {number:d}"
    recorder = Recorder()
    failures: list[ExecutionError] = []

    def go() -> None:
        try:
            run(database, statement, recorder)
        except ExecutionError as error:
            failures.append(error)

    thread = threading.Thread(target=go)
    thread.start()
    _wait_for(database, statement, running=True)
    _signal_busy(number)
    thread.join(30)
    assert [type(failure).__name__ for failure in failures] == ["Interrupted"]
    assert run(database, "SELECT 1").row_count == 1


def test_helper_ends_when_interrupted_though_its_parent_ignores_it(database: Database) -> None:
    """A portal that was started in the background passes that on."""
    own = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        helper = Helper()
    finally:
        signal.signal(signal.SIGINT, own)
    assert helper.ask("server_version", database.target("reader")).startswith("PostgreSQL")
    os.kill(helper.pid, signal.SIGINT)
    assert helper.process.wait(30) != 0
    helper.kill()


def test_helper_that_ends_after_a_cancel_was_cancelled(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    began = time.monotonic()

    def cancelled() -> bool:
        if time.monotonic() - began < 1:
            return False
        _signal_busy(signal.SIGTERM)
        return True

    monkeypatch.setattr(recorder, "cancelled", cancelled)
    with pytest.raises(Cancelled):
        run(database, "SELECT pg_sleep(20)", recorder)


def test_helper_without_memory_to_say_so_says_it_by_its_end(database: Database) -> None:
    ours, theirs = socket.socketpair()
    greedy = "from executors.processes import worker; worker.serve = lambda link: [0] * 10**15"
    code = f"{greedy}; worker.main({theirs.fileno()})"
    with ours, theirs, subprocess.Popen([sys.executable, "-c", code], pass_fds=[theirs.fileno()]) as process:
        process.wait(30)
        job = Job("memory", database.target("reader"), Language.SQL, "SELECT 1", LIMITS)
        conversation = _Conversation(Channel(ours), process, job, Recorder(), Recorder())
        assert isinstance(conversation._died(), TooLarge)


def _freeze(database: Database, statement: str) -> None:
    """Stop the helper in the midst of a statement."""
    _wait_for(database, statement, running=True)
    _signal_busy(signal.SIGSTOP)


def test_frozen_helper_is_given_up(database: Database) -> None:
    recorder = Recorder()
    statement = "SELECT pg_sleep(30), 'frozen'"
    freezer = threading.Thread(target=_freeze, args=(database, statement))
    freezer.start()
    job = Job("frozen", database.target("reader"), Language.SQL, statement, Limits(3, 10, 1000))
    began = time.monotonic()
    with pytest.raises(ExecutionError, match="time limit"):
        processes.run(job, recorder, recorder)
    assert time.monotonic() - began < 15


def test_target_at_its_bound_answers_that_it_is_busy(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes._ours().helpers, "_at_once", 1)
    monkeypatch.setattr(pool, "_WAIT_SECONDS", 0.3)
    recorder = Recorder()

    def occupy() -> None:
        with suppress(Cancelled):
            run(database, "SELECT pg_sleep(30)", recorder)

    thread = threading.Thread(target=occupy)
    thread.start()
    _wait_for(database, "SELECT pg_sleep(30)", running=True)
    with pytest.raises(Unreachable, match="busy"):
        run(database, "SELECT 1")
    recorder.stop = True
    thread.join()


def test_forked_web_worker_has_helpers_of_its_own(database: Database) -> None:
    script = _FORKED.replace("URL", repr(database.target("reader").url))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["1", "1", "1"], done.stderr


_FORKED = """
import os
from executors import processes
from executors.base import *
from executors.tests.recording import Recorder
def go():
    target = Target("forked", EngineKind.POSTGRESQL, Access.READ, URL, ("shop",))
    outcome = processes.run(Job("f", target, Language.SQL, "SELECT 1", Limits(9, 10, 1000)), Recorder(), Recorder())
    print(outcome.row_count, flush=True)
go()
child = os.fork()
go()
if child:
    os.waitpid(child, 0)
else:
    processes.close()
    os._exit(0)
"""


def test_importing_the_facade_loads_no_driver() -> None:
    code = "import sys, executors.processes; print([m for m in ('psycopg', 'pymongo', 'django') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def _helpers() -> list[int]:
    made = processes._ours().helpers
    return [helper.pid for helper in [*made._idle, *made._busy]]


def _signal_busy(number: signal.Signals) -> None:
    for helper in list(processes._ours().helpers._busy):
        os.kill(helper.pid, number)


def _wait_for(database: Database, statement: str, *, running: bool) -> None:
    """Until the server runs, or no longer runs, the COPY of a statement; 20 seconds at most."""
    query = "SELECT count(*) > 0 FROM pg_stat_activity WHERE state = 'active' AND query LIKE %s"
    by = time.monotonic() + 20
    while time.monotonic() < by:
        if database.admin.execute(query, [f"COPY ({statement}%"]).fetchone() == (running,):
            return
        time.sleep(0.05)
    raise AssertionError(statement)
