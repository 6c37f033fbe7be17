"""Every code that refuses a statement: met by one, whose hint, followed, leads to one that runs to the right end."""

# ruff: noqa: E501 - statements as people paste them stand on one line
from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from pymongo.database import Database

from executors.base import FindingCode, Severity
from executors.tests.test_findings import FINDINGS
from queries.lifecycle import Status
from queries.services.parameters import Typed
from queries.tests.statements import (
    test_console,
    test_further,
    test_mongodb,
    test_newer,
    test_postgresql,
    test_postgresql_code,
    test_scripts,
)
from queries.tests.statements.given import changed
from queries.tests.world import MONGO_READ_VARIABLE, MONGO_WRITE_VARIABLE, TargetDatabase, World, empty
from web.errors import BadInput

pytestmark = [pytest.mark.mongo, pytest.mark.sandbox]


class Tried(NamedTuple):
    """A statement with the values of its parameters, and how many rows it returns or changes in the end."""

    statement: str
    gives: int
    parameters: tuple[Any, ...] = ()
    language: str = ""
    access: str = ""


class Case(NamedTuple):
    """What is refused as `code`, a piece of what is said, and what that leads to. `engine` and what is not said: of both."""

    engine: str
    language: str
    statement: str
    code: str
    hint: str
    followed: Tried
    parameters: tuple[Any, ...] = ()
    access: str = "read"


def of_sql(statement: str, code: str, hint: str, followed: Tried, *parameters: Any, access: str = "read") -> Case:
    return Case("postgresql", "sql", statement, code, hint, followed, parameters, access)


def of_mongo(statement: str, code: str, hint: str, followed: Tried, *parameters: Any, access: str = "read") -> Case:
    return Case("mongodb", "mongo", statement, code, hint, followed, parameters, access)


def of_script(statement: str, code: str, hint: str, followed: Tried, *parameters: Any) -> Case:
    return Case("postgresql", "script", statement, code, hint, followed, parameters)


