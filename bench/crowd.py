"""Pages while every place is taken by a long run, against pages of an idle portal."""

import http.client
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg

from bench.figure import Figure, seconds
from bench.stage import Client, Stage, submit
from devtools import flights

RUNS = 16
RUN_SECONDS = 20
ROUNDS = 200
GOAL = 3.0


def measure(stage: Stage) -> Iterator[Figure]:
    """The slowest of a hundred answers, idle and under way; each on a connection of its own, as a balancer's may be."""
    from pods.models import Target  # noqa: PLC0415 -- the stage has set Django up

    with psycopg.connect(stage.admin_url, autocommit=True) as server:
        # As check_targets would tell: as many connections as places, and some to look at the runs with.
        server.execute(f"ALTER ROLE {flights.READER} CONNECTION LIMIT {RUNS + 8}")
    Target.objects.filter(slug="flights").update(places=RUNS)
    asked = {"the queue": ("/review/", {"Cookie": _session()}), "`/healthz`": ("/healthz", {})}
    idle = {name: _p99(stage, *page) for name, page in asked.items()}
    queries = [_long() for _ in range(RUNS)]
    clients = [Client(stage.port, f"manager{i % 8}") for i in range(RUNS)]
    runs = [
        threading.Thread(target=client.approve, args=(query,)) for client, query in zip(clients, queries, strict=True)
    ]
    for client in clients:
        client.hang_up()
    for run in runs:
        run.start()
    time.sleep(3)
    yield from _costs(stage)
    for name, page in asked.items():
        busy = _p99(stage, *page)
        if not all(run.is_alive() for run in runs):
            raise RuntimeError("the runs ended before the pages were measured")
        note = f"{busy * 1000:.1f} ms against {idle[name] * 1000:.1f} ms"
        yield Figure(f"p99 of {name}, {RUNS} runs under way ÷ idle", busy / idle[name], goal=GOAL, note=note)
    for run in runs:
        run.join()


def _costs(stage: Stage) -> Iterator[Figure]:
    """What the runs take: of the portal's own database, and of memory, with each shared page counted once."""
    workers = stage.workers()
    helpers = [child for worker in workers for child in _descendants(worker)]
    with psycopg.connect(stage.admin_url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    yield Figure(f"connections to the portal's database, {RUNS} runs under way", float(row[0] if row else 0), "")
    shares = sorted(map(_share, workers))
    yield Figure("memory of the larger of two workers (PSS)", shares[-1], "MiB")
    note = f"{len(helpers)} processes for {RUNS} runs"
    yield Figure("memory of their helpers and sandboxes together (PSS)", sum(map(_share, helpers)), "MiB", note=note)


def _descendants(pid: int) -> Iterator[int]:
    # A child belongs to the thread that started it.
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, children.read_text(encoding="ascii").split()):
            yield child
            yield from _descendants(child)


def _share(pid: int) -> float:
    """Of a process, MiB; 0 of one that has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _long() -> dict[str, object]:
    return submit(f"select pg_sleep({RUN_SECONDS})")


def _session() -> str:
    from django.conf import settings  # noqa: PLC0415
    from django.test import Client as Browser  # noqa: PLC0415

    from accounts.models import User  # noqa: PLC0415

    browser = Browser()
    browser.force_login(User.objects.get(username="manager0"), backend="django.contrib.auth.backends.ModelBackend")
    return f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"


def _p99(stage: Stage, path: str, headers: Mapping[str, str]) -> float:
    return sorted(seconds(lambda: _get(stage.port, path, headers)) for _ in range(ROUNDS))[ROUNDS * 99 // 100]


def _get(port: int, path: str, headers: Mapping[str, str]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", path, headers=dict(headers))
    response = connection.getresponse()
    response.read()
    connection.close()
    if response.status != http.client.OK:
        raise RuntimeError(f"{path}: {response.status}")
