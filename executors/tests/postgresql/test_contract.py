"""The engines' contract on a live PostgreSQL."""

from __future__ import annotations

import pytest

from executors.base import Access, EngineKind, Language, Target
from executors.tests.contract import Dialect, EngineContract
from executors.tests.postgresql.world import Database

pytestmark = pytest.mark.releases


class TestPostgreSQL(EngineContract):
    """See `EngineContract`."""

    engine = EngineKind.POSTGRESQL
    dialect = Dialect(
        language=Language.SQL,
        rows="SELECT n FROM generate_series(1, 1000) n",
        slow="SELECT pg_sleep(30)",
        failing="SELECT id,\n  nope FROM orders",
        failing_at=("2", "3"),
        count="SELECT count(*) FROM orders",
        insert="INSERT INTO orders VALUES (100, 'new@example.org', 1)",
        leave_residue="SELECT lying()",
        find_residue="SELECT coalesce(current_setting('x.y', true), '')",
        no_residue="",
    )

    @pytest.fixture
    def reading(self, database: Database) -> Target:
        """The proper reader."""
        return database.target("reader")

    @pytest.fixture
    def writing(self, database: Database) -> Target:
        """The writer."""
        return database.target("writer", Access.WRITE)

    @pytest.fixture(autouse=True)
    def _keep(self, database: Database) -> None:
        self._database = database

    def unreachable(self, target: Target) -> Target:
        """Port 1: nobody listens there."""
        return self._database.elsewhere(target, port=1)

    def secrets(self, target: Target) -> list[str]:
        """Host, user and password."""
        return self._database.words(target)
