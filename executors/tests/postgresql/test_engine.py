"""What the engine tells of a target, and what it keeps between runs."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest

from executors import processes
from executors.base import Access, Column, Job, Language, Limits, Reference, Unreachable
from executors.postgresql.engine import PostgreSQLEngine
from executors.postgresql.reading.function_policy import KNOWN_ELSEWHERE, NAMES_QUERY, refused
from executors.postgresql.reading.functions import REFUSED
from executors.tests.postgresql.world import Database
from executors.tests.recording import Recorder

pytestmark = pytest.mark.releases

LIMITS = Limits(seconds=5, rows=10, bytes=100_000)


def test_introspection_lists_what_the_credential_can_read(database: Database) -> None:
    tables = {table.name: table for table in processes.introspect(database.target("reader"))}
    assert tables.keys() == {"orders", "typed", "trap"}
    assert tables["trap"].kind == "view"
    assert tables["orders"].columns[2] == Column("total", "numeric(10,2)")


def test_introspection_tells_keys_and_where_they_lead(database: Database) -> None:
    made = (
        "CREATE TABLE shop.parts (a int, b int, PRIMARY KEY (b, a))",
        "CREATE TABLE shop.uses (id int PRIMARY KEY, a int, b int, again int REFERENCES shop.uses)",
        "ALTER TABLE shop.uses ADD FOREIGN KEY (b, a) REFERENCES shop.parts",
        "GRANT SELECT ON shop.parts, shop.uses TO PUBLIC",
    )
    with psycopg.connect(database.url, autocommit=True) as connection:
        for statement in made:
            connection.execute(statement)
        try:
            tables = {table.name: table for table in processes.introspect(database.target("reader"))}
        finally:
            connection.execute("DROP TABLE shop.uses, shop.parts")
    assert tables["parts"].primary_key == ("a", "b")
    assert tables["parts"].references == ()
    assert tables["uses"].primary_key == ("id",)
    assert tables["uses"].references == (Reference("a", "parts"), Reference("b", "parts"), Reference("again", "uses"))


def test_server_version_is_for_people(database: Database) -> None:
    assert processes.server_version(database.target("reader")).startswith("PostgreSQL 1")


def test_connection_is_used_again_after_a_clean_read(database: Database) -> None:
    engine, seen = PostgreSQLEngine(), Recorder()
    for _ in range(3):
        session = engine.open(Job("warm", database.target("reader"), Language.SQL, "SELECT 1", LIMITS), seen)
        session.execute("SELECT 1", (), seen)
        session.close(clean=True)
    engine.close()
    assert len(set(seen.backends)) == 1


def test_connection_that_died_while_idle_is_replaced(database: Database) -> None:
    engine, seen = PostgreSQLEngine(), Recorder()
    for _ in range(2):
        session = engine.open(Job("warm", database.target("reader"), Language.SQL, "SELECT 1", LIMITS), seen)
        session.execute("SELECT 1", (), seen)
        session.close(clean=True)
        database.admin.execute("SELECT pg_terminate_backend(%s::int, 2000)", [seen.backends[-1]])
    engine.close()
    assert len(set(seen.backends)) == 2


def test_query_id_is_in_the_activity_of_the_server(database: Database) -> None:
    seen = Recorder()
    job = Job("3f2a-77", database.target("reader"), Language.SQL, "SHOW application_name", LIMITS)
    processes.run(job, seen, seen)
    assert seen.decoded == [("portal:3f2a-77",)]


def test_what_a_run_waits_for_and_who_holds_it_are_told(database: Database) -> None:
    seen, target = Recorder(), database.target("writer", Access.WRITE)
    job = Job(
        "waits-1", target, Language.SQL, "UPDATE orders SET total = 1", replace(LIMITS, seconds=9, lock_seconds=8)
    )
    with psycopg.connect(database.url, application_name="nightly") as holder, ThreadPoolExecutor() as pool:
        holder.execute("LOCK TABLE shop.orders IN ACCESS EXCLUSIVE MODE")
        running, by = pool.submit(processes.run, job, seen, seen), time.monotonic() + 8
        found = None
        while not (found and found.blocked_by) and time.monotonic() < by:
            time.sleep(0.05)
            found = processes.activity(target, seen.backends[0], job.id) if seen.backends else None
        holder.rollback()
        running.result()
    assert found is not None
    assert found.waiting_for.startswith("a lock on ")
    assert [blocker.application for blocker in found.blocked_by] == ["nightly"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"password": "nope"}, "credential"),
        ({"dbname": "nowhere_"}, "does not exist"),
        ({"host": "no.invalid"}, "name is unknown"),
    ],
)
def test_reason_of_a_failed_connection_is_told(database: Database, changes: dict[str, str], word: str) -> None:
    target = database.elsewhere(database.target("reader"), **changes)
    if "password" in changes and _trusts(database):
        pytest.skip("this server asks nobody for a password")
    with pytest.raises(Unreachable, match=word):
        processes.server_version(target)


def test_refused_functions_are_those_of_the_live_server(database: Database) -> None:
    rows = database.admin.execute(NAMES_QUERY).fetchall()
    expected = {name for name, volatile in rows if refused(name, volatile=bool(volatile))}
    assert expected <= REFUSED
    unknown = {name for name, _ in rows} & REFUSED - expected - KNOWN_ELSEWHERE
    assert not unknown


def _trusts(database: Database) -> bool:
    row = database.admin.execute("SELECT bool_or(auth_method = 'trust') FROM pg_hba_file_rules").fetchone()
    return bool(row and row[0])
