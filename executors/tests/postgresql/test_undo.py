"""Taking a write back: every row as it was, to the byte, or nothing at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from executors import processes, undoing
from executors.base import (
    Column,
    EngineKind,
    Image,
    Images,
    Job,
    Language,
    NotReversible,
    Refused,
    Rehearsing,
    Reverse,
    RowChange,
    Running,
    StatementFailed,
)
from executors.postgresql.undo import row_text
from executors.tests.postgresql.shop import KEEP, NAMES, Shop
from executors.tests.postgresql.writes import EVERY
from executors.tests.recording import Recorder

pytestmark = pytest.mark.releases

BY_KEY = {
    name: written for name, written in EVERY.items() if name not in {"no row", "script: only an attempt taken back"}
}

KINDS = """
CREATE TYPE shop.pair AS (a text, b int);
CREATE DOMAIN shop.code AS varchar(8) CHECK (value <> 'bad');
CREATE TABLE shop.kinds (id numeric(8,3) PRIMARY KEY, feeling shop.mood, code shop.code, pair shop.pair,
  pairs shop.pair[], words text[], grid int[][], doc json, docb jsonb, raw bytea, fixed char(6), one "char", yes bool,
  small real,
  big float8, exact numeric, cost money, day date, at timestamp, tz timestamptz, clock timetz, span interval, uid uuid,
  bits bit(5),
  vbits bit varying, ip inet, net cidr, mac macaddr, spot point, box box, ranges int4range, many int4multirange,
  search tsvector, place oid, named name, "Odd ""col" text, t text);
GRANT ALL ON shop.kinds TO {writer};
GRANT USAGE ON TYPE shop.pair TO {writer};
"""
VALUES = r'''
INSERT INTO shop.kinds VALUES
 (1.5, 'ok', 'a b', '("x ""y""",3)', ARRAY['(a,1)', NULL, '("",2)']::shop.pair[],
  ARRAY['a,b', 'c"d', NULL, 'NULL', '', E'e\\f', '{g}'], '{{1,2},{3,NULL}}', E'{ "b": 1,\n "a" : [1.0] }',
  '{"b": "é\\u0041"}',
  '\x00ff5c22', 'ab', 'c', true, 1.1, 'NaN', 'Infinity', '-12.30', '0044-03-15 BC', 'infinity',
  '2024-02-29 12:30:00.000001+03',
  '12:00:00+02', '-1 mons +3 days -04:05:06.7', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '10101',
  '', '10.0.0.1/8', '10.0.0.0/8',
  '08:00:2b:01:02:03', '(1.5,2e-7)', '((1,2),(0,0))', 'empty', '{[1,2),[5,8)}', 'fat:2A it''s:1', 4000000000, 'na"me',
  E'tab\there\nline "q" \\ back', ''),
 (3, 'sad', '', '(,)', '{}', '{}', '{}', 'null', 'null', '', '', '', false, '-0', '1e-300', '1.000', '0', '2024-01-01',
  '2024-01-01 00:00', '2024-01-01', '00:00+00', '0',
  'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '00000', '1', '::1', '::/0',
  '08:00:2b:01:02:03', '(0,0)', '((0,0),(0,0))', '(,)', '{}', '', 0, '', '', NULL);
