"""What people paste from mongosh, Node and Mongoose, on a real server from submission to the end."""

# ruff: noqa: E501, ISC004 - statements as people paste them stand on one line
from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from pymongo.database import Database

from queries.lifecycle import Status
from queries.results import view_page
from queries.tests.statements.given import changed
from queries.tests.world import World, empty
from web.errors import BadInput

pytestmark = [pytest.mark.mongo, pytest.mark.sandbox]


class Shell(NamedTuple):
    """A statement and its end: how many documents a read returns, or how many a write changes."""

    access: str
    statement: str
    gives: int
    language: str = "mongo"


class Refused(NamedTuple):
    """A statement that is refused as `code`, and what its hint leads to; "" is the script that it carries."""

    access: str
    statement: str
    code: str
    hint: str
    followed: str
    gives: int


RUN = [
    Shell("read", statement, gives)
    for statement, gives in (
        ("db.items.find()", 3), ("db.items.find({_id: 1}).pretty()", 1), ("db.items.find().sort({_id: -1}).limit(2)", 2),
        ("db.items.find({name: /^o/i})", 1), ("db.items.find({_id: {$in: [1, 2]}}, {_id: 0, name: 1})", 2),
        ("db.items.find({_id: 1});", 1), ("db.items.find({_id: 1}) // one", 1), ("db.items.find({_id: 1},)", 1),
        ('db["items"].find({_id: 1})', 1), ('db.getCollection("items").find({_id: 1})', 1), ("db.items.findOne()", 1),
        ("db.items.findOne({_id: 1}).name", 1), ("db.items.find().toArray().length", 1), ("db.items.find().itcount()", 1),
        ("db.items.find().size()", 1), ("db.items.find().hasNext()", 1), ("db.items.countDocuments({})", 1),
        ("db.items.count()", 1), ("db.items.estimatedDocumentCount()", 1), ('db.items.distinct("_id")', 3),
        ("db.items.find({$expr: {$gt: ['$_id', 2]}})", 1), ("db.items.find({_id: ObjectId('507f1f77bcf86cd799439011')})", 0),
        ("db.items.find({at: {$lt: new Date(Date.now() - 7*24*60*60*1000)}})", 0),
        ("db.items.find({loc: {$geoWithin: {$centerSphere: [[0, 0], 0.1]}}})", 0),
        ('db.items.find().explain("executionStats")', 1), ("db.items.explain().find({_id: 1})", 1),
        ("\ufeffdb.items\r\n\u00a0\u00a0.find({_id: 1}) //\u00a0one\u00a0", 1), ("db.items.find({_id:\u2003{$in:\u00a0[1, 2]}})", 2),
        ("db.items.find({name: {$ne: 'a\u00a0b'}})", 3), ("db.items.find({_id: 1}, null, {limit: 1})", 1), ('db.items.find({_id: 1}).readPref("secondary")', 1),
        ('db.items.aggregate([{$lookup: {from: "others", localField: "_id", foreignField: "ref", as: "o"}}])', 3),
        ('db.items.aggregate([{$facet: {all: [{$count: "n"}], one: [{$match: {_id: 1}}]}}])', 1),
        ('db.items.aggregate([{$graphLookup: {from: "items", startWith: "$next", connectFromField: "next", '
         'connectToField: "_id", as: "path"}}])', 3),
        ('db.items.aggregate([{$bucket: {groupBy: "$_id", boundaries: [0, 2, 10]}}])', 2),
        ('db.items.aggregate([{$unwind: "$tags"}, {$sortByCount: "$tags"}])', 2),
        ('db.items.aggregate([{$setWindowFields: {sortBy: {_id: 1}, output: {r: {$sum: "$_id"}}}}])', 3),
        ('db.items.aggregate([{$unionWith: "others"}, {$count: "n"}])', 1), ("db.items.aggregate({$match: {}}, {$limit: 1})", 1),
        ("db.items.getIndexes()", 1), ("db.items.stats()", 1), ("db.stats()", 1), ("db.version()", 1),
        ("db.getCollectionNames()", 2), ("show collections", 2), ("show dbs", 1), ("db.runCommand({ping: 1})", 1),
        ('db.runCommand({find: "items", filter: {_id: 1}})', 1),
    )
] + [
    Shell("write", statement, gives)
    for statement, gives in (
        ("db.items.insertOne({_id: 10, at: new Date(), big: NumberLong('9007199254740993'), d: NumberDecimal('1.10')})", 1),
        ("db.items.insertMany([{_id: 11}, {_id: 12}])", 2), ("db.items.insertMany([{_id: 11}, {_id: 12}], {ordered: true})", 2),
        ("db.items.updateOne({_id: 1}, {$set: {name: 'x'}}, {upsert: true})", 1),
        ("db.items.updateMany({_id: {$gt: 0}}, [{$set: {copy: '$name'}}])", 3),
        ("db.items.updateOne({_id: 1}, {$inc: {n: 1}, $push: {tags: {$each: ['z'], $slice: -5}}})", 1),
        ("db.items.replaceOne({_id: 1}, {name: 'new'})", 1), ("db.items.deleteOne({_id: 1})", 1),
        ("db.items.deleteMany({name: null})", 1),
        ("db.items.findOneAndUpdate({_id: 1}, {$set: {name: 'z'}}, {returnDocument: 'after'})", 1),
        ("db.items.findAndModify({query: {_id: 1}, update: {$set: {name: 'q'}}, new: true})", 1),
        ("db.items.bulkWrite([{insertOne: {document: {_id: 9}}}, {updateOne: {filter: {_id: 1}, update: {$set: {name: 'x'}}}}, "
         "{deleteOne: {filter: {_id: 2}}}])", 3),
        ("db.items.createIndex({name: 1}, {background: true})", 0), ('db.items.createIndex({name: "text"})', 0),
    )
]  # fmt: skip

