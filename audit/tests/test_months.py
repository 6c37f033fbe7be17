"""The log by months: each entry stands in its own, each month is guarded as the log is, and none has to be there."""

from __future__ import annotations

import psycopg
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.http import QueryDict

from audit import checkpoints, months
from audit.models import AuditLog
from audit.reading import read_page
from audit.tests.clock import in_month, kept_in, rows, set_clock
from audit.tests.test_log import write
from audit.verification import verify_log
from portal import rights

INSERT = (
    "INSERT INTO {} ({}actor_label, action, subject_kind, subject_id, subject_label, data) "
    "VALUES ({}'', '', '', '', '', '{{}}')"
)


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def holds() -> bool:
    verdict = verify_log()
    return verdict.fault is None and verdict.entries == AuditLog.objects.count()


def filled(*names: str) -> None:
    for name in names:
        in_month(name)
        for number in range(3):
            write(f"{name} {number}", n=number)


def test_each_entry_stands_in_its_month(own_database: None) -> None:
    filled("2031-11", "2031-12", "2032-01")
    expected = ["audit_logs_2031_11"] * 3 + ["audit_logs_2031_12"] * 3 + ["audit_logs_2032_01"] * 3
    assert kept_in() == [*enumerate(expected, start=1)]
    assert holds()
    assert rights.guards_off() == []
    # Pages go from one month into the other and miss nothing.
    seen: list[int] = []
    address: str | None = "limit=2"
    while address is not None:
        page = read_page(QueryDict(address))
        seen += [entry.seq for entry in page.entries]
        address = page.next and f"limit=2&cursor={page.next}"
    assert seen == [*range(9, 0, -1)]


def test_where_a_month_is_missing_an_entry_is_written_all_the_same(own_database: None) -> None:
    assert months.alarms() == []
    set_clock("2033-03-31 12:00:00")
    write("one")
    set_clock("2033-04-01 00:00:00")
    write("two")
    assert kept_in() == [(1, "audit_logs_rest"), (2, "audit_logs_rest")]
    before, (alarm,) = rows(), months.alarms()
    assert "partition of the rest" in alarm
    assert alarm in checkpoints.alarms()
    assert months.make_due() == 4
    assert kept_in() == [(1, "audit_logs_2033_03"), (2, "audit_logs_2033_04")]
    assert (rows(), months.alarms(), months.make_due(), holds()) == (before, [], 0, True)
    write("three")
    assert kept_in()[-1] == (3, "audit_logs_2033_04")
    assert rights.guards_off() == []


