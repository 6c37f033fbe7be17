"""What a login's roles allow beyond its work, and what its server lacks, is named; of a well-made one nothing."""

from __future__ import annotations

import signal
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from pymongo import MongoClient

from devtools import keeper
from devtools.binaries import data_folder, mongod_program, server_account
from devtools.postgres import HOST, free_port, stop
from devtools.servers import throwaway_folder
from executors.base import Access, EngineKind, Target
from executors.mongodb import examining
from executors.mongodb.engine import MongoDBEngine

READ, WRITE = Access.READ, Access.WRITE
BEYOND = {"cluster_rights", "other_databases", "wider_role"}
ROLES: list[tuple[Access, list[dict[str, str]], set[str]]] = [
    (READ, [{"role": "read", "db": "HERE"}], set()),
    (WRITE, [{"role": "readWrite", "db": "HERE"}], set()),
    (READ, [{"role": "readWrite", "db": "HERE"}], {"writes"}),
    (READ, [{"role": "read", "db": "HERE"}, {"role": "dbAdmin", "db": "HERE"}], {"writes", "wider_role"}),
    (WRITE, [{"role": "dbOwner", "db": "HERE"}], {"wider_role"}),
    (WRITE, [{"role": "readWrite", "db": "HERE"}, {"role": "userAdmin", "db": "HERE"}], {"wider_role"}),
    (READ, [{"role": "read", "db": "HERE"}, {"role": "read", "db": "elsewhere"}], {"other_databases"}),
    (READ, [{"role": "readAnyDatabase", "db": "admin"}], {"other_databases", "cluster_rights"}),
    (WRITE, [{"role": "readWrite", "db": "HERE"}, {"role": "clusterMonitor", "db": "admin"}], BEYOND),
    (WRITE, [{"role": "root", "db": "admin"}], BEYOND),
    (WRITE, [{"role": "read", "db": "HERE"}], {"nothing_writable"}),
    (READ, [{"role": "read", "db": "elsewhere"}], {"not_looked_at", "nothing_readable", "other_databases"}),
]


@dataclass(frozen=True, slots=True)
class Place:
    """A database with one collection, on a server where a test may make logins."""

    name: str
    administrator: MongoClient[dict[str, Any]]
    url: str = field(repr=False)

    def target(self, access: Access, roles: list[dict[str, str]], *, options: str = "", database: str = "") -> Target:
        """A login of its own with these roles, `HERE` being this database."""
        user = f"{self.name}_{uuid.uuid4().hex[:6]}"
        held = [{**role, "db": self.name if role["db"] == "HERE" else role["db"]} for role in roles]
        self.administrator.admin.command("createUser", user, pwd="target", roles=held)
        parts = urlsplit(self.url)
        netloc = f"{user}:target@{parts.hostname}:{parts.port}"
        url = urlunsplit(parts._replace(netloc=netloc, path=f"/{database or self.name}"))
        return Target("shop", EngineKind.MONGODB, access, url + options)


@pytest.fixture(scope="module")
def place(mongo_url: str) -> Iterator[Place]:
    name = f"examined_{uuid.uuid4().hex[:8]}"
    with MongoClient[dict[str, Any]](mongo_url) as client:
        client[name]["orders"].insert_one({"total": 1})
        yield Place(name, client, mongo_url)
        client.drop_database(name)
        for user in client.admin.command("usersInfo")["users"]:
            if user["user"].startswith(name):
                client.admin.command("dropUser", user["user"])


def codes(target: Target) -> set[str]:
    engine = MongoDBEngine()
    try:
        return {one.code.value for one in engine.examine(target).flaws}
    finally:
        engine.close()


@pytest.mark.mongo
@pytest.mark.parametrize(
    ("access", "roles", "said"),
    ROLES,
    ids=[f"{number}-{access}-{roles[-1]['role']}" for number, (access, roles, _) in enumerate(ROLES)],
)
def test_what_a_login_may_beyond_its_work_is_named(
    place: Place, access: Access, roles: list[dict[str, str]], said: set[str]
) -> None:
    assert codes(place.target(access, roles)) == said


@pytest.mark.mongo
def test_the_login_and_what_it_reaches_are_told(place: Place) -> None:
    engine, target = MongoDBEngine(), place.target(READ, [{"role": "read", "db": "HERE"}])
    examined = engine.examine(target)
    engine.close()
    assert (examined.login.partition("@")[2], examined.database) == ("admin", place.name)
    assert examined.server


@pytest.mark.mongo
@pytest.mark.parametrize(
    ("options", "named", "said"),
    [("&w=0", "", {"unacknowledged"}), ("", "no_such_database", {"not_looked_at", "nothing_readable"})],
    ids=["unacknowledged", "another-database"],
)
def test_what_the_url_asks_for_is_looked_at(place: Place, options: str, named: str, said: set[str]) -> None:
    target = place.target(READ, [{"role": "read", "db": "HERE"}], options=options, database=named)
    assert said <= codes(target)


@pytest.fixture(scope="module")
def lone() -> Iterator[str]:
    """The URL of a server as it comes: it asks for no login, and has no transactions."""
    account = server_account()
    with throwaway_folder() as folder:
        data, port = data_folder(Path(folder) / "lone", account), free_port()
        options = ["--dbpath", str(data), "--port", str(port), "--bind_ip", HOST, "--nounixsocket", "--quiet"]
        process = subprocess.Popen(
            keeper.command([mongod_program(account), *options], stop=signal.SIGTERM, user=account.ids),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        try:
            url = f"mongodb://{HOST}:{port}/shop?directConnection=true"
            with MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=20_000) as client:
                client.shop.orders.insert_one({"total": 1})
            yield url
        finally:
            stop(process)


@pytest.mark.mongo
def test_a_server_that_asks_nobody_who_they_are_is_named(lone: str) -> None:
    said = codes(Target("shop", EngineKind.MONGODB, READ, lone))
    assert said == {"no_authentication", "no_transactions", "open_server"}


@pytest.mark.mongo
def test_a_plain_connection_to_another_machine_is_named(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examining, "is_local", lambda _host: False)
    assert codes(place.target(READ, [{"role": "read", "db": "HERE"}])) == {"unencrypted"}
