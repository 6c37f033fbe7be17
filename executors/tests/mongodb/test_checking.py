"""A collection that is not there is said, with the one that may have been meant: a write would create it."""

from __future__ import annotations

import pytest

from executors import processes
from executors.base import Access, Analysis, EngineKind, FindingCode, Language, Severity, Verified
from executors.tests.asked import asked
from executors.tests.mongodb.conftest import Bench

pytestmark = pytest.mark.mongo


def look(mongo: Bench, text: str, access: Access = Access.READ, language: Language = Language.MONGO) -> Analysis:
    analysis = processes.read(language, EngineKind.MONGODB, text, (), access)
    assert analysis.valid, analysis.findings
    return asked(mongo.read, language, text, access, analysis)


@pytest.fixture(autouse=True)
def _orders(mongo: Bench) -> None:
    mongo.database.orders.insert_one({"a": 1})


UNKNOWN = [
    ("db.ordres.find({a: 1})", Language.MONGO, Access.READ, 1, 4),
    ('db\n  .getCollection("ordres").find({a: 1})', Language.MONGO, Access.READ, 2, 19),
    ('db.orders.aggregate([{$lookup: {from: "ordres", pipeline: [], as: "x"}}])', Language.MONGO, Access.READ, 1, 40),
    ("db.ordres.deleteMany({a: 1})", Language.MONGO, Access.WRITE, 1, 4),
    ('return 1;\nreturn db.collection("ordres").find({a: 1}).toArray();', Language.SCRIPT, Access.READ, 2, 8),
]


@pytest.mark.parametrize(("text", "language", "access", "line", "column"), UNKNOWN)
def test_unknown_collection_is_a_warning_at_its_place(
    mongo: Bench, text: str, language: Language, access: Access, line: int, column: int
) -> None:
    analysis = look(mongo, text, access, language)
    (finding,) = [found for found in analysis.findings if found.code is FindingCode.UNKNOWN_COLLECTION]
    assert (finding.severity, finding.line, finding.column) == (Severity.WARNING, line, column)
    assert finding.hint == "Did you mean orders?"
    assert analysis.valid
    assert Verified.NAMES_KNOWN not in analysis.verified


def test_write_into_a_new_collection_is_told_that_it_makes_it(mongo: Bench) -> None:
    analysis = look(mongo, "db.zebras.insertOne({a: 1})", Access.WRITE)
    (finding,) = [found for found in analysis.findings if found.code is FindingCode.UNKNOWN_COLLECTION]
    assert finding.hint == "A write creates it."


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("db.orders.find({a: 1})", Language.MONGO),
        ('return db.collection("orders").find({a: 1}).toArray();', Language.SCRIPT),
    ],
)
def test_known_collection_is_vouched_for(mongo: Bench, text: str, language: Language) -> None:
    analysis = look(mongo, text, language=language)
    assert [found for found in analysis.findings if found.code is FindingCode.UNKNOWN_COLLECTION] == []
    assert Verified.NAMES_KNOWN in analysis.verified
