"""Approving: a person who may, the digest they saw, once, and the last approval needed runs it."""

from __future__ import annotations

import uuid

import pytest

from accounts.models import SYSTEM, Role, User
from pods.membership import set_members
from queries import services
from queries.lifecycle import Status, Verb
from queries.models import Code, Decision, Execution, QueryRequest
from queries.tests import trail
from queries.tests.world import TargetDatabase, World, person
from web.errors import BadInput, NotAllowed, NotNow


def nothing_happened(query: QueryRequest) -> bool:
    stored = QueryRequest.objects.get(pk=query.pk)
    return (
        stored.state is Status.PENDING
        and not Decision.objects.filter(query=query).exists()
        and not Execution.objects.filter(pk=query.pk).exists()
        and trail.actions(query) == ["query.submit"]
    )


def test_it_runs_at_once_and_its_result_is_there(world: World) -> None:
    query = world.approved(world.submitted("SELECT id, name FROM items"))
    assert (query.state, query.code) == (Status.EXECUTED, Code.NONE)
    execution = query.execution
    assert (execution.row_count, execution.rows_affected, execution.truncated) == (3, None, "")
    assert execution.finished_at is not None
    assert execution.finished_at >= execution.started_at
    assert execution.duration_ms is not None


def test_a_write_takes_effect_once_and_says_how_many_rows(world: World, target_database: TargetDatabase) -> None:
    tag = uuid.uuid4().hex
    query = world.approved(world.insert(tag))
    assert query.state is Status.EXECUTED
    assert query.execution.rows_affected == 1
    assert query.execution.transaction
    assert target_database.effects(tag) == 1
    assert trail.last(query, Verb.COMPLETE)["rows_affected"] == 1


def test_several_statements_are_all_or_nothing(world: World, target_database: TargetDatabase) -> None:
    tag = uuid.uuid4().hex
    insert = f"INSERT INTO effects (tag) VALUES ('{tag}')"
    query = world.approved(world.submitted(f"{insert}; {insert}; SELECT 1/0", access="write"))
    assert (query.state, query.code) == (Status.FAILED, Code.ERROR)
    assert target_database.effects(tag) == 0


def test_a_failure_keeps_what_the_server_said(world: World) -> None:
    query = world.approved(world.submitted("SELECT 1/0"))
    assert (query.state, query.code) == (Status.FAILED, Code.ERROR)
    assert "division by zero" in query.execution.failure_message
    assert query.execution.failure_detail["sqlstate"] == "22012"
    assert trail.last(query, Verb.FAIL)["sqlstate"] == "22012"


def test_the_log_of_a_failure_does_not_quote_the_servers_words(world: World) -> None:
    query = world.approved(world.submitted("SELECT ('a secret ' || now())::int"))
    assert "a secret" in query.execution.failure_message
    assert "a secret" not in str(trail.last(query, Verb.FAIL))


@pytest.mark.parametrize("name", ["author", "colleague", "outsider", "other_manager", "auditor", "admin"])
def test_whoever_may_not_changes_nothing(world: World, name: str) -> None:
    query = world.submitted()
    with pytest.raises(NotAllowed):
        world.approved(query, by=getattr(world, name))
    assert nothing_happened(query)


@pytest.mark.parametrize("role", list(Role))
def test_nobody_approves_their_own_request(world: World, role: Role) -> None:
    User.objects.filter(pk=world.author.pk).update(role=role, is_superuser=True, is_staff=True)
    set_members(actor=SYSTEM, pod=world.pod, developers=[world.author], managers=[world.author, world.reviewer])
    query = world.submitted()
    with pytest.raises(NotAllowed, match="yourself"):
        world.approved(query, by=User.objects.get(pk=world.author.pk))
    assert nothing_happened(query)


def test_a_developer_in_the_managers_group_may_not(world: World) -> None:
    pretender = person("pretender", Role.DEVELOPER)
    set_members(actor=SYSTEM, pod=world.pod, developers=[world.author], managers=[pretender])
    query = world.submitted()
    with pytest.raises(NotAllowed, match="Only managers"):
        world.approved(query, by=pretender)
    assert nothing_happened(query)


def test_a_deactivated_manager_may_not(world: World) -> None:
    query = world.submitted()
    world.reviewer.is_active = False
    with pytest.raises(NotAllowed, match="deactivated"):
        world.approved(query)
    assert nothing_happened(query)


def test_a_manager_who_was_demoted_or_left_may_not_any_more(world: World) -> None:
    query = world.submitted()
    User.objects.filter(pk=world.reviewer.pk).update(role=Role.DEVELOPER)
    set_members(actor=SYSTEM, pod=world.pod, developers=[world.author], managers=[world.reviewer])
    for former in (world.reviewer, world.second_reviewer):
        with pytest.raises(NotAllowed):
            world.approved(query, by=User.objects.get(pk=former.pk))
    assert nothing_happened(query)


