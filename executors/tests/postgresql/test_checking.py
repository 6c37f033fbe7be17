"""The target's own word: what a real server says of names and types before anything is approved, and runs nothing."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import psycopg
import pytest

from executors import processes
from executors.base import Access, Analysis, EngineKind, Finding, FindingCode, Language, Severity, Target, Verified
from executors.tests.asked import asked
from executors.tests.postgresql.world import Database

pytestmark = pytest.mark.releases


def look(
    database: Database,
    text: str,
    access: Access = Access.READ,
    *,
    language: Language = Language.SQL,
    parameters: int = 0,
) -> Analysis:
    """Read as submission does, then ask."""
    analysis = processes.read(language, EngineKind.POSTGRESQL, text, ["1"] * parameters, access)
    return asked(database.target("reader"), language, text, access, analysis)


def told(analysis: Analysis) -> list[Finding]:
    return [finding for finding in analysis.findings if finding.severity is Severity.ERROR]


@pytest.fixture(autouse=True)
def _flights(database: Database) -> Iterator[None]:
    """Tables with the names of the demo, in the target's schema and in one that the reader may not look into."""
    database.admin.execute("""
        CREATE TABLE shop.flights (carrier text, "Tail Num" text, delay int, day date);
        CREATE SCHEMA other; CREATE TABLE other.parcels (id int);
        CREATE SCHEMA vault; CREATE TABLE vault.coins (id int);
        CREATE TYPE shop.temper AS ENUM ('sad'); CREATE STATISTICS shop.numbers ON carrier, delay FROM shop.flights;
        CREATE DOMAIN shop.positive AS int CONSTRAINT above CHECK (VALUE > 0);
        ALTER TABLE shop.flights ADD CONSTRAINT whole CHECK (delay > -1000);
        CREATE FUNCTION vault.mint(int) RETURNS int LANGUAGE sql AS 'SELECT $1';
    """)
    reader = f"{database.name}_reader"
    database.admin.execute(f"GRANT SELECT ON shop.flights TO {reader}; GRANT USAGE ON SCHEMA other TO {reader}")
    yield
    database.admin.execute(
        "DROP TABLE shop.flights; DROP SCHEMA other CASCADE; DROP SCHEMA vault CASCADE; DROP TYPE shop.temper;"
        "DROP DOMAIN shop.positive"
    )


