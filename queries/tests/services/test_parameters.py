"""Named parameters from the draft to the target and back, in every language: rehearsed, run, taken back."""

from __future__ import annotations

import pytest

from queries import services
from queries.lifecycle import Status
from queries.models import QueryRequest
from queries.results import rehearsals
from queries.services import Typed
from queries.tests.world import TargetDatabase, World
from web.errors import BadInput

IDS = Typed("ids", "list", ["1", "2"], of="integer")


def names(database: TargetDatabase) -> list[object]:
    with database.connect() as connection:
        return [name for (name,) in connection.execute("SELECT name FROM items ORDER BY id").fetchall()]


def test_write_is_rehearsed_run_and_taken_back_with_its_values(world: World, target_database: TargetDatabase) -> None:
    text = "UPDATE items SET name = :name WHERE id = ANY (:ids); DELETE FROM items WHERE id = :gone"
    parameters = (IDS, Typed("name", "text", "it's"), Typed("gone", "integer", 3))
    query = world.submitted(text, access="write", parameters=parameters, expects=3)
    seen = rehearsals.effect(services.rehearse(actor=world.reviewer, query_id=query.pk, digest=query.digest))
    assert seen is not None
    assert [(table.updated, table.deleted) for table in seen.tables] == [(2, 1)]
    assert world.approved(query).state is Status.EXECUTED
    assert names(target_database) == ["it's", "it's"]
    undone = world.approved(services.undo(actor=world.author, query_id=query.pk, reason=""))
    assert undone.state is Status.EXECUTED
    assert names(target_database) == ["one", "", None]


@pytest.mark.sandbox
def test_script_gets_them(world: World) -> None:
    world.change_target(allow_scripts=True)
    text = "return await db.query('select name from items where id = any($1) order by id', [params.ids])"
    query = world.executed(text, language="script", parameters=(IDS,))
    assert (query.state, query.execution.row_count) == (Status.EXECUTED, 2)


@pytest.mark.mongo
@pytest.mark.usefixtures("on_mongo")
def test_query_gets_them(world: World) -> None:
    docs = Typed("docs", "json", '[{"_id": 7, "n": 1}, {"_id": 8, "n": 2}]')
    assert world.mongo("db.bags.insertMany(params.docs)", access="write", parameters=(docs,)).state is Status.EXECUTED
    text = "db.bags.find({_id: {$in: params.ids}, n: {$lt: params.most}})"
    ids, most = Typed("ids", "list", ["7", "8"], of="integer"), Typed("most", "decimal", "1.5")
    query = world.mongo(text, parameters=(ids, most))
    assert (query.state, query.execution.row_count) == (Status.EXECUTED, 1)


def test_changed_values_are_another_digest_and_a_forged_one_does_not_run(world: World) -> None:
    query = world.submitted("SELECT :n", parameters=(Typed("n", "integer", "1"),))
    forged = [{"name": "n", "type": "integer", "value": "2"}]
    row = QueryRequest(**{field.attname: getattr(query, field.attname) for field in query._meta.concrete_fields})
    row.parameters = forged
    assert row.current_digest() != query.digest


@pytest.mark.parametrize(
    ("language", "text"),
    [("sql", "SELECT :n, :other"), ("sql", "SELECT :n; SELECT :other"), ("sql", "SELECT :other FROM WHERE :n")],
)
def test_missing_one_is_told_beside_a_mistyped_one(world: World, language: str, text: str) -> None:
    with pytest.raises(BadInput) as refused:
        world.submitted(text, language=language, parameters=(Typed("n", "date", "soon"),))
    assert {"parameters.n", "parameters.other"} <= set(refused.value.fields)
