"""What a filter is certain to match, compared with what a live server does match."""

# ruff: noqa: E501 - statements as people write them stand on one line
from __future__ import annotations

import math
from typing import Any

import pytest
from bson import Decimal128, Int64, MaxKey, MinKey, Regex

from executors.analysis import analyse
from executors.base import Access, EngineKind, FindingCode, Language, Severity, Verified
from executors.mongodb.reading.filters import Reach, reach
from executors.tests.mongodb.conftest import Bench

Filter = dict[str, Any]

EVERY: list[Filter] = [
    {},
    {"_id": {"$exists": True}},
    {"_id": {"$exists": 1}},
    {"_id": {"$exists": "no"}},
    {"_id": {"$not": {"$exists": False}}},
    {"$or": [{}, {"x": 1}]},
    {"$or": [{"x": 1}, {"_id": {"$exists": True}}]},
    {"$or": [{"$and": [{}]}]},
    {"$and": [{}, {"_id": {"$exists": True}}]},
    {"$nor": [{"_id": {"$exists": False}}]},
    {"$nor": [{"x": {"$in": []}}, {"$alwaysFalse": 1}]},
    {"$nor": [{"$and": [{"x": 1}, {"x": {"$ne": 1}}]}]},
    {"$expr": True},
    {"$expr": 1},
    {"$expr": Int64(7)},
    {"$expr": Decimal128("0.1")},
    {"$expr": math.nan},
    {"$expr": "text"},
    {"$expr": ""},
    {"$expr": {}},
    {"$expr": []},
    {"$expr": "$$ROOT"},
    {"$expr": {"$literal": "$x"}},
    {"$expr": {"$eq": ["$x", "$x"]}},
    {"$expr": {"$lte": ["$x.y", "$x.y"]}},
    {"$expr": {"$eq": [1, 1.0]}},
    {"$expr": {"$lt": [1, 2]}},
    {"$expr": {"$ne": [1, "1"]}},
    {"$expr": {"$ne": [{"$type": "$_id"}, "missing"]}},
    {"$expr": {"$gte": ["$x", MinKey()]}},
    {"$expr": {"$lte": ["$x", MaxKey()]}},
    {"$expr": {"$and": []}},
    {"$expr": {"$or": ["$x", True]}},
    {"$expr": {"$not": [False]}},
    {"$expr": {"$not": {"$ne": ["$x", "$x"]}}},
    {"$expr": {"$cond": [{"$eq": [2, 2]}, "yes", False]}},
    {"$expr": {"$cond": {"if": "$x", "then": 1, "else": 2}}},
    {"$expr": {"$in": [1, ["$x", 1]]}},
    {"$expr": {"$let": {"vars": {"a": 1}, "in": "$$a"}}},
    {"$expr": {"$type": "$x"}},
    {"$expr": {"$mergeObjects": [{}, {}]}},
    {"$expr": {"$eq": [{"$cmp": ["$x", "$x"]}, 0]}},
    {"$expr": {"$or": ["$x", {"$not": ["$x"]}]}},
    {"$expr": {"$or": [{"$gt": ["$x", 1]}, {"$lte": ["$x", 1]}]}},
    {"$expr": {"$or": [{"$ne": ["$x", 1]}, {"$eq": ["$x", 1]}, "$y"]}},
    {"_id": {"$gte": MinKey()}},
    {"x": {"$gte": MinKey()}},
    {"x": {"$lte": MaxKey()}},
    {"_id": {"$not": {"$lt": MinKey()}}},
    {"x": {"$nin": []}},
    {"x": {"$not": {"$in": []}}},
    {"x": {"$not": {"$all": []}}},
    {"_id": {"$not": {"$size": 3}}},
    {"_id": {"$not": {"$type": "array"}}},
    {"$comment": "all of them"},
    {"$alwaysTrue": 1},
    {"$sampleRate": 1.0},
    {"$jsonSchema": {}},
    {"$jsonSchema": {"bsonType": "object", "required": ["_id"]}},
    {"$or": [{"x": {"$exists": True}}, {"x": {"$exists": False}}]},
    {"$or": [{"x": 1}, {"x": {"$ne": 1}}]},
    {"$or": [{"x": {"$gte": 3}}, {"x": {"$not": {"$gte": 3}}}]},
    {"$or": [{"x": {"$in": [1, 2]}}, {"x": {"$nin": [1, 2]}}]},
    {"$or": [{"x": {"$gt": 1}}, {"$nor": [{"x": {"$gt": 1}}]}]},
    {"x": {"$nin": []}, "_id": {"$exists": True}, "$comment": "two that always hold"},
]  # fmt: skip

