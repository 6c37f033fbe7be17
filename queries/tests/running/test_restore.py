"""A backup of the portal's database, taken while a request ran, is the portal as it was."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from pytest_django import DjangoDbBlocker

from audit.models import AuditLog
from devtools.binaries import postgresql_programs, server_account
from portal import rights
from queries import services
from queries.models import QueryRequest
from queries.tests.conftest import SignedIn, connected_to, database
from queries.tests.running.conftest import Approve, wait_for
from queries.tests.world import World, url_with


def run(program: str, *arguments: str) -> None:
    """One of PostgreSQL's own programs, of the server's release, to its end."""
    path = postgresql_programs(server_account()) / program
    ended = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def owners_url(name: str, superuser: str) -> str:
    """Of a database of the test server."""
    own = settings.PORTAL_MIGRATION_DATABASE or connection.settings_dict
    return url_with(superuser, database=name, user=own["USER"], password=own["PASSWORD"])


@pytest.mark.slow
def test_a_restored_backup_is_the_portal_as_it_was(
    committed: World,
    approve: Approve,
    client_of: SignedIn,
    postgres_url: str,
    django_db_blocker: DjangoDbBlocker,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    done = committed.executed("SELECT 'kept ' || 42 AS answer")
    waits, running = committed.submitted("SELECT 2 AS two"), committed.submitted("SELECT pg_sleep(60)")
    writing = committed.submitted("INSERT INTO effects (tag) VALUES ('x') RETURNING pg_sleep(60)", access="write")
    under_way = [approve(running), approve(writing)]
    wait_for(lambda: QueryRequest.objects.filter(status="EXECUTING").count() == len(under_way))
    dump = str(tmp_path / "portal.dump")
    here = owners_url(str(connection.settings_dict["NAME"]), postgres_url)
    run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={dump}", here)
    entries = AuditLog.objects.count()
    for query in (running, writing):
        services.cancel(actor=committed.author, query_id=query.pk)
    for run_of in under_way:
        run_of.result()
    with database(postgres_url) as name:
        there = owners_url(name, postgres_url)
        run("pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", f"--dbname={there}", dump)
        with connected_to(name, django_db_blocker):
            call_command("migrate", verbosity=0)
            assert AuditLog.objects.count() == entries
            # What was stored is read as before, with the keys that the portal has.
            client = client_of(committed.author)
            assert "kept 42" in client.get(f"/queries/{done.public_id}/result/").content.decode()
            # What ran when the backup was taken is nobody's any more: found, and never run again. Nobody here can
            # know whether the write went on and committed.
            call_command("settle", "--restored")
            ends = {query.pk: query.code for query in QueryRequest.objects.filter(pk__in=[running.pk, writing.pk])}
            assert ends == {running.pk: "INTERRUPTED", writing.pk: "OUTCOME_UNKNOWN"}
            assert "cannot know" in client.get(f"/queries/{writing.public_id}/").content.decode()
            # What waited goes on from there.
            assert committed.approved(waits).status == "EXECUTED"
            # The guards came along, and the chain goes on from where it was.
            assert rights.guards_off() == []
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("UPDATE audit_logs SET action = ''")
            call_command("verify_audit")
            assert "entries hold" in capsys.readouterr().out