ONE = Tried("SELECT 1", 1)
ITEM = Tried("db.items.find({_id: 1})", 1)
REMOVE = "Remove it"
N = Typed("n", "integer", 1)
CASES = [
    # characters
    of_sql("SELECT 1 /* \u202e */", "bidi_control", REMOVE, Tried("SELECT 1 /*  */", 1)),
    of_sql("SELECT '\u202eab'", "bidi_control", "as an escape", Tried("SELECT U&'\\202eab'", 1)),
    of_sql("SELECT 1 --\rDELETE", "carriage_return", REMOVE, Tried("SELECT 1 --DELETE", 1)),
    of_sql("SELECT 1 \x1b", "control_character", REMOVE, ONE),
    of_sql("SELECT\u200b 1", "invisible_character", REMOVE, ONE),
    of_sql("SELECT 1 --\u2028 DELETE", "line_separator", REMOVE, ONE),
    of_sql("SELECT 1 \x00", "nul_character", REMOVE, ONE),
    of_sql("-- nothing", "empty", "no statement", ONE),
    of_script("return 1 <!-- 2", "html_comment", "Begin a comment with //", Tried("return 1 // 2", 1)),
    # size
    of_sql("SELECT " + "(" * 12_000 + "1" + ")" * 12_000, "too_deep", "Use IN", Tried("SELECT 1 IN (1, 2, 3)", 1)),
    of_sql(f"SELECT '{'x' * 2_100_000}'", "too_long", "smaller requests", ONE),
    of_sql("SELECT 1;" * 10_001, "too_many_statements", "smaller requests", Tried("UPDATE items SET name = 'a' WHERE id = 1; UPDATE items SET name = 'b' WHERE id = 2;", 2, access="write"), access="write"),
    # parameters
    of_sql("SELECT :n", "parameter_missing", "a type and a value", Tried("SELECT :n", 1, (N,))),
    of_sql("SELECT 1", "parameter_unused", "Write :n", Tried("SELECT :n", 1, (N,)), N),
    of_sql("SELECT :n", "parameter_value", "in digits", Tried("SELECT :n", 1, (N,)), Typed("n", "integer", "one")),
    of_sql("SELECT $1::int", "parameters_mismatch", "one value for each", Tried("SELECT $1::int", 1, (1,))),
    of_sql("SELECT $1::int; SELECT 2", "parameters_need_one_statement", "Give them names", Tried("SELECT :n; UPDATE items SET name = 'a' WHERE id = :n", 1, (N,), access="write"), 1, access="write"),
    of_script("return 1", "script_parameters", "params.name", Tried("return params.n", 1, (N,)), 1),
    of_mongo("db.items.find({})", "mongo_parameters", "params.name", Tried("db.items.find({_id: params.n})", 1, (N,)), 1),
    # scripts
    of_script("const name = 'lodash'; return require(name).add(1, 2)", "module_name", "lodash", Tried("return require('lodash').add(1, 2)", 1)),
    # MongoDB
    of_mongo("db.items.find({}, {}, {}, {})", "mongo_arguments", "0 to 3", Tried("db.items.find({}, {}, {})", 2)),
    of_mongo("db.system.users.find({})", "mongo_collection", "getCollectionNames", Tried("db.getCollectionNames()", 1)),
    of_mongo("db.runCommand({shutdown: 1})", "mongo_command", "Supported: aggregate", Tried("db.runCommand({ping: 1})", 1)),
    of_mongo("db.items.find({_id: {$gt: 0}, _id: {$lt: 2}})", "mongo_duplicate_key", "{$gt: 1, $lt: 5}", Tried("db.items.find({_id: {$gt: 0, $lt: 2}})", 1)),
    of_mongo(f"db.items.find({'{$or: [' * 120}{{_id: 1}}{']}' * 120})", "mongo_depth", "$in in place", Tried("db.items.find({_id: {$in: [1]}})", 1)),
    of_mongo("db.items.find({_id: 9007199254740993})", "mongo_number", 'NumberLong("9007199254740993")', Tried('db.items.find({_id: NumberLong("9007199254740993")})', 0)),
    of_mongo("db.items.find({_id: 1, $_internal: 1})", "mongo_operator", "Leave it out", ITEM),
    of_mongo("db.items.aggregate([{$match: {_id: 1}}], {multi: true})", "mongo_option", "Supported: allowDiskUse", Tried("db.items.aggregate([{$match: {_id: 1}}], {allowDiskUse: true})", 1)),
    of_mongo("use other\ndb.items.find({_id: 1})", "mongo_other_database", "leave it out", ITEM),
    of_mongo("db.items.aggregate([{$unionWith: {db: 'x', coll: 'items'}}])", "mongo_other_database", "Leave db out", Tried("db.items.aggregate([{$unionWith: {coll: 'items'}}])", 4)),
    of_mongo("db.items.aggregate([{$currentOp: {}}])", "mongo_stage", "Supported: $addFields", Tried("db.items.aggregate([{$collStats: {count: {}}}])", 1)),
    of_mongo(f"db.items.find({{name: '{'x' * 2_100_000}'}})", "mongo_too_long", "use a script", Tried("return await db.items.find({name: 'x'.repeat(1000)}).toArray()", 0, language="script")),
    of_mongo("db.items.find({name: undefined})", "mongo_undefined", "Use null", Tried("db.items.find({name: null})", 1)),
    # the target's own word
    of_sql("SELECT id FROM items a, items b", "ambiguous_name", "Write a.id or b.id", Tried("SELECT a.id FROM items a, items b", 4)),
    of_sql("SELECT id FROM itmes", "unknown_name", "Did you mean items?", Tried("SELECT id FROM items", 2)),
    of_sql("SELECT id FROM items WHERE (:q IS NULL OR name = :q)", "target_refuses", ":name::text", Tried("SELECT id FROM items WHERE (:q::text IS NULL OR name = :q)", 2, (Typed("q", "text"),)), Typed("q", "text")),
    of_sql("SELECT now() - interval :q < now()", "target_refuses", ":name::interval", Tried("SELECT now() - :q::interval < now()", 1, (Typed("q", "text", "1 day"),)), Typed("q", "text", "1 day")),
    of_sql("SELECT id FROM items WHERE id IN (:l)", "unknown_name", "= ANY(:name)", Tried("SELECT id FROM items WHERE id = ANY(:l)", 1, (Typed("l", "list", [1], "integer"),)), Typed("l", "list", [1], "integer")),
    of_sql("SELECT id FROM items WHERE id NOT IN (:l)", "unknown_name", "<> ALL(:name)", Tried("SELECT id FROM items WHERE id <> ALL(:l)", 1, (Typed("l", "list", [1], "integer"),)), Typed("l", "list", [1], "integer")),
    of_sql("SELECT id FROM :q", "syntax_error", "write the table's name out", Tried("SELECT id FROM items", 2), Typed("q", "text", "items")),
]  # fmt: skip