# Filters, and the documents they leave out.
BUT_NAMED: list[tuple[Filter, set[object]]] = [
    ({"_id": {"$ne": None}}, {None}),
    ({"_id": {"$nin": [None, 1]}}, {None, 1}),
    ({"$nor": [{"_id": None}]}, {None}),
    ({"_id": {"$exists": True, "$ne": None}}, {None}),
    ({"_id": {"$not": {"$eq": 1}}}, {1}),
    ({"_id": {"$not": {"$in": [1, 2]}}}, {1, 2}),
    ({"$and": [{"_id": {"$ne": 1}}, {"_id": {"$ne": 2}}]}, {1, 2}),
    ({"$or": [{"_id": {"$ne": 1}}, {"$alwaysFalse": 1}]}, {1}),
    ({"$expr": {"$ne": ["$_id", 1]}}, {1}),
    ({"_id": {"$gt": MinKey()}}, {MinKey()}),
    ({"_id": {"$lt": MaxKey()}}, {MaxKey()}),
]  # fmt: skip

# Filters that every line of text fits, in whichever of their fields it stands.
EVERY_TEXT: list[Filter] = [
    {"x": Regex(".*")},
    {"x": Regex("")},
    {"x": Regex("^.*$", "i")},
    {"x": Regex("^")},
    {"x": Regex("[\\s\\S]*")},
    {"x": {"$regex": ""}},
    {"x": {"$regex": "^.*?", "$options": "s"}},
    {"x": {"$regex": Regex("(.*)")}},
    {"x": {"$in": [1, Regex(".*$")]}},
    {"$or": [{"x": Regex("(?:)")}, {"y": 1}]},
    {"_id": Regex(".*")},
    {"_id": {"$in": [Regex(".*")]}},
    {"x": {"$gte": ""}},
]  # fmt: skip

EVERY_NUMBER: list[Filter] = [
    {"x": {"$mod": [1, 0]}},
    {"x": {"$mod": [-1, 0]}},
    {"x": {"$bitsAllSet": 0}},
    {"x": {"$bitsAllClear": []}},
    {"x": {"$gte": -math.inf}},
    {"x": {"$lte": math.inf}},
    {"$or": [{"x": {"$mod": [1, 0]}}, {"y": 1}]},
]  # fmt: skip

# The same for every document, whatever that is.
EVERY_OR_NONE: list[Filter] = [
    {"$expr": {"$isArray": [[1]]}},
    {"$expr": {"$not": [{"$isArray": [[1]]}]}},
    {"$expr": {"$anyElementTrue": [[True]]}},
    {"$expr": {"$strLenCP": "abc"}},
    {"$expr": {"$toBool": "yes"}},
    {"$expr": {"$gt": ["$$NOW", 0]}},
    {"$expr": {"$and": [True, {"$isArray": ["x"]}]}},
    {"$expr": {"$let": {"vars": {"a": [1]}, "in": {"$isArray": "$$a"}}}},
    {"$expr": {"$switch": {"branches": [{"case": True, "then": True}], "default": False}}},
    {"$or": [{"$expr": {"$isArray": [[1]]}}, {"$alwaysFalse": 1}]},
    {"$nor": [{"$expr": {"$isArray": [1]}}]},
    {"$expr": {"$isArray": [[1]]}, "_id": {"$exists": True}},
]  # fmt: skip

