"""What reading an SQL statement tells."""

from __future__ import annotations

import pytest

from executors.analysis import analyse
from executors.base import Access, Analysis, EngineKind, Finding, Language, Severity
from executors.postgresql.reading.rules import REFUSED_KINDS, WRITE_KINDS


def look(statement: str, access: Access = Access.READ, *parameters: str) -> Analysis:
    return analyse(Language.SQL, EngineKind.POSTGRESQL, statement, parameters, access)


def errors(analysis: Analysis) -> list[str]:
    return [finding.code for finding in analysis.findings if finding.severity is Severity.ERROR]


def only(analysis: Analysis) -> Finding:
    (finding,) = analysis.findings
    return finding


@pytest.mark.parametrize(
    ("statement", "kinds"),
    [
        ("SELECT 1", ("SELECT",)),
        ("VALUES (1)", ("SELECT",)),
        ("TABLE a", ("SELECT",)),
        ("SHOW all", ("SHOW",)),
        ("EXPLAIN (ANALYZE, BUFFERS) SELECT 1", ("EXPLAIN",)),
        ("SELECT 1;", ("SELECT",)),
        ("SELECT now(), random(), gen_random_uuid(), count(*), current_setting('a.b', true), pg_sleep(0)", ("SELECT",)),
        ("SELECT * FROM information_schema.tables UNION ALL SELECT 1 EXCEPT SELECT 2", ("SELECT",)),
        ("SELECT lag(a) OVER (ORDER BY b) FROM c WHERE d ~ 'x' AND e->>'f' = ANY ('{1}')", ("SELECT",)),
        ("SELECT ts_rewrite('a'::tsquery, 'b'::tsquery, 'c'::tsquery)", ("SELECT",)),
        ("SELECT 1 OPERATOR(pg_catalog.+) 1", ("SELECT",)),
        ("SELECT shop.mine(1)", ("SELECT",)),
    ],
)
def test_reads(statement: str, kinds: tuple[str, ...]) -> None:
    found = look(statement)
    assert (found.access, found.kinds, found.valid) == (Access.READ, kinds, True)


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("INSERT INTO a VALUES (1)", "INSERT"),
        ("UPDATE a SET b = 1 WHERE c", "UPDATE"),
        ("SELECT nextval('s')", "SELECT"),
        ("DELETE FROM a WHERE b", "DELETE"),
        ("CREATE TABLE a (b int)", "CREATE TABLE"),
        ("SELECT 1 INTO a", "SELECT INTO"),
        ("SELECT 1 INTO a UNION SELECT 2", "SELECT INTO"),
        ("MERGE INTO a USING b ON a.c = b.c WHEN MATCHED THEN DELETE", "MERGE"),
        ("ALTER TABLE a ADD b int", "ALTER TABLE"),
        ("SELECT * FROM a FOR UPDATE", "SELECT"),
        ("EXPLAIN DELETE FROM a WHERE b", "EXPLAIN DELETE"),
        ("EXPLAIN ANALYZE WITH x AS (DELETE FROM a WHERE b RETURNING 1) TABLE x", "EXPLAIN SELECT with DELETE"),
        ("DROP TABLE a", "DROP"),
        ("WITH x AS (DELETE FROM a WHERE b RETURNING 1) SELECT * FROM x", "SELECT with DELETE"),
        ("WITH x AS (DELETE FROM a WHERE b RETURNING c) INSERT INTO d TABLE x", "INSERT with DELETE"),
        (
            "WITH x AS (INSERT INTO a VALUES (1)), y AS (UPDATE c SET d = 1 WHERE e), z AS (TABLE a) TABLE z",
            "SELECT with INSERT and UPDATE",
        ),
        ("TRUNCATE a", "TRUNCATE"),
        ("ALTER TABLE a RENAME TO b", "RENAME"),
        ("COMMENT ON TABLE a IS 'x'", "COMMENT"),
        ("CREATE INDEX ON a (b)", "CREATE INDEX"),
        ("DO $$ BEGIN DELETE FROM a WHERE b; END $$", "DO"),
        ("CALL a()", "CALL"),
        ("ANALYZE a", "ANALYZE"),
        ("CREATE FUNCTION a() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE FUNCTION"),
        ("CREATE TRIGGER a AFTER INSERT ON b EXECUTE FUNCTION c()", "CREATE TRIGGER"),
        ("ALTER FUNCTION a(int) STABLE", "ALTER FUNCTION"),
        ("DROP FUNCTION a()", "DROP"),
    ],
)
def test_writes_are_refused_as_reads_and_allowed_as_writes(statement: str, kind: str) -> None:
    assert errors(look(statement)) == ["write_in_read"]
    found = look(statement, Access.WRITE)
    assert (found.access, found.kinds, errors(found)) == (Access.WRITE, (kind,), [])


