"""The target's own word on MongoDB statements: whether the collections they name are there."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

import pymongo

from executors.base import Access, Asked, Finding, FindingCode, Severity, Told
from executors.mongodb.clients import Connected
from executors.text import position

_ALIKE = 0.6


def check(connected: Connected, asked: Sequence[Asked], access: Access, seconds: float) -> list[Told]:
    """An answer for each statement: a collection that is not there is a warning, for a write would create it.

    Raises `PyMongoError`.
    """
    with pymongo.timeout(seconds):
        listed = connected.database.command("listCollections", nameOnly=True, authorizedCollections=True)
        known = {item["name"] for item in listed["cursor"]["firstBatch"]}
        if listed["cursor"]["id"]:
            known |= set(connected.database.list_collection_names(authorizedCollections=True, nameOnly=True))
    return [Told(tuple(_unknown(item, name, known, access) for name in _missing(item, known))) for item in asked]


def _missing(item: Asked, known: set[str]) -> list[str]:
    return [name for name in item.tables if name not in known and not name.startswith("system.")]


def _unknown(item: Asked, name: str, known: set[str], access: Access) -> Finding:
    match = re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", item.text)
    line, column = position(item.text, match.start()) if match else (None, None)
    meant = next(iter(difflib.get_close_matches(name, sorted(known), n=1, cutoff=_ALIKE)), "")
    hint = f"Did you mean {meant}?" if meant else "A write creates it." if access is Access.WRITE else ""
    message = f"There is no collection {name} in the database."
    return Finding(FindingCode.UNKNOWN_COLLECTION, Severity.WARNING, message, line, column, hint)
