"""Writing to the log, and what the database itself refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from audit import chain, context, log
from audit.models import AuditLog
from audit.verification import verify_log

ODD = ["plain", "ünï 😀", "tab\tand\nline", '"quoted" \\', "", "nul \0 byte", "x" * 100_000]


class Portal:
    """The portal itself as an actor."""

    pk = None
    label = "Query Portal"


PORTAL = Portal()


def write(label: str = "Somebody", **data: object) -> AuditLog:
    with transaction.atomic():
        entry = log.append(log.Action.SIGN_IN, actor=PORTAL, subject=log.Subject("user", "7", label), data=data)
    return AuditLog.objects.get(pk=entry.seq)


def content(entry: AuditLog) -> bytes:
    return chain.content(
        at=entry.at,
        actor="" if entry.actor is None else str(entry.actor.pk),
        actor_label=entry.actor_label,
        action=entry.action,
        subject_kind=entry.subject_kind,
        subject_id=entry.subject_id,
        subject_label=entry.subject_label,
        data=entry.data,
    )


def test_every_action_has_a_label() -> None:
    assert set(log.LABELS) == set(log.Action)
    assert all(log.LABELS.values())


@pytest.mark.django_db
@pytest.mark.parametrize("text", ODD)
def test_database_and_code_hash_alike(text: str) -> None:
    entry = write(text, text=text)
    assert bytes(entry.hash) == chain.entry_hash(entry.seq, content(entry), bytes(entry.previous_hash))


@pytest.mark.django_db
def test_each_entry_continues_the_one_before() -> None:
    first, second = write(), write()
    assert (second.seq, bytes(second.previous_hash)) == (first.seq + 1, bytes(first.hash))
    assert second.at >= first.at


@pytest.mark.django_db
def test_an_entry_is_one_round_trip(django_assert_num_queries: Any) -> None:
    with transaction.atomic(), django_assert_num_queries(1):
        log.append(log.Action.SIGN_IN, actor=PORTAL, subject=log.Subject("user", "7"))


def test_no_entry_outside_of_a_transaction(own_database: None) -> None:
    with pytest.raises(RuntimeError):
        log.append(log.Action.SIGN_IN, actor=PORTAL, subject=log.Subject("user", "7"))


@pytest.mark.django_db
def test_no_act_without_its_entry() -> None:
    def act() -> None:
        with transaction.atomic():
            write()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        act()
    assert not AuditLog.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_logs SET actor_label = 'x'",
        "DELETE FROM audit_logs",
        "TRUNCATE audit_logs",
        "TRUNCATE audit_head",
        "UPDATE audit_head SET seq = 0",
        "DELETE FROM audit_head",
        "INSERT INTO audit_head (one, seq, at, hash) VALUES (true, 9, now(), '')",
    ],
)
def test_the_database_refuses_every_change(sql: str) -> None:
    write()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # or TRUNCATE would fail for its own reason
    with pytest.raises(DatabaseError, match="audit log"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.django_db
def test_numbers_and_hashes_of_ones_own_are_overwritten() -> None:
    last = write()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_logs (seq, at, actor_label, action, subject_kind, subject_id, subject_label, data, "
            "previous_hash, hash) VALUES (9999, date_trunc('month', now(), 'UTC'), "
            "'', 'x', '', '', '', '{}', '', '') RETURNING seq, at"
        )
        seq, at = cursor.fetchone()
    assert (seq, at >= last.at) == (last.seq + 1, True)


@pytest.mark.django_db
def test_facts_of_the_request_are_in_the_entry() -> None:
    with context.request_facts(request="number-1", address="192.0.2.1"):
        data = json.loads(write(extra=1).data)
    assert data == {"request": "number-1", "address": "192.0.2.1", "extra": 1}
    assert context.current() == {}


def test_a_missing_entry_is_named() -> None:
    entries = [_entry(1, chain.GENESIS)]
    entries.append(_entry(2, entries[0].hash))
    entries.append(_entry(3, entries[1].hash))
    head = chain.Place(3, entries[2].hash)
    assert chain.verify(entries, head=head).fault is None
    for gap, seq in ((0, 1), (1, 2), (2, 3)):
        left = [entry for number, entry in enumerate(entries) if number != gap]
        fault = chain.verify(left, head=head).fault
        assert fault is not None
        assert fault.seq == seq


FIELDS: dict[str, Any] = {
    "at": datetime(2026, 1, 1, tzinfo=UTC),
    **dict.fromkeys(("actor", "actor_label", "action", "subject_kind", "subject_id", "subject_label", "data"), "x"),
}


def _entry(seq: int, previous: bytes) -> chain.Entry:
    said = chain.content(**FIELDS)
    return chain.Entry(seq, said, previous, chain.entry_hash(seq, said, previous))


@pytest.mark.parametrize("name", FIELDS)
def test_the_hash_covers_every_field(name: str) -> None:
    other = datetime(2027, 1, 1, tzinfo=UTC) if name == "at" else "something else"
    changed, entry = chain.content(**FIELDS | {name: other}), _entry(1, chain.GENESIS)
    assert chain.entry_hash(1, changed, chain.GENESIS) != entry.hash
    assert chain.entry_hash(2, entry.content, chain.GENESIS) != entry.hash
    assert chain.entry_hash(1, entry.content, entry.hash) != entry.hash


def test_a_text_that_moves_to_the_next_field_changes_the_hash() -> None:
    moved = FIELDS | {"subject_id": "", "subject_label": "xx"}
    assert chain.content(**moved) != chain.content(**FIELDS)


def test_verifying_reads_what_is_committed(own_database: None) -> None:
    assert (verify_log().entries, verify_log().fault) == (0, None)
    for text in ODD[:5]:
        write(text, n=text)
    verdict = verify_log()
    assert (verdict.entries, verdict.fault) == (5, None)
    out = StringIO()
    call_command("verify_audit", stdout=out)
    assert out.getvalue().startswith("5 entries hold")


def test_the_command_fails_with_the_first_bad_entry(own_database: None) -> None:
    for number in range(3):
        write(n=number)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_logs DISABLE TRIGGER USER")
        cursor.execute("UPDATE audit_logs SET data = '{}' WHERE seq >= 2")
    with pytest.raises(CommandError, match="Entry 2 is bad"):
        call_command("verify_audit")
    # The connection from which the rest was not read goes on; where the trigger is off, no entry tells of it.
    assert AuditLog.objects.count() == 3


# Columns and what they are changed to. Hashes of another length move all that follows them in a row.
TAMPERED = [
    ("at", "at + interval '1 microsecond'"),
    ("actor_label", "'other'"),
    ("subject_id", "''"),
    ("previous_hash", "''"),
    ("previous_hash", r"previous_hash || '\x00'"),
    ("previous_hash", "NULL"),
    ("hash", "''"),
    ("hash", r"hash || '\x00'"),
    ("hash", "substr(hash, 2)"),
    ("hash", "NULL"),
    ("data", "NULL"),
]


@pytest.mark.parametrize(("column", "value"), TAMPERED)
def test_whatever_was_changed_is_found_and_nothing_breaks(own_database: None, column: str, value: str) -> None:
    for number in range(3):
        write(n=number)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_logs DISABLE TRIGGER USER")
        cursor.execute(f"ALTER TABLE audit_logs ALTER {column} DROP NOT NULL")
        cursor.execute(f"UPDATE audit_logs SET {column} = {value} WHERE seq = 2")
    fault = verify_log().fault
    assert fault is not None
    assert fault.seq == 2
