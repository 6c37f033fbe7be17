"""The toy engine known to this process and to its helpers, as fixtures for whoever imports them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from executors import processes
from executors.base import EngineKind
from executors.tests import toy
from executors.tests.toy.engine import SCHEME


@pytest.fixture
def toy_kind(monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineKind]:
    """The engine's kind. Helpers that do not know it, or know it still, are ended."""
    monkeypatch.setattr("executors.processes.helper.WORKER", "executors.tests.toy.worker")
    monkeypatch.setattr("executors.processes.readers.READER", "executors.tests.toy.reader")
    processes.close()
    with toy.registered() as kind:
        yield kind
    processes.close()


@pytest.fixture
def toy_url(tmp_path: Path) -> str:
    """The URL of a database with one table."""
    path = tmp_path / "toy.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT)")
        connection.execute("INSERT INTO orders VALUES (1, 'one'), (2, NULL)")
    connection.close()
    return f"{SCHEME}{path}"
