"""Templates: what a pod keeps, who may change it, and asking with it as an ordinary request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from audit.models import AuditLog
from queries import services
from queries.lifecycle import Status
from queries.models import QueryRequest, Template, TemplateVersion
from queries.services import Asked, Declared, TemplateDraft, Typed
from queries.tests import trail
from queries.tests.world import World
from web.errors import BadInput, NotAllowed, NotNow

STATEMENT = "SELECT id, name FROM items WHERE id = :id"
ID = Declared(Typed("id", "integer"))


def draft(**fields: Any) -> TemplateDraft:
    """One of the pod, for its target."""
    facts: dict[str, Any] = {
        "pod": "payments",
        "name": "Item by id",
        "language": "sql",
        "access": "read",
        "statement": STATEMENT,
        "targets": ("orders",),
        "parameters": (ID,),
    }
    return TemplateDraft(**(facts | fields))


def kept(world: World, **fields: Any) -> Template:
    """A template of the author's."""
    return services.create_template(actor=world.author, draft=draft(**fields))


def asked(template: Template, value: object = 2, **fields: Any) -> Asked:
    """What a person sends who saw the template as it is."""
    facts: dict[str, Any] = {"target": "orders", "values": (Typed("id", "", value),), "reason": "to look"}
    return Asked(**({"digest": template.now.digest} | facts | fields))


def test_asking_makes_an_ordinary_request_that_names_its_template(world: World) -> None:
    template = kept(world)
    query = services.ask(actor=world.author, template_id=template.pk, asked=asked(template, ticket="T-1"))
    assert (query.state, query.statement, query.ticket) == (Status.PENDING, STATEMENT, "T-1")
    assert query.parameters == [{"name": "id", "type": "integer", "value": "2"}]
    use = query.template_use
    assert (use.version, use.grant, use.ordinary) == (template.now, None, "")
    assert list(QueryRequest.objects.search_for("item by id")) == [query]
    submitted = next(data for action, data in trail.entries(query) if action == "query.submit")
    assert submitted["template"] == {"id": str(template.public_id), "version": 1, "digest": template.now.digest}
    ran = world.approved(query)
    assert (ran.state, ran.execution.row_count) == (Status.EXECUTED, 1)


def test_every_act_leaves_its_entry(world: World) -> None:
    template = kept(world)
    services.ask(actor=world.author, template_id=template.pk, asked=asked(template))
    changed = services.change_template(
        actor=world.author, template_id=template.pk, digest=template.now.digest, draft=draft(description="One row.")
    )
    services.retire_template(actor=world.author, template_id=template.pk, digest=changed.now.digest)
    actions = AuditLog.objects.filter(subject_kind="template", subject_id=str(template.public_id)).order_by("seq")
    names = ["template.create", "template.use", "template.change", "template.retire"]
    assert list(actions.values_list("action", flat=True)) == names


def test_a_change_makes_a_version_and_the_old_one_stays(world: World) -> None:
    template = kept(world)
    first = template.now
    statement = "SELECT name FROM items WHERE id = :id"
    services.change_template(
        actor=world.reviewer, template_id=template.pk, digest=first.digest, draft=draft(statement=statement)
    )
    versions = list(template.versions.values_list("number", "statement", "author__username"))
    assert versions == [(2, statement, "reviewer"), (1, STATEMENT, "author")]
    with pytest.raises(DatabaseError, match="stays as it was"), transaction.atomic():
        TemplateVersion.objects.filter(pk=first.pk).update(statement="SELECT 1")


@pytest.mark.parametrize("verb", ["ask", "change", "retire"])
def test_a_template_that_changed_since_it_was_seen_is_not_acted_on(world: World, verb: str) -> None:
    template = kept(world)
    seen = asked(template)
    services.change_template(
        actor=world.reviewer,
        template_id=template.pk,
        digest=seen.digest,
        draft=draft(statement="SELECT count(*) FROM items WHERE id = :id"),
    )
    acts: dict[str, Callable[[], object]] = {
        "ask": lambda: services.ask(actor=world.author, template_id=template.pk, asked=seen),
        "change": lambda: services.change_template(
            actor=world.author, template_id=template.pk, digest=seen.digest, draft=draft()
        ),
        "retire": lambda: services.retire_template(actor=world.author, template_id=template.pk, digest=seen.digest),
    }
    with pytest.raises(NotNow) as caught:
        acts[verb]()
    assert caught.value.code == "digest_differs"
    assert not QueryRequest.objects.exists()
    assert template.versions.count() == 2


def test_a_retired_template_is_not_asked_with_and_frees_its_name(world: World) -> None:
    template = kept(world)
    services.retire_template(actor=world.author, template_id=template.pk, digest=template.now.digest)
    with pytest.raises(NotNow, match="retired"):
        services.ask(actor=world.author, template_id=template.pk, asked=asked(template))
    kept(world, name="item BY id")
    with pytest.raises(BadInput) as caught:
        kept(world)
    assert caught.value.fields["name"][0].code == "taken"