UNKNOWN = {
    "page-04": ("SELECT carier FROM flihts", 1, 20, 'Relation "flihts" does not exist.', "Did you mean flights?"),
    "column": ("SELECT carier FROM flights", 1, 8, 'Column "carier" does not exist.', "carrier"),
    "column of an alias": ("SELECT f.delai\nFROM flights f", 1, 8, "Column f.delai does not exist.", "delay"),
    "on a later line": ("SELECT 1\nFROM\n  flihts", 3, 3, 'Relation "flihts" does not exist.', "Did you mean flights?"),
    "after letters that are not ASCII": ("SELECT 'é😀' FROM flihts", 1, 18, "", "Did you mean flights?"),
    "in another schema": ("SELECT id FROM parcels", 1, 16, "", "Did you mean other.parcels?"),
    "with its schema": ("SELECT id FROM other.parcel", 1, 16, "", "Did you mean other.parcels?"),
    "a schema": ("SELECT id FROM othre.parcels", 1, 16, "", ""),
    "a function": ("SELECT lenght(carrier) FROM flights", 1, 8, "", "Did you mean length?"),
    "a type": ("SELECT carrier::integr FROM flights", 1, 17, "", "Did you mean integer?"),
    "arguments": ("SELECT lower(carrier, 1) FROM flights", 1, 8, "", "No function matches"),
    "an operator": ("SELECT carrier + delay FROM flights", 1, 16, "", "No operator matches"),
    "in a subquery": ("SELECT 1 WHERE EXISTS (SELECT FROM flihts)", 1, 36, "", "Did you mean flights?"),
    "under EXPLAIN": ("EXPLAIN SELECT carrier FROM flihts", 1, 29, "", "Did you mean flights?"),
    "a name in quotes": ('SELECT "Tail Nam" FROM flights', 1, 8, "", "Tail Num"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_name_that_is_not_there_is_an_error_at_its_place(database: Database, name: str) -> None:
    text, line, column, message, hint = UNKNOWN[name]
    (finding,) = told(look(database, text))
    assert (finding.code, finding.line, finding.column) == (FindingCode.UNKNOWN_NAME, line, column)
    assert message in finding.message
    assert finding.message.endswith(".")
    assert hint in finding.hint


WRITES = {
    "insert": ("INSERT INTO flihts VALUES (1)", 1, 13),
    "columns of insert": ("INSERT INTO flights (carier) VALUES ('x')", 1, 22),
    "update": ("UPDATE flights SET carier = 'x' WHERE delay = 1", 1, 20),
    "delete": ("DELETE FROM flights WHERE carier = 'x'", 1, 27),
    "merge": ("MERGE INTO flights f USING planes p ON f.delay = 1 WHEN MATCHED THEN DELETE", 1, 28),
    "the second of two": ("UPDATE flights SET delay = 1 WHERE delay = 2;\nDELETE FROM flihts WHERE delay = 1", 2, 13),
    "alter": ("ALTER TABLE flihts ADD x int", 1, 13),
    "a column to drop": ("ALTER TABLE flights DROP COLUMN delai", 1, 13),
    "a column to rename": ("ALTER TABLE flights RENAME COLUMN delai TO late", 1, 13),
    "drop": ("DROP TABLE flihts", None, None),
    "truncate": ("TRUNCATE flights, flihts", 1, 19),
    "an index": ("CREATE INDEX ON flihts (carrier)", 1, 17),
    "a column of an index": ("CREATE INDEX ON flights (carier)", 1, 17),
    "a view": ("CREATE VIEW late AS SELECT * FROM flihts", 1, 35),
    "a foreign key": ("CREATE TABLE x (id int REFERENCES flihts)", 1, 35),
    "a comment": ("COMMENT ON TABLE flihts IS 'x'", None, None),
    "a comment on a column": ("COMMENT ON COLUMN flights.delai IS 'x'", None, None),
    "a comment on a schema": ("COMMENT ON SCHEMA othr IS 'x'", None, None),
    "a comment on a constraint": ("COMMENT ON CONSTRAINT nosuch ON flights IS 'x'", None, None),
    "a type": ("DROP TYPE shop.temperr", None, None),
    "a schema": ("DROP SCHEMA othr CASCADE", None, None),
    "a domain": ("DROP DOMAIN temper", None, None),
    "statistics": ("DROP STATISTICS nosuch", None, None),
    "a view that is a table": ("DROP VIEW flights", None, None),
    "a sequence": ("DROP SEQUENCE flights", None, None),
    "a constraint": ("ALTER TABLE flights DROP CONSTRAINT nosuch", 1, 13),
    "a trigger": ("ALTER TABLE flights DISABLE TRIGGER nosuch", 1, 13),
    "a constraint of a domain": ("ALTER DOMAIN positive DROP CONSTRAINT nosuch", None, None),
    "a value of an enum": ("ALTER TYPE temper RENAME VALUE 'nosuch' TO 'x'", None, None),
    "a type to rename": ("ALTER TYPE temperr RENAME TO x", None, None),
    "a schema to rename": ("ALTER SCHEMA othr RENAME TO x", None, None),
    "a constraint to defer": ("SET CONSTRAINTS nosuch DEFERRED", 1, 17),
    "the type of a column": ("CREATE TABLE x (id temperr)", None, None),
    "a column of a foreign key": ("CREATE TABLE x (id int REFERENCES flights (delai))", 1, 35),
    "a column of a check": ("ALTER TABLE flights ADD CHECK (delai > 1)", 1, 13),
    "a column in an index": ("CREATE INDEX ON flights (lower(carier))", 1, 17),
    "after a change": ("CREATE TABLE x (id int); INSERT INTO x SELECT delay FROM flihts", 1, 58),
    "a table made of a query": ("CREATE TABLE x AS SELECT * FROM flihts", 1, 33),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITES)
def test_write_is_told_of_the_same(database: Database, name: str) -> None:
    text, line, column = WRITES[name]
    (finding,) = told(look(database, text, Access.WRITE))
    assert (finding.code, finding.line, finding.column) == (FindingCode.UNKNOWN_NAME, line, column)


GOOD = [
    "SELECT carrier, sum(delay) FROM flights GROUP BY 1",
    "WITH late AS (SELECT * FROM flights WHERE delay > 1) SELECT * FROM late",
    "SELECT * FROM pg_catalog.pg_class, information_schema.tables LIMIT 1",
    "SELECT twice(delay) FROM flights",
    "SELECT round(delay, 2) FROM flights",
    "SHOW server_version",
    "VALUES (1), (2)",
]
GOOD_WRITES = [
    "INSERT INTO flights VALUES ('UA', 'N1', 3, '2013-01-01')",
    "CREATE TABLE x (id int PRIMARY KEY); INSERT INTO x VALUES (1); DROP TABLE x",
    "CREATE TABLE x (id serial); DROP INDEX x_pkey",
    "CREATE TABLE x (id int CHECK (id > 0), day temper, FOREIGN KEY (id) REFERENCES orders (id))",
    "CREATE TYPE size AS ENUM ('s'); CREATE TABLE x (size size); DROP TYPE size",
    "DROP TYPE temper; DROP SCHEMA other; DROP STATISTICS numbers",
    "ALTER TYPE temper RENAME VALUE 'sad' TO 'low'",
    "ALTER DOMAIN positive DROP CONSTRAINT above",
    "ALTER TABLE flights DROP CONSTRAINT whole, ADD CHECK (delay > 1)",
    "COMMENT ON CONSTRAINT whole ON flights IS 'x'; COMMENT ON COLUMN flights.delay IS 'y'",
    "COMMENT ON SCHEMA other IS 'x'",
    "CREATE INDEX ON flights (lower(carrier)) WHERE delay > 1",
    "CREATE SCHEMA s CREATE TABLE t (id int); INSERT INTO s.t VALUES (1)",
    "ALTER TABLE flights ADD late bool, ALTER late SET NOT NULL",
    "DROP TABLE IF EXISTS flights",
    "DELETE FROM orders WHERE id = 1",
]


# Valid, but not all of its names can be told beforehand.
UNTOLD = [
    "CREATE TABLE x (id int); CREATE INDEX i ON x (id)",
    "CREATE TABLE x (id int); ALTER TABLE x ADD y int; UPDATE x SET y = 1 WHERE id = 1",
    "ALTER TABLE flights RENAME TO legs; UPDATE legs SET delay = 0 WHERE delay = 1",
    "ALTER TABLE flights ADD late bool; UPDATE flights SET late = false WHERE delay = 1",
    "SELECT * INTO x FROM flights; DELETE FROM x WHERE delay = 1",
    "CREATE VIEW late AS SELECT delai FROM flights",
    "CREATE TABLE x (id int DEFAULT nosuch())",
    "CREATE TABLE x (id text COLLATE nosuch)",
    "CREATE TABLE x (id int CHECK (idd > 0))",
    "SHOW nosuch",
]
OPTIONAL = {
    "DROP TABLE IF EXISTS flihts": "Did you mean flights?",
    "ALTER TABLE IF EXISTS flihts ADD x int": "Did you mean flights?",
    "DROP TYPE IF EXISTS nosuch": "",
    "DROP SCHEMA IF EXISTS othr": "Did you mean other?",
    "ALTER TABLE flights DROP CONSTRAINT IF EXISTS nosuch": "",
}


@pytest.mark.parametrize("text", UNTOLD)
def test_names_are_not_called_known_where_some_cannot_be_looked_up(database: Database, text: str) -> None:
    analysis = look(database, text, Access.WRITE)
    assert [finding.code for finding in analysis.findings if finding.code is FindingCode.NAMES_NOT_CHECKED]
    assert told(analysis) == []
    assert Verified.NAMES_KNOWN not in analysis.verified


@pytest.mark.parametrize("text", OPTIONAL)
def test_what_if_exists_passes_over_is_said(database: Database, text: str) -> None:
    analysis = look(database, text, Access.WRITE)
    (finding,) = [finding for finding in analysis.findings if finding.code is FindingCode.UNKNOWN_NAME]
    assert finding.severity is Severity.INFO
    assert finding.message.endswith("does not exist: IF EXISTS passes over it.")
    assert finding.hint == OPTIONAL[text]
    assert Verified.NAMES_KNOWN not in analysis.verified


@pytest.mark.parametrize("text", GOOD)
def test_what_is_there_is_known(database: Database, text: str) -> None:
    analysis = look(database, text)
    assert told(analysis) == []
    assert Verified.NAMES_KNOWN in analysis.verified


@pytest.mark.parametrize("text", GOOD_WRITES)
def test_what_a_write_makes_or_finds_is_known(database: Database, text: str) -> None:
    analysis = look(database, text, Access.WRITE)
    assert told(analysis) == []
    assert Verified.NAMES_KNOWN in analysis.verified


def test_nothing_is_run_and_nothing_stays(database: Database) -> None:
    before = database.state()
    look(database, "DELETE FROM orders WHERE id = 1; INSERT INTO orders VALUES (9); DROP TABLE orders", Access.WRITE)
    look(database, "SELECT burn()")
    assert database.state() == before


def test_parameters_take_the_types_of_their_places(database: Database) -> None:
    assert look(database, "SELECT * FROM flights WHERE delay = $1", parameters=1).valid
    (finding,) = told(look(database, "SELECT lower($1, $2)", parameters=2))
    assert finding.code is FindingCode.UNKNOWN_NAME


def test_value_of_the_wrong_type_is_an_error(database: Database) -> None:
    (finding,) = told(look(database, "SELECT * FROM flights WHERE day = 'tomorow'"))
    assert (finding.code, finding.line, finding.column) == (FindingCode.TARGET_REFUSES, 1, 35)


def test_table_that_a_read_may_not_read_is_an_error(database: Database) -> None:
    (finding,) = told(look(database, "SELECT * FROM secrets"))
    assert finding.code is FindingCode.TARGET_REFUSES
    assert "secrets" in finding.message
    (finding,) = told(look(database, "SELECT * FROM vault.coins"))
    assert "permission denied" in finding.message.lower()


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO vault.coins VALUES (1)",
        "UPDATE orders SET total = vault.mint(1) WHERE id = 1",
        "TRUNCATE vault.coins",
    ],
)
def test_what_only_the_write_login_may_see_is_neither_wrong_nor_vouched_for(database: Database, text: str) -> None:
    analysis = look(database, text, Access.WRITE)
    assert told(analysis) == []


