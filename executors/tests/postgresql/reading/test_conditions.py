"""Conditions that hold nothing back, or everything: what is said is exactly what holds."""

# ruff: noqa: E501 - tables of statements as people write them
from __future__ import annotations

import re
from typing import Any

import psycopg
import pytest

from executors.base import Access, Severity, Verified
from executors.postgresql.reading.analysis import read
from executors.tests.postgresql.world import Database

ALWAYS = """
1=1|true|NOT false|'a'='a'|1 IN (1)|id = 5 OR true|id IS NOT DISTINCT FROM id|coalesce(id = id, true)|EXISTS (SELECT 1)
id IS NULL OR id IS NOT NULL|id = id OR id IS NULL|(id = id) IS NOT FALSE|'t'::bool|1::bool|1 + 1 = 2|2 > 1|'1' = 1
CASE WHEN id > 1 THEN true ELSE true END|NOT EXISTS (SELECT 1 FROM o WHERE false)|ctid = ctid|'abc' LIKE '%'|NOT NOT true
id NOT IN (SELECT total FROM o WHERE 1 = 0)|(SELECT true)|EXISTS (VALUES (1))|EXISTS (SELECT count(*) FROM o WHERE false)
1 BETWEEN 0 AND 2|id >= ALL (SELECT 1 WHERE false)|true IS TRUE|NULL IS NULL|1 <> 2 AND 3 >= 3|'yes'::boolean|-1 < 0
nullif(id, id) IS NULL|coalesce(carrier, '') IS NOT NULL|concat(carrier) IS NOT NULL|CASE WHEN id > 1 THEN 1 ELSE 1 END = 1
id IS NOT DISTINCT FROM id + 0|carrier IS NOT DISTINCT FROM carrier || ''
EXISTS (SELECT 1 FROM (SELECT 1) x LIMIT 0) IS FALSE|7 % 2 = 1|'a' || 'b' = 'ab'|id <> 1 OR id = 1 OR id IS NULL
""".strip()

UNLESS_NULL = {
    "carrier = carrier": "carrier",
    "id >= id": "id",
    "id <= flights.id": "id",
    "id BETWEEN id AND id": "id",
    "carrier LIKE '%'": "carrier",
    "carrier ILIKE '%%'": "carrier",
    "carrier ~ '.*'": "carrier",
    "carrier SIMILAR TO '%'": "carrier",
    "id IN (SELECT id FROM flights)": "id",
    "flights.id = ANY (SELECT f.id FROM flights f)": "flights.id",
    "id IN (SELECT id)": "id",
    "id = (SELECT id)": "id",
    "EXISTS (SELECT 1 FROM flights f WHERE f.id = flights.id)": "id",
    "id = ANY (ARRAY[id, 2])": "id",
    "id IN (1, id)": "id",
    "id > 5 OR id <= 5": "id",
    "id <> 1 OR id <> 2": "id",
    "id NOT BETWEEN 5 AND 3": "id",
    "id < 10 OR id BETWEEN 5 AND 20 OR id > 15": "id",
    "carrier = 'AA' OR carrier <> 'AA'": "carrier",
    "NOT (id <> id)": "id",
    "(id = id) IS TRUE": "id",
    "flag OR NOT flag": "flag",
    "length(carrier) >= 0": "carrier",
    "lower(carrier) = lower(carrier)": "carrier",
    "id = id AND carrier = carrier": "carrier and id",
    "id = id OR carrier = 'AA'": "id",
    "carrier || '' = carrier": "carrier",
    "carrier = '' || carrier": "carrier",
    "id + 0 = id": "id",
    "id = 1 * id": "id",
    "id - 0 >= id / 1": "id",
    "id = -(-id)": "id",
    "coalesce(id, id) = id": "id",
    "greatest(id, id) <= id": "id",
    "CASE WHEN flag THEN id ELSE id END = id": "id",
    "lower(carrier) = lower(carrier || '')": "carrier",
    "carrier::text = carrier": "carrier",
    'carrier = carrier COLLATE "C"': "carrier",
    "id = (SELECT id + 0)": "id",
    "id - id = 0": "id",
    "carrier ~ '(?:)'": "carrier",
    "carrier ~ '^.{0,}$'": "carrier",
    "0 = id * 0": "id",
    "0 <= length(carrier)": "carrier",
    "(id = id) = true": "id",
    "(id = id)::bool": "id",
    "false <> (id = id)": "id",
}

