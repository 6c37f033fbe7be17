"""The first page: all that waits for its reader, and where a portal begins in which nothing has run."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from accounts.models import User
from queries import services
from queries.models import UndoPiece
from queries.tests.views.conftest import SignedIn
from queries.tests.world import World


def section(client_of: SignedIn, person: User, heading: str) -> str:
    """The part of the page under a heading; "" where there is none."""
    return client_of(person).get("/").content.decode().partition(f"{heading}</h2>")[2].partition("</section>")[0]


def test_changes_asked_of_me_wait_until_i_revise(world: World, client_of: SignedIn) -> None:
    query = world.submitted()
    services.reject(actor=world.reviewer, query_id=query.pk, comment="Name it", ask_for_changes=True)
    assert query.number in section(client_of, world.author, "Changes asked of you")
    assert "1 request waits for you" in client_of(world.author).get("/").content.decode()
    assert section(client_of, world.colleague, "Changes asked of you") == ""
    services.submit(actor=world.author, draft=world.draft("SELECT 2"), revises=query)
    assert section(client_of, world.author, "Changes asked of you") == ""


def test_a_plain_rejection_asks_nothing_of_me(world: World, client_of: SignedIn) -> None:
    services.reject(actor=world.reviewer, query_id=world.submitted().pk, comment="No")
    assert section(client_of, world.author, "Changes asked of you") == ""


def test_a_failure_waits_until_i_have_seen_it(world: World, client_of: SignedIn) -> None:
    query = world.executed("SELECT 1/0 AS never")
    assert query.number in section(client_of, world.author, "Failed since you looked")
    client_of(world.reviewer).get(f"/queries/{query.public_id}/")
    assert query.number in section(client_of, world.author, "Failed since you looked")
    client_of(world.author).get(f"/queries/{query.public_id}/")
    assert section(client_of, world.author, "Failed since you looked") == ""


def test_an_undo_that_lapses_soon_is_told_of(world: World, client_of: SignedIn) -> None:
    query = world.executed("UPDATE items SET name = 'lapses' WHERE id = 1", access="write")
    heading = "Can be taken back for a short time yet"
    assert section(client_of, world.author, heading) == ""
    UndoPiece.objects.update(expires_at=timezone.now() + dt.timedelta(hours=5))
    assert query.number in section(client_of, world.author, heading)
    assert section(client_of, world.reviewer, heading) == ""
    services.undo(actor=world.author, query_id=query.pk)
    assert section(client_of, world.author, heading) == ""


def test_an_undo_that_has_lapsed_is_offered_no_more(world: World, client_of: SignedIn) -> None:
    world.executed("UPDATE items SET name = 'lapsed' WHERE id = 1", access="write")
    UndoPiece.objects.update(expires_at=timezone.now() - dt.timedelta(hours=1))
    assert section(client_of, world.author, "Can be taken back for a short time yet") == ""


def test_first_steps_are_shown_until_something_has_run(world: World, client_of: SignedIn) -> None:
    heading = "Four steps to the first result"
    assert section(client_of, world.author, heading).count("Done: ") == 2
    query = world.submitted()
    steps = section(client_of, world.reviewer, heading)
    assert steps.count("Done: ") == 3
    assert f"/queries/{query.public_id}/" in steps
    world.approved(query)
    for person in (world.author, world.reviewer, world.admin):
        assert section(client_of, person, heading) == ""


def test_the_sample_request_is_ready_to_be_sent_and_runs(world: World, client_of: SignedIn) -> None:
    address = f"/queries/new/?target={world.target.slug}&sample=yes"
    assert address.replace("&", "&amp;") in section(client_of, world.author, "Four steps to the first result")
    page = client_of(world.author).get(address).content.decode()
    assert "SELECT version()" in page
    assert "To see how the portal works" in page
    statement = page.partition('name="statement"')[2].partition(">")[2].partition("</textarea>")[0].strip()
    assert world.executed(statement).status == "EXECUTED"
    assert "SELECT version()" not in client_of(world.outsider).get(address).content.decode()


def test_who_is_in_no_pod_is_told_what_is_theirs(world: World, client_of: SignedIn) -> None:
    pages = {who.username: client_of(who).get("/").content.decode() for who in (world.admin, world.auditor)}
    assert all("You are in no pod." in page and "An admin adds you" not in page for page in pages.values())
    assert 'href="/admin/"' in pages["admin"].partition("You are in no pod.")[2].partition("</p>")[0]
    assert 'href="/audit/"' in pages["auditor"].partition("You are in no pod.")[2].partition("</p>")[0]
    assert all("Yours, under way" not in page for page in pages.values())
    lonely = User.objects.create(username="lonely")
    assert "An admin adds you to one" in client_of(lonely).get("/").content.decode()
