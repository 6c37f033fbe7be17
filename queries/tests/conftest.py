"""A live target, and the portal's database: rolled back after each test, or committed to a copy of its own."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from queries.tests import world as worlds
from queries.tests.world import READ_VARIABLE, WRITE_VARIABLE, TargetDatabase, World


@pytest.fixture(scope="session")
def target_database(postgres_url: str) -> Iterator[TargetDatabase]:
    """A database of its own on the live PostgreSQL, named in the environment as a target's is."""
    with worlds.target_database(postgres_url) as database:
        os.environ[READ_VARIABLE] = database.read_url
        os.environ[WRITE_VARIABLE] = database.write_url
        yield database
        del os.environ[READ_VARIABLE], os.environ[WRITE_VARIABLE]


@pytest.fixture
def world(db: None, target_database: TargetDatabase) -> World:
    """Everybody, until the test ends."""
    return worlds.build()


@pytest.fixture(scope="module")
def committed(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, postgres_url: str, target_database: TargetDatabase
) -> Iterator[World]:
    """Everybody, in a copy of the portal's database where every transaction is real, for threads and processes.

    The audit log refuses to be emptied, so the copy is dropped as a whole.
    """
    name, template = f"portal_{uuid.uuid4().hex[:8]}", connection.settings_dict["NAME"]
    connection.close()
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER "{connection.settings_dict["USER"]}"')
    connection.settings_dict["NAME"] = name
    with django_db_blocker.unblock():
        yield worlds.build()
        connection.close()
    connection.settings_dict["NAME"] = template
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
