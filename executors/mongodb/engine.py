"""The MongoDB engine: sessions, what a database holds, and what became of a transaction."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import bson
import pymongo
from pymongo.errors import OperationFailure, PyMongoError

from executors.base import (
    Access,
    Activity,
    Asked,
    Column,
    CommitStatus,
    Control,
    Examined,
    Job,
    Parameter,
    Plan,
    Refused,
    Table,
    Target,
    Told,
)
from executors.base.parameters import named
from executors.mongodb import checking, examining, planning, structure
from executors.mongodb.activity import activity
from executors.mongodb.clients import Clients, Connected
from executors.mongodb.failures import translate
from executors.mongodb.fields import columns
from executors.mongodb.outcome import abort_and_ask
from executors.mongodb.reading.given import bson_of
from executors.mongodb.scripting import MongoDBScript
from executors.mongodb.session import MongoDBSession
from executors.mongodb.show import canonical
from executors.mongodb.wire import stop_operations

_PRELUDE: Final = Path(__file__).with_name("prelude.js")
_SAMPLE_SIZE: Final = 100
_MAX_SAMPLED: Final = 300
_SAMPLE_SECONDS: Final = 2.0
_INTROSPECTION_SECONDS: Final = 20.0
_CHECK_SECONDS: Final = 2.0
_PLAN_SECONDS: Final = 2.0
_EXAMINED_SECONDS: Final = 10.0
_TRANSACTION = re.compile(r"([0-9a-f]{32}):(\d{1,18})")


class MongoDBEngine:
    """Opens sessions on MongoDB targets; one object serves every thread of a process."""

    def __init__(self) -> None:
        self._clients = Clients()

    def open(self, job: Job, control: Control) -> MongoDBSession:
        """A session for one execution. Raises `Unreachable` or `Refused`."""
        return MongoDBSession(self._clients.connected(job.target), job, control)

    @cached_property
    def prelude(self) -> str:
        """The JavaScript that makes a script's `db`."""
        return _PRELUDE.read_text("utf-8")

    def script_parameters(self, parameters: Sequence[Parameter]) -> str:
        """One document of all, as canonical Extended JSON. Raises `Refused`."""
        try:
            return canonical(bson.encode({one.name: bson_of(one) for one in named(parameters)}))
        except ValueError as problem:
            raise Refused(str(problem)) from None

    def open_for_script(self, job: Job, control: Control) -> MongoDBScript:
        """A session that a script's calls run on."""
        session = self.open(job, control)
        try:
            return MongoDBScript(session)
        except BaseException:
            session.close(clean=False)
            raise

    def expire(self) -> None:
        """Nothing to do: the driver closes connections that have been idle for long itself."""

    def cancel(self, target: Target, query_id: str) -> int:
        """Stop the operations of a query, whichever process began them; how many were found."""
        try:
            return stop_operations(self._clients.connected(target), query_id)
        except PyMongoError as problem:
            raise translate(problem, target) from None

    def server_version(self, target: Target) -> str:
        """Such as `MongoDB 6.0.5`."""
        connected = self._clients.connected(target)
        try:
            with pymongo.timeout(_SAMPLE_SECONDS):
                return f"MongoDB {connected.client.server_info()['version']}"
        except PyMongoError as problem:
            raise translate(problem, target) from None

    def connection_limit(self, target: Target) -> None:
        """MongoDB limits no login."""

    def examine(self, target: Target) -> Examined:
        """What the roles of its login allow, and whether its server asks for logins and has transactions."""
        try:
            return examining.examine(self._clients.connected(target), target, _EXAMINED_SECONDS)
        except PyMongoError as problem:
            raise translate(problem, target) from None

    def introspect(self, target: Target) -> tuple[Table, ...]:
        """Collections and views, their top-level fields as found in a sample, and estimated sizes."""
        connected = self._clients.connected(target)
        try:
            with pymongo.timeout(_INTROSPECTION_SECONDS):
                listed = list(connected.database.list_collections())
                named = sorted(
                    (item for item in listed if not item["name"].startswith("system.")), key=lambda i: i["name"]
                )
                return tuple(
                    _table(connected, item["name"], item.get("type", "collection"), sample=number < _MAX_SAMPLED)
                    for number, item in enumerate(named)
                )
        except PyMongoError as problem:
            raise translate(problem, target) from None

    def check(self, target: Target, asked: Sequence[Asked], access: Access) -> list[Told]:
        """Whether the collections that statements name are there, and what a sample and their indexes say of them."""
        try:
            return checking.check(self._clients.connected(target), target, asked, access, _CHECK_SECONDS)
        except PyMongoError as problem:
            raise translate(problem, target) from None

    def plan(self, target: Target, asked: Sequence[Asked]) -> list[Plan]:
        """What `explain` says of each statement, and how many documents match where that is counted in time."""
        try:
            return planning.plans(self._clients.connected(target), target, asked, _PLAN_SECONDS)
        except PyMongoError as problem:
            raise translate(problem, target) from None

    def structure(self, target: Target, tables: Sequence[str]) -> str:
        """A digest over the options and indexes of these collections."""
        try:
            return structure.digest(self._clients.connected(target), tables, _PLAN_SECONDS)
        except PyMongoError as problem:
            raise translate(problem, target) from None

    def commit_status(self, target: Target, transaction: str) -> CommitStatus:
        """What became of a transaction, given as `lsid:number`.

        The server is asked to abort it: it answers that it was committed, that it was aborted, or aborts it now.
        Sessions belong to the user who opened them, so the target's own credential may ask. After 30 minutes the
        server has forgotten it.
        """
        match = _TRANSACTION.fullmatch(transaction)
        if match is None:
            return CommitStatus.UNKNOWN
        connected = self._clients.connected(target)
        return abort_and_ask(connected.client, bytes.fromhex(match[1]), int(match[2]))

    def activity(self, target: Target, backend: str, name: str) -> Activity | None:  # noqa: ARG002 - the name is enough
        """What `$currentOp` tells this login of the query's operation; None between two of them."""
        try:
            return activity(self._clients.connected(target), name)
        except PyMongoError as problem:
            raise translate(problem, target) from None

    def close(self) -> None:
        """Close every client."""
        self._clients.close()


def _table(connected: Connected, name: str, kind: str, *, sample: bool) -> Table:
    found: tuple[Column, ...] = ()
    rows: int | None = None
    try:
        if kind == "collection":
            rows = connected.database[name].estimated_document_count()
        if sample:
            found = _sampled(connected, name, kind)
    except OperationFailure:
        # A collection that may be listed but not read, or does not answer in time, is shown without fields.
        pass
    key = ("_id",) if any(column.name == "_id" for column in found) and kind == "collection" else ()
    return Table(connected.database.name, name, kind, found, rows, key)


def _sampled(connected: Connected, name: str, kind: str) -> tuple[Column, ...]:
    stage: Mapping[str, Any] = {"$sample": {"size": _SAMPLE_SIZE}} if kind == "collection" else {"$limit": _SAMPLE_SIZE}
    with pymongo.timeout(_SAMPLE_SECONDS):
        batches: Any = connected.database[name].aggregate_raw_batches([stage])
        return columns(b"".join(batches))
