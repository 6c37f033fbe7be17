"""Rehearsing: somebody who may decide sees what a write would change; nothing of it stays."""

from __future__ import annotations

import uuid

import pytest

from accounts.models import User
from audit.models import AuditLog
from queries import bounds, services
from queries.lifecycle import Status, Verb
from queries.models import Code, Decision, QueryRequest, Rehearsal
from queries.results import rehearsals
from queries.tests import trail
from queries.tests.world import TargetDatabase, World
from web.errors import BadInput, NotAllowed, NotNow

THREE = "UPDATE items SET name = 'changed'"


def rehearse(world: World, query: QueryRequest, by: User | None = None) -> Rehearsal:
    return services.rehearse(actor=by or world.reviewer, query_id=query.pk, digest=query.digest)


def approve(world: World, query: QueryRequest, bound: int | None = None, by: User | None = None) -> QueryRequest:
    return services.approve(actor=by or world.reviewer, query_id=query.pk, digest=query.digest, bound=bound)


def write(world: World, statement: str = THREE, **fields: object) -> QueryRequest:
    return world.submitted(statement, access="write", **fields)


def names(database: TargetDatabase) -> set[object]:
    with database.connect() as connection:
        return {row[0] for row in connection.execute("SELECT name FROM items").fetchall()}


def test_it_shows_the_rows_and_leaves_none(world: World, target_database: TargetDatabase) -> None:
    query = write(world)
    rehearsal = rehearse(world, query)
    assert rehearsal.effect is not None
    assert rehearsal.effect["total"] == 3
    seen = rehearsals.effect(rehearsal)
    assert seen is not None
    assert {change.after for change in seen.tables[0].changes} == {("1", "changed"), ("2", "changed"), ("3", "changed")}
    assert names(target_database) == {"one", "", None}
    assert QueryRequest.objects.get(pk=query.pk).state is Status.PENDING
    assert "query.rehearse" in trail.actions(query)


def test_rows_are_sealed_and_no_entry_quotes_them(world: World) -> None:
    query = write(world, "UPDATE items SET name = 'a secret'")
    rehearsal = rehearse(world, query)
    assert rehearsal.data is not None
    assert b"a secret" not in bytes(rehearsal.data)
    entries = AuditLog.objects.filter(subject_id=str(query.public_id)).values_list("data", flat=True)
    assert not any("a secret" in str(data) for data in entries)


def test_what_it_failed_with_is_kept(world: World) -> None:
    rehearsal = rehearse(world, write(world, "UPDATE items SET id = 1"))
    assert rehearsal.failure_code == Code.ERROR
    words = rehearsals.words(rehearsal)
    assert words is not None
    assert words["detail"]["sqlstate"] == "23505"


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("INSERT INTO items VALUES (1, 'one more')", "duplicate key value violates unique constraint"),
        ("INSERT INTO items SELECT NULL, name FROM items", "null value in column"),
        ("UPDATE items SET id = name::int", "may quote personal data"),
    ],
)
def test_what_it_failed_with_quotes_no_row_of_a_target_with_personal_columns(
    world: World, statement: str, said: str
) -> None:
    plain = rehearsals.words(rehearse(world, write(world, statement)))
    assert "one" in str(plain) or "(1)" in str(plain)
    world.target.personal_columns = ["items.name"]
    world.target.save(update_fields=["personal_columns"])
    masked = rehearsals.words(rehearse(world, write(world, statement)))
    assert masked is not None
    assert said in masked["message"]
    assert "detail" not in masked["detail"]
    assert "one" not in str(masked)


@pytest.mark.parametrize("name", ["author", "colleague", "outsider", "other_manager", "auditor", "admin"])
def test_whoever_may_not_decide_may_not_rehearse(world: World, name: str) -> None:
    query = write(world)
    with pytest.raises(NotAllowed):
        rehearse(world, query, getattr(world, name))
    assert not Rehearsal.objects.exists()


def test_a_read_has_nothing_to_rehearse(world: World) -> None:
    with pytest.raises(NotNow, match="changes nothing"):
        rehearse(world, world.submitted())


def test_only_what_waits_is_rehearsed(world: World) -> None:
    query = approve(world, write(world))
    with pytest.raises(NotNow):
        rehearse(world, query, world.second_reviewer)


def test_a_target_may_forbid_it(world: World) -> None:
    query = write(world)
    world.change_target(rehearsals="never")
    with pytest.raises(NotNow, match="Nothing is rehearsed"):
        rehearse(world, query)


