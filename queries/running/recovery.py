"""What a dead process left behind, or nobody answered for, is settled by whoever finds it, and never run again.

Who looks at a request asks its target at once; the maintenance asks with growing pauses. After a day without an answer
the outcome is unknown for good.
"""

import datetime as dt
import logging
from collections.abc import Callable, Iterable
from typing import TypeAlias

from django.db import Error, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone
from structlog.contextvars import bound_contextvars

from executors.base import Access, CommitStatus, Interrupted
from queries.joined import locked
from queries.lifecycle import Status
from queries.models import Decision, Execution, LogLine, QueryRequest
from queries.results.writer import ChunkWriter
from queries.running.claim import hold, release
from queries.running.ending import HOPE, Ending, ask, found_out, unknown
from queries.running.settling import conclude, outcome_fields, said_fields, store_lines

# An approval is followed by its claim within milliseconds; after this long its process is gone.
CLAIM_GRACE_SECONDS = 60
FIRST_PAUSE_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 30 * 60.0

logger = logging.getLogger(__name__)

HowItEnded: TypeAlias = Callable[[QueryRequest], Ending | None]


def settle_all_lost() -> list[QueryRequest]:
    """Settle every run whose process is gone; those that were. One that cannot be settled does not hold up the rest."""
    return [query for query in _left() if _settled(query)]


def settle_all_restored() -> list[QueryRequest]:
    """The same in a database that came from a backup: a write that the backup knows as running may have gone on, and
    committed, without this database. What became of it is not known, unless its target can be asked."""
    return [query for query in _left() if _settled(query, how=_restored_ending)]


def settle_due() -> list[QueryRequest]:
    """The same, leaving alone for a while what a target gave no answer for: for longer and longer."""
    return [query for query in _left() if _due(query) and _settled(query)]


def _left() -> Iterable[QueryRequest]:
    left = QueryRequest.objects.filter(status__in=(Status.APPROVED, Status.EXECUTING))
    return left.select_related("target", "execution").order_by("pk")


def _due(query: QueryRequest) -> bool:
    execution: Execution | None = getattr(query, "execution", None)
    if execution is None or execution.asked_at is None:
        return True
    pause = min(FIRST_PAUSE_SECONDS * 2.0 ** min(execution.asks - 1, 20), LONGEST_PAUSE_SECONDS)
    return (timezone.now() - execution.asked_at).total_seconds() >= pause


def _settled(query: QueryRequest, *, how: HowItEnded | None = None) -> bool:
    try:
        with bound_contextvars(query_id=str(query.public_id)):
            return settle_lost(query, how=how)
    except Error:
        raise
    except Exception:
        logger.exception("%s cannot be settled", query.number, extra={"query_id": str(query.public_id)})
        return False


def settle_lost(query: QueryRequest, *, how: HowItEnded | None = None) -> bool:
    """Settle one run if its process is gone, without ever running it again; whether it was settled here.

    `how` tells of one that is left behind how it must have ended; None while that cannot be told yet.
    """
    if query.state not in {Status.APPROVED, Status.EXECUTING} or _about_to_start(query) or hold(query.pk) is None:
        return False
    try:
        ending = (how or _lost_ending)(query)
        if ending is None:
            return False
        with transaction.atomic():
            return _settle_dead(query.pk, ending)
    finally:
        release()


def _settle_dead(query_id: int, ending: Ending) -> bool:
    query = locked(query_id)
    if query.state not in {Status.APPROVED, Status.EXECUTING}:
        return False
    Execution.objects.filter(pk=query_id).update(
        **outcome_fields(ending.outcome),
        **said_fields(query_id, ending.error),
        result_lost=ending.result_lost,
        finished_at=Now(),
        result_expires_at=timezone.now() + dt.timedelta(days=query.target.retention_days),
    )
    if ending.log_lines:
        store_lines(query_id, ending.log_lines, LogLine.objects.filter(execution=query_id).count())
    ChunkWriter(query_id).forget()
    conclude(query, ending)
    return True


def _lost_ending(query: QueryRequest) -> Ending | None:
    """How the run must have ended; None while that cannot be told yet."""
    execution = Execution.objects.filter(pk=query.pk, finished_at=None).first()
    if execution is None:
        return _never_claimed(query)
    if query.access == Access.READ:
        return Ending(
            error=Interrupted("The portal stopped while this ran. It could only read; ask again if you need it.")
        )
    if execution.committing_at is None:
        return Ending(error=Interrupted("The portal stopped before this was committed; nothing was changed."))
    found = ask(query, execution.transaction)
    if found.status is CommitStatus.IN_PROGRESS:
        return None
    if found.status is CommitStatus.UNANSWERED and timezone.now() < execution.committing_at + HOPE:
        Execution.objects.filter(pk=query.pk, finished_at=None).update(asked_at=Now(), asks=F("asks") + 1)
        return None
    return found_out(query, found, execution.transaction, "The portal stopped while this ran")


def _restored_ending(query: QueryRequest) -> Ending | None:
    """How a run ended whose later entries, the name of its transaction among them, a restore has forgotten."""
    named = Execution.objects.filter(pk=query.pk, finished_at=None).exclude(committing_at=None).exists()
    return _lost_ending(query) if query.access == Access.READ or named else Ending(error=unknown(query, ""))


def give_up(query: QueryRequest) -> None:
    """End the search for what became of a run: it is not known. In the transaction of who decided that."""
    name = Execution.objects.values_list("transaction", flat=True).get(pk=query.pk)
    said = said_fields(query.pk, unknown(query, name))
    Execution.objects.filter(pk=query.pk, finished_at=None).update(**said, finished_at=Now())


def _never_claimed(query: QueryRequest) -> Ending | None:
    if query.state is not Status.APPROVED:
        return None
    return Ending(error=Interrupted("The portal stopped before this started; nothing ran."))


def _about_to_start(query: QueryRequest) -> bool:
    """Whether an approval is so fresh that its own process is about to claim the run, and must find it free."""
    if query.state is not Status.APPROVED:
        return False
    last = Decision.objects.filter(query=query).order_by("-pk").first()
    return last is not None and (timezone.now() - last.at).total_seconds() < CLAIM_GRACE_SECONDS