NEVER = """
false|1 = 2|id = NULL|NULL|id IN (NULL)|id NOT IN (1, NULL)|id = 1 AND id = 2|id <> id|id < id|carrier NOT LIKE '%'
id BETWEEN 5 AND 3|id IS DISTINCT FROM id|NOT true|EXISTS (SELECT 1 WHERE false)|id IN (SELECT 1 WHERE false)|false AND flag
id * 0 <> 0|(id = id) = false|id > 5 AND id < 3|'a' = 'b'|CASE WHEN id > 1 THEN false END|length(carrier) < 0|NOT (id = id)|1 > ANY (SELECT 2 LIMIT 0)
""".strip()

HOLDS_BACK = """
id = 5|carrier = 'AA'|id IS NOT NULL|id IS NULL|random() < 0.5|random() = random()|carrier <> 'a' OR carrier <> 'b'
NOT ((id = id) IS TRUE)|NOT (id = id AND carrier = 'AA')|id IN (SELECT id FROM flights WHERE total > 3)|id = $1
id IN (SELECT id FROM flights LIMIT 3)|EXISTS (SELECT 1 FROM o WHERE o.id = flights.id)|id > 5 OR id < 5
id >= 2 OR id <= 1
id = 5 AND lower(carrier) <> carrier|id > id * random()|md5(carrier) <> ''|total < id|flag = true
carrier LIKE '%a%'|id = total|flag|NOT flag|id = 1 OR flag|id = 1 AND true|coalesce(flag, true)
shop.f(id) = shop.f(id)|id = '5'|id IN (SELECT o.id FROM o)|CASE WHEN flag THEN true END|carrier = 'a' AND carrier = 'A'
""".strip()


ITSELF = """
lower(carrier) <> carrier|carrier LIKE carrier|id > id - 1|id IN (id + 1, 2 * id)|id BETWEEN id - 1 AND id + 1|id + total = total + id
starts_with(carrier, carrier)|id = 5 OR lower(carrier) <> carrier|NOT (carrier <> lower(carrier))|id IS DISTINCT FROM abs(id)
carrier = ANY (string_to_array(carrier, ','))|id = id AND flights.id > abs(id) - 1|(id > id - 1) IS TRUE|(id > id - 1) = true
""".strip()


def split(table: str) -> list[str]:
    return [case.strip() for line in table.splitlines() for case in re.split(r"(?<!\|)\|(?!\|)", line)]


def look(statement: str) -> dict[str, list[str]]:
    parameters = ["1"] * statement.count("$1")
    findings = read(statement, parameters, Access.WRITE).analysis.findings
    told: dict[str, list[str]] = {}
    for finding in findings:
        told.setdefault(finding.code.value, []).append(finding.message)
    return told


def claims(statement: str) -> set[Verified]:
    return set(read(statement, ["1"] * statement.count("$1"), Access.WRITE).analysis.verified)


@pytest.mark.parametrize("condition", split(ALWAYS))
@pytest.mark.parametrize("statement", ["DELETE FROM flights WHERE {}", "UPDATE flights SET name = name WHERE {}"])
def test_true_for_every_row(statement: str, condition: str) -> None:
    (message,) = look(statement.format(condition))["always_true"]
    assert "is true for every row: it holds nothing back" in message
    assert Verified.EVERY_WRITE_FILTERED not in claims(statement.format(condition))


@pytest.mark.parametrize("condition", UNLESS_NULL)
def test_true_for_every_row_but_for_nulls(condition: str) -> None:
    """told-04 and its like."""
    statement = f"DELETE FROM flights WHERE {condition}"
    (message,) = look(statement)["always_true"]
    names = UNLESS_NULL[condition]
    are = "are" if " and " in names else "is"
    assert f"true for every row in which {names} {are} not NULL" in message.replace("flights.id", names)
    assert Verified.EVERY_WRITE_FILTERED not in claims(statement)


@pytest.mark.parametrize("condition", split(NEVER))
def test_true_for_no_row(condition: str) -> None:
    told = look(f"DELETE FROM flights WHERE {condition}")
    assert "none is deleted" in told["never_true"][0]
    assert "always_true" not in told


