"""Approved in advance: of reads alone, for whom and as often as said, and ended by whatever it was bound to."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import SYSTEM, Role, User
from audit.models import AuditLog
from pods.membership import set_members
from queries import grants, services
from queries.lifecycle import Status, Verb
from queries.models import Ended, Grant, Notice, QueryRequest, Template, TemplateUse, Tiding
from queries.running import places
from queries.services import Declared, Terms, Typed
from queries.tests import trail
from queries.tests.services.test_templates import asked, draft, kept
from queries.tests.world import READ_VARIABLE, TargetDatabase, World, person
from web.errors import BadInput, NotAllowed, NotFound, NotNow, Unavailable


def terms(**fields: Any) -> Terms:
    facts: dict[str, Any] = {
        "target": "orders",
        "until": grants.today() + dt.timedelta(days=7),
        "runs_a_day": 5,
        "runs_a_person": 3,
    }
    return Terms(**(facts | fields))


def granted(world: World, template: Template, actor: User | None = None, **fields: Any) -> Grant:
    return services.grant(
        actor=actor or world.reviewer, template_id=template.pk, digest=template.now.digest, terms=terms(**fields)
    )


def run(world: World, template: Template, actor: User | None = None, value: object = 2) -> QueryRequest:
    now = Template.objects.select_related("current").get(pk=template.pk)
    return services.ask(actor=actor or world.author, template_id=template.pk, asked=asked(now, value))


def test_it_runs_at_once_on_the_approval_of_who_gave_it(world: World) -> None:
    template = kept(world)
    grant = granted(world, template)
    query = run(world, template)
    assert (query.state, query.execution.row_count) == (Status.EXECUTED, 1)
    decision = query.decisions.get()
    assert (decision.reviewer, decision.digest, decision.comment) == (
        world.reviewer,
        query.digest,
        "Approved in advance.",
    )
    assert (query.template_use.grant, query.template_use.ordinary) == (grant, "")
    assert trail.holds(query)
    entry = AuditLog.objects.get(action="query.approve", subject_id=str(query.public_id))
    assert entry.actor == world.reviewer
    assert json.loads(entry.data)["in_advance"] == {
        "grant": str(grant.public_id),
        "template": {"id": str(template.public_id), "version": 1, "digest": template.now.digest},
        "asked_by": "author",
    }
    used = json.loads(AuditLog.objects.get(action="template.use").data)
    assert (used["grant"], used["values"]) == (str(grant.public_id), query.digest)


def test_nobody_is_told_that_it_waits(world: World) -> None:
    template = kept(world)
    granted(world, template)
    run(world, template)
    assert not Tiding.objects.filter(event="submit").exists()
    assert not Notice.objects.filter(person__in=[world.reviewer, world.second_reviewer]).exists()
    services.withdraw_grant(actor=world.reviewer, template_id=template.pk, target="orders")
    run(world, template)
    assert Tiding.objects.filter(event="submit").count() == 2


def test_its_approvers_own_runs_go_the_ordinary_way(world: World) -> None:
    template = kept(world)
    granted(world, template)
    query = run(world, template, world.reviewer)
    assert query.state is Status.PENDING
    assert "yourself" in query.template_use.ordinary
    with pytest.raises(NotAllowed):
        world.approved(query, by=world.reviewer)
    assert run(world, template, world.second_reviewer).state is Status.EXECUTED


# --- what it is never given for --------------------------------------------------------------------

NEVER = {
    "a write": {"statement": "DELETE FROM items WHERE id = :id", "access": "write"},
    "a read with write access": {"access": "write"},
    "a function of the database": {"statement": "SELECT counted(:id)"},
    "a table that a function gives": {"statement": "SELECT * FROM listed(:id)"},
    "a script whose calls are not written out": {
        "language": "script",
        "statement": "const text = 'SELECT name FROM items WHERE id = ' + params.id; return db.query(text);",
    },
    "a script that writes": {
        "language": "script",
        "access": "write",
        "statement": "return db.query('DELETE FROM items WHERE id = $1', [params.id]);",
    },
}


@pytest.fixture
def target_functions(target_database: TargetDatabase) -> Iterator[None]:
    """Two functions of the target's own, of which reading a statement can tell nothing."""
    body = "LANGUAGE sql STABLE AS 'SELECT $1'"
    with target_database.connect() as connection:
        connection.execute(f"CREATE FUNCTION counted(int) RETURNS int {body}")
        connection.execute(f"CREATE FUNCTION listed(int) RETURNS SETOF int {body}")
        yield
        connection.execute("DROP FUNCTION counted(int), listed(int)")


