"""The daily e-mail: what waits for a person, and what happened that they have not looked at. Never a statement.

It is claimed before it is sent, so that no replica sends it twice: one that is lost with its process is made up for by
the next morning's, which tells of everything that is still unread.
"""

import datetime as dt
import logging
from collections.abc import Callable, Sequence
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone

from accounts.models import User
from queries.models import QueryRequest, Tiding
from queries.models.conversation import CALLS
from queries.notices import mail
from queries.notices.outbox import Failure
from queries.notices.wording import link
from queries.words import told
from web.characters import marked
from web.mail import mail_is_on

logger = logging.getLogger(__name__)

# The hour at which it is due, where its reader is.
HOUR: Final = 7
MOST_LISTED: Final = 30


def send_digests(stopping: Callable[[], bool]) -> int:
    """Send what is due now; how many e-mails went out."""
    sent = 0
    for person in due() if mail_is_on() else ():
        if stopping():
            break
        try:
            sent += _send(person)
        except Failure as failure:
            logger.warning("the daily e-mail to person %s failed: %s", person.pk, failure.problem)
            if failure.everybody:
                break
    return sent


def due() -> list[User]:
    """Who wants one and had none since seven this morning, where they are."""
    wanted = User.objects.filter(daily_digest=True, is_active=True).exclude(email="").order_by("pk")
    return [person for person in wanted if person.digest_at is None or person.digest_at < _morning(person)]


def _morning(person: User) -> dt.datetime:
    now = timezone.now().astimezone(person.zone)
    today = now.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    return today if today <= now else today - dt.timedelta(days=1)


def _send(person: User) -> bool:
    before = person.digest_at
    mine = User.objects.filter(pk=person.pk, digest_at=before)
    if not mine.update(digest_at=timezone.now()):
        return False
    message = digest(person)
    if message is None:
        return False
    try:
        mail.send(message)
    except Failure as failure:
        if failure.everybody:
            # It is not this mail's fault: the next round tries again.
            User.objects.filter(pk=person.pk).update(digest_at=before)
        raise
    return True


def digest(person: User) -> EmailMessage | None:
    """What a person is told now; None where there is nothing to tell."""
    waiting = list(QueryRequest.objects.awaiting(person).in_queue_order().select_related("target")[: MOST_LISTED + 1])
    news = Tiding.objects.of(person).unread().exclude(event__in=CALLS).with_words()
    happened = list(news[: MOST_LISTED + 1])
    if not waiting and not happened:
        return None
    subject = ", ".join(filter(None, (_waits(len(waiting)), _news(len(happened)))))
    parts = [
        *_section("Waits for your decision:", [_asked(query, person) for query in waiting]),
        *_section("Happened since you looked:", [_told(tiding) for tiding in happened]),
        f"{settings.PORTAL_BASE_URL}/",
        "You asked for this e-mail once a day; your profile turns it off.",
    ]
    day = timezone.now().astimezone(person.zone).date()
    headers = {"Message-ID": f"<digest.{person.pk}.{day}@{mail.domain()}>", "Auto-Submitted": "auto-generated"}
    return EmailMessage(subject=subject, body="\n\n".join(parts) + "\n", to=[person.email], headers=headers)


def _waits(count: int) -> str:
    words = "request waits" if count == 1 else "requests wait"
    return f"{_counted(count)} {words} for you" if count else ""


def _news(count: int) -> str:
    return f"{_counted(count)} thing{'' if count == 1 else 's'} happened" if count else ""


def _counted(count: int) -> str:
    return str(count) if count <= MOST_LISTED else f"more than {MOST_LISTED}"


def _section(title: str, lines: Sequence[str]) -> list[str]:
    more = ["… and more in the portal."] if len(lines) > MOST_LISTED else []
    return [title, *lines[:MOST_LISTED], *more] if lines else []


def _asked(query: QueryRequest, person: User) -> str:
    until = query.expires_at.astimezone(person.zone).strftime("%Y-%m-%d %H:%M %Z")
    return f"{query.number}, on {marked(query.target.name)}, until {until}\n{marked(query.title)}\n{link(query)}"


def _told(tiding: Tiding) -> str:
    return f"{tiding.query.number} {told(tiding)}\n{marked(tiding.query.title)}\n{link(tiding.query)}"
