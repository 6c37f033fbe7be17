"""Months that leave the database: verified, written, read back, told; and what holds of the log without them."""

from __future__ import annotations

import gzip
import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client as DjangoClient

import verify_evidence
from audit import archiving, checkpoints, keys, lines, log, proofs
from audit.log import Action, Subject
from audit.models import Archive, AuditLog, Checkpoint
from audit.tests.clock import in_month, set_clock
from audit.tests.test_checkpoints import dumped, fault, sql
from audit.tests.test_log import PORTAL, write
from audit.verification import verify_and_record, verify_log
from portal import rights
from portal.tests.people import make_auditor

# Six entries in each month; the checkpoints end at the entries 4, 9, 12 and 18.
MONTHS = {"2025-11": (4,), "2025-12": (9, 12), "2026-02": (18,)}


@pytest.fixture
def filled(own_database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is signed is signed at the time of its last entry."""
    monkeypatch.setattr(checkpoints, "MOMENT", checkpoints.MOMENT.replace("clock_timestamp()", "at"))
    seq = 0
    for month, signed in MONTHS.items():
        in_month(month)
        for number in range(6):
            seq = write(f"{month} {number}", n=number).seq
            if seq in signed:
                assert checkpoints.make(up_to=seq) is not None
    in_month("2026-03")


@pytest.fixture
def public_key(tmp_path: Path) -> str:
    path = tmp_path / "key.pem"
    path.write_text(keys.pem())
    return str(path)


def archived(folder: Path, before: str = "2026-01", *options: str) -> str:
    said = StringIO()
    call_command("archive_audit", "--before", before, "--to", str(folder), *options, stdout=said)
    return said.getvalue()


def tables() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname LIKE 'audit_logs_20%%' AND relkind = 'r'")
        return {name for (name,) in cursor.fetchall()}


def offline(path: Path, key: str, kept: Path | None = None) -> str:
    try:
        return verify_evidence.verified(str(path), [key], [str(kept)] if kept else [])
    except verify_evidence.Wrong as wrong:
        return f"wrong: {wrong}"


def test_whole_months_leave_and_the_rest_still_verifies(filled: None, tmp_path: Path, public_key: str) -> None:
    assert "audit-2025-11.jsonl.gz" in archived(tmp_path, "2026-01", "--dry-run")
    assert (Archive.objects.count(), list(tmp_path.glob("*.gz"))) == (0, [])
    said = archived(tmp_path, "2025-12") + archived(tmp_path)
    assert "2025-11: entries 1 to 6 are archived" in said
    assert "2025-12: entries 7 to 12 are archived" in said
    assert list(AuditLog.objects.order_by("seq").values_list("seq", flat=True)[:1]) == [13]
    assert not {"audit_logs_2025_11", "audit_logs_2025_12"} & tables()
    # Each file by itself, against the public key alone.
    first, second = tmp_path / "audit-2025-11.jsonl.gz", tmp_path / "audit-2025-12.jsonl.gz"
    assert offline(first, public_key).startswith("9 entries hold, signed up to entry 9")
    assert offline(second, public_key).startswith("Entries 7 to 12 hold, signed up to entry 12")
    assert "Entries 1 to 6 were archived" in offline(second, public_key)
    verdict = verify_log()
    assert (verdict.fault, verdict.archived, verdict.begun, verdict.signed) == (None, 12, 12, 18)
    out = StringIO()
    call_command("verify_audit", stdout=out)
    assert "of which 12 are archived and were not read; 18 are signed" in out.getvalue()
    assert archived(tmp_path) == "There is nothing to archive.\n"


def test_the_entry_tells_what_by_whom_and_into_which_file(filled: None, tmp_path: Path) -> None:
    archived(tmp_path, "2025-12")
    entry = AuditLog.objects.get(action=Action.AUDIT_ARCHIVE)
    told, kept = json.loads(entry.data), Archive.objects.get()
    assert (told["first"], told["last"], told["entries"], told["checkpoint"]) == (1, 6, 6, 2)
    assert (told["head"], told["sha256"]) == (bytes(kept.head).hex(), kept.sha256)
    assert told["by"]
    assert Path(told["file"]).stat().st_mode & 0o777 == 0o600
    assert told["file"] == str(tmp_path / "audit-2025-11.jsonl.gz")
    # Entries 5 and 6 are signed by a checkpoint that ends in the next month.
    assert len(kept.hashes) == 2


@pytest.mark.parametrize("before", ["2025-12", "2026-01", "2026-03"])
def test_what_is_exported_and_proven_afterwards_holds(
    filled: None, tmp_path: Path, public_key: str, before: str
) -> None:
    """Wherever the checkpoints end: within a month, at its end, behind it."""
    archived(tmp_path, before)
    write("after")
    checkpoints.make(up_to=AuditLog.objects.latest("seq").seq)
    kept = tmp_path / "kept.jsonl"
    kept.write_text("".join(map(lines.checkpoint_line, lines.checkpoints())))
    last = Archive.objects.all()[0].last
    for name, content in (("log.jsonl", "".join(lines.whole_log()).encode()), ("log.sql", dumped())):
        path = tmp_path / name
        path.write_bytes(content)
        for against in (None, kept):
            found = offline(path, public_key, against)
            assert found.startswith(f"Entries {last + 1} to "), found
            assert f"Entries 1 to {last} were archived: they are not in this file." in found
    # A proof of the first entry that is left is over hashes of entries that are not.
    entry = AuditLog.objects.earliest("seq")
    (line, *_) = proofs.lines_about(Subject(entry.subject_kind, entry.subject_id), entry.seq)
    proof = json.loads(line)["proof"]
    point = Checkpoint.objects.get(number=proof["checkpoint"]).facts
    root = verify_evidence.root_of(
        bytes(entry.hash),
        entry.seq - point["first"],
        point["seq"] - point["first"] + 1,
        [bytes.fromhex(step) for step in proof["path"]],
    )
    assert root == point["root"]


def test_a_check_goes_on_from_the_last_one_over_an_archive(filled: None, tmp_path: Path) -> None:
    assert verify_and_record(PORTAL).fault is None
    archived(tmp_path)
    verdict = verify_log(resume=True)
    assert (verdict.fault, verdict.archived, verdict.begun) == (None, 12, 18)


# --- what is refused -------------------------------------------------------------------------------


def refused(folder: Path, before: str = "2025-12") -> str:
    held = tables()
    with pytest.raises(CommandError) as error:
        archived(folder, before)
    assert (tables(), Archive.objects.count()) == (held, 0)
    assert not AuditLog.objects.filter(action=Action.AUDIT_ARCHIVE).exists()
    return str(error.value)


def test_what_cannot_be_archived_is_refused_with_words(filled: None, tmp_path: Path, settings: object) -> None:
    assert "is not over" in refused(tmp_path, "2099-01")
    assert "write a month" in refused(tmp_path, "2026-13")
    assert "is no directory" in refused(tmp_path / "nowhere")
    settings.PORTAL_SIEM_TO = ["syslog+tcp://127.0.0.1:1"]  # type: ignore[attr-defined]
    assert "did not reach 127.0.0.1:1" in refused(tmp_path).replace("syslog+tcp://", "")
    settings.PORTAL_SIEM_TO = []  # type: ignore[attr-defined]
    (tmp_path / "audit-2025-11.jsonl.gz").write_bytes(gzip.compress(b"something else\n"))
    assert "does not say what the log says" in refused(tmp_path)
    (tmp_path / "audit-2025-11.jsonl.gz").write_bytes(b"no gzip")
    assert "cannot be read back" in refused(tmp_path)
    sql("UPDATE audit_logs SET data = '{}' WHERE seq = 15")
    assert "Entry 15 is bad" in refused(tmp_path)


def test_a_month_that_nobody_signed_stays(own_database: None, tmp_path: Path) -> None:
    in_month("2025-11")
    write()
    in_month("2025-12")
    assert "No checkpoint signs the last entry of 2025-11" in refused(tmp_path)


def test_interrupted_anywhere_a_second_run_completes(
    filled: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_args: object, **_options: object) -> None:
        raise OSError("the power went")

    steps = [(archiving, "_write"), (archiving, "_sync"), (archiving, "_read_back"), (log, "append")]
    for module, step in steps:
        with monkeypatch.context() as patched:
            patched.setattr(module, step, dies)
            assert "the power went" in refused(tmp_path)
        (tmp_path / "audit-2025-11.jsonl.gz.part").write_bytes(b"half of it")
    assert "entries 1 to 6 are archived" in archived(tmp_path, "2025-12")
    assert verify_log().fault is None


# --- what is spoiled afterwards ---------------------------------------------------------------------


def test_any_byte_of_what_an_archive_says_is_named(filled: None, tmp_path: Path, public_key: str) -> None:
    archived(tmp_path)
    second = gzip.decompress((tmp_path / "audit-2025-12.jsonl.gz").read_bytes())
    path = tmp_path / "spoiled.gz"
    begin = second.index(b"\n")
    for at in [*range(0, begin, 7), *range(begin, len(second) - 1, 211)]:
        spoiled = bytearray(second)
        spoiled[at] ^= 1
        path.write_bytes(gzip.compress(bytes(spoiled), compresslevel=1))
        assert offline(path, public_key).startswith("wrong: "), at
    whole = (tmp_path / "audit-2025-12.jsonl.gz").read_bytes()
    for cut in (3, 12, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        assert offline(path, public_key).startswith("wrong: "), cut


SPOILED = {
    "SET last = 5, leaves = substr(leaves, 1, 32)": "does not lead to where the log goes on",
    "SET leaves = ''": "does not lead to where the log goes on",
    "SET leaves = leaves || leaves": "does not lead to where the log goes on",
    "SET leaves = sha256('') || substr(leaves, 33)": "signs other entries",
    "SET head = sha256('')": "does not lead to where the log goes on",
}


def test_what_is_spoiled_of_an_archive_is_named(filled: None, tmp_path: Path) -> None:
    archived(tmp_path, "2025-12")
    row = Archive.objects.values().get()
    for act in ("UPDATE audit_archives SET last = 1", "DELETE FROM audit_archives", "TRUNCATE audit_archives"):
        with pytest.raises(DatabaseError, match="audit log"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(act)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_archives DISABLE TRIGGER USER")
    for change, words in SPOILED.items():
        sql(f"UPDATE audit_archives {change}")
        assert words in fault(), change
        Archive.objects.all().delete()
        assert "entries 1 to 6 are missing" in fault()
        Archive.objects.create(**row)
        assert fault() == ""
    sql("UPDATE audit_logs SET data = '{}' WHERE action = 'audit.archive'")
    assert "no entry tells that they were archived" in fault()


def test_an_entry_that_is_missing_behind_an_archive_is_named(filled: None, tmp_path: Path) -> None:
    archived(tmp_path, "2025-12")
    sql("DELETE FROM audit_logs WHERE seq = 7")
    assert "entry 7 is missing" in fault()


def test_a_table_that_is_kept_is_closed_and_out_of_the_log(filled: None, tmp_path: Path, public_key: str) -> None:
    archived(tmp_path, "2025-12", "--keep")
    assert AuditLog.objects.earliest("seq").seq == 7
    for act in (
        "INSERT INTO {0} SELECT * FROM {0}",
        "UPDATE {0} SET data = ''",
        "DELETE FROM {0}",
        "TRUNCATE {0}",
    ):
        with pytest.raises(DatabaseError, match="audit log"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(act.format("audit_logs_2025_11"))
    assert rights.guards_off() == []
    (tmp_path / "log.sql").write_bytes(dumped())
    assert offline(tmp_path / "log.sql", public_key).startswith("Entries 7 to ")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_logs_2025_11 DISABLE TRIGGER audit_rows_stay")
    assert rights.guards_off() == ["audit_logs_2025_11.audit_rows_stay"]


# --- what people see -------------------------------------------------------------------------------


def test_the_pages_say_what_is_archived(filled: None, tmp_path: Path) -> None:
    archived(tmp_path)
    set_clock("2026-03-16 12:00:00")
    client = DjangoClient()
    client.force_login(make_auditor(), backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/audit/").content.decode()
    assert "Entries up to 12 are archived" in page
    assert "archived a month of the audit log" in page
    found = client.post("/audit/verify/").content.decode()
    assert "The log is whole behind its archives" in found
    assert "Entries up to 12 are archived: they were not read." in found
    assert "were verified before" not in found
    answer = client.get("/api/v1/audit/verify/").json()
    assert (answer["valid"], answer["archived"], answer["begun"]) == (True, 12, 12)
