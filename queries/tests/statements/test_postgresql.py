"""What people paste, on a real server from submission to the end: what runs, and what is refused with a way out."""

from __future__ import annotations

import pytest

from queries.tests.statements.given import Refused, Runs, reads, refused, run, shown, writes
from queries.tests.world import World

NBSP = "\N{NO-BREAK SPACE}"
TWO = reads("SELECT name FROM samples WHERE id = 2", "two")
SET_TEN = "UPDATE samples SET amount = 0 WHERE id = 1"

PASTED = [
    # characters
    reads("\ufeffSELECT name FROM samples WHERE id = 2", "two", told="odd_white_space"),
    reads("SELECT name\r\nFROM samples\r\nWHERE id = 2\r\n", "two", told="carriage_return"),
    reads(f"SELECT{NBSP}name FROM{NBSP}samples WHERE id = 2", "two", told="odd_white_space"),
    reads("SELECT\u2003name\u3000FROM samples WHERE\u202fid = 2", "two", told="odd_white_space"),
    reads(f"SELECT length('a{NBSP}b'), 'a{NBSP}b' = U&'a\\00A0b'{NBSP}AS same", ["3", "t"], told="odd_white_space"),
    reads(f"SELECT length($q$a{NBSP}b$q$) -- a{NBSP}comment", 3, told="odd_white_space"),
    writes(f"\ufeffUPDATE samples{NBSP}SET amount = 0\r\nWHERE id = 1;\r\n", 1, told="odd_white_space"),
    # ends and comments
    reads("SELECT name FROM samples WHERE id = 2;", "two"),
    reads("SELECT name FROM samples WHERE id = 2;;  ", "two"),
    reads("SELECT name FROM samples WHERE id = 2; -- the second", "two"),
    reads("/* the second */ SELECT name FROM samples WHERE id = 2 /* ; */ ; /* end */", "two"),
    reads("-- first\n\nSELECT name FROM samples -- ; GO\nWHERE id = 2\n;\n\n", "two"),
    reads("SELECT name FROM samples WHERE id = 2 --", "two"),
    reads("SELECT 'GO' AS\ngo\nFROM samples WHERE id = 2", "GO"),
    reads("SELECT '\\d samples' AS text", "\\d samples"),
    # a transaction's words around all of it
    reads("BEGIN; SELECT name FROM samples WHERE id = 2; COMMIT;", "two", told="transaction_words"),
    reads("begin;\nselect name from samples where id = 2;\nend;", "two", told="transaction_words"),
    reads("START TRANSACTION READ WRITE; SELECT 1; COMMIT WORK", 1, told="transaction_words"),
    reads("BEGIN ISOLATION LEVEL READ COMMITTED; SELECT 1; COMMIT AND NO CHAIN", 1, told="transaction_words"),
    reads("BEGIN TRANSACTION; SELECT 1; END TRANSACTION; -- done", 1, told="transaction_words"),
    writes(f"BEGIN; {SET_TEN}; COMMIT;", 1, told="transaction_words"),
    writes(f"BEGIN; {SET_TEN}; DELETE FROM samples WHERE id = 2; END", 2, told="transaction_words"),
    writes("START TRANSACTION; INSERT INTO samples (id) VALUES (4), (5); COMMIT", 2, told="transaction_words"),
    # A read is read only and rolled back, said or not.
    reads("BEGIN READ ONLY; SELECT name FROM samples WHERE id = 2; COMMIT;", "two", told="transaction_words"),
    reads("BEGIN;\nSELECT name FROM samples WHERE id = 2;\nROLLBACK;", "two", told="transaction_words"),
    reads('START TRANSACTION READ ONLY; TABLE "Odd names"; ABORT', 7, told="transaction_words"),
    reads("BEGIN; COPY (SELECT 1) TO STDOUT; ROLLBACK", 1, told="copy_as_read"),
    # COPY … TO STDOUT
    reads("COPY (SELECT name FROM samples WHERE id = 2) TO STDOUT", "two", told="copy_as_read"),
    reads("COPY (SELECT id, name FROM samples WHERE id < 3 ORDER BY id) TO STDOUT WITH (FORMAT csv, HEADER)",
          ["1", "one"], ["2", "two"], told="copy_as_read"),
    reads("COPY (VALUES (1), (2)) TO STDOUT CSV HEADER DELIMITER ';'", 1, 2, told="copy_as_read"),
    reads("COPY (WITH a AS (SELECT ')' AS b) SELECT b FROM a) TO STDOUT;", ")", told="copy_as_read"),
    reads("COPY (SELECT $$)$$ /* ) */ -- )\n) TO STDOUT", ")", told="copy_as_read"),
    reads('COPY "Odd names" TO STDOUT', 7, told="copy_as_read"),
    reads('  COPY\n  lab."Odd names"\n  TO STDOUT (FORMAT text)', 7, told="copy_as_read"),
    reads("BEGIN; COPY (SELECT 1) TO STDOUT; COMMIT;", 1, told="copy_as_read"),
    writes("COPY (UPDATE samples SET amount = 1 WHERE id = 1 RETURNING id) TO STDOUT", 1, told="copy_as_read"),
]  # fmt: skip

