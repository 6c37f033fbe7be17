"""What a script called and wrote, as HTML that is bounded: the rest of a long text, and more of them, are asked for."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import QuerySet
from django.utils.safestring import SafeString

from queries.models import Execution, LogLine, ScriptCall
from queries.presentation.pages import PAGE_BYTES, fitting_text, size
from queries.results import Room

INLINE_BYTES = 100_000
CALLS_SHOWN = 500
LINES_SHOWN = 2000
CHUNK = 50

Item = TypeVar("Item")
Row = TypeVar("Row", ScriptCall, LogLine)


@dataclass(frozen=True, slots=True)
class ShownCall:
    """A database call, its texts drawn."""

    number: int
    statement_html: SafeString
    parameters_html: SafeString
    failure_html: SafeString
    rows: int
    milliseconds: float

    @property
    def size(self) -> int:
        """Bytes of its HTML."""
        return size([self.statement_html, self.parameters_html, self.failure_html])


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line of the console, drawn."""

    level: str
    html: SafeString

    @property
    def size(self) -> int:
        """Bytes of its HTML."""
        return size([self.html])


@dataclass(frozen=True, slots=True)
class Part(Generic[Item]):
    """Some of them from `first` on (counted from 0), of `total`. `next` is where those after them begin."""

    items: list[Item]
    first: int
    total: int

    @property
    def end(self) -> int:
        """How many there are up to the last of them."""
        return self.first + len(self.items)

    @property
    def next(self) -> int | None:
        """Where more begin; None when these are the last."""
        return self.end if self.items and self.end < self.total else None


def calls(
    execution: Execution, address: str, *, first: int = 0, most: int = CALLS_SHOWN, room: int = PAGE_BYTES
) -> Part[ShownCall]:
    """Database calls. `address` is where a whole text is asked for, by `call` and `part`."""
    found = execution.calls.all()
    drawn = (_call(call, f"{address}?call={call.number}", room // 3) for call in _some(found, first, most))
    return Part(list(_fitting(drawn, room, lambda call: call.size)), first, found.count())


def lines(
    execution: Execution, address: str, *, first: int = 0, most: int = LINES_SHOWN, room: int = PAGE_BYTES
) -> Part[ShownLine]:
    """Lines of the console. `address` is where a whole one is asked for, by `line`."""
    found = execution.log_lines.all()
    drawn = (
        ShownLine(line.level, fitting_text(line.text, f"{address}?line={line.number}", room))
        for line in _some(found, first, most)
    )
    return Part(list(_fitting(drawn, room, lambda line: line.size)), first, found.count())


def _some(found: "QuerySet[Row]", first: int, most: int) -> Iterator[Row]:
    return found[first : first + most].iterator(chunk_size=CHUNK)


def _call(call: ScriptCall, address: str, room: int) -> ShownCall:
    return ShownCall(
        call.number,
        fitting_text(call.statement, f"{address}&part=statement", room),
        fitting_text(call.parameters, f"{address}&part=parameters", room),
        fitting_text(call.failure, f"{address}&part=failure", room),
        call.rows,
        call.milliseconds,
    )


def _fitting(items: Iterable[Item], room: int, taken: Callable[[Item], int]) -> Iterator[Item]:
    left = Room(room, room)
    for item in items:
        if not left.has(taken(item)):
            return
        left.left -= taken(item)
        yield item