REFUSED = [
    # opened as a script
    Refused("read", "db.items.find().map(d => d._id)", "mongo_modifier", "Open it as a script", "", 3),
    Refused("read", "db.items.find().toArray().map(d => d._id)", "mongo_modifier", "Open it as a script", "", 3),
    Refused("read", "db.items.find().sort({_id: 1})[0]", "mongo_not_a_query", "Open it as a script", "", 1),
    Refused("read", "db.items.find().forEach(d => print(d.name))", "mongo_modifier", "Open it as a script", "", 0),
    Refused("read", "printjson(db.items.findOne({_id: 1}))", "mongo_not_a_query", "Open it as a script", "", 0),
    Refused("read", "var c = db.items.find(); while (c.hasNext()) { print(c.next()._id) }", "mongo_one_statement",
            "Open it as a script", "", 0),
    Refused("read", "await db.items.findOne({_id: 1})", "mongo_not_a_query", "Open it as a script", "", 1),
    Refused("read", "db.collection('items').find({_id: 1}).toArray()", "mongo_syntax", "Open it as a script", "", 1),
    Refused("read", "db.getCollectionNames().forEach(n => print(n, db[n].countDocuments({})))", "mongo_modifier",
            "Open it as a script", "", 0),
    Refused("read", "const id = 1; db.items.find({_id: id})", "mongo_one_statement", "Open it as a script", "", 1),
    Refused("write", "db.items.find({name: null}).forEach(d => { db.items.updateOne({_id: d._id}, {$set: {name: 'none'}}) })",
            "mongo_modifier", "Open it as a script", "", 1),
    Refused("write", "for (let i = 20; i < 23; i++) { db.items.insertOne({_id: i}) }", "mongo_not_a_query",
            "Open it as a script", "", 3),
    Refused("write", "db.items.insertOne({_id: 30}); db.items.deleteOne({_id: 1});", "mongo_one_statement",
            "Open it as a script", "", 2),
    Refused("write", "[1, 2].forEach(id => db.items.deleteOne({_id: id}))", "mongo_not_a_query", "Open it as a script", "", 2),
    # written another way
    Refused("write", "db.items.insert({_id: 13})", "mongo_method", "insertOne", "db.items.insertOne({_id: 13})", 1),
    Refused("write", "db.items.save({_id: 14})", "mongo_method", "replaceOne", "db.items.insertOne({_id: 14})", 1),
    Refused("write", "db.items.update({_id: 1}, {$set: {name: 'x'}})", "mongo_method", "updateOne",
            "db.items.updateOne({_id: 1}, {$set: {name: 'x'}})", 1),
    Refused("write", "db.items.remove({_id: 1})", "mongo_method", "deleteOne", "db.items.deleteOne({_id: 1})", 1),
    Refused("write", "db.items.updateOne({_id: 1}, {name: 'x'})", "mongo_update", "replaceOne",
            "db.items.replaceOne({_id: 1}, {name: 'x'})", 1),
    Refused("write", "db.items.initializeUnorderedBulkOp()", "mongo_method", "bulkWrite",
            "db.items.bulkWrite([{deleteOne: {filter: {_id: 1}}}])", 1),
    Refused("write", "db.createCollection('x')", "mongo_method", "first insert", "db.x.insertOne({_id: 1})", 1),
    Refused("read", "db.items.find({_id: 1}).lean()", "mongo_modifier", "Leave it out", "db.items.find({_id: 1})", 1),
    Refused("read", "db.items.find({_id: id})", "mongo_not_literal", "id", "db.items.find({_id: 1})", 1),
    Refused("read", "db.items.find", "mongo_not_a_query", "db.items.find(…)", "db.items.find()", 3),
    Refused("read", "db.items", "mongo_not_a_query", "db.items.find({})", "db.items.find({})", 3),
    Refused("read", "items.find({_id: 1})", "mongo_not_a_query", "db.<collection>", "db.items.find({_id: 1})", 1),
    Refused("read", "db.items.find({name: “one”})", "lookalike_character", 'Write " instead', 'db.items.find({name: "one"})', 1),
    Refused("read", "db.items.find({$where: 'this._id == 1'})", "mongo_javascript", "$expr",
            "db.items.find({$expr: {$eq: ['$_id', 1]}})", 1),
    Refused("read", "db.items.mapReduce(function() { emit(this.name, 1) }, function(k, v) { return 1 })", "mongo_method",
            "aggregate", "db.items.aggregate([{$group: {_id: '$name', n: {$sum: 1}}}])", 3),
    Refused("read", "db.items.watch()", "mongo_method", "query the collection", "db.items.find()", 3),
    Refused("read", "db.getSiblingDB('x').items.find()", "mongo_method", "leave it out", "db.items.find()", 3),
    Refused("read", "shop> db.items.find()", "mongo_not_a_query", "prompts", "db.items.find()", 3),
    Refused("read", "rs0 [direct: primary] test> db.items.find()", "mongo_syntax", "prompts", "db.items.find()", 3),
    Refused("read", "> db.items.find({_id: 1})", "mongo_syntax", "prompts", "db.items.find({_id: 1})", 1),
    Refused("read", "mongosh --eval 'db.items.find()'", "mongo_syntax", "query alone", "db.items.find()", 3),
    Refused("read", "SELECT * FROM items WHERE id = 1", "mongo_syntax", "This is SQL", "db.items.find({_id: 1})", 1),
    Refused("read", "db.items.find({name: \u2018one\u2019})", "mongo_not_literal", 'in quotes: "one"', "db.items.find({name: 'one'})", 1),
    Refused("write", "db.items.insertOne({_id: UUID()})", "mongo_value", "32 digits out",
            "db.items.insertOne({_id: UUID('3b241101-e2bb-4255-8caf-4136c566a962')})", 1),
    Refused("read", "db.items.exists()", "mongo_method", "getCollectionInfos", "db.getCollectionInfos({name: 'items'})", 1),
    Refused("write", "db.items.drop()", "mongo_method", "deleteMany", "db.items.deleteMany({})", 3),
    Refused("read", "it", "mongo_syntax", "db.<collection>", "db.items.find()", 3),
]  # fmt: skip


