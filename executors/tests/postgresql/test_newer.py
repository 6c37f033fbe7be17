"""What the parser is too old for: taken out where the grammar has it alone; what it hides is asked of the server."""

from __future__ import annotations

from contextlib import closing

import pytest

from executors import processes
from executors.base import Access, EngineKind, FindingCode, Language, Limits
from executors.postgresql.connections import Connections
from executors.postgresql.dependencies import Dependencies
from executors.postgresql.options import connection_key
from executors.postgresql.reading.facts import Facts
from executors.postgresql.reading.newer import without_newer_words
from executors.postgresql.reading.parse import Statement, parse
from executors.postgresql.wire import Watch
from executors.tests.asked import asked
from executors.tests.postgresql.world import Database

NEWER = [
    ("CREATE TABLE x (a int, b int GENERATED ALWAYS AS (a) VIRTUAL)", "DEFAULT"),
    ("CREATE TABLE x (a int, b int generated\n always as(a + (1)), c int)", "DEFAULT"),
    ('CREATE TABLE x ("Ä" int, CONSTRAINT "ö" NOT NULL "Ä", c int)', 'CHECK("Ä")'),
    ("CREATE TABLE x (a int, b daterange, UNIQUE (a, b WITHOUT /* ! */ OVERLAPS))", "UNIQUE (a, b"),
    ("CREATE TABLE x (a int, b daterange, FOREIGN KEY (a, PERIOD b) REFERENCES y)", "FOREIGN KEY (a,        b)"),
    ("ALTER TABLE x ADD FOREIGN KEY (a) REFERENCES y NOT ENFORCED", "REFERENCES y"),
    ("UPDATE x SET a = 1 RETURNING WITH (NEW AS \"a)\") 'WITH (OLD AS o)'", "'WITH (OLD AS o)'"),
    ("VACUUM (FULL, ANALYZE) ONLY x", "VACUUM (FULL, ANALYZE)"),
]
SAME = [
    "SELECT virtual, enforced, period, only_this, overlaps FROM x",
    "CREATE TABLE x (a int, b int GENERATED ALWAYS AS (a) STORED, c int GENERATED ALWAYS AS IDENTITY)",
    "CREATE TABLE x (a int NOT NULL DEFAULT 1, b int CONSTRAINT c NOT NULL CHECK (b > 0), period int NOT NULL)",
    "CREATE TABLE x (a int CONSTRAINT c NOT NULL, period text)",
    "SELECT 'GENERATED ALWAYS AS (1) VIRTUAL', $$ RETURNING WITH (OLD AS o) $$ -- WITHOUT OVERLAPS",
    'SELECT "NOT ENFORCED" /* RETURNING WITH (OLD AS o) */ FROM ONLY x',
    "DELETE FROM x RETURNING old.a",
]


@pytest.mark.parametrize(("text", "kept"), NEWER)
def test_it_is_read_without_newer_words(text: str, kept: str) -> None:
    read_as, edits = without_newer_words(text)
    (item,), failure = parse(text)
    assert failure is None
    assert len(read_as) == len(text)
    assert len(read_as.encode()) == len(text.encode())
    assert kept in read_as
    assert item.unread == tuple(dict.fromkeys(edit.words for edit in edits))
    assert item.text == text


@pytest.mark.parametrize("text", SAME)
def test_what_the_parser_knows_is_read_whole(text: str) -> None:
    assert all(not item.unread for item in parse(text)[0])


def test_only_the_statement_that_has_them_is_read_in_part() -> None:
    text = "SELECT 1; UPDATE é SET a = 1 RETURNING WITH (OLD AS o) o.a;\nDELETE FROM é WHERE a = 2"
    first, second, third = parse(text)[0]
    assert [bool(item.unread) for item in (first, second, third)] == [False, True, False]
    assert text[third.begins :].startswith("DELETE")
    assert second.text.strip() == "UPDATE é SET a = 1 RETURNING WITH (OLD AS o) o.a"


@pytest.mark.parametrize(
    "text", ["generated always as (" * 20_000, "returning with (" * 20_000, ",not null a" * 50_000]
)
def test_a_text_that_is_no_sql_is_not_looked_through_for_long(text: str) -> None:
    assert parse(text)[1] is not None


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("SELECT 1 AS a", "InsertStmt", "another statement"),
        ("DELETE FROM shop.orders", "UpdateStmt", "another statement"),
        ("DROP TABLE shop.orders", "CreateStmt", "another statement"),
        ("CREATE TABLE shop.x (a text DEFAULT pg_read_file('a'))", "CreateStmt", "pg_read_file"),
        (
            "CREATE TABLE shop.x (a text DEFAULT upper(pg_catalog.pg_read_file('a'::text)))",
            "CreateStmt",
            "pg_read_file",
        ),
        ("UPDATE shop.orders SET email = pg_read_file('a')", "UpdateStmt", "pg_read_file"),
        (f"SELECT {'1 + ' * 30_000} 1", "SelectStmt", "too long"),
    ],
)
def test_what_the_tree_hides_the_server_tells(database: Database, text: str, kind: str, says: str) -> None:
    """As if the words that were not read had hidden all of it: nothing is known of what the statement names."""
    target = database.target("writer", Access.WRITE)
    key = connection_key(target, Limits(5, 1, 1))
    with closing(Connections().open(key, Watch(5, _Nobody()))) as wire:
        wire.simple(b"BEGIN READ ONLY")
        found = Dependencies(wire, Access.WRITE).find(Statement(text, 0, kind, {}, unread=("x",)), Facts(), text)
    assert found is not None
    assert says in found.message


class _Nobody:
    """Stops nothing."""

    def cancelled(self) -> bool:
        return False


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE shop.v (a int, b int GENERATED ALWAYS AS (a) VIRTUAL)",
        "UPDATE shop.orders SET id = 1 RETURNING WITH (OLD AS o) o.id",
        "CREATE TABLE shop.v (a int, CONSTRAINT c NOT NULL a)",
    ],
)
def test_an_older_target_refuses_before_anybody_approves(older_database: Database, text: str) -> None:
    analysis = processes.read(Language.SQL, EngineKind.POSTGRESQL, text, (), Access.WRITE)
    told = asked(older_database.target("reader"), Language.SQL, text, Access.WRITE, analysis)
    assert FindingCode.TARGET_REFUSES in {finding.code for finding in told.findings}
