"""What a write changed, as the server tells of it: held against what a superuser sees before and after."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest

from executors import processes
from executors.base import (
    Access,
    Effect,
    Gap,
    Images,
    Job,
    KeepLimits,
    Language,
    Limits,
    Refused,
    Rehearsing,
    RowBound,
    RowChange,
    Running,
    SchemaVerb,
    ScriptOutcome,
    TableEffect,
    WriteOutcome,
)
from executors.tests.postgresql.shop import NAMES, ODD, ROWS, TABLES
from executors.tests.postgresql.world import Database
from executors.tests.recording import Recorder

pytestmark = pytest.mark.releases

LIMITS = Limits(seconds=20, rows=1000, bytes=10_000_000, lock_seconds=2)
KEEP = KeepLimits(rows=1000, bytes=20_000_000)

# Every one changes rows of tables with a key only, so that each row can be told from the others.
WRITES = {
    "one row": "UPDATE parents SET price = 7 WHERE id = 3",
    "a trigger writes elsewhere": "UPDATE parents SET name = 'z' WHERE id BETWEEN 10 AND 19",
    "a cascade deletes elsewhere": "DELETE FROM parents WHERE id <= 5",
    "a foreign key only locks": "INSERT INTO children VALUES (100, 7, 'new')",
    "insert and update of one row": "INSERT INTO children VALUES (100, 7, 'new'); UPDATE children SET note = 'again' "
    "WHERE id = 100",
    "one row twice": "UPDATE children SET note = 'a' WHERE id < 10; UPDATE children SET note = 'b' WHERE id < 5",
    "update, then delete": "UPDATE children SET note = 'a' WHERE id < 10; DELETE FROM children WHERE id < 5",
    "delete, then insert again": "DELETE FROM children WHERE id = 9; INSERT INTO children VALUES (9, 1, 'back')",
    "insert, then delete": "INSERT INTO children VALUES (100, 7, 'new'); DELETE FROM children WHERE id = 100; "
    "UPDATE children SET note = 'c' WHERE id = 1",
    "the key itself": "UPDATE children SET id = id + 1000 WHERE id < 4",
    "merge": "MERGE INTO children c USING (VALUES (1, 'm'), (2, 'd'), (500, 'n')) v (id, s) ON c.id = v.id "
    "WHEN MATCHED AND v.s = 'd' THEN DELETE WHEN MATCHED THEN UPDATE SET note = v.s "
    "WHEN NOT MATCHED THEN INSERT VALUES (v.id, NULL, v.s)",
    "on conflict": "INSERT INTO children VALUES (1, 1, 'x'), (600, 1, 'y') ON CONFLICT (id) DO UPDATE SET note = 'z'",
    "on conflict do nothing": "INSERT INTO children VALUES (1, 1, 'x'), (600, 1, 'y') ON CONFLICT DO NOTHING",
    "with": "WITH gone AS (DELETE FROM children WHERE id < 3 RETURNING *) INSERT INTO children "
    "SELECT id + 2000, parent, note FROM gone",
    "a returning of its own": "UPDATE children SET note = 'r' WHERE id < 6 RETURNING id",
    "an alias, and a comment at the end": "UPDATE children AS old SET note = 'r' WHERE old.id < 6 -- done",
    "insert select": "INSERT INTO children SELECT id + 700, parent, note FROM children WHERE id < 11",
    "parts": "UPDATE parts SET v = 'x' WHERE k BETWEEN 95 AND 104",
    "from part to part": "UPDATE parts SET k = k + 100 WHERE k < 3",
    "a part by its own name": "DELETE FROM parts_high WHERE k > 190",
    "computed columns": "UPDATE computed SET a = a + 1 WHERE id < 4; INSERT INTO computed (a) VALUES (77)",
    "large values": "UPDATE large SET t = t || 'z' WHERE id = 1",
    "odd names": """UPDATE "odd ""name" SET "B'" = E'new\\\\' WHERE ",a" = 1""",
    "every row": "UPDATE children SET note = 'all'",
    "nulls": "UPDATE children SET note = NULL, parent = NULL WHERE id = 4",
    "values of every kind": "UPDATE parents SET price = -price, mark = 'x', made = made + interval '1 day', "
    "flags = '{}', doc = '[1, 2]', raw = '\\x00ff' WHERE id = 8",
    "truncate": "TRUNCATE parents CASCADE",
    "truncate, then insert": "TRUNCATE children; INSERT INTO children VALUES (1, 1, 'only')",
    "no row": "UPDATE children SET note = 'x' WHERE id = -1",
    "using": "DELETE FROM children USING parents WHERE parents.id = children.parent AND parents.price > 60",
    "from": "UPDATE children SET note = p.name FROM parents p WHERE p.id = children.parent AND p.id < 4",
    "two tables": "UPDATE children SET note = 'x' WHERE id = 1; DELETE FROM parts WHERE k = 5",
}


SCRIPTS = {
    "a loop of single writes": "for (let i = 1; i <= 5; i++) "
    "await db.query('UPDATE children SET note = $1 WHERE id = $2', ['n' + i, i])",
    "read, then written": "const {rows} = await db.query('SELECT id, note FROM children WHERE id <= 6 ORDER BY id'); "
    "for (const row of rows) if (row.id % 2) await db.query('UPDATE children SET note = $1 WHERE id = $2', "
    "[row.note + '!', row.id])",
    "several tables, one row twice": "await db.query(\"UPDATE children SET note = 'a' WHERE id < 5\"); "
    "await db.query(\"UPDATE children SET note = 'b' WHERE id < 3\"); await db.query('DELETE FROM parts WHERE k = 7'); "
    "await db.query(\"INSERT INTO parts VALUES (900, 8, 'new')\")",
    "an upsert in batches": 'for (const batch of [[1, 2, 500], [501, 502]]) await db.query("INSERT INTO children '
    "SELECT v, 1, 'u' FROM unnest($1::int[]) v ON CONFLICT (id) DO UPDATE SET note = 'u'\", [batch])",
    "a trigger": "for (const id of [3, 4]) await db.query('UPDATE parents SET price = price + 1 WHERE id = $1', [id])",
    "a cascade": "const {rows} = await db.query('DELETE FROM parents WHERE id <= 3 RETURNING id'); "
    "await db.query('INSERT INTO children VALUES ($1, NULL, NULL)', [1000 + rows.length])",
    "merge": "await db.query(\"MERGE INTO children c USING (VALUES (1, 'm'), (500, 'n')) v (id, s) ON c.id = v.id "
    'WHEN MATCHED THEN UPDATE SET note = v.s WHEN NOT MATCHED THEN INSERT VALUES (v.id, NULL, v.s)")',
    "what it added it deletes": "await db.query(\"INSERT INTO children VALUES (700, 1, 'x')\"); "
    "await db.query('UPDATE children SET note = NULL WHERE id = 9'); "
    "await db.query('DELETE FROM children WHERE id = 700')",
    "only what is missing": "const {rows} = await db.query('SELECT id FROM children'); "
    "const there = new Set(rows.map((row) => row.id)); "
    "for (const id of [49, 50, 51, 52]) if (!there.has(id)) await db.query('INSERT INTO children VALUES ($1, 1, $2)', "
    "[id, 'new'])",
}
_ONE = "await db.query('UPDATE children SET note = $1 WHERE id = $2', ['a', 1]); "
_TWO = "await db.query(\"INSERT INTO children VALUES (800, 1, 'x'), (801, 1, 'y')\"); "
_EMPTIED = "TRUNCATE children; INSERT INTO children VALUES (1, 1, 'only'), (99, 1, '')"
_FAIL = "await db.query('SELECT 1/0'); "


def _attempt(*inside: str) -> str:
    return f"try {{ await db.attempt(async () => {{ {''.join(inside)} }}) }} catch (e) {{ console.log(e.code) }} "


SCRIPTS |= {
    "an attempt that holds": _attempt(_ONE, _TWO),
    "an attempt taken back": _attempt(_TWO, _FAIL) + _ONE,
    "only an attempt taken back": _attempt(_ONE, _TWO, _FAIL),
    "an attempt thrown out of": _ONE + _attempt(_TWO, "throw new Error('no')"),
    "the same row in and after an attempt": _attempt(_ONE, _FAIL)
    + "await db.query('DELETE FROM children WHERE id = 1')",
    "the same row before and in an attempt": _ONE
    + _attempt("await db.query('DELETE FROM children WHERE id = 1'); ", _FAIL),
    "an attempt inside of one that is taken back": _attempt(_ONE, _attempt(_TWO), _FAIL) + _TWO,
    "an attempt taken back inside of one that holds": _attempt(
        _ONE, _attempt(_TWO, _FAIL), "await db.query('DELETE FROM parts WHERE k = 4'); "
    ),
    "three deep": _attempt(_ONE, _attempt(_TWO, _attempt("await db.query('DELETE FROM parts'); ", _FAIL)), _FAIL)
    + _TWO,
    "one bad row of many": "for (let i = 45; i <= 55; i++) "
    + _attempt("await db.query('INSERT INTO children VALUES ($1, 1, $2)', [i, 'new']); "),
    "a truncation taken back": _attempt("await db.query('TRUNCATE children'); ", _TWO, _FAIL) + _ONE,
    "a truncation that stays before one taken back": "await db.query('TRUNCATE children'); "
    + _attempt(_TWO, "await db.query('TRUNCATE children'); ", _FAIL),
    "a trigger and a cascade taken back": _attempt(
        "await db.query('UPDATE parents SET price = 0 WHERE id = 2'); ",
        "await db.query('DELETE FROM parents WHERE id = 1'); ",
        _FAIL,
    )
    + _ONE,
    "rows without a key taken back": _attempt("await db.query(\"INSERT INTO plain VALUES (77, 'x')\"); ", _FAIL)
    + "await db.query(\"INSERT INTO plain VALUES (78, 'x')\")",
}
EVERY = {name: (Language.SQL, text) for name, text in WRITES.items()}
EVERY |= {f"script: {name}": (Language.SCRIPT, text) for name, text in SCRIPTS.items()}


@dataclass(frozen=True)
class Shop:
    """The database with its tables filled."""

    database: Database

    @property
    def admin(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A superuser."""
        return self.database.admin

    def job(self, text: str, purpose: Running | Rehearsing, *parameters: str, language: Language = Language.SQL) -> Job:
        """A write."""
        target = self.database.target("writer", Access.WRITE)
        return Job("effect", target, language, text, LIMITS, parameters, purpose)

    def rehearse(self, text: str, sample: int = 1000, seconds: float = 10, language: Language = Language.SQL) -> Effect:
        """The effect of a write that is rolled back."""
        seen = Recorder()
        job = self.job(text, Rehearsing(sample, seconds), language=language)
        outcome = processes.rehearse(job, seen, seen)
        assert seen.transactions == []
        return outcome.effect

    def run(
        self, text: str, purpose: Running | None = None, *parameters: str, language: Language = Language.SQL
    ) -> tuple[Effect, list[Images]]:
        """The effect of a write that commits, and what was kept of it."""
        seen = Recorder()
        job = self.job(text, purpose or Running(keep=KEEP), *parameters, language=language)
        outcome = processes.run(job, seen, seen)
        assert isinstance(outcome, WriteOutcome | ScriptOutcome)
        assert outcome.effect is not None
        return outcome.effect, seen.images

    def rows(self) -> dict[str, dict[tuple[str, str], str]]:
        """Table → place of a row and who wrote it → the row."""
        found: dict[str, dict[tuple[str, str], str]] = {}
        for name in NAMES:
            root = "parts" if name.startswith("parts_") else name
            sql = f"SELECT t.tableoid::text || t.ctid::text, t.xmin::text, t::text FROM ONLY shop.{name} t"
            found.setdefault(root, {}).update({(a, b): row for a, b, row in self.admin.execute(sql).fetchall()})
        return found


