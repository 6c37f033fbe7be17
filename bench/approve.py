"""The whole approve request over HTTP: decided, run, stored encrypted, audited."""

import threading
import time
from collections.abc import Iterator

import psycopg

from bench.figure import Figure, turn_about
from bench.stage import Client, Stage, submit

ROUNDS = 60
RUNS = 400
CLIENTS = 8


def measure(stage: Stage) -> Iterator[Figure]:
    """Approve against a bare driver, and how many a second."""
    manager = Client(stage.port, "manager0")
    for _ in range(20):
        manager.approve(submit("select 1"))
    yield _one(stage, manager)
    for rows, goal, rounds in ((1_000, 4.5, 30), (10_000, 2.5, 20), (100_000, 2.2, 8)):
        yield _rows(stage, manager, rows, goal, rounds)
    yield _rate(stage)


def _one(stage: Stage, manager: Client) -> Figure:
    queries = iter([submit("select 1") for _ in range(ROUNDS + 1)])

    def bare() -> None:
        with psycopg.connect(stage.reader_url) as connection:
            connection.execute("select 1").fetchall()

    ours, alone = turn_about(lambda: manager.approve(next(queries)), bare, ROUNDS)
    note = f"{ours * 1000:.1f} ms against {alone * 1000:.1f} ms"
    return Figure("approve `select 1` ÷ bare new-connection `select 1`", ours / alone, goal=2.0, note=note)


def _rows(stage: Stage, manager: Client, rows: int, goal: float, rounds: int) -> Figure:
    statement = f"select * from flights limit {rows}"
    queries = iter([submit(statement) for _ in range(rounds + 1)])
    with psycopg.connect(stage.reader_url) as connection:
        ours, bare = turn_about(
            lambda: manager.approve(next(queries)), lambda: connection.execute(statement).fetchall(), rounds
        )
    note = f"{ours * 1000:.0f} ms against {bare * 1000:.0f} ms"
    return Figure(f"approve {rows:,} rows ÷ bare fetch of them", ours / bare, goal=goal, note=note)


def _rate(stage: Stage) -> Figure:
    queries = [submit("select 1") for _ in range(RUNS)]
    clients = [Client(stage.port, f"manager{i}") for i in range(CLIENTS)]
    warm = [submit("select 1") for _ in range(CLIENTS * 2)]
    _together(clients, warm)
    started = time.perf_counter()
    _together(clients, queries)
    return Figure(
        f"approvals of `select 1`, {CLIENTS} clients", RUNS / (time.perf_counter() - started), "/s", 100, least=True
    )


def _together(clients: list[Client], queries: list[dict[str, object]]) -> None:
    share = len(queries) // len(clients)

    def work(i: int) -> None:
        for query in queries[i * share : (i + 1) * share]:
            clients[i].approve(query)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(clients))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
