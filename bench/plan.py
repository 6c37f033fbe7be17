"""The plan of a request over HTTP, against a bare EXPLAIN of the same statement."""

from collections.abc import Iterator

import psycopg

from bench.figure import Figure, turn_about
from bench.stage import Client, Stage, submit

STATEMENT = "select carrier, count(*) from flights where dep_delay > {} group by carrier order by 2 desc"
ROUNDS = 30
# What may come on top of twice the time: it goes through a web server, a session and another process.
SPARE_MS = 15


def measure(stage: Stage) -> Iterator[Figure]:
    """Each request is planned once: a second look would be told from memory."""
    numbers = iter(range(ROUNDS + 10))
    queries = iter([submit(STATEMENT.format(number)) for number in range(ROUNDS + 10)])
    manager = Client(stage.port, "manager0")  # only now: the server does not keep an idle connection for long
    for _ in range(9):  # each worker has its helper started
        manager.get(f"queries/{next(queries)['id']}/plan/")
    with psycopg.connect(stage.reader_url) as connection:
        ours, bare = turn_about(
            lambda: manager.get(f"queries/{next(queries)['id']}/plan/"),
            lambda: connection.execute(f"EXPLAIN (FORMAT JSON) {STATEMENT.format(next(numbers))}").fetchall(),
            ROUNDS,
        )
    note = f"{ours * 1000:.1f} ms against {bare * 1000:.1f} ms"
    yield Figure("plan, above twice a bare EXPLAIN", (ours - 2 * bare) * 1000, "ms", SPARE_MS, note=note)
