"""What the text of a statement alone tells: where it is said, and where it is not."""

from __future__ import annotations

import pytest

from executors.base import Access, Finding, FindingCode
from executors.postgresql.reading.analysis import read

Code = FindingCode


def found(text: str, code: FindingCode) -> list[Finding]:
    return [finding for finding in read(text, (), Access.WRITE).analysis.findings if finding.code is code]


# The statement, where it is said (line, column), and what is in the message.
SAID: list[tuple[FindingCode, str, tuple[int, int], str]] = [
    (
        Code.MIXED_LOGIC,
        "DELETE FROM f WHERE carrier = 'UA' AND delay > 60 OR distance < 10",
        (1, 36),
        "(carrier = 'UA' AND delay > 60) OR distance < 10.",
    ),
    (
        Code.MIXED_LOGIC,
        "SELECT 1 FROM f WHERE a = 1 OR b = 2\n AND c = 3 ORDER BY 1",
        (2, 2),
        "a = 1 OR (b = 2 AND c = 3).",
    ),
    (Code.MIXED_LOGIC, "SELECT 1 FROM f WHERE (a OR b) OR c AND d", (1, 37), "(a OR b) OR (c AND d)."),
    (
        Code.MIXED_LOGIC,
        "SELECT 1 FROM f JOIN g ON f.a = g.a AND g.b OR g.c WHERE x",
        (1, 37),
        "(f.a = g.a AND g.b) OR g.c.",
    ),
    (Code.MIXED_LOGIC, "SELECT CASE WHEN a AND b OR c THEN 1 END FROM f", (1, 20), "(a AND b) OR c."),
    (
        Code.MIXED_LOGIC,
        "SELECT 1 FROM f WHERE x = 'é' OR a BETWEEN 1 AND 2 AND NOT b",
        (1, 52),
        "(a BETWEEN 1 AND 2 AND NOT b)",
    ),
    (Code.MIXED_LOGIC, "SELECT 1 FROM f WHERE a AND (b OR c AND d)", (1, 37), "b OR (c AND d)."),
    (Code.NULL_COMPARED, "SELECT 1 FROM f WHERE a = NULL", (1, 25), "= NULL"),
    (Code.NULL_COMPARED, "SELECT 1 FROM f WHERE a <> NULL", (1, 25), "<> NULL"),
    (Code.NULL_COMPARED, "DELETE FROM f WHERE id = 1 AND a != NULL::int", (1, 34), "<> NULL"),
    (Code.NULL_COMPARED, "SELECT CASE WHEN NULL = a THEN 1 END FROM f", (1, 23), "= NULL"),
    (Code.NULL_IN_LIST, "SELECT 1 FROM f WHERE a IN (1, NULL)", (1, 25), "finds nothing"),
    (Code.NULL_IN_LIST, "DELETE FROM f WHERE a NOT IN (1, NULL)", (1, 23), "true for no row"),
    (Code.LEADING_WILDCARD, "SELECT 1 FROM f WHERE name LIKE '%x'", (1, 28), "name begins with %"),
    (Code.LEADING_WILDCARD, "SELECT 1 FROM f WHERE lower(name) NOT ILIKE '%x%'", (1, 35), "the text begins with %"),
    (Code.CARTESIAN, "SELECT count(*) FROM flights, planes", (1, 31), "Nothing ties planes to flights"),
    (Code.CARTESIAN, "SELECT 1 FROM flights f, planes p WHERE f.delay > 1 AND p.seats > 1", (1, 26), "p to f"),
    (Code.CARTESIAN, "SELECT 1 FROM flights f JOIN planes p ON true", (1, 30), "p to f"),
    (Code.CARTESIAN, "SELECT 1 FROM flights f JOIN planes p ON f.a = f.b", (1, 30), "p to f"),
    (Code.CARTESIAN, "SELECT 1 FROM a, b, c WHERE a.x = b.x", (1, 21), "c to a"),
    (Code.CARTESIAN, "SELECT 1 FROM a CROSS JOIN b", (1, 28), "b to a"),
    (Code.CARTESIAN, "DELETE FROM x WHERE id IN (SELECT a.id FROM a, b WHERE a.y = 1)", (1, 48), "b to a"),
    (Code.DEEP_OFFSET, "SELECT 1 FROM f ORDER BY id LIMIT 10 OFFSET 100000", (1, 45), "OFFSET 100,000"),
    (Code.UNORDERED_PAGES, "SELECT 1 FROM f LIMIT 10 OFFSET 20", (1, 33), "left to chance"),
    (Code.UNORDERED_LIMIT, "DELETE FROM f WHERE id IN (SELECT id FROM f WHERE a LIMIT 5)", (1, 59), "left to chance"),
    (
        Code.UNORDERED_LIMIT,
        "WITH x AS (SELECT id FROM f LIMIT 5) UPDATE f SET a = 1 FROM x WHERE x.id = f.id",
        (1, 35),
        "LIMIT",
    ),
    (Code.INSERT_BY_PLACE, "INSERT INTO s.f VALUES (1, 2)", (1, 13), "columns of s.f are not named"),
    (Code.INSERT_BY_PLACE, "INSERT INTO f SELECT a, b FROM g", (1, 13), "columns of f"),
    (Code.INSERT_STAR, "INSERT INTO f SELECT * FROM g", (1, 22), "SELECT * fills f"),
    (Code.INSERT_STAR, "INSERT INTO f (a, b) SELECT g.* FROM g", (1, 29), "SELECT * fills f"),
    (Code.VOLATILE_CONDITION, "DELETE FROM f WHERE random() < 0.5", (1, 21), "random() decides"),
    (Code.VOLATILE_CONDITION, "UPDATE f SET a = 1 WHERE at < clock_timestamp()", (1, 31), "clock_timestamp()"),
    (Code.TIME_CONDITION, "DELETE FROM f WHERE at < now() - interval '1 day'", (1, 26), "the moment it runs"),
    (Code.TIME_CONDITION, "UPDATE f SET a = 1 WHERE day = CURRENT_DATE", (1, 32), "the moment it runs"),
    (Code.AFTER_REMOVED, "DELETE FROM f;\nINSERT INTO g (a) SELECT a FROM f", (2, 33), "f was emptied"),
    (Code.AFTER_REMOVED, "TRUNCATE f, g; UPDATE g SET a = 1 WHERE b = 2", (1, 23), "g was emptied"),
    (Code.AFTER_REMOVED, "DROP TABLE f; INSERT INTO f (a) VALUES (1)", (1, 27), "f was dropped"),
    (Code.AFTER_REMOVED, "DROP TABLE s.f; CREATE INDEX i ON s.f (a)", (1, 35), "s.f was dropped"),
]

