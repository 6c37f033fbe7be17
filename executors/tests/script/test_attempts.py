"""`db.attempt` on a live PostgreSQL: what fails in it is taken back, and the rest of the script goes on."""

# ruff: noqa: E501 - scripts as people write them stand on one line
from __future__ import annotations

import pytest

from executors import processes
from executors.base import (
    Access,
    EngineKind,
    ExecutionError,
    Job,
    Language,
    Limits,
    Refused,
    RowBound,
    Running,
    ScriptOutcome,
    StatementFailed,
    Target,
)
from executors.tests.script.conftest import MODULES, Recorder, RunSQL, values

pytestmark = pytest.mark.sandbox

INSERT = "await db.query('insert into items(id) values ($1)', [%s]);"
BAD = "await db.query('insert into items(id) values (1)');"


def there(run_sql: RunSQL, above: int) -> list[object]:
    return values(
        run_sql(
            f"return (await db.query('select id from items where id > {above} and id < {above} + 100 order by 1')).rows"
        )
    )


def test_one_bad_row_does_not_end_the_run(run_sql: RunSQL) -> None:
    text = """
      const left = [];
      for (const id of [20001, 1, 20002, 2]) {
        try { await db.attempt(async () => { await db.query('insert into items(id) values ($1)', [id]) }) }
        catch (e) { if (e.code !== '23505') throw e; left.push([id, e.constraint]) }
      }
      return left"""
    seen = run_sql(text, Access.WRITE)
    assert values(seen) == [[[1, "items_pkey"]], [[2, "items_pkey"]]]
    assert there(run_sql, 20000) == [[20001], [20002]]
    assert [call.statement for call in seen.calls][:6] == [
        "SAVEPOINT attempt", "insert into items(id) values ($1)", "RELEASE attempt_1",
        "SAVEPOINT attempt", "insert into items(id) values ($1)", "ROLLBACK TO attempt_2",
    ]  # fmt: skip


