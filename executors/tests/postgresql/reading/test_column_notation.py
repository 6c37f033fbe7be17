"""`x.f` and `(x).f` call f(x) where x has no column f: they are judged as calls."""

from __future__ import annotations

import pytest

from executors.base import Access, Severity
from executors.postgresql.reading.analysis import read


def errors(statement: str, access: Access = Access.READ) -> list[str]:
    findings = read(statement, (), access).analysis.findings
    return [finding.code for finding in findings if finding.severity is Severity.ERROR]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT (1::bigint).pg_advisory_lock",
        "SELECT n.pg_advisory_lock FROM generate_series(1::bigint, 9) n",
        "SELECT (f(1)).a.ts_stat",
        "SELECT a[1].pg_read_file FROM b",
        "SELECT 1 FROM f() a ORDER BY a.PG_Terminate_Backend",
        "VALUES ((1).pg_cancel_backend)",
    ],
)
@pytest.mark.parametrize("access", [Access.READ, Access.WRITE])
def test_a_refused_function_stays_refused(statement: str, access: Access) -> None:
    assert errors(statement, access) == ["refused_function"]


def test_a_lock_until_the_end_needs_write() -> None:
    statement = "SELECT (1::bigint).pg_advisory_xact_lock"
    assert (errors(statement), errors(statement, Access.WRITE)) == (["write_in_read"], [])


@pytest.mark.parametrize("statement", ["SELECT t.system, t.name, s.t.total FROM t", "SELECT pg_read_file FROM t"])
def test_columns_are_columns(statement: str) -> None:
    assert errors(statement) == []
