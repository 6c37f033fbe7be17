"""What depends on the server's release is tested on two: the newest, and an older one (the marker `releases`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.binaries import older_postgresql_programs
from executors import processes
from executors.tests.postgresql.shop import NAMES, ROWS, TABLES, Shop
from executors.tests.postgresql.world import Database

NEWEST, OLDER = "newest", "older"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what is marked, and uses the database, on both; what is slow as well, on one."""
    marked = {mark.name for mark in metafunc.definition.iter_markers()}
    if "releases" in marked and "slow" not in marked and "database" in metafunc.fixturenames:
        metafunc.parametrize("database", [NEWEST, OLDER], indirect=True, scope="session")


@pytest.fixture(params=[NEWEST, OLDER])
def programs(request: pytest.FixtureRequest) -> Path | None:
    """Where the programs of each release are, for a server of a test's own."""
    if request.param == NEWEST:
        return None
    request.getfixturevalue("older_postgres_url")
    return older_postgresql_programs()


@pytest.fixture(scope="session")
def older_database(older_postgres_url: str) -> Iterator[Database]:
    """The database on the older server."""
    with Database.create(older_postgres_url) as made:
        yield made
        processes.close()


@pytest.fixture(scope="session")
def database(request: pytest.FixtureRequest, database: Database) -> Database:
    """The database of the server that the test is run on."""
    if getattr(request, "param", NEWEST) == NEWEST:
        return database
    older: Database = request.getfixturevalue("older_database")
    return older


@pytest.fixture(scope="module")
def filled(database: Database) -> Iterator[Shop]:
    """The tables, once."""
    admin = database.admin
    admin.execute(f"SET ROLE {database.name}_owner")
    admin.execute("SET search_path = shop")
    admin.execute(TABLES)
    admin.execute(
        f"GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA shop TO {database.name}_writer"
    )
    admin.execute(f"REVOKE ALL ON shop.secrets FROM {database.name}_writer")
    admin.execute("RESET ROLE")
    yield Shop(database)
    admin.execute(f"SET ROLE {database.name}_owner")
    admin.execute(f"DROP TABLE shop.{', shop.'.join(n for n in NAMES if 'parts_' not in n)} CASCADE")
    admin.execute("DROP FUNCTION shop.note, shop.empty_plain, shop.careful")
    admin.execute("RESET ROLE")
    admin.execute("RESET search_path")


@pytest.fixture
def shop(filled: Shop) -> Shop:
    """The tables with the same rows for every test."""
    filled.admin.execute(ROWS)
    return filled
