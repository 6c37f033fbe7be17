"""Scripts on a live PostgreSQL, through real helper processes and the real sandbox."""

# ruff: noqa: E501 - scripts as people write them stand on one line
from __future__ import annotations

import pytest

from executors.base import (
    Access,
    Cancelled,
    Refused,
    StatementFailed,
    TimedOut,
)
from executors.tests.script.conftest import Recorder, RunSQL, values

pytestmark = pytest.mark.sandbox


def test_a_query_is_bound_recorded_and_returned(run_sql: RunSQL) -> None:
    seen = run_sql("return await db.query('select id from items where id = $1', [7])")
    assert values(seen) == [[7]]
    (call,) = seen.calls
    assert (call.statement, call.parameters, call.rows) == ("select id from items where id = $1", '["7"]', 1)


def test_numbers_are_exact(run_sql: RunSQL) -> None:
    text = "const r = await db.one('select big, price, doc, id from items where id = 1');"
    seen = run_sql(f"{text} return [typeof r.big, String(r.big + 1n), r.price, r.doc.a[0], r.id]")
    assert values(seen) == [["bigint"], ["9007199254740994"], ["1.10"], [1], [1]]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("count(*) from items", "number"),
        ("9007199254740991", "number"),
        ("-9007199254740991", "number"),
        ("9007199254740992::int8", "bigint"),
        ("-9007199254740992::int8", "bigint"),
        ("9223372036854775807", "bigint"),
        ("0::int8", "number"),
        ("sum(id) from items where id <= 3", "number"),
        ("9007199254740993::numeric", "string"),
    ],
)
def test_a_whole_number_is_a_number_where_that_is_exact(run_sql: RunSQL, value: str, kind: str) -> None:
    seen = run_sql(
        f"const r = await db.one('select {value}'); const [v] = Object.values(r); return [typeof v, (await db.one('select ($1::text = (select {value})::text) as same', [String(v)])).same]"
    )
    assert values(seen) == [[kind], [True]]


def test_iteration_fetches_in_batches_and_may_stop_early(run_sql: RunSQL) -> None:
    text = "let n = 0; for await (const r of db.iterate('select id from items where id <= 1200 order by id')) n = r.id; return n"
    assert values(run_sql(text)) == [[1200]]
    seen = run_sql("for await (const r of db.iterate('select id from items order by id')) return r.id")
    assert [call.statement[:5] for call in seen.calls] == ["selec", "FETCH", "CLOSE"]


def test_a_repeated_statement_gives_the_same_as_the_first(run_sql: RunSQL) -> None:
    text = "const all = []; for (let i = 1; i < 9; i++) all.push((await db.one('select id, doc from items where id = $1', [i])).id);"
    assert values(run_sql(f"{text} return all")) == [[i] for i in range(1, 9)]


def test_a_script_commits_as_one_transaction(run_sql: RunSQL) -> None:
    text = "await db.query('insert into items(id) values ($1)', [5001]); await db.query('insert into items(id) values (5002)')"
    assert len(run_sql(text, Access.WRITE).commits) == 1
    assert values(run_sql("return (await db.query('select id from items where id > 5000 order by 1')).rowCount")) == [
        [2]
    ]


@pytest.mark.parametrize("end", ["throw new Error('no')", "for (;;) {}", "await db.query('select 1/0')"])
def test_an_unfinished_script_leaves_nothing(run_sql: RunSQL, end: str) -> None:
    seen = Recorder()
    with pytest.raises((StatementFailed, TimedOut)):
        run_sql(f"await db.query('insert into items(id) values (6001)'); {end}", Access.WRITE, 2, seen)
    assert seen.commits == []
    assert values(run_sql("return (await db.query('select id from items where id = 6001')).rowCount")) == [[0]]


def test_a_caught_failure_still_forbids_the_commit(run_sql: RunSQL) -> None:
    text = "await db.query('insert into items(id) values (7001)'); try { await db.query('select 1/0') } catch {}"
    with pytest.raises(StatementFailed, match="given the transaction up"):
        run_sql(text, Access.WRITE)


@pytest.mark.parametrize(
    "statement", ["delete from items", "select 1; select 2", "commit", "set role postgres", "select pg_sleep(0) into x"]
)
def test_a_read_is_held_to_reading(run_sql: RunSQL, statement: str) -> None:
    seen = Recorder()
    with pytest.raises(Refused) as raised:
        run_sql(f"const x = 1;\nawait db.query('{statement}')", seen=seen)
    assert raised.value.detail["line"] == "2"
    assert seen.calls[0].failure


def test_an_error_of_the_server_has_its_state_and_the_scripts_line(run_sql: RunSQL) -> None:
    with pytest.raises(StatementFailed, match="division by zero") as raised:
        run_sql("\n\n  await db.query('select 1/0')")
    assert raised.value.detail["sqlstate"] == "22012"
    assert (raised.value.detail["line"], raised.value.detail["column"]) == ("3", "12")


def test_a_slow_statement_ends_at_the_scripts_deadline(run_sql: RunSQL) -> None:
    with pytest.raises(TimedOut):
        run_sql("await db.query('select pg_sleep(20)')", seconds=1)


def test_a_cancelled_script_stops(run_sql: RunSQL) -> None:
    with pytest.raises(Cancelled):
        run_sql("for (;;) {}", seen=Recorder(stop=True))


def test_modules_work(run_sql: RunSQL) -> None:
    text = (
        "const D = require('decimal.js'), {format} = require('date-fns'), _ = require('lodash'), {z} = require('zod');"
    )
    seen = run_sql(
        f"{text} return [D('0.1').plus('0.2').toString(), _.sum([1, 2]), z.number().parse(3), typeof format]"
    )
    assert values(seen) == [["0.3"], [3], [3], ["function"]]


@pytest.mark.parametrize("name", ["a\\0b", "a\\ud800b"])
def test_names_of_columns_can_be_stored(name: str, run_sql: RunSQL) -> None:
    (column,) = run_sql(f"return [{{'{name}': 1}}]").columns_seen
    assert column.name in {"a\ufffdb", "a?b"}