PERHAPS: list[Filter] = [
    {"$expr": {"$in": ["$x", ["$x"]]}},
    {"$expr": {"$setIsSubset": ["$x", "$x"]}},
    {"$expr": {"$gt": ["$x", {"$subtract": ["$x", 1]}]}},
    {"$expr": {"$eq": [{"$subtract": ["$x", "$x"]}, 0]}},
    {"$expr": {"$lte": [{"$multiply": ["$x", 0]}, 0]}},
    {"$expr": {"$eq": ["$$ROOT.x", "$x"]}},
    {"$expr": {"$eq": ["$$ROOT", "$$CURRENT"]}},
    {"$expr": {"$ne": ["$x", {"$toLower": "$x"}]}},
    {"$expr": {"$let": {"vars": {"v": "$x"}, "in": {"$eq": ["$$v", {"$add": ["$x", 0]}]}}}},
    {"$expr": {"$regexMatch": {"input": "$x", "regex": ".*"}}},
    {"$expr": {"$gte": [{"$size": "$x"}, 0]}},
    {"$expr": {"$ifNull": ["$x", True]}},
    {"$expr": {"$cond": ["$x", True, {"$isArray": [[1]]}]}},
    {"$or": [{"x": 1}, {"$expr": {"$isArray": [[1]]}}]},
    {"$expr": {"$or": [{"$eq": ["$x", 1]}, {"$isArray": [[1]]}]}},
]  # fmt: skip

UNTOLD: list[Filter] = [
    {"x": 1},
    {"_id": 1},
    {"_id": None},
    {"_id": {}},
    {"x": {"$exists": True}},
    {"x": {"$ne": None}},
    {"x": {"$gt": MinKey()}},
    {"_id": {"$lte": MinKey()}},
    {"_id": {"$exists": 0}},
    {"_id": {"$exists": None}},
    {"_id.x": {"$exists": True}},
    {"_id": {"$ne": None}, "x": 1},
    {"x": Regex(".*"), "y": 1},
    {"x": {"$not": Regex(".*")}},
    {"x": {"$regex": ".*x"}},
    {"x": Regex("^[.]*$")},
    {"x": Regex(".")},
    {"_id": {"$type": ["string", "number"]}},
    {"x": {"$in": []}},
    {"x": {"$all": []}},
    {"$alwaysFalse": 1},
    {"$sampleRate": 0.5},
    {"$expr": False},
    {"$expr": None},
    {"$expr": 0},
    {"$expr": Decimal128("0.0")},
    {"$expr": "$x"},
    {"$expr": "$_id"},
    {"$expr": "$$REMOVE"},
    {"$expr": {"$literal": False}},
    {"$expr": {"$ne": ["$x", "$x"]}},
    {"$expr": {"$eq": ["$x", "$y"]}},
    {"$expr": {"$eq": [{"$rand": {}}, {"$rand": {}}]}},
    {"$expr": {"$gt": ["$_id", None]}},
    {"$expr": {"$eq": ["$x", 5]}},
    {"$expr": {"$gt": [{"$size": "$x"}, 3]}},
    {"$expr": {"$regexMatch": {"input": "$x", "regex": "a"}}},
    {"$expr": {"$cond": ["$x", True, False]}},
    {"$expr": {"$lt": [{"$rand": {}}, 0.5]}},
    {"$expr": {"$isArray": [[1]]}, "x": 1},
    {"$and": [{"$expr": {"$in": ["$x", ["$x"]]}}, {"x": 1}]},
    {"x": {"$mod": [2, 0]}},
    {"x": {"$gte": 0}},
    {"x": {"$not": {"$mod": [1, 0]}}},
    {"$jsonSchema": {"required": ["x"]}},
    {"$or": [{"x": 1}, {"x": {"$ne": True}}]},
    {"$or": [{"x": {"$lt": 3}}, {"x": {"$gte": 3}}]},
    {"$and": [{"_id": {"$exists": True}}, {"x": 1}]},
    {"$nor": [{"x": 1}]},
]  # fmt: skip

DOCUMENTS: list[Filter] = [
    {"_id": 1},
    {"_id": 2, "x": None},
    {"_id": None},
    {"_id": "x", "x": 1},
    {"_id": MinKey(), "x": MinKey()},
    {"_id": MaxKey(), "x": MaxKey()},
    {"_id": {"a": 1}, "x": {"y": 1}},
    {"_id": math.nan, "x": math.nan},
    {"_id": False, "x": [1, 2, {"y": 2}]},
    {"_id": Regex("r").pattern, "x": Regex("r")},
    {"_id": 0, "x": 3.5},
]  # fmt: skip


@pytest.mark.parametrize("query", EVERY, ids=str)
def test_a_filter_that_matches_every_document(query: Filter) -> None:
    """told-11."""
    assert reach(query) is Reach.EVERY


