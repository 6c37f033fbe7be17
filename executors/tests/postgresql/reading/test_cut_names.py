"""Names the server cuts short (name-04): what is shown is not what it reads."""

from __future__ import annotations

import psycopg
import pytest

from executors.base import Access, FindingCode
from executors.postgresql.reading.analysis import read

LONG = "a" * 63


@pytest.mark.parametrize(
    ("statement", "line", "column"),
    [
        pytest.param(f"select * from {LONG}b", 1, 15, id="name-04"),
        (f'select 1 as\n "{LONG} b"', 2, 2),
        (f"select x.{'é' * 32} from x", 1, 10),
        (f'select 1 as "{"é" * 32}"', 1, 13),
        (f"delete from t where {LONG}b = 1 and a = 'x'", 1, 21),
        (f"select 'é' as {LONG}b -- {LONG}c", 1, 15),
    ],
)
def test_a_name_that_is_cut_is_told(statement: str, line: int, column: int) -> None:
    (found,) = [f for f in read(statement, (), Access.WRITE).analysis.findings if f.code is FindingCode.NAME_CUT]
    assert (found.line, found.column) == (line, column)


@pytest.mark.parametrize(
    "statement",
    [
        f"select * from {LONG}",
        f'select "{"x" * 62}""" from x',
        f"select '{LONG}b'",
        f"select $${LONG}b$$",
        f"select 1 -- {LONG}b",
        f"select 1 /* {LONG}b /* {LONG} */ */",
        f"select E'\\'{LONG}b'",
    ],
)
def test_what_is_kept_is_not(statement: str) -> None:
    assert FindingCode.NAME_CUT not in {f.code for f in read(statement, (), Access.WRITE).analysis.findings}


def test_the_server_cuts_where_it_is_told(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        cursor = connection.execute(f"select 1 as {'é' * 40}, 2 as {LONG}b".encode())
        assert [column.name for column in cursor.description or ()] == ["é" * 31, LONG]
    (first, second) = read(f"select 1 as {'é' * 40}, 2 as {LONG}b", (), Access.READ).analysis.findings
    assert f"it reads {'é' * 31}." in first.message
    assert f"it reads {LONG}." in second.message
