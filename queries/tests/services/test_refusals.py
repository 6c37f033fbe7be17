"""A refused act leaves its entry, and nothing else."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from audit import refusals
from audit.models import AuditLog
from queries import services
from queries.models import QueryRequest, Template
from queries.tests import trail
from queries.tests.services.test_grants import granted
from queries.tests.services.test_templates import draft, kept
from queries.tests.world import World
from web.errors import NotAllowed, NotNow

JSON = "application/json"
Act = Callable[[World, QueryRequest, User], Any]
ACTS: dict[str, Act] = {
    "approve": lambda _, query, who: services.approve(actor=who, query_id=query.pk, digest=query.digest),
    "reject": lambda _, query, who: services.reject(actor=who, query_id=query.pk, comment="No."),
    "withdraw": lambda _, query, who: services.withdraw(actor=who, query_id=query.pk),
    "cancel": lambda _, query, who: services.cancel(actor=who, query_id=query.pk),
    "rehearse": lambda _, query, who: services.rehearse(actor=who, query_id=query.pk, digest=query.digest),
    "undo": lambda _, query, who: services.undo(actor=who, query_id=query.pk),
    "close": lambda _, query, who: services.close(actor=who, query_id=query.pk, comment="It is there."),
    "revise": lambda world, query, who: services.submit(actor=who, draft=world.draft(), revises=query),
}
OfTemplate = Callable[[Template, User], Any]
OF_TEMPLATE: dict[str, OfTemplate] = {
    "change": lambda kept, who: services.change_template(
        actor=who, template_id=kept.pk, digest=kept.now.digest, draft=draft(name="Another")
    ),
    "retire": lambda kept, who: services.retire_template(actor=who, template_id=kept.pk, digest=kept.now.digest),
    "grant": lambda kept, who: services.grant(
        actor=who, template_id=kept.pk, digest=kept.now.digest, terms=services.Terms("orders", dt.date.max, 1, 1)
    ),
    "withdraw": lambda kept, who: services.withdraw_grant(actor=who, template_id=kept.pk, target="orders"),
}


SENT: dict[str, dict[str, Any]] = {
    "change": {
        "name": "Another",
        "language": "sql",
        "access": "read",
        "statement": "SELECT 1",
        "targets": ["orders"],
    },
    "retire": {},
    "grant": {"target": "orders", "until": "2999-01-31", "runs_a_day": 1, "runs_a_person": 1, "people": []},
    "withdraw": {"target": "orders"},
}


def refused(of: str = "query") -> list[AuditLog]:
    return list(AuditLog.objects.filter(action=f"{of}.refused").order_by("seq"))


@pytest.mark.parametrize("verb", ACTS)
def test_a_refused_act_is_recorded_with_who_what_and_why(verb: str, world: World) -> None:
    query = world.submitted()
    with pytest.raises(NotAllowed) as error:
        ACTS[verb](world, query, world.colleague)
    (entry,) = refused()
    assert (entry.actor_id, entry.subject_id) == (world.colleague.pk, str(query.public_id))
    data = json.loads(entry.data)
    assert (data["verb"], data["reason"]) == (verb, error.value.message)
    assert QueryRequest.objects.get(pk=query.pk).status == "PENDING"
    assert trail.holds(query)


def test_the_author_who_decides_on_their_own_is_recorded(world: World) -> None:
    query = world.submitted()
    with pytest.raises(NotAllowed):
        ACTS["approve"](world, query, world.author)
    assert [entry.actor_id for entry in refused()] == [world.author.pk]


def test_what_was_only_too_late_is_no_refusal(world: World) -> None:
    query = world.executed()
    with pytest.raises(NotNow):
        ACTS["withdraw"](world, query, world.author)
    assert refused() == []


def test_nobody_fills_the_log_with_refusals(world: World) -> None:
    query = world.submitted()
    for _ in range(refusals.MOST + 5):
        with pytest.raises(NotAllowed):
            ACTS["approve"](world, query, world.colleague)
    entries = refused()
    assert len(entries) == refusals.MOST
    assert [bool(json.loads(entry.data).get("note")) for entry in entries] == [False] * (refusals.MOST - 1) + [True]
    with pytest.raises(NotAllowed):
        ACTS["approve"](world, query, world.author)
    assert refused()[-1].actor_id == world.author.pk


def test_the_share_of_an_hour_comes_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    query = world.submitted()
    monkeypatch.setattr(refusals, "MOST", 1)
    for _ in range(2):
        with pytest.raises(NotAllowed):
            ACTS["reject"](world, query, world.colleague)
    assert len(refused()) == 1
    monkeypatch.setattr(refusals, "WINDOW", -refusals.WINDOW)
    with pytest.raises(NotAllowed):
        ACTS["reject"](world, query, world.colleague)
    assert len(refused()) == 2


@pytest.mark.parametrize("verb", OF_TEMPLATE)
def test_a_refused_act_on_a_template_is_recorded_too(verb: str, world: World) -> None:
    template = kept(world)
    granted(world, template)
    with pytest.raises(NotAllowed) as error:
        OF_TEMPLATE[verb](template, world.colleague)
    (entry,) = refused("template")
    assert (entry.actor_id, entry.subject_kind) == (world.colleague.pk, "template")
    assert (entry.subject_id, entry.subject_label) == (str(template.public_id), template.name)
    data = json.loads(entry.data)
    assert (data["verb"], data["reason"]) == (verb, error.value.message)
    template.refresh_from_db()
    assert (template.retired_at, template.now.number) == (None, 1)
    assert template.grants.standing().count() == 1


def test_a_template_that_is_another_by_now_is_no_refusal(world: World) -> None:
    template = kept(world)
    with pytest.raises(NotNow):
        services.retire_template(actor=world.author, template_id=template.pk, digest="0" * 64)
    assert refused("template") == []


@pytest.mark.parametrize("door", ["page", "api"])
@pytest.mark.parametrize("verb", OF_TEMPLATE)
def test_both_doors_of_a_template_leave_one_entry(door: str, verb: str, committed: World) -> None:
    template, client = kept(committed, name=f"Kept for {verb} by {door}"), Client()
    client.force_login(committed.colleague, backend="django.contrib.auth.backends.ModelBackend")
    body = dict(SENT[verb])
    if door == "page":
        body["whom"] = "everyone"  # as the form says it
    if verb != "withdraw":
        body["digest"] = template.now.digest
    path = f"templates/{template.public_id}/{verb}/"
    answer = client.post(f"/{path}", body) if door == "page" else client.post(f"/api/v1/{path}", body, JSON)
    assert answer.status_code == 403, answer.content.decode()[:600]
    about = AuditLog.objects.filter(actor_id=committed.colleague.pk, subject_id=str(template.public_id))
    assert [entry.action for entry in about] == ["template.refused"]
    assert not AuditLog.objects.filter(action="access.refused", subject_id__contains=path).exists()


@pytest.mark.parametrize("door", ["page", "api"])
def test_both_doors_leave_the_entry(door: str, committed: World) -> None:
    """Where commits are real: the act's own transaction is rolled back, the entry stays."""
    query, client = committed.submitted(), Client()
    client.force_login(committed.colleague, backend="django.contrib.auth.backends.ModelBackend")
    body = {"digest": query.digest}
    if door == "page":
        answer = client.post(f"/queries/{query.public_id}/approve/", body)
    else:
        answer = client.post(f"/api/v1/queries/{query.public_id}/approve/", body, JSON)
    assert answer.status_code == 403
    assert trail.actions(query) == ["query.submit", "query.refused"]