@pytest.mark.parametrize("condition", split(HOLDS_BACK))
def test_what_holds_something_back_is_not_warned_of(condition: str) -> None:
    statement = f"DELETE FROM flights WHERE {condition}"
    assert not look(statement).keys() & {"always_true", "never_true", "no_where"}
    own = "shop." in condition
    assert (Verified.EVERY_WRITE_FILTERED in claims(statement)) is not own


@pytest.mark.parametrize("condition", split(ITSELF))
def test_what_compares_a_column_with_itself_is_not_told_as_a_filter(condition: str) -> None:
    statement = f"DELETE FROM flights WHERE {condition}"
    assert "themselves only" in look(statement)["self_comparison"][0]
    assert Verified.EVERY_WRITE_FILTERED not in claims(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE flights SET id = 1 WHERE CURRENT OF c",
        "WITH gone AS (DELETE FROM flights WHERE CURRENT OF c RETURNING 1) SELECT 1 FROM gone",
    ],
)
def test_there_is_no_cursor_to_be_at(statement: str) -> None:
    assert "CURRENT OF" in look(statement)["refused_statement"][0]


def test_a_condition_of_when_that_holds_nothing_back_is_told() -> None:
    merge = "MERGE INTO a USING b ON a.id = b.id WHEN MATCHED AND {} THEN DELETE"
    assert "in which a.x is not NULL" in look(merge.format("a.x = a.x || ''"))["no_where"][0]
    assert "no_where" not in look(merge.format("a.x = 5"))


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        *((condition, 3) for condition in split(ALWAYS)),
        *((condition, 2) for condition in UNLESS_NULL),
        *((condition, 0) for condition in split(NEVER)),
    ],
)
def test_the_server_agrees(database: Database, condition: str, rows: int) -> None:
    """Every condition of the tables, on two rows and a third of NULLs."""
    with database.admin.transaction(force_rollback=True):
        database.admin.execute(
            "CREATE TEMP TABLE flights (id int, carrier text, flag bool, total int);"
            "CREATE TEMP TABLE o (id int, total int); INSERT INTO o VALUES (1, 1);"
            "INSERT INTO flights VALUES (1, 'AA', true, 1), (6, '', false, 2), (NULL, NULL, NULL, NULL)"
        )
        statement: Any = f"SELECT count(*) FROM flights WHERE {condition}"
        (found,) = database.admin.execute(statement).fetchone() or (None,)
        assert found == rows


STATEMENTS = [
    pytest.param("ALTER TABLE orders DROP COLUMN email", "destructive", "column email", id="told-01"),
    ("ALTER TABLE orders DROP CONSTRAINT total_positive CASCADE", "destructive", "constraint total_positive"),
    ("ALTER TABLE orders ADD x int, DROP COLUMN IF EXISTS email CASCADE", "destructive", "column email"),
    ("ALTER TABLE orders DETACH PARTITION old", "destructive", "partition"),
    ("ALTER TABLE orders ALTER email TYPE varchar(3)", "destructive", "type of the column email"),
    ("ALTER DOMAIN price DROP CONSTRAINT positive", "destructive", "constraint positive"),
    ("ALTER TYPE pair DROP ATTRIBUTE a", "destructive", "column a"),
    ("REFRESH MATERIALIZED VIEW m WITH NO DATA", "destructive", "emptied"),
    ("TRUNCATE orders CASCADE", "destructive", "CASCADE"),
    ("DROP TABLE orders", "destructive", "everything"),
    pytest.param("MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE", "no_where", "row that ON", id="told-02"),
    ("MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE", "always_true", "MERGE is true for every row"),
    ("MERGE INTO a USING b ON a.id = b.id WHEN MATCHED AND true THEN DELETE", "no_where", "every row that ON"),
    ("MERGE INTO a USING b ON a.id = b.id WHEN NOT MATCHED BY SOURCE THEN DELETE", "no_where", "no row of the source"),
    ("MERGE INTO a USING b ON a.id = a.id WHEN MATCHED THEN UPDATE SET x = 1", "always_true", "a.id is not NULL"),
    ("MERGE INTO a USING b ON b.x = 1 WHEN MATCHED THEN UPDATE SET x = 1", "always_true", "no column of a"),
    pytest.param("UPDATE airlines SET name = name WHERE true", "always_true", "true for every row", id="told-03"),
    ("UPDATE a SET x = b.x FROM b WHERE b.id = 1", "always_true", "names no column of a"),
    ("DELETE FROM a USING b WHERE b.id = 1 AND b.x > 2", "always_true", "names no column of a"),
    ("DELETE FROM a USING a AS o WHERE a.id = o.id", "always_true", "id is not NULL"),
    ("DELETE FROM a WHERE EXISTS (SELECT 1 FROM b)", "always_true", "names no column of a"),
    ("DELETE FROM a WHERE (SELECT count(*) FROM b WHERE b.x = 1) > 0", "always_true", "names no column of a"),
    ("DELETE FROM a WHERE now() > '2020-01-01'", "always_true", "names no column of a"),
    ("UPDATE a SET x = b.x FROM b WHERE a.id = 5", "not_tied", "No condition ties b to a"),
    ("WITH x AS (DELETE FROM a WHERE 1 = 1 RETURNING 1) SELECT * FROM x", "always_true", "every row"),
    ("WITH x AS (DELETE FROM a RETURNING 1) INSERT INTO b SELECT * FROM x", "no_where", "no WHERE clause"),
    ("DELETE FROM p WHERE EXISTS (SELECT 1 FROM o WHERE o.x = o.x AND o.y = o.y)", "always_true", "in a subquery"),
    ("INSERT INTO a VALUES (1) ON CONFLICT (x) DO UPDATE SET y = 1", "overwrites", "there already"),
    pytest.param("SELECT shop.delete_order(1)", "own_function", "shop.delete_order is a function", id="told-07"),
    ("SELECT delete_order(1), now()", "own_function", "delete_order is a function"),
    ("SELECT * FROM shop.all_gone(1)", "own_function", "shop.all_gone is a function"),
    ("VALUES (shop.a(), shop.b())", "own_function", "shop.a, shop.b are functions"),
    ("UPDATE orders SET total = shop.price(id) WHERE id = 1", "own_function", "shop.price is a function"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "code", "words"), STATEMENTS)
