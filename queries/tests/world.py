"""A pod with its people and a target that really exists, and the way a request reaches each state: the services."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql
from pymongo import MongoClient
from pymongo.database import Database

from accounts.models import SYSTEM, Role, User
from pods.membership import create_pod, set_members
from pods.models import Pod, Target
from queries import services
from queries.models import QueryRequest

READ_VARIABLE = "TEST_TARGET_READ_URL"
WRITE_VARIABLE = "TEST_TARGET_WRITE_URL"
MONGO_READ_VARIABLE = "TEST_TARGET_MONGO_READ_URL"
MONGO_WRITE_VARIABLE = "TEST_TARGET_MONGO_WRITE_URL"
UNSET_VARIABLE = "TEST_TARGET_NOT_SET"


FILL = "INSERT INTO items VALUES (1, 'one'), (2, ''), (3, NULL)"
ITEMS = ["(1,one)", '(2,"")', "(3,)"]


@dataclass(frozen=True, slots=True)
class TargetDatabase:
    """A database of its own on the test server, with a login that reads and one that writes."""

    name: str
    admin_url: str = field(repr=False)
    read_url: str = field(repr=False)
    write_url: str = field(repr=False)

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """A superuser's connection, in autocommit mode."""
        return psycopg.connect(self.admin_url, autocommit=True)

    def effects(self, tag: str) -> int:
        """How many rows a tagged insert left behind."""
        with self.connect() as connection:
            row = connection.execute("SELECT count(*) FROM effects WHERE tag = %s", [tag]).fetchone()
        assert row is not None
        return int(str(row[0]))

    def refill(self) -> None:
        """Put the rows back that a test changed."""
        with self.connect() as connection:
            found = connection.execute(
                "SELECT array_agg(i::text ORDER BY id), EXISTS (SELECT FROM effects) FROM items AS i"
            ).fetchone()
            if found != (ITEMS, False):
                connection.execute("TRUNCATE items, effects")
                connection.execute(FILL)

    def running(self, public_id: object) -> int:
        """How many sessions still work on a request."""
        with self.connect() as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE %s AND state = 'active'",
                [f"%{public_id}%"],
            ).fetchone()
        assert row is not None
        return int(str(row[0]))


def url_with(url: str, *, database: str, user: str = "", password: str = "", port: int = 0) -> str:
    """The same server's URL for another database and login, or by another port."""
    parts = urlsplit(url)
    login = f"{user}:{password}" if user else parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{login}@{parts.hostname}:{port or parts.port}", path=f"/{database}"))


