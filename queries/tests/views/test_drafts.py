"""Drafts: one for each target and language, kept on the server, never written over another text, nobody else's."""

from __future__ import annotations

import uuid
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from pods.models import Target
from queries.models import KeptDraft, QueryRequest
from queries.tests.views.conftest import SignedIn
from queries.tests.views.test_new import TYPED
from queries.tests.world import World

KEEP = "/queries/new/draft/"
NEW = "/queries/new/"


@pytest.fixture
def other_target(world: World) -> Target:
    """A second target of the pod, which also takes scripts."""
    target = Target.objects.get(pk=world.target.pk)
    target.pk, target.name, target.slug, target.allow_scripts = None, "Stock", "stock", True
    target.save()
    return target


def keep(client: Client, **fields: str) -> dict[str, Any]:
    answer = client.post(KEEP, {**TYPED, **fields})
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def opened(client: Client, query: str = "") -> str:
    return client.get(f"{NEW}{query}").content.decode()


def test_draft_comes_back_as_it_was_typed(world: World, client_of: SignedIn) -> None:
    client = client_of(world.author)
    named = '[{"name": "id", "type": "bigint", "value": "7", "given": "value"}]'
    keep(client, access="write", expects="12", named=named, statement="UPDATE t\r\nSET a = :id")
    body = opened(client)
    assert "UPDATE t\nSET a = :id" in body
    assert 'value="write" checked' in body
    assert 'value="12"' in body
    assert 'value="OPS-1"' in body
    assert '<textarea class="textarea mono" name="named-0-value"' in body
    assert "Draft, saved" in body


def test_a_draft_keeps_its_language_and_gives_it_to_no_other(
    world: World, other_target: Target, client_of: SignedIn
) -> None:
    client = client_of(world.author)
    keep(client, target="stock", language="script", statement="return 1 // script")
    keep(client, statement="SELECT 'sql'")
    assert 'value="sql" selected' in " ".join(opened(client, "?target=orders").split())
    script = " ".join(opened(client, "?target=stock").split())
    assert "return 1 // script" in script
    assert 'value="script" selected' in script
    blank = " ".join(opened(client, "?target=stock&blank=1").split())
    assert "return 1 // script</textarea>" not in blank
    assert 'value="sql" selected' in blank


def test_every_draft_is_listed_and_only_to_its_author(world: World, other_target: Target, client_of: SignedIn) -> None:
    client = client_of(world.author)
    keep(client, reason="Look at orders")
    keep(client, target="stock", language="script", reason="Count the stock")
    body = opened(client, "?blank=1")
    assert "2 drafts" in body
    assert "Look at orders" in body
    assert "Stock, JavaScript" in body
    assert "Look at orders" not in opened(client_of(world.colleague))


@pytest.mark.parametrize("person", ["colleague", "reviewer", "admin", "outsider"])
def test_draft_of_somebody_else_is_not_found(person: str, world: World, client_of: SignedIn) -> None:
    kept = keep(client_of(world.author))
    client = client_of(getattr(world, person))
    assert client.get(f"{NEW}?draft={kept['draft']}").status_code == 404
    client.post(NEW, {**TYPED, "discard": "1", "kept": kept["draft"]})
    assert KeptDraft.objects.count() == 1


@pytest.mark.parametrize("draft", ["nonsense", str(uuid.UUID(int=7)), "\0"])
def test_draft_that_is_not_there_is_not_found(draft: str, world: World, client_of: SignedIn) -> None:
    assert client_of(world.author).get(NEW, {"draft": draft}).status_code == 404


def test_when_it_was_saved_is_told_in_the_zone_of_who_types(world: World, client_of: SignedIn) -> None:
    world.author.time_zone = "Asia/Kolkata"
    world.author.save()
    kept = keep(client_of(world.author))
    saved_at = KeptDraft.objects.get().saved_at
    assert kept["at"] == saved_at.astimezone(ZoneInfo("Asia/Kolkata")).strftime("%H:%M")


def test_a_second_text_is_not_saved_over_the_first(world: World, client_of: SignedIn) -> None:
    client = client_of(world.author)
    first = keep(client, statement="SELECT 'first'")
    answer = client.post(KEEP, {**TYPED, "statement": "SELECT 'second'"})
    assert answer.status_code == 409
    assert answer.json()["address"].endswith(first["draft"])
    assert KeptDraft.objects.get().content["statement"] == "SELECT 'first'"
    keep(client, statement="SELECT 'second'", instead="1")
    assert KeptDraft.objects.get().content["statement"] == "SELECT 'second'"