@pytest.mark.parametrize("access", [Access.READ, Access.WRITE])
@pytest.mark.parametrize(
    "statement",
    [
        "COMMIT",
        "ROLLBACK TO a",
        "SET a.b = 1",
        "RESET ALL",
        "DISCARD ALL",
        "GRANT SELECT ON a TO b",
        "CREATE ROLE a",
        "ALTER ROLE a SET b = 1",
        "ALTER SYSTEM SET a = 1",
        "UPDATE pg_settings SET setting = '0' WHERE name = 'statement_timeout'",
        "WITH s AS (UPDATE pg_catalog.pg_settings SET setting = '0' RETURNING 1) SELECT * FROM s",
        "COPY a (b) TO STDOUT",
        "COPY a TO PROGRAM 'x'",
        "COPY a FROM PROGRAM 'x'",
        "LOAD 'a'",
        "LISTEN a",
        "NOTIFY a",
        "UNLISTEN *",
        "PREPARE a AS SELECT 1",
        "EXECUTE a",
        "DEALLOCATE a",
        "PREPARE TRANSACTION 'a'",
        "COMMIT PREPARED 'a'",
        "VACUUM a",
        "CLUSTER a",
        "REINDEX TABLE a",
        "CHECKPOINT",
        "CREATE EXTENSION a",
        "CREATE DATABASE a",
        "DROP DATABASE a",
        "CREATE SUBSCRIPTION a CONNECTION 'b' PUBLICATION c",
        "FETCH 1 FROM a",
        "DECLARE a CURSOR FOR SELECT 1",
        "EXPLAIN EXECUTE a",
        "REASSIGN OWNED BY a TO b",
        "CREATE POLICY a ON b",
    ],
)
def test_never_allowed(statement: str, access: Access) -> None:
    finding = next(f for f in look(statement, access).findings if f.code == "refused_statement")
    assert finding.severity is Severity.ERROR
    assert finding.message.endswith(".")


def test_no_kind_is_both_allowed_and_refused() -> None:
    assert not WRITE_KINDS.keys() & REFUSED_KINDS.keys()


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ("SELECT * FROM b, a.c JOIN b USING (x)", ("a.c", "b")),
        ("WITH c AS (SELECT * FROM a) SELECT * FROM c", ("a",)),
        ("WITH a AS (SELECT * FROM a) SELECT * FROM a", ("a",)),
        ("WITH RECURSIVE a AS (SELECT 1 UNION ALL SELECT * FROM a) SELECT * FROM a", ()),
        ("SELECT * FROM (WITH users AS (SELECT 1) SELECT * FROM users) x, users", ("users",)),
        ("WITH s AS (SELECT 1) SELECT * FROM shop.s", ("shop.s",)),
        ("SELECT (SELECT max(x) FROM a), 1 IN (SELECT y FROM b)", ("a", "b")),
        ("SHOW all", ()),
    ],
)
def test_tables_touched(statement: str, tables: tuple[str, ...]) -> None:
    assert look(statement).tables == tables


def test_tables_of_several_writes() -> None:
    found = look("INSERT INTO a SELECT * FROM b; DROP TABLE c.d", Access.WRITE)
    assert found.tables == ("a", "b", "c.d")


def test_syntax_error_has_its_place_in_characters() -> None:
    finding = only(look("SELECT 'é',\n  'ü' fro om"))
    assert (finding.code, finding.line, finding.column) == ("syntax_error", 2, 11)


def test_syntax_of_a_newer_server_is_told() -> None:
    finding = only(look("CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a) VIRTUAL)", Access.WRITE))
    assert (finding.code, finding.severity) == ("partly_read", "warning")


@pytest.mark.parametrize("statement", ["", "  ", ";;", "-- only a comment", "/* x */"])
def test_empty(statement: str) -> None:
    assert errors(look(statement)) == ["empty"]


