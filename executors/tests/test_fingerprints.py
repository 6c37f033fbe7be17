"""Which texts are alike: those that differ in values, spaces and comments, and no others."""

import pytest

from executors.analysis import analyse
from executors.base import Access, EngineKind, Language, NamedParameter, Parameter, ParameterType
from executors.fingerprints import fingerprint

SQL, MONGO, SCRIPT = Language.SQL, Language.MONGO, Language.SCRIPT
ALIKE = [
    (SQL, "SELECT a FROM t WHERE id = 1", "select a\nfrom t -- one\nwhere id = 22"),
    (SQL, "SELECT a FROM t WHERE id IN (1, 2)", "SELECT a FROM t WHERE id IN (3)"),
    (SQL, "SELECT 'a'", "SELECT 'b'"),
    (MONGO, 'db.items.find({_id: 1, name: "a"})', "db.items.find( { '_id': 22, \"name\": 'b' } ) // other"),
    (MONGO, "db.items.find({_id: {$in: [1, 2, 3]}})", "db.items.find({_id: {$in: [4]}})"),
    (MONGO, 'db.items.find({_id: ObjectId("aa")})', 'db.items.find({_id: ObjectId("bb")})'),
    (SCRIPT, "return await db.one('select 1') // a", "return await db.one('select 2')"),
    (SCRIPT, "const n = 1; return n", "const n = 2\n; return n"),
]
DIFFERENT = [
    (SQL, "SELECT a FROM t WHERE id = 1", "SELECT a FROM t WHERE id > 1"),
    (SQL, "SELECT a FROM t", "SELECT a FROM u"),
    (SQL, "SELECT a FROM t", "DELETE FROM t"),
    (MONGO, "db.items.find({_id: 1})", "db.items.find({id: 1})"),
    (MONGO, "db.items.find({_id: 1})", "db.items.find({_id: 1}).limit(5)"),
    (MONGO, "db.items.find({_id: {$gt: 1}})", "db.items.find({_id: {$lt: 1}})"),
    (SCRIPT, "return 1 + 1", "return 1 - 1"),
]


def of(language: Language, text: str, *parameters: Parameter) -> str:
    return fingerprint(language, text, parameters)


@pytest.mark.parametrize(("language", "one", "other"), ALIKE)
def test_values_spaces_and_comments_do_not_count(language: Language, one: str, other: str) -> None:
    assert of(language, one) == of(language, other)


@pytest.mark.parametrize(("language", "one", "other"), DIFFERENT)
def test_anything_else_counts(language: Language, one: str, other: str) -> None:
    assert of(language, one) != of(language, other)


def test_the_same_text_in_another_language_is_another() -> None:
    assert of(MONGO, "db.items.find()") != of(SCRIPT, "db.items.find()")


def test_values_of_named_parameters_do_not_count() -> None:
    values = [NamedParameter("id", ParameterType.INTEGER, number) for number in ("1", "2")]
    texts = [of(SQL, "SELECT a FROM t WHERE id = :id", value) for value in values]
    assert len(set(texts)) == 1
    assert texts[0] != of(SQL, "SELECT a FROM t WHERE id < :id", values[0])


@pytest.mark.parametrize("text", ["COPY t FROM STDIN;\n1\ta\n\\.", "SELECT (", "'", "`", "/*", "\ud800"])
@pytest.mark.parametrize("language", [SQL, MONGO, SCRIPT])
def test_whatever_the_text_is_there_is_an_answer(language: Language, text: str) -> None:
    assert of(language, text) == of(language, text)


@pytest.mark.parametrize(("text", "known"), [("SELECT 1", True), ("SELEC 1", False)])
def test_only_a_text_that_may_be_submitted_has_one(text: str, known: bool) -> None:
    found = analyse(SQL, EngineKind.POSTGRESQL, text, (), Access.READ)
    assert (len(found.fingerprint) == 64) is known
