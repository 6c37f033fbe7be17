"""The statements of a text of several, folded: those of one kind that follow each other are one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from executors.base import Language
from queries.models import Execution, QueryRequest

# So many are shown one by one, and of more so many lines.
SHOWN = 50


@dataclass(frozen=True, slots=True)
class Part:
    """The statements from `first` to `last` (from 1), all of a `kind`. `rows` is None where none of them tells."""

    first: int
    last: int
    kind: str
    rows: int | None

    @property
    def count(self) -> int:
        """How many they are."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Parts:
    """What is shown of the statements of a text, and how many are left out. `ran`: the rows are those they changed."""

    shown: tuple[Part, ...]
    left_out: int
    ran: bool


def parts(query: QueryRequest, execution: Execution | None) -> Parts | None:
    """The statements of a request that has several: with what each changed, once it ran."""
    ran = [(one["kind"], one["rows_affected"]) for one in execution.statements] if execution else []
    found = ran or _in_text(query)
    if len(found) < 2:  # noqa: PLR2004 - one statement is shown by itself
        return None
    whole = tuple(_folded(found) if len(found) > SHOWN else _each(found))
    shown = whole[:SHOWN]
    return Parts(shown, len(found) - shown[-1].last, bool(ran))


def _in_text(query: QueryRequest) -> list[tuple[str, int | None]]:
    """In the order they will run; how often a script calls what is known by its run alone."""
    return [(kind, None) for kind in query.kinds] if query.language == Language.SQL else []


def _each(found: Sequence[tuple[str, int | None]]) -> Iterator[Part]:
    for number, (kind, rows) in enumerate(found, 1):
        yield Part(number, number, kind, rows)


def _folded(found: Sequence[tuple[str, int | None]]) -> Iterator[Part]:
    first = 1
    for kind, group in groupby(found, key=lambda one: one[0]):
        rows = [rows for _, rows in group]
        told = [number for number in rows if number is not None]
        yield Part(first, first + len(rows) - 1, kind, sum(told) if told else None)
        first += len(rows)
