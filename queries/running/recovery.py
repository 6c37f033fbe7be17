"""What a dead process left behind is settled by whoever finds it, and never run again."""

import datetime as dt
import logging

from django.db import Error, transaction
from django.db.models.functions import Now
from django.utils import timezone

from executors.base import Access, CommitStatus, Interrupted, WriteOutcome
from queries.joined import locked
from queries.lifecycle import Status
from queries.models import Decision, Execution, QueryRequest
from queries.results.writer import ChunkWriter
from queries.running.claim import release, take
from queries.running.ending import LOST_ANSWER, Ending, commit_status, unknown
from queries.running.settling import conclude, outcome_fields, said_fields

# An approval is followed by its claim within milliseconds; after this long its process is gone.
CLAIM_GRACE_SECONDS = 60

logger = logging.getLogger(__name__)


def settle_all_lost() -> list[QueryRequest]:
    """Settle every run whose process is gone; those that were. One that cannot be settled does not hold up the rest."""
    left = QueryRequest.objects.filter(status__in=(Status.APPROVED, Status.EXECUTING))
    return [query for query in left.select_related("target").order_by("pk") if _settled(query)]


def _settled(query: QueryRequest) -> bool:
    try:
        return settle_lost(query)
    except Error:
        raise
    except Exception:
        logger.exception("%s cannot be settled", query.number)
        return False


def settle_lost(query: QueryRequest) -> bool:
    """Settle one run if its process is gone, without ever running it again; whether it was settled here."""
    if query.state not in {Status.APPROVED, Status.EXECUTING} or _about_to_start(query) or take(query.pk) is None:
        return False
    try:
        ending = _lost_ending(query)
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
    return _as_the_target_says(query, execution.transaction)


def _as_the_target_says(query: QueryRequest, name: str) -> Ending | None:
    status = commit_status(query, name)
    if status is CommitStatus.IN_PROGRESS:
        return None
    if status is CommitStatus.COMMITTED:
        return Ending(outcome=WriteOutcome(rows_affected=None, affected_known=False), result_lost=LOST_ANSWER)
    if status is CommitStatus.ABORTED:
        return Ending(
            error=Interrupted("The portal stopped while this ran; the target says that nothing was committed.")
        )
    return Ending(error=unknown(name))


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
