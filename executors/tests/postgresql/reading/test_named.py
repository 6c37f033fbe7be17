"""Parameters by name: where a `:name` is one, and where a colon is something else."""

from __future__ import annotations

import pytest

from executors.base import Access, Finding, FindingCode, NamedParameter, ParameterType, Severity
from executors.postgresql.reading.analysis import read
from executors.postgresql.reading.named import bound

GIVEN = tuple(NamedParameter(name, ParameterType.INTEGER, "1") for name in ("a", "since", "n"))

# text → what the server is sent
NAMES = {
    "SELECT :since": "SELECT $1    ",
    "SELECT :since, :a, :since": "SELECT $2    , $1, $2    ",
    "SELECT :a::int": "SELECT $1::int",
    "SELECT x::since FROM t WHERE y = :a": "SELECT x::since FROM t WHERE y = $1",
    "SELECT (:a)||:since": "SELECT ($1)||$2    ",
    "SELECT * FROM t WHERE x=:a AND y IN (:since,:n)": "SELECT * FROM t WHERE x=$1 AND y IN ($3    ,$2)",
    "SELECT ARRAY[:a, :n]": "SELECT ARRAY[$1, $2]",
    "SELECT ARRAY[[:a], [:n]]": "SELECT ARRAY[[$1], [$2]]",
    "SELECT x[:a]": "SELECT x[$1]",
    "SELECT x[1 + :a]": "SELECT x[1 + $1]",
    "SELECT (x)[:a]": "SELECT (x)[$1]",
    "SELECT x[f(:a)]": "SELECT x[f($1)]",
    "SELECT x[1: :a]": "SELECT x[1: $1]",
    "SELECT f(b := :a)": "SELECT f(b := $1)",
    "SELECT f(b => :a)": "SELECT f(b => $1)",
    "SELECT :a/* :since */": "SELECT $1/* :since */",
    "SELECT '…', :a": "SELECT '…', $1",
    "UPDATE t SET x = :a;\nUPDATE u SET x = :n": "UPDATE t SET x = $1;\nUPDATE u SET x = $2",
}

# A colon that is no parameter's.
OTHERS = (
    "SELECT ':a'",
    "SELECT E'\\':a'",
    'SELECT ":a" FROM t',
    "SELECT $$:a$$, $x$ :a $x$",
    "SELECT 1 -- :a",
    "SELECT 1 /* /* :a */ :a */",
    "SELECT x::a, (x)::n",
    "SELECT x[1:2]",
    "SELECT x[1:n]",
    "SELECT x[a:n]",
    "SELECT x[:]",
    "SELECT x[f(1):n]",
    "SELECT f(a := 1)",
    "DO $$ BEGIN PERFORM 1; IF x[1:n] THEN RAISE ':a'; END IF; END $$",
    "SELECT '12:30'::time, date '2026-01-31', U&':a'",
)


def errors(text: str, *parameters: NamedParameter, access: Access = Access.READ) -> list[Finding]:
    found = read(text, parameters, access).analysis.findings
    return [finding for finding in found if finding.severity is Severity.ERROR]


@pytest.mark.parametrize("text", NAMES)
def test_name_becomes_a_number_in_the_same_place(text: str) -> None:
    found = bound(text, GIVEN)
    assert found.text == NAMES[text]
    assert len(found.text) == len(text)


@pytest.mark.parametrize("text", OTHERS)
def test_other_colons_stay_what_they_are(text: str) -> None:
    found = bound(text, GIVEN)
    assert (found.text, found.values) == (text, ())
    assert bound(text, ()).findings == ()


def test_slice_up_to_a_column_is_one_unless_there_is_a_parameter_of_that_name() -> None:
    assert bound("SELECT x[:n] FROM t", ()).findings == ()
    assert bound("SELECT x[:n] FROM t", GIVEN[2:]).text == "SELECT x[$1] FROM t"


def test_missing_and_unused_are_told_by_name_and_place() -> None:
    found = errors("SELECT 1,\n  :since, :since, :to", GIVEN[0])
    assert [(one.code, one.parameter, one.line, one.column) for one in found] == [
        (FindingCode.PARAMETER_MISSING, "since", 2, 3),
        (FindingCode.PARAMETER_MISSING, "to", 2, 19),
        (FindingCode.PARAMETER_UNUSED, "a", None, None),
    ]


