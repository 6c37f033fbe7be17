"""The colours and icons of a request's state, and what is said of it and of how its run ended."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils import timezone

from executors.base import Access, EngineKind, Language
from queries.lifecycle import Status
from queries.models import Code, QueryRequest
from queries.words import BEING_FOUND_OUT, ENDED_AS, UNCHANGED, failed, of_failure, of_request


@dataclass(frozen=True, slots=True)
class Badge:
    """A state as people read it: never a colour alone."""

    text: str
    tone: str
    icon: str


# Colour and icon of each status; the words are in `queries.words`.
LOOKS: dict[Status, tuple[str, str]] = {
    Status.PENDING: ("warn", "circle-dot"),
    Status.APPROVED: ("note", "play"),
    Status.EXECUTING: ("note", "loader"),
    Status.EXECUTED: ("ok", "check"),
    Status.FAILED: ("bad", "circle-x"),
    Status.REJECTED: ("bad", "x"),
    Status.WITHDRAWN: ("", "undo-2"),
}
CODE_LOOKS: dict[Code, tuple[str, str]] = {
    Code.CHANGES_REQUESTED: ("warn", "pencil"),
    Code.EXPIRED: ("", "clock"),
}


def meaning(query: QueryRequest, code: str) -> str:
    """What the failure means. A MongoDB server without transactions may keep a part of a write: its message says."""
    words = of_failure(query, code)
    sentence = words.meaning if words else ""
    if query.language == Language.SCRIPT and code == Code.ERROR:
        sentence = f"The script ended with an error. {UNCHANGED}"
    if query.access == Access.WRITE and query.target.engine == EngineKind.MONGODB and code != Code.UNREACHABLE:
        return sentence.replace(UNCHANGED, "").strip()
    return sentence


def advice(query: QueryRequest, code: str) -> str:
    """What to do about a failure, "" where that is plain."""
    words = of_failure(query, code)
    return words.advice if words else ""


DATE_ORDERS = {"DMY": "day, month, year", "MDY": "month, day, year", "YMD": "year, month, day"}
PLAIN_INTERVALS = frozenset({"", "postgres"})


def session_words(settings: Mapping[str, str]) -> list[tuple[str, str]]:
    """The target's own settings under which a statement's dates and times were read: labels and words."""
    found = []
    if zone := settings.get("time_zone"):
        found.append(("Time zone", zone))
    if order := settings.get("date_order"):
        found.append(("Dates read as", DATE_ORDERS.get(order, order)))
    if (style := settings.get("interval_style", "")) not in PLAIN_INTERVALS:
        found.append(("Intervals", style))
    return found


def is_overdue(query: QueryRequest) -> bool:
    """Whether it waits no longer, although nobody has written that down yet: it counts as expired at once."""
    return query.state is Status.PENDING and query.expires_at <= timezone.now()


def badge(query: QueryRequest, approvals: int | None = None) -> Badge:
    """The state of a request. `approvals` given so far adds “1 of 2” where more than one is needed."""
    code = Code.EXPIRED if is_overdue(query) else Code(query.code)
    tone, icon = CODE_LOOKS.get(code, LOOKS[query.state])
    return Badge(_text(query, code, approvals), tone, icon)


def _text(query: QueryRequest, code: Code, approvals: int | None) -> str:
    if query.is_being_found_out:
        return BEING_FOUND_OUT.name
    name = of_request(query.state, code).name
    if code in ENDED_AS:
        return name
    if query.state is Status.PENDING and approvals is not None and query.approvals_needed > 1:
        return f"{name}, {approvals} of {query.approvals_needed}"
    if query.state is Status.FAILED:
        return failed(name, code)
    if query.state is Status.EXECUTED and query.access == Access.WRITE:
        return f"{name} and committed"
    return name