def test_what_a_write_does_is_said(statement: str, code: str, words: str) -> None:
    assert words in " ".join(look(statement)[code])


@pytest.mark.parametrize(("statement", "code", "words"), STATEMENTS)
def test_nothing_is_claimed_that_the_warning_denies(statement: str, code: str, words: str) -> None:
    denied = {
        "destructive": Verified.NOTHING_DROPPED,
        "own_function": Verified.ONLY_READS,
        "no_where": Verified.EVERY_WRITE_FILTERED,
        "always_true": Verified.EVERY_WRITE_FILTERED,
    }.get(code)
    assert denied not in claims(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE a ALTER b DROP DEFAULT",
        "ALTER TABLE a ALTER b DROP NOT NULL",
        "ALTER DOMAIN a DROP NOT NULL",
        "ALTER TABLE a DROP COLUMN b",
        "SELECT shop.f()",
    ],
)
def test_nothing_dropped_is_claimed_of_what_adds_alone(statement: str) -> None:
    assert Verified.NOTHING_DROPPED not in claims(statement)
    assert Verified.NOTHING_DROPPED in claims("ALTER TABLE a ADD b int; UPDATE a SET b = 1 WHERE c = 2")


@pytest.mark.parametrize("statement", ["ALTER TABLE a ADD b int", "LOCK a", "CREATE INDEX ON a (b)", "TRUNCATE a"])
def test_a_lock_on_the_whole_table_is_not_denied(statement: str) -> None:
    assert Verified.NO_TABLE_LOCKED not in claims(statement)


def test_a_function_of_the_databases_own_is_shown_as_a_write() -> None:
    for statement in ("SELECT shop.delete_order(1)", "SELECT delete_order(1)", "SELECT * FROM f(1) x"):
        found = read(statement, (), Access.WRITE).analysis
        assert found.access is Access.WRITE
        assert "read_in_write" not in {finding.code for finding in found.findings}
        assert read(statement, (), Access.READ).analysis.access is Access.READ


@pytest.mark.parametrize(
    ("statement", "certain"),
    [
        ("SELECT 1", True),
        ("SELECT lower('A')", True),
        ("SELECT * FROM pg_catalog.pg_class", True),
        ("SELECT * FROM orders", False),
        ("SELECT 1::shop.price", False),
        ("SELECT 1::mood", False),
    ],
)
def test_only_reads_is_certain_where_nothing_of_the_databases_own_is_named(statement: str, certain: bool) -> None:
    (message,) = look(statement)["read_in_write"]
    assert message.startswith(
        "This only reads" if certain else "Nothing in its text writes; read access is enough unless"
    )


