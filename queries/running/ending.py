"""How a run ended, and what the target itself says of a run whose end was not seen."""

import time
from dataclasses import dataclass, field

from executors import processes
from executors.base import (
    Access,
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
    calls: list[Call] = field(default_factory=list)
    log_lines: list[tuple[str, str]] = field(default_factory=list)
    # How many there were; not all may have been kept.
    calls_made: int = 0
    lines_written: int = 0


def ask_target(query: QueryRequest, ending: Ending, transaction: str) -> None:
    """Replace an unknown outcome by what the target itself says of the transaction, "" when it has no name for it."""
    status = commit_status(query, transaction)
    if status is CommitStatus.COMMITTED:
        ending.outcome, ending.error = WriteOutcome(rows_affected=None, affected_known=False), None
        ending.result_lost = LOST_ANSWER
    elif status is CommitStatus.ABORTED:
        ending.error = Interrupted("The connection was lost; the target says that nothing was committed.")
    else:
        ending.error = unknown(transaction)


def unknown(transaction: str) -> OutcomeUnknown:
    """What to say when nobody can know."""
    # What follows the name is for the engine.
    name = transaction.partition(" ")[0]
    what = f"transaction {name}" if name else "the statement"
    return OutcomeUnknown(
        f"The portal cannot know whether {what} was committed. Look at the rows it would have changed on the target "
        "before asking again; the portal will not run it a second time."
    )


def commit_status(query: QueryRequest, transaction: str) -> CommitStatus:
    """What the target says of the run's transaction; UNKNOWN when it cannot be asked."""
    status = CommitStatus.UNKNOWN
    for pause in ASK_PAUSES if transaction else ():
        time.sleep(pause)
        try:
            target = query.target.with_credential(Access(query.access))
            status = processes.commit_status(target, transaction)
        except (ExecutionError, KeyError):
            continue
        if status not in {CommitStatus.IN_PROGRESS, CommitStatus.UNANSWERED}:
            break
    return status
