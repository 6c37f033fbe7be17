"""What the values of a column are, told from the server's name of its type: that decides what comes before what."""

from __future__ import annotations

import re
from enum import StrEnum

from executors.base import Column, RowEncoding


class Kind(StrEnum):
    """NUMBER by value, TIME and CLOCK by the moment, SPAN by its length, TRUTH false first, TEXT by character code.

    MIXED is told cell by cell: numbers, then moments, then text.
    """

    NUMBER = "number"
    TIME = "time"
    CLOCK = "clock"
    SPAN = "span"
    TRUTH = "truth"
    TEXT = "text"
    MIXED = "mixed"


MODIFIER = re.compile(r"\([0-9,-]*\)")
INTERVAL = re.compile(r"interval( (year|month|day|hour|minute|second)( to (month|hour|minute|second))?)?")
INTEGERS = frozenset({"smallint", "integer", "bigint", "oid"})
_KINDS = {
    **dict.fromkeys((*INTEGERS, "numeric", "real", "double precision"), Kind.NUMBER),
    **dict.fromkeys(("date", "timestamp without time zone", "timestamp with time zone"), Kind.TIME),
    **dict.fromkeys(("time without time zone", "time with time zone"), Kind.CLOCK),
    "boolean": Kind.TRUTH,
}


def kind_of(encoding: RowEncoding, column: Column) -> Kind:
    """The kind of a column's values. A type of somebody's own that bears a server's name comes with its schema."""
    if encoding is not RowEncoding.COPY:
        return Kind.MIXED
    name = MODIFIER.sub("", column.type)
    return Kind.SPAN if INTERVAL.fullmatch(name) else _KINDS.get(name, Kind.TEXT)
