"""The words people read for statuses, codes, verbs, accesses, languages and failures: one list of each for all places.

Those of a verdict, a role, an engine or an environment stand with their choices: Django's own place for a label.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from executors.base import Access, Language
from queries.lifecycle import Status, Verb
from queries.models import Code, Event, QueryRequest, Tiding


@dataclass(frozen=True, slots=True)
class StatusWords:
    """A status in each of the sentences it stands in.

    `name`: on its own, in a list or a filter. `already`: “QR-17 is already …”. `notice`: “QR-17 …”. `told`: what
    the person is told whose act brought the request there, with `{number}` in it.
    """

    name: str
    already: str
    notice: str
    told: str


STATUSES: Final[Mapping[Status, StatusWords]] = {
    Status.PENDING: StatusWords(
        name="Waiting for approval",
        already="waiting for approval",
        notice="waits for approval",
        told="You approved {number}. It needs more approvals before it runs.",
    ),
    Status.APPROVED: StatusWords(
        name="Approved, about to run",
        already="approved and about to run",
        notice="is approved and runs",
        told="You approved {number}. It is about to run.",
    ),
    Status.EXECUTING: StatusWords(
        name="Running",
        already="running",
        notice="is approved and runs",
        told="You asked {number} to stop.",
    ),
    Status.EXECUTED: StatusWords(
        name="Finished",
        already="finished",
        notice="has finished",
        told="{number} ran and finished.",
    ),
    Status.FAILED: StatusWords(
        name="Failed",
        already="ended with a failure",
        notice="has failed",
        told="You approved {number}, and it failed. The reason is below.",
    ),
    Status.REJECTED: StatusWords(
        name="Rejected",
        already="rejected",
        notice="is rejected",
        told="You rejected {number}. It will not run.",
    ),
    Status.WITHDRAWN: StatusWords(
        name="Withdrawn",
        already="withdrawn",
        notice="is withdrawn",
        told="You withdrew {number}. It will not run.",
    ),
}

# Where a code says more than the status it stands beside.
ENDED_AS: Final[Mapping[Code, StatusWords]] = {
    Code.CHANGES_REQUESTED: StatusWords(
        name="Changes asked for",
        already="sent back for changes",
        notice="needs changes",
        told="You asked for changes to {number}. Its author can revise it.",
    ),
    Code.EXPIRED: StatusWords(
        name="Expired",
        already="expired",
        notice="has expired",
        told="{number} has expired. It will not run.",
    ),
}

# A request that is EXECUTING still, but only because nobody can tell yet what became of its COMMIT.
BEING_FOUND_OUT: Final = StatusWords(
    name="Being found out",
    already="sent to be committed, and what became of it is being found out",
    notice="was sent to be committed; what became of it is being found out",
    told="You approved {number}. It was sent to be committed; what became of it is being found out.",
)
MAINTENANCE_FOUND_OUT: Final = StatusWords(
    name="Being found out",
    already="sent to the target, and what became of it is being found out",
    notice="was sent to the target; what became of it is being found out",
    told="You approved {number}. It was sent to the target; what became of it is being found out.",
)
STILL_RUNS: Final = "You approved {number}. It runs, and goes on without this page."
CLOSED: Final = "You closed {number}. What became of it stays unknown to the portal; your words are kept with it."

# What somebody did to a request, after their name.
DID: Final[Mapping[Verb, str]] = {
    Verb.ENDORSE: "approved this",
    Verb.APPROVE: "approved this",
    Verb.REJECT: "rejected this",
    Verb.WITHDRAW: "withdrew this",
    Verb.EXPIRE: "let this expire; nobody decided in time",
    Verb.CLAIM: "started the run",
    Verb.COMPLETE: "finished the run",
    Verb.FAIL: "recorded that the run failed",
    Verb.CLOSE: "closed this by hand",
}
ASKED_FOR_CHANGES: Final = "asked for changes"
APPROVED_IN_ADVANCE: Final = "had approved this in advance, with its template"

# What the bell says of a request, after its number.
TOLD: Final[Mapping[Event, str]] = {
    Event.SUBMIT: "waits for your decision",
    Event.REVISE: "waits for your decision: a revision",
    Event.REMIND: "still waits for your decision: half of its time is over",
    Event.STAND_IN: "still waits for your decision: you stand in for somebody who is out of office",
    Event.COMMENT: "was commented on",
    Event.ENDORSE: "was approved; it needs more approvals",
    Event.APPROVE: "was approved",
    Event.REJECT: "was rejected",
    Event.EXPIRE: "has expired: nobody decided in time",
    Event.COMPLETE: "has finished",
    Event.FAIL: "has failed",
    Event.CLOSE: "was closed by hand",
}
CHANGES_ASKED: Final = "needs changes"

ACCESSES: Final[Mapping[Access, str]] = {
    Access.READ: "Read only",
    Access.WRITE: "Write",
    Access.MAINTENANCE: "Maintenance",
}

LANGUAGES: Final[Mapping[Language, str]] = {
    Language.SQL: "SQL",
    Language.MONGO: "MongoDB query",
    Language.SCRIPT: "JavaScript",
}

UNCHANGED: Final = "Nothing was changed."


@dataclass(frozen=True, slots=True)
class FailureWords:
    """`name`: what it is called. `meaning`: what it means for the data, the question everybody asks first. `advice`:
    what to do, or ""."""

    name: str
    meaning: str
    advice: str = ""


FAILURES: Final[Mapping[Code, FailureWords]] = {
    Code.ERROR: FailureWords("Error", f"The database refused it. {UNCHANGED}"),
    Code.TIMEOUT: FailureWords(
        "Time limit reached",
        f"It reached its time limit and was stopped. {UNCHANGED}",
        "Narrow it down, or ask an admin for a longer limit on this target.",
    ),
    Code.CANCELLED: FailureWords("Stopped", f"It was stopped. {UNCHANGED}"),
    Code.REFUSED: FailureWords("Refused by a guard", f"A guard of the portal refused it. {UNCHANGED}"),
    Code.ROW_BOUND: FailureWords(
        "Row bound exceeded",
        "It would have changed more rows than its bound. It was rolled back: nothing was changed.",
        "Narrow it down, or ask again and say how many rows it should change; its reviewer can rehearse it first.",
    ),
    Code.TOO_LARGE: FailureWords(
        "Too large", f"A value was larger than a run may hold. {UNCHANGED}", "Select fewer or smaller columns."
    ),
    Code.UNREACHABLE: FailureWords(
        "Target unreachable",
        "The database could not be reached. Nothing ran and nothing was changed.",
        "Wait for the database, or tell an admin; then revise the request to try again.",
    ),
    Code.INTERRUPTED: FailureWords(
        "Interrupted",
        "The portal stopped in the middle. Nothing was committed on the database.",
        "Revise the request to try again.",
    ),
    Code.OUTCOME_UNKNOWN: FailureWords(
        "Outcome unknown",
        "The answer to the commit never came. It may or may not have been applied: look at the data before you ask "
        "again.",
    ),
}

# Of what ran outside a transaction no failure says that nothing was changed, unless nothing was sent.
_LEFT: Final = "What it left behind, if anything, its message says."
MAINTENANCE_FAILURES: Final[Mapping[Code, FailureWords]] = {
    **FAILURES,
    Code.ERROR: FailureWords("Error", f"It ended with an error. {_LEFT}"),
    Code.TIMEOUT: FailureWords(
        "Time limit reached",
        f"It reached a time limit and was stopped. {_LEFT}",
        "End what it waits for, or ask an admin for a longer limit for maintenance on this target.",
    ),
    Code.CANCELLED: FailureWords("Stopped", f"It was stopped. {_LEFT}"),
    Code.TOO_LARGE: FailureWords("Too large", f"It needed more memory than a run may have. {_LEFT}"),
    Code.INTERRUPTED: FailureWords(
        "Interrupted",
        f"It was interrupted. {_LEFT}",
        "Finish or remove what it left behind; then revise the request to try again.",
    ),
    Code.OUTCOME_UNKNOWN: FailureWords(
        "Outcome unknown", "What became of it is not known: look at the target before you ask again."
    ),
}


def of_failure(query: QueryRequest, code: str) -> FailureWords | None:
    """What a failure of this request means; None for a code that is none."""
    return (MAINTENANCE_FAILURES if query.maintains else FAILURES).get(Code(code))


def of(query: QueryRequest) -> StatusWords:
    """The words for a request as it is."""
    if query.is_being_found_out:
        return MAINTENANCE_FOUND_OUT if query.maintains else BEING_FOUND_OUT
    return of_request(query.state, query.code)


def of_request(status: Status, code: str) -> StatusWords:
    """The words for a request in this status with this code."""
    return ENDED_AS.get(Code(code), STATUSES[status])


def told(tiding: Tiding) -> str:
    """What the bell says happened, after the number of the request."""
    if tiding.event == Event.REJECT and tiding.query.code == Code.CHANGES_REQUESTED:
        return CHANGES_ASKED
    return TOLD[Event(tiding.event)]


def name_of_code(code: str) -> str:
    """What a request's code is called; "" where it says no more than its status."""
    said = FAILURES.get(Code(code)) or ENDED_AS.get(Code(code))
    return said.name if said is not None else ""


def failed(said: str, code: str) -> str:
    """That a run failed, and of what: that it ended with an error is said by `said` already."""
    name = "" if code == Code.ERROR else name_of_code(code).lower()
    return f"{said}: {name}" if name else said


def named(names: Mapping[Access, str] | Mapping[Language, str], value: str) -> str:
    """The name of a stored value; the value itself where it has none."""
    return {str(key): name for key, name in names.items()}.get(value, value)