def test_hidden_schema_of_the_search_path_is_not_taken_for_a_missing_table(database: Database) -> None:
    target = database.target("reader")
    target = Target(target.key, target.engine, target.access, target.url, ("shop", "vault"))
    text = "DELETE FROM coins WHERE id = 1"
    analysis = processes.read(Language.SQL, EngineKind.POSTGRESQL, text, (), Access.WRITE)
    checked = processes.check(target, Language.SQL, text, Access.WRITE, analysis)
    assert told(checked) == []
    assert Verified.NAMES_KNOWN not in checked.verified


def test_call_of_a_script_is_asked_about_at_its_place(database: Database) -> None:
    text = "const rows = await db.query('SELECT delay FROM flights');\nreturn db.query('SELECT carier FROM flihts');"
    (finding,) = told(look(database, text, language=Language.SCRIPT))
    assert (finding.code, finding.line, finding.column) == (FindingCode.UNKNOWN_NAME, 2, 8)
    assert finding.hint == "Did you mean flights?"
    assert (
        Verified.NAMES_KNOWN
        in look(database, text.replace("carier FROM flihts", "1"), language=Language.SCRIPT).verified
    )


def test_script_that_nobody_can_read_is_not_vouched_for(database: Database) -> None:
    text = "const name = 'flights';\nreturn db.query('SELECT * FROM ' + name);"
    assert Verified.NAMES_KNOWN not in look(database, text, language=Language.SCRIPT).verified