SILENT: list[tuple[FindingCode, str]] = [
    (Code.MIXED_LOGIC, "DELETE FROM f WHERE (a AND b) OR c"),
    (Code.MIXED_LOGIC, "DELETE FROM f WHERE a AND (b OR c)"),
    (Code.MIXED_LOGIC, "DELETE FROM f WHERE (x OR y) OR (a AND b)"),
    (Code.MIXED_LOGIC, "DELETE FROM f WHERE a OR b BETWEEN 1 AND 2"),
    (Code.MIXED_LOGIC, "DELETE FROM f WHERE a OR (b AND CASE WHEN x OR y THEN true END)"),
    (Code.MIXED_LOGIC, "SELECT a OR b FROM f WHERE a AND b"),
    (Code.MIXED_LOGIC, "SELECT 1 FROM f WHERE note = 'a AND b OR c' -- a AND b OR c"),
    (Code.NULL_COMPARED, "UPDATE f SET a = NULL WHERE b IS NULL"),
    (Code.NULL_COMPARED, "SELECT 1 FROM f WHERE a IS DISTINCT FROM NULL"),
    (Code.NULL_COMPARED, "DELETE FROM f WHERE a = NULL"),  # said as NEVER_TRUE
    (Code.NULL_IN_LIST, "SELECT 1 FROM f WHERE a IN (1, 2) OR a IS NULL"),
    (Code.LEADING_WILDCARD, "SELECT 1 FROM f WHERE name LIKE 'x%'"),
    (Code.LEADING_WILDCARD, "DELETE FROM f WHERE name LIKE '%'"),  # said as ALWAYS_TRUE
    (Code.LEADING_WILDCARD, "SELECT 1 FROM f WHERE name LIKE prefix || '%'"),
    (Code.CARTESIAN, "SELECT 1 FROM a, b WHERE a.x = b.x"),
    (Code.CARTESIAN, "SELECT 1 FROM a JOIN b USING (x)"),
    (Code.CARTESIAN, "SELECT 1 FROM a NATURAL JOIN b"),
    (Code.CARTESIAN, "SELECT 1 FROM a, b WHERE x = y"),  # whose columns these are is not known
    (Code.CARTESIAN, "SELECT 1 FROM a, b, c WHERE a.x = b.x AND (c.y = b.y OR c.z = 1)"),
    (Code.CARTESIAN, "WITH p AS (SELECT 1 AS n) SELECT 1 FROM a, p WHERE a.x > 1"),
    (Code.CARTESIAN, "SELECT 1 FROM a, LATERAL (SELECT 1 FROM b WHERE b.x = a.x) s"),
    (Code.CARTESIAN, "SELECT 1 FROM a, b WHERE EXISTS (SELECT FROM c WHERE c.x = a.x AND c.y = b.y)"),
    (Code.CARTESIAN, "SELECT 1 FROM a, unnest(a.parts) part"),
    (Code.DEEP_OFFSET, "SELECT 1 FROM f ORDER BY id LIMIT 10 OFFSET 100"),
    (Code.UNORDERED_PAGES, "SELECT 1 FROM f ORDER BY id LIMIT 10 OFFSET 20"),
    (Code.UNORDERED_PAGES, "SELECT 1 FROM f LIMIT 10"),
    (Code.UNORDERED_LIMIT, "SELECT 1 FROM f LIMIT 10"),
    (Code.UNORDERED_LIMIT, "DELETE FROM f WHERE id IN (SELECT id FROM f ORDER BY id LIMIT 5)"),
    (Code.UNORDERED_LIMIT, "DELETE FROM f WHERE EXISTS (SELECT 1 FROM g WHERE g.id = f.id LIMIT 1)"),
    (Code.UNORDERED_LIMIT, "DELETE FROM f WHERE n = (SELECT max(n) FROM f LIMIT 1)"),
    (Code.INSERT_BY_PLACE, "INSERT INTO f (a) VALUES (1)"),
    (Code.INSERT_BY_PLACE, "INSERT INTO f DEFAULT VALUES"),
    (Code.INSERT_BY_PLACE, "INSERT INTO f SELECT * FROM g"),  # said as INSERT_STAR
    (Code.INSERT_STAR, "INSERT INTO f (n) SELECT count(*) FROM g"),
    (Code.INSERT_STAR, "INSERT INTO f (a) SELECT a FROM (SELECT * FROM g) s"),
    (Code.VOLATILE_CONDITION, "SELECT 1 FROM f WHERE random() < 0.5"),
    (Code.VOLATILE_CONDITION, "UPDATE f SET a = random() WHERE id = 1"),
    (Code.TIME_CONDITION, "UPDATE f SET at = now() WHERE id = 1"),
    (Code.TIME_CONDITION, "SELECT 1 FROM f WHERE at < now()"),
    (Code.TIME_CONDITION, "DELETE FROM f WHERE age(born, at) > '1 year'"),
    (Code.AFTER_REMOVED, "DELETE FROM f WHERE a = 1; INSERT INTO g (a) SELECT a FROM f"),
    (Code.AFTER_REMOVED, "DELETE FROM f; INSERT INTO f (a) VALUES (1); UPDATE f SET a = 2 WHERE a = 1"),
    (Code.AFTER_REMOVED, "DROP TABLE f; CREATE TABLE f (a int); INSERT INTO f (a) VALUES (1)"),
    (Code.AFTER_REMOVED, "TRUNCATE f; INSERT INTO f (a) VALUES (1)"),
    (Code.AFTER_REMOVED, "DELETE FROM f; WITH f AS (SELECT 1 AS a) INSERT INTO g (a) SELECT a FROM f"),
    (Code.AFTER_REMOVED, "DROP TABLE f; UPDATE g SET a = 1 WHERE a = 2"),
]