@pytest.mark.parametrize("name", ["colleague", "outsider", "other_manager", "auditor", "admin"])
def test_only_its_owner_or_a_manager_changes_or_retires(world: World, name: str) -> None:
    template, actor = kept(world), getattr(world, name)
    facts = {"actor": actor, "template_id": template.pk, "digest": template.now.digest}
    with pytest.raises(NotAllowed):
        services.change_template(**facts, draft=draft())
    with pytest.raises(NotAllowed):
        services.retire_template(**facts)
    template.refresh_from_db()
    assert (template.now.number, template.retired_at) == (1, None)


@pytest.mark.parametrize("name", ["outsider", "other_manager", "auditor", "admin"])
def test_nobody_else_keeps_one_for_a_pod_or_asks_with_it(world: World, name: str) -> None:
    template, actor = kept(world), getattr(world, name)
    with pytest.raises(BadInput):
        services.create_template(actor=actor, draft=draft(name="Another"))
    with pytest.raises(BadInput):
        services.ask(actor=actor, template_id=template.pk, asked=asked(template))
    assert not QueryRequest.objects.exists()


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"description": "a\0b"}, "description"),
        ({"targets": ()}, "targets"),
        ({"targets": ("theirs",)}, "targets"),
        ({"language": "mongo"}, "language"),
        ({"access": "all"}, "access"),
        ({"statement": "SELECT nothing_like_it FROM items WHERE id = :id"}, "statement"),
        ({"statement": "DELETE FROM items WHERE id = :id"}, "statement"),
        ({"parameters": ()}, "parameters.id"),
        ({"parameters": (ID, Declared(Typed("name", "text")))}, "parameters.name"),
        ({"parameters": (Declared(Typed("id", "number")),)}, "parameters.id"),
        ({"parameters": (Declared(Typed("id", "integer", "two"), has_usual=True),)}, "parameters.id"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_stands_at_its_field(world: World, fields: dict[str, Any], wrong: str) -> None:
    with pytest.raises(BadInput) as caught:
        kept(world, **fields)
    assert list(caught.value.fields) == [wrong]
    assert not Template.objects.exists()


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ((), "parameters.id"),
        ((Typed("id", "", "two"),), "parameters.id"),
        ((Typed("id", "text", "1 OR true"),), "parameters.id"),
        ((Typed("id", "", 1), Typed("more", "", 1)), "parameters"),
        ((Typed("id", "", 1), Typed("id", "", 2)), "parameters"),
    ],
    ids=["missing", "mistyped", "another type", "one more", "twice"],
)
def test_values_are_those_of_the_template(world: World, values: tuple[Typed, ...], wrong: str) -> None:
    template = kept(world)
    with pytest.raises(BadInput) as caught:
        services.ask(actor=world.author, template_id=template.pk, asked=replace(asked(template), values=values))
    assert list(caught.value.fields) == [wrong]
    assert not QueryRequest.objects.exists()


def test_a_value_is_bound_and_never_part_of_the_text(world: World) -> None:
    name = Declared(Typed("name", "text"))
    template = kept(world, statement="SELECT id FROM items WHERE name = :name", parameters=(name,))
    attack = "one' OR 'a' = 'a"
    sent = asked(template, values=(Typed("name", "", attack),))
    ran = world.approved(services.ask(actor=world.author, template_id=template.pk, asked=sent))
    assert (ran.state, ran.execution.row_count) == (Status.EXECUTED, 0)


def test_usual_values_are_kept_in_their_exact_form(world: World) -> None:
    usual = Declared(Typed("id", "integer", "007"), has_usual=True)
    ids = Declared(Typed("ids", "list", [1, 2], "integer"), has_usual=True)
    template = kept(world, statement=f"{STATEMENT} OR id = ANY(:ids)", parameters=(usual, ids))
    assert template.now.parameters == [
        {"name": "id", "type": "integer", "usual": "7"},
        {"name": "ids", "type": "list", "of": "integer", "usual": ["1", "2"]},
    ]


def test_a_write_is_asked_for_with_its_values_and_decided_on(world: World) -> None:
    tag = Declared(Typed("tag", "text"))
    statement = "INSERT INTO effects (tag) VALUES (:tag)"
    template = kept(world, statement=statement, access="write", parameters=(tag,))
    sent = asked(template, values=(Typed("tag", "", "x"),), expects=1)
    query = services.ask(actor=world.author, template_id=template.pk, asked=sent)
    assert (query.state, query.expects) == (Status.PENDING, 1)
    assert world.approved(query).execution.rows_affected == 1
