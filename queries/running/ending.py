"""How a run ended, and what the target itself says of a run whose end was not seen.

Where nobody answers who could know, the request stays EXECUTING and is asked about again (`recovery`), for a day: what
is FAILED is so for good, and what may yet turn out to be EXECUTED must not be called so before.
"""

import datetime as dt
import time
from dataclasses import dataclass, field

from executors import processes
from executors.base import (
    Access,
    Aftermath,
    Call,
    CommitStatus,
    ExecutionError,
    Interrupted,
    Outcome,
    OutcomeUnknown,
    WriteOutcome,
)
from queries.models import QueryRequest

# Between questions to a target that may just be restarting.
ASK_PAUSES = (0.0, 0.5, 1.5)
# A person may be waiting for the answer, and can come again.
ASK_SECONDS = 5.0
HOPE = dt.timedelta(days=1)
NO_ANSWER = frozenset({CommitStatus.IN_PROGRESS, CommitStatus.UNANSWERED})
MAINTENANCE_UNKNOWN = (
    "The portal cannot know what became of the statement. Look at what it was to build or to remove on the target "
    "before asking again; the portal will not run it a second time."
)
LOST_ANSWER = (
    "The target committed, but its answer was lost: what it returned, and how many rows changed, is not known."
)


@dataclass(slots=True)
class Ending:
    """How a run ended, ready to be settled."""

    outcome: Outcome | None = None
    error: ExecutionError | None = None
    duration_ms: float = 0.0
    result_lost: str = ""
    # Of the rows that were kept.
    result_digest: str = ""
    # Nobody could say yet how it ended; there is neither outcome nor error then.
    unanswered: bool = False
    calls: list[Call] = field(default_factory=list)
    log_lines: list[tuple[str, str]] = field(default_factory=list)
    # How many there were; not all may have been kept.
    calls_made: int = 0
    lines_written: int = 0


def ask_target(query: QueryRequest, ending: Ending, transaction: str) -> None:
    """Replace an unknown outcome by what the target itself says of the transaction, "" when it has no name for it."""
    found = ask_insistently(query, transaction)
    if found.status in NO_ANSWER:
        ending.error, ending.unanswered = None, True
        return
    told = found_out(query, found, transaction, "The connection was lost")
    ending.outcome, ending.error, ending.result_lost = told.outcome, told.error, told.result_lost
    ending.log_lines += told.log_lines
    ending.lines_written += told.lines_written


def found_out(query: QueryRequest, found: Aftermath, transaction: str, lost: str) -> Ending:
    """The end of a run whose answer was `lost`, as its target tells it."""
    if query.maintains:
        return _maintained(found, lost)
    if found.status is CommitStatus.COMMITTED:
        return Ending(outcome=WriteOutcome(rows_affected=None, affected_known=False), result_lost=LOST_ANSWER)
    if found.status is CommitStatus.ABORTED:
        return Ending(error=Interrupted(f"{lost}; the target says that nothing was committed."))
    return Ending(error=unknown(query, transaction))


def _maintained(found: Aftermath, lost: str) -> Ending:
    """Of what ran outside a transaction nothing is guessed: it is what the catalogue says."""
    if found.status is CommitStatus.COMMITTED:
        said = f"The answer was lost; this is what the target says. {found.said}".strip()
        return Ending(outcome=WriteOutcome(rows_affected=None), log_lines=[("info", said)], lines_written=1)
    if found.status in {CommitStatus.ABORTED, CommitStatus.PARTLY}:
        said = found.said or "The target says that nothing was committed."
        return Ending(error=Interrupted(f"{lost}. {said}", detail={"repair": found.repair} if found.repair else {}))
    return Ending(error=OutcomeUnknown(f"{MAINTENANCE_UNKNOWN} {found.said}".strip()))


def unknown(query: QueryRequest, transaction: str) -> OutcomeUnknown:
    """What to say when nobody can know."""
    if query.maintains:
        return OutcomeUnknown(MAINTENANCE_UNKNOWN)
    # What follows the name is for the engine.
    name = transaction.partition(" ")[0]
    what = f"transaction {name}" if name else "the statement"
    return OutcomeUnknown(
        f"The portal cannot know whether {what} was committed. Look at the rows it would have changed on the target "
        "before asking again; the portal will not run it a second time."
    )


def ask_insistently(query: QueryRequest, transaction: str) -> Aftermath:
    """What the target says of the run's transaction within the seconds in which it may just be restarting."""
    found = Aftermath(CommitStatus.UNANSWERED)
    for pause in ASK_PAUSES:
        time.sleep(pause)
        found = ask(query, transaction)
        if found.status not in NO_ANSWER:
            break
    return found


def ask(query: QueryRequest, transaction: str) -> Aftermath:
    """What the target says of the run's transaction; UNKNOWN of one without a name."""
    if not transaction:
        return Aftermath(CommitStatus.UNKNOWN)
    try:
        target = query.target.with_credential(Access(query.access))
        if query.maintains:
            return processes.aftermath(target, transaction, seconds=ASK_SECONDS)
        return Aftermath(processes.commit_status(target, transaction, seconds=ASK_SECONDS))
    except (ExecutionError, KeyError):
        return Aftermath(CommitStatus.UNANSWERED)
