"""Submitting: what is stored is frozen, what is wrong is said all at once, field by field."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from accounts.models import SYSTEM
from pods.membership import set_members
from queries import services
from queries.models import QueryRequest
from queries.tests import trail
from queries.tests.world import READ_VARIABLE, UNSET_VARIABLE, World
from web.errors import BadInput, NotAllowed


def problems(world: World, actor: object = None, **fields: object) -> dict[str, list[str]]:
    """The codes of what is wrong with a draft, by field."""
    draft = world.draft(**fields)  # type: ignore[arg-type]
    with pytest.raises(BadInput) as caught:
        services.submit(actor=actor or world.author, draft=draft)  # type: ignore[arg-type]
    assert not QueryRequest.objects.exists()
    return {field: [error.code for error in errors] for field, errors in caught.value.fields.items()}


def test_it_waits_with_everything_that_decides_what_will_run(world: World) -> None:
    world.change_target(rows_limit=7, approvals_required=2)
    query = world.submitted("SELECT $1::int", parameters=(5,), ticket=" OPS-1 ", reason="\n why \n")
    stored = QueryRequest.objects.get(pk=query.pk)
    assert (stored.status, stored.author, stored.pod) == ("PENDING", world.author, world.pod)
    assert (stored.reason, stored.ticket, stored.parameters) == ("why", "OPS-1", [5])
    assert (stored.limits.rows, stored.approvals_required) == (7, 2)
    assert stored.digest == stored.current_digest()
    assert trail.actions(query) == ["query.submit"]


def test_limits_are_those_of_the_moment_of_submission(world: World) -> None:
    query = world.submitted()
    world.change_target(rows_limit=7, seconds_limit=1)
    stored = QueryRequest.objects.get(pk=query.pk)
    assert stored.limits == query.limits
    assert stored.current_digest() == query.digest


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"pod": "nowhere"}, {"pod": ["unknown_pod"]}),
        ({"pod": "research"}, {"pod": ["unknown_pod"]}),
        ({"pod": "pay\0ments"}, {"pod": ["unknown_pod"]}),
        ({"pod": "\ud800"}, {"pod": ["unknown_pod"]}),
        ({"target": "nothing"}, {"target": ["unknown_target"]}),
        ({"target": "ord\0ers"}, {"target": ["unknown_target"]}),
        ({"target": "\ud800"}, {"target": ["unknown_target"]}),
        ({"access": "admin"}, {"access": ["invalid_choice"]}),
        ({"language": "mongo"}, {"language": ["invalid_choice"]}),
        ({"language": "script"}, {"language": ["invalid_choice"]}),
        ({"reason": ""}, {"reason": ["required"]}),
        ({"reason": " \n\t"}, {"reason": ["required"]}),
        ({"reason": "nul \0 byte"}, {"reason": ["nul"]}),
        ({"reason": "half \ud800"}, {"reason": ["surrogate"]}),
        ({"reason": "x" * 4001}, {"reason": ["too_long"]}),
        ({"ticket": "nul\0"}, {"ticket": ["nul"]}),
        ({"ticket": "x" * 81}, {"ticket": ["too_long"]}),
        ({"parameters": ("\0",)}, {"parameters": ["invalid"]}),
        ({"parameters": (float("nan"),)}, {"parameters": ["not_finite"]}),
        ({"parameters": (float("-inf"),)}, {"parameters": ["not_finite"]}),
        ({"parameters": (1,) * 101}, {"parameters": ["too_many"]}),
        ({"statement": ""}, {"statement": ["empty"]}),
        ({"statement": "SELECT 1\0"}, {"statement": ["nul_character"]}),
        ({"statement": "SELEC 1"}, {"statement": ["syntax_error"]}),
        ({"statement": "SELECT '" + "x" * 5_000_000 + "'"}, {"statement": ["too_long"]}),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_bad_input_names_its_field(world: World, fields: dict[str, Any], expected: dict[str, list[str]]) -> None:
    found = problems(world, **fields)
    if "parameters" in fields:
        found.pop("statement", None)  # the statement has no place for them
    assert found == expected


def test_everything_that_is_wrong_is_said_at_once(world: World) -> None:
    found = problems(world, statement="SELEC", reason="", ticket="x" * 99)
    assert sorted(found) == ["reason", "statement", "ticket"]


def test_a_syntax_error_has_its_place(world: World) -> None:
    with pytest.raises(BadInput) as caught:
        world.submitted("SELECT 1,\n  FROM items")
    (error,) = caught.value.fields["statement"]
    assert (error.line, error.column) == (2, 3)


def test_a_read_that_writes_is_refused(world: World) -> None:
    assert list(problems(world, statement="DELETE FROM items", access="read")) == ["statement"]


@pytest.mark.parametrize("name", ["outsider", "other_manager", "auditor", "admin"])
def test_who_is_not_in_the_pod_learns_nothing_of_it(world: World, name: str) -> None:
    assert problems(world, getattr(world, name)) == {"pod": ["unknown_pod"]}


def test_a_deactivated_person_submits_nothing(world: World) -> None:
    world.author.is_active = False
    assert problems(world) == {"pod": ["unknown_pod"]}


def test_who_left_the_pod_submits_nothing(world: World) -> None:
    set_members(actor=SYSTEM, pod=world.pod, developers=[], managers=[world.reviewer])
    assert problems(world) == {"pod": ["unknown_pod"]}


def test_an_inactive_pod_takes_nothing(world: World) -> None:
    world.pod.active = False
    world.pod.save()
    assert problems(world) == {"pod": ["unknown_pod"]}


def test_an_inactive_target_takes_nothing(world: World) -> None:
    world.change_target(active=False)
    assert list(problems(world)) == ["pod"]


def test_a_missing_credential_is_named_and_never_shown(world: World) -> None:
    world.change_target(read_url_variable=UNSET_VARIABLE)
    with pytest.raises(BadInput) as caught:
        world.submitted()
    (error,) = caught.value.fields["target"]
    assert error.code == "credential_missing"
    assert UNSET_VARIABLE in error.message


def test_a_target_without_a_write_login_takes_no_writes(world: World) -> None:
    world.change_target(write_url_variable="")
    assert problems(world, statement="DELETE FROM items", access="write") == {"access": ["not_offered"]}


def test_a_credential_is_never_stored(world: World) -> None:
    query = world.executed()
    shown = f"{vars(QueryRequest.objects.get(pk=query.pk))} {vars(query.execution)} {list(trail.entries(query))}"
    assert "postgresql://" not in shown
    assert READ_VARIABLE not in shown


# --- revising --------------------------------------------------------------------------------------


def test_a_revision_names_what_it_revises(world: World) -> None:
    query = services.reject(actor=world.reviewer, query_id=world.submitted().pk, comment="no")
    revision = services.submit(actor=world.author, draft=world.draft("SELECT 2"), revises=query)
    assert QueryRequest.objects.get(pk=revision.pk).revises == query
    assert next(trail.entries(revision))[1]["revises"] == str(query.public_id)


@pytest.mark.parametrize("name", ["colleague", "reviewer"])
def test_nobody_revises_what_another_asked_for(world: World, name: str) -> None:
    query = world.executed()
    with pytest.raises(NotAllowed):
        services.submit(actor=getattr(world, name), draft=world.draft(), revises=query)
    assert QueryRequest.objects.count() == 1


# --- checking --------------------------------------------------------------------------------------


def test_a_check_stores_nothing(world: World) -> None:
    checked = services.check_draft(actor=world.author, draft=world.draft("SELECT id FROM items"))
    assert checked.target == world.target
    assert checked.analysis.tables == ("items",)
    assert not QueryRequest.objects.exists()


def test_a_check_needs_no_reason_and_answers_with_findings(world: World) -> None:
    checked = services.check_draft(actor=world.author, draft=world.draft("SELEC 1", reason=""))
    assert not checked.analysis.valid


def test_a_check_of_another_pods_target_is_bad_input(world: World) -> None:
    with pytest.raises(BadInput):
        services.check_draft(actor=world.outsider, draft=world.draft(statement=uuid.uuid4().hex))


def test_what_was_verified_is_stored_as_the_reading_said_it(world: World) -> None:
    stored = QueryRequest.objects.get(pk=world.submitted("SELECT 1").pk)
    assert {"syntax", "only_reads"} <= set(stored.verified)
    assert "every_write_filtered" not in stored.verified