# Codes that no row can follow the hint of.
EXEMPT = {
    FindingCode.INVALID_TEXT: "a text with half a character is refused by the field, before it is read",
    FindingCode.ODD_WHITE_SPACE: "odd spaces around code are made plain; what is refused elsewhere is `invisible_character`'s case",
    FindingCode.TOO_SLOW_TO_READ: "how long reading takes is the machine's; its test bounds it",
    FindingCode.UNREADABLE: "a reader that died is an accident; its test kills one",
    FindingCode.WRONG_LANGUAGE: "a language that the target does not take is refused by the field, before it is read",
}
# What only a target refuses, so that no statement of `FINDINGS` shows it.
OF_TARGETS = {FindingCode.AMBIGUOUS_NAME, FindingCode.TARGET_REFUSES, FindingCode.UNKNOWN_NAME}


@pytest.fixture(scope="module")
def lab(committed: World) -> World:
    """Everybody, and a target that takes scripts."""
    committed.change_target(allow_scripts=True, script_modules=["date-fns", "lodash"])
    return committed


@pytest.fixture(autouse=True)
def rows(lab: World, target_database: TargetDatabase, mongo_database: Database[dict[str, Any]]) -> Iterator[None]:
    """The same two rows before each, on both servers."""
    with target_database.connect() as connection:
        connection.execute("DELETE FROM items; INSERT INTO items VALUES (1, 'one'), (2, 'two')")
    empty(mongo_database)
    mongo_database.items.insert_many([{"_id": 1, "name": "one"}, {"_id": 2}])
    before = {name: getattr(lab.target, name) for name in ("engine", "read_url_variable", "write_url_variable")}
    yield
    lab.change_target(**before)
    empty(mongo_database)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code} {case.statement[:40]!r}")
def test_a_hint_that_is_followed_leads_to_the_right_end(lab: World, case: Case) -> None:
    if case.engine == "mongodb":
        variables = {"read_url_variable": MONGO_READ_VARIABLE, "write_url_variable": MONGO_WRITE_VARIABLE}
        lab.change_target(engine="mongodb", **variables)
    with pytest.raises(BadInput) as caught:
        lab.submitted(case.statement, language=case.language, access=case.access, parameters=case.parameters)
    said = [error.message for errors in caught.value.fields.values() for error in errors if error.code == case.code]
    assert any(case.hint in message for message in said), caught.value.fields
    runs = case.followed
    query = lab.executed(
        runs.statement,
        language=runs.language or case.language,
        access=runs.access or case.access,
        parameters=runs.parameters,
    )
    assert (query.status, query.execution.failure_code) == (Status.EXECUTED, ""), query.execution.said.message
    assert (changed(query) if query.access == "write" else query.execution.row_count) == runs.gives


def test_every_code_that_refuses_has_a_row() -> None:
    tables: list[Any] = [
        *test_postgresql.NOT_SQL, *test_postgresql.OTHER_SETTINGS, *test_postgresql_code.NOT_IN_A_BODY,
        *test_console.COMMANDS, *test_console.PASTED, *test_console.FUNCTIONS, *test_further.REFUSED,
        *test_newer.REFUSED, *test_mongodb.REFUSED, *CASES,
    ]  # fmt: skip
    rows = {row.code for row in tables} | {code for _, _, _, code, *_ in test_scripts.REFUSED}
    refuse = OF_TARGETS | {
        finding.code
        for given in FINDINGS.values()
        for finding in given.read().findings
        if finding.severity is Severity.ERROR
    }
    assert {code.value for code in refuse - EXEMPT.keys()} - rows == set()
    assert rows.isdisjoint(code.value for code in EXEMPT)