@pytest.mark.parametrize(("code", "text", "place", "message"), SAID)
def test_text_tells(code: FindingCode, text: str, place: tuple[int, int], message: str) -> None:
    (finding,) = found(text, code)
    assert (finding.line, finding.column) == place
    assert message in finding.message


@pytest.mark.parametrize(("code", "text"), SILENT)
def test_text_does_not_tell(code: FindingCode, text: str) -> None:
    assert found(text, code) == []


LIMITED = ["DELETE FROM f WHERE a = 1 LIMIT 5", "SELECT 1;\nUPDATE f SET a = 1 WHERE b = 2 ORDER BY id LIMIT 5"]


@pytest.mark.parametrize("text", LIMITED)
def test_write_with_a_limit_of_another_product_is_told_how_it_is_said_here(text: str) -> None:
    (finding,) = found(text, Code.SYNTAX_ERROR)
    assert "choose the rows by their key" in finding.hint


@pytest.mark.parametrize("text", ["SELECT 1 LIMIT LIMIT", "DELETE FORM f WHERE a LIMIT 5", "INSERT INTO f ORDER BY 1"])
def test_other_mistakes_are_not_taken_for_it(text: str) -> None:
    (finding,) = found(text, Code.SYNTAX_ERROR)
    assert finding.hint == ""