@pytest.fixture(scope="module")
def filled(database: Database) -> Iterator[Shop]:
    """The tables, once."""
    admin = database.admin
    admin.execute(f"SET ROLE {database.name}_owner")
    admin.execute("SET search_path = shop")
    admin.execute(TABLES)
    admin.execute(
        f"GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA shop TO {database.name}_writer"
    )
    admin.execute(f"REVOKE ALL ON shop.secrets FROM {database.name}_writer")
    admin.execute("RESET ROLE")
    yield Shop(database)
    admin.execute(f"SET ROLE {database.name}_owner")
    admin.execute(f"DROP TABLE shop.{', shop.'.join(n for n in NAMES if 'parts_' not in n)} CASCADE")
    admin.execute("DROP FUNCTION shop.note, shop.empty_plain, shop.careful")
    admin.execute("RESET ROLE")
    admin.execute("RESET search_path")


@pytest.fixture
def shop(filled: Shop) -> Shop:
    """The tables with the same rows for every test."""
    filled.admin.execute(ROWS)
    return filled


def counts(effect: Effect) -> dict[str, tuple[int, int, int]]:
    return {table.table: (table.inserted, table.updated, table.deleted) for table in effect.tables}


def changed(before: dict[str, dict[tuple[str, str], str]], after: dict[str, dict[tuple[str, str], str]]) -> set[str]:
    """The tables whose rows are not the same."""
    return {name.strip('"').replace('""', '"') for name in before if before[name] != after[name]}


