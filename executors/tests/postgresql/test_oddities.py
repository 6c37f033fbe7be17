"""The effect of writes on odd tables: what is told before, what the run does, and what a superuser sees, are one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from executors import processes
from executors.base import Gap, Refused, RowBound, Running, StatementFailed
from executors.tests.postgresql.oddities import REVERSIBLE, ROWS, SCHEMA, WRITES, Counts
from executors.tests.postgresql.shop import KEEP, Shop, counts
from executors.tests.postgresql.test_undo import reverse
from executors.tests.postgresql.world import Database

pytestmark = pytest.mark.releases

Everything = dict[str, dict[tuple[str, ...], str]]

_TABLES = """
SELECT c.oid::regclass::text, coalesce(pg_partition_root(c.oid), c.oid)::regclass::text,
  ARRAY(SELECT quote_ident(a.attname) || '::text' FROM pg_index i JOIN pg_attribute a
    ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey) WHERE i.indrelid = c.oid AND i.indisprimary)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND (n.nspname = 'shop' OR n.nspname LIKE 'My%')
"""


FAR = """
CREATE EXTENSION IF NOT EXISTS postgres_fdw;
CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host {}, port {}, dbname {});
CREATE USER MAPPING FOR {} SERVER far OPTIONS (user {}, password {});
CREATE FOREIGN TABLE shop.far (id int, note text) SERVER far OPTIONS (schema_name 'shop', table_name 'unlogged');
GRANT ALL ON shop.far TO {};
"""


@pytest.fixture(scope="module")
def made(database: Database) -> Iterator[Shop]:
    """The tables, once, in a database of their own."""
    with Database.create(database.url) as own:
        writer = f"{own.name}_writer"
        own.admin.execute(
            f"GRANT CREATE ON DATABASE {own.name} TO {own.name}_owner; SET ROLE {own.name}_owner; {SCHEMA}"
        )
        for schema in ("shop", '"My ""shop"""'):
            own.admin.execute(
                f"GRANT USAGE ON SCHEMA {schema} TO {writer}; GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {writer};"
                f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {writer}"
            )
        own.admin.execute(f"RESET ROLE; SET search_path = shop; ALTER MATERIALIZED VIEW shop.summary OWNER TO {writer}")
        yield Shop(own)
        processes.close()


@pytest.fixture
def odd(made: Shop) -> Shop:
    """The tables with the same rows for every test."""
    made.admin.execute(ROWS)
    return made


def everything(odd: Shop) -> Everything:
    """Table → key of a row (its place, without a key) → which version of it is there."""
    found: Everything = {}
    for table, root, key in odd.admin.execute(_TABLES).fetchall():
        name = f"ARRAY[{', '.join(key)}]" if key else "ARRAY[ctid::text]"
        rows = odd.admin.execute(f"SELECT {name}, tableoid::text || ctid::text || xmin::text FROM ONLY {table}")
        found.setdefault(root.replace('""', "~").replace('"', "").replace("~", '"'), {}).update(
            {tuple(key): version for key, version in rows.fetchall()}
        )
    return found


def difference(before: Everything, after: Everything) -> dict[str, Counts]:
    """Rows added, changed and removed of each table, by its key."""
    found = {}
    for table, rows in after.items():
        was = before.get(table, {})
        changed = sum(rows[key] != was[key] for key in rows.keys() & was.keys())
        count = (len(rows.keys() - was.keys()), changed, len(was.keys() - rows.keys()))
        if any(count):
            found[table] = count
    return found


@pytest.mark.parametrize("name", WRITES)
def test_what_is_rehearsed_is_what_runs_and_what_is_there(odd: Shop, name: str) -> None:
    text, expected = WRITES[name]
    before = everything(odd)
    rehearsed = odd.rehearse(text)
    assert everything(odd) == before
    effect, images = odd.run(text)
    assert counts(rehearsed) == counts(effect) == expected
    assert (rehearsed.exact, effect.exact, effect.counted) == (True, True, True)
    if "unkeyed" not in expected:
        assert difference(before, everything(odd)) == expected
    assert {piece.image.table for piece in images} <= {table.rpartition(".")[2] for table in expected}
    odd.admin.execute("DROP TABLE IF EXISTS shop.made")


@pytest.mark.parametrize("name", REVERSIBLE)
def test_what_was_done_to_odd_tables_is_taken_back_to_the_byte(odd: Shop, name: str) -> None:
    before = contents(odd)
    _, images = odd.run(WRITES[name][0])
    assert contents(odd) != before
    made = reverse(images)
    odd.admin.execute("ALTER TABLE shop.choosy DISABLE TRIGGER choose")
    odd.run(made.statement, Running(keep=KEEP, all_or_nothing=True), *made.parameters)
    odd.admin.execute("ALTER TABLE shop.choosy ENABLE TRIGGER choose")
    assert contents(odd) == before


