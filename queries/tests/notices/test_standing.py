"""What a stand-in is told while somebody is away, and what the daily e-mail holds."""

from __future__ import annotations

import datetime as dt
from unittest.mock import patch

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from accounts.models import Absence, Role
from queries import services
from queries.models import Notice, QueryRequest, Tiding
from queries.notices import digests, outbox
from queries.notices.outbox import Failure
from queries.notices.sending import never, send_due
from queries.tests.conftest import SignedIn
from queries.tests.world import World


@pytest.fixture
def away(world: World) -> World:
    """The reviewer is away, the second one stands in and takes e-mail."""
    now = timezone.now()
    span = {"begins_at": now - dt.timedelta(days=1), "ends_at": now + dt.timedelta(days=1)}
    Absence.objects.create(person=world.reviewer, stand_in=world.second_reviewer, **span)
    world.second_reviewer.notify_by_email, world.second_reviewer.email = True, "second@example.com"
    world.second_reviewer.save()
    return world


def waited(query: QueryRequest, share: float) -> None:
    """Let so much of the request's time be over."""
    query.refresh_from_db()
    whole = query.expires_at - query.submitted_at
    begun = timezone.now() - whole * share
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE query_requests DISABLE TRIGGER query_is_frozen")
        QueryRequest.objects.filter(pk=query.pk).update(submitted_at=begun, expires_at=begun + whole)
        cursor.execute("ALTER TABLE query_requests ENABLE TRIGGER query_is_frozen")


def told(world: World, person: str) -> list[str]:
    return list(Tiding.objects.filter(person=getattr(world, person)).order_by("pk").values_list("event", flat=True))


def test_managers_at_half_time_then_the_stand_in(away: World) -> None:
    """N2: one reminder at half time; then it goes to who stands in, once."""
    query = away.submitted()
    for share in (0.4, 0.55, 0.6, 0.8, 0.85):
        waited(query, share)
        outbox.remind()
        send_due()
    assert told(away, "reviewer") == ["submit", "remind"]
    assert told(away, "second_reviewer") == ["submit", "remind", "stand_in"]
    subjects = [str(message.subject) for message in mail.outbox]
    number = query.number
    assert subjects == [
        f"{number} waits for your review",
        f"{number} still waits for your review",
        f"{number} still waits for you, who stand in",
    ]


@pytest.mark.parametrize("why", ["over", "to come", "left", "demoted", "author", "decided", "away decided", "inactive"])
def test_stand_in_is_not_called(why: str, away: World) -> None:
    away.change_target(approvals_required=2)
    query = away.submitted()
    if why in {"over", "to come"}:
        hours = dt.timedelta(hours=-30 if why == "over" else 30)
        absence = Absence.objects.get()
        Absence.objects.update(begins_at=absence.begins_at + hours, ends_at=absence.ends_at + hours)
    elif why == "left":
        away.pod.managers.user_set.remove(away.second_reviewer)
    elif why in {"demoted", "inactive"}:
        away.second_reviewer.is_active = why == "demoted"
        away.second_reviewer.role = Role.DEVELOPER if why == "demoted" else Role.MANAGER
        away.second_reviewer.save()
    elif why == "author":
        query = services.submit(actor=away.second_reviewer, draft=away.draft())
    else:
        away.approved(query, by=away.second_reviewer if why == "decided" else away.reviewer)
    waited(query, 0.8)
    outbox.remind()
    assert not Tiding.objects.filter(event="stand_in", query=query).exists()
    assert not Notice.objects.filter(version=outbox.TO_STAND_IN, query=query).exists()


def test_stand_in_who_joined_later_is_called_with_one_mail(away: World) -> None:
    away.pod.managers.user_set.remove(away.second_reviewer)
    query = away.submitted()
    away.pod.managers.user_set.add(away.second_reviewer)
    waited(query, 0.8)
    for _ in range(2):
        outbox.remind()
        send_due()
    assert [str(message.subject) for message in mail.outbox] == [f"{query.number} still waits for you, who stand in"]


def test_comment_that_names_who_is_away_rings_the_stand_in(away: World) -> None:
    query = away.submitted()
    services.comment(actor=away.author, query_id=query.pk, text="@reviewer, is this right?")
    assert told(away, "second_reviewer")[-1] == "comment"


def test_queue_and_home_mark_for_whom_it_waits(away: World, client_of: SignedIn) -> None:
    away.submitted()
    services.submit(actor=away.reviewer, draft=away.draft(reason="the absent's own"))
    for page in ("/review/", "/"):
        body = client_of(away.second_reviewer).get(page).content.decode()
        assert body.count(", out of office</span>") == 1
        assert ", out of office</span>" not in client_of(away.admin).get(page).content.decode()