def test_what_a_run_would_refuse_is_refused_at_submission(database: Database) -> None:
    for text, line, column in (("SELECT burn()", 1, 1), ("\n  SELECT burn_as_owner()", 2, 3)):
        (finding,) = told(look(database, text))
        assert (finding.code, finding.line, finding.column) == (FindingCode.REFUSED_FUNCTION, line, column)


def test_function_of_the_server_is_not_taken_for_its_namesake(database: Database) -> None:
    """guard-03: `lower` here is PostgreSQL's own, whatever the schema has."""
    assert Verified.NAMES_KNOWN in look(database, "SELECT lower(carrier) FROM flights").verified


def outer(analysis: Analysis) -> list[str]:
    return [finding.message for finding in analysis.findings if finding.code is FindingCode.OUTER_NAME]


def test_name_of_a_subquery_that_means_the_table_outside_is_told_for_certain(database: Database) -> None:
    """told-05, with the columns there really are."""
    text = "DELETE FROM flights WHERE carrier IN (SELECT {} FROM orders)"
    (message,) = outer(look(database, text.format("carrier"), Access.WRITE))
    assert message.startswith("orders has no column carrier")
    analysis = look(database, text.format("email"), Access.WRITE)
    assert outer(analysis) == []
    assert Verified.NAMES_KNOWN in analysis.verified


