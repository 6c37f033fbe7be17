"""Who may do what: every policy as a table of person, verb and request, with nothing left out."""

import itertools

import pytest

from accounts.models import SYSTEM, Role, User
from pods.membership import set_members
from queries import policies
from queries.lifecycle import Status, Verb
from queries.models import QueryRequest
from queries.tests.world import World, person

DECIDE = {Verb.ENDORSE, Verb.APPROVE, Verb.REJECT}
# Everybody, and the verbs they may do to a request of the author's. Whoever is not here may do nothing.
MAY: dict[str, set[Verb]] = {
    "author": {Verb.WITHDRAW},
    "colleague": set(),
    "reviewer": DECIDE | {Verb.CLOSE},
    "second_reviewer": DECIDE | {Verb.CLOSE},
    "outsider": set(),
    "other_manager": set(),
    "auditor": set(),
    "admin": set(),
    "superuser": set(),
    "system": {Verb.EXPIRE, Verb.CLAIM, Verb.COMPLETE, Verb.FAIL},
}
# Who may stop the run, see the rows, and ask for more in the pod's name.
CANCEL = {"author", "reviewer", "second_reviewer"}
SUBMIT = {"author", "colleague", "reviewer", "second_reviewer"}


@pytest.fixture
def query(world: World) -> QueryRequest:
    return world.submitted()


def who(world: World, name: str) -> User:
    if name == "superuser":
        return person("superuser", Role.ADMIN, is_superuser=True, is_staff=True)
    found: User = getattr(world, name)
    return found


@pytest.mark.parametrize(("name", "verb"), list(itertools.product(MAY, Verb)), ids=str)
def test_each_person_may_do_exactly_this(world: World, query: QueryRequest, name: str, verb: Verb) -> None:
    actor = SYSTEM if name == "system" else who(world, name)
    assert (policies.objection(actor, verb, query) == "") is (verb in MAY[name])


def test_no_verb_is_without_a_rule() -> None:
    assert set(policies.RULES) == set(Verb)


@pytest.mark.parametrize("name", sorted(MAY.keys() - {"system"}))
def test_each_person_may_cancel_see_and_submit_exactly_here(world: World, query: QueryRequest, name: str) -> None:
    actor = who(world, name)
    assert (policies.cannot_cancel(actor, query) == "") is (name in CANCEL)
    assert (policies.cannot_see_result(actor, query) == "") is (name in CANCEL)
    assert policies.can_submit(actor, world.pod) is (name in SUBMIT)


@pytest.mark.parametrize("verb", [Verb.ENDORSE, Verb.APPROVE, Verb.REJECT])
@pytest.mark.parametrize("role", list(Role))
def test_nobody_decides_on_their_own_request_whatever_their_role(world: World, role: Role, verb: Verb) -> None:
    User.objects.filter(pk=world.author.pk).update(role=role, is_superuser=True)
    set_members(actor=SYSTEM, pod=world.pod, developers=[world.author], managers=[world.author, world.reviewer])
    query, author = world.submitted(), User.objects.get(pk=world.author.pk)
    assert "yourself" in policies.objection(author, verb, query)


@pytest.mark.parametrize("role", list(Role))
def test_the_role_is_the_ceiling_of_a_managers_group(world: World, query: QueryRequest, role: Role) -> None:
    newcomer = person("newcomer", role)
    set_members(actor=SYSTEM, pod=world.pod, developers=[world.author], managers=[world.reviewer, newcomer])
    assert (policies.cannot_decide(newcomer, query) == "") is (role != Role.DEVELOPER)
    assert (policies.cannot_see_result(newcomer, query) == "") is (role != Role.DEVELOPER)