NOT_SQL = [
    Refused("read", "\\d samples", "client_command", "information_schema.columns",
            reads("SELECT column_name FROM information_schema.columns WHERE table_name = 'Odd names'", "id")),
    Refused("read", "\\dt", "client_command", "information_schema.tables",
            reads("SELECT table_name FROM information_schema.tables WHERE table_name = 'samples'", "samples")),
    Refused("read", "\\dt+ lab.*", "client_command", "information_schema.tables", TWO),
    Refused("read", "\\df", "client_command", "pg_proc",
            reads("SELECT proname FROM pg_catalog.pg_proc WHERE proname LIKE 'pg_sleep_f%'", "pg_sleep_for")),
    Refused("read", "\\di", "client_command", "pg_indexes",
            reads("SELECT indexname FROM pg_catalog.pg_indexes WHERE tablename = 'samples'", "samples_pkey")),
    Refused("read", "\\dn", "client_command", "information_schema.schemata",
            reads("SELECT schema_name FROM information_schema.schemata WHERE schema_name = 'lab'", "lab")),
    Refused("read", "\\l", "client_command", "pg_database",
            reads("SELECT datname FROM pg_catalog.pg_database WHERE datname = 'template1'", "template1")),
    Refused("read", "\\du", "client_command", "pg_roles",
            reads("SELECT rolname FROM pg_catalog.pg_roles WHERE rolname = 'pg_monitor'", "pg_monitor")),
    Refused("read", "SELECT name FROM samples WHERE id = 2 \\gx", "client_command", "semicolon", TWO),
    Refused("read", "SELECT name FROM samples WHERE id = 2 \\g", "client_command", "semicolon", TWO),
    Refused("read", "SELECT name FROM samples WHERE id = 2 \\watch 5", "client_command", "semicolon", TWO),
    Refused("read", "\\x on\nSELECT name FROM samples WHERE id = 2;", "client_command", "Remove the line", TWO),
    Refused("read", "\\timing\nSELECT name FROM samples WHERE id = 2;", "client_command", "Remove the line", TWO),
    Refused("read", "\\c orders\nSELECT name FROM samples WHERE id = 2;", "client_command", "Remove the line", TWO),
    Refused("read", "\\i report.sql", "client_command", "text of the file", TWO),
    Refused("read", "\\copy (SELECT name FROM samples WHERE id = 2) TO 'a'", "client_command", "SELECT itself", TWO),
    Refused("write", "\\copy samples (id) FROM 'a.csv'", "client_command", "VALUES",
            writes("INSERT INTO samples (id) VALUES (4), (5)", 2)),
    Refused("write", "COPY samples (id) FROM stdin;\n4\n5\n\\.\n", "client_command", "VALUES",
            writes("INSERT INTO samples (id) VALUES (4), (5)", 2)),
    Refused("read", "SELECT name FROM samples WHERE id = 2\nGO", "client_command", "remove the line", TWO),
    Refused("write", f"{SET_TEN}\nGO\nDELETE FROM samples WHERE id = 2\ngo\n", "client_command", "semicolon",
            writes(f"{SET_TEN};\nDELETE FROM samples WHERE id = 2;\n", 2)),
    Refused("write", f"DELIMITER //\n{SET_TEN} //\nDELIMITER ;", "client_command", "semicolon",
            writes(f"{SET_TEN};", 1)),
    # a transaction's words elsewhere
    Refused("write", f"{SET_TEN}; COMMIT;", "refused_statement", "Leave it out", writes(f"{SET_TEN};", 1)),
    Refused("write", f"BEGIN; {SET_TEN};", "refused_statement", "COMMIT last", writes(f"BEGIN; {SET_TEN}; COMMIT;", 1)),
    Refused("write", f"BEGIN; {SET_TEN}; ROLLBACK;", "refused_statement", "rehearsal", writes(SET_TEN, 1)),
    Refused("write", f"BEGIN; {SET_TEN}; ABORT", "refused_statement", "rehearsal", writes(SET_TEN, 1)),
    Refused("write", f"BEGIN; {SET_TEN}; COMMIT AND CHAIN", "refused_statement", "AND CHAIN out",
            writes(f"BEGIN; {SET_TEN}; COMMIT", 1)),
    Refused("write", f"BEGIN; {SET_TEN}; COMMIT; BEGIN; DELETE FROM samples WHERE id = 2; COMMIT", "refused_statement",
            "Leave it out", writes(f"BEGIN; {SET_TEN}; DELETE FROM samples WHERE id = 2; COMMIT", 2)),
    Refused("write", f"BEGIN; SAVEPOINT a; {SET_TEN}; COMMIT", "refused_statement", "kept, or none",
            writes(f"BEGIN; {SET_TEN}; COMMIT", 1)),
    Refused("write", f"BEGIN ISOLATION LEVEL SERIALIZABLE; {SET_TEN}; COMMIT", "refused_statement",
            "Leave ISOLATION LEVEL SERIALIZABLE out", writes(f"BEGIN; {SET_TEN}; COMMIT", 1)),
    Refused("read", "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1; COMMIT", "refused_statement",
            "REPEATABLE READ out", reads("BEGIN TRANSACTION; SELECT 1; COMMIT", 1)),
    Refused("write", f"BEGIN READ ONLY; {SET_TEN}; COMMIT", "refused_statement", "READ ONLY out",
            writes(f"BEGIN; {SET_TEN}; COMMIT", 1)),
    Refused("read", "BEGIN READ ONLY ISOLATION LEVEL SERIALIZABLE; SELECT 1; COMMIT", "refused_statement",
            "SERIALIZABLE out", reads("BEGIN READ ONLY; SELECT 1; COMMIT", 1)),
    Refused("read", "BEGIN; SELECT 1; ROLLBACK AND CHAIN", "refused_statement", "Leave BEGIN and ROLLBACK out",
            reads("SELECT 1", 1)),
    Refused("read", "BEGIN; SELECT 1; SELECT 2; ROLLBACK", "several_statements", "on its own", reads("SELECT 2", 2)),
    Refused("write", f"{SET_TEN}; PREPARE TRANSACTION 'a'", "refused_statement", "Leave it out", writes(SET_TEN, 1)),
    # COPY
    Refused("read", "COPY samples (id, name) TO STDOUT", "refused_statement", "COPY (SELECT",
            reads("COPY (SELECT id, name FROM samples WHERE id = 1) TO STDOUT", ["1", "one"])),
    Refused("read", "COPY samples TO '/tmp/a.csv'", "refused_statement", "TO STDOUT",
            reads('COPY lab."Odd names" TO STDOUT', 7)),
    Refused("read", "COPY (SELECT 1) TO PROGRAM 'cat'", "refused_statement", "TO STDOUT",
            reads("COPY (SELECT 1) TO STDOUT", 1)),
    Refused("write", "COPY samples FROM '/tmp/a.csv'", "refused_statement", "VALUES",
            writes("INSERT INTO samples (id) VALUES (4)", 1)),
    Refused("read", "COPY (DELETE FROM samples WHERE id = 1 RETURNING id) TO STDOUT", "write_in_read", "write access",
            writes("COPY (DELETE FROM samples WHERE id = 1 RETURNING id) TO STDOUT", 1)),
]  # fmt: skip