@pytest.mark.parametrize("query", [query for query, _ in BUT_NAMED], ids=str)
def test_a_filter_that_matches_every_document_but_those_it_names(query: Filter) -> None:
    """told-11."""
    assert reach(query) is Reach.ALL_BUT_NAMED


@pytest.mark.parametrize("query", EVERY_TEXT, ids=str)
def test_a_filter_that_every_text_fits(query: Filter) -> None:
    """told-11."""
    assert reach(query) is Reach.EVERY_TEXT


@pytest.mark.parametrize(
    ("query", "reached"),
    [
        *((query, Reach.EVERY_NUMBER) for query in EVERY_NUMBER),
        *((query, Reach.EVERY_OR_NONE) for query in EVERY_OR_NONE),
        *((query, Reach.PERHAPS_EVERY) for query in PERHAPS),
    ],
    ids=str,
)
def test_a_filter_that_may_hold_nothing_back(query: Filter, reached: Reach) -> None:
    """told-11."""
    assert reach(query) is reached


@pytest.mark.parametrize("query", UNTOLD, ids=str)
def test_nothing_is_claimed_of_any_other_filter(query: Filter) -> None:
    """told-11: only what is certain."""
    assert reach(query) is Reach.SOME


@pytest.mark.mongo
def test_the_server_matches_what_is_claimed(mongo: Bench) -> None:
    mongo.database.c.insert_many(DOCUMENTS)
    for query in EVERY:
        assert mongo.database.c.count_documents(query) == len(DOCUMENTS), query
    for query, left_out in BUT_NAMED:
        missing = mongo.database.c.count_documents({"_id": {"$in": list(left_out)}})
        assert mongo.database.c.count_documents(query) == len(DOCUMENTS) - missing, query
    texts = ["", "a", "two words", "é", "$"]
    mongo.database.texts.insert_many({"_id": f"n{text}", "x": text} for text in texts)
    for query in EVERY_TEXT:
        assert mongo.database.texts.count_documents(query) == len(texts), query
    numbers = [0, -7, 3.5, 2**40, Decimal128("12")]
    mongo.database.numbers.insert_many({"_id": index, "x": number} for index, number in enumerate(numbers))
    for query in EVERY_NUMBER:
        whole = "bits" not in str(query)
        assert mongo.database.numbers.count_documents(query) == len(numbers) - (not whole), query
    for query in EVERY_OR_NONE:
        assert mongo.database.texts.count_documents(query) in {0, len(texts)}, query


def test_a_variable_may_be_what_makes_it_true() -> None:
    assert reach({"$expr": "$$all"}, {"all": True}) is Reach.EVERY
    assert reach({"$expr": {"$eq": ["$$n", 1]}}, {"n": 1}) is Reach.EVERY
    assert reach({"$expr": "$$all"}, {"all": "$x"}) is Reach.SOME
    assert reach({"$expr": "$$all"}) is Reach.EVERY_OR_NONE
    assert reach({"$expr": "$$all"}, {"all": {"$isArray": "$x"}}) is Reach.SOME


# --- in every place a filter decides what is written ---------------------------------------------------------

