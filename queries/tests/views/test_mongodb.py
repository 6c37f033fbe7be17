"""What the pages and the API say of a run on MongoDB."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from pymongo.database import Database

from queries.models import Execution, QueryRequest
from queries.tests.views.conftest import SignedIn
from queries.tests.world import World

pytestmark = pytest.mark.mongo

Mongo = Database[dict[str, Any]]


def body(client_of: SignedIn, world: World, query: QueryRequest, name: str = "queries:detail") -> str:
    return client_of(world.author).get(reverse(name, args=[query.public_id])).content.decode()


def test_out_is_not_said_to_have_changed_nothing(world: World, on_mongo: Mongo, client_of: SignedIn) -> None:
    """told-10: before and after."""
    on_mongo.orders.insert_one({"_id": 1})
    on_mongo.customers.insert_many([{"_id": number} for number in range(50)])
    text = "db.orders.aggregate([{$match: {_id: 1}}, {$out: 'customers'}])"
    query = world.submitted(text, language="mongo", access="write")
    assert "$out replaces the whole collection customers" in body(client_of, world, query)
    world.approved(query)
    assert on_mongo.customers.count_documents({}) == 1
    execution = Execution.objects.get(pk=query.pk)
    assert (execution.rows_affected, execution.affected_known) == (None, False)
    for page in (body(client_of, world, query), body(client_of, world, query, "queries:result")):
        assert "ot known" in page
        for lie in ("0 rows changed", "0 documents changed", "No document matched", "returned no rows"):
            assert lie not in page
    answer = client_of(world.author).get(f"/api/v1/queries/{query.public_id}/").json()["execution"]
    assert (answer["rows_affected"], answer["affected_known"]) == (None, False)


def test_a_failed_unordered_write_says_that_nothing_was_kept(
    world: World, on_mongo: Mongo, client_of: SignedIn
) -> None:
    """out-14: before and after."""
    text = "db.c.insertMany([{_id: 1}, {_id: 1}, {_id: 2}], {ordered: false})"
    query = world.submitted(text, language="mongo", access="write")
    assert "mongosh would keep the others" in body(client_of, world, query)
    world.approved(query)
    assert on_mongo.c.count_documents({}) == 0
    assert "Nothing was kept, although the write says ordered: false" in body(client_of, world, query)