@pytest.fixture(scope="module")
def lab(committed: World) -> Iterator[World]:
    """Everybody, and a MongoDB that takes scripts."""
    before = {name: getattr(committed.target, name) for name in ("engine", "read_url_variable", "write_url_variable")}
    committed.move_to_mongo()
    committed.change_target(allow_scripts=True)
    yield committed
    committed.change_target(**before)


@pytest.fixture(autouse=True)
def rows(lab: World, mongo_database: Database[dict[str, Any]]) -> Iterator[None]:
    """The same before each."""
    empty(mongo_database)
    mongo_database.items.insert_many(
        [
            {"_id": 1, "name": "one", "next": 2, "tags": ["a"]},
            {"_id": 2, "name": "", "next": 3, "tags": ["b"]},
            {"_id": 3, "name": None},
        ]
    )
    mongo_database.others.insert_one({"_id": 1, "ref": 1})
    yield
    empty(mongo_database)


def run(lab: World, given: Shell) -> None:
    """From the submission to the end, which is the right one."""
    try:
        query = lab.executed(given.statement, access=given.access, language=given.language)
    except BadInput as error:
        raise AssertionError(error.fields) from error
    assert (query.status, query.execution.failure_code) == (Status.EXECUTED, ""), query.execution.said.message
    if given.access == "write":
        assert changed(query) == given.gives
        return
    assert query.execution.row_count == given.gives
    if given.gives and given.language == "mongo":
        assert all(json.loads(one) is not None for one in view_page(actor=lab.author, query=query).documents or ())


