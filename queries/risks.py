"""What makes a write worth a second look, in words, and what is asked before it runs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from executors.base import Access, FindingCode
from pods.models import Environment
from queries.bounds import Origin, Sight, counted
from queries.models import QueryRequest
from web.characters import marked

YES = "yes"
# More than all reasons to look twice together.
_PRODUCTION = 1 << 10


class Risk(StrEnum):
    """Why to look twice, the worst first."""

    OUTSIDE = "outside"
    DESTROYS = "destroys"
    WHOLE_TABLE = "whole_table"
    MANY_ROWS = "many_rows"
    UNSEEN = "unseen"


WORDS = {
    Risk.OUTSIDE: "Outside a transaction",
    Risk.DESTROYS: "Drops or empties something",
    Risk.WHOLE_TABLE: "Changes a whole table",
    Risk.MANY_ROWS: "Changes many rows",
    Risk.UNSEEN: "Effect not seen",
}

_CODES = {
    FindingCode.NO_WHERE: Risk.WHOLE_TABLE,
    FindingCode.NO_FILTER: Risk.WHOLE_TABLE,
    FindingCode.ALWAYS_TRUE: Risk.WHOLE_TABLE,
    FindingCode.OUTER_NAME: Risk.WHOLE_TABLE,
    FindingCode.REPLACES_COLLECTION: Risk.WHOLE_TABLE,
    FindingCode.DESTRUCTIVE: Risk.DESTROYS,
}


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What is asked before a write runs: a name to type, as it is or as pages draw it; "" where yes is enough."""

    name: str

    def given(self, answer: str) -> bool:
        """Whether this is the answer."""
        return answer.strip() in {self.name or YES, marked(self.name) or YES}


def raises(code: str) -> bool:
    """Whether a finding of this code is a risk of its own."""
    return code in _CODES


def risks(query: QueryRequest, sight: Sight | None) -> list[Risk]:
    """Why to look twice at a write: what its findings say, how many rows it changes, and whether anybody saw that."""
    if query.access == Access.READ:
        return []
    codes = {str(finding["code"]) for finding in query.findings}
    found = {risk for code, risk in _CODES.items() if code in codes}
    if query.maintains:
        # What it changes is never counted: that nobody saw it says nothing more.
        return [risk for risk in Risk if risk in {*found, Risk.OUTSIDE}]
    rows = counted(query, sight)
    if rows is not None and rows.rows > query.target.default_bound:
        found.add(Risk.MANY_ROWS)
    if rows is None or rows.origin is not Origin.REHEARSAL:
        found.add(Risk.UNSEEN)
    return [risk for risk in Risk if risk in found]


def queue_order(query: QueryRequest, sight: Sight | None) -> int:
    """Where a request stands in a queue, the lowest first: writes in production, then by the worst reason to look twice
    and all others; a write and maintenance before a read. As it is now: it is stored when a request is sent, and when
    it is rehearsed.
    """
    if query.access == Access.READ:
        return 0
    found = risks(query, sight)
    weighed = sum(1 << place for place, risk in enumerate(reversed(Risk), start=1) if risk in found)
    production = query.target.environment == Environment.PRODUCTION
    return -(1 + weighed + (_PRODUCTION if production else 0))


def confirmation(query: QueryRequest, sight: Sight | None) -> Confirmation | None:
    """What is asked before the last approval runs a write; None where nothing is."""
    found = risks(query, sight)
    if query.maintains and Risk.DESTROYS not in found:
        return Confirmation("")
    if found:
        return Confirmation(query.tables[0] if len(query.tables) == 1 else query.target.name)
    return Confirmation("") if query.writes and query.target.environment == Environment.PRODUCTION else None