def test_missing_ones_are_told_beside_what_else_is_wrong() -> None:
    codes = {one.code for one in errors("DELETE FROM t WHERE id = :id")}
    assert codes == {FindingCode.PARAMETER_MISSING, FindingCode.WRITE_IN_READ}
    codes = {one.code for one in errors("SELECT FROM WHERE id = :id")}
    assert codes == {FindingCode.PARAMETER_MISSING, FindingCode.SYNTAX_ERROR}


def test_places_and_names_are_not_mixed() -> None:
    (found,) = errors("SELECT :a, $1", GIVEN[0])
    assert (found.code, found.column) == (FindingCode.PARAMETERS_MISMATCH, 12)
    codes = [one.code for one in errors("SELECT $1", GIVEN[0])]
    assert codes[:2] == [FindingCode.PARAMETER_UNUSED, FindingCode.PARAMETERS_MISMATCH]


def test_statement_that_binds_nothing_says_so() -> None:
    (found,) = errors("ALTER TABLE t ALTER COLUMN c SET DEFAULT :a", GIVEN[0], access=Access.WRITE)
    assert found.message == "ALTER TABLE takes no parameters."
    assert errors("CREATE TABLE u AS SELECT :a AS a", GIVEN[0], access=Access.WRITE) == []
    assert errors("CREATE FUNCTION f(int) RETURNS int LANGUAGE sql RETURN $1", access=Access.WRITE) == []


def test_more_names_than_a_request_may_have_are_one_finding() -> None:
    found, _ = errors(f"SELECT {', '.join(f':name_{number}' for number in range(101))}")
    assert found.message == "The statement names 101 parameters; a request has at most 100."


def test_ten_names_of_one_letter_are_one_too_many() -> None:
    names = "abcdefghij"
    given = [NamedParameter(name, ParameterType.TEXT, "x") for name in names]
    (found,) = errors(f"SELECT {', '.join(f':{name}' for name in names)}", *given)
    assert found.message == "There are too many parameters with names as short as j."
    many = [NamedParameter(name * 2, ParameterType.TEXT, "x") for name in names]
    assert errors(f"SELECT {', '.join(f':{one.name}' for one in many)}", *many) == []


@pytest.mark.parametrize("text", ["SELECT :'since'", 'SELECT * FROM :"since"'])
def test_what_psql_writes_is_named(text: str) -> None:
    (found,) = errors(text)
    assert found.code is FindingCode.CLIENT_COMMAND
    assert found.hint.startswith("Write :name without quotes")


def test_types_are_told_of_each_statement() -> None:
    given = (
        NamedParameter("a", ParameterType.INTEGER, "5"),
        NamedParameter("bb", ParameterType.DATE, None),
        NamedParameter("big", ParameterType.INTEGER, str(2**31)),
    )
    text = "UPDATE t SET x = :a; UPDATE t SET d = :bb, y = :big; DELETE FROM t WHERE false"
    reading = read(text, given, Access.WRITE)
    assert [item.types for item in reading.statements] == [(23,), (25, 1082, 20), ()]


# (type, of, value) → oid
OIDS: dict[tuple[str, str | None, str | tuple[str, ...] | None], int] = {
    ("integer", None, "-2147483648"): 23,
    ("integer", None, "-2147483649"): 20,
    ("integer", None, "9223372036854775807"): 20,
    ("integer", None, "9223372036854775808"): 1700,
    ("integer", None, None): 23,
    ("text", None, "x"): 0,
    ("timestamp", None, "2026-01-31T10:00:00"): 1114,
    ("timestamp", None, "2026-01-31T10:00:00-05:00"): 1184,
    ("timestamp", None, "2026-01-31T10:00:00Z"): 1184,
    ("timestamp", None, None): 1184,
    ("list", "integer", ("1", str(2**40))): 1016,
    ("list", "integer", ()): 1007,
    ("list", "text", ("x",)): 0,
    ("list", "uuid", ()): 2951,
    ("list", "json", ("1",)): 3807,
    ("decimal", None, "1"): 1700,
    ("json", None, "1"): 3802,
    ("boolean", None, "true"): 16,
}


@pytest.mark.parametrize("given", OIDS, ids=str)
def test_type_is_the_one_that_the_value_would_have_written_out(
    given: tuple[str, str | None, str | tuple[str, ...] | None],
) -> None:
    kind, of, value = given
    parameter = NamedParameter("a", ParameterType(kind), value, ParameterType(of) if of else None)
    (item,) = read("SELECT :a", (parameter,), Access.READ).statements
    assert item.types == (OIDS[given],)
