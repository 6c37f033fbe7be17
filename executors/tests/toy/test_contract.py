"""The engines' contract on a third engine, which the shared code has never heard of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from executors.base import Access, Engine, EngineKind, Language, Target
from executors.tests.contract import Dialect, EngineContract
from executors.tests.toy.engine import ToyEngine
from executors.tests.toy.fixtures import toy_kind, toy_url

__all__ = ["toy_kind", "toy_url"]

_COUNT = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n {}) "


class TestToy(EngineContract):
    """See `EngineContract`."""

    dialect = Dialect(
        language=Language.SQL,
        rows=_COUNT.format("LIMIT 1000") + "SELECT i FROM n",
        slow=_COUNT.format("") + "SELECT sum(i) FROM n",
        failing="SELECT id,\n  nope FROM orders",
        failing_at=("2", "3"),
        count="SELECT count(*) FROM orders",
        insert="INSERT INTO orders VALUES (100, 'new@example.org')",
        leave_residue="CREATE TEMP TABLE residue (a)",
        find_residue="SELECT count(*) FROM sqlite_temp_master",
        no_residue="0",
    )

    @pytest.fixture
    def reading(self, toy_kind: EngineKind, toy_url: str) -> Target:
        """The database, opened for reading only."""
        return Target("toy", toy_kind, Access.READ, toy_url)

    @pytest.fixture
    def writing(self, reading: Target) -> Target:
        """The same for writing."""
        return replace(reading, access=Access.WRITE)

    def unreachable(self, target: Target) -> Target:
        """A file in a folder that is not there."""
        return replace(target, url=target.url.replace("toy.db", "nowhere/toy.db"))

    def secrets(self, target: Target) -> list[str]:
        """The path."""
        return [target.url]


def test_it_is_all_that_an_engine_has_to_be() -> None:
    engine: Engine = ToyEngine()
    engine.close()
