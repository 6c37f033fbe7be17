"""Every code there is comes from a real statement, read as any other; so does every claim."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from pymongo import MongoClient

from executors import processes
from executors.base import (
    Access,
    Analysis,
    EngineKind,
    FindingCode,
    Language,
    NamedParameter,
    Parameter,
    ParameterType,
    Target,
    Verified,
)
from executors.tests.asked import asked
from executors.tests.mongodb.conftest import Document, mongo_targets
from executors.tests.postgresql.findings.conftest import air
from executors.tests.postgresql.world import Database

__all__ = ["air", "mongo_targets"]


@dataclass(frozen=True)
class Input:
    """A statement as somebody submits it."""

    language: Language
    engine: EngineKind
    statement: str
    access: Access = Access.READ
    parameters: tuple[Parameter, ...] = ()

    def read(self) -> Analysis:
        return processes.read(self.language, self.engine, self.statement, self.parameters, self.access)


def sql(statement: str, *parameters: Parameter) -> Input:
    return Input(Language.SQL, EngineKind.POSTGRESQL, statement, parameters=parameters)


def sql_write(statement: str) -> Input:
    return Input(Language.SQL, EngineKind.POSTGRESQL, statement, Access.WRITE)


def sql_maintenance(statement: str) -> Input:
    return Input(Language.SQL, EngineKind.POSTGRESQL, statement, Access.MAINTENANCE)


def mongo(statement: str, *parameters: Parameter) -> Input:
    return Input(Language.MONGO, EngineKind.MONGODB, statement, parameters=parameters)


def mongo_write(statement: str) -> Input:
    return Input(Language.MONGO, EngineKind.MONGODB, statement, Access.WRITE)


def script(statement: str, *parameters: Parameter) -> Input:
    return Input(Language.SCRIPT, EngineKind.POSTGRESQL, statement, parameters=parameters)


def script_write(statement: str) -> Input:
    return Input(Language.SCRIPT, EngineKind.POSTGRESQL, statement, Access.WRITE)


def mongo_script(statement: str) -> Input:
    return Input(Language.SCRIPT, EngineKind.MONGODB, statement)


FINDINGS: dict[FindingCode, Input] = {
    FindingCode.AFTER_REMOVED: sql_write("DELETE FROM orders; INSERT INTO shop.log (id) SELECT id FROM orders"),
    FindingCode.CARTESIAN: sql("SELECT 1 FROM orders, typed"),
    FindingCode.DEEP_OFFSET: sql("SELECT 1 FROM orders ORDER BY id OFFSET 100000"),
    FindingCode.INSERT_BY_PLACE: sql_write("INSERT INTO orders VALUES (1)"),
    FindingCode.INSERT_STAR: sql_write("INSERT INTO orders SELECT * FROM typed"),
    FindingCode.MIXED_LOGIC: sql("SELECT 1 FROM orders WHERE id = 1 AND total = 2 OR email = 'x'"),
    FindingCode.NULL_COMPARED: sql("SELECT 1 FROM orders WHERE email = NULL"),
    FindingCode.NULL_IN_LIST: sql("SELECT 1 FROM orders WHERE id IN (1, NULL)"),
    FindingCode.TIME_CONDITION: sql_write("DELETE FROM orders WHERE at < now()"),
    FindingCode.UNORDERED_LIMIT: sql_write("DELETE FROM orders WHERE id IN (SELECT id FROM orders LIMIT 5)"),
    FindingCode.UNORDERED_PAGES: sql("SELECT 1 FROM orders OFFSET 5"),
    FindingCode.VOLATILE_CONDITION: sql_write("DELETE FROM orders WHERE random() < 0.5"),
    FindingCode.ALWAYS_TRUE: sql_write("DELETE FROM orders WHERE true"),
    FindingCode.LOOKALIKE_CHARACTER: sql("SELECT \u201ca\u201d FROM orders"),
    FindingCode.LOOKALIKE_NAME: sql("SELECT * FROM \u0441\u0430\u0440\u0435"),
    FindingCode.NEVER_TRUE: sql_write("DELETE FROM orders WHERE total = NULL"),
    FindingCode.NOT_TIED: sql_write("UPDATE orders SET total = b.total FROM b WHERE orders.id = 5"),
    FindingCode.OUTER_NAME: sql_write("DELETE FROM planes WHERE tailnum IN (SELECT tailnum FROM airlines)"),
    FindingCode.OVERWRITES: sql_write("INSERT INTO a VALUES (1) ON CONFLICT (b) DO UPDATE SET c = 1"),
    FindingCode.OWN_FUNCTION: sql_write("SELECT shop.delete_order(1)"),
    FindingCode.PARAMETER_MISSING: sql("SELECT :since"),
    FindingCode.ABSOLUTE_VALUE: sql("SELECT * FROM planes WHERE year = @year"),
    FindingCode.PARTLY_READ: sql_write("DELETE FROM planes WHERE id = 1 RETURNING WITH (OLD AS o) o.id"),
    FindingCode.PARAMETER_UNUSED: sql("SELECT 1", NamedParameter("a", ParameterType.TEXT, "x")),
    FindingCode.PARAMETER_VALUE: mongo(
        "db.c.find({a: params.a})", NamedParameter("a", ParameterType.INTEGER, "1" * 30)
    ),
    FindingCode.ALL_OR_NOTHING: mongo_write("db.c.insertMany([{a: 1}], {ordered: false})"),
    FindingCode.BIDI_CONTROL: sql("SELECT 1 /* \u202e */"),
    FindingCode.BUILT_STATEMENT: script("return db.query('select ' + name)"),
    FindingCode.CARRIAGE_RETURN: sql("SELECT 1 -- \rDELETE"),
    FindingCode.CLIENT_COMMAND: sql("\\d orders"),
    FindingCode.COPY_AS_READ: sql("COPY orders TO STDOUT"),
    FindingCode.TRANSACTION_WORDS: sql("BEGIN; SELECT 1; COMMIT"),
    FindingCode.CONTROL_CHARACTER: sql("SELECT 1 \x1b"),
    FindingCode.CREATE_INDEX: mongo_write("db.c.createIndex({a: 1})"),
    FindingCode.DESTRUCTIVE: sql_write("DROP TABLE orders"),
    FindingCode.DRIVER_OPTIONS: mongo_script("return db.c.findOne({a: 1}, {sort: {b: 1}})"),
    FindingCode.DROP_INDEX: mongo_write("db.c.dropIndex('a_1')"),
    FindingCode.DYNAMIC_CODE: script("eval('1')"),
    FindingCode.EMPTY: sql("-- nothing"),
    FindingCode.EXPLAIN_ANALYZE: sql("EXPLAIN ANALYZE SELECT 1"),
    FindingCode.HTML_COMMENT: script("return 1 <!-- 2"),
    FindingCode.INVALID_TEXT: sql("SELECT '\ud800'"),
    FindingCode.INVISIBLE_CHARACTER: sql("SELECT 1\u200b"),
    FindingCode.LEADING_WILDCARD: sql("SELECT 1 FROM orders WHERE email LIKE '%@example.org'"),
    FindingCode.LEAVES_CODE: sql_write("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
    FindingCode.RUNS_CODE: sql_write("DO $$ BEGIN NULL; END $$"),
    FindingCode.SETS_LOCAL: sql("SET LOCAL work_mem = '64MB'; SELECT 1"),
    FindingCode.LINE_SEPARATOR: sql("SELECT 1 -- \u2028 DELETE"),
    FindingCode.LOCKS_TABLE: sql_write("LOCK TABLE orders"),
    FindingCode.MERGES_INTO_COLLECTION: mongo_write("db.c.aggregate([{$merge: 'd'}])"),
    FindingCode.MIXED_SCRIPTS: sql("SELECT * FROM us\u0435rs"),
    FindingCode.MODULE_NAME: script("require(name)"),
    FindingCode.MODULE_NOT_ALLOWED: script("require('fs')"),
    FindingCode.MODULE_SYNTAX: script("import fs from 'fs'"),
    FindingCode.MONGO_ARGUMENTS: mongo("db.c.find(1, 2, 3, 4)"),
    FindingCode.MONGO_COLLECTION: mongo("db.system.users.find({})"),
    FindingCode.MONGO_COMMAND: mongo("db.runCommand({shutdown: 1})"),
    FindingCode.MONGO_DEPTH: mongo("db.c.find(" + "[" * 300 + "]" * 300 + ")"),
    FindingCode.MONGO_DUPLICATE_KEY: mongo("db.c.find({a: 1, a: 2})"),
    FindingCode.MONGO_JAVASCRIPT: mongo("db.c.find({$where: 'true'})"),
    FindingCode.MONGO_METHOD: mongo("db.c.findd({})"),
    FindingCode.MONGO_MODIFIER: mongo("db.c.find().noCursorTimeout()"),
    FindingCode.MONGO_NOT_A_QUERY: mongo("const x = 1"),
    FindingCode.MONGO_NOT_LITERAL: mongo("db.c.find({a: b})"),
    FindingCode.MONGO_NUMBER: mongo("db.c.find({a: 9007199254740993})"),
    FindingCode.MONGO_ONE_STATEMENT: mongo("db.c.find(); db.d.find()"),
    FindingCode.MONGO_OPERATOR: mongo("db.c.find({$_internal: 1})"),
    FindingCode.MONGO_OPTION: mongo("db.c.aggregate([], {nonsense: 1})"),
    FindingCode.MONGO_OTHER_DATABASE: mongo("db.c.aggregate([{$unionWith: {db: 'x', coll: 'd'}}])"),
    FindingCode.MONGO_PARAMETERS: mongo("db.c.find({})", 1),
    FindingCode.MONGO_STAGE: mongo("db.c.aggregate([{$currentOp: {}}])"),
    FindingCode.MONGO_SYNTAX: mongo("db.c.find({a: 1}"),
    FindingCode.MONGO_TOO_LONG: mongo(f"db.c.find({{a: '{'x' * 3_000_000}'}})"),
    FindingCode.MONGO_UNDEFINED: mongo("db.c.find({a: undefined})"),
    FindingCode.MONGO_UPDATE: mongo_write("db.c.updateOne({a: 1}, {b: 1})"),
    FindingCode.MONGO_VALUE: mongo("db.c.find({a: ObjectId('xyz')})"),
    FindingCode.MORE_FINDINGS: script("eval('1');" * 300),
    FindingCode.NAME_CUT: sql(f"SELECT 1 AS {'x' * 64}"),
    FindingCode.NO_EFFECT: mongo("db.c.find({a: 1}).readPref('secondary')"),
    FindingCode.NO_FILTER: mongo_write("db.c.deleteMany({})"),
    FindingCode.NO_LIMIT: mongo("db.c.find({})"),
    FindingCode.NO_WHERE: sql_write("DELETE FROM orders"),
    FindingCode.NOT_AVAILABLE: script("await fetch('x')"),
    FindingCode.NOT_AWAITED: script("db.query('select 1')"),
    FindingCode.NOT_TRANSACTIONAL: mongo_write("db.c.createIndex({a: 1})"),
    FindingCode.NUL_CHARACTER: sql("SELECT 1 \0"),
    FindingCode.NUMBER_ROUNDED: script("return 9007199254740993"),
    FindingCode.ODD_WHITE_SPACE: sql("SELECT\u00a01"),
    FindingCode.OUTSIDE_TRANSACTION: sql_maintenance("VACUUM orders"),
    FindingCode.PARAMETERS_MISMATCH: sql("SELECT $1::int"),
    FindingCode.PARAMETERS_NEED_ONE_STATEMENT: sql("SELECT 1; SELECT $1::int", "1"),
    FindingCode.READ_IN_WRITE: sql_write("SELECT 1"),
    FindingCode.REFUSED_FUNCTION: sql("SELECT pg_read_file('/etc/passwd')"),
    FindingCode.REFUSED_OPERATOR: sql("SELECT 1 OPERATOR(shop.+) 1"),
    FindingCode.REFUSED_STATEMENT: sql("COMMIT"),
    FindingCode.READ_AS_UTC: mongo("db.c.find({a: new Date(2026, 0, 1)})"),
    FindingCode.RUN_TIME: mongo("db.c.find({a: {$gt: new Date(Date.now() - 7 * 24 * 60 * 60 * 1000)}})"),
    FindingCode.REPLACES_COLLECTION: mongo_write("db.c.aggregate([{$out: 'd'}])"),
    FindingCode.RETURNS_NOTHING: script("return\n1"),
    FindingCode.SCRIPT_PARAMETERS: script("return 1", 1),
    FindingCode.SELF_COMPARISON: sql_write("DELETE FROM orders WHERE total > total - 1"),
    FindingCode.SEVERAL_STATEMENTS: sql("SELECT 1; SELECT 2"),
    FindingCode.SYNTAX_ERROR: sql("SELEC 1"),
    FindingCode.TOO_DEEP: sql("SELECT " + "(" * 12_000 + "1" + ")" * 12_000),
    FindingCode.TOO_LONG: sql(f"SELECT '{'x' * 3_000_000}'"),
    FindingCode.TOO_MANY_STATEMENTS: sql_write("SELECT 1;" * 11_000),
    FindingCode.TOO_SLOW_TO_READ: sql("/*" * 24_000 + "*/" * 24_000 + "SELECT 1"),
    FindingCode.UNFOLLOWED_USE: script("await work(db)"),
    FindingCode.UNKNOWN_METHOD: script("return db.qurey('select 1')"),
    FindingCode.UNREADABLE: sql("SELECT " + ",".join(["a.b"] * 490_000)),
    FindingCode.BREAKS_NAMES: sql_write("ALTER TABLE orders RENAME TO sales"),
    FindingCode.VALUE_STAYS: sql_write("ALTER TYPE mood ADD VALUE 'glad'"),
    FindingCode.ASYNC_CONDITION: script("return ids.filter(async (id) => false)"),
    FindingCode.CALL_IN_LOOP: script("for (const id of ids) await db.query('select 1')"),
    FindingCode.CHANGES_ID: mongo_write("db.c.updateOne({_id: 1}, {$set: {_id: 2}})"),
    FindingCode.CONFLICTING_CHANGES: mongo_write("db.c.updateOne({_id: 1}, {$set: {a: 1, 'a.b': 2}})"),
    FindingCode.DEEP_SKIP: mongo("db.c.find({a: 1}).skip(50000)"),
    FindingCode.ENDLESS_LOOP: script("while (true) await db.query('select 1')"),
    FindingCode.LIMIT_BEFORE_SORT: mongo("db.c.aggregate([{$limit: 5}, {$sort: {a: 1}}])"),
    FindingCode.MANY_BY_ID: mongo_write("db.c.deleteMany({_id: 1})"),
    FindingCode.MATCHES_MISSING: mongo_write("db.c.deleteMany({a: null})"),
    FindingCode.MIXED_PROJECTION: mongo("db.c.find({a: 1}, {a: 1, b: 0})"),
    FindingCode.NOT_REPEATABLE: script_write("await db.query('update t set a = $1 where b', [Math.random()])"),
    FindingCode.PAGE_WITHOUT_ORDER: mongo("db.c.find({a: 1}).skip(5)"),
    FindingCode.POSITION_UNKNOWN: mongo_write("db.c.updateOne({_id: 1}, {$set: {'a.$': 1}})"),
    FindingCode.SWALLOWED_ERROR: script("try { await db.query('select 1') } catch {}"),
    FindingCode.WRITES_TOGETHER: script_write("await Promise.all([db.query('delete from t where id = 1')])"),
    FindingCode.WRITE_IN_READ: sql("DELETE FROM orders WHERE id = 1"),
    FindingCode.WRONG_LANGUAGE: Input(Language.MONGO, EngineKind.POSTGRESQL, "db.c.find({})"),
}

# What only a target can tell, asked for as its name says.
TOLD: dict[FindingCode, tuple[str, Input]] = {
    FindingCode.AMBIGUOUS_NAME: ("air", sql("SELECT carrier FROM flights, airlines")),
    FindingCode.CHANGES_INDEXED: ("air", sql_write("UPDATE flights SET delay = 1 WHERE id = 1")),
    FindingCode.CHANGES_PARTITION_KEY: ("air", sql_write("UPDATE events SET at = '2014-01-01' WHERE id = 1")),
    FindingCode.CONVERTS_COLUMN: ("air", sql("SELECT 1 FROM flights WHERE delay = 5.5")),
    FindingCode.COUNT_NULLABLE: ("air", sql("SELECT count(delay) FROM flights")),
    FindingCode.DATE_END: ("air", sql("SELECT 1 FROM flights WHERE at BETWEEN '2013-01-01' AND '2013-01-31'")),
    FindingCode.FLOAT_EQUALS: ("air", sql("SELECT 1 FROM planes WHERE weight = 0.1")),
    FindingCode.FUNCTION_ON_INDEX: ("air", sql("SELECT 1 FROM flights WHERE delay::text = '5'")),
    FindingCode.NOT_IN_NULLS: ("air", sql("SELECT 1 FROM airlines WHERE carrier NOT IN (SELECT carrier FROM flights)")),
    FindingCode.OUTSIDE_COLUMN: (
        "air",
        sql("SELECT 1 FROM flights WHERE EXISTS (SELECT FROM planes WHERE delay = seats)"),
    ),
    FindingCode.PERSONAL_DATA: ("air", sql("SELECT owner_email FROM planes")),
    FindingCode.SEVERAL_MATCHES: (
        "air",
        sql_write("UPDATE planes p SET seats = f.delay FROM flights f WHERE f.tailnum = p.tailnum"),
    ),
    FindingCode.UNINDEXED_SORT: ("air", sql("SELECT id FROM flights ORDER BY distance LIMIT 5")),
    FindingCode.CASCADES: ("air", sql_write("DELETE FROM planes WHERE tailnum = 'N1'")),
    FindingCode.CHECKS_EVERY_ROW: ("air", sql_write("ALTER TABLE flights ADD CHECK (delay > -500)")),
    FindingCode.FIRES_RULES: ("air", sql_write("DELETE FROM gates WHERE id = 1")),
    FindingCode.FIRES_TRIGGERS: ("air", sql_write("INSERT INTO flights (distance) VALUES (1)")),
    FindingCode.HAS_DEPENDENTS: ("air", sql_write("DROP TABLE planes")),
    FindingCode.NOT_CONCURRENTLY: ("air", sql_write("CREATE INDEX ON flights (distance)")),
    FindingCode.NOT_NULL_FAILS: ("air", sql_write("ALTER TABLE planes ADD COLUMN x int NOT NULL")),
    FindingCode.REFERENCE_NOT_INDEXED: ("air", sql_write("DELETE FROM planes WHERE tailnum = 'N1'")),
    FindingCode.REWRITES_TABLE: ("air", sql_write("ALTER TABLE planes ALTER seats TYPE bigint")),
    FindingCode.ROW_SECURITY: ("air", sql_write("UPDATE bags SET weight = 1 WHERE id = 1")),
    FindingCode.CHANGES_KEY: ("air", sql_write("UPDATE planes SET tailnum = 'N0' WHERE tailnum = 'N1'")),
    FindingCode.NAMES_NOT_CHECKED: ("gone", sql("SELECT 1")),
    FindingCode.TARGET_REFUSES: ("shop", sql("SELECT 'x'::int")),
    FindingCode.LATE_MATCH: ("documents", mongo("db.many.aggregate([{$unwind: '$l'}, {$match: {l: 1}}])")),
    FindingCode.LOOKUP_NOT_INDEXED: (
        "documents",
        mongo("db.many.aggregate([{$lookup: {from: 'many', localField: 'a', foreignField: 'b', as: 'c'}}])"),
    ),
    FindingCode.LOSES_FIELDS: ("documents", mongo_write("db.many.replaceOne({_id: 1}, {a: 1})")),
    FindingCode.NARROWS_LITTLE: ("documents", mongo("db.many.find({_id: {$ne: 1}})")),
    FindingCode.OTHER_KIND: ("documents", mongo("db.many.find({b: 'x'})")),
    FindingCode.SCANS_COLLECTION: ("documents", mongo("db.many.find({b: 1})")),
    FindingCode.UNKNOWN_FIELD: ("documents", mongo("db.many.find({bb: 1})")),
    FindingCode.UPSERT_NOT_UNIQUE: (
        "documents",
        mongo_write("db.many.updateOne({b: 1}, {$set: {a: 1}}, {upsert: true})"),
    ),
    FindingCode.WHICH_OF_SEVERAL: ("documents", mongo_write("db.many.deleteOne({b: 1})")),
    FindingCode.UNKNOWN_COLLECTION: ("documents", mongo("db.c.find({})")),
    FindingCode.UNKNOWN_NAME: ("shop", sql("SELECT * FROM ordres")),
}

VERIFIED: dict[Verified, Input] = {
    Verified.ALLOWED_KIND: sql("SELECT 1"),
    Verified.EVERY_WRITE_FILTERED: sql_write("DELETE FROM orders WHERE id = 1"),
    Verified.NOTHING_DROPPED: sql_write("UPDATE orders SET total = 0 WHERE id = 1"),
    Verified.NO_HIDDEN_CHARACTERS: mongo("db.c.find({a: 1})"),
    Verified.NO_LOOKALIKE_NAMES: script("return 1"),
    Verified.NO_OUTSIDE_FUNCTIONS: sql("SELECT lower('A')"),
    Verified.NO_SERVER_JAVASCRIPT: mongo("db.c.find({a: 1})"),
    Verified.NO_TABLE_LOCKED: sql_write("UPDATE orders SET total = 0 WHERE id = 1"),
    Verified.ONE_DATABASE: mongo("db.c.find({a: 1})"),
    Verified.ONLY_READS: sql("SELECT 1"),
    Verified.STATEMENTS_WRITTEN_OUT: script("return db.query('select 1')"),
    Verified.SYNTAX: sql("SELECT 1"),
}


@pytest.fixture
def targets(
    database: Database, air: Target, mongo_targets: tuple[MongoClient[Document], Target, Target]
) -> dict[str, Target]:
    """A PostgreSQL, one that does not answer, one with tables worth a word, and a MongoDB with a large collection."""
    shop = database.target("reader")
    client, documents, _ = mongo_targets
    many = client[documents.key].many
    if many.estimated_document_count() == 0:
        many.insert_many({"_id": n, "a": n, "b": n, "l": [n]} for n in range(1000))
    large = replace(documents, large_rows=1000)
    return {"shop": shop, "gone": database.elsewhere(shop, port=1), "air": air, "documents": large}


def check(target: Target, given: Input, ask: Callable[..., Analysis] = asked) -> Analysis:
    return ask(target, given.language, given.statement, given.access, given.read())


@pytest.mark.parametrize("code", TOLD)
def test_every_code_of_a_target_comes_from_a_real_one(code: FindingCode, targets: dict[str, Target]) -> None:
    name, given = TOLD[code]
    ask = processes.check if name == "gone" else asked
    found = [finding for finding in check(targets[name], given, ask).findings if finding.code is code]
    assert found
    assert all(len(finding.message.split()) > 2 for finding in found)


def test_claim_that_names_are_known_comes_from_a_real_target(targets: dict[str, Target]) -> None:
    assert Verified.NAMES_KNOWN in check(targets["shop"], sql("SELECT * FROM orders")).verified


@pytest.mark.parametrize("code", [code for code in FindingCode if code not in TOLD])
def test_every_code_comes_from_a_real_statement_and_has_words(
    code: FindingCode, request: pytest.FixtureRequest
) -> None:
    if code is not FindingCode.TOO_SLOW_TO_READ:
        request.getfixturevalue("patient")
    found = [finding for finding in FINDINGS[code].read().findings if finding.code is code]
    assert found
    assert all(len(finding.message.split()) > 2 for finding in found)


@pytest.mark.parametrize("claim", [claim for claim in Verified if claim is not Verified.NAMES_KNOWN])
def test_every_claim_comes_from_a_real_statement(claim: Verified) -> None:
    assert claim in VERIFIED[claim].read().verified


@pytest.mark.parametrize("code", [code for code in FINDINGS if code is not FindingCode.UNREADABLE])
def test_what_could_not_be_read_is_not_vouched_for(code: FindingCode) -> None:
    """Characters that hide, text that is no statement: nothing but what was looked at is claimed."""
    read = FINDINGS[code].read()
    if not (read.valid or read.kinds):
        assert not set(read.verified) - {Verified.NO_HIDDEN_CHARACTERS, Verified.NO_LOOKALIKE_NAMES}


def test_members_are_in_alphabetical_order() -> None:
    for members in (FindingCode, Verified):
        names = [member.value.replace("_", " ") for member in members]
        assert names == sorted(names)
