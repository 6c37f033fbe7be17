"""Plans of a real server: for reads, for writes that are not run, for scripts, and while a table is locked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from executors import processes
from executors.base import Access, ExecutionError, Language, Parameter, Plan, PlanStep, Unreachable
from executors.tests.postgresql.world import Database

pytestmark = pytest.mark.releases

ROWS = 5000


@pytest.fixture(autouse=True)
def _flights(database: Database) -> Iterator[None]:
    """A table that was counted, one that never was, and a log that a trigger keeps."""
    who = f"{database.name}_reader, {database.name}_writer"
    database.admin.execute(f"""
        CREATE TABLE shop.flights (id int PRIMARY KEY, carrier text, delay int);
        INSERT INTO shop.flights SELECT n, 'UA', n % 100 FROM generate_series(1, {ROWS}) n;
        ANALYZE shop.flights;
        CREATE TABLE shop.log (id int);
        CREATE FUNCTION shop.note() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN INSERT INTO shop.log VALUES (NEW.id); RETURN NEW; END $$;
        CREATE TRIGGER note AFTER UPDATE ON shop.flights FOR EACH ROW EXECUTE FUNCTION shop.note();
        CREATE FUNCTION shop.said_to_be_immutable() RETURNS int LANGUAGE plpgsql IMMUTABLE AS
          $$ BEGIN INSERT INTO shop.log VALUES (1); RETURN 1; END $$;
        GRANT SELECT ON shop.flights, shop.log TO {who};
        GRANT INSERT, UPDATE, DELETE ON shop.flights, shop.log TO {database.name}_writer;
    """)
    yield
    database.admin.execute("DROP TABLE shop.flights, shop.log; DROP FUNCTION shop.note(), shop.said_to_be_immutable()")


def plan(
    database: Database,
    text: str,
    access: Access = Access.READ,
    parameters: Sequence[Parameter] = (),
    language: Language = Language.SQL,
) -> Plan:
    who = "reader" if access is Access.READ else "writer"
    return processes.plan(database.target(who, access), language, text, parameters)


def wholly(found: Plan) -> list[PlanStep]:
    return [step for step in found.steps if step.reads_all is not None]


def test_read_has_steps_with_rows_and_shares_of_the_cost(database: Database) -> None:
    found = plan(database, "SELECT carrier, count(*) FROM flights WHERE delay < 50 GROUP BY carrier ORDER BY 2")
    assert found.rows == 1
    assert found.notes == ()
    assert [step.depth for step in found.steps] == list(range(len(found.steps)))
    assert sum(step.share or 0 for step in found.steps) == pytest.approx(1)
    (scan,) = wholly(found)
    assert (scan.what, scan.relation, scan.reads_all) == ("Reads the whole table", "flights", ROWS)
    assert scan.rows is not None
    assert scan.rows < ROWS
    assert scan.share == max(step.share or 0 for step in found.steps)


def test_index_is_named_and_reads_no_whole_table(database: Database) -> None:
    found = plan(database, "SELECT * FROM flights WHERE id = $1", parameters=["7"])
    assert found.rows == 1
    assert [step.what for step in found.steps] == ["Looks up by index flights_pkey"]
    assert wholly(found) == []


@pytest.mark.parametrize(("value", "rows"), [("50", 50), (50, 50), ("-1", 1)])
def test_parameters_are_planned_with_as_they_run(database: Database, value: Parameter, rows: int) -> None:
    assert plan(database, "SELECT * FROM flights WHERE delay = $1", parameters=[value]).rows == pytest.approx(rows)


def test_step_that_stops_early_gives_what_is_below_its_share(database: Database) -> None:
    found = plan(database, "SELECT * FROM flights LIMIT 10")
    assert found.rows == 10
    assert [round(step.share or 0, 3) for step in found.steps] == [0, 1]


WRITES = {
    "update": ("UPDATE flights SET delay = 0 WHERE delay = 7", 50, "Changes rows"),
    "update of all": ("UPDATE flights SET delay = 0", ROWS, "Changes rows"),
    "delete": ("DELETE FROM flights WHERE id <= 100", 100, "Removes rows"),
    "insert": ("INSERT INTO log VALUES (1), (2), (3)", 3, "Adds rows"),
    "insert of a query": ("INSERT INTO log SELECT id FROM flights", ROWS, "Adds rows"),
    "returning": ("UPDATE flights SET delay = 0 RETURNING id", ROWS, "Changes rows"),
    "merge": (
        "MERGE INTO flights f USING generate_series(1, 20) n ON f.id = n WHEN MATCHED THEN UPDATE SET delay = 0",
        20,
        "Merges rows",
    ),
    "in a common table expression": (
        "WITH gone AS (DELETE FROM flights WHERE id <= 100 RETURNING id) SELECT count(*) FROM gone",
        100,
        "Removes rows",
    ),
}


@pytest.mark.parametrize("name", WRITES)
def test_write_is_planned_and_nothing_of_it_is_run(database: Database, name: str) -> None:
    text, rows, what = WRITES[name]
    before = database.state()
    found = plan(database, text, Access.WRITE)
    assert found.rows == pytest.approx(rows, rel=0.1)
    assert what in {step.what for step in found.steps}
    assert database.state() == before
    assert database.admin.execute("SELECT count(*) FROM shop.log").fetchone() == (0,)
    assert database.admin.execute("SELECT sum(delay) FROM shop.flights").fetchone() == (247500,)


def test_function_that_the_planner_calls_cannot_write(database: Database) -> None:
    found = plan(database, "UPDATE flights SET delay = said_to_be_immutable()", Access.WRITE)
    assert database.admin.execute("SELECT count(*) FROM shop.log").fetchone() == (0,)
    assert found.steps == ()
    assert len(found.notes) == 1


def test_function_that_a_run_refuses_is_not_called_for_a_plan(database: Database) -> None:
    found = plan(database, "SELECT pg_read_file('x') FROM flights")
    assert (found.steps, found.notes) == ((), ("The function pg_read_file is not allowed.",))


def test_each_statement_of_a_text_has_its_plan_and_line(database: Database) -> None:
    text = "UPDATE flights SET delay = 0 WHERE id = 1;\nCREATE TABLE x (id int);\nDELETE FROM flights;\nDELETE FROM x"
    found = plan(database, text, Access.WRITE)
    assert [step.line for step in found.steps if step.depth == 0] == [1, 3]
    assert sum(step.share or 0 for step in found.steps) == pytest.approx(1)
    assert found.rows is None
    assert found.notes[0] == "Line 2: CREATE TABLE has no plan."
    assert found.notes[1].startswith("Line 4: The target gave no plan: relation")


def test_rows_of_several_statements_are_summed_when_each_is_known(database: Database) -> None:
    text = "DELETE FROM flights WHERE id <= 100; INSERT INTO log VALUES (1)"
    assert plan(database, text, Access.WRITE).rows == pytest.approx(101, abs=5)


def test_calls_of_a_script_have_theirs_where_their_text_is_known(database: Database) -> None:
    text = """const day = new Date().getDay();