def test_it_is_of_what_was_shown(world: World) -> None:
    query = write(world)
    with pytest.raises(NotNow):
        services.rehearse(actor=world.reviewer, query_id=query.pk, digest="0" * 64)


# --- the bound -------------------------------------------------------------------------------------


def test_the_bound_is_what_was_rehearsed_and_a_tolerance(world: World) -> None:
    query = write(world, expects=100)
    rehearse(world, query)
    approve(world, query)
    assert Decision.objects.get(query=query).bound == bounds.tolerated(3, 10) == 4


def test_without_a_rehearsal_it_is_what_the_author_expects(world: World) -> None:
    query = write(world, expects=3)
    assert approve(world, query).state is Status.EXECUTED
    assert Decision.objects.get(query=query).bound == 3


def test_without_either_it_is_the_targets(world: World) -> None:
    world.change_target(default_bound=7)
    query = approve(world, write(world))
    assert Decision.objects.get(query=query).bound == 7


def test_an_old_rehearsal_or_one_that_failed_does_not_count(world: World) -> None:
    query = write(world, expects=5)
    rehearse(world, query)
    Rehearsal.objects.update(at="2020-01-01T00:00Z")
    approve(world, query)
    assert Decision.objects.get(query=query).bound == 5


def test_the_lower_bound_of_two_approvals_holds(world: World) -> None:
    world.change_target(approvals_required=2)
    query = write(world)
    approve(world, query, bound=2)
    ended = approve(world, query, bound=100, by=world.second_reviewer)
    assert (ended.state, ended.code) == (Status.FAILED, Code.ROW_BOUND)


def test_a_write_over_its_bound_never_commits(world: World, target_database: TargetDatabase) -> None:
    query = approve(world, write(world), bound=2)
    assert (query.state, query.code) == (Status.FAILED, Code.ROW_BOUND)
    assert names(target_database) == {"one", "", None}
    assert trail.last(query, Verb.APPROVE)["bound"] == 2


def test_rows_that_came_after_the_rehearsal_count(world: World, target_database: TargetDatabase) -> None:
    query = world.submitted("UPDATE effects SET tag = tag", access="write")
    with target_database.connect() as connection:
        connection.execute("INSERT INTO effects (tag) SELECT 'x' FROM generate_series(1, 10)")
        rehearse(world, query)
        connection.execute("INSERT INTO effects (tag) SELECT 'y' FROM generate_series(1, 10)")
        assert approve(world, query).code == Code.ROW_BOUND


def test_the_effect_of_the_run_is_kept_without_rows(world: World) -> None:
    query = approve(world, world.insert(uuid.uuid4().hex))
    effect = query.execution.effect
    assert effect is not None
    assert effect["tables"] == [
        {"table": "effects", "inserted": 1, "updated": 0, "deleted": 0, "complete": True, "gap": None}
    ]


def test_a_target_may_require_it(world: World) -> None:
    world.change_target(rehearsals="required")
    query = write(world)
    with pytest.raises(NotNow, match="wants a write to be rehearsed") as caught:
        approve(world, query)
    assert caught.value.code == "rehearsal_required"
    rehearse(world, query)
    assert approve(world, query).state is Status.EXECUTED


def test_a_read_has_no_bound(world: World) -> None:
    query = world.submitted()
    with pytest.raises(BadInput):
        approve(world, query, bound=3)
    assert approve(world, query).state is Status.EXECUTED


# --- what the author expects -----------------------------------------------------------------------


def test_what_is_expected_is_part_of_the_digest(world: World) -> None:
    digests = {write(world, expects=rows).digest for rows in (None, 3, 4)}
    assert len(digests) == 3


@pytest.mark.parametrize(("access", "expects"), [("read", 3), ("write", -1), ("write", 10**13)])
def test_an_expectation_that_makes_no_sense_is_refused(world: World, access: str, expects: int) -> None:
    with pytest.raises(BadInput) as caught:
        world.submitted("SELECT 1", access=access, expects=expects)
    assert "expects" in caught.value.fields


def test_a_target_may_ask_for_it(world: World) -> None:
    world.change_target(expects_required=True)
    with pytest.raises(BadInput, match="cannot be taken") as caught:
        write(world)
    assert "expects" in caught.value.fields
    assert write(world, expects=3).expects == 3
    assert world.submitted().expects is None