def test_a_month_that_is_missing_is_told(own_database: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit_month_name(date_trunc('month', now(), 'UTC') + interval '1 month')")
        (name,) = cursor.fetchone()
    execute(f"DROP TABLE {name}")
    (alarm,) = months.alarms()
    assert name.removeprefix("audit_logs_").replace("_", "-") in alarm
    assert (months.make_due(), months.alarms()) == (1, [])


def test_the_month_turns_while_an_entry_is_written(own_database: None) -> None:
    in_month("2031-11")
    set_clock("2031-11-30 23:59:59.9", of=("audit_turn",))
    set_clock("2031-12-01 00:00:00.1", of=("audit_chain",))
    assert write("old").at.isoformat() == "2031-11-30T23:59:59.999999+00:00"
    set_clock("2031-12-01 00:00:00.1", of=("audit_turn",))
    assert write("new").at.isoformat() == "2031-12-01T00:00:00.100000+00:00"
    # A clock that was set back does not bring the old month again.
    set_clock("2031-11-30 23:59:00")
    assert write("later").at.isoformat() == "2031-12-01T00:00:00.100000+00:00"
    assert holds()


def test_who_is_about_to_write_keeps_others_out_of_the_next_month(own_database: None) -> None:
    with transaction.atomic():
        execute("SELECT audit_turn()")
        other = connection.copy()
        with other.cursor() as cursor, pytest.raises(DatabaseError, match="could not obtain lock"):
            cursor.execute("SELECT FROM audit_head FOR UPDATE NOWAIT")
        other.close()


@pytest.mark.parametrize("at", ["'2001-01-01'", "NULL", "now() + interval '1 month'", "'infinity'"])
def test_a_time_of_ones_own_in_another_month_is_refused(own_database: None, at: str) -> None:
    write()
    with pytest.raises(DatabaseError):
        execute(INSERT.format("audit_logs", "at, ", f"{at}, "))
    assert (AuditLog.objects.count(), holds()) == (1, True)


ACTS = (
    "UPDATE {} SET actor_label = 'x'",
    "UPDATE {} SET at = at - interval '1 month'",
    "DELETE FROM {}",
    "TRUNCATE {}",
)


@pytest.mark.django_db
@pytest.mark.parametrize("act", ACTS)
def test_a_month_by_its_name_is_guarded_as_the_log(act: str) -> None:
    write()
    ((_, month),) = kept_in()
    # Or what the key of somebody's account defers would refuse it for its own reason.
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table in (month, "audit_logs"):
        with pytest.raises(DatabaseError, match="audit log"), transaction.atomic():
            execute(act.format(table))
    # What is written into it by its name is numbered and chained.
    execute(INSERT.format(month, "seq, hash, ", "77, '', "))
    assert [seq for seq, _ in kept_in()] == [1, 2]


def test_a_guard_of_a_month_that_is_off_is_named(own_database: None) -> None:
    write()
    ((_, month),) = kept_in()
    for trigger in ("audit_chain", "audit_rows_stay", "audit_table_stays"):
        for state in ("DISABLE", "ENABLE", "ENABLE REPLICA"):
            execute(f"ALTER TABLE {month} {state} TRIGGER {trigger}")
            assert rights.guards_off() == [f"{month}.{trigger}"], state
        execute(f"ALTER TABLE {month} ENABLE ALWAYS TRIGGER {trigger}")
    execute(f"DROP TRIGGER audit_table_stays ON {month}")
    assert rights.guards_off() == [f"{month}.audit_table_stays"]


# --- the migration ---------------------------------------------------------------------------------


def migrated(name: str) -> None:
    call_command("migrate", "audit", name, verbosity=0)


def test_a_log_is_moved_as_it_is(own_database: None) -> None:
    filled("2031-11", "2032-02")
    checkpoints.make()
    before = rows()
    migrated("0006")
    assert {table for _, table in kept_in()} == {"audit_logs"}
    assert rows() == before
    write("between")
    before = rows()
    migrated("0008")
    assert (rows(), holds(), rights.guards_off()) == (before, True, [])
    assert [table for _, table in kept_in()][::3] == ["audit_logs_2031_11", "audit_logs_2032_02", "audit_logs_2032_02"]
    migrated("0006")
    assert rows() == before


SPOILED = {
    "UPDATE audit_logs SET data = '[]' WHERE seq = 2": "does not hold at entry 2",
    "DELETE FROM audit_logs WHERE seq = 2": "does not hold at entry 3",
    "DELETE FROM audit_logs WHERE seq = 3": "does not end where its head says",
    "UPDATE audit_logs SET at = at - interval '1 month' WHERE seq = 3": "does not hold at entry 3",
}


@pytest.mark.parametrize("statement", SPOILED)
def test_a_log_that_does_not_hold_is_not_moved(own_database: None, statement: str) -> None:
    migrated("0006")
    for number in range(3):
        write(n=number)
    execute("ALTER TABLE audit_logs DISABLE TRIGGER audit_rows_stay")
    execute(statement)
    before = rows()
    with pytest.raises(DatabaseError, match=SPOILED[statement]):
        migrated("0007")
    assert (rows(), {table for _, table in kept_in()}) == (before, {"audit_logs"})


def test_a_log_of_nothing_is_moved(own_database: None) -> None:
    migrated("0006")
    migrated("0008")
    assert (rows(), months.make_due(), months.alarms()) == ([], 0, [])


def test_the_login_of_before_keeps_its_rights(own_database: None, postgres_url: str) -> None:
    with psycopg.connect(postgres_url, dbname=connection.settings_dict["NAME"], autocommit=True) as server:
        server.execute("CREATE ROLE login_of_before")
        migrated("0006")
        execute("GRANT SELECT, INSERT ON audit_logs TO login_of_before")
        migrated("0008")
        asked = [
            "has_table_privilege('login_of_before', 'audit_logs', 'SELECT, INSERT')",
            "has_function_privilege('login_of_before', 'audit_add_months()', 'EXECUTE')",
            "NOT has_table_privilege('login_of_before', 'audit_logs_rest', 'SELECT, INSERT')",
        ]
        found = server.execute(f"SELECT {', '.join(asked)}").fetchone()
        server.execute("DROP OWNED BY login_of_before; DROP ROLE login_of_before")
    assert found == (True, True, True)
