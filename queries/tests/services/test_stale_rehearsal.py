"""A rehearsal holds only as long as the tables it met are built as they were: the target itself is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.urls import reverse
from pymongo.database import Database

from queries import bounds, running, services
from queries.lifecycle import Status
from queries.models import Decision, QueryRequest, Schema
from queries.tests.conftest import SignedIn
from queries.tests.world import WRITE_VARIABLE, TargetDatabase, World, url_with
from web.errors import NotNow

MADE = """
DROP SCHEMA IF EXISTS built CASCADE; CREATE SCHEMA built; SET search_path = built;
CREATE TABLE log (at int);
CREATE TABLE things (id int PRIMARY KEY, v int CHECK (v < 1000), note text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  AS 'BEGIN INSERT INTO built.log VALUES (NEW.id); RETURN NEW; END';
CREATE TRIGGER noted AFTER UPDATE ON things FOR EACH ROW EXECUTE FUNCTION note();
INSERT INTO things SELECT n, n, 'x' FROM generate_series(1, 4) AS n;
CREATE TABLE other (id int);
"""
WRITE = "UPDATE built.things SET v = v + 1"
CHANGES = {
    "a column more": "ALTER TABLE things ADD COLUMN more int",
    "a column less": "ALTER TABLE things DROP COLUMN note",
    "another name": "ALTER TABLE things RENAME COLUMN note TO notes",
    "another type": "ALTER TABLE things ALTER COLUMN v TYPE bigint",
    "a default": "ALTER TABLE things ALTER COLUMN note SET DEFAULT 'y'",
    "not null": "ALTER TABLE things ALTER COLUMN note SET NOT NULL",
    "a trigger more": "CREATE TRIGGER twice AFTER UPDATE ON things FOR EACH ROW EXECUTE FUNCTION note()",
    "a trigger that is off": "ALTER TABLE things DISABLE TRIGGER noted",
    "a trigger's function": "CREATE OR REPLACE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
    "the table a trigger writes": "ALTER TABLE log ADD COLUMN more int",
    "a foreign key to it": "CREATE TABLE child (id int REFERENCES things ON UPDATE CASCADE)",
    "a check": "ALTER TABLE things ADD CHECK (v > 0) NOT VALID",
    "a rule": "CREATE RULE r AS ON UPDATE TO things DO ALSO DELETE FROM other",
    "an index": "CREATE UNIQUE INDEX i ON things (v)",
    "an heir": "CREATE TABLE heir () INHERITS (things)",
    "row security": "ALTER TABLE things ENABLE ROW LEVEL SECURITY",
    "another table of that name": "ALTER TABLE things RENAME TO old; CREATE TABLE things (LIKE old INCLUDING ALL)",
    "no such table any more": "DROP TABLE things",
}
SAME = {
    "rows": "INSERT INTO things VALUES (9, 9, 'z'); DELETE FROM things WHERE id = 1",
    "statistics": "VACUUM ANALYZE things",
    "another table": "ALTER TABLE other ADD COLUMN more int; CREATE TABLE unrelated (id int)",
    "words": "COMMENT ON TABLE things IS 'about them'",
}


@pytest.fixture
def built(target_database: TargetDatabase, world: World) -> Iterator[Callable[[str], None]]:
    """Runs statements as the owner of the tables, which are made anew."""

    def run(statements: str) -> None:
        with target_database.connect() as connection:
            connection.execute("SET search_path = built")
            connection.execute(statements)

    with target_database.connect() as connection:
        connection.execute(MADE)
        writer = f"{target_database.name}_rw"
        connection.execute(f"GRANT USAGE, CREATE ON SCHEMA built TO {writer}")
        connection.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA built TO {writer}")
    yield run
    run("DROP SCHEMA built CASCADE")


def rehearsed(world: World, statement: str = WRITE, **fields: object) -> QueryRequest:
    query = world.submitted(statement, access="write", **fields)
    services.rehearse(actor=world.reviewer, query_id=query.pk, digest=query.digest)
    return query


def seen(query: QueryRequest) -> tuple[Schema, bounds.Stale | None]:
    rehearsal = running.seen(QueryRequest.objects.get(pk=query.pk))
    assert rehearsal is not None
    assert rehearsal.effect is not None
    return rehearsal.schema, bounds.staleness(query, rehearsal)


def approve(world: World, query: QueryRequest, **fields: Any) -> QueryRequest:
    return services.approve(actor=world.reviewer, query_id=query.pk, digest=query.digest, **fields)


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_schema_makes_it_stale(world: World, built: Callable[[str], None], name: str) -> None:
    query = rehearsed(world)
    assert seen(query) == (Schema.SAME, None)
    built(CHANGES[name])
    assert seen(query) == (Schema.CHANGED, bounds.Stale.SCHEMA)


@pytest.mark.parametrize("name", SAME)
def test_what_changes_no_schema_leaves_it_as_it_is(world: World, built: Callable[[str], None], name: str) -> None:
    query = rehearsed(world)
    built(SAME[name])
    assert seen(query) == (Schema.SAME, None)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX own_id ON built.own (id)",
        "ALTER TABLE built.own ADD COLUMN more int; UPDATE built.own SET more = 1",
        "DROP TABLE built.own",
        "TRUNCATE built.own",
        "UPDATE built.things SET v = 1 WHERE id = -1",
    ],
)
def test_what_the_write_alters_itself_does_not_make_it_stale(
    world: World, built: Callable[[str], None], target_database: TargetDatabase, statement: str
) -> None:
    built(f"CREATE TABLE own (id int PRIMARY KEY); ALTER TABLE own OWNER TO {target_database.name}_rw")
    query = rehearsed(world, statement)
    assert seen(query) == (Schema.SAME, None)
    built("ALTER TABLE own ADD COLUMN other int; ALTER TABLE things ADD COLUMN other int")
    assert seen(query) == (Schema.CHANGED, bounds.Stale.SCHEMA)


def test_page_and_api_say_so(world: World, built: Callable[[str], None], client_of: SignedIn) -> None:
    query = rehearsed(world)
    client, page = client_of(world.reviewer), reverse("queries:detail", args=[query.public_id])
    assert "built as" not in client.get(page).content.decode()
    built(CHANGES["a trigger more"])
    assert "The schema was changed since this rehearsal." in client.get(page).content.decode()
    answer = client.get(f"/api/v1/queries/{query.public_id}/").json()["rehearsal"]
    assert (answer["stale"], answer["schema"]) == ("schema", "changed")
    assert client.get("/api/v1/queries/").json()["results"][0]["rehearsal"]["schema"] == "unknown"


def test_no_other_bound_takes_its_place_in_silence(
    world: World, built: Callable[[str], None], client_of: SignedIn
) -> None:
    query = rehearsed(world)
    built(CHANGES["a trigger more"])
    for fields in ({}, {"bound": 9, "as_rehearsed": True}):
        with pytest.raises(NotNow) as refused:
            approve(world, query, **fields)
        assert refused.value.code == "rehearsal_stale"
    sent = {"digest": query.digest, "bound": "9", "proposed": "9", "origin": "rehearsal", "confirmed": "built.things"}
    client, address = client_of(world.reviewer), reverse("queries:approve", args=[query.public_id])
    assert client.post(address, sent).status_code == 409
    assert not Decision.objects.exists()
    assert approve(world, query, bound=12).state is Status.EXECUTED


def test_where_one_is_required_a_stale_one_does_not_count(world: World, built: Callable[[str], None]) -> None:
    world.change_target(rehearsals="required")
    query = rehearsed(world)
    built(CHANGES["a column more"])
    with pytest.raises(NotNow) as refused:
        approve(world, query, bound=100)
    assert refused.value.code == "rehearsal_required"
    services.rehearse(actor=world.reviewer, query_id=query.pk, digest=query.digest)
    assert approve(world, query).state is Status.EXECUTED


def test_a_target_that_does_not_answer_leaves_it_unknown(
    world: World,
    built: Callable[[str], None],
    target_database: TargetDatabase,
    client_of: SignedIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world.change_target(rehearsals="required")
    query = rehearsed(world)
    monkeypatch.setenv(WRITE_VARIABLE, url_with(target_database.write_url, database=target_database.name, port=1))
    assert seen(query) == (Schema.UNKNOWN, None)
    body = client_of(world.reviewer).get(reverse("queries:detail", args=[query.public_id])).content.decode()
    assert "still built as they were when it was rehearsed is not known" in body
    with pytest.raises(NotNow) as refused:
        approve(world, query)
    assert refused.value.code == "schema_unknown"


MONGO_CHANGES: dict[str, Callable[[Database[dict[str, Any]]], object]] = {
    "an index": lambda database: database.things.create_index("v"),
    "a validator": lambda database: database.command("collMod", "things", validator={"v": {"$type": "int"}}),
    "made anew": lambda database: database.things.aggregate([{"$out": "things"}]),
    "gone": lambda database: database.things.drop(),
}


@pytest.mark.mongo
@pytest.mark.parametrize("language", ["mongo", "script"])
@pytest.mark.parametrize("name", MONGO_CHANGES)
def test_on_mongodb_as_well(world: World, on_mongo: Database[dict[str, Any]], name: str, language: str) -> None:
    world.change_target(allow_scripts=True)
    on_mongo.things.insert_many([{"_id": n, "v": n} for n in range(3)])
    text = "db.things.updateMany({v: {$gt: 0}}, {$inc: {v: 1}})"
    statement = f"await {text};" if language == "script" else text
    query = rehearsed(world, statement, language=language)
    on_mongo.things.insert_one({"_id": 77})
    assert seen(query) == (Schema.SAME, None)
    MONGO_CHANGES[name](on_mongo)
    assert seen(query) == (Schema.CHANGED, bounds.Stale.SCHEMA)
