"""Code in statements, on a real server: what it changes is counted; what nobody could judge from it is refused."""

from __future__ import annotations

import pytest

from queries import services
from queries.models import Code
from queries.tests.statements.given import Refused, Runs, refused, run, shown, writes
from queries.tests.world import TargetDatabase, World
from web.errors import BadInput

FUNCTION = "CREATE FUNCTION lab.double(a int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN a * 2; END $$"
TRIGGER_FUNCTION = """CREATE FUNCTION lab.stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN NEW.name := 'new'; END IF;
  INSERT INTO lab."Odd names" VALUES (NEW.id);
  RETURN NEW;
END $$"""
TRIGGER = "CREATE TRIGGER stamp BEFORE INSERT ON samples FOR EACH ROW EXECUTE FUNCTION lab.stamp()"
PROCEDURE = """CREATE PROCEDURE lab.zero(lowest int) LANGUAGE plpgsql AS $$
BEGIN UPDATE lab.samples SET amount = 0 WHERE id >= lowest; END $$"""


def do(body: str, declare: str = "") -> str:
    return f"DO $$\n{declare}\nBEGIN\n  {body}\nEND $$"


CODE = [
    writes(do("UPDATE samples SET amount = amount + 1 WHERE id < 3;"), 2, told="runs_code"),
    writes("DO LANGUAGE plpgsql 'BEGIN DELETE FROM samples WHERE id = 3; END'", 1, told="runs_code"),
    writes(do("FOR i IN 4..8 LOOP INSERT INTO samples (id, amount) VALUES (i, n); n := n + i; END LOOP;",
              "DECLARE n int := 1;"), 5, told="runs_code"),
    writes(do("FOR r IN SELECT id FROM samples LOOP UPDATE samples SET amount = r.id WHERE id = r.id; END LOOP;",
              "DECLARE r record;"), 3),
    writes(do("""OPEN c;
  LOOP
    FETCH c INTO r;
    EXIT WHEN NOT FOUND;
    UPDATE samples SET amount = 1 WHERE CURRENT OF c;
  END LOOP;
  CLOSE c;""", "DECLARE c CURSOR FOR SELECT * FROM samples WHERE id < 3 FOR UPDATE; r record;"), 2),
    writes(do("""IF EXISTS (SELECT FROM samples WHERE id = 1) THEN
    DELETE FROM samples WHERE id = 1;
  ELSIF false THEN RAISE EXCEPTION 'none %', 1 USING ERRCODE = 'P0002', HINT = 'look';
  ELSE PERFORM pg_sleep(0); END IF;"""), 1),
    writes(do("""BEGIN
    INSERT INTO samples (id) VALUES (1);
  EXCEPTION WHEN unique_violation OR check_violation THEN
    RAISE NOTICE 'there already: %', SQLERRM;
  END;
  DELETE FROM samples WHERE id = 2;"""), 2),
    writes(do("""UPDATE samples SET amount = 5 WHERE id = 1 RETURNING amount INTO STRICT n;
  GET DIAGNOSTICS m = ROW_COUNT;
  ASSERT n = 5 AND m = 1, 'one row';
  a[m + 1] := n;
  CASE n WHEN 5 THEN DELETE FROM samples WHERE id = 2; ELSE NULL; END CASE;
  WHILE n > 4 LOOP n := n - 1; CONTINUE WHEN n > 4; END LOOP;
  FOREACH n IN ARRAY ARRAY[10, 11] LOOP INSERT INTO samples (id) VALUES (n); END LOOP;""",
              "DECLARE n int; m bigint; a int[] := ARRAY[1];"), 4),
    writes(do("DO 'BEGIN DELETE FROM samples WHERE id = 1; END';"), 1, told="runs_code"),
    writes(f"BEGIN; {do('DELETE FROM samples WHERE id = 1;')}; COMMIT;", 1, told="transaction_words"),
    # What a body may make is not said to be unknown behind it.
    writes(f"""{do("CREATE TYPE lab.mood AS ENUM ('a');")}; DROP TYPE lab.mood""", 0, told="runs_code"),
    writes(f"""{do("ALTER TABLE samples ADD COLUMN note text;")};
    UPDATE samples SET note = 'x' WHERE id = 1; ALTER TABLE samples DROP COLUMN note""", 1, told="runs_code"),
    writes(f"""{do("DO 'BEGIN CREATE TABLE lab.inner_one (a int); END';")}; INSERT INTO lab.inner_one VALUES (1);
    ALTER TABLE lab.inner_one ADD b int; DROP TABLE lab.inner_one""", 0, told="runs_code"),
    writes("CREATE PROCEDURE lab.makes() LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE lab.of_call (a int); END $$; "
           "CALL lab.makes(); CREATE INDEX ON lab.of_call (a); DROP TABLE lab.of_call; DROP PROCEDURE lab.makes", 0),
    writes(do("CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT id FROM samples; DELETE FROM samples WHERE id = 1;"), 1),
    writes(f"{PROCEDURE};\nCALL lab.zero(2); DROP PROCEDURE lab.zero", 2, told="leaves_code"),
    writes(f"{PROCEDURE};\n{do('CALL lab.zero(lowest => 3);')}; DROP PROCEDURE lab.zero(int)", 1, told="runs_code"),
    writes("CREATE PROCEDURE lab.out(INOUT n int) LANGUAGE plpgsql AS $$ BEGIN n := n + 1; END $$; CALL lab.out(1); "
           "DROP PROCEDURE lab.out", 0),
    writes(f"{FUNCTION};\nUPDATE samples SET amount = lab.double(amount) WHERE id = 1;\nDROP FUNCTION lab.double", 1,
           told="leaves_code"),
    writes("CREATE OR REPLACE FUNCTION lab.many() RETURNS SETOF int LANGUAGE plpgsql STABLE "
           "SET search_path = lab, pg_temp AS $f$ BEGIN RETURN QUERY SELECT id FROM samples; RETURN NEXT 9; END $f$;\n"
           "INSERT INTO samples (id) SELECT m + 10 FROM lab.many() m; DROP FUNCTION lab.many()", 4),
    writes("CREATE FUNCTION lab.gone() RETURNS bigint LANGUAGE sql AS $$\n DELETE FROM lab.samples WHERE id = 1;\n"
           " SELECT count(*) FROM lab.samples $$; SELECT lab.gone(); DROP FUNCTION lab.gone", 1, told="leaves_code"),
    writes("CREATE FUNCTION lab.one() RETURNS int IMMUTABLE PARALLEL SAFE COST 1 RETURN 1; DROP FUNCTION lab.one", 0),
    writes("CREATE PROCEDURE lab.add() BEGIN ATOMIC INSERT INTO lab.samples (id) VALUES (8); END; CALL lab.add(); "
           "DROP PROCEDURE lab.add", 1),
    writes("CREATE FUNCTION lab.t() RETURNS TABLE (a int, b text) LANGUAGE sql AS 'SELECT id, name FROM lab.samples'; "
           "DROP FUNCTION lab.t", 0),
    writes(f"{FUNCTION}; ALTER FUNCTION lab.double(int) IMMUTABLE STRICT; "
           "ALTER FUNCTION lab.double(int) RENAME TO twice; "
           "COMMENT ON FUNCTION lab.twice(int) IS 'two'; DROP FUNCTION lab.twice", 0, told="leaves_code"),
    writes(f"{TRIGGER_FUNCTION};\n{TRIGGER};\nINSERT INTO samples (id) VALUES (4), (5);\n"
           "DROP FUNCTION lab.stamp CASCADE", 4, told="leaves_code"),
    writes(f"{TRIGGER_FUNCTION};\n{TRIGGER};\n{do('INSERT INTO samples (id) VALUES (4);')};\n"
           "DROP TRIGGER stamp ON samples; DROP FUNCTION lab.stamp", 2),
    writes("CREATE OR REPLACE VIEW lab.few AS SELECT id FROM lab.samples; DROP VIEW lab.few", 0),
    writes("COMMENT ON TABLE samples IS 'measured'; COMMENT ON COLUMN samples.amount IS NULL", 0),
    writes("ANALYZE samples", 0),
    writes("ANALYZE VERBOSE lab.samples (id, amount); DELETE FROM samples WHERE id = 1", 1),
]  # fmt: skip

