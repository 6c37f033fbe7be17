"""E-mail: to a manager when something waits for them and at half its time, to the author at each decision and the end.

A mail cannot be edited, and a server that took it may not live to say so. It is sent at least once, and a repeat has
the same Message-ID, by which mailboxes drop it.
"""

import smtplib
from collections.abc import Iterable
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone

from accounts.models import User
from queries.lifecycle import Status
from queries.models import Notice, QueryRequest
from queries.notices import outbox
from queries.notices.outbox import Failure
from queries.notices.wording import Said, said

SLOW_SECONDS = 15 * 60.0
PERMANENT = 500


def deliver(notice: Notice) -> str:
    """Send what the person should know now, if anything; a remark, or "". Raises Failure."""
    person, query = notice.person, notice.query
    if person is None or not (person.is_active and person.notify_by_email and person.email):
        return "This person takes no e-mail."
    if person.pk != query.author_id and not _waits_for(query, person):
        return "It no longer waits for this person."
    send(_message(notice, person, said(query)))
    return ""


def _waits_for(query: QueryRequest, person: User) -> bool:
    return (
        query.state is Status.PENDING
        and query.expires_at > timezone.now()
        and query.pod.has_manager(person)
        and not query.decisions.filter(reviewer=person).exists()
    )


def _message(notice: Notice, person: User, words: Said) -> EmailMessage:
    mine = person.pk == notice.query.author_id
    subject = words.headline if mine else f"{words.number} {_waits(notice)}"
    paragraphs = (f"{words.headline}.", words.title, _lines((words.asks, words.decided, words.outcome)), words.link)
    thread = f"<{notice.key}@{domain()}>"
    return EmailMessage(
        subject=subject,
        body="\n\n".join(part for part in paragraphs if part) + "\n",
        to=[person.email],
        headers={
            "Message-ID": f"<{notice.key}.{notice.version}@{domain()}>",
            "References": thread,
            "Auto-Submitted": "auto-generated",
        },
    )


def domain() -> str:
    """What stands behind the @ of a Message-ID."""
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"


def _waits(notice: Notice) -> str:
    waits = "still waits" if notice.version > 1 else "waits"
    return f"{waits} for you, who stand in" if notice.version == outbox.TO_STAND_IN else f"{waits} for your review"


def _lines(sentences: Iterable[str]) -> str:
    return "\n".join(f"{sentence}." for sentence in sentences if sentence)


def send(message: EmailMessage) -> None:
    """Hand a message to the mail server. Raises Failure."""
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        # The server's words quote the address; its codes say enough.
        codes = sorted({code for code, _ in error.recipients.values()})
        slow = SLOW_SECONDS if all(code >= PERMANENT for code in codes) else None
        raise Failure(f"The mail server refused the recipient: {codes}", after=slow) from error
    except smtplib.SMTPAuthenticationError as error:
        problem = "The mail server refused our login"
        raise Failure(problem, after=SLOW_SECONDS, everybody=True) from error
    except smtplib.SMTPResponseException as error:
        raise Failure(f"The mail server refused: {error.smtp_code}", everybody=True) from error
    except (smtplib.SMTPException, OSError) as error:
        raise Failure(f"The mail server cannot be reached: {type(error).__name__}", everybody=True) from error
    except ValueError as error:
        # An address or header that no mail can have.
        raise Failure(f"The mail cannot be written: {error}", after=SLOW_SECONDS) from error