ENDS = [
    (f"return await db.attempt(async () => {{ {INSERT % 20101} return 'value' }})", "value", [20101]),
    ("return await db.attempt(() => 'at once')", "at once", []),
    (f"const r = await db.attempt(async () => {{ {INSERT % 20101} {BAD} }}).catch(e => e.code); return r", "23505", []),
    (f"try {{ await db.attempt(async () => {{ {INSERT % 20101} throw new RangeError('own') }}) }} catch (e) {{ return e.name }}", "RangeError", []),
    (f"await db.attempt(async () => {{ {INSERT % 20101} try {{ await db.attempt(async () => {{ {INSERT % 20102} {BAD} }}) }} catch {{ {INSERT % 20103} }} }}); return 1", 1, [20101, 20103]),
    (f"try {{ await db.attempt(async () => {{ await db.attempt(async () => {{ {INSERT % 20101} }}); {BAD} }}) }} catch {{ }} {INSERT % 20102} return 2", 2, [20102]),
    (f"try {{ await db.attempt(async () => {{ {INSERT % 20101} try {{ {BAD} }} catch {{}} }}) }} catch (e) {{ return e.message.includes('caught inside of it') }}", True, []),
    ("try { await db.attempt(async () => { db.query('insert into items(id) values (20101)') }) } catch (e) { return e.message.includes('still open') }", True, []),
    (f"try {{ await db.attempt(async () => {{ {INSERT % 20101} for await (const r of db.iterate('select id from items')) {BAD} }}) }} catch (e) {{ return e.code }}", "23505", []),
    ("const kept = []; for await (const r of db.iterate('select id from items where id < 4 order by 1')) { await db.attempt(async () => { await db.query('select 1/0') }).catch(() => {}); kept.push(r.id) } return kept.length", 3, []),
    (f"const it = db.iterate('select id from items order by 1'); await it.next(); await db.attempt(async () => {{ {BAD} }}).catch(() => {{}}); return (await it.next()).value.id", 2, []),
    (f"let it; await db.attempt(async () => {{ it = db.iterate('select id from items'); await it.next(); {BAD} }}).catch(() => {{}}); try {{ for (let i = 0; i < 99; i++) await it.next() }} catch (e) {{ return e.message.includes('not open') }}", True, []),
    (f"const all = await Promise.allSettled([db.attempt(async () => {{ {INSERT % 20101} }}), db.attempt(async () => {{ {INSERT % 20102} }})]); return all.map(r => r.status).join()", "fulfilled,rejected", [20101]),
    (f"const [a, b] = await Promise.allSettled([db.attempt(async () => {{ {BAD} }}), db.query('insert into items(id) values (20101)')]); return [a.reason.message.includes('beside'), b.status].join()", "true,fulfilled", [20101]),
    ("try { await db.attempt('x') } catch (e) { return e.name }", "TypeError", []),
    ("let depth = 0; const deeper = () => db.attempt(async () => { depth += 1; await deeper() }); try { await deeper() } catch (e) { return [depth, e.message.includes('At most 20')].join() }", "20,true", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value", "kept"), ENDS)
def test_an_attempt_ends(run_sql: RunSQL, text: str, value: object, kept: list[int]) -> None:
    try:
        assert values(run_sql(text, Access.WRITE)) == [[value]]
        assert there(run_sql, 20100) == [[number] for number in kept]
    finally:
        run_sql("await db.query('delete from items where id > 20100 and id < 20200')", Access.WRITE)


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        (f"await db.attempt(async () => {{ {INSERT % 20201} {BAD} }})", StatementFailed, "duplicate key"),
        (f"{INSERT % 20201} await db.attempt(async () => {{ {BAD} }})", StatementFailed, "duplicate key"),
        (
            f"try {{ {BAD} }} catch {{}} await db.attempt(async () => {{ {INSERT % 20201} }})",
            StatementFailed,
            "aborted",
        ),
        ("await db.attempt(async () => { await db.query('savepoint mine') })", Refused, "Savepoints are not allowed"),
        (
            "await db.attempt(async () => { await db.query('rollback to attempt_1') })",
            Refused,
            "Savepoints are not allowed",
        ),
        ("await db.attempt(async (tx) => { await tx.query('select 1') })", StatementFailed, "undefined"),
        (f"db.attempt(async () => {{ {INSERT % 20201} }})", StatementFailed, "still open"),
    ],
)
def test_what_is_not_caught_ends_the_run(run_sql: RunSQL, text: str, error: type[ExecutionError], said: str) -> None:
    with pytest.raises(error, match=said):
        run_sql(text, Access.WRITE)
    assert there(run_sql, 20200) == []


def test_a_read_may_try_as_well(run_sql: RunSQL) -> None:
    text = "const e = await db.attempt(() => db.query('select nothing from items')).catch(e => e); return [e.code, e.position, (await db.one('select count(*) from items where id < 10')).count]"
    assert values(run_sql(text)) == [["42703"], ["8"], [9]]


def test_what_was_taken_back_counts_neither_as_changed_nor_against_the_bound(sql_urls: dict[Access, str]) -> None:
    target = Target("scripted-w", EngineKind.POSTGRESQL, Access.WRITE, sql_urls[Access.WRITE], ("scripted",), MODULES)
    text = f"for (let i = 0; i < 5; i++) await db.attempt(async () => {{ await db.query('update items set price = 2 where id <= 50'); {BAD} }}).catch(() => {{}}); await db.query('update items set price = 3 where id <= 4')"
    seen = Recorder()
    job = Job("q1", target, Language.SCRIPT, text, Limits(15, 5000, 5_000_000), (), Running(bound=4))
    outcome = processes.run(job, seen, seen)
    assert isinstance(outcome, ScriptOutcome)
    assert outcome.effect is not None
    assert (outcome.rows_affected, outcome.effect.total, outcome.effect.exact) == (4, 4, True)
    with pytest.raises(RowBound, match="changed 4 rows"):
        processes.run(
            Job("q2", target, Language.SCRIPT, text, Limits(15, 5000, 5_000_000), (), Running(bound=3)), seen, seen
        )
