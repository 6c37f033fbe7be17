"""The outbox: what should be said, and who is saying it now.

Writing is one statement inside the act's transaction. Sending is claimed with a lease in a transaction of its own, so
that several replicas share the work and the call to Slack happens outside of any of them.
"""

import datetime as dt
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, F, QuerySet, Value, When
from django.db.models.functions import Coalesce, Greatest, Now

from accounts.models import Absence, Actor, User
from audit import log
from queries.lifecycle import Verb
from queries.models import Event, Medium, Notice, QueryRequest, Tiding
from web.mail import mail_is_on

# Longer than a sender can take: a look-up and a post, each bounded by its timeout.
LEASE = dt.timedelta(minutes=3)
FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 30 * 60.0
# With these pauses: about eight hours.
TRIES = 24

# Approved and running look the same to people: the claim changes nothing they are told.
SILENT = frozenset({Verb.CLAIM})
# The author need not be told what they did themselves.
AUTHOR_HEARS = frozenset({Verb.ENDORSE, Verb.APPROVE, Verb.REJECT, Verb.EXPIRE, Verb.COMPLETE, Verb.FAIL, Verb.CLOSE})

# A pod without a channel still has the messages it posted before kept true. Whether a person wants mail is asked here,
# for the locked row of a request comes without its author.
ANNOUNCE = """
INSERT INTO notices AS notice (query_id, medium, person_id, channel)
SELECT request, 'slack', NULL::bigint, channel FROM (SELECT %s::bigint, %s::text {source}) AS about (request, channel)
    WHERE %s AND (channel <> '' OR EXISTS (SELECT FROM notices WHERE query_id = request AND medium = 'slack'))
UNION ALL
SELECT %s::bigint, 'email', id, '' FROM users
    WHERE id = ANY(%s::bigint[]) AND is_active AND notify_by_email AND EXISTS (SELECT {source})
ON CONFLICT (query_id, medium, person_id) DO UPDATE SET
    version = notice.version + 1,
    changed_at = statement_timestamp(),
    gave_up_at = NULL,
    (attempts, due_at) = (SELECT
        CASE WHEN still_trying THEN notice.attempts ELSE 0 END,
        CASE WHEN still_trying THEN notice.due_at ELSE statement_timestamp() END
        FROM (VALUES (notice.gave_up_at IS NULL AND notice.sent_version < notice.version)) AS now (still_trying))
RETURNING notice.id
"""

# What the bell tells an author, written in the statement of the act itself: it costs no round trip.
TELL = """
INSERT INTO tidings (person_id, query_id, event, actor_id)
SELECT %s::bigint, %s::bigint, %s::text, %s::bigint {source} RETURNING id
"""

# Nothing but reminders raises the version of a reviewer's notice, so the first one says that none was sent yet.
REMIND = """
UPDATE notices AS notice SET version = 2, changed_at = statement_timestamp(), due_at = statement_timestamp(),
    attempts = 0, gave_up_at = NULL
FROM query_requests AS query
WHERE query.id = notice.query_id AND query.status = 'PENDING' AND query.author_id <> notice.person_id
    AND query.submitted_at + (query.expires_at - query.submitted_at) / 2 <= statement_timestamp()
    AND notice.medium = 'email' AND notice.version = 1
"""

# Once to each who was told that it waits and has not decided since.
REMIND_BY_BELL = """
INSERT INTO tidings (person_id, query_id, event)
SELECT DISTINCT told.person_id, query.id, 'remind' FROM query_requests AS query
JOIN tidings AS told ON told.query_id = query.id AND told.event IN ('submit', 'revise')
WHERE query.status = 'PENDING' AND query.expires_at > statement_timestamp()
    AND query.submitted_at + (query.expires_at - query.submitted_at) / 2 <= statement_timestamp()
    AND NOT EXISTS (SELECT FROM decisions WHERE query_id = query.id AND reviewer_id = told.person_id)
    AND NOT EXISTS (SELECT FROM tidings AS before WHERE before.query_id = query.id
        AND before.person_id = told.person_id AND before.event = 'remind')
"""