@pytest.mark.sandbox
@pytest.mark.parametrize(("language", "text"), EVERY.values(), ids=EVERY.keys())
def test_rehearsal_tells_what_the_run_then_does(shop: Shop, language: Language, text: str) -> None:
    before = shop.rows()
    rehearsed = shop.rehearse(text, language=language)
    assert shop.rows() == before
    effect, images = shop.run(text, language=language)
    after = shop.rows()
    assert counts(rehearsed) == counts(effect)
    assert rehearsed.exact
    assert effect.exact
    assert changed(before, after) == set(counts(effect))
    for table in effect.tables:
        name = ODD if table.table.startswith("odd") else table.table
        gone, new = set(before[name]) - set(after[name]), set(after[name]) - set(before[name])
        assert (table.updated + table.deleted, table.inserted + table.updated) == (len(gone), len(new))
    keyed = [table for table in rehearsed.tables if table.key]
    assert all(len(table.changes) == table.total for table in keyed)
    if images:
        assert_images_are_the_rows(before, after, images)


def assert_images_are_the_rows(
    before: dict[str, dict[tuple[str, str], str]], after: dict[str, dict[tuple[str, str], str]], images: list[Images]
) -> None:
    """Each image is, to the letter, a row that is gone or one that is new."""
    for name in {piece.image.table for piece in images}:
        quoted = ODD if name.startswith("odd") else name
        changes = [change for piece in images if piece.image.table == name for change in piece.changes]
        gone = sorted(row for place, row in before[quoted].items() if place not in after[quoted])
        new = sorted(row for place, row in after[quoted].items() if place not in before[quoted])
        assert len([change for change in changes if change.before]) == len(gone)
        assert len([change for change in changes if change.after]) == len(new)