ALL = "{_id: {$exists: true}}"
WARNED: list[tuple[str, str]] = [
    (f"db.cars.deleteMany({ALL})", "deleteMany with a filter that matches every document deletes every document."),
    ("db.cars.deleteMany({})", "deleteMany with an empty filter deletes every document."),
    (f"db.cars.updateMany({ALL}, {{$set: {{a: 1}}}})", "changes every document."),
    ("db.cars.deleteMany({Name: /.*/})", "deletes every document in which the field is a line of text."),
    ("db.cars.deleteMany({Name: {$regex: ''}})", "deletes every document in which the field is a line of text."),
    ("db.cars.deleteMany({_id: {$ne: null}})", "deletes every document but those whose _id it names."),
    (f"db.cars.updateOne({ALL}, {{$set: {{a: 1}}}})", "changes whichever document comes first."),
    (f"db.cars.deleteOne({ALL})", "deletes whichever document comes first."),
    (f"db.cars.replaceOne({ALL}, {{a: 1}})", "replaces whichever document comes first."),
    (f"db.cars.findOneAndUpdate({ALL}, {{$set: {{a: 1}}}})", "changes whichever document comes first."),
    ("db.cars.findOneAndDelete({})", "deletes whichever document comes first."),
    (f"db.cars.findOneAndReplace({ALL}, {{a: 1}}, {{upsert: true}})", "replaces whichever document comes first."),
    (f"db.cars.bulkWrite([{{insertOne: {{document: {{}}}}}}, {{deleteMany: {{filter: {ALL}}}}}])", "deletes every document."),
    (f"db.cars.bulkWrite([{{replaceOne: {{filter: {ALL}, replacement: {{a: 1}}}}}}])", "replaces whichever document comes first."),
    (f"db.runCommand({{delete: 'cars', deletes: [{{q: {ALL}, limit: 0}}]}})", "deletes every document."),
    (f"db.runCommand({{delete: 'cars', deletes: [{{q: {ALL}, limit: 1}}]}})", "deletes whichever document comes first."),
    (f"db.runCommand({{update: 'cars', updates: [{{q: {ALL}, u: {{$set: {{a: 1}}}}, multi: true}}]}})", "changes every document."),
    (f"db.runCommand({{findAndModify: 'cars', query: {ALL}, remove: true}})", "deletes whichever document comes first."),
    ("db.runCommand({findAndModify: 'cars', update: {$set: {a: 1}}})", "changes whichever document comes first."),
    ("db.cars.deleteMany({$expr: '$$all'}, {let: {all: true}})", "deletes every document."),
    ("db.cars.deleteMany({year: {$mod: [1, 0]}})", "deletes every document in which the field is a number."),
    ("db.cars.deleteMany({$expr: {$isArray: [[1]]}})", "a filter that looks at no field deletes every document or none."),
]  # fmt: skip


def warnings(statement: str) -> list[str]:
    analysis = analyse(Language.MONGO, EngineKind.MONGODB, statement, (), Access.WRITE)
    assert Verified.EVERY_WRITE_FILTERED not in analysis.verified
    return [
        finding.message
        for finding in analysis.findings
        if (finding.code, finding.severity) == (FindingCode.NO_FILTER, Severity.WARNING)
    ]


@pytest.mark.parametrize(("statement", "words"), WARNED, ids=[statement for statement, _ in WARNED])
def test_a_write_that_reaches_everything_is_warned_of(statement: str, words: str) -> None:
    """told-11."""
    (message,) = warnings(statement)
    assert message.endswith(words)


@pytest.mark.parametrize(
    ("language", "statement"),
    [
        (Language.MONGO, "db.cars.deleteMany({$expr: {$in: ['$a', ['$a']]}})"),
        (Language.SCRIPT, "await db.cars.deleteMany({$expr: {$in: ['$a', ['$a']]}})"),
        (Language.SCRIPT, "await db.cars.deleteMany({$expr: {$eq: [x, y]}})"),
    ],
)
def test_a_filter_that_may_hold_nothing_back_is_told_and_not_claimed(language: Language, statement: str) -> None:
    analysis = analyse(language, EngineKind.MONGODB, statement, (), Access.WRITE)
    (finding,) = analysis.findings
    assert (finding.severity, finding.code) == (Severity.INFO, FindingCode.SELF_COMPARISON)
    assert Verified.EVERY_WRITE_FILTERED not in analysis.verified


def test_first_by_a_sort_is_said_so() -> None:
    text = "db.jobs.findOneAndUpdate({}, {$set: {taken: true}}, {sort: {_id: 1}})"
    analysis = analyse(Language.MONGO, EngineKind.MONGODB, text, (), Access.WRITE)
    (finding,) = analysis.findings
    assert (finding.severity, finding.code) == (Severity.INFO, FindingCode.NO_FILTER)
    assert finding.message.endswith("changes the document that its sort puts first.")


def test_a_write_with_a_condition_is_verified_as_one() -> None:
    analysis = analyse(Language.MONGO, EngineKind.MONGODB, "db.cars.deleteMany({year: 1970})", (), Access.WRITE)
    assert analysis.findings == ()
    assert Verified.EVERY_WRITE_FILTERED in analysis.verified
    assert Verified.ONLY_READS not in analysis.verified
