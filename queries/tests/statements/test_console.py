"""What people copy out of a console, its commands and prompts with it, on a real server from submission to the end."""

from __future__ import annotations

import pytest

from queries.tests.statements.given import Refused, reads, refused, shown, writes
from queries.tests.world import World

TWO = reads("SELECT name FROM samples WHERE id = 2", "two")
SET_ONE = writes("UPDATE samples SET amount = 1 WHERE id = 1", 1)


def command(text: str, hint: str, followed: str, *rows: object) -> Refused:
    return Refused("read", text, "client_command", hint, reads(followed, *rows))


# A command of psql, a piece of the query that its hint gives, that query for something that is there, and its end.
COMMANDS = [
    command("\\d+ samples", "information_schema.columns",
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'Odd names'",
            ["id", "integer"]),
    command("\\dS samples", "information_schema.columns", "SELECT 1", 1),
    command("\\dm", "pg_matviews", "SELECT schemaname, matviewname FROM pg_catalog.pg_matviews"),
    command("\\ds public.*", "pg_sequences",
            "SELECT schemaname, sequencename FROM pg_catalog.pg_sequences", ["public", "effects_id_seq"]),
    command("\\dT+", "pg_type", "SELECT typname FROM pg_catalog.pg_type WHERE typname LIKE 'int4'", "int4"),
    command("\\dx", "pg_extension", "SELECT extname FROM pg_catalog.pg_extension", "plpgsql"),
    command("\\dtv", "information_schema.tables",
            "SELECT table_name FROM information_schema.tables WHERE table_name = 'samples'", "samples"),
    command("\\dfn lower", "pg_proc", "SELECT DISTINCT proname FROM pg_catalog.pg_proc WHERE proname LIKE 'lowe_'",
            "lower"),
    command("\\dL", "pg_language", "SELECT lanname FROM pg_catalog.pg_language WHERE lanname = 'sql'", "sql"),
    command("\\dconfig search_path", "pg_settings",
            "SELECT name FROM pg_catalog.pg_settings WHERE name = 'search_path'", "search_path"),
    command("\\dp samples", "table_privileges",
            "SELECT privilege_type FROM information_schema.table_privileges WHERE table_name = 'Odd names'", "SELECT"),
    command("\\sf upper", "pg_get_functiondef", "SELECT pg_get_functiondef('int4pl'::regproc) LIKE '%int4pl%'", "t"),
    command("\\list", "pg_database", "SELECT datname FROM pg_catalog.pg_database WHERE datname = 'template1'",
            "template1"),
    command("\\q", "Remove the line", *("SELECT 1", 1)),
    command("SELECT 1;\n\\! ls", "no shell", "SELECT 1", 1),
    command("\\o out.txt\nSELECT 1;", "no files", "SELECT 1", 1),
    command("\\h select", "documentation", "SELECT 1", 1),
    command("\\if true\nSELECT 1;\n\\endif", "remove the conditions", "SELECT 1;", 1),
    command("SELECT 1\\G", "MySQL", "SELECT 1;", 1),
    command("\\set n 2\nSELECT 1;", "Write :name", "SELECT 1;", 1),
    command("\\conninfo", "choose the target", "SELECT 1", 1),
    command("\\echo rows\nSELECT 1;", "as a comment", "-- rows\nSELECT 1;", 1),
]  # fmt: skip

PASTED = [
    Refused("read", "orders=> SELECT name FROM samples\norders-> WHERE id = 2;", "syntax_error", "prompts", TWO),
    Refused("read", "postgres=# SELECT name FROM samples WHERE id = 2;", "syntax_error", "prompts", TWO),
    Refused("write", "prod-db=*# UPDATE samples SET amount = 1 WHERE id = 1;", "syntax_error", "prompts", SET_ONE),
    Refused("read", "mysql> SELECT name FROM samples WHERE id = 2;", "syntax_error", "prompts", TWO),
    Refused("read", 'psql -h db -c "SELECT name FROM samples WHERE id = 2"', "syntax_error", "SQL alone", TWO),
    Refused("read", "sudo -u postgres psql -c 'SELECT 1'", "syntax_error", "SQL alone", reads("SELECT 1", 1)),
    Refused("read", "SELECT 3 \u2013 2", "syntax_error", "Write - instead", reads("SELECT 3 - 2", 1)),
    Refused("read", "SELECT name FROM samples WHERE id = 2 \u2014 the second", "syntax_error", "-- for a comment",
            reads("SELECT name FROM samples WHERE id = 2 -- the second", "two")),
]  # fmt: skip

FUNCTIONS = [
    Refused("read", "SELECT pg_advisory_lock(1)", "refused_function", "pg_advisory_xact_lock",
            writes("SELECT pg_advisory_xact_lock(1)", 0)),
    Refused("write", "SELECT pg_try_advisory_lock(1); DELETE FROM samples WHERE id = 1", "refused_function",
            "pg_advisory_xact_lock", writes("SELECT pg_advisory_xact_lock(1); DELETE FROM samples WHERE id = 1", 1)),
    Refused("read", "SELECT set_config('work_mem', '8MB', true)", "refused_function", "Write SET",
            reads("SET work_mem = '8MB'; SELECT current_setting('work_mem')", "8MB")),
    Refused("read", "SELECT query_to_xml('SELECT 1', true, false, '')", "refused_function", "the query itself",
            reads("SELECT 1", 1)),
    Refused("read", "SELECT * FROM dblink('dbname=b', 'SELECT 1') AS t (a int)", "refused_function",
            "a target of its own", reads("SELECT 1", 1)),
    Refused("read", "SELECT 1 OPERATOR(public.+) 2", "refused_operator", "its sign alone", reads("SELECT 1 + 2", 3)),
]  # fmt: skip


@pytest.mark.parametrize("given", [*COMMANDS, *PASTED, *FUNCTIONS], ids=shown)
def test_it_is_refused_with_a_hint_that_works(lab: World, given: Refused) -> None:
    refused(lab, given)
