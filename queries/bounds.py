"""How many rows a write may change: what an approval says, and where the number comes from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils import timezone

from executors.base import FindingCode
from queries.models import QueryRequest, Rehearsal, Schema, Verdict

_UNCOUNTED = frozenset({FindingCode.REPLACES_COLLECTION, FindingCode.MERGES_INTO_COLLECTION})


class Origin(StrEnum):
    """Where a bound comes from."""

    REHEARSAL = "rehearsal"
    EXPECTED = "expected"
    DEFAULT = "default"


class Stale(StrEnum):
    """Why a rehearsal no longer tells what the write would do."""

    FAILED = "failed"
    OLD = "old"
    CHANGED = "changed"
    SCHEMA = "schema"


@dataclass(frozen=True, slots=True)
class Bound:
    """A number of rows and where it comes from."""

    rows: int
    origin: Origin


@dataclass(frozen=True, slots=True)
class Sight:
    """What the last rehearsal of a request counted: of which digest, when, and how many rows (None: it failed).

    `schema` is what the target says now, where it was asked.
    """

    digest: str
    at: dt.datetime
    rows: int | None
    schema: Schema = Schema.UNKNOWN

    @classmethod
    def of(cls, rehearsal: Rehearsal) -> Sight:
        """That of a rehearsal."""
        rows = None if rehearsal.effect is None else rehearsal.effect["total"]
        return cls(rehearsal.digest, rehearsal.at, rows, rehearsal.schema)

    @classmethod
    def of_row(cls, query: QueryRequest) -> Sight | None:
        """That which the statement of a list read with the request (`queries.rows`)."""
        seen: dict[str, Any] | None = vars(query)["rehearsed"]
        return Sight(seen["digest"], dt.datetime.fromisoformat(seen["at"]), seen["rows"]) if seen else None


def latest(query: QueryRequest) -> Rehearsal | None:
    """The last rehearsal of a request."""
    return Rehearsal.objects.filter(query=query).select_related("by").order_by("-pk").first()


def latest_of(queries: Sequence[QueryRequest]) -> dict[int, Rehearsal]:
    """The last rehearsal of each request that has one, by the request's key: two statements however many they are.

    The rows that were seen are left where they are.
    """
    writes = [query.pk for query in queries if query.writes]
    last = Rehearsal.objects.filter(query__in=writes).order_by("query_id", "-pk").distinct("query_id")
    found = {rehearsal.query_id: rehearsal for rehearsal in last.select_related("by").defer("data")}
    failed = {rehearsal.pk: rehearsal for rehearsal in found.values() if rehearsal.failure_code}
    for key, data in Rehearsal.objects.filter(pk__in=failed).values_list("pk", "data"):
        failed[key].data = data
    return found


def staleness(query: QueryRequest, rehearsal: Rehearsal) -> Stale | None:
    """Why a rehearsal does not count now; None when it does."""
    return _staleness(query, Sight.of(rehearsal))


def counted(query: QueryRequest, sight: Sight | None) -> Bound | None:
    """How many rows a write would change: what a rehearsal that counts saw, or what its author expects; None where
    nobody said."""
    if not query.writes:
        return None
    if sight is not None and sight.rows is not None and _staleness(query, sight) is None:
        return Bound(sight.rows, Origin.REHEARSAL)
    return None if query.expects is None else Bound(query.expects, Origin.EXPECTED)


def _staleness(query: QueryRequest, sight: Sight) -> Stale | None:
    if sight.rows is None:
        return Stale.FAILED
    if sight.digest != query.digest:
        return Stale.CHANGED
    if timezone.now() - sight.at > dt.timedelta(minutes=query.target.rehearsal_minutes):
        return Stale.OLD
    return Stale.SCHEMA if sight.schema is Schema.CHANGED else None


def proposed(query: QueryRequest, rehearsal: Rehearsal | None) -> Bound | None:
    """The bound of an approval that names none: what was rehearsed and a tolerance, what the author expects, or the
    target's own. None for a read."""
    if not query.writes or not boundable(query):
        return None
    if rehearsal is not None and rehearsal.effect is not None and staleness(query, rehearsal) is None:
        # An undo changes the rows it names, and what triggers add to them; a row more would be somebody else's.
        percent = 0 if query.undoes_id is not None else query.target.bound_tolerance
        return Bound(tolerated(rehearsal.effect["total"], percent), Origin.REHEARSAL)
    if query.expects is not None:
        return Bound(query.expects, Origin.EXPECTED)
    return Bound(query.target.default_bound, Origin.DEFAULT)


def boundable(query: QueryRequest) -> bool:
    """Whether its rows can be counted before they last: what MongoDB's `$out` and `$merge` write cannot."""
    return not any(finding["code"] in _UNCOUNTED for finding in query.findings)


def tolerated(rows: int, percent: int) -> int:
    """`rows` and so many percent more, rounded up."""
    return rows + -(-rows * percent // 100)


def in_force(query: QueryRequest) -> int | None:
    """What a run is held to: the lowest bound of its approvals; None for a read, and for one approved without."""
    given = [decision.bound for decision in query.decisions.all() if decision.verdict == Verdict.APPROVE]
    return min((bound for bound in given if bound is not None), default=None)