const found = await db.query("SELECT * FROM flights WHERE delay = $1", [day]);
for (const table of ["a", "b"]) await db.query(`SELECT * FROM ${table}`);
return db.query("SELECT count(*) FROM flights");"""
    found = plan(database, text, language=Language.SCRIPT)
    assert [step.line for step in found.steps if step.line] == [2, 4], found.notes
    assert len(wholly(found)) == 2
    assert found.rows is None
    assert "Line 3: what this call sends is only known when the script runs." in found.notes


def test_script_without_a_written_call_says_so(database: Database) -> None:
    found = plan(database, "return 1;", language=Language.SCRIPT)
    assert (found.steps, found.notes) == ((), ("No call of the database is written out in the script.",))


def test_locked_table_is_told_of_and_not_waited_for(database: Database) -> None:
    with database.admin.transaction():
        database.admin.execute("LOCK TABLE shop.flights IN ACCESS EXCLUSIVE MODE")
        found = plan(database, "SELECT * FROM flights")
    assert found.steps == ()
    assert "lock that another session holds" in found.notes[0]


def test_rows_that_others_lock_are_in_nobodys_way(database: Database) -> None:
    with database.admin.transaction():
        database.admin.execute("UPDATE shop.flights SET delay = 1")
        assert len(wholly(plan(database, "DELETE FROM flights", Access.WRITE))) == 1


def test_what_the_login_may_not_read_has_no_plan(database: Database) -> None:
    assert "permission denied" in plan(database, "SELECT * FROM secrets").notes[0]


def test_target_that_does_not_answer_is_an_error(database: Database) -> None:
    target = database.elsewhere(database.target("reader"), port=1)
    with pytest.raises(Unreachable):
        processes.plan(target, Language.SQL, "SELECT 1", ())


def test_planning_that_takes_too_long_is_ended(database: Database) -> None:
    database.admin.execute("""
        CREATE FUNCTION shop.slow() RETURNS int LANGUAGE plpgsql IMMUTABLE AS
          $$ DECLARE n bigint := 0; BEGIN LOOP n := n + 1; END LOOP; END $$
    """)
    try:
        with pytest.raises(ExecutionError, match=r"time limit|in time"):
            plan(database, "SELECT slow()")
    finally:
        database.admin.execute("DROP FUNCTION shop.slow()")
    assert plan(database, "SELECT 1").rows == 1
