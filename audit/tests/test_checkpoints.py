"""Checkpoints: when one is signed, of what, what is found wrong with them, and who is told when they do not come."""

from __future__ import annotations

import json
import os
import subprocess
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client as DjangoClient

import verify_evidence
from audit import checkpoints, keys
from audit.models import AuditLog, Checkpoint
from audit.tests.test_log import ODD, PORTAL, write
from audit.verification import verify_and_record, verify_log
from devtools.binaries import postgresql_programs, server_account
from portal.tests.people import Client, make_auditor


def written(count: int) -> None:
    for number in range(count):
        write(f"Somebody {number}", n=number)


def sql(statement: str) -> None:
    """As somebody with the database could, who switches off what refuses it."""
    with connection.cursor() as cursor:
        for table in ("audit_logs", "audit_checkpoints"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement)
        cursor.execute("ALTER TABLE audit_logs ENABLE ALWAYS TRIGGER audit_chain")


def fault() -> str:
    found = verify_log().fault
    return "" if found is None else f"{found.seq}: {found.reason}"


@pytest.fixture
def public_key(tmp_path: Path) -> str:
    path = tmp_path / "key.pem"
    path.write_text(keys.pem())
    return str(path)


# --- making ----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_it_covers_what_is_new_and_continues_the_one_before() -> None:
    written(3)
    first = checkpoints.make()
    written(2)
    second = checkpoints.make(up_to=5)
    assert first is not None
    assert second is not None
    assert (first.number, first.facts["first"], first.seq) == (1, 1, 3)
    assert (second.number, second.facts["first"], second.seq) == (2, 4, 5)
    assert second.facts["previous"] == first.hash
    assert second.facts["head"] == bytes(AuditLog.objects.get(seq=5).hash).hex()
    assert second.facts["log"] == bytes(AuditLog.objects.get(seq=1).hash).hex()
    assert second.at >= AuditLog.objects.get(seq=5).at


@pytest.mark.django_db
def test_one_is_due_after_so_many_entries_or_minutes(settings: Any) -> None:
    settings.PORTAL_CHECKPOINT_ENTRIES = 3
    assert checkpoints.make_due() == 0
    written(1)
    assert checkpoints.make_due() == 1
    written(2)
    assert checkpoints.make_due() == 0
    written(1)
    assert [checkpoints.make_due() for _ in range(2)] == [1, 0]
    settings.PORTAL_CHECKPOINT_MINUTES = 0
    assert checkpoints.make_due() == 1
    last = checkpoints.last()
    assert last is not None
    assert (last.number, last.facts["first"], last.seq) == (3, 5, 4)


@pytest.mark.django_db
def test_without_the_key_none_is_signed(settings: Any) -> None:
    written(1)
    settings.PORTAL_AUDIT_KEY = None
    assert (checkpoints.make_due(), checkpoints.make(up_to=1), checkpoints.ensure(1)) == (0, None, False)


def test_entries_that_do_not_hold_are_not_signed(own_database: None) -> None:
    written(3)
    sql("UPDATE audit_logs SET data = '{}' WHERE seq = 2")
    with pytest.raises(checkpoints.Broken, match="entry 2"):
        checkpoints.make()
    assert not Checkpoint.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    ["UPDATE audit_checkpoints SET body = ''", "DELETE FROM audit_checkpoints", "TRUNCATE audit_checkpoints"],
)
def test_the_database_refuses_every_change_of_one(change: str) -> None:
    written(1)
    checkpoints.make()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


@pytest.mark.django_db
def test_the_key_is_nowhere_in_the_database(settings: Any) -> None:
    written(1)
    made = checkpoints.make()
    assert made is not None
    raw = settings.PORTAL_AUDIT_KEY.private_bytes_raw()
    assert raw not in bytes(made.signature) + made.body.encode()
    assert raw.hex() not in made.body


# --- verifying -------------------------------------------------------------------------------------


