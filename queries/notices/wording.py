"""What notices say of a request: its number, a verb, its title, who and where. Never the statement, never data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from executors.base import Access
from queries import bounds
from queries.lifecycle import FINAL, Status
from queries.models import QueryRequest, Verdict
from queries.words import failed, of
from web.characters import marked

ASKS: Final[Mapping[Access, str]] = {
    Access.READ: "to read from",
    Access.WRITE: "to write to",
    Access.MAINTENANCE: "for maintenance of",
}


@dataclass(frozen=True, slots=True)
class Said:
    """The sentences of a notice, as plain text that is not escaped for any medium."""

    number: str
    verb: str
    title: str
    asks: str
    decided: str
    outcome: str
    link: str

    @property
    def headline(self) -> str:
        """`QR-17 is rejected`."""
        return f"{self.number} {self.verb}"


def said(query: QueryRequest) -> Said:
    """The notice of a request in the state it is in."""
    decisions = list(query.decisions.select_related("reviewer"))
    approvals = [marked(d.reviewer.label) for d in decisions if d.verdict == Verdict.APPROVE]
    rejections = [marked(d.reviewer.label) for d in decisions if d.verdict == Verdict.REJECT]
    decided = []
    if approvals:
        decided.append(f"{Verdict.APPROVE.label} by {', '.join(approvals)}")
    if rejections:
        decided.append(f"{of(query).name} by {', '.join(rejections)}")
    return Said(
        number=query.number,
        verb=_verb(query, len(approvals)),
        title=marked(query.title),
        asks=_asks(query),
        decided="; ".join(decided),
        outcome=_outcome(query),
        link=link(query),
    )


def link(query: QueryRequest) -> str:
    """The address of the request's page."""
    return f"{settings.PORTAL_BASE_URL}/queries/{query.public_id}/"


def _verb(query: QueryRequest, approvals: int) -> str:
    verb = of(query).notice
    if query.state is Status.PENDING and query.approvals_needed > 1:
        return f"{verb} ({approvals} of {query.approvals_needed})"
    return failed(verb, query.code) if query.state is Status.FAILED else verb


def _asks(query: QueryRequest) -> str:
    target = f"{marked(query.target.name)} ({query.target.get_environment_display().lower()})"
    asks = f"{marked(query.author.label)} asks {ASKS[Access(query.access)]} {target}, {marked(query.pod.name)}"
    return f"{asks}; {_would_change(query)}" if query.writes and query.state not in FINAL else asks


def _would_change(query: QueryRequest) -> str:
    rehearsal = bounds.latest(query)
    rows = bounds.counted(query, bounds.Sight.of(rehearsal) if rehearsal is not None else None)
    if rows is None:
        return "how many rows it would change is not known"
    said = "as rehearsed" if rows.origin is bounds.Origin.REHEARSAL else "its author expects"
    return f"{rows.rows:,} {_rows(rows.rows)} would change, {said}"


def _outcome(query: QueryRequest) -> str:
    execution = getattr(query, "execution", None)
    if execution is None or query.state is not Status.EXECUTED:
        return ""
    parts = []
    if execution.has_rows:
        cut = ", cut at a limit" if execution.truncated else ""
        parts.append(f"{execution.row_count:,} {_rows(execution.row_count)}{cut}")
    if not execution.affected_known:
        parts.append("how many rows changed is not known")
    elif execution.rows_affected is not None:
        parts.append(f"{execution.rows_affected:,} {_rows(execution.rows_affected)} changed")
    if execution.duration_ms is not None:
        parts.append(f"{execution.duration_ms / 1000:.1f} s")
    return ", ".join(parts)


def _rows(count: int) -> str:
    return "row" if count == 1 else "rows"
