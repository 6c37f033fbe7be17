"""The log's own clock, set by a test: the database stamps as ever, and what it takes for now is told it."""

from __future__ import annotations

from django.db import connection

from audit import months

FUNCTIONS = """
SELECT pg_get_functiondef(oid) FROM pg_proc
WHERE pronamespace = current_schema()::regnamespace AND proname = ANY (%s)
"""
STAMPING = ("audit_turn", "audit_chain", "audit_add_months")
NOW = "clock_timestamp()"


def set_clock(moment: str, *, of: tuple[str, ...] = STAMPING) -> None:
    """From now on it is that moment (UTC) for these functions."""
    with connection.cursor() as cursor:
        cursor.execute(FUNCTIONS, [[*of]])
        for (definition,) in cursor.fetchall():
            name = definition.partition("(")[0].rpartition(".")[2]
            cursor.execute(definition.replace(NOW, f"{name}_now()"))
    for name in of:
        with connection.cursor() as cursor:
            cursor.execute(
                f"CREATE OR REPLACE FUNCTION {name}_now() RETURNS timestamptz LANGUAGE sql AS "
                f"$$ SELECT '{moment}Z'::timestamptz $$"
            )


def in_month(month: str) -> None:
    """From now on it is the middle of that month, and its partition is there."""
    set_clock(f"{month}-15 12:00:00")
    months.make_due()


def kept_in() -> list[tuple[int, str]]:
    """Each entry with the table it stands in."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq, tableoid::regclass::text FROM audit_logs ORDER BY seq")
        return list(cursor.fetchall())


def rows() -> list[str]:
    """Each entry to the byte."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit_logs::text FROM audit_logs ORDER BY seq")
        return [row for (row,) in cursor.fetchall()]