# Who stands in for somebody who is away and has let three quarters of a request's time go by.
_STANDING = """
SELECT DISTINCT query.id AS query_id, other.id AS person_id, other.notify_by_email
FROM absences AS absence
JOIN users AS away ON away.id = absence.person_id AND away.is_active AND away.role IN ('MANAGER', 'ADMIN')
JOIN users AS other ON other.id = absence.stand_in_id AND other.is_active AND other.role IN ('MANAGER', 'ADMIN')
JOIN users_groups AS theirs ON theirs.user_id = away.id
JOIN users_groups AS ours ON ours.user_id = other.id AND ours.group_id = theirs.group_id
JOIN pods AS pod ON pod.managers_id = ours.group_id
JOIN query_requests AS query ON query.pod_id = pod.id AND query.author_id NOT IN (away.id, other.id)
WHERE absence.begins_at <= statement_timestamp() AND absence.ends_at > statement_timestamp()
    AND query.status = 'PENDING' AND query.expires_at > statement_timestamp()
    AND query.submitted_at + (query.expires_at - query.submitted_at) * 3 / 4 <= statement_timestamp()
    AND NOT EXISTS (SELECT FROM decisions WHERE query_id = query.id AND reviewer_id IN (away.id, other.id))
"""
CALL_STAND_INS_BY_BELL = f"""
INSERT INTO tidings (person_id, query_id, event)
SELECT person_id, query_id, 'stand_in' FROM ({_STANDING}) AS standing
WHERE NOT EXISTS (SELECT FROM tidings AS before WHERE before.query_id = standing.query_id
    AND before.person_id = standing.person_id AND before.event = 'stand_in')
"""  # noqa: S608 -- constants of ours
# The third of a reviewer's mails about a request, after the first and its reminder.
TO_STAND_IN = 3
CALL_STAND_INS = f"""
INSERT INTO notices AS notice (query_id, medium, person_id, version)
SELECT query_id, 'email', person_id, {TO_STAND_IN} FROM ({_STANDING}) AS standing WHERE notify_by_email
ON CONFLICT (query_id, medium, person_id) DO UPDATE SET version = {TO_STAND_IN}, changed_at = statement_timestamp(),
    due_at = statement_timestamp(), attempts = 0, gave_up_at = NULL
WHERE notice.version < {TO_STAND_IN}
"""  # noqa: S608 -- constants of ours


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to send one notice, until the lease ends."""

    notice_id: int
    lease: uuid.UUID
    # An earlier sender may have posted it without living to store where.
    perhaps_posted: bool


class Failure(Exception):
    """A message did not get through.

    `after`: seconds until it is worth trying again, None for ever longer pauses. `reached`: whether it may have got
    there all the same. `everybody`: the medium as a whole is at fault, not this message.
    """

    def __init__(
        self, problem: str, *, after: float | None = None, reached: bool = False, everybody: bool = False
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.after = after
        self.reached = reached
        self.everybody = everybody


class SlowDown(Failure):
    """The medium asks for a pause. It is no failed attempt, and it holds for every message and every replica."""

    def __init__(self, problem: str, *, after: float) -> None:
        super().__init__(problem, after=after, everybody=True)


# --- writing ---------------------------------------------------------------------------------------


def telling(query: QueryRequest, verb: Verb, actor: Actor) -> list[log.Act]:
    """What says that `verb` happened, as acts of the statement in which it does: by the bell to an author what somebody
    else did, by mail and in Slack to whoever is told."""
    if verb in SILENT:
        return []
    hears = verb in AUTHOR_HEARS
    told = []
    if hears and actor.pk != query.author_id:
        told.append(log.Act("told", TELL, [query.author_id, query.pk, Event(verb.value).value, actor.pk]))
    return [*told, *_announcement(query, [query.author_id] if hears and mail_is_on() else [])]


def tell(query: QueryRequest, event: Event, *, actor: Actor, people: Iterable[int]) -> None:
    """Ring the bell of people, by their keys, in the transaction of the act; never that of who acts."""
    told = sorted(set(people) - {actor.pk})
    Tiding.objects.bulk_create(
        Tiding(person_id=person, query=query, event=event.value, actor_id=actor.pk) for person in told
    )


def announce_submission(query: QueryRequest) -> None:
    """Say that a request waits for its pod's managers, in the transaction that stores it."""
    reviewers = query.pod.reviewers().exclude(pk=query.author_id).order_by("pk")
    found = list(reviewers.values_list("pk", "notify_by_email"))
    event = Event.SUBMIT if query.revises_id is None else Event.REVISE
    tell(query, event, actor=query.author, people=[pk for pk, _ in found])
    _announce(query, [pk for pk, by_email in found if by_email and mail_is_on()])


def announce_comment(query: QueryRequest, *, actor: User, named: Iterable[int]) -> None:
    """Say that somebody commented: to its author, to who took part, to who is `named`; else to who may decide.

    And to who stands in for those of them who are away, where the stand-in may decide.
    """
    others = {query.author_id, *query.comments.values_list("author", flat=True)}
    others |= set(query.decisions.values_list("reviewer", flat=True)) | set(named)
    reviewers = query.pod.reviewers()
    if others <= {actor.pk}:
        others |= set(reviewers.values_list("pk", flat=True))
    away = Absence.objects.holding().filter(person__in=others, stand_in__in=reviewers)
    others |= set(away.values_list("stand_in", flat=True))
    tell(query, Event.COMMENT, actor=actor, people=others)


def announce_rehearsal(query: QueryRequest) -> None:
    """Keep a posted message true: it says how many rows a write would change."""
    _announce(query, [])


def remind() -> int:
    """Write once more to managers for whom a request has waited half of its time, and to the stand-ins of those who
    are away when it has waited three quarters; how many mails there will be."""
    with connection.cursor() as cursor:
        cursor.execute(REMIND_BY_BELL)
        cursor.execute(CALL_STAND_INS_BY_BELL)
        cursor.execute(REMIND)
        mails = int(cursor.rowcount)
        if mail_is_on():
            cursor.execute(CALL_STAND_INS)
            mails += int(cursor.rowcount)
    return mails