def test_kept_values_are_what_the_server_writes(shop: Shop) -> None:
    shop.admin.execute("ALTER TABLE shop.parents DISABLE TRIGGER note")
    _, (piece,) = shop.run("UPDATE parents SET mark = 'x', flags = '{}', price = NULL WHERE id = 8")
    shop.admin.execute("ALTER TABLE shop.parents ENABLE TRIGGER note")
    assert piece.image.key == ("id",)
    assert piece.changes == (
        RowChange(
            ("8", "p8", "12.00", "ab   ", "2024-01-01 00:00:00+00", "{t,f}", '{"n": 1}', "\\xff"),
            ("8", "p8", None, "x    ", "2024-01-01 00:00:00+00", "{}", '{"n": 1}', "\\xff"),
        ),
    )


def test_large_values_are_cut_in_the_sample_and_whole_in_what_is_kept(shop: Shop) -> None:
    text = "UPDATE large SET t = t || 'z' WHERE id = 1"
    (table,) = shop.rehearse(text).tables
    change = table.changes[0]
    assert change.before is not None
    assert change.after is not None
    assert "320000 characters" in str(change.before[1])
    assert len(str(change.before[1])) < 2200
    assert change.before != change.after
    _, images = shop.run(text)
    kept = images[0].changes[0]
    assert kept.after is not None
    assert len(str(kept.after[1])) == 320_001


