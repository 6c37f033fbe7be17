"""How collections are built, in one digest: it differs once their options, validators or indexes are others."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Final

import pymongo
from bson import encode
from pymongo.errors import OperationFailure

from executors.mongodb.clients import Connected

# What has no indexes: nothing of that name, or a view.
_NO_INDEXES: Final = frozenset({26, 166})


def digest(connected: Connected, collections: Iterable[str], seconds: float) -> str:
    """Which of these collections there are, as what, with which options and indexes. Raises `PyMongoError`."""
    names = sorted(set(collections))
    with pymongo.timeout(seconds):
        found: list[Any] = list(connected.database.list_collections(filter={"name": {"$in": names}}))
        found.sort(key=lambda item: str(item["name"]))
        facts = [{"made": item, "indexes": _indexes(connected, item["name"])} for item in found]
    return hashlib.sha256(b"".join(map(encode, facts))).hexdigest()


def _indexes(connected: Connected, name: str) -> list[Any]:
    try:
        return sorted(connected.database[name].list_indexes(), key=lambda index: str(index["name"]))
    except OperationFailure as failure:
        if failure.code in _NO_INDEXES:
            return []
        raise
