"""Every attack, run for real, with a proper reader and with the owner of the tables as the read credential."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from executors import processes
from executors.base import Access, ExecutionError, Job, Language, Limits, Refused, StatementFailed
from executors.postgresql.engine import PostgreSQLEngine
from executors.postgresql.reading import analysis
from executors.tests.postgresql.attacks import ATTACKS, HARMLESS, STOPPED_BY_TEXT_ALONE
from executors.tests.postgresql.world import Database
from executors.tests.recording import Recorder

LIMITS = Limits(seconds=5, rows=1000, bytes=1_000_000, lock_seconds=1)


def settled(database: Database, before: str) -> bool:
    """Whether everything is as before, once the server has noticed that the connection is gone."""
    deadline = time.monotonic() + 10
    while (same := database.state() == before) is False and time.monotonic() < deadline:
        time.sleep(0.02)
    return same


def attack(database: Database, who: str, statement: str) -> ExecutionError | None:
    job = Job("attack", database.target(who), Language.SQL, statement, LIMITS)
    recorder = Recorder()
    try:
        processes.run(job, recorder, recorder)
    except ExecutionError as error:
        return error
    return None


@pytest.mark.parametrize("who", ["reader", "owner"])
@pytest.mark.parametrize("name", ATTACKS)
def test_attack_changes_nothing(database: Database, who: str, name: str) -> None:
    before = database.state()
    failure = attack(database, who, ATTACKS[name])
    assert settled(database, before)
    if name not in HARMLESS:
        assert isinstance(failure, (Refused, StatementFailed))


@pytest.mark.parametrize("name", sorted(ATTACKS.keys() - STOPPED_BY_TEXT_ALONE))
def test_attack_without_the_reading_of_its_text_changes_nothing(
    database: Database, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database's layers alone: READ ONLY, one statement, the role, ROLLBACK."""
    monkeypatch.setattr("executors.postgresql.reading.analysis._findings", lambda *_: iter(()))
    monkeypatch.setattr("executors.postgresql.reading.analysis.check_text", lambda *_: ())
    monkeypatch.setattr("executors.postgresql.dependencies.Dependencies.check", lambda *_: None)
    before = database.state()
    recorder, engine = Recorder(), PostgreSQLEngine()
    session = engine.open(Job("attack", database.target("reader"), Language.SQL, ATTACKS[name], LIMITS), recorder)
    with suppress(ExecutionError, UnicodeError):
        session.execute(ATTACKS[name], (), recorder)
    session.close(clean=False)
    assert settled(database, before)


def test_refusal_is_told_before_anything_runs(database: Database) -> None:
    for statement in ("SELECT set_config('role', 'x', false)", "COMMIT", "DELETE FROM orders"):
        assert not analysis.read(statement, (), Access.READ).analysis.valid


def test_superuser_is_never_used(database: Database) -> None:
    job = Job("root", database.superuser_target(), Language.SQL, "SELECT 1", LIMITS)
    with pytest.raises(Refused, match="too strong"):
        processes.run(job, Recorder(), Recorder())


def test_builtin_is_not_shadowed_by_a_schema_of_the_target(database: Database) -> None:
    recorder = Recorder()
    job = Job("path", database.target("reader"), Language.SQL, "SELECT lower('A')", LIMITS)
    processes.run(job, recorder, recorder)
    assert recorder.decoded == [("a",)]


def test_options_of_the_url_do_not_undo_ours(database: Database) -> None:
    weak = "-c default_transaction_read_only=off -c statement_timeout=0"
    target = database.elsewhere(database.target("reader"), options=weak)
    recorder = Recorder()
    statement = "SELECT current_setting('statement_timeout'), current_setting('default_transaction_read_only')"
    processes.run(Job("options", target, Language.SQL, statement, LIMITS), recorder, recorder)
    assert recorder.decoded == [("5s", "on")]