def test_in_an_inactive_pod_nothing_is_decided(world: World) -> None:
    query = world.submitted()
    world.pod.active = False
    world.pod.save()
    with pytest.raises(NotNow, match="inactive"):
        world.approved(query)
    assert nothing_happened(query)


@pytest.mark.parametrize("digest", ["0" * 64, "x", "\0", "\ud800"])
def test_a_digest_that_differs_is_not_now(world: World, digest: str) -> None:
    query = world.submitted()
    with pytest.raises(NotNow) as caught:
        services.approve(actor=world.reviewer, query_id=query.pk, digest=digest)
    assert (caught.value.code, caught.value.state) == ("digest_differs", "PENDING")
    assert nothing_happened(query)


def test_a_digest_is_required(world: World) -> None:
    query = world.submitted()
    with pytest.raises(BadInput) as caught:
        services.approve(actor=world.reviewer, query_id=query.pk, digest="")
    assert list(caught.value.fields) == ["digest"]
    assert nothing_happened(query)


@pytest.mark.parametrize(("comment", "code"), [("\0", "nul"), ("\ud800", "surrogate"), ("x" * 4001, "too_long")])
def test_a_bad_comment_changes_nothing(world: World, comment: str, code: str) -> None:
    query = world.submitted()
    with pytest.raises(BadInput) as caught:
        services.approve(actor=world.reviewer, query_id=query.pk, digest=query.digest, comment=comment)
    assert [error.code for error in caught.value.fields["comment"]] == [code]
    assert nothing_happened(query)


def test_the_comment_and_the_digest_are_kept(world: World) -> None:
    query = world.submitted()
    services.approve(actor=world.reviewer, query_id=query.pk, digest=query.digest, comment=" fine ")
    decision = Decision.objects.get(query=query)
    assert (decision.reviewer, decision.verdict, decision.comment) == (world.reviewer, "approve", "fine")
    assert decision.digest == query.digest
    assert trail.last(query, Verb.APPROVE)["comment"] == "fine"


def test_an_expired_request_is_not_approved(world: World) -> None:
    world.change_target(pending_hours=0)
    query = world.submitted()
    with pytest.raises(NotNow) as caught:
        world.approved(query)
    assert caught.value.code == "expired"
    assert nothing_happened(query)


def test_a_second_approval_is_not_now_and_runs_nothing(world: World, target_database: TargetDatabase) -> None:
    tag = uuid.uuid4().hex
    query = world.approved(world.insert(tag))
    for reviewer in (world.reviewer, world.second_reviewer):
        with pytest.raises(NotNow) as caught:
            world.approved(query, by=reviewer)
        assert caught.value.state == "EXECUTED"
    assert target_database.effects(tag) == 1


# --- more than one approval ------------------------------------------------------------------------


def test_the_last_approval_needed_runs_it(world: World, target_database: TargetDatabase) -> None:
    world.change_target(approvals_required=2)
    tag = uuid.uuid4().hex
    query = world.approved(world.insert(tag))
    assert query.state is Status.PENDING
    assert target_database.effects(tag) == 0
    query = world.approved(query, by=world.second_reviewer)
    assert query.state is Status.EXECUTED
    assert target_database.effects(tag) == 1


def test_the_approvals_come_from_distinct_people(world: World) -> None:
    world.change_target(approvals_required=2)
    query = world.approved(world.submitted())
    with pytest.raises(NotNow) as caught:
        world.approved(query)
    assert caught.value.code == "already_decided"
    assert query.decisions.count() == 1


def test_how_many_are_needed_was_frozen_at_submission(world: World) -> None:
    world.change_target(approvals_required=2)
    query = world.submitted()
    world.change_target(approvals_required=1)
    assert world.approved(query).state is Status.PENDING


def test_one_rejection_ends_what_others_approved(world: World) -> None:
    world.change_target(approvals_required=2)
    query = world.approved(world.submitted())
    services.reject(actor=world.second_reviewer, query_id=query.pk, comment="no")
    assert QueryRequest.objects.get(pk=query.pk).state is Status.REJECTED
    assert not Execution.objects.exists()


# --- when it cannot run ----------------------------------------------------------------------------


def test_a_credential_that_is_gone_since_is_unreachable_by_name(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    query = world.submitted()
    monkeypatch.delenv(world.target.read_url_variable)
    found = world.approved(query)
    assert (found.state, found.code) == (Status.FAILED, Code.UNREACHABLE)
    assert world.target.read_url_variable in found.execution.failure_message
    assert trail.holds(found)


def test_a_fault_of_the_portals_own_is_not_taken_for_a_missing_variable(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("backend")

    monkeypatch.setattr("executors.processes.run", broken)
    found = world.approved(world.submitted())
    assert (found.state, found.code) == (Status.FAILED, Code.INTERRUPTED)
    assert "variable" not in found.execution.failure_message
