"""`$out` and `$merge`: what is said before, and that nobody claims to know how many documents they changed."""

# ruff: noqa: E501 - statements as people write them stand on one line
from __future__ import annotations

import pytest

from executors.analysis import analyse
from executors.base import Access, EngineKind, Finding, FindingCode, Language, Severity, Verified, WriteOutcome
from executors.tests.mongodb.conftest import Bench

OUT, MERGE = FindingCode.REPLACES_COLLECTION, FindingCode.MERGES_INTO_COLLECTION


def about(statement: str) -> Finding:
    """The one finding about where a pipeline writes."""
    analysis = analyse(Language.MONGO, EngineKind.MONGODB, statement, (), Access.WRITE)
    (finding,) = (finding for finding in analysis.findings if finding.code in {OUT, MERGE})
    assert finding.severity is Severity.WARNING
    assert "cannot be rolled back" in finding.hint
    return finding


def test_out_is_said_to_replace_the_whole_collection() -> None:
    """told-10."""
    finding = about("db.orders.aggregate([{$match: {_id: 1}}, {$out: 'customers'}])")
    assert finding.code is OUT
    assert "replaces the whole collection customers" in finding.message
    assert (finding.line, finding.column) == (1, 43)


def test_out_by_a_command_is_said_so_too() -> None:
    """told-10."""
    finding = about("db.runCommand({aggregate: 'orders', pipeline: [{$out: 'customers'}], cursor: {}})")
    assert "replaces the whole collection customers" in finding.message


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ("{$merge: 'd'}", "that match one are merged into it, the others are inserted"),
        ("{$merge: {into: 'd'}}", "that match one are merged into it, the others are inserted"),
        ("{$merge: {into: 'd', whenMatched: 'replace'}}", "that match one replace it, the others are inserted"),
        ("{$merge: {into: 'd', whenMatched: 'keepExisting'}}", "that match one are left out"),
        ("{$merge: {into: 'd', whenMatched: 'fail', whenNotMatched: 'discard'}}", "ends the run with an error, the others are left out"),
        ("{$merge: {into: 'd', whenMatched: [{$set: {a: 1}}]}}", "change it, as a pipeline says"),
        ("{$merge: {into: 'd', whenNotMatched: 'fail'}}", "any other ends the run with an error"),
    ],
)  # fmt: skip
def test_merge_is_said_to_do_what_it_does(stage: str, words: str) -> None:
    """told-10."""
    finding = about(f"db.orders.aggregate([{stage}])")
    assert finding.code is MERGE
    assert "into the collection d" in finding.message
    assert words in finding.message


@pytest.mark.parametrize("end", [".explain()", ".explain('queryPlanner')"])
def test_what_is_only_explained_replaces_nothing(end: str) -> None:
    analysis = analyse(Language.MONGO, EngineKind.MONGODB, f"db.c.aggregate([{{$out: 'd'}}]){end}", (), Access.WRITE)
    assert analysis.findings == ()
    assert Verified.NOTHING_DROPPED in analysis.verified


def test_out_is_no_assurance_that_nothing_goes() -> None:
    analysis = analyse(Language.MONGO, EngineKind.MONGODB, "db.c.aggregate([{$out: 'd'}])", (), Access.WRITE)
    assert not {Verified.NOTHING_DROPPED, Verified.ONLY_READS, Verified.EVERY_WRITE_FILTERED} & set(analysis.verified)


@pytest.mark.mongo
@pytest.mark.parametrize(
    "statement",
    [
        "db.c.aggregate([{$match: {_id: 1}}, {$out: 'd'}])",
        "db.c.aggregate([{$match: {_id: 1}}, {$merge: {into: 'd', whenMatched: 'replace'}}])",
        "db.runCommand({aggregate: 'c', pipeline: [{$match: {_id: 1}}, {$out: 'd'}], cursor: {}})",
    ],
)
def test_how_many_documents_changed_is_not_known(mongo: Bench, statement: str) -> None:
    """told-10: null, said to be not known, and no result set of which nothing matched."""
    mongo.database.c.insert_many([{"_id": number} for number in range(3)])
    mongo.database.d.insert_many([{"_id": number, "old": True} for number in range(50)])
    outcome = mongo.run(statement, Access.WRITE)
    assert isinstance(outcome, WriteOutcome)
    assert outcome.rows_affected is None
    assert not outcome.affected_known
    assert outcome.statements[0].rows_affected is None
    assert mongo.sink.announced == []
    assert mongo.database.d.find_one({"_id": 1}) == {"_id": 1}


@pytest.mark.mongo
def test_a_write_that_is_counted_is_known(mongo: Bench) -> None:
    outcome = mongo.run("db.c.deleteMany({a: 1})", Access.WRITE)
    assert isinstance(outcome, WriteOutcome)
    assert (outcome.rows_affected, outcome.affected_known) == (0, True)
