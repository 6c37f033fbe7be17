"""The portal's own login changes no entry of the audit log, and everything works with what it may do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import DatabaseError, ProgrammingError, connection, transaction
from pytest_django import DjangoDbBlocker

from accounts.models import SYSTEM
from audit import log
from audit import months as prepared
from audit.models import AuditLog, Checkpoint
from portal import env, rights
from portal.checks import check_rights

LOGIN = "portal_login"
# Asking and deciding, running, keeping and tidying, and people.
SLICE = (
    "pods/tests/test_membership.py",
    "queries/tests/maintenance/test_tidy.py",
    "queries/tests/services/test_approve.py",
)


def url_of(url: str, *, user: str = "", password: str = "", database: str = "") -> str:
    parts = urlsplit(url)
    login = f"{user}:{password}" if user else parts.netloc.rpartition("@")[0]
    netloc = f"{login}@{parts.hostname}:{parts.port}"
    return urlunsplit(parts._replace(netloc=netloc, path=f"/{database}" if database else parts.path))


@pytest.fixture
def login(postgres_url: str) -> Iterator[str]:
    """A role that may sign in, and nothing else."""
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(f"CREATE ROLE {LOGIN} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{LOGIN}'")
        yield LOGIN
        server.execute(f"DROP ROLE {LOGIN}")


# --- migrating -------------------------------------------------------------------------------------


@pytest.fixture
def two_roles(login: str, own_database: None, postgres_url: str, settings: Any) -> Iterator[None]:
    """The portal's own connection is the login's, and migrations are the owner's."""
    own = connection.settings_dict
    owner = {name: own[name] for name in ("USER", "PASSWORD", "HOST", "PORT")}
    settings.PORTAL_MIGRATION_DATABASE = dict(owner)
    own.update(USER=login, PASSWORD=login)
    yield
    connection.close()
    own.update(owner)
    with psycopg.connect(url_of(postgres_url, database=own["NAME"])) as server:
        server.execute(f"DROP OWNED BY {login}")


def refused(statement: str) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except ProgrammingError as error:
        return "permission denied" in str(error) or "must be owner" in str(error)
    return False


ACTS_ON_A_MONTH = (
    "INSERT INTO {} SELECT * FROM audit_logs",
    "SELECT FROM {}",
    "UPDATE {} SET seq = 0",
    "DELETE FROM {}",
    "TRUNCATE {}",
    "DROP TABLE {}",
    "ALTER TABLE audit_logs DETACH PARTITION {}",
    "ALTER TABLE {} DISABLE TRIGGER USER",
)


def test_migrating_gives_the_login_its_rights_and_no_more(two_roles: None) -> None:
    call_command("migrate", verbosity=0)
    months = months_of_the_log()
    assert len(months) == 4
    with transaction.atomic():
        log.append(log.Action.SIGN_IN, actor=SYSTEM, subject=log.Subject("user", "7", "seven"))
    assert AuditLog.objects.count() == 1
    assert Checkpoint.objects.count() == 0
    for table in ("audit_logs", "audit_checkpoints"):
        for act in ("UPDATE {} SET seq = 0", "DELETE FROM {}", "TRUNCATE {}", "DROP TABLE {}"):
            assert refused(act.format(table)), (table, act)
        assert refused(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        assert refused(f"ALTER TABLE {table} ADD COLUMN more int")
    for act in (
        "INSERT INTO audit_head VALUES (false, 0, now(), '', '')",
        "UPDATE audit_head SET seq = 0",
        "DELETE FROM audit_head",
        "SELECT FROM audit_head FOR UPDATE",
        "UPDATE decisions SET verdict = verdict",
        "DELETE FROM comments",
        "DELETE FROM django_migrations",
        "CREATE TABLE mine ()",
        "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE sql AS 'SELECT 1'",
        "ALTER FUNCTION audit_chain() SECURITY INVOKER",
        "INSERT INTO audit_archives SELECT * FROM audit_archives",
        "DELETE FROM audit_archives",
        "UPDATE audit_archives SET last = 0",
        *(act.format(month) for month in months for act in ACTS_ON_A_MONTH),
    ):
        assert refused(act), act
    assert check_rights() == []
    assert prepared.alarms() == []
    # What it may have done as the owner is that alone.
    with rights.as_owner(), connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {months[1]}")
    assert (prepared.make_due(), months_of_the_log()) == (1, months)
    assert check_rights() == []
    # Once more, as every deployment does; and what it was given besides is taken.
    call_command("migrate", verbosity=0)
    assert check_rights() == []


def months_of_the_log() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(rights.MONTHS)
        return sorted(name for (name,) in cursor.fetchall())


def test_without_another_login_migrating_grants_nothing(own_database: None) -> None:
    call_command("migrate", verbosity=0)
    assert [message.id for message in check_rights()] == ["portal.W003"]


@pytest.mark.parametrize(
    ("refused_statements", "expected"),
    [
        (0, ["SELECT", "INSERT", "DELETE", "UPDATE"]),
        (8 | 16, ["SELECT", "INSERT"]),
        (4 | 8 | 16, ["SELECT"]),
    ],
)
def test_what_a_trigger_refuses_is_not_granted(refused_statements: int, expected: list[str]) -> None:
    assert rights.rights_on("anything", refused_statements) == expected


def test_the_owner_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env.database_if_set("PORTAL_NOT_SET_URL") is None
    monkeypatch.setenv("PORTAL_SOME_URL", "postgresql://owner:secret@db/portal")
    found = env.database_if_set("PORTAL_SOME_URL")
    assert found is not None
    assert (found["USER"], found["NAME"]) == ("owner", "portal")


# --- the check of a deployment ---------------------------------------------------------------------


@pytest.fixture
def planted(django_db_setup: None, django_db_blocker: DjangoDbBlocker, postgres_url: str) -> Iterator[Any]:
    """Plant a fault as a superuser, then look as the login: `planted(statement)`; nothing of it stays."""
    own, parts = connection.settings_dict, urlsplit(postgres_url)
    before = {name: own[name] for name in ("USER", "PASSWORD")}
    connection.close()
    own.update(USER=parts.username, PASSWORD=parts.password)
    with django_db_blocker.unblock():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"CREATE ROLE {LOGIN} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")
            rights.grant(LOGIN)

            def look(statement: str) -> list[Any]:
                cursor.execute(statement)
                cursor.execute(f"SET SESSION AUTHORIZATION {LOGIN}")
                return check_rights()

            yield look
            transaction.set_rollback(True)
        connection.close()
    own.update(before)


