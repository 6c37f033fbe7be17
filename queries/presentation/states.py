"""The words, colours and icons of a request's state, and the sentences that say how its run ended."""

from dataclasses import dataclass

from django.utils import timezone

from executors.base import Access, EngineKind, FailureCode, Language
from queries.lifecycle import Status
from queries.models import Code, QueryRequest


@dataclass(frozen=True, slots=True)
class Badge:
    """A state as people read it: never a colour alone."""

    text: str
    tone: str
    icon: str


PLAIN: dict[Status, Badge] = {
    Status.APPROVED: Badge("Approved, about to run", "note", "play"),
    Status.EXECUTING: Badge("Running", "note", "loader"),
    Status.EXECUTED: Badge("Finished", "ok", "check"),
    Status.FAILED: Badge("Failed", "bad", "circle-x"),
    Status.REJECTED: Badge("Rejected", "bad", "x"),
    Status.WITHDRAWN: Badge("Withdrawn", "", "undo-2"),
}

UNCHANGED = "Nothing was changed."

# What a failure means for the data, in one sentence: the question everybody asks first.
MEANING: dict[str, str] = {
    FailureCode.ERROR: "The database refused it. Nothing was changed.",
    FailureCode.TIMEOUT: "It reached its time limit and was stopped. Nothing was changed.",
    FailureCode.CANCELLED: "It was stopped. Nothing was changed.",
    FailureCode.REFUSED: "A guard of the portal refused it. Nothing was changed.",
    FailureCode.ROW_BOUND: "It would have changed more rows than its bound. It was rolled back: nothing was changed.",
    FailureCode.TOO_LARGE: "A value was larger than a run may hold. Nothing was changed.",
    FailureCode.UNREACHABLE: "The database could not be reached. Nothing ran and nothing was changed.",
    FailureCode.INTERRUPTED: "The portal stopped in the middle. Nothing was committed on the database.",
    FailureCode.OUTCOME_UNKNOWN: "The answer to the commit never came. It may or may not have been applied: "
    "look at the data before you ask again.",
}

NEXT_STEP: dict[str, str] = {
    FailureCode.TIMEOUT: "Narrow it down, or ask an admin for a longer limit on this target.",
    FailureCode.UNREACHABLE: "Wait for the database, or tell an admin; then revise the request to try again.",
    FailureCode.INTERRUPTED: "Revise the request to try again.",
    FailureCode.TOO_LARGE: "Select fewer or smaller columns.",
}


def meaning(query: QueryRequest, code: str) -> str:
    """What the failure means. A MongoDB server without transactions may keep a part of a write: its message says."""
    sentence = MEANING.get(code, "")
    if query.language == Language.SCRIPT and code == FailureCode.ERROR:
        sentence = f"The script ended with an error. {UNCHANGED}"
    if query.access == Access.WRITE and query.target.engine == EngineKind.MONGODB and code != FailureCode.UNREACHABLE:
        return sentence.replace(UNCHANGED, "").strip()
    return sentence


def is_overdue(query: QueryRequest) -> bool:
    """Whether it waits no longer, although nobody has written that down yet: it counts as expired at once."""
    return query.state is Status.PENDING and query.expires_at <= timezone.now()


def badge(query: QueryRequest, approvals: int | None = None) -> Badge:
    """The state of a request. `approvals` given so far adds “1 of 2” where more than one is needed."""
    if query.state is Status.PENDING:
        return _pending(query, approvals)
    if query.code == Code.CHANGES_REQUESTED:
        return Badge("Changes asked for", "warn", "pencil")
    if query.code == Code.EXPIRED:
        return Badge("Expired", "", "clock")
    plain = PLAIN[query.state]
    if query.state is Status.FAILED and query.code:
        return Badge(f"Failed: {query.get_code_display().lower()}", plain.tone, plain.icon)
    if query.state is Status.EXECUTED and query.access == "write":
        return Badge("Finished and committed", plain.tone, plain.icon)
    return plain


def _pending(query: QueryRequest, approvals: int | None) -> Badge:
    if is_overdue(query):
        return Badge("Expired", "", "clock")
    text = "Waiting for approval"
    if approvals is not None and query.approvals_required > 1:
        text += f", {approvals} of {query.approvals_required}"
    return Badge(text, "warn", "circle-dot")
