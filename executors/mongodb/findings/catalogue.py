"""A target asked about the collections that some commands name, with its read login and for a bounded time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from pymongo.errors import OperationFailure

from executors.mongodb.clients import Connected
from executors.mongodb.findings.known import Collection, Index, Sample

# Documents of a sample, and how many bytes each may have: a sample is held in memory.
SAMPLED: Final = 200
_MOST_BYTES: Final = 50_000
# Nobody reads a command of so many by its findings.
_MOST_COLLECTIONS: Final = 10


def ask(connected: Connected, names: Iterable[str]) -> dict[str, Collection]:
    """What the target tells of collections that are there; of a view, or where it refuses, only the name.

    Raises `PyMongoError` where it gives no answer in the time of the driver's `timeout` around this.
    """
    return {name: _collection(connected, name) for name in sorted(names)[:_MOST_COLLECTIONS]}


def _collection(connected: Connected, name: str) -> Collection:
    collection = connected.database[name]
    try:
        indexes = tuple(Index.of(index) for index in collection.list_indexes())
        documents = collection.estimated_document_count()
        return Collection(name, documents, indexes, Sample.of(collection.aggregate(_STAGES)))
    except OperationFailure as failure:
        if failure.timeout:
            raise
        return Collection(name)


_STAGES: Final[list[dict[str, Any]]] = [
    {"$sample": {"size": SAMPLED}},
    {"$match": {"$expr": {"$lt": [{"$bsonSize": "$$ROOT"}, _MOST_BYTES]}}},
]