INSERT INTO shop.kinds (id) VALUES (2);
'''


OTHERS = """feeling, code, pair, pairs, words, grid, doc, docb, raw, fixed, one, yes, small, big, exact, cost, day, at,
  tz, clock, span, uid, bits, vbits, ip, net, mac, spot, box, ranges, many, search, place, named, "Odd ""col", t"""


@pytest.fixture
def quiet(shop: Shop) -> Iterator[Shop]:
    """The shop without its trigger: a log without a key cannot be put back."""
    shop.admin.execute("ALTER TABLE shop.parents DISABLE TRIGGER note")
    yield shop
    shop.admin.execute("ALTER TABLE shop.parents ENABLE TRIGGER note")


@pytest.fixture
def kinds(quiet: Shop) -> Iterator[Shop]:
    """And a table with a column of every kind."""
    quiet.admin.execute(f"SET ROLE {quiet.database.name}_owner")
    quiet.admin.execute(KINDS.format(writer=f"{quiet.database.name}_writer"))
    quiet.admin.execute("RESET ROLE")
    quiet.admin.execute(VALUES)
    yield quiet
    quiet.admin.execute("DROP TABLE shop.kinds; DROP DOMAIN shop.code; DROP TYPE shop.pair")


def rows(shop: Shop, *more: str) -> dict[str, list[str]]:
    """Every row of every table, as the server writes it."""
    return {
        name: sorted(row for (row,) in shop.admin.execute(f"SELECT (t.*)::text FROM ONLY shop.{name} t").fetchall())
        for name in (*NAMES, *more)
    }


def reverse(images: list[Images]) -> Reverse:
    return undoing.reverse(EngineKind.POSTGRESQL, images, "Takes back a test")


def put_back(shop: Shop, images: list[Images]) -> list[Images]:
    """Run the reverse of a write; what was kept of it."""
    made = reverse(images)
    effect, kept = shop.run(made.statement, Running(keep=KEEP, all_or_nothing=True), *made.parameters)
    assert effect.total == made.rows
    assert effect.reversible
    return kept


@pytest.mark.sandbox
@pytest.mark.parametrize(("language", "text"), BY_KEY.values(), ids=BY_KEY.keys())
def test_every_row_comes_back_to_the_byte_and_goes_again(quiet: Shop, language: Language, text: str) -> None:
    before = rows(quiet)
    effect, images = quiet.run(text, language=language)
    after = rows(quiet)
    assert before != after
    assert effect.reversible
    kept = put_back(quiet, images)
    assert rows(quiet) == before
    put_back(quiet, kept)
    assert rows(quiet) == after


@pytest.mark.parametrize(
    "text",
    [
        "DELETE FROM kinds",
        f"UPDATE kinds k SET ({OTHERS}) = (SELECT {OTHERS} FROM kinds o WHERE o.id = k.id % 3 + 1) WHERE id > 1",
        "UPDATE kinds SET t = coalesce(t, '') || 'x'",
        "UPDATE kinds SET id = id + 0.001",
        "INSERT INTO kinds SELECT 7, feeling, code, pair FROM kinds WHERE id = 1.5",
    ],
    ids=["deleted", "every column", "one column", "the key", "added"],
)
def test_values_of_every_kind_come_back(kinds: Shop, text: str) -> None:
    before = rows(kinds, "kinds")
    _, images = kinds.run(text)
    after = rows(kinds, "kinds")
    assert before != after
    put_back(kinds, put_back(kinds, images))
    assert rows(kinds, "kinds") == after
    kinds.admin.execute("TRUNCATE shop.kinds")
    kinds.admin.execute(VALUES)


def test_a_row_is_written_as_the_server_writes_it(kinds: Shop) -> None:
    for values, text in kinds.admin.execute(
        "SELECT ARRAY[id::text, feeling::text, code, pair::text, pairs::text, words::text, grid::text, doc::text, "
        'docb::text, raw::text, t, "Odd ""col"], ROW(id, feeling, code, pair, pairs, words, grid, doc, docb, raw, t, '
        '"Odd ""col")::text FROM shop.kinds'
    ).fetchall():
        assert row_text(tuple(values)) == text


@pytest.mark.parametrize(
    "since",
    [
        "UPDATE shop.children SET note = 'theirs' WHERE id = 2",
        "DELETE FROM shop.children WHERE id = 2",
        "UPDATE shop.children SET id = 900 WHERE id = 2",
        "UPDATE shop.children SET note = note || ' ' WHERE id = 2",
        "UPDATE shop.children SET note = NULL WHERE id = 2",
    ],
)
def test_a_row_that_changed_since_refuses_all(quiet: Shop, since: str) -> None:
    _, images = quiet.run("UPDATE children SET note = 'x' WHERE id < 5")
    quiet.admin.execute(since)
    before = rows(quiet)
    with pytest.raises(Refused, match=r"1 row cannot be put back exactly \(children: id 2\)"):
        put_back(quiet, images)
    assert rows(quiet) == before


def test_a_key_that_was_taken_again_refuses_all(quiet: Shop) -> None:
    _, images = quiet.run("DELETE FROM children WHERE id IN (2, 3)")
    quiet.admin.execute("INSERT INTO shop.children VALUES (3, NULL, 'theirs')")
    before = rows(quiet)
    with pytest.raises(Refused, match="children: id 3"):
        put_back(quiet, images)
    assert rows(quiet) == before


def test_an_added_row_that_changed_since_stays(quiet: Shop) -> None:
    _, images = quiet.run("INSERT INTO children VALUES (100, 7, 'new'), (101, 7, 'new')")
    quiet.admin.execute("UPDATE shop.children SET note = 'theirs' WHERE id = 100")
    with pytest.raises(Refused, match="children: id 100"):
        put_back(quiet, images)
    assert quiet.admin.execute("SELECT count(*) FROM shop.children WHERE id > 99").fetchone() == (2,)


def test_a_parent_that_is_gone_refuses_its_children(quiet: Shop) -> None:
    _, images = quiet.run("DELETE FROM children WHERE id = 2")
    quiet.admin.execute("DELETE FROM shop.parents WHERE id = 2")
    with pytest.raises(StatementFailed, match="foreign key"):
        put_back(quiet, images)
    assert quiet.admin.execute("SELECT count(*) FROM shop.children WHERE id = 2").fetchone() == (0,)


def test_a_column_added_since_refuses(quiet: Shop) -> None:
    _, images = quiet.run("UPDATE children SET note = 'x' WHERE id = 2")
    quiet.admin.execute("ALTER TABLE shop.children ADD COLUMN more int DEFAULT 1")
    try:
        with pytest.raises(Refused, match="children: id 2"):
            put_back(quiet, images)
    finally:
        quiet.admin.execute("ALTER TABLE shop.children DROP COLUMN more")


def test_a_trigger_that_changes_what_is_put_back_refuses(quiet: Shop) -> None:
    quiet.admin.execute(
        "CREATE FUNCTION shop.shout() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN new.note = upper(new.note); RETURN new; END$$; CREATE TRIGGER shout BEFORE UPDATE OR INSERT "
        "ON shop.children FOR EACH ROW EXECUTE FUNCTION shop.shout()"
    )
    try:
        for text in ("UPDATE children SET note = 'x' WHERE id = 2", "DELETE FROM children WHERE id = 3"):
            _, images = quiet.run(text)
            before = rows(quiet)
            with pytest.raises(Refused, match="cannot be put back exactly"):
                put_back(quiet, images)
            assert rows(quiet) == before
    finally:
        quiet.admin.execute("DROP FUNCTION shop.shout CASCADE")


TOUCHES = """
ALTER TABLE shop.children ADD COLUMN times int NOT NULL DEFAULT 0;
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$BEGIN
  IF pg_trigger_depth() < 2 THEN UPDATE shop.{table} SET {column} = {column} + 1 WHERE id = new.id; END IF;
  RETURN NULL; END$$;
CREATE {kind} TRIGGER touch AFTER UPDATE OR INSERT ON shop.children {waits} FOR EACH ROW EXECUTE FUNCTION shop.touch()
"""


@pytest.mark.parametrize("waits", ["", "DEFERRABLE INITIALLY DEFERRED"], ids=["at once", "at the commit"])
@pytest.mark.parametrize(
    ("text", "table", "column"),
    [
        ("UPDATE children SET note = 'x' WHERE id = 2", "children", "times"),
        ("UPDATE children SET note = 'x' WHERE id = 2", "parents", "price"),
        ("DELETE FROM children WHERE id = 3", "children", "times"),
    ],
    ids=["updated", "updated elsewhere", "inserted"],
)
def test_a_trigger_that_changes_a_row_after_it_was_put_back_refuses(
    quiet: Shop, text: str, table: str, column: str, waits: str
) -> None:
    kind = "CONSTRAINT" if waits else ""
    quiet.admin.execute(TOUCHES.format(table=table, column=column, kind=kind, waits=waits))
    try:
        _, images = quiet.run(text)
        before, made = rows(quiet), reverse(images)
        with pytest.raises(Refused, match=rf"1 row of shop.{table} would be changed by a trigger"):
            put_back(quiet, images)
        with pytest.raises(Refused, match="Nothing was put back"):
            seen(quiet.job(made.statement, Rehearsing(10, 10, all_or_nothing=True), *made.parameters))
        assert rows(quiet) == before
    finally:
        quiet.admin.execute("DROP FUNCTION shop.touch CASCADE; ALTER TABLE shop.children DROP COLUMN times")


def test_an_added_row_that_a_trigger_brings_back_refuses(quiet: Shop) -> None:
    quiet.admin.execute(
        "CREATE FUNCTION shop.archive() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$BEGIN "
        "INSERT INTO shop.children VALUES (old.id, NULL, 'gone'); RETURN NULL; END$$; "
        "CREATE TRIGGER archive AFTER DELETE ON shop.children FOR EACH ROW EXECUTE FUNCTION shop.archive()"
    )
    try:
        _, images = quiet.run("INSERT INTO children VALUES (100, 7, 'new'), (101, 7, 'new')")
        before = rows(quiet)
        with pytest.raises(Refused, match=r"2 rows of shop.children would be changed by a trigger"):
            put_back(quiet, images)
        assert rows(quiet) == before
    finally:
        quiet.admin.execute("DROP FUNCTION shop.archive CASCADE")


def test_a_trigger_that_computes_again_what_is_put_back_anyway_is_in_nobodys_way(quiet: Shop) -> None:
    quiet.admin.execute(
        "CREATE FUNCTION shop.sum_up() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$BEGIN "
        "UPDATE shop.parents SET price = (SELECT count(*) FROM shop.children WHERE note = 'x') WHERE id = 50; "
        "RETURN NULL; END$$; CREATE TRIGGER sum_up AFTER UPDATE ON shop.children FOR EACH STATEMENT "
        "EXECUTE FUNCTION shop.sum_up(); UPDATE shop.parents SET price = 0 WHERE id = 50"
    )
    try:
        before = rows(quiet)
        _, images = quiet.run("UPDATE children SET note = 'x' WHERE id < 4")
        put_back(quiet, images)
        assert rows(quiet) == before
    finally:
        quiet.admin.execute("DROP FUNCTION shop.sum_up CASCADE")


def test_a_value_that_must_be_unique_is_free_when_it_comes_back(quiet: Shop) -> None:
    quiet.admin.execute("CREATE UNIQUE INDEX once ON shop.children (note) WHERE id > 1000")
    quiet.admin.execute("INSERT INTO shop.children VALUES (1001, NULL, 'a'), (1002, NULL, 'b'), (1003, NULL, 'c')")
    try:
        before = rows(quiet)
        _, images = quiet.run(
            "DELETE FROM children WHERE id = 1003; UPDATE children SET note = 'c' WHERE id = 1002; "
            "INSERT INTO children VALUES (1004, NULL, 'b')"
        )
        put_back(quiet, images)
        assert rows(quiet) == before
    finally:
        quiet.admin.execute("DROP INDEX shop.once")


def test_rows_of_a_table_that_inherits_are_other_rows(quiet: Shop) -> None:
    quiet.admin.execute("CREATE TABLE shop.heirs (PRIMARY KEY (id)) INHERITS (shop.large)")
    quiet.admin.execute("INSERT INTO shop.heirs VALUES (2, 'short'), (1, 'x')")
    quiet.admin.execute(f"GRANT ALL ON shop.heirs TO {quiet.database.name}_writer")
    try:
        quiet.admin.execute("UPDATE ONLY shop.large SET t = 'y'")
        before = rows(quiet, "heirs")
        _, images = quiet.run("UPDATE large SET t = 'z' WHERE id < 3")
        put_back(quiet, images)
        assert rows(quiet, "heirs") == before
    finally:
        quiet.admin.execute("DROP TABLE shop.heirs")


def test_a_rehearsal_shows_the_rows_or_what_refuses(quiet: Shop) -> None:
    _, images = quiet.run("UPDATE children SET note = 'x' WHERE id < 5")
    made = reverse(images)
    purpose = Rehearsing(10, 10, all_or_nothing=True)
    job = quiet.job(made.statement, purpose, *made.parameters)
    assert seen(job) == {(number, number, "n" * 10) for number in ("1", "2", "3", "4")}
    quiet.admin.execute("DELETE FROM shop.children WHERE id = 4")
    with pytest.raises(Refused, match="children: id 4"):
        seen(job)


KEYLESS = {
    "a log that a trigger keeps": "DELETE FROM parents WHERE id BETWEEN 10 AND 14",
    "changed": "UPDATE plain SET b = 'y' WHERE a = 1",
    "changed into one another": "UPDATE plain SET a = (a + 1) % 5",
    "deleted, some of them the same": "DELETE FROM plain WHERE a < 2",
    "added, twice the same and one that was there": "INSERT INTO plain VALUES (1, 'x'), (7, NULL), (7, NULL), (7, '')",
    "a table and its heir": "UPDATE plain SET b = NULL WHERE a IN (1, 9)",
    "with a keyed one": "DELETE FROM plain WHERE a = 3; UPDATE children SET note = 'x' WHERE id < 3",
    "emptied": "TRUNCATE plain",
}
WITHOUT_KEY = {name: (Language.SQL, text) for name, text in KEYLESS.items()}
WITHOUT_KEY |= {f"script: {name}": EVERY[f"script: {name}"] for name in ("a trigger", "a cascade")}


@pytest.mark.sandbox
@pytest.mark.parametrize(("language", "text"), WITHOUT_KEY.values(), ids=WITHOUT_KEY.keys())
def test_rows_without_a_key_come_back_as_many_as_they_were(shop: Shop, language: Language, text: str) -> None:
    shop.admin.execute("INSERT INTO shop.log VALUES ('DELETE'), ('UPDATE'), (NULL)")
    before = rows(shop, "inherited")
    effect, images = shop.run(text, language=language)
    after = rows(shop, "inherited")
    assert before != after
    assert effect.reversible
    shop.admin.execute("ALTER TABLE shop.parents DISABLE TRIGGER note")
    try:
        again = put_back(shop, images)
        assert rows(shop, "inherited") == before
        put_back(shop, again)
        assert rows(shop, "inherited") == after
    finally:
        shop.admin.execute("ALTER TABLE shop.parents ENABLE TRIGGER note")


def test_what_a_trigger_logs_of_the_undo_itself_stays(shop: Shop) -> None:
    before = rows(shop)
    _, images = shop.run("UPDATE parents SET name = 'z' WHERE id < 4")
    made = reverse(images)
    assert "-- shop.log: 3 rows that were added are deleted (it has no key" in made.statement
    effect, _ = shop.run(made.statement, Running(all_or_nothing=True), *made.parameters)
    assert {table.table: (table.inserted, table.updated, table.deleted) for table in effect.tables} == {
        "log": (3, 0, 3),
        "parents": (0, 3, 0),
    }
    assert rows(shop) == {**before, "log": ["(UPDATE)"] * 3}


@pytest.mark.parametrize(
    ("since", "why"),
    [
        ("DELETE FROM shop.plain WHERE b = 'y'", r"4 rows cannot .* \(plain: a row without a key\):"),
        ("DELETE FROM shop.plain WHERE ctid IN (SELECT ctid FROM shop.plain WHERE b = 'y' LIMIT 1)", "1 row cannot"),
        ("UPDATE shop.plain SET b = 'y ' WHERE b = 'y'", "4 rows cannot"),
    ],
)
def test_too_few_rows_without_a_key_refuse_all(shop: Shop, since: str, why: str) -> None:
    _, images = shop.run("UPDATE plain SET b = 'y' WHERE a = 1; UPDATE children SET note = 'x' WHERE id = 1")
    shop.admin.execute(since)
    left = rows(shop)
    with pytest.raises(Refused, match=why):
        put_back(shop, images)
    assert rows(shop) == left


def test_one_row_is_as_good_as_another_that_is_the_same(shop: Shop) -> None:
    _, images = shop.run("INSERT INTO plain VALUES (1, 'x'), (1, 'x')")
    shop.admin.execute("DELETE FROM shop.plain WHERE a = 2; INSERT INTO shop.plain VALUES (1, 'x')")
    put_back(shop, images)
    assert rows(shop)["plain"].count("(1,x)") == 5


def seen(job: Job) -> set[object]:
    recorder = Recorder()
    (table,) = processes.rehearse(job, recorder, recorder).effect.tables
    return {change.after for change in table.changes}


COLUMNS = (Column("id", "integer"), Column("v", "text"))
OURS = Column("portal_left", "text")


@pytest.mark.parametrize(
    "images",
    [
        [],
        [Images(Image("s", "t", COLUMNS, ()), (RowChange(("1", "a"), None), RowChange(None, ("1", "a"))))],
        [Images(Image("s", "t", (), ()), (RowChange((), None),))],
        [
            Images(
                Image("s", "t", (*COLUMNS, Column("portal_left", "text")), ("id",)), (RowChange(None, ("1", "b", "")),)
            )
        ],
        [Images(Image("s", "t", COLUMNS, ("id",), generated=("v",)), (RowChange(("1", "a"), ("1", "b")),))],
    ],
    ids=["nothing kept", "nothing different", "no column", "a name of ours", "only what nobody can set"],
)
def test_what_cannot_be_put_back_is_said(images: list[Images]) -> None:
    with pytest.raises(NotReversible):
        reverse(images)


def test_the_statement_says_what_it_does() -> None:
    image = Image("s", "t", COLUMNS, ("id",))
    made = reverse([Images(image, (RowChange(("1", "a"), ("1", "b")), RowChange(None, ("2", "x"))))])
    assert made.statement.splitlines()[:3] == [
        "-- Takes back a test",
        "-- s.t: 1 row that was added is deleted",
        "-- s.t: 1 row gets back its v",
    ]
    assert made.rows == 2
