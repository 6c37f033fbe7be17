"""A COMMIT whose answer was lost, on real servers that crash, are restarted, replaced by a copy, and promoted.

What the server did is known here: `effects` is counted. COMMITTED is never said of what is not there.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from devtools.postgres import free_port
from executors import processes
from executors.base import CommitStatus, Job, Language, Limits
from executors.postgresql.commits import read_witness
from executors.tests.postgresql.clusters import DURABLE, UNFLUSHED, Cluster, cluster
from executors.tests.recording import Recorder

pytestmark = pytest.mark.slow

LIMITS = Limits(seconds=10, rows=100, bytes=100_000)
TRACKED = {"track_commit_timestamp": "on"}


@pytest.fixture(autouse=True)
def _no_helper_of_a_server_that_is_gone() -> Iterator[None]:
    yield
    processes.close()


def write(server: Cluster, tag: str) -> str:
    """Commit one row as the portal does, and forget the answer; the name of the transaction."""
    recorder = Recorder()
    statement = f"INSERT INTO effects (tag) VALUES ('{tag}')"
    processes.run(Job("q", server.target(), Language.SQL, statement, LIMITS), recorder, recorder)
    return recorder.transactions[0]


def vetoed(server: Cluster, tag: str) -> str:
    """The same, rolled back at the last moment."""
    recorder = Recorder(veto=True)
    statement = f"INSERT INTO effects (tag) VALUES ('{tag}')"
    with pytest.raises(PermissionError):
        processes.run(Job("q", server.target(), Language.SQL, statement, LIMITS), recorder, recorder)
    return recorder.transactions[0]


def is_there(server: Cluster, tag: str) -> bool:
    return server.execute(f"SELECT count(*) FROM effects WHERE tag = '{tag}'") == [(1,)]


def give_again(server: Cluster, transaction: str) -> None:
    """Let others commit until the id of the transaction has been given, and a few more."""
    witness = read_witness(transaction)
    assert witness is not None
    with server.connect() as connection:
        for _ in range(2000):
            row = connection.execute("INSERT INTO effects (tag) VALUES ('else') RETURNING pg_current_xact_id()::text")
            found = row.fetchone()
            assert found is not None
            if int(str(found[0])) > witness.xid + 2:
                return
    raise AssertionError("the id was not given again")


def ask(server: Cluster, transaction: str) -> CommitStatus:
    return processes.commit_status(server.target(), transaction)


# --- out-01: lost, and given again -----------------------------------------------------------------


@pytest.mark.parametrize("tracked", [{}, TRACKED], ids=["plain", "commit times tracked"])
def test_out_01_a_commit_lost_in_a_crash_is_never_somebody_elses(tracked: dict[str, str]) -> None:
    lost = 0
    with cluster(UNFLUSHED | tracked) as server:
        for _ in range(4):
            tag = secrets.token_hex(8)
            transaction = write(server, tag)
            server.kill()
            server.start()
            there = is_there(server, tag)
            lost += not there
            assert ask(server, transaction) is not CommitStatus.COMMITTED or there
            give_again(server, transaction)
            assert ask(server, transaction) is not CommitStatus.COMMITTED or there
            server.execute("CHECKPOINT")
            assert ask(server, transaction) is not CommitStatus.COMMITTED or there
    assert lost, "nothing was lost: the test has shown nothing"


def test_out_01_the_crash_of_one_session_loses_commits_under_the_same_postmaster() -> None:
    with cluster(UNFLUSHED) as server:
        tag = secrets.token_hex(8)
        transaction = write(server, tag)
        started = server.execute("SELECT pg_postmaster_start_time()")
        server.kill_a_backend()
        assert server.execute("SELECT pg_postmaster_start_time()") == started
        assert not is_there(server, tag)
        give_again(server, transaction)
        assert server.execute(f"SELECT pg_xact_status('{transaction.split()[0]}')") == [("committed",)]
        assert ask(server, transaction) is CommitStatus.UNKNOWN


@pytest.mark.parametrize("at_rest", [True, False], ids=["a copy of a server at rest", "a copy of a running server"])
def test_out_01_another_server_from_a_copy_made_before_does_not_answer_for_the_first(at_rest: bool) -> None:
    with cluster(DURABLE) as server:
        if at_rest:
            server.stop()
        copy = server.copy(server.data.parent / "copy")
        if at_rest:
            server.start()
        transaction = write(server, tag := secrets.token_hex(8))
        server.stop()
        copy.start()
        try:
            assert not is_there(copy, tag)
            assert ask(copy, transaction) is CommitStatus.UNKNOWN
            give_again(copy, transaction)
            assert copy.execute(f"SELECT pg_xact_status('{transaction.split()[0]}')") == [("committed",)]
            assert ask(copy, transaction) is CommitStatus.UNKNOWN
            copy.execute("CHECKPOINT")
            assert ask(copy, transaction) is CommitStatus.UNKNOWN
        finally:
            copy.stop()


def test_out_01_aborted_by_somebody_else_on_a_copy_says_nothing() -> None:
    with cluster(DURABLE) as server:
        copy = server.copy(server.data.parent / "copy")
        transaction = write(server, secrets.token_hex(8))
        server.stop()
        copy.start()
        try:
            number = int(transaction.split()[0])
            with copy.connect() as connection:
                for _ in range(100):
                    connection.execute("BEGIN; INSERT INTO effects (tag) VALUES ('gone'); ROLLBACK")
            assert copy.execute(f"SELECT pg_xact_status('{number}')") == [("aborted",)]
            assert ask(copy, transaction) is CommitStatus.UNKNOWN
        finally:
            copy.stop()


# --- what can be proved ----------------------------------------------------------------------------


def test_the_same_server_answers_for_its_own() -> None:
    with cluster(UNFLUSHED) as server:
        committed, aborted = write(server, "kept"), vetoed(server, "gone")
        give_again(server, aborted)
        server.execute("CHECKPOINT")
        assert ask(server, committed) is CommitStatus.COMMITTED
        assert ask(server, aborted) is CommitStatus.ABORTED


def test_a_clean_restart_loses_nothing() -> None:
    with cluster(UNFLUSHED) as server:
        committed, aborted = write(server, tag := secrets.token_hex(8)), vetoed(server, "gone")
        for _ in range(2):
            server.stop()
            server.start()
            assert is_there(server, tag)
            assert ask(server, committed) is CommitStatus.COMMITTED
            assert ask(server, aborted) is CommitStatus.ABORTED


def test_a_commit_that_a_crash_did_not_lose_is_committed_as_long_as_the_server_can_prove_it(
    programs: Path | None,
) -> None:
    with cluster(DURABLE, programs=programs) as server:
        committed, aborted = write(server, tag := secrets.token_hex(8)), vetoed(server, "gone")
        write(server, "flushes what the other wrote before it was rolled back")
        server.kill()
        server.start()
        assert is_there(server, tag)
        assert ask(server, committed) is CommitStatus.COMMITTED
        assert ask(server, aborted) is CommitStatus.ABORTED
        give_again(server, committed)
        assert ask(server, committed) is CommitStatus.COMMITTED
        server.execute("CHECKPOINT")
        assert ask(server, committed) is CommitStatus.UNKNOWN
        assert ask(server, aborted) is CommitStatus.ABORTED


def test_the_crash_of_one_session_that_lost_nothing_is_no_reason_to_doubt() -> None:
    with cluster(DURABLE) as server:
        committed = write(server, tag := secrets.token_hex(8))
        server.kill_a_backend()
        assert is_there(server, tag)
        assert ask(server, committed) is CommitStatus.COMMITTED


def test_where_commit_times_are_tracked_they_prove_it_for_good() -> None:
    with cluster(DURABLE | TRACKED) as server:
        committed = write(server, tag := secrets.token_hex(8))
        for _ in range(2):
            server.kill()
            server.start()
            server.execute("CHECKPOINT")
        assert is_there(server, tag)
        assert ask(server, committed) is CommitStatus.COMMITTED


@pytest.mark.parametrize("tracked", [{}, TRACKED], ids=["plain", "commit times tracked"])
def test_a_standby_cannot_know_and_a_promoted_one_only_what_it_can_prove(tracked: dict[str, str]) -> None:
    with cluster(DURABLE | tracked) as server:
        server.stop()
        standby = server.copy(server.data.parent / "standby")
        server.start()
        (standby.data / "standby.signal").touch()
        standby.port = free_port()
        standby.settings |= {"primary_conninfo": make_conninfo(server.url())}
        standby.start()
        try:
            transaction = write(server, tag := secrets.token_hex(8))
            standby.wait_for(lambda: is_there(standby, tag))
            assert ask(standby, transaction) is CommitStatus.UNANSWERED
            server.stop()
            standby.execute("SELECT pg_promote()")
            proved = ask(standby, transaction)
            assert proved is (CommitStatus.COMMITTED if tracked else CommitStatus.UNKNOWN)
        finally:
            standby.stop()


# --- what a login may ask --------------------------------------------------------------------------


def test_a_login_that_may_not_ask_for_everything_commits_and_is_answered() -> None:
    functions = ("pg_control_system()", "pg_control_checkpoint()", "pg_stat_get_bgwriter_stat_reset_time()")
    with cluster(DURABLE) as server:
        for function in functions:
            server.execute(f"REVOKE EXECUTE ON FUNCTION pg_catalog.{function} FROM PUBLIC")
        transaction = write(server, tag := secrets.token_hex(8))
        assert is_there(server, tag)
        witness = read_witness(transaction)
        assert witness is not None
        assert (witness.system, witness.crashed) == (None, None)
        assert None not in (witness.started, witness.lsn, witness.at, witness.timeline)
        assert ask(server, transaction) is CommitStatus.COMMITTED
        server.kill()
        server.start()
        assert ask(server, transaction) is CommitStatus.UNKNOWN


def test_the_name_of_a_transaction_begins_with_its_full_id_and_tells_everything_a_plain_login_may_know(
    programs: Path | None,
) -> None:
    with cluster(DURABLE, programs=programs) as server:
        witness = read_witness(write(server, "x"))
        system = server.execute("SELECT system_identifier FROM pg_control_system()")[0][0]
        assert witness is not None
        assert witness.system == system
        assert witness.timeline == "00000001"
        assert witness.replayed is None
        assert None not in (witness.started, witness.crashed, witness.lsn, witness.at)


def test_a_name_without_a_server_proves_nothing() -> None:
    with cluster(DURABLE) as server:
        name = write(server, "x").split()[0]
        assert ask(server, name) is CommitStatus.UNKNOWN
        for strange in ("", "x", f"{name} x", f"{name} []", f'{name} {{"started":3}}'):
            assert ask(server, strange) is CommitStatus.UNKNOWN
