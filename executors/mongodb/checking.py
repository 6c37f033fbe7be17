"""The target's own word on MongoDB statements: whether the collections they name are there, and what they hold."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence

import pymongo
from pymongo.errors import PyMongoError

from executors.base import Access, Asked, Finding, FindingCode, Severity, Target, Told
from executors.mongodb.clients import Connected
from executors.mongodb.findings import BESIDES, OF_NAMES
from executors.mongodb.findings.catalogue import ask
from executors.mongodb.findings.known import Collection
from executors.mongodb.findings.looked import Looked
from executors.mongodb.findings.remarks import is_unordered, unordered
from executors.mongodb.reading.command import Command
from executors.mongodb.reading.parse import parse
from executors.mongodb.reading.source import Unreadable
from executors.text import position

_ALIKE = 0.6
_MOST_FINDINGS = 20


def check(connected: Connected, target: Target, asked: Sequence[Asked], access: Access, seconds: float) -> list[Told]:
    """An answer for each statement: a collection that is not there is a warning, for a write would create it.

    What a sample and the indexes tell besides is left out where the time does not suffice. Raises `PyMongoError`.
    """
    with pymongo.timeout(seconds):
        known = _collections(connected)
        unknown = [tuple(_unknown(item, name, known, access) for name in _missing(item, known)) for item in asked]
        collections = _asked_about(connected, {name for item in asked for name in item.tables if name in known})
    name = connected.database.name
    return [
        _told(item, (*_other(item, name), *found), collections, target, transactions=connected.transactions)
        for item, found in zip(asked, unknown, strict=True)
    ]


def _other(item: Asked, database: str) -> Iterator[Finding]:
    """A leading `use` of a database that is not the target's."""
    command = item.command if isinstance(item.command, Command) else _read(item)
    if command is not None and command.database not in {"", database}:
        message = f"This target is the database {database}, not {command.database[:60]}."
        hint = f"Write use {database}, leave it out, or choose the target of the other database."
        yield Finding(FindingCode.MONGO_OTHER_DATABASE, Severity.ERROR, message, 1, 1, hint)


def _collections(connected: Connected) -> set[str]:
    listed = connected.database.command("listCollections", nameOnly=True, authorizedCollections=True)
    known = {str(item["name"]) for item in listed["cursor"]["firstBatch"]}
    if listed["cursor"]["id"]:
        known |= set(connected.database.list_collection_names(authorizedCollections=True, nameOnly=True))
    return known


def _asked_about(connected: Connected, names: set[str]) -> Mapping[str, Collection]:
    try:
        return ask(connected, names)
    except PyMongoError:
        return {}


def _told(
    item: Asked,
    unknown: tuple[Finding, ...],
    collections: Mapping[str, Collection],
    target: Target,
    *,
    transactions: bool,
) -> Told:
    command = item.command if isinstance(item.command, Command) else _read(item)
    if command is None:
        return Told(unknown)
    looked = Looked(command, collections, target)
    names = [finding for look in OF_NAMES for finding in look(looked)]
    besides = [finding for look in BESIDES for finding in look(looked)]
    found = (*unknown, *names[:_MOST_FINDINGS])
    if is_unordered(command) is not None:
        besides.insert(0, unordered(command, transactions=transactions))
    settled = (FindingCode.ALL_OR_NOTHING,)
    return Told(found, settles=settled, noticed=tuple(besides[:_MOST_FINDINGS]))


def _read(item: Asked) -> Command | None:
    try:
        return parse(item.text, parameters=item.parameters)
    except Unreadable:
        return None


def _missing(item: Asked, known: set[str]) -> list[str]:
    return [name for name in item.tables if name not in known and not name.startswith("system.")]


def _unknown(item: Asked, name: str, known: set[str], access: Access) -> Finding:
    match = re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", item.text)
    line, column = position(item.text, match.start()) if match else (None, None)
    meant = next(iter(difflib.get_close_matches(name, sorted(known), n=1, cutoff=_ALIKE)), "")
    hint = f"Did you mean {meant}?" if meant else "A write creates it." if access is Access.WRITE else ""
    message = f"There is no collection {name} in the database."
    return Finding(FindingCode.UNKNOWN_COLLECTION, Severity.WARNING, message, line, column, hint)