def test_table_without_a_key_is_told_with_its_rows_apart(shop: Shop) -> None:
    effect, images = shop.run("UPDATE plain SET b = 'y' WHERE a = 1")
    (table,) = effect.tables
    assert (table.updated, table.complete, table.gap) == (4, False, Gap.NO_KEY)
    assert (effect.exact, effect.reversible) == (True, True)
    assert [(change.before, change.after) for piece in images for change in piece.changes] == [
        *[(("1", "x"), None)] * 4,
        *[(None, ("1", "y"))] * 4,
    ]
    (sample,) = shop.rehearse("UPDATE plain SET b = 'z' WHERE a = 2", sample=8).tables
    assert sum(change.after is None for change in sample.changes) == 4
    assert sum(change.before is None for change in sample.changes) == 4


def test_children_of_a_table_are_told_by_their_own_names(shop: Shop) -> None:
    assert counts(shop.rehearse("UPDATE plain SET b = 'y' WHERE a IN (1, 9)")) == {
        "plain": (0, 4, 0),
        "inherited": (0, 3, 0),
    }


def test_rows_past_what_is_told_are_counted_by_the_server(shop: Shop) -> None:
    shop.admin.execute("INSERT INTO shop.children SELECT g, 1, 'x' FROM generate_series(1000, 13000) g")
    effect = shop.rehearse("UPDATE children SET note = 'y' WHERE id >= 1000", sample=5)
    (table,) = effect.tables
    assert (table.updated, table.complete, table.gap) == (12_001, False, Gap.SIZE)
    assert effect.exact
    assert len(table.changes) == 5
    assert all(change.before and change.after for change in table.changes)


def test_rolled_back_savepoint_makes_counts_inexact_never_too_low(shop: Shop) -> None:
    effect, images = shop.run("SELECT careful(300)")
    (table,) = effect.tables
    assert table.inserted >= 1
    assert not effect.exact
    assert images == []
    assert shop.admin.execute("SELECT count(*) FROM shop.children WHERE id >= 300").fetchone() == (1,)


def test_row_that_somebody_else_holds_by_a_foreign_key_is_found(shop: Shop) -> None:
    with psycopg.connect(shop.database.url) as other:
        other.execute("INSERT INTO shop.children VALUES (900, 7, 'mine')")
        (parents,) = [t for t in shop.rehearse("UPDATE parents SET name = 'q' WHERE id = 7").tables if t.key]
        other.rollback()
    assert (parents.updated, parents.complete) == (1, True)
    assert parents.changes[0].before is not None
    assert parents.changes[0].before[1] == "p7"


