"""A live target, and the portal's database: rolled back after each test, or committed to a copy of its own."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from pymongo.database import Database
from pytest_django import DjangoDbBlocker

from accounts.models import User
from portal.tests.people import database_owner
from queries.tests import world as worlds
from queries.tests.world import (
    MONGO_READ_VARIABLE,
    MONGO_WRITE_VARIABLE,
    READ_VARIABLE,
    WRITE_VARIABLE,
    TargetDatabase,
    World,
)

SignedIn: TypeAlias = Callable[[User], Client]


@pytest.fixture(scope="session")
def target_database(postgres_url: str) -> Iterator[TargetDatabase]:
    """A database of its own on the live PostgreSQL, named in the environment as a target's is."""
    with worlds.target_database(postgres_url) as database:
        os.environ[READ_VARIABLE] = database.read_url
        os.environ[WRITE_VARIABLE] = database.write_url
        yield database
        del os.environ[READ_VARIABLE], os.environ[WRITE_VARIABLE]


@pytest.fixture(autouse=True)
def _rows_as_before(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test changed on the target is no other test's business."""
    yield
    if "target_database" in request.fixturenames:
        request.getfixturevalue("target_database").refill()


@pytest.fixture
def world(db: None, target_database: TargetDatabase) -> World:
    """Everybody, until the test ends."""
    return worlds.build()


@pytest.fixture(scope="session")
def mongo_database(mongo_url: str) -> Iterator[Database[dict[str, Any]]]:
    """A database of its own on the live MongoDB, with a login that reads and one that writes, as a target has them."""
    with worlds.mongo_database(mongo_url) as (database, read_url, write_url):
        os.environ[MONGO_READ_VARIABLE] = read_url
        os.environ[MONGO_WRITE_VARIABLE] = write_url
        yield database
        del os.environ[MONGO_READ_VARIABLE], os.environ[MONGO_WRITE_VARIABLE]


@pytest.fixture
def on_mongo(world: World, mongo_database: Database[dict[str, Any]]) -> Iterator[Database[dict[str, Any]]]:
    """The pod's target is a MongoDB, whose database, empty now, is given."""
    world.move_to_mongo()
    yield mongo_database
    worlds.empty(mongo_database)


@pytest.fixture
def client_of() -> SignedIn:
    """A client with a session of the person, in whichever database the test has."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in


@contextmanager
def connected_to(name: str, blocker: DjangoDbBlocker) -> Iterator[None]:
    """Have every thread's default connection go to another database of the same server, in real transactions."""
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        with blocker.unblock():
            yield
            connection.close()
    finally:
        connection.settings_dict["NAME"] = before


@contextmanager
def database(superuser_url: str, *, template: str = "template0") -> Iterator[str]:
    """Create a database of the portal's owner; drop it afterwards."""
    name = f"portal_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(superuser_url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER "{database_owner()}"')
    yield name
    with psycopg.connect(superuser_url, autocommit=True) as server:
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def portal_template(django_db_setup: None, django_db_blocker: DjangoDbBlocker, postgres_url: str) -> Iterator[str]:
    """A migrated, empty database of the portal's, to be copied."""
    with database(postgres_url) as name:
        with connected_to(name, django_db_blocker):
            call_command("migrate", verbosity=0)
        yield name


@pytest.fixture(scope="module")
def committed(
    portal_template: str, django_db_blocker: DjangoDbBlocker, postgres_url: str, target_database: TargetDatabase
) -> Iterator[World]:
    """Everybody, in a database where every transaction is real, for threads and processes; not beside `world`.

    The audit log refuses to be emptied, so the database is dropped as a whole.
    """
    with database(postgres_url, template=portal_template) as name, connected_to(name, django_db_blocker):
        yield worlds.build()