@pytest.mark.parametrize("given", RUN, ids=lambda given: given.statement[:60])
def test_it_runs_as_pasted(lab: World, given: Shell) -> None:
    run(lab, given)


@pytest.mark.parametrize("given", REFUSED, ids=lambda given: given.statement[:60])
def test_it_is_refused_with_a_hint_that_works(lab: World, given: Refused) -> None:
    with pytest.raises(BadInput) as caught:
        lab.submitted(given.statement, access=given.access, language="mongo")
    found = [error for error in caught.value.fields["statement"] if error.code == given.code]
    assert any(given.hint in error.message for error in found), caught.value.fields
    scripts = [error.script for error in found if error.script]
    assert bool(scripts) is not bool(given.followed)
    run(lab, Shell(given.access, given.followed or scripts[0], given.gives, "mongo" if given.followed else "script"))


@pytest.mark.parametrize(
    ("statement", "ids"),
    [
        ("const id = 1; db.items.find({_id: id}, {name: 1})", ["1"]),
        ("db.items.find({_id: 1 > 0 ? 2 : 3}, {_id: 1})", ["2"]),
        ("db.items.find({_id: {$in: db.others.distinct('ref')}}, {_id: 1})", ["1"]),
        ("db.others.find();\ndb.items.find({}, {_id: 1}).sort({_id: -1}).limit(2);", ["3", "2"]),
        ("db.items.aggregate([{$match: {_id: [1, 2].length}}, {$project: {_id: 1}}])", ["2"]),
        ("let c = db.items.find({_id: 3}, {_id: 1});\nc", ["3"]),
    ],
)
def test_a_script_of_the_shell_returns_the_documents(lab: World, statement: str, ids: list[str]) -> None:
    """A script gives what the shell shows: the rows of a cursor, and not the cursor."""
    with pytest.raises(BadInput) as caught:
        lab.submitted(statement, language="mongo")
    (script,) = {error.script for error in caught.value.fields["statement"] if error.script}
    query = lab.executed(script, language="script")
    assert "returns_nothing" not in {finding["code"] for finding in query.findings}
    assert (query.status, query.execution.failure_code) == (Status.EXECUTED, ""), query.execution.said.message
    page = view_page(actor=lab.author, query=query)
    assert [json.loads(one)["_id"] for one in page.documents or ()] == ids or [row[0] for row in page.rows] == ids