def slack_is_on() -> bool:
    """Whether there is a token."""
    return bool(settings.PORTAL_SLACK_TOKEN)


def _announce(query: QueryRequest, people: list[int]) -> None:
    if not connection.in_atomic_block:
        raise RuntimeError("A notice is written inside the transaction of the act it tells of.")
    for act in _announcement(query, people):
        with connection.cursor() as cursor:
            cursor.execute(act.sql.replace(log.SOURCE, ""), act.values)


def _announcement(query: QueryRequest, people: list[int]) -> list[log.Act]:
    """A mail to each of the people who wants it, and the pod's message in Slack; [] where neither can be."""
    if not people and not slack_is_on():
        return []
    values = [query.pk, query.pod.slack_channel.strip(), slack_is_on(), query.pk, people]
    return [log.Act("announced", ANNOUNCE, values, beside=True)]


# --- sending ---------------------------------------------------------------------------------------


def claim(medium: Medium) -> Claim | None:
    """Take the notice that has been due for longest, past those that others are taking; None when there is none."""
    with transaction.atomic():
        due = Notice.objects.due(medium).order_by("due_at", "pk")
        notice = due.select_for_update(skip_locked=True, of=("self",)).first()
        if notice is None:
            return None
        taken = Claim(notice.pk, uuid.uuid4(), notice.posting_at is not None)
        first_post = medium is Medium.SLACK and not notice.message_ts
        Notice.objects.filter(pk=notice.pk).update(
            lease=taken.lease,
            leased_until=Now() + LEASE,
            attempts=F("attempts") + 1,
            posting_at=Coalesce("posting_at", Now()) if first_post else None,
        )
    return taken


def opened(taken: Claim) -> Notice:
    """The claimed notice with everything a message shows, as of one moment. Raises Notice.DoesNotExist."""
    return Notice.objects.select_related(
        "person", "query__author", "query__execution", "query__pod", "query__target"
    ).get(pk=taken.notice_id, lease=taken.lease)


def posted(notice: Notice, channel: str, ts: str) -> None:
    """Remember where a Slack message is, so that it is edited from now on. The lease may have ended meanwhile."""
    Notice.objects.filter(pk=notice.pk, message_ts="").update(message_channel=channel, message_ts=ts, posting_at=None)


def delivered(taken: Claim, notice: Notice, *, remark: str = "") -> None:
    """The message shows `notice.version`; what happened since is due at once."""
    Notice.objects.filter(pk=taken.notice_id, lease=taken.lease).update(
        sent_version=notice.version, attempts=0, due_at=Now(), lease=None, leased_until=None, problem=remark
    )


def failed(taken: Claim, failure: Failure) -> bool:
    """Try again later, or give up after `TRIES`; whether it was given up."""
    mine = Notice.objects.filter(pk=taken.notice_id, lease=taken.lease)
    no_attempt = isinstance(failure, SlowDown)
    giving_up = not no_attempt and mine.filter(attempts__gte=TRIES).exists()
    attempts = mine.values_list("attempts", flat=True).first() or 1
    fields: dict[str, object] = {
        "problem": failure.problem[:1000],
        "due_at": Now() + dt.timedelta(seconds=pause(attempts, failure.after)),
        "attempts": F("attempts") - 1 if no_attempt else F("attempts"),
        "gave_up_at": Now() if giving_up else None,
        "lease": None,
        "leased_until": None,
    }
    if not failure.reached and not taken.perhaps_posted:
        fields["posting_at"] = None
    mine.update(**fields)
    return giving_up


def pause(attempts: int, after: float | None) -> float:
    """Seconds until the next try: doubling from `FIRST_PAUSE_SECONDS`, spread by up to a half so that no herd forms."""
    base = min(FIRST_PAUSE_SECONDS * 2 ** (attempts - 1), LONGEST_PAUSE_SECONDS) if after is None else after
    return base * (1 + secrets.randbelow(1000) / 2000)


def postpone(medium: Medium, seconds: float) -> int:
    """Let every message of a medium wait, for every replica; those that are being written just now are let be."""
    until = Now() + dt.timedelta(seconds=seconds)
    with transaction.atomic():
        waiting = Notice.objects.due(medium).select_for_update(skip_locked=True).values_list("pk", flat=True)
        return Notice.objects.filter(pk__in=list(waiting)).update(due_at=Greatest("due_at", until))


def given_up() -> QuerySet[Notice]:
    """Messages that are no longer tried."""
    return Notice.objects.filter(gave_up_at__isnull=False)


def try_again() -> int:
    """Try every message that was given up, from the start; how many."""
    again = Case(When(sent_version__lt=F("version"), then=Now()), default=F("due_at"))
    return given_up().update(gave_up_at=None, attempts=0, due_at=again, problem=Value(""))