@pytest.mark.parametrize("name", NEVER)
def test_only_what_is_verified_to_read_is_approved_in_advance(world: World, name: str, target_functions: None) -> None:
    world.change_target(allow_scripts=True)
    template = kept(world, **NEVER[name])
    with pytest.raises(NotNow) as caught:
        granted(world, template)
    assert caught.value.code in {"not_a_read", "not_only_reads"}
    assert not Grant.objects.exists()


def test_a_script_whose_calls_all_read_is(world: World) -> None:
    world.change_target(allow_scripts=True)
    statement = "return await db.query('SELECT name FROM items WHERE id = $1', [params.id]);"
    template = kept(world, language="script", statement=statement)
    granted(world, template)
    assert run(world, template).state is Status.EXECUTED


def test_the_database_itself_keeps_a_grant_from_a_write(world: World) -> None:
    write = kept(world, statement="DELETE FROM items WHERE id = :id", access="write")
    grant = granted(world, kept(world, name="Another"))
    fields = {
        f.attname: getattr(grant, f.attname) for f in Grant._meta.concrete_fields if f.name not in {"id", "public_id"}
    }
    with pytest.raises(IntegrityError), transaction.atomic():
        Grant.objects.create(**(fields | {"template_id": write.pk, "version_id": write.now.pk}))


@pytest.mark.parametrize("name", ["author", "colleague", "outsider", "other_manager", "auditor", "admin"])
def test_only_a_manager_of_the_pod_gives_and_withdraws(world: World, name: str) -> None:
    template, actor = kept(world), getattr(world, name)
    with pytest.raises(NotAllowed):
        granted(world, template, actor)
    granted(world, template)
    with pytest.raises(NotAllowed):
        services.withdraw_grant(actor=actor, template_id=template.pk, target="orders")
    assert Grant.objects.standing().count() == 1


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"runs_a_day": 0, "runs_a_person": 0}, ["runs_a_day", "runs_a_person"]),
        ({"runs_a_person": 6}, ["runs_a_person"]),
        ({"runs_a_day": 10_001}, ["runs_a_day"]),
        ({"until": dt.date(2020, 1, 1)}, ["until"]),
        ({"until": dt.date(2999, 1, 1)}, ["until"]),
        ({"people": ()}, ["people"]),
        ({"people": ("author", "outsider")}, ["people"]),
        ({"people": ("reviewer",)}, ["people"]),
        ({"target": "theirs"}, ["target"]),
    ],
)
def test_terms_that_make_no_sense_are_refused(world: World, fields: dict[str, Any], wrong: list[str]) -> None:
    template = kept(world)
    with pytest.raises(BadInput) as caught:
        granted(world, template, **fields)
    assert list(caught.value.fields) == wrong
    assert not Grant.objects.exists()


def test_a_target_that_wants_two_approvals_takes_none_in_advance(world: World) -> None:
    template = kept(world)
    grant = granted(world, template)
    world.change_target(approvals_required=2)
    query = run(world, template)
    assert query.state is Status.PENDING
    grant.refresh_from_db()
    assert grant.ended == Ended.TARGET
    with pytest.raises(BadInput, match="fields"):
        granted(world, template)


# --- what ends it ----------------------------------------------------------------------------------


def retired(world: World, template: Template) -> None:
    services.retire_template(actor=world.author, template_id=template.pk, digest=template.now.digest)


def changed(world: World, template: Template) -> None:
    services.change_template(
        actor=world.author,
        template_id=template.pk,
        digest=template.now.digest,
        draft=draft(statement="SELECT name FROM items WHERE id = :id"),
    )


