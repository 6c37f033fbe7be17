"""One pooled client for each target and access, shared by everything in this process."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import pymongo
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import ConfigurationError, InvalidName, InvalidURI

from executors.base import Access, Target, Unreachable
from executors.mongodb.failures import refused_url, translate

Document: TypeAlias = dict[str, Any]
# Long enough for a fail-over to a neighbour, short enough for a person who waits.
_SELECTION_MS: Final = 5000
_POOL_SIZE: Final = 8
_SCHEMES: Final = ("mongodb://", "mongodb+srv://")
_IDLE_MS: Final = 300_000


@dataclass(frozen=True, slots=True)
class Connected:
    """A client, its database, and whether the deployment has transactions."""

    client: MongoClient[Document]
    database: Database[Document]
    transactions: bool


class Clients:
    """Makes each client once. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, Access, str], MongoClient[Document]] = {}
        self._transactions: dict[int, bool] = {}

    def connected(self, target: Target) -> Connected:
        """A client that has reached its server. Raises `Unreachable` or `Refused`."""
        client = self._client(target)
        try:
            database = client.get_default_database()
        except (ConfigurationError, InvalidName):
            raise refused_url() from None
        if id(client) not in self._transactions:
            with pymongo.timeout(_SELECTION_MS / 1000):
                self._transactions[id(client)] = self._probe(client, target)
        return Connected(client, database, self._transactions[id(client)])

    def _probe(self, client: MongoClient[Document], target: Target) -> bool:
        """Whether transactions work there: members of a replica set and routers have them, a lone server has not."""
        try:
            hello = client.admin.command("hello")
        except pymongo.errors.PyMongoError as problem:
            error = translate(problem, target)
            if isinstance(error, Unreachable):
                raise error from None
            message = f"The target {target.key} cannot be reached: it did not answer in time. Ask its administrator."
            raise Unreachable(message) from None
        return "setName" in hello or hello.get("msg") == "isdbgrid"

    def _client(self, target: Target) -> MongoClient[Document]:
        key = (target.key, target.access, target.url)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._new(target)
            return self._clients[key]

    def _new(self, target: Target) -> MongoClient[Document]:
        if not target.url.startswith(_SCHEMES):
            # pymongo takes any other text for the name of a host, and would look it up.
            raise translate(InvalidURI(), target)
        try:
            return MongoClient(
                target.url,
                appname="portal",
                connect=False,
                datetime_conversion="DATETIME_AUTO",
                maxIdleTimeMS=_IDLE_MS,
                maxPoolSize=_POOL_SIZE,
                serverSelectionTimeoutMS=_SELECTION_MS,
                connectTimeoutMS=_SELECTION_MS,
            )
        except (InvalidURI, ConfigurationError, ValueError, TypeError) as problem:
            raise translate(InvalidURI(type(problem).__name__), target) from None

    def close(self) -> None:
        """Close every client; they are made again when asked for."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()
            self._transactions.clear()
