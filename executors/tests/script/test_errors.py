"""What a script learns of a call that failed: the server's own code and fields."""

# ruff: noqa: E501 - scripts as people write them stand on one line
from __future__ import annotations

import json

import pytest

from executors.base import Access, StatementFailed
from executors.tests.script.conftest import RunMongo, RunSQL

pytestmark = pytest.mark.sandbox

FIELDS = "[e.name, e.code, e.constraint ?? null, e.table ?? null, e.column ?? null, e.detail ?? null, e.hint ?? null, e.position ?? null]"
SQL = [
    (
        "insert into items(id) values (1)",
        ["23505", "items_pkey", "items", None, "Key (id)=(1) already exists.", None, None],
    ),
    (
        "insert into items(id) values (null)",
        ["23502", None, "items", "id", "Failing row contains (null, null, null, null, null).", None, None],
    ),
    (
        "select idd from items",
        ["42703", None, None, None, None, 'Perhaps you meant to reference the column "items.id".', "8"],
    ),
    ("select 1/0", ["22012", None, None, None, None, None, None]),
]


@pytest.mark.parametrize(("statement", "fields"), SQL)
def test_an_error_of_postgresql_has_its_fields(statement: str, fields: list[object], run_sql: RunSQL) -> None:
    # What was found out is logged: after a failed call nothing is committed.
    text = f"try {{ await db.query('{statement}') }} catch (e) {{ throw new Error(JSON.stringify({FIELDS})) }}"
    with pytest.raises(StatementFailed) as raised:
        run_sql(text, Access.WRITE)
    found = json.loads(raised.value.public_message.removeprefix("Error: "))
    assert found == ["DatabaseError", *fields]


@pytest.mark.mongo
@pytest.mark.parametrize(
    ("call", "fields"),
    [
        ("db.items.insertOne({_id: 1})", [11000, "DuplicateKey", {"_id": 1}, {"_id": 1}]),
        ("db.items.insertMany([{_id: -1}, {_id: 2}])", [11000, "DuplicateKey", {"_id": 1}, {"_id": 2}]),
        ("db.items.findOneAndUpdate({_id: 3}, {$set: {_id: 4}})", [66, "ImmutableField", None, None]),
        ("db.items.find({a: {$nope: 1}}).toArray()", [2, "BadValue", None, None]),
    ],
)
def test_an_error_of_mongodb_has_its_number(call: str, fields: list[object], run_mongo: RunMongo) -> None:
    text = f"try {{ await {call} }} catch (e) {{ throw new Error(JSON.stringify([e.code, e.codeName ?? null, e.keyPattern ?? null, e.keyValue ?? null])) }}"
    with pytest.raises(StatementFailed) as raised:
        run_mongo(text, Access.WRITE)
    assert json.loads(raised.value.public_message.removeprefix("Error: ")) == fields