def withdrawn(world: World, template: Template) -> None:
    services.withdraw_grant(actor=world.second_reviewer, template_id=template.pk, target="orders")


def approver_left(world: World, _template: Template) -> None:
    members(world, managers=[world.second_reviewer])


def approver_left_and_came_back(world: World, _template: Template) -> None:
    members(world, managers=[world.second_reviewer])
    members(world, managers=[world.second_reviewer, world.reviewer])


def approver_demoted(world: World, _template: Template) -> None:
    User.objects.filter(pk=world.reviewer.pk).update(role=Role.DEVELOPER)


def approver_deactivated(world: World, _template: Template) -> None:
    User.objects.filter(pk=world.reviewer.pk).update(is_active=False)


def another_schema(world: World, _template: Template) -> None:
    world.change_target(search_path="public, other")


def more_rows(world: World, _template: Template) -> None:
    world.change_target(rows_limit=world.target.rows_limit + 1)


def members(world: World, **people: list[User]) -> None:
    now = {"developers": [world.author, world.colleague], "managers": [world.reviewer, world.second_reviewer]}
    set_members(actor=SYSTEM, pod=world.pod, **(now | people))


ENDS: dict[Callable[[World, Template], None], Ended] = {
    changed: Ended.CHANGED,
    withdrawn: Ended.WITHDRAWN,
    approver_left: Ended.APPROVER,
    approver_left_and_came_back: Ended.APPROVER,
    approver_demoted: Ended.APPROVER,
    approver_deactivated: Ended.APPROVER,
    another_schema: Ended.TARGET,
    more_rows: Ended.TARGET,
}


@pytest.mark.parametrize("what", ENDS, ids=lambda what: what.__name__)
def test_a_run_that_finds_it_ended_is_an_ordinary_request_and_says_so(
    world: World, what: Callable[[World, Template], None]
) -> None:
    template = kept(world)
    grant = granted(world, template)
    what(world, template)
    query = run(world, template)
    assert query.state is Status.PENDING
    assert ENDS[what].label in query.template_use.ordinary
    grant.refresh_from_db()
    assert grant.ended == ENDS[what]
    assert AuditLog.objects.filter(action__in=["template.lapse", "template.withdraw"]).count() == 1
    assert world.approved(query, by=world.second_reviewer).state is Status.EXECUTED


@pytest.mark.parametrize("what", [*ENDS, retired], ids=lambda what: what.__name__)
def test_what_holds_no_longer_is_ended_without_anybody_asking(
    world: World, what: Callable[[World, Template], None]
) -> None:
    template = kept(world)
    grant = granted(world, template)
    assert services.lapse_grants() == 0
    what(world, template)
    services.lapse_grants()
    grant.refresh_from_db()
    assert grant.ended == ENDS.get(what, Ended.RETIRED)


