"""A stored result of a million rows, downloaded."""

from collections.abc import Iterator

import psycopg

from bench.figure import Figure, turn_about
from bench.stage import Client, Stage, submit

MIB = 1024 * 1024
STATEMENT = "select * from million"


def measure(stage: Stage) -> Iterator[Figure]:
    """CSV of a million rows against bare COPY, its first byte, and what it costs in memory."""
    author, manager = Client(stage.port, "author"), Client(stage.port, "manager0")
    before = stage.worker_memory()
    query = manager.approve(submit(STATEMENT))
    yield Figure("worker memory growth, 1M rows run and stored", (stage.worker_memory() - before) / MIB, "MiB", 8)
    path = f"queries/{query['id']}/result.csv"
    before = stage.worker_memory()
    firsts: list[float] = []
    with psycopg.connect(stage.reader_url) as connection:
        ours, bare = turn_about(lambda: firsts.append(author.download(path)[1]), lambda: _copy(connection), 3)
    note = f"{ours:.2f} s against {bare:.2f} s"
    yield Figure("CSV of a stored 1M-row result ÷ bare COPY to CSV", ours / bare, goal=1.4, note=note)
    yield Figure("first byte of it", sorted(firsts)[len(firsts) // 2] * 1000, "ms", 30)
    yield Figure("worker memory growth, downloads", (stage.worker_memory() - before) / MIB, "MiB", 8)
    yield _pages(author, query["id"])


def _copy(connection: psycopg.Connection) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY ({STATEMENT}) TO STDOUT (FORMAT csv)") as copy:
        for _ in copy:
            pass


def _pages(client: Client, query_id: str) -> Figure:
    first = client.get(f"queries/{query_id}/result/?limit=100")
    deep = first["next"]
    for _ in range(5):
        deep = client.get(f"queries/{query_id}/result/?limit=1000&cursor={deep}")["next"]
    ours, shallow = turn_about(
        lambda: client.get(f"queries/{query_id}/result/?limit=100&cursor={deep}"),
        lambda: client.get(f"queries/{query_id}/result/?limit=100"),
        30,
    )
    return Figure("a deep page of the result ÷ its first page", ours / shallow)