# --- told-05 ---

CATALOGUE = {"planes": ("tailnum", "year"), "airlines": ("carrier", "name"), "flights": ("tailnum", "carrier", "id")}


def names(statement: str, *, catalogue: bool) -> list[str]:
    found = read(statement, (), Access.WRITE, CATALOGUE if catalogue else None).analysis.findings
    return [finding.message for finding in found if finding.code == "outer_name"]


def test_a_name_of_the_outer_table_is_told_when_the_target_was_asked() -> None:
    """told-05"""
    statement = "DELETE FROM planes WHERE tailnum IN (SELECT tailnum FROM airlines)"
    (message,) = names(statement, catalogue=True)
    assert message.startswith("airlines has no column tailnum: in the subquery it means planes.tailnum")
    found = read(statement, (), Access.WRITE, CATALOGUE).analysis
    assert Verified.EVERY_WRITE_FILTERED not in found.verified


def test_a_name_that_may_be_of_the_outer_table_is_told_with_its_if() -> None:
    """told-05"""
    statement = "DELETE FROM planes WHERE tailnum IN (SELECT tailnum FROM airlines)"
    (finding,) = read(statement, (), Access.WRITE).analysis.findings
    assert (finding.code, finding.severity) == ("outer_name", Severity.WARNING)
    assert finding.message.startswith("If airlines has no column tailnum, it means the one outside")
    assert "airlines.tailnum" in finding.hint


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE planes SET year = 0 WHERE tailnum NOT IN (SELECT tailnum FROM airlines WHERE name LIKE 'A%')",
        "DELETE FROM planes WHERE year = 1 AND tailnum = ANY (SELECT tailnum FROM airlines)",
        "DELETE FROM planes WHERE tailnum = (SELECT tailnum FROM airlines LIMIT 1)",
        "DELETE FROM planes p WHERE p.tailnum IN (SELECT tailnum FROM airlines a)",
        "DELETE FROM planes WHERE tailnum IN (SELECT tailnum FROM (SELECT carrier FROM airlines) x)",
        "WITH x AS (SELECT carrier FROM airlines) DELETE FROM planes WHERE tailnum IN (SELECT tailnum FROM x)",
        "SELECT * FROM planes WHERE tailnum IN (SELECT tailnum FROM airlines)",
        "DELETE FROM planes WHERE tailnum IN (SELECT upper(tailnum) FROM airlines)",
        "DELETE FROM planes WHERE tailnum IN (SELECT tailnum || '' FROM airlines)",
        "DELETE FROM planes WHERE tailnum IN (SELECT year::text FROM airlines)",
        "DELETE FROM planes WHERE (tailnum, year) IN (SELECT carrier, year FROM airlines)",
        "DELETE FROM planes WHERE tailnum IN (SELECT carrier FROM airlines UNION SELECT tailnum FROM airlines)",
        "DELETE FROM planes WHERE tailnum = ANY (ARRAY(SELECT tailnum FROM airlines))",
        "DELETE FROM planes WHERE tailnum IN (WITH x AS (SELECT 1) SELECT tailnum FROM airlines UNION SELECT 'a')",
    ],
)
def test_every_form_of_the_slip_is_found(statement: str) -> None:
    assert len(names(statement, catalogue=True)) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM planes WHERE tailnum IN (SELECT tailnum FROM flights)",
        "DELETE FROM planes WHERE tailnum IN (SELECT airlines.carrier FROM airlines)",
        "DELETE FROM flights WHERE carrier IN (SELECT carrier FROM airlines)",
        "DELETE FROM flights WHERE carrier IN (SELECT carrier FROM airlines a WHERE a.name = flights.carrier)",
        "DELETE FROM flights WHERE carrier IN (SELECT max(carrier) FROM airlines)",
        "DELETE FROM flights WHERE carrier IN (SELECT code FROM (SELECT carrier AS code FROM airlines) x)",
        "DELETE FROM planes WHERE tailnum IN (SELECT coalesce(name, tailnum) FROM airlines)",
        "DELETE FROM planes WHERE (tailnum, 'x') IN (SELECT tailnum, carrier FROM flights)",
        "DELETE FROM planes WHERE tailnum IN (SELECT carrier FROM airlines UNION SELECT tailnum FROM flights)",
        "DELETE FROM planes p WHERE tailnum IN (SELECT p.tailnum || name FROM airlines)",
        "UPDATE planes p SET year = (SELECT count(*) FROM airlines) WHERE tailnum = 'a'",
        "DELETE FROM planes WHERE tailnum IN (SELECT 'a' FROM airlines)",
        "SELECT (SELECT x FROM unnest(ARRAY[1]) x), (SELECT upper(tailnum)) FROM planes",
        "SELECT (SELECT json_agg(a) FROM airlines a), ARRAY(SELECT x FROM (SELECT name FROM airlines) x) FROM planes",
        "UPDATE planes SET year = (SELECT max(id) FROM flights) WHERE tailnum = 'a'",
    ],
)
def test_a_name_of_the_inner_table_is_not_warned_of(statement: str) -> None:
    assert names(statement, catalogue=True) == []