@pytest.mark.parametrize("name", sorted(MAY.keys() - {"system"}))
def test_a_deactivated_person_may_do_nothing(world: World, query: QueryRequest, name: str) -> None:
    actor = who(world, name)
    actor.is_active = False
    assert all(policies.objection(actor, verb, query) for verb in Verb)
    assert policies.cannot_cancel(actor, query)
    assert policies.cannot_see_result(actor, query)
    assert not policies.can_submit(actor, world.pod)
    assert policies.allowed(actor, query) == []


def test_nobody_decides_in_an_inactive_pod_but_the_author_may_withdraw(world: World, query: QueryRequest) -> None:
    query.pod.active = False
    query.pod.save()
    standstill = policies.standstill(query)
    assert standstill is not None
    assert (standstill.status, standstill.code) == (409, "pod_inactive")
    assert policies.allowed(world.reviewer, query) == []
    assert policies.objection(world.author, Verb.WITHDRAW, query) == ""
    assert not policies.can_submit(world.author, query.pod)


def test_who_left_the_pod_sees_no_result_and_may_still_withdraw(world: World, query: QueryRequest) -> None:
    set_members(actor=SYSTEM, pod=world.pod, developers=[], managers=[world.second_reviewer])
    assert policies.cannot_see_result(world.author, query)
    assert policies.cannot_see_result(world.reviewer, query)
    assert policies.cannot_decide(world.reviewer, query)
    assert policies.objection(world.author, Verb.WITHDRAW, query) == ""


def test_a_change_of_role_acts_at_once(world: World, query: QueryRequest) -> None:
    User.objects.filter(pk=world.reviewer.pk).update(role=Role.DEVELOPER)
    demoted = User.objects.get(pk=world.reviewer.pk)
    assert policies.cannot_decide(demoted, query)
    assert not QueryRequest.objects.awaiting(demoted).exists()


# --- what is offered -------------------------------------------------------------------------------

OFFERED: dict[str, dict[Status, list[str]]] = {
    "author": {
        Status.PENDING: ["withdraw", "revise"],
        Status.EXECUTING: ["cancel", "revise"],
        **{status: ["revise"] for status in set(Status) - {Status.PENDING, Status.EXECUTING}},
    },
    "reviewer": {Status.PENDING: ["approve", "reject"], Status.EXECUTING: ["cancel"]},
}


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("name", sorted(MAY.keys() - {"system", "second_reviewer"}))
def test_each_person_is_offered_exactly_this(world: World, query: QueryRequest, name: str, status: Status) -> None:
    query.status = status.value
    assert policies.allowed(who(world, name), query) == OFFERED.get(name, {}).get(status, [])


def test_who_decided_is_not_offered_it_again(world: World) -> None:
    world.change_target(approvals_required=2)
    query = world.approved(world.submitted())
    assert policies.allowed(world.reviewer, query) == []
    assert policies.allowed(world.second_reviewer, query) == ["approve", "reject"]


def test_an_expired_request_is_only_offered_to_be_withdrawn(world: World) -> None:
    world.change_target(pending_hours=0)
    query = world.submitted()
    assert policies.allowed(world.reviewer, query) == []
    assert policies.allowed(world.author, query) == ["withdraw", "revise"]


@pytest.mark.parametrize("name", ["author", "reviewer", "second_reviewer", "outsider", "other_manager", "admin"])
def test_what_is_offered_to_decide_is_what_awaits(world: World, query: QueryRequest, name: str) -> None:
    actor = who(world, name)
    awaiting = QueryRequest.objects.awaiting(actor).filter(pk=query.pk).exists()
    assert ("approve" in policies.allowed(actor, query)) is awaiting


VISIBLE = {"author", "colleague", "reviewer", "second_reviewer", "auditor", "admin", "superuser"}


@pytest.mark.parametrize("name", sorted(MAY.keys() - {"system"}))
def test_a_request_is_visible_to_its_pod_auditors_and_admins(world: World, query: QueryRequest, name: str) -> None:
    seen = QueryRequest.objects.visible_to(who(world, name)).filter(pk=query.pk).exists()
    assert seen is (name in VISIBLE)
