"""Named parameters on a real server: bound with their types, in reads, writes of several statements, checks, plans."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from executors import processes
from executors.base import (
    Access,
    EngineKind,
    FindingCode,
    Job,
    Language,
    Limits,
    NamedParameter,
    ParameterType,
    Refused,
    Rehearsing,
)
from executors.tests.asked import asked
from executors.tests.postgresql.world import Database
from executors.tests.recording import Recorder

LIMITS = Limits(seconds=10, rows=1000, bytes=10_000_000)
TEXTS = '{"a\\"b","c\\\\d","{,}","NULL",""}'
LOCAL = "timestamp without time zone"
UUID = "123e4567-e89b-12d3-a456-426614174000"


def given(name: str, kind: str, value: str | tuple[str, ...] | None, of: str = "") -> NamedParameter:
    return NamedParameter(name, ParameterType(kind), value, ParameterType(of) if of else None)


@pytest.fixture(scope="module", autouse=True)
def _bags(database: Database) -> Iterator[None]:
    database.admin.execute(f"""
        CREATE TYPE shop.state AS ENUM ('sent', 'lost');
        CREATE TABLE shop.bags (id int PRIMARY KEY, state shop.state, weight numeric, tags text[], facts jsonb);
        INSERT INTO shop.bags SELECT n, 'sent', n, '{{}}', '{{}}' FROM generate_series(1, 10) n;
        GRANT SELECT ON shop.bags TO {database.name}_reader, {database.name}_writer;
        CREATE TABLE shop.sent AS TABLE shop.bags;
        ALTER TABLE shop.sent ADD PRIMARY KEY (id);
        GRANT SELECT, INSERT, UPDATE, DELETE ON shop.sent TO {database.name}_writer;
    """)
    yield
    database.admin.execute("DROP TABLE shop.bags, shop.sent; DROP TYPE shop.state")


def run(database: Database, text: str, *parameters: NamedParameter, access: Access = Access.READ) -> Recorder:
    who = "reader" if access is Access.READ else "writer"
    recorder = Recorder()
    processes.run(
        Job("named", database.target(who, access), Language.SQL, text, LIMITS, parameters), recorder, recorder
    )
    return recorder


# expression, parameter → (text, type)
VALUES = [
    (":v", given("v", "text", 'a\\"b{},\n'), ('a\\"b{},\n', "text")),
    (":v", given("v", "text", ""), ("", "text")),
    (":v", given("v", "text", None), (None, "text")),
    (":v", given("v", "integer", "7"), ("7", "integer")),
    (":v", given("v", "integer", "-9223372036854775808"), ("-9223372036854775808", "bigint")),
    (":v", given("v", "integer", "9223372036854775808"), ("9223372036854775808", "numeric")),
    (":v", given("v", "integer", None), (None, "integer")),
    (":v", given("v", "decimal", "12345678901234567890.10"), ("12345678901234567890.10", "numeric")),
    (":v", given("v", "boolean", "true"), ("t", "boolean")),
    (":v", given("v", "date", "2026-01-31"), ("2026-01-31", "date")),
    (":v", given("v", "timestamp", "2026-01-31T12:00:00.123456"), ("2026-01-31 12:00:00.123456", LOCAL)),
    ("(:v AT TIME ZONE 'UTC')", given("v", "timestamp", "2026-01-31T12:00:00+02:00"), ("2026-01-31 10:00:00", LOCAL)),
    (":v", given("v", "uuid", UUID), (UUID, "uuid")),
    (":v", given("v", "json", '{"a": 1.10}'), ('{"a": 1.10}', "jsonb")),
    (":v::json", given("v", "json", '{"b": 1, "a": 2}'), ('{"a": 2, "b": 1}', "json")),
    (":v", given("v", "list", ("1", "2"), "integer"), ("{1,2}", "integer[]")),
    (":v", given("v", "list", (), "date"), ("{}", "date[]")),
    (":v::text[]", given("v", "list", ('a"b', "c\\d", "{,}", "NULL", ""), "text"), (TEXTS, "text[]")),
    (":v", given("v", "list", ('{"a": [1, "x"]}',), "json"), ('{"{\\"a\\": [1, \\"x\\"]}"}', "jsonb[]")),
    ("substr('abcdef', :v)", given("v", "integer", "3"), ("cdef", "text")),
    ("count(*) FROM bags WHERE state = :v", given("v", "text", "sent"), ("10", "bigint")),
    ("count(*) FROM bags WHERE state = ANY (:v)", given("v", "list", ("sent", "lost"), "text"), ("10", "bigint")),
    ("count(*) FROM bags WHERE id = ANY (:v)", given("v", "list", ("1", "3"), "integer"), ("2", "bigint")),
    ("count(*) FROM bags WHERE :v IS NULL OR id = :v", given("v", "integer", None), ("10", "bigint")),
    ("id FROM bags ORDER BY id LIMIT :v", given("v", "integer", "1"), ("1", "integer")),
    ("(ARRAY[10, 20, 30])[:v]", given("v", "integer", "2"), ("20", "integer")),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "parameter", "right"), VALUES, ids=lambda value: str(value)[:60])
def test_value_is_bound_with_its_type(
    database: Database, expression: str, parameter: NamedParameter, right: tuple[str | None, str]
) -> None:
    recorder = run(database, f"SELECT {expression}", parameter)
    assert [tuple(row) for row in recorder.decoded] == [(right[0],)]
    assert recorder.announced[-1][0].type == right[1]


def test_every_statement_of_a_write_takes_its_own(database: Database) -> None:
    text = """
        UPDATE sent SET weight = :weight, state = :state WHERE id = :id;
        INSERT INTO sent (id, tags, facts) SELECT 100, :tags, :facts WHERE :wanted;
        DELETE FROM sent WHERE id = ANY (:gone);
        SELECT 1;
    """
    parameters = (
        given("weight", "decimal", "1.50"),
        given("state", "text", "lost"),
        given("id", "integer", "1"),
        given("tags", "list", ("a", 'b"'), "text"),
        given("facts", "json", '{"x": 1}'),
        given("wanted", "boolean", "true"),
        given("gone", "list", ("9", "10"), "integer"),
    )
    run(database, text, *parameters, access=Access.WRITE)
    found = database.admin.execute("SELECT id, weight, state, tags, facts FROM shop.sent WHERE id IN (1, 9, 10, 100)")
    assert sorted(map(str, found)) == [
        "(1, Decimal('1.50'), 'lost', [], {})",
        "(100, None, None, ['a', 'b\"'], {'x': 1})",
    ]


def test_rehearsal_shows_what_would_change_with_the_values(database: Database) -> None:
    recorder = Recorder()
    target = database.target("writer", Access.WRITE)
    parameters = (given("id", "integer", "2"), given("weight", "decimal", "7.70"))
    text = "UPDATE sent SET weight = :weight WHERE id >= :id AND id < :id + 2"
    outcome = processes.rehearse(
        Job("named", target, Language.SQL, text, LIMITS, parameters, Rehearsing(10, 10)), recorder, recorder
    )
    (table,) = outcome.effect.tables
    after = [change.after for change in table.changes]
    assert [cells and cells[2] for cells in after] == ["7.70", "7.70"]


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("SELECT :a", ()),
        ("SELECT 1", (given("a", "integer", "1"),)),
        ("SELECT :a, :b", (given("a", "integer", "1"),)),
        ("SELECT :a, $1", (given("a", "integer", "1"),)),
    ],
    ids=["missing", "unused", "one of two", "mixed"],
)
def test_run_refuses_what_submission_would(
    database: Database, text: str, parameters: tuple[NamedParameter, ...]
) -> None:
    with pytest.raises(Refused):
        run(database, text, *parameters)


@pytest.mark.parametrize(
    ("text", "parameter", "code"),
    [
        ("SELECT * FROM bags WHERE id = :v", given("v", "integer", "1"), None),
        ("SELECT * FROM bags WHERE id = :v", given("v", "date", "2026-01-31"), FindingCode.UNKNOWN_NAME),
        ("SELECT substr('abc', :v)", given("v", "integer", "3000000000"), FindingCode.UNKNOWN_NAME),
        ("SELECT unnest(:v)", given("v", "list", ("1",), "integer"), None),
        ("SELECT * FROM bags WHERE id > :v AND bag = 1", given("v", "integer", "1"), FindingCode.UNKNOWN_NAME),
    ],
    ids=["right", "a day for a number", "too wide", "list", "elsewhere"],
)
def test_target_is_told_the_types(
    database: Database, text: str, parameter: NamedParameter, code: FindingCode | None
) -> None:
    read = processes.read(Language.SQL, EngineKind.POSTGRESQL, text, (parameter,), Access.READ)
    found = asked(database.target("reader"), Language.SQL, text, Access.READ, read, (parameter,)).findings
    assert [one.code for one in found if one.severity == "error"] == ([code] if code else [])
    if "bag = 1" in text:
        assert [one.column for one in found if one.code is code] == [38]


def test_plan_is_one_for_the_values(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PLAN_SECONDS", 60.0)
    text = "SELECT * FROM bags WHERE id = :v OR id = :w"
    found = processes.plan(
        database.target("reader"), Language.SQL, text, (given("v", "integer", "1"), given("w", "integer", None))
    )
    assert found.notes == ()
    assert found.steps