def test_request_that_the_absent_decided_on_is_not_marked(away: World, client_of: SignedIn) -> None:
    away.change_target(approvals_required=2)
    away.approved(away.submitted(), by=away.reviewer)
    body = client_of(away.second_reviewer).get("/review/").content.decode()
    assert "QR-" in body
    assert ", out of office</span>" not in body


@pytest.mark.parametrize("page", ["/queries/new/?target=orders", "detail", "/pods/payments/", "/pods/payments/orders/"])
def test_who_will_approve_is_said_with_the_absence(page: str, away: World, client_of: SignedIn) -> None:
    address = f"/queries/{away.submitted().public_id}/" if page == "detail" else page
    words = " ".join(client_of(away.author).get(address).content.decode().split())
    assert f"(out of office until {Absence.objects.get().last_day:%Y-%m-%d}; " in words
    assert "stands in)" in words


# --- the daily e-mail ------------------------------------------------------------------------------


@pytest.fixture
def digested(world: World) -> World:
    for person in (world.author, world.reviewer):
        person.daily_digest, person.email = True, f"{person.username}@example.com"
        person.save()
    return world


def test_digest_says_what_waits_and_what_happened_without_statements(digested: World) -> None:
    first = digested.submitted("SELECT 'sesame'")
    second = digested.submitted("SELECT 'sesame 2'")
    digested.approved(first)
    assert digests.send_digests(never) == 2
    subjects = {message.to[0]: str(message.subject) for message in mail.outbox}
    assert subjects == {"author@example.com": "2 things happened", "reviewer@example.com": "1 request waits for you"}
    bodies = "".join(str(message.body) for message in mail.outbox)
    assert "sesame" not in bodies
    assert f"{second.number}, on Orders, until" in bodies


def test_digest_comes_once_a_day_and_again_in_the_morning(digested: World) -> None:
    digested.submitted()
    assert [digests.send_digests(never), digests.send_digests(never)] == [1, 0]
    digested.reviewer.refresh_from_db()
    assert digested.reviewer.digest_at is not None
    type(digested.reviewer).objects.update(digest_at=timezone.now() - dt.timedelta(days=1))
    assert digests.send_digests(never) == 1


def test_morning_is_that_of_the_reader(digested: World) -> None:
    """At half past midnight UTC it is past seven in Tokyo, and not yet in Berlin."""
    night = dt.datetime(2026, 6, 2, 0, 30, tzinfo=dt.UTC)
    digested.reviewer.time_zone, digested.author.time_zone = "Asia/Tokyo", "Europe/Berlin"
    for person in (digested.reviewer, digested.author):
        person.digest_at = night - dt.timedelta(hours=4)
        person.save()
    with patch("django.utils.timezone.now", return_value=night):
        assert [person.username for person in digests.due()] == ["reviewer"]


@pytest.mark.parametrize("why", ["off", "no address", "inactive", "nothing to tell", "no mail host"])
def test_no_digest(why: str, digested: World, settings: object) -> None:
    if why != "nothing to tell":
        digested.submitted()
    changes: dict[str, dict[str, object]] = {
        "off": {"daily_digest": False}, "no address": {"email": ""}, "inactive": {"is_active": False},
    }  # fmt: skip
    type(digested.reviewer).objects.filter(pk=digested.reviewer.pk).update(**changes.get(why, {"theme": "dark"}))
    if why == "no mail host":
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"  # type: ignore[attr-defined]
        settings.EMAIL_HOST = ""  # type: ignore[attr-defined]
    assert digests.send_digests(never) == 0
    assert mail.outbox == []


def test_mail_server_in_trouble_delays_the_digest(digested: World) -> None:
    digested.submitted()
    with patch("queries.notices.mail.send", side_effect=Failure("no answer", everybody=True)):
        assert digests.send_digests(never) == 0
    assert digests.send_digests(never) == 1


def test_refused_address_waits_for_tomorrow_and_holds_up_nobody(digested: World) -> None:
    digested.submitted()
    query = digested.submitted()
    digested.approved(query)
    with patch("queries.notices.mail.send", side_effect=[Failure("refused"), None]):
        assert digests.send_digests(never) == 1
    assert digests.send_digests(never) == 0


def test_profile_offers_it_only_where_mail_can_be_sent(digested: World, client_of: SignedIn, settings: object) -> None:
    on = client_of(digested.author).get("/accounts/profile/").content.decode()
    assert "daily_digest" in on
    assert "not set up to send e-mail" not in on
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"  # type: ignore[attr-defined]
    off = client_of(digested.author).get("/accounts/profile/").content.decode()
    assert "daily_digest" not in off
    assert "not set up to send e-mail" in off
