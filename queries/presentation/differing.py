"""The difference between two results as a table: what a cell was and what it is, bounded as every page is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from django.utils.html import format_html
from django.utils.safestring import SafeString

from executors.cells import Cell, cell_reader
from queries.presentation.pages import Head, drawn_cell, heads_of, size
from queries.results import Room
from queries.results.differences import Change, Compared, Pair

PAGE_BYTES = 700_000
# Characters of a value.
LENGTHS = (1_000, 100, 0)


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row: its numbers, from 1, in the earlier and the later result, and its cells."""

    before: int | None
    after: int | None
    cells: list[SafeString]


@dataclass(frozen=True, slots=True)
class ShownDifference:
    """Rows of one kind from the place `first` on; `counts` are those of each kind, `next` is where more begin."""

    heads: list[Head]
    rows: list[ShownRow]
    counts: dict[str, int]
    same: int
    repeated: int
    first: int
    total: int

    @property
    def count(self) -> int:
        """How many rows."""
        return len(self.rows)

    @property
    def next(self) -> int | None:
        end = self.first + self.count
        return end if self.count and end < self.total else None

    @property
    def is_none(self) -> bool:
        """Whether every row is the same."""
        return not any(self.counts.values())


def shown(found: Compared, change: Change, first: int, limit: int, addresses: tuple[str, str]) -> ShownDifference:
    """The rows of one kind. `addresses` are where whole values are asked for: of the earlier, of the later result."""
    room = Room(PAGE_BYTES, PAGE_BYTES)
    # Whole values: two that begin alike may differ further on.
    read = cell_reader(found.encoding, found.columns)
    rows = list(_rows(found.pairs(change, first, limit), read, addresses, room))
    return ShownDifference(
        heads=heads_of(found.columns),
        rows=rows,
        counts={kind.value: found.count(kind) for kind in Change},
        same=found.same,
        repeated=found.repeated,
        first=first,
        total=found.count(change),
    )


def _rows(
    pairs: Iterator[Pair], read: Callable[[bytes], list[Cell]], addresses: tuple[str, str], room: Room
) -> Iterator[ShownRow]:
    for pair in pairs:
        draw = partial(_cells, pair, read, addresses)
        cells = next((cells for most in LENGTHS if size(cells := draw(most)) <= room.whole), draw(0))
        taken = size(cells)
        if not room.has(taken):
            return
        room.left -= taken
        yield ShownRow(_number(pair.before), _number(pair.after), cells)


def _number(row: tuple[int, bytes] | None) -> int | None:
    return None if row is None else row[0] + 1


def _cells(pair: Pair, read: Callable[[bytes], list[Cell]], addresses: tuple[str, str], most: int) -> list[SafeString]:
    before = _drawn(pair.before, read, addresses[0], most)
    after = _drawn(pair.after, read, addresses[1], most)
    if before is None or after is None:
        return [html for _, html in before or after or ()]
    return [_both(*one, *two) for one, two in zip(before, after, strict=True)]


def _drawn(
    row: tuple[int, bytes] | None, read: Callable[[bytes], list[Cell]], address: str, most: int
) -> Sequence[tuple[Cell, SafeString]] | None:
    """Each cell and its drawing."""
    if row is None:
        return None
    number, encoded = row
    return [
        (value, drawn_cell(value, most, f"{address}?row={number}&column={place}"))
        for place, value in enumerate(read(encoded))
    ]


def _both(before: Cell, drawn_before: SafeString, after: Cell, drawn_after: SafeString) -> SafeString:
    """The value, or what it was and what it is."""
    if type(before) is type(after) and before == after:
        return drawn_after
    return format_html(
        '<del><span class="vh">before: </span>{}</del> <ins><span class="vh">after: </span>{}</ins>',
        drawn_before,
        drawn_after,
    )
