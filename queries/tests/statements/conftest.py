"""A schema that the write login owns, with the same rows before each statement."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from queries.tests.world import TargetDatabase, World

_TABLES = """
CREATE SCHEMA lab;
CREATE TABLE lab.samples (id int PRIMARY KEY, name text, amount int);
CREATE TABLE lab."Odd names" (id int);
GRANT USAGE, CREATE ON SCHEMA lab TO {writer};
GRANT USAGE ON SCHEMA lab TO {reader};
ALTER SCHEMA lab OWNER TO {writer};
ALTER TABLE lab.samples OWNER TO {writer};
ALTER TABLE lab."Odd names" OWNER TO {writer};
GRANT SELECT ON ALL TABLES IN SCHEMA lab TO {reader};
"""
_ROWS = """
TRUNCATE lab.samples, lab."Odd names";
INSERT INTO lab.samples VALUES (1, 'one', 10), (2, 'two', 20), (3, NULL, 30);
INSERT INTO lab."Odd names" VALUES (7);
"""


@pytest.fixture(scope="module")
def lab(committed: World, target_database: TargetDatabase) -> Iterator[World]:
    """Everybody, and a schema that the write login owns."""
    name = target_database.name
    with target_database.connect() as connection:
        connection.execute(_TABLES.format(reader=f"{name}_ro", writer=f"{name}_rw"))
    committed.change_target(search_path="lab,public")
    yield committed
    with target_database.connect() as connection:
        connection.execute("DROP SCHEMA lab CASCADE")


@pytest.fixture(autouse=True)
def rows(lab: World, target_database: TargetDatabase) -> None:
    """The same rows before each."""
    with target_database.connect() as connection:
        connection.execute(_ROWS)
