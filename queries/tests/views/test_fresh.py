"""What an open page is told later: new requests, and the next one after a decision."""

from __future__ import annotations

from urllib.parse import quote

from django.utils import timezone

from queries import services
from queries.tests.views.conftest import SignedIn
from queries.tests.world import World


def test_news_counts_what_came_after_the_page(world: World, client_of: SignedIn) -> None:
    world.submitted(reason="There before")
    made_at = quote(timezone.now().isoformat())
    client = client_of(world.reviewer)
    assert "new</strong>" not in client.get(f"/review/news/?since={made_at}").content.decode()
    world.submitted()
    world.submitted()
    assert "<strong>2 new</strong>" in client.get(f"/review/news/?since={made_at}").content.decode()
    assert "new</strong>" not in client_of(world.author).get(f"/review/news/?since={made_at}").content.decode()


def test_news_since_no_moment_is_none(world: World, client_of: SignedIn) -> None:
    world.submitted()
    for since in ("", "yesterday", "2026-01-01", "%00"):
        assert "new</strong>" not in client_of(world.reviewer).get(f"/review/news/?since={since}").content.decode()


def test_queue_asks_for_news_since_it_was_made(world: World, client_of: SignedIn) -> None:
    assert 'data-news="/review/news/?since=2' in client_of(world.reviewer).get("/review/").content.decode()
    assert "data-news" not in client_of(world.reviewer).get("/review/?view=done").content.decode()


def test_waiting_page_says_how_many_have_approved(world: World, client_of: SignedIn) -> None:
    world.change_target(approvals_required=2)
    query = world.submitted()
    address = f"/queries/{query.public_id}/status/"
    assert 'data-given="0"' in client_of(world.author).get(address).content.decode()
    world.approved(query)
    assert 'data-given="1"' in client_of(world.author).get(address).content.decode()


def test_decided_page_leads_to_the_next_request(world: World, client_of: SignedIn) -> None:
    first, second = world.submitted(), world.submitted()
    services.reject(actor=world.reviewer, query_id=first.pk, comment="No.")
    page = f"/queries/{first.public_id}/"
    assert f"Next that waits for you: {second.number}" in client_of(world.reviewer).get(page).content.decode()
    assert "Next that waits" not in client_of(world.author).get(page).content.decode()


def test_script_page_has_its_calls_and_console(world: World, client_of: SignedIn) -> None:
    world.change_target(allow_scripts=True)
    query = world.executed('console.log("hello"); return (await db.query("SELECT 7 AS n")).rows;', language="script")
    body = client_of(world.author).get(f"/queries/{query.public_id}/").content.decode()
    assert "1 database call, 1 console line" in body
    assert "SELECT 7 AS n" in body.partition("What the script did")[2].partition("Console")[0]
    assert "hello" in body.partition("Console</h3>")[2].partition("</ol>")[0]
    assert "What the script did" not in client_of(world.colleague).get(f"/queries/{query.public_id}/").content.decode()


def test_revision_starts_with_what_the_reviewer_wrote(world: World, client_of: SignedIn) -> None:
    query = world.submitted()
    services.reject(actor=world.reviewer, query_id=query.pk, comment="Name the column.", ask_for_changes=True)
    body = client_of(world.author).get(f"/queries/new/?revises={query.public_id}").content.decode()
    assert "Name the column." in body


def test_withdrawal_has_its_time(world: World, client_of: SignedIn) -> None:
    query = world.submitted()
    services.withdraw(actor=world.author, query_id=query.pk)
    body = client_of(world.author).get(f"/queries/{query.public_id}/").content.decode()
    assert "<time" in body.partition("withdrew this")[2].partition("</p>")[0]