def test_a_text_that_goes_to_another_target_takes_its_draft_along(
    world: World, other_target: Target, client_of: SignedIn
) -> None:
    client = client_of(world.author)
    first = keep(client, statement="SELECT 'wanders'")
    second = keep(client, target="stock", statement="SELECT 'wanders on'", kept=first["draft"], seen=first["seen"])
    assert second["draft"] == first["draft"]
    assert KeptDraft.objects.get().target == other_target
    keep(client, statement="SELECT 'stays'")
    answer = client.post(KEEP, {**TYPED, "kept": second["draft"], "seen": second["seen"]})
    assert answer.status_code == 409
    texts = {draft.content["statement"] for draft in KeptDraft.objects.all()}
    assert texts == {"SELECT 'wanders on'", "SELECT 'stays'"}


def test_another_window_does_not_lose_what_this_one_saved(world: World, client_of: SignedIn) -> None:
    client = client_of(world.author)
    first = keep(client, statement="SELECT 'one'")
    keep(client, statement="SELECT 'two'", kept=first["draft"], seen=first["seen"])
    answer = client.post(KEEP, {**TYPED, "statement": "SELECT 'old'", "kept": first["draft"], "seen": first["seen"]})
    assert answer.status_code == 409
    assert "another window" in answer.json()["message"]
    assert KeptDraft.objects.get().content["statement"] == "SELECT 'two'"


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"target": "nowhere"}, "no such target"),
        ({"target": ""}, "no such target"),
        ({"language": "mongo"}, "takes sql"),
        ({"language": ""}, "takes sql"),
        ({"statement": "x" * 2_300_000}, "at most 2,200,000"),
    ],
)
def test_what_cannot_be_kept_says_why(fields: dict[str, str], word: str, world: World, client_of: SignedIn) -> None:
    answer = client_of(world.author).post(KEEP, {**TYPED, **fields})
    assert answer.status_code == 400
    assert word in answer.json()["message"]
    assert not KeptDraft.objects.exists()


def test_nul_does_not_cost_the_draft(world: World, client_of: SignedIn) -> None:
    keep(client_of(world.author), statement="SELECT '\0a'")
    assert KeptDraft.objects.get().content["statement"] == "SELECT 'a'"


def test_request_that_was_sent_leaves_no_draft(world: World, client_of: SignedIn) -> None:
    client = client_of(world.author)
    kept = keep(client)
    wrong = client.post(NEW, {**TYPED, "kept": kept["draft"], "seen": kept["seen"]})
    assert wrong.status_code == 400
    assert KeptDraft.objects.exists()
    client.post(NEW, {**TYPED, "statement": "SELECT 1", "parameters": "", "kept": kept["draft"]})
    assert QueryRequest.objects.exists()
    assert not KeptDraft.objects.exists()


def test_draft_is_saved_opened_and_discarded_without_javascript(world: World, client_of: SignedIn) -> None:
    client = client_of(world.author)
    saved = client.post(NEW, {**TYPED, "save": "1"}, follow=True)
    draft = KeptDraft.objects.get()
    assert "Your draft is saved. Nobody else sees it." in saved.content.decode()
    other = client.post(NEW, {**TYPED, "statement": "SELECT 'other'", "save": "1"})
    assert other.status_code == 409
    body = other.content.decode()
    assert "SELECT &#x27;other&#x27;" in body
    assert f"{NEW}?draft={draft.public_id}" in body
    client.post(NEW, {**TYPED, "statement": "SELECT 'other'", "save": "instead"})
    draft = KeptDraft.objects.get()
    assert draft.content["statement"] == "SELECT 'other'"
    gone = client.post(NEW, {**TYPED, "kept": str(draft.public_id), "discard": "1"})
    assert gone["Location"] == f"{NEW}?blank=1&target=orders"
    assert not KeptDraft.objects.exists()


def test_revision_stays_one_in_its_draft(world: World, client_of: SignedIn) -> None:
    first = world.submitted("SELECT 1 AS one", reason="Why not")
    client = client_of(world.author)
    kept = keep(client, revises=str(first.public_id), statement="SELECT 2 AS two")
    body = opened(client, f"?draft={kept['draft']}")
    assert f'name="revises" value="{first.public_id}"' in body
    assert "still waits for approval" in body


def test_draft_for_a_target_that_one_may_no_longer_ask_for_is_not_shown(world: World, client_of: SignedIn) -> None:
    client = client_of(world.author)
    kept = keep(client, reason="Of a target that is gone")
    world.change_target(active=False)
    assert client.get(f"{NEW}?draft={kept['draft']}").status_code == 404
    assert "Of a target that is gone" not in opened(client)