def test_nothing_is_said_of_a_login_as_it_should_be(planted: Any) -> None:
    assert planted("SELECT 1") == []


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (f"ALTER ROLE {LOGIN} SUPERUSER", "it is a superuser"),
        (f"GRANT portal TO {LOGIN}", "owner of database"),
        (f"GRANT portal TO {LOGIN} WITH INHERIT FALSE", "owner of database"),
        (f"ALTER TABLE audit_logs OWNER TO {LOGIN}", "owner of table audit_logs"),
        (f"ALTER TABLE audit_head OWNER TO {LOGIN}", "owner of table audit_head"),
        (f"ALTER FUNCTION audit_chain() OWNER TO {LOGIN}", "owner of function audit_chain"),
        (f"ALTER SCHEMA public OWNER TO {LOGIN}", "owner of schema public"),
        (f"GRANT UPDATE ON audit_logs TO {LOGIN}", "UPDATE on audit_logs"),
        (f"GRANT INSERT ON audit_logs_rest TO {LOGIN}", "INSERT on audit_logs_rest"),
        (f"ALTER TABLE audit_logs_rest OWNER TO {LOGIN}", "owner of table audit_logs_rest"),
        (f"GRANT UPDATE (data) ON audit_logs TO {LOGIN}", "UPDATE on audit_logs"),
        ("GRANT DELETE ON audit_checkpoints TO PUBLIC", "DELETE on audit_checkpoints"),
        (f"GRANT TRUNCATE ON audit_logs TO {LOGIN}", "TRUNCATE on audit_logs"),
        (f"GRANT TRIGGER ON audit_logs TO {LOGIN}", "TRIGGER on audit_logs"),
        (f"GRANT INSERT ON audit_archives TO {LOGIN}", "INSERT on audit_archives"),
        (f"GRANT INSERT ON audit_head TO {LOGIN}", "INSERT on audit_head"),
        (f"GRANT UPDATE (seq) ON audit_head TO {LOGIN}", "UPDATE on audit_head"),
        (f"GRANT pg_write_all_data TO {LOGIN}", "DELETE on audit_logs"),
        (f"GRANT pg_execute_server_program TO {LOGIN}", "member of pg_execute_server_program"),
    ],
)
def test_a_login_that_could_change_the_log_is_told(statement: str, words: str, planted: Any) -> None:
    (message,) = planted(statement)
    assert (message.id, words in message.msg) == ("portal.W003", True), message.msg


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("ALTER TABLE audit_logs DISABLE TRIGGER audit_rows_stay", "audit_logs.audit_rows_stay"),
        ("ALTER TABLE audit_logs ENABLE TRIGGER audit_chain", "audit_logs.audit_chain"),
        ("ALTER TABLE audit_logs_rest DISABLE TRIGGER audit_table_stays", "audit_logs_rest.audit_table_stays"),
        ("ALTER TABLE audit_head ENABLE REPLICA TRIGGER audit_head_moves", "audit_head.audit_head_moves"),
        ("DROP TRIGGER audit_checkpoints_stay ON audit_checkpoints", "audit_checkpoints.audit_checkpoints_stay"),
        ("ALTER TABLE decisions DISABLE TRIGGER decision_stays", "decisions.decision_stays"),
        ("ALTER TABLE query_requests DISABLE TRIGGER USER", "query_requests.query_is_frozen"),
    ],
)
def test_a_trigger_that_is_off_is_named(statement: str, name: str, planted: Any) -> None:
    (message,) = planted(statement)
    assert (message.id, name in message.msg) == ("portal.E009", True), message.msg


def test_without_a_database_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> list[str]:
        raise DatabaseError("host secret")

    monkeypatch.setattr(rights, "guards_off", gone)
    (message,) = check_rights()
    assert (message.id, "not known" in message.msg, "secret" in message.msg) == ("portal.W004", True, False)


# --- the portal under its login --------------------------------------------------------------------


@pytest.mark.slow
def test_features_work_with_the_rights_of_the_login(login: str, postgres_url: str) -> None:
    """A slice of the tests, run as a portal is: with one login, and another one that migrates."""
    owner = url_of(os.environ["PORTAL_DATABASE_URL"], database="rights")
    urls = {
        "PORTAL_DATABASE_URL": url_of(owner, user=login, password=login),
        "PORTAL_MIGRATION_DATABASE_URL": owner,
    }
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", *SLICE],
        cwd=Path(django_settings.BASE_DIR),
        env=own | urls,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-4000:]
    passed = re.search(r"(\d+) passed", ended.stdout)
    assert passed is not None
    assert int(passed[1]) >= len(SLICE)