_D = "DELETE FROM samples WHERE id = 1"
_DONE = writes(do(f"{_D};"), 1)
_BODY = [
    # what runs text, or acts outside the transaction
    (do("EXECUTE 'DELETE FROM samples WHERE id = 1';"), "statement itself", writes(do(f"{_D};"), 1)),
    (do("EXECUTE format('DELETE FROM %I WHERE id = $1', 'samples') USING 1;"), "statement itself", _DONE),
    (do("FOR r IN EXECUTE 'SELECT 1' LOOP NULL; END LOOP;", "DECLARE r record;"), "statement itself",
     writes(do("FOR r IN SELECT 1 LOOP NULL; END LOOP;", "DECLARE r record;"), 0)),
    (do("OPEN c FOR EXECUTE 'SELECT 1';", "DECLARE c refcursor;"), "statement itself",
     writes(do("OPEN c FOR SELECT 1;", "DECLARE c refcursor;"), 0)),
    (do("COMMIT;"), "Leave COMMIT out", _DONE),
    (do(f"{_D}; ROLLBACK;"), "Leave ROLLBACK out", _DONE),
    (do("COPY samples TO STDOUT;"), "query in its place", writes(do("PERFORM id FROM samples;"), 0)),
    (do("COPY samples FROM '/tmp/x';"), "VALUES", writes(do("INSERT INTO samples (id) VALUES (4);"), 1)),
    (do("GRANT SELECT ON samples TO PUBLIC;"), "owner", _DONE),
    (do("ALTER TABLE samples OWNER TO postgres;"), "owner", _DONE),
    (do("VACUUM samples;"), "maintenance", _DONE),
    (do("UPDATE pg_settings SET setting = '0' WHERE name = 'statement_timeout';"), "owner", _DONE),
    (do("BEGIN PERFORM pg_sleep(9); EXCEPTION WHEN query_canceled THEN NULL; END;"), "OTHERS",
     writes(do("BEGIN PERFORM pg_sleep(0); EXCEPTION WHEN OTHERS THEN NULL; END;"), 0)),
    (do("BEGIN NULL; EXCEPTION WHEN SQLSTATE '57014' THEN NULL; END;"), "OTHERS", _DONE),
    (do("BEGIN NULL; EXCEPTION WHEN operator_intervention THEN NULL; END;"), "OTHERS", _DONE),
    (do("RAISE EXCEPTION 'gone' USING ERRCODE = '57P01';"), "P0001", writes(do("RAISE NOTICE 'gone';"), 0)),
    (do("RAISE NOTICE 'gone' USING ERRCODE = '08' || '006';"), "P0001",
     writes(do("RAISE NOTICE 'gone' USING ERRCODE = 'P0001';"), 0)),
    (do("RAISE LOG 'line';"), "RAISE NOTICE", writes(do("RAISE NOTICE 'line';"), 0)),
    ("DO $a$ BEGIN DO $b$ BEGIN DO $c$ BEGIN DO $d$ BEGIN END $d$; END $c$; END $b$; END $a$", "one", _DONE),
    (do("DO $x$ BEGIN EXECUTE 'x'; END $x$;").replace("$$", "$y$"), "statement itself", _DONE),
    ("DO LANGUAGE sql 'DELETE FROM samples WHERE id = 1'", "statements themselves", writes(_D, 1)),
    ("DO LANGUAGE plpython3u 'pass'", "plpgsql or sql", _DONE),
    (do("r.id := 1;", "DECLARE r samples%ROWTYPE;"), "record",
     writes(do("SELECT * INTO r FROM samples; r.id := 1;", "DECLARE r record;"), 0)),
    (do("this is no plpgsql;"), "Correct it", _DONE),
    (do("UPDATE samples SET amount = 0; " * 40 + "NOTIFY a;"), "", _DONE),
    # functions
    ("CREATE FUNCTION lab.x() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'", "SECURITY DEFINER out",
     writes("CREATE FUNCTION lab.x() RETURNS int LANGUAGE sql AS 'SELECT 1'; DROP FUNCTION lab.x", 0)),
    (f"{FUNCTION}; ALTER FUNCTION lab.double(int) SECURITY DEFINER", "SECURITY DEFINER out",
     writes(f"{FUNCTION}; ALTER FUNCTION lab.double(int) SECURITY INVOKER; DROP FUNCTION lab.double", 0)),
    ("CREATE FUNCTION lab.x() RETURNS int LANGUAGE c AS 'a', 'b'", "plpgsql or sql", _DONE),
    ("CREATE FUNCTION lab.x() RETURNS int AS 'SELECT 1'", "Add LANGUAGE",
     writes("CREATE FUNCTION lab.x() RETURNS int LANGUAGE sql AS 'SELECT 1'; DROP FUNCTION lab.x", 0)),
    ("CREATE FUNCTION lab.x() RETURNS int LANGUAGE sql SET statement_timeout = 0 AS 'SELECT 1'", "Leave SET",
     writes("CREATE FUNCTION lab.x() RETURNS int LANGUAGE sql AS 'SELECT 1'; DROP FUNCTION lab.x", 0)),
    ("CREATE FUNCTION lab.x() RETURNS int LANGUAGE sql SET search_path = lab, pg_catalog AS 'SELECT 1'", "first",
     writes("CREATE FUNCTION lab.x() RETURNS int LANGUAGE sql SET search_path = pg_catalog, lab AS 'SELECT 1'; "
            "DROP FUNCTION lab.x", 0)),
    (f"{FUNCTION}; ALTER FUNCTION lab.double(int) SET role = postgres", "Leave SET",
     writes(f"{FUNCTION}; DROP FUNCTION lab.double", 0)),
    ("CREATE FUNCTION lab.x() RETURNS void LANGUAGE sql AS 'NOTIFY a'", "",
     writes("CREATE FUNCTION lab.x() RETURNS void LANGUAGE sql AS ''; DROP FUNCTION lab.x", 0)),
    ("CREATE EVENT TRIGGER x ON ddl_command_start EXECUTE FUNCTION lab.x()", "", _DONE),
    ("VACUUM samples", "maintenance", _DONE),
]  # fmt: skip
# Called from a body in every way there is: refused as anywhere else.
_CALLS = [
    "PERFORM set_config('statement_timeout', '0', true);",
    "PERFORM pg_catalog.set_config('statement_timeout', '0', false);",
    "PERFORM \"set_config\"('a.b', 'c', true);",
    "n := pg_notify('a', 'b');",
    "n := length(set_config('statement_timeout', '0', true));",
    "a[length(set_config('a.b', 'c', true))] := 1;",
    "IF set_config('statement_timeout', '0', true) = '' THEN NULL; END IF;",
    "RAISE NOTICE '%', pg_read_file('/etc/passwd');",
    "RAISE EXCEPTION USING MESSAGE = pg_read_file('/etc/passwd');",
    "ASSERT set_config('statement_timeout', '0', true) = '0';",
    "FOR i IN 1..length(set_config('a.b', 'c', true)) LOOP NULL; END LOOP;",
    "OPEN c FOR SELECT dblink_exec('x');",
    "FETCH RELATIVE length(set_config('a.b', 'c', true)) FROM c INTO n;",
    "SELECT pg_terminate_backend(1) INTO n;",
    "PERFORM * FROM dblink('x', 'y') AS t (a int);",
    "PERFORM query_to_xml('DELETE FROM samples', true, true, '');",
    "PERFORM ts_stat('SELECT 1');",
    "PERFORM lo_import('/etc/passwd');",
    "CASE set_config('a.b', 'c', true) WHEN 'c' THEN NULL; END CASE;",
    "WHILE pg_advisory_lock(1) IS NULL LOOP EXIT; END LOOP;",
]
_LEAK = "set_config('a.b', 'c', true)"
_OUTSIDE = [
    *(do(call, "DECLARE n int; a int[]; c refcursor;") for call in _CALLS),
    do("UPDATE samples SET amount = 0; " * 40 + f"PERFORM {_LEAK};"),
    do("NULL;", f"DECLARE n text := {_LEAK};"),
    do("NULL;", f"DECLARE c CURSOR FOR SELECT {_LEAK};"),
    f"CREATE FUNCTION lab.x(a text DEFAULT {_LEAK}) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    f"CREATE FUNCTION lab.x() RETURNS text LANGUAGE sql AS $$ SELECT 1; SELECT {_LEAK} $$",
    f"CREATE FUNCTION lab.x() RETURNS text RETURN {_LEAK}",
    f"CREATE PROCEDURE lab.x() BEGIN ATOMIC SELECT {_LEAK}; END",
    f"{TRIGGER_FUNCTION}; {TRIGGER.replace('EXECUTE', f'WHEN ({_LEAK} IS NULL) EXECUTE')}",
    f"CREATE VIEW lab.x AS SELECT {_LEAK}",
    f"CALL lab.zero(length({_LEAK}))",
]
NOT_IN_A_BODY = [
    *(Refused("write", statement, "refused_statement", hint, followed) for statement, hint, followed in _BODY),
    *(Refused("write", statement, "refused_function", "outside the transaction", _DONE) for statement in _OUTSIDE),
    Refused("write", f"{do('CREATE TABLE lab.y (a int);')}; DROP TABLE lab.z", "unknown_name", "", _DONE),
    Refused(
        "read", "SELECT lab.volatile_one()", "refused_function", "write access", writes("SELECT lab.volatile_one()", 1)
    ),
    Refused("read", do(f"{_D};"), "write_in_read", "write access", _DONE),
    Refused("read", "CALL lab.zero(1)", "write_in_read", "write access", _DONE),
    Refused("read", "ANALYZE samples", "write_in_read", "write access", writes("ANALYZE samples", 0)),
]


