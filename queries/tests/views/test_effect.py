"""The pages of a rehearsal: the box and its parts, what is typed stays, and what is asked before a write runs."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from queries import services
from queries.lifecycle import Status
from queries.models import Decision, QueryRequest, Rehearsal
from queries.tests.views.conftest import SignedIn
from queries.tests.world import World

ALL, ONE = "UPDATE items SET name = 'x'", "UPDATE items SET name = 'x' WHERE id = 1"


def write(world: World, statement: str = ONE, **fields: object) -> QueryRequest:
    return world.submitted(statement, access="write", **fields)


def rehearsed(world: World, query: QueryRequest) -> QueryRequest:
    services.rehearse(actor=world.reviewer, query_id=query.pk, digest=query.digest)
    return query


def post(client: Client, verb: str, query: QueryRequest, *, part: bool = False, **data: str) -> tuple[int, str]:
    address = reverse(f"queries:{verb}", args=[query.public_id])
    headers = {"X-Part": "effect"} if part else {}
    answer = client.post(address, {"digest": query.digest, **data}, headers=headers)
    return answer.status_code, answer.content.decode()


def status(query: QueryRequest) -> Status:
    return QueryRequest.objects.get(pk=query.pk).state


# --- rehearse --------------------------------------------------------------------------------------


def test_part_is_the_same_as_in_the_page(world: World, client_of: SignedIn) -> None:
    query, client = write(world), client_of(world.reviewer)
    code, part = post(client, "rehearse", query, part=True)
    assert code == 200
    assert "<html" not in part
    assert "1 row of items would be changed" in part
    assert 'data-proposed="2"' in part
    assert 'id="confirm"' in part


def test_what_was_typed_is_kept_without_a_script(world: World, client_of: SignedIn) -> None:
    query = write(world)
    code, body = post(
        client_of(world.reviewer), "rehearse", query, comment="Looks right", bound="77", proposed="10,000"
    )
    assert code == 200
    assert "Looks right</textarea>" in body
    assert 'value="77"' in body
    assert "1 row of items would be changed" in body


def test_bound_that_nobody_touched_follows_the_rehearsal(world: World, client_of: SignedIn) -> None:
    query, client = write(world), client_of(world.reviewer)
    code, _ = post(client, "rehearse", query, bound="10,000", proposed="10,000")
    assert code == 302
    assert 'value="2"' in client.get(reverse("queries:detail", args=[query.public_id])).content.decode()


def test_refusal_of_a_part_is_a_part(world: World, client_of: SignedIn) -> None:
    query = write(world)
    world.change_target(rehearsals="never")
    code, part = post(client_of(world.reviewer), "rehearse", query, part=True)
    assert code == 409
    assert "Nothing is rehearsed on Orders." in part
    assert "<html" not in part


# --- asked before it runs --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "seen", "words"),
    [
        (ONE, False, ["Effect not seen"]),
        (ALL, True, ["Changes a whole table"]),
        (ALL, False, ["Changes a whole table", "Effect not seen"]),
        ("TRUNCATE items", True, ["Drops or empties something"]),
    ],
)
def test_risky_write_is_asked_for_by_name(
    world: World, client_of: SignedIn, statement: str, seen: bool, words: list[str]
) -> None:
    query, client = write(world, statement), client_of(world.reviewer)
    if seen:
        services.rehearse(actor=world.reviewer, query_id=query.pk, digest=query.digest)
    code, body = post(client, "approve", query, comment="Fine", bound="5")
    assert code == 200
    assert [word for word in words if word not in body] == []
    assert 'name="comment" value="Fine"' in body
    code, body = post(client, "approve", query, confirmed="itemz")
    assert (code, "That is not the name" in body) == (400, True)
    assert not Decision.objects.exists()
    assert post(client, "approve", query, confirmed="items", bound="5", comment="Fine")[0] == 302
    decision = Decision.objects.get(query=query)
    assert (decision.bound, decision.comment) == (5, "Fine")


def test_write_in_production_that_was_seen_is_asked_for_without_a_name(world: World, client_of: SignedIn) -> None:
    query, client = rehearsed(world, write(world)), client_of(world.reviewer)
    code, body = post(client, "approve", query)
    assert (code, status(query)) == (200, Status.PENDING)
    assert 'type="hidden" name="confirmed" value="yes"' in body
    assert post(client, "approve", query, confirmed="yes")[0] == 302
    assert status(query) is Status.EXECUTED


def test_seen_write_elsewhere_and_a_read_run_at_once(world: World, client_of: SignedIn) -> None:
    world.change_target(environment="staging")
    for query in (rehearsed(world, write(world)), world.submitted()):
        assert post(client_of(world.reviewer), "approve", query)[0] == 302
        assert status(query) is Status.EXECUTED


def test_yes_is_not_a_tables_name(world: World, client_of: SignedIn) -> None:
    query = write(world)
    assert post(client_of(world.reviewer), "approve", query, confirmed="yes")[0] == 400
    assert status(query) is Status.PENDING


def test_several_tables_are_confirmed_by_the_targets_name(world: World, client_of: SignedIn) -> None:
    query = write(world, "UPDATE items SET name = tag FROM effects WHERE effects.id = items.id")
    client = client_of(world.reviewer)
    assert post(client, "approve", query, confirmed="items")[0] == 400
    assert post(client, "approve", query, confirmed="Orders")[0] == 302


def test_an_old_rehearsal_is_no_sight(world: World, client_of: SignedIn) -> None:
    query = rehearsed(world, write(world))
    Rehearsal.objects.update(at="2020-01-01T00:00Z")
    assert post(client_of(world.reviewer), "approve", query, confirmed="yes")[0] == 400


def test_nobody_is_asked_what_they_may_not_decide(world: World, client_of: SignedIn) -> None:
    query = write(world)
    code, body = post(client_of(world.author), "approve", query)
    assert code == 403
    assert "Run this write" not in body


def test_first_of_two_approvals_runs_nothing_and_asks_nothing(world: World, client_of: SignedIn) -> None:
    world.change_target(approvals_required=2)
    query = write(world)
    assert post(client_of(world.reviewer), "approve", query)[0] == 302
    assert post(client_of(world.second_reviewer), "approve", query)[0] == 200


# --- lists, words ----------------------------------------------------------------------------------


def test_queue_says_how_many_rows_and_what_is_risky(world: World, client_of: SignedIn) -> None:
    rehearsed(world, write(world, ALL, reason="Every row"))
    write(world, reason="Expected", expects=1)
    write(world, reason="Nobody said")
    body = client_of(world.reviewer).get(reverse("review")).content.decode()
    for words in ("Changes a whole table", "3 rows rehearsed", "Effect not seen", "1 row expected", "rows not known"):
        assert words in body


def test_author_sees_no_rehearsal_in_a_list(world: World, client_of: SignedIn) -> None:
    rehearsed(world, write(world, ALL))
    assert "rehearsed" not in client_of(world.author).get(reverse("queries:list")).content.decode()


# --- what the author expects -----------------------------------------------------------------------


def form(world: World, **fields: str) -> dict[str, str]:
    values = {"target": world.target.slug, "language": "sql", "statement": ONE, "reason": "why", "access": "write"}
    return values | fields


def test_expected_rows_are_asked_for_and_kept(world: World, client_of: SignedIn) -> None:
    client = client_of(world.author)
    client.post(reverse("queries:new"), form(world, expects="1,850"))
    query = QueryRequest.objects.get()
    assert query.expects == 1850
    revise = client.get(reverse("queries:new"), {"revises": str(query.public_id)}).content.decode()
    assert 'name="expects" value="1850"' in revise


@pytest.mark.parametrize("typed", ["", "many", "-1"])
def test_expected_rows_are_refused_at_their_field(world: World, client_of: SignedIn, typed: str) -> None:
    world.change_target(expects_required=True)
    answer = client_of(world.author).post(reverse("queries:new"), form(world, expects=typed))
    assert answer.status_code == 400
    assert 'id="id_expects_error"' in answer.content.decode()