def test_second_statement_of_a_read() -> None:
    assert errors(look("SELECT 1; SELECT 2")) == ["several_statements"]


def test_place_of_a_later_statement_and_of_a_function() -> None:
    found = look("UPDATE a SET b = 1;\n\n  DELETE FROM a; SELECT pg_notify('é', 'b')", Access.WRITE)
    assert [(f.code, f.line, f.column) for f in found.findings] == [
        ("no_where", 1, 1),
        ("no_where", 3, 3),
        ("refused_function", 3, 25),
    ]


@pytest.mark.parametrize(("count", "valid"), [(0, False), (1, False), (2, True), (3, False)])
def test_parameters_must_match(count: int, valid: bool) -> None:
    assert look("SELECT $2::int + $1::int", Access.READ, *["1"] * count).valid is valid


def test_parameters_need_a_single_statement() -> None:
    assert "parameters_need_one_statement" in errors(look("DELETE FROM a WHERE b = $1; SELECT 1", Access.WRITE, "1"))


def test_read_asked_as_write_is_told() -> None:
    finding = only(look("SELECT 1", Access.WRITE))
    assert (finding.code, finding.severity) == ("read_in_write", Severity.INFO)


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("DELETE FROM a", "no_where"),
        ("UPDATE a SET b = 1", "no_where"),
        ("TRUNCATE a", "destructive"),
        ("DROP TABLE a", "destructive"),
        ("EXPLAIN ANALYZE DELETE FROM a WHERE b", "explain_analyze"),
        ("LOCK a", "locks_table"),
        ("WITH x AS (DELETE FROM a RETURNING 1) SELECT * FROM x", "no_where"),
    ],
)
def test_warnings(statement: str, code: str) -> None:
    found = look(statement, Access.WRITE).findings
    assert [finding.code for finding in found if finding.severity is Severity.WARNING] == [code]


@pytest.mark.parametrize(
    "statement",
    ["SELECT $$\u00a0$$", "SELECT $a$'\u200b$a$", "SELECT '\u200b' -- '", "SELECT E'\\'\u00a0'", "SELECT '''\u00a0'"],
)
def test_unseen_letters_in_literals_warn(statement: str) -> None:
    finding = only(look(statement))
    assert finding.severity is Severity.WARNING


@pytest.mark.parametrize(
    "statement", ["SELECT 1 -- \u200b'", 'SELECT 1 AS "a\u00a0b"', "SELECT /* ' */ \u00a01", "SELECT 'a'\u00a0"]
)
def test_unseen_letters_outside_literals_are_refused(statement: str) -> None:
    assert not look(statement).valid


def test_language_of_another_product_is_refused() -> None:
    found = analyse(Language.SQL, EngineKind.MONGODB, "SELECT 1", (), Access.READ)
    assert errors(found) == ["wrong_language"]


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER ROLE a RENAME TO b",
        "ALTER DATABASE a RENAME TO b",
        "ALTER SERVER a RENAME TO b",
        "ALTER TABLESPACE a RENAME TO b",
        "ALTER POLICY a ON b RENAME TO c",
        "ALTER AGGREGATE a(int) RENAME TO b",
        "COMMENT ON ROLE a IS 'b'",
        "COMMENT ON DATABASE a IS 'b'",
    ],
)
def test_what_is_not_the_targets_data_keeps_its_name_and_comment(statement: str) -> None:
    assert errors(look(statement, Access.WRITE)) == ["refused_statement"]


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE a RENAME TO b",
        "ALTER TABLE a RENAME COLUMN b TO c",
        "ALTER TABLE a RENAME CONSTRAINT b TO c",
        "ALTER VIEW a RENAME TO b",
        "ALTER INDEX a RENAME TO b",
        "ALTER SEQUENCE a RENAME TO b",
        "ALTER TYPE a RENAME TO b",
        "ALTER TYPE a RENAME ATTRIBUTE b TO c",
        "ALTER DOMAIN a RENAME CONSTRAINT b TO c",
        "ALTER SCHEMA a RENAME TO b",
        "COMMENT ON TABLE a IS 'b'",
        "COMMENT ON COLUMN a.b IS 'c'",
        "COMMENT ON CONSTRAINT a ON b IS 'c'",
    ],
)
def test_tables_and_their_parts_can_be_renamed_and_commented_on(statement: str) -> None:
    assert errors(look(statement, Access.WRITE)) == []