@pytest.mark.parametrize("given", CODE, ids=shown)
def test_what_code_changes_is_counted(lab: World, given: Runs) -> None:
    run(lab, given)


@pytest.mark.parametrize("given", NOT_IN_A_BODY, ids=shown)
def test_a_body_may_not_do_what_a_statement_may_not(lab: World, given: Refused) -> None:
    refused(lab, given)


COUNTED = [
    do("UPDATE samples SET amount = 0;"),
    f"{PROCEDURE}; CALL lab.zero(1)",
    f"{TRIGGER_FUNCTION}; {TRIGGER}; INSERT INTO samples (id) VALUES (4), (5)",
]
_REWRITES = 'ALTER TABLE "Odd names" ALTER id TYPE bigint'
NOT_COUNTED = [
    do("TRUNCATE samples;"),
    f"{_REWRITES}; {do('TRUNCATE samples;')}",
    f"CREATE TABLE lab.x (); DROP TABLE lab.x; {do('DROP TABLE samples;')}",
    f"CREATE FUNCTION lab.t() RETURNS void LANGUAGE sql AS 'TRUNCATE lab.samples'; {_REWRITES}; SELECT lab.t()",
]


@pytest.mark.parametrize(
    ("statement", "code"),
    [*((one, Code.ROW_BOUND) for one in COUNTED), *((one, Code.REFUSED) for one in NOT_COUNTED)],
    ids=lambda value: str(value)[:60],
)
def test_the_bound_holds_whatever_made_the_change(
    lab: World, target_database: TargetDatabase, statement: str, code: Code
) -> None:
    query = lab.submitted(statement, access="write", expects=2)
    done = services.approve(actor=lab.reviewer, query_id=query.pk, digest=query.digest, bound=2)
    assert done.execution.failure_code == code
    assert any(word in done.execution.said.message for word in ("at most", "count"))
    with target_database.connect() as connection:
        assert connection.execute("SELECT sum(amount), count(*) FROM lab.samples").fetchall() == [(60, 3)]