@contextmanager
def target_database(superuser_url: str) -> Iterator[TargetDatabase]:
    """Create the database with its logins and tables; drop all of it afterwards."""
    name = f"target_{uuid.uuid4().hex[:8]}"
    reader, writer = f"{name}_ro", f"{name}_rw"
    with psycopg.connect(superuser_url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        for role in (reader, writer):
            server.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'target'").format(sql.Identifier(role)))
    database = TargetDatabase(
        name,
        url_with(superuser_url, database=name),
        url_with(superuser_url, database=name, user=reader, password="target"),
        url_with(superuser_url, database=name, user=writer, password="target"),
    )
    with database.connect() as connection:
        connection.execute("CREATE TABLE effects (id bigserial PRIMARY KEY, tag text NOT NULL)")
        connection.execute("CREATE TABLE items (id int PRIMARY KEY, name text)")
        connection.execute(FILL)
        connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}, {writer}")
        connection.execute(f"GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {writer}")
        connection.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {writer}")
    yield database
    with psycopg.connect(superuser_url, autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        for role in (reader, writer):
            server.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


@contextmanager
def mongo_database(administrator_url: str) -> Iterator[tuple[Database[dict[str, Any]], str, str]]:
    """Create a database with two logins, and their URLs; drop all of it afterwards."""
    name = f"target_{uuid.uuid4().hex[:8]}"
    urls = {}
    with MongoClient[dict[str, Any]](administrator_url) as client:
        for role in ("read", "readWrite"):
            roles = [{"role": role, "db": name}]
            client.admin.command("createUser", f"{name}_{role}", pwd="target", roles=roles)
            urls[role] = url_with(administrator_url, database=name, user=f"{name}_{role}", password="target")
        yield client[name], urls["read"], urls["readWrite"]
        client.drop_database(name)
        for role in urls:
            client.admin.command("dropUser", f"{name}_{role}")


def empty(database: Database[dict[str, Any]]) -> None:
    """Drop every collection, so that no test meets another's."""
    for name in database.list_collection_names():
        database.drop_collection(name)


@dataclass(slots=True)
class World:
    """People, two pods, a target of the first."""

    author: User
    reviewer: User
    second_reviewer: User
    colleague: User
    outsider: User
    other_manager: User
    auditor: User
    admin: User
    pod: Pod
    other_pod: Pod
    target: Target

    def draft(self, statement: str = "SELECT 1 AS one", **fields: object) -> services.Draft:
        """A draft for the pod's target."""
        values: dict[str, object] = {
            "pod": self.pod.slug,
            "target": self.target.slug,
            "language": "sql",
            "access": "read",
            "reason": "to see what is there",
        }
        return services.Draft(statement=statement, **(values | fields))  # type: ignore[arg-type]

    def submitted(self, statement: str = "SELECT 1 AS one", **fields: object) -> QueryRequest:
        """A request of the author's that waits for approval."""
        return services.submit(actor=self.author, draft=self.draft(statement, **fields))

    def insert(self, tag: str, **fields: object) -> QueryRequest:
        """A write of the author's that leaves one tagged row on the target."""
        return self.submitted(f"INSERT INTO effects (tag) VALUES ('{tag}')", access="write", **fields)

    def approved(self, query: QueryRequest, *, by: User | None = None) -> QueryRequest:
        """The request after the reviewer approved it, and so after it ran when that was the last approval."""
        return services.approve(actor=by or self.reviewer, query_id=query.pk, digest=query.digest)

    def executed(self, statement: str = "SELECT 1 AS one", **fields: object) -> QueryRequest:
        """A request that ran."""
        return self.approved(self.submitted(statement, **fields))

    def move_to_mongo(self) -> None:
        """Have the target be a MongoDB."""
        self.change_target(
            engine="mongodb", read_url_variable=MONGO_READ_VARIABLE, write_url_variable=MONGO_WRITE_VARIABLE
        )

    def mongo(self, statement: str, **fields: object) -> QueryRequest:
        """A MongoDB query of the author's that ran."""
        return self.executed(statement, language="mongo", **fields)

    def change_target(self, **fields: object) -> None:
        """Set fields of the target."""
        for name, value in fields.items():
            setattr(self.target, name, value)
        self.target.save()


def person(username: str, role: Role = Role.DEVELOPER, **fields: object) -> User:
    """Somebody who can act."""
    return User.objects.create(username=username, role=role, **fields)


def build() -> World:
    """Everybody, in the database that is connected now."""
    author, colleague, outsider = person("author"), person("colleague"), person("outsider")
    reviewer, second = person("reviewer", Role.MANAGER), person("second_reviewer", Role.MANAGER)
    other_manager = person("other_manager", Role.MANAGER)
    pod = create_pod(actor=SYSTEM, name="Payments", slug="payments")
    other_pod = create_pod(actor=SYSTEM, name="Research", slug="research")
    set_members(actor=SYSTEM, pod=pod, developers=[author, colleague], managers=[reviewer, second])
    set_members(actor=SYSTEM, pod=other_pod, developers=[outsider], managers=[other_manager])
    target = Target.objects.create(
        pod=pod,
        name="Orders",
        slug="orders",
        engine="postgresql",
        read_url_variable=READ_VARIABLE,
        write_url_variable=WRITE_VARIABLE,
        seconds_limit=10,
    )
    auditor, admin = person("auditor", can_read_audit=True), person("admin", Role.ADMIN)
    return World(author, reviewer, second, colleague, outsider, other_manager, auditor, admin, pod, other_pod, target)
