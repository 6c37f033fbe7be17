"""Who gets an e-mail, when, and what is never in it."""

from __future__ import annotations

import smtplib
from unittest.mock import patch

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from queries import services
from queries.models import Notice
from queries.notices.sending import send_due
from queries.tests.world import World
from web.mail import mail_is_on


@pytest.fixture
def readers(world: World) -> World:
    """The author and one of two reviewers want e-mail."""
    for person in (world.author, world.reviewer):
        person.notify_by_email = True
        person.email = f"{person.username}@example.com"
        person.save()
    return world


def sent() -> list[tuple[str, str]]:
    """Recipient and subject of what was sent since the last call."""
    send_due()
    found = [(message.to[0], str(message.subject)) for message in mail.outbox]
    mail.outbox.clear()
    return found


def test_reviewer_who_wants_it_hears_of_a_submission(readers: World) -> None:
    query = readers.submitted()
    assert sent() == [("reviewer@example.com", f"{query.number} waits for your review")]


def test_mail_links_to_the_request_and_holds_no_statement(readers: World) -> None:
    query = readers.submitted("SELECT 'sesame'")
    send_due()
    body = mail.outbox[0].body
    assert f"/queries/{query.public_id}/" in body
    assert "to see what is there" in body
    assert "sesame" not in body


def test_reviewer_is_not_told_of_what_no_longer_waits(readers: World) -> None:
    query = readers.submitted()
    services.withdraw(actor=readers.author, query_id=query.pk)
    assert sent() == []
    assert not Notice.objects.unsent().exists()


def test_reviewer_is_not_told_after_leaving_the_pod(readers: World) -> None:
    readers.submitted()
    readers.pod.managers.user_set.remove(readers.reviewer)
    assert sent() == []


def test_author_hears_of_each_decision_and_of_the_end(readers: World) -> None:
    readers.change_target(approvals_required=2)
    query = readers.submitted()
    sent()
    readers.approved(query)
    assert sent() == [("author@example.com", f"{query.number} waits for approval (1 of 2)")]
    readers.approved(query, by=readers.second_reviewer)
    assert sent() == [("author@example.com", f"{query.number} has finished")]


def test_author_hears_of_a_failure_by_its_kind_only(readers: World) -> None:
    query = readers.submitted("SELECT 1 / (SELECT count(*) FROM effects WHERE tag = 'sesame')")
    sent()
    readers.approved(query)
    send_due()
    assert mail.outbox[0].subject == f"{query.number} has failed"
    assert "division" not in mail.outbox[0].body


def test_author_is_not_told_of_their_own_withdrawal(readers: World) -> None:
    query = readers.submitted()
    services.withdraw(actor=readers.author, query_id=query.pk)
    assert not Notice.objects.filter(person=readers.author).exists()


def test_nobody_without_the_wish_is_written_to(world: World) -> None:
    world.executed()
    assert not Notice.objects.exists()


def test_wish_taken_back_before_sending_is_honoured(readers: World) -> None:
    readers.submitted()
    readers.reviewer.notify_by_email = False
    readers.reviewer.save()
    assert sent() == []


def test_repeat_has_the_same_message_id_and_the_next_one_another(readers: World) -> None:
    readers.change_target(approvals_required=2)
    query = readers.submitted()
    readers.approved(query)
    send_due()
    Notice.objects.update(sent_version=0)
    send_due()
    readers.approved(query, by=readers.second_reviewer)
    send_due()
    ids = [m.extra_headers["Message-ID"] for m in mail.outbox if m.to == ["author@example.com"]]
    assert ids[0] == ids[1] != ids[2]


def test_name_cannot_add_a_header_or_a_line(readers: World) -> None:
    readers.target.name = "Orders\r\nBcc: all@example.com"
    readers.target.save()
    readers.submitted()
    send_due()
    assert "\nBcc:" not in mail.outbox[0].message().as_string()


@pytest.mark.parametrize(
    ("error", "slow"),
    [
        (smtplib.SMTPServerDisconnected("gone"), False),
        (ConnectionRefusedError(), False),
        (smtplib.SMTPAuthenticationError(535, b"no"), True),
        (smtplib.SMTPRecipientsRefused({"reviewer@example.com": (550, b"no")}), True),
    ],
)
def test_mail_server_in_trouble_delays_the_mail(readers: World, error: Exception, slow: bool) -> None:
    readers.submitted()
    with patch.object(EmailBackend, "send_messages", side_effect=error):
        assert sent() == []
    notice = Notice.objects.get()
    assert ((notice.due_at - notice.changed_at).total_seconds() >= 600) is slow
    assert "example.com" not in notice.problem
    Notice.objects.update(due_at="2000-01-01T00:00Z")
    assert len(sent()) == 1


def test_without_a_mail_server_nothing_is_written(readers: World, settings: object) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"  # type: ignore[attr-defined]
    assert not mail_is_on()
    readers.submitted()
    assert not Notice.objects.exists()
