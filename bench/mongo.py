"""A MongoDB find over HTTP: approved, run, stored encrypted, its first page shown."""

import os
from collections.abc import Iterator
from itertools import islice
from typing import Any

from pymongo import MongoClient
from pymongo.collection import Collection

from bench.figure import Figure, turn_about
from bench.stage import Client, Stage, submit
from devtools import world

DOCUMENTS = 100_000
BATCH = 5000
SIZES = ((10_000, 12), (100_000, 4))


def measure(stage: Stage) -> Iterator[Figure]:
    """Flights as nested documents, against a bare `list(find())` of them; nothing where no mongod runs."""
    if not stage.mongo_url:
        return
    _fill()
    with MongoClient[dict[str, Any]](stage.mongo_url) as admin, MongoClient[dict[str, Any]](_reader()) as reader:
        documents = world.nested_flights()
        while batch := list(islice(documents, BATCH)):
            admin.bench.flights.insert_many(batch)
            if admin.bench.flights.estimated_document_count() >= DOCUMENTS:
                break
        for count, rounds in SIZES:
            yield _find(stage, reader.bench.flights, count, rounds)


def _reader() -> str:
    return os.environ["BENCH_MONGO_URL"]


def _fill() -> None:
    from pods.models import Pod, Target  # noqa: PLC0415 -- the stage has set Django up

    Target.objects.create(
        pod=Pod.objects.get(slug="bench"),
        name="Documents",
        slug="documents",
        engine="mongodb",
        read_url_variable="BENCH_MONGO_URL",
        rows_limit=2_000_000,
        bytes_limit=2_000_000_000,
        seconds_limit=300,
    )


def _find(stage: Stage, collection: Collection[dict[str, Any]], count: int, rounds: int) -> Figure:
    statement = f"db.flights.find().limit({count})"
    queries = iter([submit(statement, target="documents", language="mongo") for _ in range(rounds + 1)])

    manager = Client(stage.port, "manager0")

    def ours() -> None:
        query = manager.approve(next(queries))
        manager.get(f"queries/{query['id']}/result/?limit=100")

    taken, bare = turn_about(ours, lambda: list(collection.find().limit(count)), rounds)
    note = f"{taken * 1000:.0f} ms against {bare * 1000:.0f} ms"
    return Figure(f"find of {count:,} documents, first page ÷ list(find())", taken / bare, goal=2.5, note=note)