def test_a_view_of_the_server_is_not_changed_from_a_body(lab: World, target_database: TargetDatabase) -> None:
    with target_database.connect() as connection:
        connection.execute("CREATE OR REPLACE VIEW lab.limits AS SELECT name, setting FROM pg_settings")
        connection.execute(f"GRANT SELECT, UPDATE ON lab.limits TO {target_database.name}_rw")
    with pytest.raises(BadInput) as caught:
        lab.submitted(do("UPDATE limits SET setting = '0' WHERE name = 'statement_timeout';"), access="write")
    assert "may not change lab.limits" in caught.value.fields["statement"][0].message


def test_a_function_that_passes_for_the_servers_own_does_not_blind_the_guard(
    lab: World, target_database: TargetDatabase
) -> None:
    """A better match by its types than the server's own, in a schema of the search path."""
    blind = """CREATE OR REPLACE FUNCTION lab.unnest(name[]) RETURNS SETOF name LANGUAGE sql AS
        $$ SELECT NULL::name WHERE false $$"""
    run(lab, Runs("write", blind, 0))
    with target_database.connect() as connection:
        connection.execute("CREATE OR REPLACE VIEW lab.trap AS SELECT set_config('a.b', 'c', true) AS gone")
        connection.execute(f"GRANT SELECT ON lab.trap TO {target_database.name}_ro")
    with pytest.raises(BadInput) as caught:
        lab.submitted("SELECT * FROM trap")
    assert "set_config is not allowed" in caught.value.fields["statement"][0].message


def test_a_function_that_may_change_data_is_called_by_a_write(lab: World, target_database: TargetDatabase) -> None:
    body = "DELETE FROM lab.samples WHERE id = 1; SELECT 1"
    with target_database.connect() as connection:
        connection.execute(f"CREATE OR REPLACE FUNCTION lab.takes() RETURNS int LANGUAGE sql AS '{body}'")
    call = "SELECT lab.takes()"
    refused(lab, Refused("read", call, "refused_function", "write access", writes(call, 1, told="own_function")))
