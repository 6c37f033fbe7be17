"""Writes: one transaction, every statement on its own, committed once or not at all."""

from __future__ import annotations

import threading
import time

import pytest

from executors import processes
from executors.base import (
    Access,
    CommitStatus,
    ExecutionError,
    Interrupted,
    Job,
    Language,
    Limits,
    Outcome,
    Refused,
    StatementFailed,
    StatementResult,
    TimedOut,
    WriteOutcome,
)
from executors.tests.postgresql.world import Database
from executors.tests.recording import Recorder

pytestmark = pytest.mark.releases

LIMITS = Limits(seconds=8, rows=1000, bytes=1_000_000, lock_seconds=1)


def write(database: Database, text: str, *parameters: str, limits: Limits = LIMITS) -> tuple[Outcome, Recorder]:
    recorder = Recorder()
    job = Job("write", database.target("writer", Access.WRITE), Language.SQL, text, limits, parameters)
    return processes.run(job, recorder, recorder), recorder


def ids(database: Database) -> list[int]:
    return [row[0] for row in database.admin.execute("SELECT id FROM shop.orders ORDER BY id").fetchall()]


def test_several_statements_share_one_transaction(database: Database) -> None:
    outcome, seen = write(database, "DELETE FROM orders WHERE id > 3;\nUPDATE orders SET total = 0 WHERE id = 1;")
    done = (StatementResult("DELETE", 2), StatementResult("UPDATE", 1))
    assert isinstance(outcome, WriteOutcome)
    assert (outcome.rows_affected, outcome.statements) == (3, done)
    assert len(seen.transactions) == 1


def test_failure_of_the_last_statement_undoes_the_first(database: Database) -> None:
    with pytest.raises(StatementFailed) as caught:
        write(database, "DELETE FROM orders;\n\nINSERT INTO orders VALUES (1, 'x', 1), (1, 'y', 2)")
    assert caught.value.detail["sqlstate"] == "23505"
    assert ids(database) == [1, 2, 3, 4, 5]


def test_error_in_a_later_statement_is_placed_in_the_whole_text(database: Database) -> None:
    with pytest.raises(StatementFailed) as caught:
        write(database, "DELETE FROM orders WHERE id = 1;\nUPDATE orders SET nope = 1")
    assert (caught.value.detail["line"], caught.value.detail["column"]) == ("2", "19")


def test_returning_rows_reach_the_sink(database: Database) -> None:
    outcome, seen = write(database, "DELETE FROM orders WHERE id < 3 RETURNING id, email")
    assert isinstance(outcome, WriteOutcome)
    assert (outcome.rows_affected, outcome.row_count) == (2, 2)
    assert sorted(seen.decoded) == [("1", "a1@example.org"), ("2", "a2@example.org")]


def test_last_result_set_is_kept(database: Database) -> None:
    outcome, seen = write(database, "SELECT 1; SELECT id FROM orders WHERE id > 3; DELETE FROM orders WHERE id = 9")
    assert isinstance(outcome, WriteOutcome)
    assert outcome.row_count == seen.count == 2


def test_more_returned_rows_than_the_limit_do_not_stop_the_write(database: Database) -> None:
    text = "INSERT INTO orders SELECT n, 'x', 1 FROM generate_series(10, 3009) n RETURNING id"
    outcome, seen = write(database, text)
    assert isinstance(outcome, WriteOutcome)
    assert (outcome.rows_affected, outcome.row_count, outcome.truncated) == (3000, 1000, "rows")
    assert outcome.statements == (StatementResult("INSERT", 3000),)
    assert seen.count == 1000
    assert len(ids(database)) == 3005


def test_parameters_are_bound(database: Database) -> None:
    write(database, "UPDATE orders SET email = $1 WHERE id = $2", "'; DROP TABLE orders; --", "1")
    assert database.admin.execute("SELECT email FROM shop.orders WHERE id = 1").fetchone() == (
        "'; DROP TABLE orders; --",
    )