def test_write_is_not_called_filtered_where_the_target_says_otherwise(database: Database) -> None:
    """told-05: what reading claims of a text alone, the columns of the tables refute."""
    text = "DELETE FROM flights WHERE carrier = (SELECT {} FROM orders LIMIT 1)"
    analysis = look(database, text.format("carrier"), Access.WRITE)
    assert len(outer(analysis)) == 1
    assert Verified.EVERY_WRITE_FILTERED not in analysis.verified
    assert Verified.EVERY_WRITE_FILTERED in look(database, text.format("email"), Access.WRITE).verified


def test_name_of_a_subquery_is_only_supposed_where_nobody_answers(database: Database) -> None:
    text = "DELETE FROM flights WHERE carrier IN (SELECT carrier FROM orders)"
    analysis = processes.read(Language.SQL, EngineKind.POSTGRESQL, text, (), Access.WRITE)
    gone = database.elsewhere(database.target("reader"), port=1)
    (message,) = outer(processes.check(gone, Language.SQL, text, Access.WRITE, analysis))
    assert message.startswith("If orders has no column")


def silent(finding: Finding) -> bool:
    return finding.code is FindingCode.NAMES_NOT_CHECKED and finding.severity is Severity.INFO


def test_target_that_is_not_there_is_a_note(database: Database) -> None:
    gone = database.elsewhere(database.target("reader"), port=1)
    analysis = processes.read(Language.SQL, EngineKind.POSTGRESQL, "SELECT carier FROM flihts", (), Access.READ)
    checked = processes.check(gone, Language.SQL, "SELECT carier FROM flihts", Access.READ, analysis)
    assert checked.valid
    assert list(map(silent, checked.findings)) == [True]
    assert Verified.NAMES_KNOWN not in checked.verified


def test_target_that_never_answers_is_a_note_in_time(database: Database) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        mute = database.elsewhere(database.target("reader"), port=server.getsockname()[1])
        analysis = processes.read(Language.SQL, EngineKind.POSTGRESQL, "SELECT 1", (), Access.READ)
        began = time.monotonic()
        checked = processes.check(mute, Language.SQL, "SELECT 1", Access.READ, analysis)
    assert time.monotonic() - began < 6
    assert list(map(silent, checked.findings)) == [True]


def test_table_that_somebody_locks_is_a_note_in_time(database: Database) -> None:
    with psycopg.connect(database.url) as other:
        other.execute("LOCK TABLE shop.flights IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        checked = look(database, "SELECT carrier FROM flights")
        assert time.monotonic() - began < 6
    assert checked.valid
    assert Verified.NAMES_KNOWN not in checked.verified
    assert list(map(silent, checked.findings)) == [True]


def test_connection_that_died_while_idle_is_replaced(database: Database) -> None:
    assert Verified.NAMES_KNOWN in look(database, "SELECT 1").verified
    database.admin.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s", [f"{database.name}_reader"]
    )
    assert Verified.NAMES_KNOWN in look(database, "SELECT 1").verified


@pytest.mark.slow
def test_ten_thousand_statements_are_asked_about(database: Database, patient: None) -> None:
    text = "UPDATE flights SET delay = 1 WHERE delay = 2;\n" * 9_999 + "DELETE FROM flihts WHERE delay = 1"
    (finding,) = told(look(database, text, Access.WRITE))
    assert (finding.code, finding.line, finding.column) == (FindingCode.UNKNOWN_NAME, 10_000, 13)