def test_another_login_ends_it_and_another_password_does_not(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    template = kept(world)
    granted(world, template)
    url = os.environ[READ_VARIABLE]
    monkeypatch.setenv(READ_VARIABLE, f"{url}?application_name=x&sslpassword=y")
    world.change_target()
    query = run(world, template)
    assert (query.state, Ended.LOGIN.label in query.template_use.ordinary) == (Status.PENDING, True)
    granted(world, template)
    monkeypatch.setenv(READ_VARIABLE, f"{url}?application_name=x&sslpassword=z")
    assert services.lapse_grants() == 0


def test_its_last_day_is_the_last(world: World) -> None:
    template = kept(world)
    grant = granted(world, template, until=grants.today())
    assert run(world, template).state is Status.EXECUTED
    grant.until -= dt.timedelta(days=1)
    assert grants.ended(Grant.objects.with_all().get(pk=grant.pk)) is None
    grant = Grant.objects.with_all().get(pk=grant.pk)
    grant.until -= dt.timedelta(days=1)
    assert grants.ended(grant) is Ended.LAPSED


def test_what_ended_stays_ended_and_as_it_was(world: World) -> None:
    grant = granted(world, kept(world))
    for change in ({"runs_a_day": 9}, {"until": dt.date(2999, 1, 1)}, {"for_everyone": False}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Grant.objects.filter(pk=grant.pk).update(**change)
    services.withdraw_grant(actor=world.reviewer, template_id=grant.template_id, target="orders")
    with pytest.raises(IntegrityError), transaction.atomic():
        Grant.objects.filter(pk=grant.pk).update(ended_at=None, ended="")
    with pytest.raises(NotFound):
        services.withdraw_grant(actor=world.reviewer, template_id=grant.template_id, target="orders")


# --- for whom, and how often -----------------------------------------------------------------------


def test_it_is_for_those_it_names_while_they_are_in_the_pod(world: World) -> None:
    template = kept(world)
    granted(world, template, people=("author",))
    assert (
        run(world, template, world.colleague).template_use.ordinary == "It is approved in advance for others than you."
    )
    assert run(world, template).state is Status.EXECUTED
    members(world, developers=[world.colleague])
    members(world)
    assert run(world, template).state is Status.PENDING


def test_for_all_developers_is_for_those_who_come_later_too(world: World) -> None:
    template = kept(world)
    granted(world, template)
    late = person("late")
    members(world, developers=[world.author, late])
    assert run(world, template, late).state is Status.EXECUTED


def test_a_person_and_all_together_have_so_many_runs_a_day(world: World) -> None:
    template = kept(world)
    granted(world, template, runs_a_day=3, runs_a_person=2)
    states = [run(world, template).state for _ in range(3)]
    assert states == [Status.EXECUTED, Status.EXECUTED, Status.PENDING]
    assert run(world, template, world.colleague).state is Status.EXECUTED
    over = run(world, template, world.colleague)
    assert (over.state, over.template_use.ordinary) == (Status.PENDING, "All 3 runs of today (UTC) are used.")


def test_a_run_that_fails_counts_too(world: World) -> None:
    template = kept(world, statement="SELECT 1 / (id - :id) FROM items")
    granted(world, template, runs_a_day=1, runs_a_person=1)
    assert run(world, template, value=1).state is Status.FAILED
    assert run(world, template, value=9).state is Status.PENDING


def test_without_a_place_nothing_is_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    template = kept(world)
    granted(world, template, runs_a_day=1, runs_a_person=1)

    def none_free(query: QueryRequest) -> None:
        raise places.NoPlace(query, 0)

    with monkeypatch.context() as patched:
        patched.setattr(places, "take", none_free)
        patched.setattr(places, "WAIT_SECONDS", 0.0)
        with pytest.raises(Unavailable, match="Nothing was decided"):
            run(world, template)
    assert not QueryRequest.objects.exists()
    assert not TemplateUse.objects.exists()
    assert run(world, template).state is Status.EXECUTED


def test_values_that_change_what_is_read_are_decided_on(world: World, on_mongo: Any) -> None:
    for name in ("orders", "secrets"):
        on_mongo[name].insert_one({"_id": 1})
    stages = Declared(Typed("stages", "json", '[{"$match": {}}]'), has_usual=True)
    template = kept(world, language="mongo", statement="db.orders.aggregate(params.stages)", parameters=(stages,))
    granted(world, template)

    def with_stages(text: str) -> QueryRequest:
        sent = asked(template, values=(Typed("stages", "", text),))
        return services.ask(actor=world.author, template_id=template.pk, asked=sent)

    assert with_stages('[{"$limit": 1}]').state is Status.EXECUTED
    other = with_stages('[{"$lookup": {"from": "secrets", "pipeline": [], "as": "all"}}]')
    assert other.state is Status.PENDING
    assert "something else" in other.template_use.ordinary


def test_the_trail_of_its_requests_tells_their_state(world: World) -> None:
    template = kept(world)
    granted(world, template)
    query = run(world, template)
    assert trail.acts(query) == ["query.submit", "query.approve", "query.claim", "query.complete"]
    assert trail.last(query, Verb.APPROVE)["approvals"] == 1