def test_tables_are_created_in_the_first_schema_of_the_target(database: Database) -> None:
    write(database, "CREATE TABLE made_here (a int)")
    assert database.admin.execute("SELECT to_regclass('shop.made_here') IS NOT NULL").fetchone() == (True,)
    write(database, "DROP TABLE made_here")


def test_commit_status_of_what_was_committed_and_of_what_was_not(database: Database) -> None:
    target = database.target("writer", Access.WRITE)
    _, seen = write(database, "DELETE FROM orders WHERE id = 1")
    assert processes.commit_status(target, seen.transactions[0]) is CommitStatus.COMMITTED
    assert processes.commit_status(target, "99999999") is CommitStatus.UNKNOWN
    assert processes.commit_status(target, "") is CommitStatus.UNKNOWN


def test_vetoed_transaction_is_aborted(database: Database) -> None:
    recorder = Recorder(veto=True)
    target = database.target("writer", Access.WRITE)
    with pytest.raises(PermissionError):
        processes.run(Job("v", target, Language.SQL, "DELETE FROM orders", LIMITS), recorder, recorder)
    assert processes.commit_status(target, recorder.transactions[0]) is CommitStatus.ABORTED
    assert len(ids(database)) == 5


def test_lock_that_another_session_holds_is_told_apart(database: Database) -> None:
    with database.admin.transaction():
        database.admin.execute("LOCK TABLE shop.orders")
        with pytest.raises(TimedOut, match="lock"):
            write(database, "DELETE FROM orders")


def test_deferred_constraint_fails_the_commit_for_certain(database: Database) -> None:
    text = "CREATE TABLE d (a int UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO d VALUES (1), (1)"
    with pytest.raises(StatementFailed) as caught:
        write(database, text)
    assert caught.value.detail["sqlstate"] == "23505"


def test_session_ended_on_the_server_means_nothing_changed(database: Database) -> None:
    def kill() -> None:
        by = time.monotonic() + 20
        while database.admin.execute(_KILL).fetchone() is None and time.monotonic() < by:
            time.sleep(0.02)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(Interrupted):
        write(database, "DELETE FROM orders; SELECT pg_sleep(30)")
    killer.join()
    assert len(ids(database)) == 5


_KILL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'portal:write' AND wait_event = 'PgSleep'
"""


@pytest.mark.parametrize(
    "text",
    [
        "COMMIT",
        "BEGIN",
        "SET ROLE x",
        "GRANT SELECT ON orders TO x",
        "COPY orders FROM STDIN",
        "DO $$BEGIN EXECUTE 'SELECT 1'; END$$",
        "CALL p(set_config('a.b', 'c', true))",
        "LISTEN a",
        "PREPARE p AS SELECT 1",
        "VACUUM",
        "CREATE EXTENSION x",
        "SELECT set_config('a.b', '', false)",
        "CREATE SCHEMA s GRANT SELECT ON t TO x",
        "DROP TABLE orders; ROLLBACK",
        "CREATE INDEX CONCURRENTLY ON orders (id)",
        "ALTER TABLE orders OWNER TO x",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
    ],
)
def test_refused_in_a_write(database: Database, text: str) -> None:
    before = database.state()
    with pytest.raises(Refused):
        write(database, text)
    assert database.state() == before


def test_time_limit_covers_all_statements_together(database: Database) -> None:
    began = time.monotonic()
    with pytest.raises(TimedOut):
        write(database, "SELECT pg_sleep(0.7); " * 40, limits=Limits(1, 10, 1000))
    assert time.monotonic() - began < 15


def test_failure_of_an_error_names_no_secret(database: Database) -> None:
    target = database.elsewhere(database.target("writer", Access.WRITE), password="wrong", dbname="nowhere")
    with pytest.raises(ExecutionError) as caught:
        processes.run(Job("w", target, Language.SQL, "SELECT 1", LIMITS), Recorder(), Recorder())
    assert not [word for word in (*database.words(target), "nowhere") if word in caught.value.public_message]