def test_what_the_portal_writes_the_verifier_reads(own_database: None, public_key: str, tmp_path: Path) -> None:
    """The export and a dump by pg_dump itself, of words that are hard to write down."""
    for text in ODD:
        write(text, text=text)
        checkpoints.make(up_to=AuditLog.objects.count())
    checkpoints.make()
    client = DjangoClient()
    client.force_login(make_auditor(), backend="django.contrib.auth.backends.ModelBackend")
    log = tmp_path / "log.jsonl"
    log.write_bytes(b"".join(client.get("/audit/log.jsonl")))
    told = verify_evidence.verified(str(log), [public_key])
    assert f"{len(ODD)} are newer" not in told
    assert f"signed up to entry {len(ODD)}" in told
    assert AuditLog.objects.first().action == "audit.export"  # type: ignore[union-attr]
    kept = tmp_path / "kept.jsonl"
    kept.write_bytes(b"".join(client.get("/audit/checkpoints.jsonl")))
    dump = tmp_path / "dump.sql"
    dump.write_bytes(dumped())
    assert f"signed up to entry {len(ODD)}" in verify_evidence.verified(str(dump), [public_key], [str(kept)])
    dump.write_bytes(dump.read_bytes().replace(b"plain", b"plane", 1))
    with pytest.raises(verify_evidence.Wrong, match="entry 1: its content"):
        verify_evidence.verified(str(dump), [public_key])


def dumped() -> bytes:
    """The audit tables, by pg_dump."""
    given = connection.settings_dict
    programs = postgresql_programs(server_account())
    address = ["-h", given["HOST"], "-p", str(given["PORT"]), "-U", given["USER"], "-d", given["NAME"]]
    command = [str(programs / "pg_dump"), "--no-owner", "--table=audit_*", *address]
    environment = {**os.environ, "PGPASSWORD": given["PASSWORD"]}
    return subprocess.run(command, env=environment, capture_output=True, check=True).stdout


TAMPERED = {
    "UPDATE audit_checkpoints SET signature = '\\x00' WHERE number = 2": "checkpoint 2 has a signature that does not",
    "UPDATE audit_checkpoints SET body = '{}' WHERE number = 2": "checkpoint 2 has a signature",
    "UPDATE audit_checkpoints SET body = 'x' WHERE number = 2": "checkpoint 2 has a signature",
    "UPDATE audit_checkpoints SET seq = 5 WHERE number = 2": "checkpoint 2 says something else",
    "DELETE FROM audit_checkpoints WHERE number = 1": "checkpoint 2 stands where checkpoint 1 should",
    "DELETE FROM audit_logs WHERE seq > 3; UPDATE audit_head SET seq = 3": "the log ends at entry 3, but checkpoint 2",
}


@pytest.mark.parametrize("statement", TAMPERED)
def test_what_is_wrong_with_a_checkpoint_is_named(own_database: None, statement: str) -> None:
    for _ in range(2):
        written(2)
        checkpoints.make(up_to=AuditLog.objects.count())
    written(1)
    assert fault() == ""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_head DISABLE TRIGGER USER")
    sql(statement)
    assert TAMPERED[statement] in fault()


def test_a_log_hashed_anew_contradicts_its_checkpoint(own_database: None) -> None:
    """The triggers themselves chain what is written anew."""
    written(3)
    checkpoints.make()
    rows = list(AuditLog.objects.order_by("seq").values_list("action", "data"))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_head DISABLE TRIGGER USER")
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit_logs'::regclass")
        for table in ["audit_logs", *(name for (name,) in cursor.fetchall())]:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER audit_table_stays")
        cursor.execute("TRUNCATE audit_logs")
        cursor.execute(
            "UPDATE audit_head SET seq = 0, at = '-infinity', previous_hash = '', "
            "hash = decode(repeat('00', 32), 'hex')"
        )
        for action, data in rows:
            cursor.execute(
                "INSERT INTO audit_logs (actor_label, action, subject_kind, subject_id, subject_label, data) "
                "VALUES ('Nobody', %s, '', '', '', %s)",
                [action, data],
            )
    assert "3: checkpoint 1 signs other entries: one of 1 to 3 was changed" in fault()


def test_keys_of_before_still_verify(own_database: None, settings: Any) -> None:
    written(1)
    checkpoints.make()
    older = settings.PORTAL_AUDIT_KEY
    settings.PORTAL_AUDIT_KEY = Ed25519PrivateKey.generate()
    written(1)
    checkpoints.make(up_to=2)
    assert "checkpoint 1 has a signature" in fault()
    settings.PORTAL_AUDIT_PUBLIC_KEYS = [older.public_key()]
    assert fault() == ""
    assert keys.pem().count("BEGIN PUBLIC KEY") == 2