def test_rows_that_others_commit_meanwhile_are_not_ours(shop: Shop) -> None:
    def insert() -> None:
        with psycopg.connect(shop.database.url) as other:
            other.execute("SELECT pg_sleep(0.3)")
            other.execute("INSERT INTO shop.children VALUES (900, NULL, 'theirs')")

    thread = threading.Thread(target=insert)
    thread.start()
    effect = shop.rehearse("UPDATE children SET note = 'x' WHERE id = 1; SELECT pg_sleep(1)")
    thread.join()
    assert counts(effect) == {"children": (0, 1, 0)}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (Language.SQL, f"UPDATE children SET note = 'x' WHERE id = 1; {_EMPTIED}"),
        (Language.SQL, f"INSERT INTO children VALUES (99); {_EMPTIED}"),
        (Language.SCRIPT, _attempt(_TWO, _FAIL) + "await db.query('TRUNCATE children'); " + _TWO),
    ],
    ids=["updated", "inserted", "inserted in an attempt taken back"],
)
def test_rows_changed_before_a_truncate_are_not_told_as_they_were(shop: Shop, language: Language, text: str) -> None:
    for effect in (shop.rehearse(text, language=language), shop.run(text, language=language)[0]):
        (table,) = effect.tables
        assert table.total >= 51
        assert (effect.exact, effect.reversible, table.gap) == (False, False, Gap.UNCERTAIN)


@pytest.mark.parametrize("text", ["UPDATE hidden SET v = v + 1 WHERE id < 3", "TRUNCATE hidden"])
def test_a_column_that_the_login_may_not_read_is_in_no_writes_way(shop: Shop, text: str) -> None:
    writer = f"{shop.database.name}_writer"
    shop.admin.execute(
        "CREATE TABLE shop.hidden (id int PRIMARY KEY, v int, secret text); "
        "INSERT INTO shop.hidden VALUES (1, 1), (2, 2); "
        f"GRANT UPDATE, TRUNCATE, SELECT (id, v) ON shop.hidden TO {writer}"
    )
    try:
        (table,) = shop.rehearse(text).tables
        effect, images = shop.run(text, Running(bound=2, keep=KEEP))
        assert [(found.total, found.gap) for found in (table, *effect.tables)] == [(2, Gap.DENIED)] * 2
        assert images == []
    finally:
        shop.admin.execute("DROP TABLE shop.hidden")


def test_a_look_that_takes_too_long_costs_the_undo_and_not_the_write(shop: Shop) -> None:
    shop.admin.execute("INSERT INTO shop.children SELECT g, 1, 'x' FROM generate_series(1000, 60000) g")
    text = "UPDATE children SET note = 'z' WHERE id = 1 RETURNING id"
    effect, images = shop.run(text, Running(bound=1, keep=KEEP, seconds=0.001))
    (table,) = effect.tables
    assert table.gap in {Gap.TIME, Gap.UNCERTAIN}
    assert images == []
    assert shop.admin.execute("SELECT note FROM shop.children WHERE id = 1").fetchone() == ("z",)


def test_what_a_trigger_does_to_large_objects_is_told(shop: Shop) -> None:
    shop.admin.execute(
        "CREATE FUNCTION shop.attach() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM lo_create(0); RETURN NULL; "
        "END$$; CREATE TRIGGER attach AFTER UPDATE ON shop.children FOR EACH ROW EXECUTE FUNCTION shop.attach()"
    )
    try:
        effect = shop.rehearse("UPDATE children SET note = 'y' WHERE id = 1")
        assert [change.what for change in effect.schema] == ["system table pg_largeobject_metadata"]
        assert not effect.reversible
    finally:
        shop.admin.execute("DROP FUNCTION shop.attach CASCADE")