def test_a_subquery_whose_condition_compares_a_column_with_itself_is_told() -> None:
    statement = "DELETE FROM planes WHERE EXISTS (SELECT 1 FROM airlines WHERE tailnum = planes.tailnum)"
    found = read(statement, (), Access.WRITE, CATALOGUE).analysis.findings
    assert [finding.code.value for finding in found] == ["always_true"]


def test_what_an_outer_name_means_is_worded_as_it_is() -> None:
    for value, itself in (("tailnum", True), ("year::text", False), ("upper(tailnum)", False)):
        statement = f"DELETE FROM planes WHERE tailnum IN (SELECT {value} FROM airlines)"
        (message,) = names(statement, catalogue=True)
        assert ("the comparison is with itself" in message) is itself


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("", True),
        ("WHERE true", True),
        ("WHERE 1 = 1", True),
        ("WHERE a.carrier = a.carrier", True),
        ("WHERE a.name <> excluded.name", False),
        ("WHERE a.carrier = 'AA'", False),
    ],
)
def test_told_03_rows_that_are_there_already_are_changed(condition: str, told: bool) -> None:
    found = look(
        f"INSERT INTO airlines AS a VALUES ('AA', 'x') ON CONFLICT (carrier) DO UPDATE SET name = 'y' {condition}"
    )
    assert ("overwrites" in found) is told


@pytest.mark.parametrize(
    ("options", "runs"),
    [
        pytest.param("(ANALYZE false)", False, id="told-12"),
        ("(ANALYZE off)", False),
        ("(ANALYZE 0)", False),
        ("(ANALYZE 'false')", False),
        ("(ANALYZE OFF, VERBOSE)", False),
        ("(ANALYZE, ANALYZE false)", False),
        ("(VERBOSE)", False),
        ("(ANALYZE)", True),
        ("(ANALYZE true)", True),
        ("(ANALYZE 1, BUFFERS)", True),
        ("ANALYZE", True),
        ("(ANALYZE on)", True),
    ],
)
def test_explain_analyze_is_what_the_server_takes_it_for(options: str, runs: bool) -> None:
    found = read(f"EXPLAIN {options} SELECT 1", (), Access.READ).analysis
    assert ("explain_analyze" in {finding.code for finding in found.findings}) is runs


def test_guard_02_a_view_over_settings_made_in_the_same_text_is_seen_in_it() -> None:
    for text in (
        "CREATE VIEW s AS SELECT name, setting FROM pg_settings; UPDATE s SET setting = '0'",
        "CREATE VIEW s AS SELECT * FROM x.pg_catalog.pg_settings; CREATE VIEW t AS SELECT * FROM s; DELETE FROM shop.t",
    ):
        assert not read(text, (), Access.WRITE).analysis.valid
    assert read("CREATE VIEW s AS SELECT * FROM a; UPDATE s SET b = 1 WHERE c = 2", (), Access.WRITE).analysis.valid


def test_lists_of_the_servers_own_names_hold_what_it_has(database: Database) -> None:
    from executors.postgresql.reading import builtin  # noqa: PLC0415 - beside the one test that needs it

    with psycopg.connect(database.url) as connection:
        for kind, known in (("functions", builtin.FUNCTIONS), ("types", builtin.TYPES)):
            query: Any = builtin.QUERIES[kind]
            assert {name for (name,) in connection.execute(query).fetchall()} <= known
