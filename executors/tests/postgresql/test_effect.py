"""What a write changed, as the server tells of it: held against what a superuser sees before and after."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import psycopg
import pytest

from executors.base import (
    Effect,
    Gap,
    Images,
    KeepLimits,
    Language,
    Refused,
    RowBound,
    RowChange,
    Running,
    SchemaVerb,
    TableEffect,
)
from executors.tests.postgresql.shop import KEEP, ODD, ROWS, Shop, counts
from executors.tests.postgresql.writes import EMPTIED, EVERY, FAIL, TWO, WRITES, attempt

pytestmark = pytest.mark.releases


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
        (Language.SQL, f"UPDATE children SET note = 'x' WHERE id = 1; {EMPTIED}"),
        (Language.SQL, f"INSERT INTO children VALUES (99); {EMPTIED}"),
        (Language.SCRIPT, attempt(TWO, FAIL) + "await db.query('TRUNCATE children'); " + TWO),
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
