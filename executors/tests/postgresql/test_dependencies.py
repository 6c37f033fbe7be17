"""What a statement stands on is what the server says it is: overloads, views, rules, columns named like functions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from executors import processes
from executors.base import Access, Job, Language, Limits, Refused, StatementFailed, TimedOut
from executors.postgresql.dependencies import Dependencies
from executors.postgresql.engine import PostgreSQLEngine
from executors.postgresql.reading.analysis import read
from executors.tests.postgresql.world import Database
from executors.tests.recording import Recorder

pytestmark = pytest.mark.releases

LIMITS = Limits(seconds=6, rows=1000, bytes=1_000_000, lock_seconds=1)

WORLD = """
SET ROLE {owner};
CREATE TABLE shop.accounts (id int PRIMARY KEY, balance numeric(12,2), rate float8, nextval int, system text);
INSERT INTO shop.accounts VALUES (1, 10.005, 1.5, 7, 'x');
CREATE FUNCTION shop.round(float8, int) RETURNS float8 LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION shop.matches(text, int) RETURNS bool LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR shop.~ (LEFTARG = text, RIGHTARG = int, FUNCTION = shop.matches);
CREATE FUNCTION shop.add(int, int) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT $1 + $2';
CREATE AGGREGATE shop.total (int) (SFUNC = shop.add, STYPE = int, INITCOND = '0');
CREATE TYPE shop.pair AS (a int, b int);
CREATE FUNCTION shop.pair_to_text(shop.pair) RETURNS text LANGUAGE sql AS $$ SELECT 'p' $$;
CREATE CAST (shop.pair AS text) WITH FUNCTION shop.pair_to_text(shop.pair);
CREATE VIEW shop.knobs AS SELECT name, setting FROM pg_settings;
CREATE VIEW shop.knobs_of_knobs AS SELECT * FROM shop.knobs WHERE name LIKE '%timeout';
CREATE VIEW shop.lifting AS SELECT set_config('statement_timeout', '0', false) AS lifted;
CREATE VIEW shop.over_lifting AS SELECT * FROM shop.lifting;
CREATE VIEW shop.rich AS SELECT * FROM shop.accounts WHERE balance > 5;
CREATE VIEW shop.looks AS SELECT * FROM shop.accounts WHERE system IN (SELECT rolname FROM pg_roles) OR true;
CREATE TABLE shop.ruled (a int);
CREATE RULE quietly AS ON INSERT TO shop.ruled DO ALSO UPDATE pg_settings SET setting = '0' WHERE name = 'lock_timeout';
CREATE FUNCTION shop.lift() RETURNS text LANGUAGE sql AS $$ SELECT set_config('statement_timeout', '0', false) $$;
RESET ROLE;
GRANT SELECT ON shop.accounts, shop.knobs, shop.knobs_of_knobs, shop.lifting, shop.over_lifting, shop.rich TO {reader};
GRANT ALL ON shop.accounts, shop.knobs, shop.knobs_of_knobs, shop.lifting, shop.over_lifting, shop.rich TO {writer};
GRANT ALL ON shop.ruled, shop.looks TO {writer};
"""


@pytest.fixture(scope="module")
def shop(database: Database) -> Iterator[Database]:
    """The shop with overloads, views over settings and rules; everything goes again afterwards."""
    roles = {who: f"{database.name}_{who}" for who in ("owner", "reader", "writer")}
    kept = {oid for (oid,) in database.admin.execute("SELECT oid FROM pg_proc WHERE oid >= 16384").fetchall()}
    database.admin.execute(WORLD.format(**roles))
    yield database
    database.admin.execute(
        "DROP VIEW shop.over_lifting, shop.lifting, shop.knobs_of_knobs, shop.knobs, shop.rich, shop.looks;"
        "DROP TABLE shop.ruled, shop.accounts; DROP TYPE shop.pair CASCADE; DROP OPERATOR shop.~ (text, int);"
    )
    made = database.admin.execute(
        "SELECT oid::regprocedure::text, prokind FROM pg_proc WHERE oid >= 16384 AND NOT oid = ANY (%s) "
        "ORDER BY prokind = 'f'",
        [list(kept)],
    ).fetchall()
    for name, kind in made:
        database.admin.execute(f"DROP {'AGGREGATE' if kind == 'a' else 'FUNCTION'} {name}")


def run(database: Database, statement: str, access: Access, *parameters: str) -> Recorder:
    recorder = Recorder()
    who = "reader" if access is Access.READ else "writer"
    job = Job("stands", database.target(who, access), Language.SQL, statement, LIMITS, parameters)
    processes.run(job, recorder, recorder)
    return recorder


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("SELECT round(avg(balance), 2) FROM accounts", id="guard-03"),
        "SELECT round(balance, 1), round(rate), round(1.5) FROM accounts",
        "EXPLAIN SELECT round(avg(balance), 2) FROM accounts",
        "SELECT pg_catalog.round(rate) FROM accounts",
        "SELECT count(*), count(id) FROM accounts",
        "SELECT system ~ 'x' FROM accounts",
        "SELECT id::text FROM accounts",
        pytest.param("SELECT o.nextval FROM (SELECT 1 AS nextval) o", id="guard-04"),
        "SELECT (o).nextval FROM (SELECT 1 AS nextval) o",
        "SELECT o.nextval FROM accounts o",
        "SELECT accounts.nextval, shop.accounts.nextval, accounts.system FROM shop.accounts",
        "WITH o AS (SELECT 1 AS nextval) SELECT o.nextval FROM o",
        "SELECT v.setval FROM (VALUES (1)) v (setval)",
        "SELECT a.nextval FROM accounts a JOIN (SELECT 1 AS lo_unlink) b ON b.lo_unlink = a.id",
        "SELECT * FROM rich",
        "SELECT setting FROM knobs_of_knobs",
        "SELECT * FROM accounts WHERE EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.pid > 0)",
    ],
)
def test_a_read_is_not_refused_for_a_name(shop: Database, statement: str) -> None:
    assert run(shop, statement, Access.READ).count >= 1


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("SELECT round(rate, 2) FROM accounts", "shop.round"),
        ("SELECT shop.round(1, 2)", "shop.round"),
        ("SELECT round(1.5::float8, 2)", "shop.round"),
        ("EXPLAIN ANALYZE SELECT round(rate, 2) FROM accounts", "shop.round"),
        ("SELECT 'a' ~ 1", "shop.matches"),
        ("SELECT total(id) FROM accounts", "shop.total"),
        ("SELECT sum(id) OVER (), total(id) OVER () FROM accounts", "shop.total"),
        ("SELECT ROW(1, 2)::shop.pair::text", "shop.pair_to_text"),
        ("SELECT (n).pg_advisory_lock FROM (SELECT 1::bigint AS n) n", "pg_advisory_lock"),
        ("SELECT lifted FROM lifting", "set_config"),
        ("SELECT 1 WHERE EXISTS (SELECT FROM shop.over_lifting)", "set_config"),
        ("WITH a AS (SELECT * FROM over_lifting) SELECT * FROM a", "set_config"),
    ],
)
def test_a_read_is_refused_for_what_the_server_would_call(shop: Database, statement: str, named: str) -> None:
    with pytest.raises(Refused, match=named):
        run(shop, statement, Access.READ)


def test_types_of_parameters_decide_as_the_server_infers_them(shop: Database) -> None:
    assert run(shop, "SELECT round(balance * $1, 2) FROM accounts", Access.READ, "2").count == 1
    with pytest.raises(Refused, match=r"shop\.round"):
        run(shop, "SELECT round(rate * $1, 2) FROM accounts", Access.READ, "2")


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(
            "CREATE VIEW shop.s AS SELECT name, setting FROM pg_settings; "
            "UPDATE shop.s SET setting = '0' WHERE name = 'statement_timeout'",
            id="guard-02",
        ),
        "UPDATE knobs SET setting = '0' WHERE name = 'statement_timeout'",
        "UPDATE knobs_of_knobs SET setting = '0' WHERE name = 'lock_timeout'",
        "WITH a AS (UPDATE shop.knobs SET setting = '0') SELECT 1",
        "MERGE INTO knobs k USING (SELECT 1) a ON k.name = 'role' WHEN MATCHED THEN UPDATE SET setting = 'x'",
        "INSERT INTO ruled VALUES (1)",
        "SELECT * FROM lifting",
        "INSERT INTO accounts SELECT 9, 1 FROM over_lifting",
        "CREATE VIEW shop.s AS SELECT * FROM knobs; ALTER VIEW shop.s RENAME TO t; UPDATE shop.t SET setting = '0'",
        "CREATE TABLE shop.b AS SELECT lifted FROM lifting",
        "UPDATE pg_catalog.pg_settings SET setting = '0'",
        "UPDATE {database}.pg_catalog.pg_settings SET setting = '0' WHERE name = 'statement_timeout'",
    ],
)
def test_limits_are_lifted_by_no_name(shop: Database, statement: str) -> None:
    before = shop.state()
    with pytest.raises((Refused, StatementFailed)):
        run(shop, statement.format(database=shop.name), Access.WRITE)
    assert shop.state() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE rich SET rate = 1 WHERE id = 1",
        "UPDATE looks SET rate = 1 WHERE id = 1",
        "UPDATE accounts SET rate = round(rate, 2) WHERE id = 1",
        "UPDATE accounts a SET nextval = a.nextval + 1 WHERE a.id = 1",
    ],
)
def test_what_stands_on_tables_of_the_target_is_changed(shop: Database, statement: str) -> None:
    run(shop, statement, Access.WRITE)


@pytest.mark.parametrize("access", [Access.READ, Access.WRITE])
@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(
            "SELECT {database}.pg_catalog.ts_rewrite('a'::tsquery, 'select ''a''::tsquery, ''b''::tsquery')",
            id="guard-01",
        ),
        'SELECT "{database}"."pg_catalog"."pg_notify"(\'a\', \'b\')',
        "SELECT 1 FROM {database}.pg_catalog.ts_stat('select 1')",
        "SELECT 1 OPERATOR({database}.shop.+) 1",
        "SELECT nothing.pg_catalog.set_config('role', 'x', false)",
    ],
)
def test_a_name_is_the_same_name_however_it_is_qualified(database: Database, statement: str, access: Access) -> None:
    assert not read(statement.format(database=database.name), (), access).analysis.valid


def test_the_databases_own_function_is_looked_up_behind_its_database(shop: Database) -> None:
    with pytest.raises(Refused, match=r"shop\.burn"):
        run(shop, f"SELECT {shop.name}.shop.burn()", Access.READ)
    assert read("SELECT 1 OPERATOR(x.pg_catalog.+) 1", (), Access.READ).analysis.valid


def test_the_same_is_told_at_submission_without_running_anything(shop: Database) -> None:
    job = Job("asks", shop.target("reader"), Language.SQL, "", LIMITS)
    session = PostgreSQLEngine().open(job, Recorder())
    try:
        asks = Dependencies(session._wire, Access.READ)
        found = []
        for statement in ("SELECT round(rate, 2) FROM accounts", "SELECT round(balance, 2) FROM accounts"):
            reading = read(statement, (), Access.READ)
            found.append(asks.find(reading.statements[0], reading.facts[0], statement))
        assert [finding and finding.code.value for finding in found] == ["refused_function", None]
    finally:
        session.close(clean=False)


def test_what_the_server_cannot_read_is_said_at_its_place(shop: Database) -> None:
    with pytest.raises(StatementFailed) as caught:
        run(shop, "SELECT round(\n  nothing, 2) FROM accounts", Access.READ)
    assert (caught.value.detail["line"], caught.value.detail["column"]) == ("2", "3")


def test_the_deadline_holds_and_nothing_is_committed_when_a_function_lifts_a_limit(shop: Database) -> None:
    """A function of the database's own may do this out of sight: our own clock and the look before COMMIT remain."""
    shop.admin.execute("UPDATE shop.accounts SET rate = 1.5")
    with pytest.raises(Refused, match="statement_timeout"):
        run(shop, "UPDATE accounts SET rate = 99 WHERE shop.lift() = '0'", Access.WRITE)
    assert shop.admin.execute("SELECT rate FROM shop.accounts").fetchall() == [(1.5,)]
    job = Job(
        "lifts", shop.target("writer", Access.WRITE), Language.SQL, "SELECT shop.lift(); SELECT pg_sleep(60)",
        Limits(seconds=2, rows=10, bytes=1000),
    )  # fmt: skip
    with pytest.raises(TimedOut):
        processes.run(job, Recorder(), Recorder())