_SEE = "SELECT current_setting"
SETTINGS = [
    reads(f"SET LOCAL statement_timeout = '5s'; {_SEE}('statement_timeout')", "5s", told="sets_local"),
    reads(f"SET statement_timeout TO 4000; {_SEE}('statement_timeout')", "4s", told="sets_local"),
    reads(f"SET lock_timeout = '500ms'; {_SEE}('lock_timeout');", "500ms", told="sets_local"),
    reads(f"BEGIN; SET LOCAL work_mem = '64MB'; {_SEE}('work_mem'); COMMIT", "64MB", told="sets_local"),
    reads(f"SET SESSION enable_seqscan = off; SET jit TO false; {_SEE}('enable_seqscan')", "off", told="sets_local"),
    reads("SET TIME ZONE 'Asia/Tokyo'; SELECT '2024-01-01 00:00+00'::timestamptz", "2024-01-01 09:00:00+09"),
    reads("SET timezone TO 'UTC'; SELECT '2024-01-01 00:00+02'::timestamptz", "2023-12-31 22:00:00+00"),
    reads("SET datestyle = 'ISO, DMY'; SELECT '01/02/2024'::date", "2024-02-01"),
    reads("SET intervalstyle = iso_8601; SELECT interval '1 day'", "P1D"),
    reads("SET extra_float_digits = 3; SELECT 0.5::float8", "0.5"),
    reads("SET search_path TO public; SELECT to_regclass('samples') IS NULL", "t", told="sets_local"),
    reads("SET LOCAL search_path = lab; SELECT name FROM samples WHERE id = 2", "two", told="sets_local"),
    writes(f"SET LOCAL lock_timeout = '1s'; SET statement_timeout = '5s'; {SET_TEN}", 1, told="sets_local"),
    writes("SET search_path TO lab; SET LOCAL work_mem = '8MB'; DELETE FROM samples WHERE id < 3", 2),
]  # fmt: skip
_KEPT = reads("SELECT current_setting('statement_timeout')", "10s")
OTHER_SETTINGS = [
    Refused("read", f"SET {words}; SELECT current_setting('statement_timeout')", "refused_statement", hint, followed)
    for words, hint, followed in (
        ("statement_timeout = '1h'", "at most '10s'",
         reads(f"SET statement_timeout = '10s'; {_SEE}('statement_timeout')", "10s")),
        ("statement_timeout = 0", "above 0", reads(f"SET statement_timeout = '5s'; {_SEE}('statement_timeout')", "5s")),
        ("LOCAL statement_timeout = '-1'", "above 0", _KEPT),
        ("statement_timeout TO DEFAULT", "Leave it out", _KEPT),
        ("lock_timeout = '1min'", "at most '", reads(f"SET lock_timeout = '5s'; {_SEE}('lock_timeout')", "5s")),
        ("lock_timeout = 0", "above 0", _KEPT),
        ("work_mem = '1GB'", "256MB", reads(f"SET work_mem = '256MB'; {_SEE}('work_mem')", "256MB")),
        ("search_path TO pg_toast", "schema in front", _KEPT),
        ('search_path TO "$user", lab', "schema in front", _KEPT),
        ("extra_float_digits = -3", "1, 2 or 3", _KEPT),
        ("datestyle = 'German'", "ISO", _KEPT),
        ("intervalstyle = sql_standard", "iso_8601", _KEPT),
        ("enable_seqscan TO maybe", "on or off", _KEPT),
        ("timezone TO $$x';$$", "Europe/Rome", _KEPT),
        ("application_name = 'x'", "Leave it out", _KEPT),
        ("role = postgres", "Leave it out", _KEPT),
        ("session_replication_role = replica", "Leave it out", _KEPT),
        ("transaction_timeout = 0", "Leave it out", _KEPT),
        ("idle_in_transaction_session_timeout = 0", "Leave it out", _KEPT),
        ("row_security = off", "Leave it out", _KEPT),
        ("client_min_messages = debug5", "Leave it out", _KEPT),
        ("standard_conforming_strings = off", "Leave it out", _KEPT),
        ("track_counts = off", "Leave it out", _KEPT),
        ("a.b = 'c'", "Leave it out", _KEPT),
        ("LOCAL transaction_read_only = off", "Leave it out", _KEPT),
        ("TRANSACTION READ WRITE", "Leave it out", _KEPT),
        ("SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", "Leave it out", _KEPT),
    )
] + [
    Refused("read", "RESET statement_timeout; SELECT 1", "refused_statement", "Leave it out", _KEPT),
    Refused("write", f"{SET_TEN}; SET work_mem = '8MB'", "refused_statement", "SET first",
            writes(f"SET work_mem = '8MB'; {SET_TEN}", 1)),
    Refused("write", "DO $$ BEGIN SET LOCAL lock_timeout = '1s'; END $$", "refused_statement", "SET first",
            writes("SET LOCAL lock_timeout = '1s'; DO $$ BEGIN NULL; END $$", 0)),
]  # fmt: skip


@pytest.mark.parametrize("given", SETTINGS, ids=shown)
def test_a_harmless_setting_holds_for_the_request(lab: World, given: Runs) -> None:
    run(lab, given)
    run(lab, _KEPT)


@pytest.mark.parametrize("given", OTHER_SETTINGS, ids=shown)
def test_no_setting_lifts_a_limit(lab: World, given: Refused) -> None:
    refused(lab, given)


@pytest.mark.parametrize("given", PASTED, ids=shown)
def test_it_runs_as_pasted(lab: World, given: Runs) -> None:
    run(lab, given)


@pytest.mark.parametrize("given", NOT_SQL, ids=shown)
def test_it_is_refused_with_a_hint_that_works(lab: World, given: Refused) -> None:
    refused(lab, given)
