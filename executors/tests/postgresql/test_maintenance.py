"""Maintenance: each statement outside a transaction, its end, and what the catalogue says where it has none."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from executors import processes
from executors.base import (
    Access,
    Activity,
    Cancelled,
    CommitStatus,
    ExecutionError,
    Job,
    Language,
    Limits,
    OutcomeUnknown,
    Progress,
    Refused,
    StatementFailed,
    StatementResult,
    TimedOut,
    WriteOutcome,
)
from executors.tests.postgresql.world import Database
from executors.tests.recording import Recorder

LIMITS = Limits(seconds=120, rows=1000, bytes=1_000_000, lock_seconds=100)
SHORT = Limits(seconds=2, rows=1000, bytes=1_000_000, lock_seconds=30)
IMPATIENT = Limits(seconds=120, rows=1000, bytes=1_000_000, lock_seconds=1)
CREATE = "CREATE INDEX CONCURRENTLY by_email ON orders (email)"

SET_UP = """
SET ROLE {owner};
CREATE INDEX by_total ON shop.orders (total);
CREATE TABLE shop.parts (id int, at date) PARTITION BY LIST (id);
CREATE TABLE shop.part_1 PARTITION OF shop.parts FOR VALUES IN (1);
CREATE TABLE shop.part_2 PARTITION OF shop.parts FOR VALUES IN (2);
CREATE INDEX parts_at ON shop.parts (at);
CREATE MATERIALIZED VIEW shop.sums AS SELECT id, total FROM shop.orders;
CREATE UNIQUE INDEX sums_id ON shop.sums (id);
RESET ROLE;
GRANT TEMP ON DATABASE {name} TO {owner};
"""
INDEXES = """
SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = 'shop.orders'::regclass AND c.relname <> 'orders_pkey' ORDER BY 1
"""


@pytest.fixture
def shop(database: Database) -> Iterator[Database]:
    """The shop with what is maintained."""
    database.admin.execute(SET_UP.format(name=database.name, owner=f"{database.name}_owner").encode())
    yield database
    database.admin.execute("DROP TABLE IF EXISTS shop.part_1, shop.part_2")
    database.admin.execute("DROP MATERIALIZED VIEW shop.sums; DROP TABLE IF EXISTS shop.parts CASCADE")
    for name, _ in indexes(database):
        database.admin.execute(f'DROP INDEX shop."{name}"'.encode())


def indexes(database: Database) -> list[tuple[str, bool]]:
    return [(str(name), bool(valid)) for name, valid in database.admin.execute(INDEXES).fetchall()]


def maintain(
    database: Database, text: str, limits: Limits = LIMITS, seen: Recorder | None = None, who: str = "owner"
) -> Recorder:
    recorder = seen or Recorder()
    target = database.target(who, Access.MAINTENANCE)
    outcome = processes.run(Job("maintenance", target, Language.SQL, text, limits), recorder, recorder)
    assert isinstance(outcome, WriteOutcome)
    assert (outcome.rows_affected, outcome.effect) == (None, None)
    return recorder


@contextmanager
def reader_open(database: Database) -> Iterator[None]:
    """A transaction that has read the orders and stays open: whatever is built concurrently waits for its end."""
    with psycopg.connect(database.url) as other:
        other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        other.execute("LOCK TABLE shop.orders IN ROW EXCLUSIVE MODE")
        yield


DONE = [
    pytest.param(CREATE, "The index shop.by_email is there and valid.", id="create-index"),
    pytest.param("CREATE INDEX CONCURRENTLY ON orders (lower(email), id)", "_idx is there and valid.", id="unnamed"),
    pytest.param("CREATE UNIQUE INDEX CONCURRENTLY one ON orders (id)", "shop.one is there and valid.", id="unique"),
    pytest.param("SET lock_timeout = '5s'; SET maintenance_work_mem = '64MB'; " + CREATE, "by_email is", id="settings"),
    pytest.param("CREATE INDEX CONCURRENTLY IF NOT EXISTS by_total ON orders (total)", "by_total is there", id="there"),
    pytest.param("DROP INDEX CONCURRENTLY by_total", "The index shop.by_total is gone.", id="drop-index"),
    pytest.param("REINDEX INDEX CONCURRENTLY by_total", "Indexes rebuilt: 1 of 1.", id="reindex-index"),
    pytest.param("REINDEX (VERBOSE) TABLE CONCURRENTLY orders", "Indexes rebuilt: 3 of 3.", id="reindex-table"),
    pytest.param("REINDEX TABLE orders", "Indexes rebuilt: 3 of 3.", id="reindex-plain"),
    pytest.param("REINDEX TABLE CONCURRENTLY parts", "Indexes rebuilt: 2 of 2.", id="reindex-partitioned"),
    pytest.param("VACUUM orders", "shop.orders was vacuumed.", id="vacuum"),
    pytest.param("VACUUM (ANALYZE, FREEZE) orders, parts", "shop.orders, shop.part_1, shop.part_2 were", id="several"),
    pytest.param("VACUUM (PROCESS_TOAST TRUE) orders", "shop.orders was vacuumed.", id="option"),
    pytest.param("VACUUM (FULL) orders", "shop.orders was written anew.", id="vacuum-full"),
    pytest.param("CLUSTER orders USING by_total", "shop.orders was written anew.", id="cluster"),
    pytest.param("ALTER TABLE parts DETACH PARTITION part_2 CONCURRENTLY", "shop.part_2 is no part", id="detach"),
]


@pytest.mark.releases
@pytest.mark.parametrize(("text", "said"), DONE)
def test_each_runs_and_its_end_is_what_the_catalogue_says(shop: Database, text: str, said: str) -> None:
    seen = maintain(shop, text)
    assert said in seen.logs[-1][1]
    assert seen.transactions[0].startswith("maintenance ")
    ours = processes.aftermath(shop.target("owner", Access.MAINTENANCE), seen.transactions[0])
    assert ours.status is CommitStatus.COMMITTED
    assert said in ours.said


@pytest.mark.releases
def test_a_view_is_refreshed_in_a_transaction_of_its_own(shop: Database) -> None:
    shop.admin.execute("UPDATE shop.orders SET total = 99 WHERE id = 1")
    seen = maintain(shop, "REFRESH MATERIALIZED VIEW CONCURRENTLY sums")
    assert shop.admin.execute("SELECT total FROM shop.sums WHERE id = 1").fetchone() == (99,)
    ours = processes.aftermath(shop.target("owner", Access.MAINTENANCE), seen.transactions[0])
    assert ours.status is CommitStatus.COMMITTED


def test_a_value_is_added_to_a_type(database: Database) -> None:
    value = f"v{time.monotonic_ns()}"
    target = database.target("owner", Access.MAINTENANCE)
    database.admin.execute(f"ALTER TYPE shop.mood OWNER TO {database.name}_owner".encode())
    seen = maintain(database, f"ALTER TYPE mood ADD VALUE '{value}' BEFORE 'ok'")
    assert processes.aftermath(target, seen.transactions[0]).said == f"mood has the value '{value}'."
    other = seen.transactions[0].replace(value, "nowhere")
    assert processes.aftermath(target, other).status is CommitStatus.ABORTED


REFUSED = [
    ("SELECT 1", "only reads", "read access"),
    ("CREATE TABLE t (a int)", "can run in a transaction", "write access"),
    ("CREATE INDEX ON orders (id)", "Without CONCURRENTLY", "Write CONCURRENTLY"),
    ("ALTER TABLE parts DETACH PARTITION part_1", "can run in a transaction", "write access"),
    ("ANALYZE orders", "can run in a transaction", "write access"),
    ("GRANT SELECT ON orders TO x", "privileges", "owner"),
    ("VACUUM", "whole database", "Name the tables"),
    ("CLUSTER", "whole database", "Name the table"),
    ("REINDEX SCHEMA shop", "more than a table", "REINDEX TABLE CONCURRENTLY"),
    ("REINDEX (TABLESPACE x) TABLE orders", "not chosen here", "TABLESPACE"),
    (f"BEGIN; {CREATE}; COMMIT", "make a transaction of it", "Leave BEGIN"),
    (f"{CREATE}; VACUUM orders", "exactly one statement", "on its own"),
    ("CREATE INDEX CONCURRENTLY ON orders (id) WHERE total > $1", "takes no parameters", "Write the value"),
    ("CREATE INDEX CONCURRENTLY ON orders (pg_read_file('x'))", "pg_read_file is not allowed", ""),
]


@pytest.mark.parametrize(("text", "message", "hint"), REFUSED)
def test_nothing_else_is_run_with_it(shop: Database, text: str, message: str, hint: str) -> None:
    before = shop.state()
    with pytest.raises(Refused) as caught:
        maintain(shop, text)
    assert message in caught.value.public_message
    assert hint in caught.value.detail.get("hint", "")
    assert shop.state() == before


def test_no_session_and_no_script_has_it(database: Database) -> None:
    target = database.target("owner", Access.MAINTENANCE)
    with pytest.raises(Refused, match="cannot run script as maintenance"):
        processes.run(Job("x", target, Language.SCRIPT, "return 1", LIMITS), Recorder(), Recorder())


def test_an_index_left_by_an_error_is_named_with_what_removes_it(shop: Database) -> None:
    shop.admin.execute("INSERT INTO shop.orders SELECT id + 10, email, total FROM shop.orders")
    with pytest.raises(StatementFailed) as caught:
        maintain(shop, "CREATE UNIQUE INDEX CONCURRENTLY one ON orders (email)")
    assert "The index shop.one is not valid" in caught.value.public_message
    assert caught.value.detail["repair"] == "DROP INDEX CONCURRENTLY shop.one;"
    assert caught.value.detail["sqlstate"] == "23505"
    maintain(shop, caught.value.detail["repair"])
    assert indexes(shop) == [("by_total", True)]


@pytest.mark.releases
def test_an_index_left_by_the_lock_limit_is_named(shop: Database) -> None:
    with reader_open(shop), pytest.raises(TimedOut) as caught:
        maintain(shop, CREATE, IMPATIENT)
    assert "waited too long for a lock" in caught.value.public_message
    assert caught.value.detail["repair"] == "DROP INDEX CONCURRENTLY shop.by_email;"
    assert indexes(shop) == [("by_email", False), ("by_total", True)]


def test_one_too_long_is_stopped_and_says_what_it_left(shop: Database) -> None:
    with reader_open(shop), pytest.raises(TimedOut) as caught:
        maintain(shop, CREATE, SHORT)
    # It waits for a reader nearly as long as it may run: either limit may come first.
    ended = ("It reached its time limit of 2 s and was stopped.", "The statement waited too long for a lock")
    assert caught.value.public_message.startswith(ended)
    assert "The index shop.by_email is not valid" in caught.value.public_message
    assert "rolled back" not in caught.value.public_message


STOPPED = [
    (CREATE, "The index shop.by_email is not valid", "DROP INDEX CONCURRENTLY shop.by_email;"),
    ("DROP INDEX CONCURRENTLY by_total", "The index shop.by_total is not valid", "DROP INDEX CONCURRENTLY shop.by_"),
    ("REINDEX INDEX CONCURRENTLY by_total", "Indexes rebuilt: 0 of 1. The index shop.by_total_ccnew", "_ccnew;"),
    ("VACUUM FULL orders", "shop.orders was not written anew.", ""),
]


@pytest.mark.parametrize(("text", "said", "repair"), STOPPED)
def test_one_stopped_says_what_it_left(shop: Database, text: str, said: str, repair: str) -> None:
    seen = Recorder()
    with reader_open(shop), once_it_waits(shop, seen, seen.ask_to_stop), pytest.raises(Cancelled) as caught:
        maintain(shop, text, seen=seen)
    assert caught.value.public_message.startswith(f"It was stopped while it ran. {said}")
    assert repair in caught.value.detail.get("repair", "")
    if repair:
        maintain(shop, caught.value.detail["repair"])


@contextmanager
def once_it_waits(database: Database, seen: Recorder, act: Callable[[], object]) -> Iterator[None]:
    """Act on another thread as soon as the run waits for a lock."""

    def watch() -> None:
        _until(lambda: _waits(database, seen))
        act()

    watched = threading.Thread(target=watch)
    watched.start()
    yield
    watched.join()


def _waits(database: Database, seen: Recorder) -> bool:
    asked = "SELECT FROM pg_stat_activity WHERE pid = %s::int AND wait_event_type = 'Lock'"
    return bool(seen.backends) and database.admin.execute(asked, [seen.backends[0]]).fetchone() is not None


def _until(what: Callable[[], bool]) -> None:
    by = time.monotonic() + 90
    while not what():
        assert time.monotonic() < by, "it did not happen in time"
        time.sleep(0.05)


def test_progress_is_told_while_it_runs(shop: Database) -> None:
    seen, found = Recorder(), list[Activity]()
    target = shop.target("owner", Access.MAINTENANCE)

    def asked() -> bool:
        told = processes.activity(target, seen.backends[0], "m")
        found.extend([told] if told is not None else [])
        return bool(found)

    def look() -> None:
        _until(asked)
        seen.stop = True

    with reader_open(shop), once_it_waits(shop, seen, look), pytest.raises(Cancelled):
        processes.run(Job("m", target, Language.SQL, CREATE, LIMITS), seen, seen)
    assert found[0].waiting_for
    assert found[0].progress == Progress("waiting for writers before build", 0, 1, "transactions")


def test_a_lost_session_is_unknown_and_the_catalogue_tells(shop: Database) -> None:
    seen, ended = Recorder(), "SELECT pg_terminate_backend(%s::int, 5000)"

    def end() -> None:
        shop.admin.execute(ended, [seen.backends[0]])

    with reader_open(shop), once_it_waits(shop, seen, end), pytest.raises(OutcomeUnknown):
        maintain(shop, CREATE, seen=seen)
    told = processes.aftermath(shop.target("owner", Access.MAINTENANCE), seen.transactions[0])
    assert (told.status, told.repair) == (CommitStatus.PARTLY, "DROP INDEX CONCURRENTLY shop.by_email;")


def test_one_that_still_runs_is_said_to(shop: Database) -> None:
    seen, found = Recorder(), list[CommitStatus]()

    def look() -> None:
        found.append(processes.aftermath(shop.target("owner", Access.MAINTENANCE), seen.transactions[0]).status)
        seen.stop = True

    with reader_open(shop), once_it_waits(shop, seen, look), pytest.raises(Cancelled):
        maintain(shop, CREATE, seen=seen)
    assert found == [CommitStatus.IN_PROGRESS]


def test_what_the_server_passes_over_did_not_go_well(shop: Database) -> None:
    seen = Recorder()
    with pytest.raises(StatementFailed) as caught:
        maintain(shop, "VACUUM orders", seen=seen, who="writer")
    assert "shop.orders was not vacuumed." in caught.value.public_message
    assert any(level == "warning" and "orders" in text for level, text in seen.logs)


def test_an_invalid_index_is_not_there_for_if_not_exists(shop: Database) -> None:
    with reader_open(shop), pytest.raises(ExecutionError):
        maintain(shop, CREATE, IMPATIENT)
    with pytest.raises(StatementFailed, match="is not valid"):
        maintain(shop, CREATE.replace("CONCURRENTLY", "CONCURRENTLY IF NOT EXISTS"))


def test_an_unnamed_index_of_a_table_in_use_is_not_offered_for_removal(shop: Database) -> None:
    """Somebody else may be building it: `before` knows of no index, and a session holds what building holds."""
    with reader_open(shop), pytest.raises(TimedOut):
        maintain(shop, CREATE, IMPATIENT)
    seen = maintain(shop, "CREATE INDEX CONCURRENTLY ON orders (id, total)")
    name, _, rest = seen.transactions[0].partition(" ")
    told = json.loads(rest)
    told["facts"]["there"] = []
    asked = f"{name} {json.dumps(told)}"
    target = shop.target("owner", Access.MAINTENANCE)
    assert "by_email" in processes.aftermath(target, asked).repair
    with psycopg.connect(shop.url) as other:
        other.execute("LOCK TABLE shop.orders IN SHARE UPDATE EXCLUSIVE MODE")
        found = processes.aftermath(target, asked)
    assert (found.status, found.repair) == (CommitStatus.PARTLY, "")
    assert "may be building it" in found.said


def test_an_index_left_earlier_is_passed_over_by_the_next_rebuild(shop: Database) -> None:
    with reader_open(shop), pytest.raises(TimedOut):
        maintain(shop, CREATE, IMPATIENT)
    seen = maintain(shop, "REINDEX TABLE CONCURRENTLY orders")
    assert "Indexes rebuilt: 3 of 3." in seen.logs[-1][1]
    assert any(level == "warning" and "by_email" in text for level, text in seen.logs)


def test_what_the_server_tells_on_its_way_is_kept(shop: Database) -> None:
    seen = maintain(shop, "VACUUM (VERBOSE) orders")
    assert any(level == "info" and "vacuuming" in text for level, text in seen.logs)


def test_it_is_named_before_it_is_sent(shop: Database) -> None:
    seen = Recorder(veto=True)
    with pytest.raises(PermissionError):
        maintain(shop, CREATE, seen=seen)
    assert len(seen.transactions) == 1
    assert indexes(shop) == [("by_total", True)]


def test_what_it_leaves_unchanged_elsewhere(shop: Database) -> None:
    """A name already taken is the server's to refuse, and nothing that was there is called left behind."""
    with pytest.raises(StatementFailed) as caught:
        maintain(shop, "CREATE INDEX CONCURRENTLY by_total ON orders (email)")
    assert "repair" not in caught.value.detail
    assert caught.value.detail["sqlstate"] == "42P07"


def test_statement_result_has_the_name_people_know(shop: Database) -> None:
    target = shop.target("owner", Access.MAINTENANCE)
    outcome = processes.run(Job("m", target, Language.SQL, "VACUUM orders", LIMITS), Recorder(), Recorder())
    assert isinstance(outcome, WriteOutcome)
    assert outcome.statements == (StatementResult("VACUUM", None),)
