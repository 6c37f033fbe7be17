"""What became of the rows of an earlier result of the same statement in a later one: told once, kept for an hour."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from executors.arranging.differing import Difference
from executors.base import Column, RowEncoding
from executors.processes import arrangers
from executors.processes.arrangers import Unarranged
from queries.models import Execution
from queries.results.orders import Ordered, digest_of, keep, kept, stored_rows, unavailable
from queries.results.reader import columns_of, rows_at
from web.errors import BadInput, FieldError

# What else is kept of a difference.
COUNTS = "counts"


class Change(StrEnum):
    """What became of a row."""

    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Pair:
    """A row as it was and as it is, each with its number from 0 in its result; None where it is not there."""

    before: tuple[int, bytes] | None
    after: tuple[int, bytes] | None


@dataclass(frozen=True, slots=True)
class Compared:
    """Two results, the `earlier` and the `later` one: how many rows became what, and those of one kind."""

    earlier: Execution
    later: Execution
    orders: dict[Change, Ordered]
    same: int
    repeated: int

    @property
    def columns(self) -> list[Column]:
        return columns_of(self.later)

    @property
    def encoding(self) -> RowEncoding:
        return RowEncoding(self.later.encoding)

    def count(self, change: Change) -> int:
        """How many rows became that."""
        total = self.orders[change].total
        return total // 2 if change is Change.CHANGED else total

    def pairs(self, change: Change, first: int, limit: int) -> Iterator[Pair]:
        """The rows that became that, from the place `first` on. Raises Unreadable."""
        order = self.orders[change]
        if change is Change.CHANGED:
            numbers = list(order.numbers(2 * first, 2 * limit))
            before, after = numbers[::2], numbers[1::2]
            return map(Pair, _numbered(self.earlier, before), _numbered(self.later, after))
        numbers = list(order.numbers(first, limit))
        if change is Change.ADDED:
            return (Pair(None, row) for row in _numbered(self.later, numbers))
        return (Pair(row, None) for row in _numbered(self.earlier, numbers))


def _numbered(execution: Execution, numbers: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    return zip(numbers, rows_at(execution, numbers), strict=True)


def compared(earlier: Execution, later: Execution, key: Sequence[int]) -> Compared:
    """The difference. `key` are the columns, from 0, that tell a row; without any, the whole row does.

    Raises BadInput where the columns are not the same, Unavailable where it takes too much, Unreadable.
    """
    if earlier.encoding != later.encoding or columns_of(earlier) != columns_of(later):
        message = "The two results have different columns, so their rows cannot be held against each other."
        raise BadInput({"with": [FieldError(message)]})
    parts = (*(change.value for change in Change), COUNTS)
    names = {part: digest_of(["difference", earlier.pk, list(key), part]) for part in parts}
    orders = {part: kept(later, digest) for part, digest in names.items()}
    counts = orders[COUNTS]
    if counts is None or any(order is None for order in orders.values()):
        found = _told(earlier, later, key)
        told = {
            Change.CHANGED.value: found.changed,
            Change.ADDED.value: found.added,
            Change.REMOVED.value: found.removed,
            COUNTS: array("I", (found.same, found.repeated)),
        }
        orders = {part: keep(later, names[part], numbers) for part, numbers in told.items()}
        same, repeated = found.same, found.repeated
    else:
        same, repeated = counts.numbers(0, 2)
    return Compared(
        earlier, later, {change: order for change in Change if (order := orders[change.value])}, same, repeated
    )


def _told(earlier: Execution, later: Execution, key: Sequence[int]) -> Difference:
    try:
        return arrangers.compare(stored_rows(earlier), stored_rows(later), (key, key))
    except Unarranged as error:
        raise unavailable(error) from error
