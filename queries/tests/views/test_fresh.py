"""What an open page is told later: new requests, and the next one after a decision."""

from __future__ import annotations

import datetime as dt
import re
from html import unescape
from urllib.parse import quote

import pytest
from django.utils import timezone

from queries import services
from queries.models import Execution
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
    client = client_of(world.reviewer)
    assert 'data-news="/review/news/?view=waiting&amp;since=2' in client.get("/review/").content.decode()
    assert 'data-news="/review/news/?view=pods&amp;since=2' in client.get("/review/?view=pods").content.decode()
    assert "data-news" not in client_of(world.reviewer).get("/review/?view=done").content.decode()


def test_page_of_a_pod_is_told_what_came_since(world: World, client_of: SignedIn) -> None:
    world.submitted(reason="There before")
    client = client_of(world.reviewer)
    asks = re.search(r'data-news="([^"]+)"', client.get("/pods/payments/").content.decode())
    assert asks
    address = unescape(asks[1])
    assert "new</strong>" not in client.get(address).content.decode()
    world.submitted(reason="Came later")
    told = client.get(address).content.decode()
    assert "<strong>1 new</strong>" in told
    assert 'href="/pods/payments/"' in told
    assert "Came later" in client.get("/pods/payments/").content.decode()
    assert "new</strong>" not in client_of(world.outsider).get(address).content.decode()
    for pod in ("", "!!", "a b", "nobodys", "%00"):
        odd = client.get(f"/queries/news/?author=anyone&on_pod=yes&pod={pod}&since=2026-01-01T00:00:00Z")
        assert odd.status_code == 200


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


def test_who_waits_is_sent_nothing_until_something_has_come_of_it(world: World, client_of: SignedIn) -> None:
    world.change_target(approvals_required=2)
    query = world.submitted()
    client, address = client_of(world.author), f"/queries/{query.public_id}/status/"
    assert client.get(f"{address}?seen=0").status_code == 204
    assert client_of(world.outsider).get(f"{address}?seen=0").status_code == 404
    world.approved(query)
    assert 'data-given="1"' in client.get(f"{address}?seen=0").content.decode()
    assert client.get(f"{address}?seen=1").status_code == 204
    for odd in ("", "-1", "1.0", "\u0661", "9" * 30, "PENDING"):
        assert client.get(address, {"seen": odd}).status_code == 200
    world.approved(query, by=world.second_reviewer)
    assert 'data-status="EXECUTED"' in client.get(f"{address}?seen=1").content.decode()


def test_who_waits_hears_that_the_time_is_over(
    world: World, client_of: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = world.submitted()
    after = query.expires_at + dt.timedelta(minutes=1)
    monkeypatch.setattr(timezone, "now", lambda: after)
    answer = client_of(world.author).get(f"/queries/{query.public_id}/status/?seen=0")
    assert 'data-title="Expired: ' in answer.content.decode()


@pytest.mark.parametrize(
    ("language", "statement", "said"),
    [
        ("script", 'return (await db.query("SELECT 1")).rows;', False),
        ("script", 'await db.query("SELECT 1"); return (await db.query("SELECT count(*) FROM pg_class")).rows;', False),
        ("sql", "CREATE TEMP TABLE kept AS SELECT 1; SELECT 2", True),
    ],
)
def test_only_a_text_of_several_statements_is_said_to_have_several(
    world: World, client_of: SignedIn, language: str, statement: str, said: bool
) -> None:
    world.change_target(allow_scripts=True)
    query = world.submitted(statement, language=language, access="write" if said else "read")
    body = client_of(world.author).get(f"/queries/{query.public_id}/").content.decode()
    assert ("run one after the other" in body) is said


@pytest.mark.parametrize(
    ("statement", "words", "icon"),
    [("SELECT 1 AS one", "Finished", "favicon-done"), ("SELECT 1 / 0", "Failed", "favicon-failed")],
)
def test_tab_tells_the_state_first(world: World, client_of: SignedIn, statement: str, words: str, icon: str) -> None:
    query = world.submitted(statement, reason="What the tab says")
    page = f"/queries/{query.public_id}/"
    waits = client_of(world.author).get(page).content.decode()
    assert f"<title>Waiting for approval: {query.number} What the tab says · Query Portal</title>" in waits
    world.approved(query)
    ended = client_of(world.author).get(page).content.decode()
    title = f"{words}: {query.number} What the tab says · Query Portal"
    assert f"<title>{title}</title>" in ended
    assert f'data-title="{title}"' in ended
    assert icon in ended


def test_times_stand_in_the_readers_zone_with_utc_on_hover(world: World, client_of: SignedIn) -> None:
    query = world.executed()
    moment = dt.datetime(2026, 1, 31, 12, 0, tzinfo=dt.UTC)
    Execution.objects.filter(query=query).update(result_expires_at=moment + dt.timedelta(days=3650))
    world.author.time_zone = "Asia/Kolkata"
    world.author.save()
    mine = client_of(world.author).get(f"/queries/{query.public_id}/").content.decode()
    others = client_of(world.reviewer).get(f"/queries/{query.public_id}/").content.decode()
    assert "2036-01-29 17:30:00 IST</time>" in mine
    assert 'title="2036-01-29 17:30:00 IST, 2036-01-29 12:00:00 UTC"' in mine
    assert "2036-01-29 12:00:00 UTC</time>" in others
    answer = client_of(world.author).get(f"/api/v1/queries/{query.public_id}/").json()
    assert answer["execution"]["result_expires_at"] == "2036-01-29T12:00:00Z"
