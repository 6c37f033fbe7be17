"""What the roles of a login allow, and how its server is set, held against what the portal wants of both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import pymongo
from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from executors.base import Access, Examined, Flaw, FlawCode, Target
from executors.base.flaws import flaw, is_local
from executors.mongodb.clients import Connected

OLDEST: Final = (4, 4)
_SYSTEM: Final = frozenset({"admin", "config", "local"})
_UNAUTHORISED: Final = 13
_UNVERIFIED: Final = ("tlsInsecure", "tlsAllowInvalidCertificates", "tlsAllowInvalidHostnames")
_READS: Final = frozenset({"find", "listCollections"})
_CHANGES: Final = frozenset({"insert", "update", "remove"})
# What the roles `read` and `readWrite` hold, and what everybody may do with themselves.
_OF_READ: Final = _READS | {
    "analyze", "changeStream", "collStats", "dbHash", "dbStats", "killCursors", "listIndexes", "listSearchIndexes",
    "planCacheRead",
}  # fmt: skip
_OF_SELF: Final = frozenset({"changeOwnPassword", "changeOwnCustomData"})
_OF_WRITE: Final = _CHANGES | {
    "collMod", "compactStructuredEncryptionData", "convertToCapped", "createCollection", "createIndex",
    "createSearchIndexes", "dropCollection", "dropIndex", "dropSearchIndex", "emptycapped", "enableProfiler",
    "renameCollectionSameDB", "updateSearchIndex",
}  # fmt: skip


def examine(connected: Connected, target: Target, seconds: float) -> Examined:
    """Everything that is wrong with the login of `connected`. Raises `PyMongoError`."""
    database = connected.database.name
    with pymongo.timeout(seconds):
        hello = connected.client.admin.command("hello")
        told = connected.database.command("connectionStatus", showPrivileges=True)["authInfo"]
        found = [
            *_connection(connected),
            *_server(connected),
            *_rights(told, database, target.access),
            *_holdings(connected),
        ]
    users = sorted(f"{user['user']}@{user['db']}" for user in told["authenticatedUsers"])
    hosts = sorted(hello.get("hosts", [])) or ["{}:{}".format(*connected.client.address or ("", 0))]
    return Examined(", ".join(users), database, ",".join(hosts), tuple(found))


def _connection(connected: Connected) -> Iterator[Flaw]:
    away = sorted(host for host, _ in connected.client.nodes if not is_local(host))
    given = _given(connected)
    if away and not (given.get("tls") or given.get("ssl")):
        yield flaw(FlawCode.UNENCRYPTED, away)
    elif away and any(given.get(name) for name in _UNVERIFIED):
        yield flaw(FlawCode.UNVERIFIED_SERVER, away)
    if not connected.client.write_concern.acknowledged:
        yield flaw(FlawCode.UNACKNOWLEDGED, ["w=0"])


def _server(connected: Connected) -> Iterator[Flaw]:
    if not connected.transactions:
        yield flaw(FlawCode.NO_TRANSACTIONS, [connected.database.name])
    version = tuple(connected.client.server_info()["versionArray"][:2])
    if version < OLDEST:
        yield flaw(FlawCode.UNSUPPORTED_RELEASE, [".".join(map(str, version))])
    yield from _open_server(connected)


def _open_server(connected: Connected) -> Iterator[Flaw]:
    """Whether somebody without a login may list what the database holds."""
    host, port = connected.client.address or ("", 0)
    try:
        with MongoClient[Any](
            host, port, directConnection=True, serverSelectionTimeoutMS=2000, **_secured(connected)
        ) as nobody:
            nobody[connected.database.name].command("listCollections", nameOnly=True)
    except OperationFailure as refused:
        if refused.code != _UNAUTHORISED:
            yield _unasked("whether the server asks for a login", refused)
    except PyMongoError as problem:
        yield _unasked("whether the server asks for a login", problem)
    else:
        yield flaw(FlawCode.OPEN_SERVER, [connected.database.name])


def _given(connected: Connected) -> Mapping[str, Any]:
    """The options of a client as its URL gives them."""
    return connected.client.options._options  # noqa: SLF001 -- the driver tells them nowhere else


def _secured(connected: Connected) -> Mapping[str, Any]:
    """Those of TLS, for another client."""
    return {name: value for name, value in _given(connected).items() if name.startswith("tls")}


def _unasked(what: str, problem: PyMongoError) -> Flaw:
    return flaw(FlawCode.NOT_LOOKED_AT, [what], reason=type(problem).__name__)


def _rights(told: Mapping[str, Any], database: str, access: Access) -> Iterator[Flaw]:
    if not told["authenticatedUsers"]:
        yield flaw(FlawCode.NO_AUTHENTICATION, [database])
        return
    roles = ", ".join(sorted(f"{role['role']}@{role['db']}" for role in told["authenticatedUserRoles"]))
    elsewhere, cluster, here = set[str](), set[str](), set[str]()
    for privilege in told["authenticatedUserPrivileges"]:
        actions = {str(action) for action in privilege["actions"]} - _OF_SELF
        if not actions:
            continue
        resource = privilege["resource"]
        if resource.get("cluster") or resource.get("anyResource"):
            cluster |= actions
        if resource.get("db") == database or resource.get("anyResource") or resource.get("db") == "":
            here |= actions
        if resource.get("db") not in {database, None}:
            elsewhere.add(resource["db"] or "every database")
    yield from _beyond(elsewhere, cluster, here, roles, access)


def _beyond(elsewhere: set[str], cluster: set[str], here: set[str], roles: str, access: Access) -> Iterator[Flaw]:
    if cluster:
        yield flaw(FlawCode.CLUSTER_RIGHTS, _first(cluster), roles=roles)
    if elsewhere:
        yield flaw(FlawCode.OTHER_DATABASES, _first(elsewhere), roles=roles)
    if access is Access.READ and here & _OF_WRITE:
        yield flaw(FlawCode.WRITES, _first(here & _OF_WRITE), roles=roles)
    if further := here - _OF_READ - _OF_WRITE:
        yield flaw(FlawCode.WIDER_ROLE, _first(further), roles=roles)
    if not here >= _READS:
        yield flaw(FlawCode.NOTHING_READABLE, _first(_READS - here), roles=roles)
    if access is not Access.READ and not here & _CHANGES:
        yield flaw(FlawCode.NOTHING_WRITABLE, _first(_CHANGES - here), roles=roles)


def _first(words: Iterable[str]) -> list[str]:
    return sorted(words)


def _holdings(connected: Connected) -> Iterator[Flaw]:
    name = connected.database.name
    if name in _SYSTEM:
        yield flaw(FlawCode.SYSTEM_DATABASE, [name])
        return
    try:
        listed = connected.database.command("listCollections", nameOnly=True, authorizedCollections=True)
    except OperationFailure as refused:
        yield _unasked("what the database holds", refused)
        return
    if not listed["cursor"]["firstBatch"]:
        yield flaw(FlawCode.EMPTY_DATABASE, [name])
