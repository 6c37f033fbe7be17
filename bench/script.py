"""What a script costs: its start, its calls of the database, its memory, and the price of having no JIT."""

import os
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import deno
import psycopg

from bench.figure import Figure, seconds
from bench.stage import Stage
from executors import processes
from executors.base import (
    Access,
    Answer,
    Call,
    Column,
    Control,
    Effect,
    EngineKind,
    Images,
    Job,
    Language,
    Limits,
    Request,
    RowEncoding,
    Target,
)
from executors.postgresql.engine import PostgreSQLEngine
from executors.sandbox.client import SpawnerClient, SpawnerSettings
from executors.script.runner import ScriptRunner

CALLS = 100
HUNDRED = f"for (let i = 1; i <= {CALLS}; i += 1) await db.query('select id, carrier from flights where id = $1', [i]);"
PROCESSOR = "let x = 0; for (let i = 0; i < 2e7; i += 1) x = (x + i * 7) % 1000003; return x"
ROUNDS = 15
MIB = 1024


class Ignored:
    """A sink and a control that keep nothing."""

    def columns(self, columns: Sequence[Column], encoding: RowEncoding) -> None: ...
    def all_columns(self, columns: Sequence[Column]) -> None: ...
    def rows(self, data: bytes, count: int) -> None: ...
    def started(self, backend: str) -> None: ...
    def committing(self, transaction: str) -> None: ...
    def called(self, call: Call) -> None: ...
    def progressed(self, done: int, total: int) -> None: ...
    def logged(self, level: str, text: str) -> None: ...
    def kept(self, images: Images) -> None: ...

    def cancelled(self) -> bool:
        """Never."""
        return False


class NoDatabase:
    """For what is measured without a database."""

    rows_affected = None
    affected_known = True
    settings: Mapping[str, str] = {}

    def describe(self, operation: str, payload: dict[str, object]) -> Request:
        """Never asked."""
        raise AssertionError(operation, payload)

    def call(self, request: Request) -> Answer:
        """Never asked."""
        raise AssertionError(request)

    def effect(self, sample: int, seconds: float) -> Effect:  # noqa: ARG002 - a database's signature
        """Nothing."""
        return Effect()

    def structure(self, tables: Sequence[str]) -> str:  # noqa: ARG002 - the same
        """There are no tables."""
        return ""

    def images(self) -> Iterator[Images]:
        """None."""
        return iter(())

    def commit(self) -> None: ...
    def close(self, *, clean: bool) -> None: ...


class NoEngine:
    """Opens it."""

    prelude = PostgreSQLEngine().prelude
    script_parameters = PostgreSQLEngine().script_parameters

    def open_for_script(self, job: Job, control: Control) -> NoDatabase:
        """The same for every script."""
        del job, control
        return NoDatabase()


def measure(stage: Stage) -> Iterator[Figure]:
    """Start, calls, memory, processor."""
    yield from _starts()
    yield from _calls(stage)
    yield _memory()
    yield _processor()


def _job(url: str, text: str) -> Job:
    target = Target("bench", EngineKind.POSTGRESQL, Access.READ, url, ("public",))
    return Job("bench", target, Language.SCRIPT, text, Limits(60, 10_000, 10_000_000))


def _run(client: SpawnerClient, text: str) -> None:
    """Take a child, run, kill it: the whole life of a script without a database."""
    child = client.acquire(60)
    try:
        ScriptRunner(NoEngine(), lambda: child.channel).run(_job("", text), Ignored(), Ignored())
    finally:
        client.kill(child)


def _rounds(rounds: int, *works: Callable[[], object]) -> list[float]:
    """The median seconds of each, turn about; before each the pool is given time to have a child waiting again."""
    for work in works:
        work()
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, times in zip(works, taken, strict=True):
            time.sleep(0.5)
            times.append(seconds(work))
    return [statistics.median(times) for times in taken]


@contextmanager
def _empty_deno() -> Iterator[Callable[[], object]]:
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.mjs"
        empty.write_text("", encoding="ascii")
        command = [deno.find_deno_bin(), "run", "--no-prompt", str(empty)]
        environment = {**os.environ, "DENO_DIR": folder}
        yield lambda: subprocess.run(command, env=environment, check=True)


def _starts() -> Iterator[Figure]:
    with _empty_deno() as empty, SpawnerClient(SpawnerSettings(pool=0)) as cold, SpawnerClient() as warm:
        bare, first, ready = _rounds(ROUNDS, empty, lambda: _run(cold, "return 1"), lambda: _run(warm, "return 1"))
    for kind, taken, goal in (("cold start", first, 1.3), ("pre-started", ready, 0.15)):
        note = f"{taken * 1000:.1f} ms against {bare * 1000:.1f} ms"
        yield Figure(f"script, {kind} ÷ empty `deno run`", taken / bare, goal=goal, note=note)


def _calls(stage: Stage) -> Iterator[Figure]:
    """The way of production: a helper process with a warm connection, a child of this process's spawner."""
    job = _job(stage.reader_url, HUNDRED)
    try:
        with psycopg.connect(stage.reader_url) as connection:
            ours, bare = _rounds(
                ROUNDS, lambda: processes.run(job, Ignored(), Ignored()), lambda: _bare_calls(connection)
            )
    finally:
        processes.close()
    note = f"{ours * 1000:.1f} ms against {bare * 1000:.1f} ms"
    yield Figure(f"{CALLS} calls from a pre-started script ÷ bare psycopg", ours / bare, goal=3.5, note=note)


def _bare_calls(connection: psycopg.Connection) -> None:
    with connection.transaction():
        for i in range(1, CALLS + 1):
            connection.execute("select id, carrier from flights where id = %s", [i]).fetchall()


def _memory() -> Figure:
    with SpawnerClient() as client:
        child = client.acquire(60)
        time.sleep(0.3)
        try:
            text = Path(f"/proc/{child.pid}/smaps_rollup").read_text(encoding="ascii")
        finally:
            child.close()
            client.kill(child)
    pss, rss = (int(re.findall(rf"^{field}:\s+(\d+)", text, re.MULTILINE)[0]) / MIB for field in ("Pss", "Rss"))
    note = f"{rss:.0f} MiB with shared pages (RSS)"
    return Figure("a waiting script's share of memory (PSS)", pss, "MiB", 45, note=note)


def _processor() -> Figure:
    with SpawnerClient(SpawnerSettings(pool=1)) as hardened, SpawnerClient(SpawnerSettings(pool=1, jit=True)) as plain:
        jitless, jit = _rounds(3, lambda: _run(hardened, PROCESSOR), lambda: _run(plain, PROCESSOR))
    note = f"{jitless * 1000:.0f} ms against {jit * 1000:.0f} ms"
    return Figure("the price of --jitless: a loop of 20M numbers ÷ with JIT", jitless / jit, note=note)
