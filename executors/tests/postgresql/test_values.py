"""Values come through as PostgreSQL's own text, by COPY, by cursor and by RETURNING alike."""

from __future__ import annotations

import pytest

from executors import processes
from executors.base import Access, Column, Job, Language, Limits
from executors.tests.postgresql.world import Database
from executors.tests.recording import Recorder

LIMITS = Limits(seconds=10, rows=1000, bytes=10_000_000)

# expression → (text, type)
VALUES: dict[str, tuple[str | None, str]] = {
    "1.50::numeric(10,2)": ("1.50", "numeric(10,2)"),
    "12345678901234567890.123456789": ("12345678901234567890.123456789", "numeric"),
    "'NaN'::numeric": ("NaN", "numeric"),
    "'-Infinity'::numeric": ("-Infinity", "numeric"),
    "0.1::float8 + 0.2::float8": ("0.30000000000000004", "double precision"),
    "9223372036854775807": ("9223372036854775807", "bigint"),
    "'infinity'::timestamptz": ("infinity", "timestamp with time zone"),
    "'0044-03-15 BC'::date": ("0044-03-15 BC", "date"),
    "'24:00'::time": ("24:00:00", "time without time zone"),
    "'2024-02-29 12:00:00.123456+02'::timestamptz": ("2024-02-29 10:00:00.123456+00", "timestamp with time zone"),
    "'1 mon -1 day'::interval": ("1 mon -1 days", "interval"),
    "ARRAY[[1,NULL],[2,3]]": ("{{1,NULL},{2,3}}", "integer[]"),
    "ARRAY['a,b', 'NULL', NULL, '\"']": ('{"a,b","NULL",NULL,"\\""}', "text[]"),
    "'[1,5)'::int4range": ("[1,5)", "int4range"),
    "ROW(1, 'a b', NULL)": ('(1,"a b",)', "record"),
    "'\\xdeadbeef'::bytea": ("\\xdeadbeef", "bytea"),
    '\'{"a": 1,  "a": 2}\'::json': ('{"a": 1,  "a": 2}', "json"),
    "'null'::jsonb": ("null", "jsonb"),
    "'12.34'::money": ("$12.34", "money"),
    "'ok'::shop.mood": ("ok", "shop.mood"),
    "'10.0.0.1/8'::inet": ("10.0.0.1/8", "inet"),
    "B'0101'::bit(4)": ("0101", "bit(4)"),
    "NULL::int": (None, "integer"),
    "''": ("", "text"),
    "'\\N'": ("\\N", "text"),
    "E'\\\\N\\\\.'": ("\\N\\.", "text"),
    "E'a\\tb\\nc\\rd\\\\e\\bf\\fg\\x0bh'": ("a\tb\nc\rd\\e\bf\fg\vh", "text"),
    "'日本語 привет 🎉'": ("日本語 привет 🎉", "text"),
    "true": ("t", "boolean"),
    "'x'::\"char\"": ("x", '"char"'),
    "repeat('ab', 3)::varchar(7)": ("ababab", "character varying(7)"),
}


def run(database: Database, statement: str, *parameters: str, who: str = "reader") -> Recorder:
    access = Access.READ if who == "reader" else Access.WRITE
    recorder = Recorder()
    job = Job("values", database.target(who, access), Language.SQL, statement, LIMITS, parameters)
    processes.run(job, recorder, recorder)
    return recorder


@pytest.mark.parametrize("expression", VALUES)
def test_value_is_exact_through_copy(database: Database, expression: str) -> None:
    text, type_ = VALUES[expression]
    seen = run(database, f"SELECT {expression} AS it")
    assert seen.decoded == [(text,)]
    assert seen.announced[-1][0].name == "it"
    assert seen.announced[-1][0].type.removeprefix("shop.") == type_.removeprefix("shop.")


@pytest.mark.parametrize("expression", VALUES)
def test_value_is_exact_through_a_cursor(database: Database, expression: str) -> None:
    text, _ = VALUES[expression]
    assert run(database, f"SELECT {expression}, $1 AS given", "x\ty").decoded == [(text, "x\ty")]


@pytest.mark.parametrize("expression", VALUES)
def test_value_is_exact_in_a_write(database: Database, expression: str) -> None:
    text, _ = VALUES[expression]
    assert run(database, f"SELECT {expression}", who="writer").decoded == [(text,)]


def test_domain_and_enum_keep_their_names(database: Database) -> None:
    seen = run(database, "SELECT cost, feeling FROM typed")
    assert seen.announced[-1] == [Column("cost", "price"), Column("feeling", "mood")]
    assert seen.decoded == [("1.50", "ok")]


def test_columns_of_the_same_name_are_all_there(database: Database) -> None:
    seen = run(database, "SELECT 1 AS a, 2 AS a, 3")
    assert [column.name for column in seen.announced[-1]] == ["a", "a", "?column?"]


def test_parameters_take_the_type_of_their_place(database: Database) -> None:
    seen = run(database, "SELECT email FROM orders WHERE id = $1 AND total > $2", "2", "1.5")
    assert seen.decoded == [("a2@example.org",)]


@pytest.mark.parametrize("statement", ["SHOW server_version_num", "EXPLAIN SELECT 1", "VALUES (1)", "TABLE orders"])
def test_reads_that_are_not_select(database: Database, statement: str) -> None:
    assert run(database, statement).count >= 1