def contents(odd: Shop) -> dict[str, list[str]]:
    """Every row of every table, as the server writes it."""
    return {
        table: sorted(row for (row,) in odd.admin.execute(f"SELECT t::text FROM ONLY {table} t").fetchall())
        for table, _, _ in odd.admin.execute(_TABLES).fetchall()
    }


def test_rows_of_a_trigger_that_waits_for_commit_count_against_the_bound(odd: Shop) -> None:
    before = everything(odd)
    with pytest.raises(RowBound, match=r"6 rows .*late: 3, late_log: 3|6 rows .*late_log: 3, late: 3"):
        odd.run("UPDATE late SET note = 'y' WHERE id <= 3", Running(bound=5))
    assert everything(odd) == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("INSERT INTO late_child VALUES (300, 300)", "foreign key"),
        ("UPDATE swap SET place = 5 WHERE id = 4", "duplicate key"),
    ],
)
def test_constraint_that_waits_for_commit_fails_the_rehearsal_as_the_run(odd: Shop, text: str, said: str) -> None:
    for attempt in (odd.rehearse, odd.run):
        with pytest.raises(StatementFailed, match=said):
            attempt(text)


def test_rolled_back_savepoint_is_never_counted_too_low(odd: Shop) -> None:
    effect, images = odd.run("SELECT partly_added()")
    late = counts(effect)["late"]
    assert late[2] >= 1
    assert not effect.exact
    assert images == []


def test_rows_that_were_changed_and_vacuumed_before_are_followed(odd: Shop) -> None:
    for _ in range(3):
        odd.admin.execute("UPDATE shop.swap SET place = place + 1")
    odd.admin.execute("VACUUM shop.swap")
    (table,) = odd.rehearse("UPDATE swap SET place = 0 WHERE id = 3").tables
    assert [(change.before, change.after) for change in table.changes] == [(("3", "6"), ("3", "0"))]


def test_rows_that_row_security_hides_are_counted_and_not_shown(odd: Shop) -> None:
    effect, images = odd.run("UPDATE guarded SET note = 'y'")
    (table,) = effect.tables
    assert (table.updated, table.gap, table.changes, images) == (4, Gap.DENIED, (), [])
    assert odd.admin.execute("SELECT count(*) FROM shop.guarded WHERE note = 'y'").fetchone() == (4,)


def test_server_that_does_not_count_is_not_believed(odd: Shop) -> None:
    name = sql.Identifier(f"{odd.database.name}_writer")
    odd.admin.execute(sql.SQL("ALTER ROLE {} SET track_counts = off").format(name))
    try:
        assert not odd.rehearse("UPDATE swap SET place = 0 WHERE id = 3").counted
        with pytest.raises(Refused, match="told not to count"):
            odd.run("UPDATE swap SET place = 0 WHERE id = 3", Running(bound=1000))
    finally:
        odd.admin.execute(sql.SQL("ALTER ROLE {} RESET ALL").format(name))
    assert odd.admin.execute("SELECT place FROM shop.swap WHERE id = 3").fetchone() == (3,)


def test_view_that_holds_rows_is_told_as_an_object_that_changed(odd: Shop) -> None:
    odd.admin.execute("DELETE FROM shop.late_child; DELETE FROM shop.late WHERE id = 1")
    effect = odd.rehearse("REFRESH MATERIALIZED VIEW summary")
    assert effect.tables == ()
    assert [change.what for change in effect.schema] == ["materialized view summary"]
    assert not effect.reversible


def test_rows_of_a_foreign_table_are_said_not_to_be_counted(odd: Shop) -> None:
    known = conninfo_to_dict(odd.database.url)
    writer = sql.Identifier(f"{odd.database.name}_writer")
    server = [sql.Literal(str(known[part])) for part in ("host", "port", "dbname")]
    login = [sql.Literal(part) for part in (f"{odd.database.name}_writer", odd.database.password)]
    odd.admin.execute(sql.SQL(FAR).format(*server, writer, *login, writer))
    try:
        effect = odd.rehearse("UPDATE far SET note = 'far' WHERE id = 1")
        assert ([table.table for table in effect.tables], effect.counted, effect.exact) == (["far"], False, False)
        with pytest.raises(Refused, match="far"):
            odd.run("UPDATE far SET note = 'far' WHERE id = 1", Running(bound=1000))
    finally:
        odd.admin.execute("DROP EXTENSION postgres_fdw CASCADE")
    assert odd.admin.execute("SELECT note FROM shop.unlogged WHERE id = 1").fetchone() == ("x",)