def test_truncate_by_a_function_is_not_counted_and_said_so(shop: Shop) -> None:
    effect = shop.rehearse("SELECT empty_plain()")
    assert not effect.counted
    assert {table.table: table.gap for table in effect.tables} == {"plain": Gap.NOT_TOLD, "inherited": Gap.NOT_TOLD}
    with pytest.raises(Refused, match="cannot be counted"):
        shop.run("SELECT empty_plain()", Running(bound=1000))
    assert shop.admin.execute("SELECT count(*) FROM ONLY shop.plain").fetchone() == (20,)


def test_schema_changes_are_told_from_the_catalogue(shop: Shop) -> None:
    text = "CREATE TABLE fresh (id int PRIMARY KEY); INSERT INTO fresh VALUES (1), (2); CREATE INDEX ON fresh (id)"
    effect = shop.rehearse(text)
    assert counts(effect) == {"fresh": (2, 0, 0)}
    assert {change.verb for change in effect.schema} == {SchemaVerb.CREATED}
    assert "table fresh" in {change.what for change in effect.schema}
    assert not effect.reversible


def test_write_over_its_bound_never_commits(shop: Shop) -> None:
    before = shop.rows()
    with pytest.raises(RowBound, match="20 rows") as caught:
        shop.run("UPDATE parents SET name = 'z' WHERE id <= 10", Running(bound=19))
    assert caught.value.detail == {"changed": "20", "bound": "19"}
    assert shop.rows() == before
    effect, _ = shop.run("UPDATE parents SET name = 'z' WHERE id <= 10", Running(bound=20))
    assert effect.total == 20


def test_row_changed_twice_counts_once_against_the_bound(shop: Shop) -> None:
    effect, _ = shop.run(WRITES["one row twice"], Running(bound=9))
    assert effect.total == 9


def test_nothing_is_kept_beyond_the_limits(shop: Shop) -> None:
    for keep in (KeepLimits(5, 1_000_000), KeepLimits(1000, 200)):
        shop.admin.execute(ROWS)
        effect, images = shop.run("UPDATE children SET note = 'x'", Running(keep=keep))
        assert images == []
        assert [table.gap for table in effect.tables] == [Gap.SIZE]
        assert effect.total == 50


def test_time_for_looking_is_bounded_and_the_write_goes_on(shop: Shop) -> None:
    effect, images = shop.run(
        "UPDATE children SET note = 'x' WHERE id = 1 RETURNING id", Running(keep=KEEP, seconds=0.001)
    )
    assert effect.total == 1
    assert images == []
    assert shop.admin.execute("SELECT note FROM shop.children WHERE id = 1").fetchone() == ("x",)


def test_rehearsal_leaves_nothing_behind(shop: Shop) -> None:
    shop.rehearse("UPDATE children SET note = 'x'")
    sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s"
    by = time.monotonic() + 10
    while shop.admin.execute(sql, [f"{shop.database.name}_writer"]).fetchone() != (0,):
        assert time.monotonic() < by
    assert shop.admin.execute(
        "SELECT count(*) FROM pg_locks WHERE relation = 'shop.children'::regclass"
    ).fetchone() == (0,)


def test_refused_row_rolls_all_back(shop: Shop) -> None:
    text = (
        "WITH put AS (UPDATE children SET note = 'x' WHERE id IN (1, 2) RETURNING id) "
        "SELECT 'children ' || k FROM unnest(ARRAY[1, 2, -1]) k WHERE k NOT IN (SELECT id FROM put)"
    )
    with pytest.raises(Refused, match=r"1 row cannot be put back .*children -1"):
        shop.run(text, Running(all_or_nothing=True))
    assert shop.admin.execute("SELECT count(*) FROM shop.children WHERE note = 'x'").fetchone() == (0,)


def test_bound_run_reads_no_table_for_one_plain_statement(shop: Shop) -> None:
    effect, _ = shop.run("UPDATE children SET note = 'x' WHERE id < 4", Running(bound=3, seconds=0.001))
    assert effect == Effect((TableEffect("children", 0, 3, 0),))
    assert replace(effect, exact=True) == effect
