"""What a write sets off besides what its text says: cascades, triggers, rules, policies, searches."""

from __future__ import annotations

import pytest

from executors.base import FindingCode, Severity
from executors.tests.postgresql.findings.conftest import Told

C = FindingCode
INFO, WARNING = Severity.INFO, Severity.WARNING
DELETE = "DELETE FROM flights WHERE id = 1"

TOLD = [
    ("DELETE FROM planes WHERE tailnum = 'N1'", C.CASCADES, WARNING, "(ON DELETE CASCADE): in flights, then notes."),
    (DELETE, C.CASCADES, WARNING, "in notes."),
    (f"WITH gone AS ({DELETE} RETURNING 1) SELECT 1 FROM gone", C.CASCADES, WARNING, "in notes."),
    (
        "MERGE INTO flights f USING planes p ON f.tailnum = p.tailnum WHEN MATCHED AND p.seats > 500 THEN DELETE",
        C.CASCADES, WARNING, "in notes.",
    ),
    (DELETE, C.CASCADES, INFO, "Rows of bags that refer to what is deleted get flight_id set to NULL."),
    ("UPDATE gates SET id = 2 WHERE id = 1", C.CASCADES, INFO, "Rows of doors that refer to a changed row"),
    ("DELETE FROM planes WHERE seats = 5", C.REFERENCE_NOT_INDEXED, WARNING, "all of flights is searched, about 2,000"),
    ("UPDATE planes SET tailnum = 'X' WHERE seats = 5", C.REFERENCE_NOT_INDEXED, WARNING, "all of flights is searched"),
    (DELETE, C.FIRES_TRIGGERS, INFO, "on DELETE of flights: flights_log (log, for each row)."),
    ("UPDATE flights SET price = 1 WHERE id = 1", C.FIRES_TRIGGERS, INFO, "on UPDATE of flights"),
    ("INSERT INTO flights (distance) VALUES (1)", C.FIRES_TRIGGERS, INFO, "on INSERT of flights"),
    (
        "INSERT INTO flights (distance) VALUES (1) ON CONFLICT (id) DO UPDATE SET delay = 1 WHERE flights.id > 5",
        C.FIRES_TRIGGERS, INFO, "on UPDATE of flights",
    ),
    ("TRUNCATE flights CASCADE", C.FIRES_TRIGGERS, INFO, "flights_emptied (log, once)"),
    ("DELETE FROM events WHERE id = 1", C.FIRES_TRIGGERS, INFO, "keep_old of events_old (log, for each row)."),
    ("DELETE FROM events_old WHERE id = 1", C.FIRES_TRIGGERS, INFO, "once_old (log, once)"),
    ("DELETE FROM gates WHERE id = 1", C.FIRES_RULES, WARNING, "The rule keep of gates holds for DELETE"),
    ("UPDATE bags SET weight = 1 WHERE id = 1", C.ROW_SECURITY, INFO, "Row security is on for bags"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "severity", "words"), TOLD, ids=[f"{one[1]}: {one[0]}" for one in TOLD])
def test_what_a_write_sets_off_is_told(
    told: Told, text: str, code: FindingCode, severity: Severity, words: str
) -> None:
    found = [one for one in told(text) if (one.code, one.severity) == (code, severity)]
    assert any(words in one.message for one in found), found


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("UPDATE planes SET seats = 1 WHERE tailnum = 'N1'", C.CASCADES),
        ("UPDATE planes SET seats = 1 WHERE tailnum = 'N1'", C.REFERENCE_NOT_INDEXED),
        ("DELETE FROM notes WHERE flight_id = 1", C.CASCADES),
        ("DELETE FROM airlines WHERE carrier = 'X'", C.REFERENCE_NOT_INDEXED),
        (DELETE, C.REFERENCE_NOT_INDEXED),
        ("UPDATE flights SET remark = 'x' WHERE id = 1", C.FIRES_TRIGGERS),
        ("UPDATE notes SET text = 'x' WHERE flight_id = 1", C.FIRES_TRIGGERS),
        ("DELETE FROM events_new WHERE id = 1", C.FIRES_TRIGGERS),
        ("UPDATE gates SET label = 'x' WHERE id = 1", C.FIRES_RULES),
        ("UPDATE notes SET text = 'x' WHERE flight_id = 1", C.ROW_SECURITY),
        ("SELECT * FROM planes", C.CASCADES),
    ],
)
def test_what_sets_nothing_off_is_not_told(told: Told, text: str, code: FindingCode) -> None:
    """A disabled trigger, UPDATE OF another column, a reference that has its index or a small table."""
    assert code not in {finding.code for finding in told(text)}