def test_a_check_begins_where_an_earlier_one_came_to(own_database: None) -> None:
    written(4)
    checkpoints.make()
    assert verify_and_record(PORTAL).begun == 0
    written(2)
    verdict = verify_log(resume=True)
    assert (verdict.begun, verdict.entries, verdict.signed, verdict.fault) == (4, 7, 4, None)
    assert verify_log().begun == 0
    # What stands before it is taken to be as it was; what came after is not.
    sql("UPDATE audit_logs SET actor_label = 'Nobody' WHERE seq IN (2, 6)")
    resumed, whole = verify_log(resume=True).fault, verify_log().fault
    assert resumed is not None
    assert whole is not None
    assert (resumed.seq, whole.seq) == (6, 2)


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE audit_checkpoints SET signature = '\\x00'",
        "DELETE FROM audit_checkpoints",
        "UPDATE audit_logs SET data = '{}' WHERE action = 'audit.verify'",
    ],
)
def test_a_check_begins_anew_where_nothing_signed_tells_of_one(own_database: None, spoil: str) -> None:
    written(2)
    checkpoints.make()
    verify_and_record(PORTAL)
    sql(spoil)
    assert verify_log(resume=True).begun == 0


def test_a_check_that_found_a_fault_is_no_beginning(own_database: None) -> None:
    written(3)
    checkpoints.make()
    sql("UPDATE audit_logs SET data = '{}' WHERE seq = 2")
    assert verify_and_record(PORTAL).fault
    assert verify_log(resume=True).begun == 0


def test_the_command_goes_on_from_its_last_time(own_database: None) -> None:
    written(3)
    checkpoints.make()
    said = StringIO()
    for arguments in ([], ["--resume"]):
        call_command("verify_audit", *arguments, stdout=said)
    first, second = said.getvalue().splitlines()
    assert first.startswith("3 entries hold; 3 are signed; the head is ")
    assert second.startswith("4 entries hold, of which 3 were verified before; 3 are signed;")
    sql("DELETE FROM audit_logs WHERE seq = 4")
    with pytest.raises(CommandError, match="Entry 4 is bad"):
        call_command("verify_audit", "--resume")


# --- telling people --------------------------------------------------------------------------------


def alarms(client: DjangoClient) -> list[str]:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    found: list[str] = answer.json()["alarms"]
    return found


@pytest.mark.django_db
def test_a_missing_or_late_one_is_an_alarm(client: DjangoClient, settings: Any) -> None:
    assert alarms(client) == []
    written(1)
    assert alarms(client) == []
    settings.PORTAL_CHECKPOINT_MINUTES = 0
    assert alarms(client) == ["No checkpoint of the audit log was ever signed."]
    checkpoints.make()
    assert "minutes old" in alarms(client)[0]
    settings.PORTAL_CHECKPOINT_MINUTES = 15
    assert alarms(client) == []


@pytest.mark.django_db
def test_a_portal_without_a_key_says_so(client: DjangoClient, settings: Any) -> None:
    written(1)
    settings.PORTAL_AUDIT_KEY = None
    assert "PORTAL_AUDIT_KEY is not set" in alarms(client)[0]
    client.force_login(make_auditor(), backend="django.contrib.auth.backends.ModelBackend")
    assert "PORTAL_AUDIT_KEY is not set" in client.get("/audit/").content.decode()
    assert client.get("/audit/public-key.pem").status_code == 404


@pytest.mark.django_db
def test_the_page_shows_the_last_one_and_offers_the_files(client: DjangoClient) -> None:
    client.force_login(make_auditor(), backend="django.contrib.auth.backends.ModelBackend")
    assert "There is no checkpoint yet." in client.get("/audit/").content.decode()
    written(2)
    point = checkpoints.make()
    assert point is not None
    page = client.get("/audit/").content.decode()
    assert point.hash in page
    for address in ("/audit/public-key.pem", "/audit/log.jsonl", "/audit/checkpoints.jsonl"):
        assert f'href="{address}"' in page
    assert client.get("/audit/public-key.pem").content.decode() == keys.pem()


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/audit/log.jsonl", "/audit/checkpoints.jsonl", "/api/v1/audit/log.jsonl"])
def test_the_files_are_for_those_who_read_the_log(path: str, author: Any, client: DjangoClient) -> None:
    client.force_login(author, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(path).status_code == 403
    # The public key is for everybody who may hold evidence.
    assert client.get("/audit/public-key.pem").status_code == 200


@pytest.mark.django_db
def test_the_api_gives_the_same_log(api: Client, auditor: Any) -> None:
    written(3)
    checkpoints.make()
    answer = api(auditor).get("/api/v1/audit/log.jsonl")
    assert answer["Content-Type"] == "application/jsonl"
    lines = [json.loads(line) for line in b"".join(answer).splitlines()]
    assert [*map(list, lines)] == [["entry"], ["entry"], ["entry"], ["checkpoint", "signature"], ["entry"]]
