"""The bell: what it tells whom, and that opening a request reads it."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from pods.membership import set_members
from queries import services
from queries.models import QueryRequest, Tiding
from queries.notices import outbox
from queries.tests.views.conftest import SignedIn
from queries.tests.world import World


def bell(client_of: SignedIn, person: User) -> list[str]:
    """What a person is told, newest first, as the page says it."""
    page = client_of(person).get("/notices/").content.decode()
    titles = page.split('class="item__title"')[1:]
    return [" ".join(part.partition(">")[2].partition("</a>")[0].split()) for part in titles]


def count(client_of: SignedIn, person: User) -> str:
    page = client_of(person).get("/accounts/profile/").content.decode()
    return page.partition('bell__count">')[2].partition("<")[0]


def test_reviewers_are_told_of_a_new_request_and_nobody_else(world: World, client_of: SignedIn) -> None:
    query = world.submitted()
    for person in (world.reviewer, world.second_reviewer):
        assert bell(client_of, person) == [f"{query.number} waits for your decision"]
    for person in (world.author, world.colleague, world.outsider, world.other_manager, world.auditor, world.admin):
        assert bell(client_of, person) == []


def test_the_author_is_told_of_each_decision_and_of_the_end(world: World, client_of: SignedIn) -> None:
    query = world.approved(world.submitted())
    assert bell(client_of, world.author) == [f"{query.number} has finished", f"{query.number} was approved"]
    failed = world.approved(world.submitted("SELECT 1/0 AS never"))
    assert bell(client_of, world.author)[0] == f"{failed.number} has failed"
    rejected = world.submitted()
    services.reject(actor=world.reviewer, query_id=rejected.pk, comment="No")
    changes = world.submitted()
    services.reject(actor=world.reviewer, query_id=changes.pk, comment="Name it", ask_for_changes=True)
    expected = [f"{changes.number} needs changes", f"{rejected.number} was rejected"]
    assert bell(client_of, world.author)[:2] == expected


def test_an_endorsement_is_told_as_one_of_more(world: World, client_of: SignedIn) -> None:
    world.change_target(approvals_required=2)
    query = world.approved(world.submitted())
    assert bell(client_of, world.author) == [f"{query.number} was approved; it needs more approvals"]


def test_what_is_new_is_told_in_short_and_without_anybodys_words(world: World, client_of: SignedIn) -> None:
    client, address = client_of(world.reviewer), "/notices/news/"
    assert client.get(address).json() == {"newest": 0, "notices": []}
    world.submitted("SELECT 'statement'", reason="There before")
    newest = client.get(address).json()["newest"]
    assert client.get(f"{address}?after={newest}").json() == {"newest": newest, "notices": []}
    query = world.submitted("SELECT 'statement'", reason="The reason")
    told = client.get(f"{address}?after={newest}").json()
    (notice,) = told["notices"]
    assert notice == {
        "id": told["newest"],
        "title": f"{query.number} waits for your decision",
        "line": f"{world.author.label}, {world.target.name}",
        "address": f"/queries/{query.public_id}/",
    }
    client.get(notice["address"])  # opening it reads it
    assert client.get(f"{address}?after={newest}").json()["notices"] == []
    assert client_of(world.outsider).get(f"{address}?after=0").json() == {"newest": 0, "notices": []}


@pytest.mark.parametrize("after", ["", "-1", "1.5", "\u0661", "9" * 30, "%00"])
def test_of_what_is_new_since_no_notice_nothing_is_told(after: str, world: World, client_of: SignedIn) -> None:
    world.submitted()
    assert client_of(world.reviewer).get("/notices/news/", {"after": after}).json()["notices"] == []


def test_of_much_that_is_new_only_the_newest_is_told(world: World, client_of: SignedIn) -> None:
    numbers = [world.submitted().number for _ in range(7)]
    told = client_of(world.reviewer).get("/notices/news/?after=0").json()["notices"]
    assert [notice["title"].split()[0] for notice in told] == numbers[:1:-1]


def test_a_revision_is_told_as_one(world: World, client_of: SignedIn) -> None:
    first = world.submitted()
    second = services.submit(actor=world.author, draft=world.draft("SELECT 2"), revises=first)
    assert bell(client_of, world.reviewer) == [f"{second.number} waits for your decision: a revision"]


def test_opening_a_request_reads_what_was_told_of_it(world: World, client_of: SignedIn) -> None:
    query, other = world.submitted(), world.submitted()
    assert count(client_of, world.reviewer) == "2"
    client_of(world.reviewer).get("/notices/")
    assert count(client_of, world.reviewer) == "2"
    client_of(world.reviewer).get(f"/queries/{query.public_id}/")
    assert count(client_of, world.reviewer) == "1"
    assert Tiding.objects.get(person=world.reviewer, query=other).read_at is None
    assert count(client_of, world.second_reviewer) == "2"


def test_all_are_taken_for_read_at_once(world: World, client_of: SignedIn) -> None:
    world.submitted()
    client = client_of(world.reviewer)
    assert "Mark all as read" in client.get("/notices/").content.decode()
    client.post("/notices/read/")
    assert count(client_of, world.reviewer) == ""
    assert count(client_of, world.second_reviewer) == "1"
    assert "Mark all as read" not in client.get("/notices/").content.decode()


def test_what_waits_no_longer_is_not_told_as_waiting(world: World, client_of: SignedIn) -> None:
    query = world.submitted()
    services.withdraw(actor=world.author, query_id=query.pk)
    assert bell(client_of, world.reviewer) == []
    assert count(client_of, world.reviewer) == ""


def test_whoever_leaves_the_pod_is_told_nothing_more_of_it(world: World, client_of: SignedIn) -> None:
    world.submitted(reason="Of the pod alone")
    set_members(actor=world.admin, pod=world.pod, developers=[world.author], managers=[world.second_reviewer])
    assert bell(client_of, world.reviewer) == []
    assert count(client_of, world.reviewer) == ""


@pytest.mark.parametrize("after", ["0", "x", "-1", "9" * 40])
def test_an_odd_place_of_the_list_is_answered(after: str, world: World, client_of: SignedIn) -> None:
    assert client_of(world.reviewer).get("/notices/", {"after": after}).status_code == 200


def test_bell_pages_by_key(world: World, client_of: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("queries.views.notices.PAGE_SIZE", 1)
    first, second = world.submitted(), world.submitted()
    page = client_of(world.reviewer).get("/notices/").content.decode()
    assert second.number in page
    assert f"{first.number}\n" not in page
    place = Tiding.objects.get(person=world.reviewer, query=QueryRequest.objects.get(pk=second.pk)).pk
    assert first.number in client_of(world.reviewer).get("/notices/", {"after": place}).content.decode()


def test_at_half_time_the_bell_rings_once_more(world: World, client_of: SignedIn) -> None:
    world.change_target(approvals_required=2)
    query = world.submitted()
    world.approved(query)
    assert outbox.remind() == 0
    assert len(bell(client_of, world.second_reviewer)) == 1
    half = timezone.now() + (query.expires_at - timezone.now()) / 2
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE query_requests DISABLE TRIGGER query_is_frozen")
        earlier = half - timezone.now() + dt.timedelta(minutes=1)
        QueryRequest.objects.update(submitted_at=F("submitted_at") - earlier, expires_at=F("expires_at") - earlier)
        cursor.execute("ALTER TABLE query_requests ENABLE TRIGGER query_is_frozen")
    for _ in range(2):
        outbox.remind()
    reminder = f"{query.number} still waits for your decision: half of its time is over"
    assert bell(client_of, world.second_reviewer) == [reminder, f"{query.number} waits for your decision"]
    assert reminder not in bell(client_of, world.reviewer)
    assert reminder not in bell(client_of, world.author)
