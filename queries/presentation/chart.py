"""What is drawn of a result: points, what a reader of the page is told of them, and the table of the same rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from executors.arranging.keys import micros_of, number_part
from executors.base import RowEncoding, Scalar
from executors.cells import Cell, picker
from queries.presentation import pages
from queries.presentation.charting import Plotted
from queries.presentation.pages import Columns, ShownPage
from queries.results import Window
from web.characters import marked

# So many rows are drawn at most: as a line, or as bars, which need a width that can be seen.
MOST_POINTS = 2_000
MOST_BARS = 200
# And no more than so many bytes of them are read.
READ_BYTES = 8 * 1024 * 1024
TABLE_ROWS = 200
# Numbers beyond it are not drawn: the steps of an axis are not so large.
LARGEST = 1e30
# Characters of a value that are read out beside the chart.
TEXT_CHARACTERS = 40
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
# The years with four digits: of others a browser's calendar makes something else.
FIRST_YEAR, LAST_YEAR = 1000, 9999
_FIRST_MICRO = (dt.datetime(FIRST_YEAR, 1, 1, tzinfo=dt.UTC) - _EPOCH) // dt.timedelta(microseconds=1)
_LAST_MICRO = (dt.datetime(LAST_YEAR, 12, 31, tzinfo=dt.UTC) - _EPOCH) // dt.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Point:
    """A value as it is drawn, None where it cannot be, as the server wrote it, and exactly."""

    value: float | None
    text: str
    exact: Decimal | None = None

    @property
    def is_exact(self) -> bool:
        """Whether it is drawn for what it is."""
        return self.value is None or Decimal(repr(self.value)) == self.exact


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one column, a point for each place along the axis, and what these places are called."""

    name: str
    points: Sequence[Point]
    labels: Sequence[str]

    @property
    def drawn(self) -> list[tuple[Decimal, str, str]]:
        """The values that are drawn, exactly, their texts, and where they stand."""
        pairs = zip(self.points, self.labels, strict=True)
        return [(point.exact, point.text, label) for point, label in pairs if point.exact is not None]

    @property
    def least(self) -> tuple[Decimal, str, str]:
        """The least value that is drawn."""
        return min(self.drawn, key=lambda one: one[0])

    @property
    def greatest(self) -> tuple[Decimal, str, str]:
        """The greatest value that is drawn."""
        return max(self.drawn, key=lambda one: one[0])

    @property
    def left_out(self) -> int:
        """How many rows have no number that can be drawn."""
        return len(self.points) - len(self.drawn)

    @property
    def approximate(self) -> int:
        """How many numbers have more digits than a chart tells apart."""
        return sum(not point.is_exact for point in self.points)


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn of the first `count` of the rows asked for, and the table beside it.

    `positions` stand along the axis: seconds since 1970 in UTC, or the places of names. `timeless` rows have no moment
    that can be drawn.
    """

    axis: str
    is_time: bool
    in_utc: bool
    positions: Sequence[float]
    series: Sequence[Series]
    table: ShownPage
    count: int
    timeless: int

    @property
    def is_cut(self) -> bool:
        """Whether there are more rows than are drawn."""
        return self.count < self.table.row_count

    @property
    def labels(self) -> Sequence[str]:
        """What stands along the axis, as the server wrote it."""
        return self.series[0].labels

    @property
    def is_single(self) -> bool:
        """Whether there is but one place along the axis: its numbers say more than a picture."""
        return len(self.positions) == 1

    @property
    def data(self) -> dict[str, Any]:
        """What the browser draws."""
        return {
            "time": self.is_time,
            "axis": self.axis,
            "positions": self.positions,
            "labels": self.labels,
            "series": [
                {
                    "name": one.name,
                    "values": [point.value for point in one.points],
                    "texts": [point.text for point in one.points],
                }
                for one in self.series
            ],
        }


def most_rows(asked: Plotted) -> int:
    """How many rows are drawn at most."""
    return MOST_POINTS if asked.is_time else MOST_BARS


def chart(window: Window, address: str, asked: Plotted, columns: Columns) -> Chart:
    """The rows as a chart. `address` is where a whole value is asked for; `columns` are those of the table."""
    rows = list(_within(window.rows))
    pick = picker(window.encoding, window.columns, asked.places)
    placed = list(_placed([pick(row) for _, row in rows], is_time=asked.is_time))
    labels = [_text(cells[0]) for _, cells in placed]
    axis, *values = (window.columns[place] for place in asked.places)
    return Chart(
        axis=_short(axis.name),
        is_time=asked.is_time,
        in_utc=asked.is_time and (window.encoding is not RowEncoding.COPY or axis.type.endswith("with time zone")),
        positions=[position for position, _ in placed],
        series=[
            Series(_short(column.name), [_point(window.encoding, cells[at]) for _, cells in placed], labels)
            for at, column in enumerate(values, start=1)
        ],
        table=_table(window, rows, address, columns),
        count=len(rows),
        timeless=len(rows) - len(placed),
    )


def _table(window: Window, rows: Sequence[tuple[int, bytes]], address: str, columns: Columns) -> ShownPage:
    return pages.table(replace(window, rows=iter(rows[:TABLE_ROWS])), address=address, columns=columns)


def _within(rows: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """The rows as far as they may be read; the first in any case."""
    left = READ_BYTES
    for at, (number, row) in enumerate(rows):
        left -= len(row)
        if at and left < 0:
            return
        yield number, row


def _placed(rows: Sequence[list[Cell]], *, is_time: bool) -> list[tuple[float, list[Cell]]]:
    """The rows with their places along the axis: names as they come, moments one after the other."""
    if not is_time:
        return [(float(at), cells) for at, cells in enumerate(rows)]
    found = [(micros, cells) for cells in rows if (micros := _moment(cells[0])) is not None]
    return [(micros / 1_000_000, cells) for micros, cells in sorted(found, key=lambda one: one[0])]


def _moment(cell: Cell) -> int | None:
    micros = micros_of(cell) if isinstance(cell, str) else None
    return micros if micros is not None and _FIRST_MICRO <= micros <= _LAST_MICRO else None


def _point(encoding: RowEncoding, cell: Cell) -> Point:
    """The number as near as a double comes to it; none for what is none, is not finite, or is too large to draw."""
    typed = encoding is RowEncoding.COPY or isinstance(cell, Scalar)
    if not isinstance(cell, str) or not typed or number_part(cell) is None:
        return Point(None, _text(cell))
    value = float(cell)
    if not abs(value) <= LARGEST:
        return Point(None, _text(cell))
    return Point(value, _text(cell), Decimal(cell))


def _text(cell: Cell) -> str:
    if not isinstance(cell, str):
        return "NULL" if cell is None else "absent"
    return _short(cell) or "empty"


def _short(text: str) -> str:
    """The beginning of a text, with nothing hidden in it."""
    plain = marked(text[:TEXT_CHARACTERS])
    return plain if len(text) <= TEXT_CHARACTERS else f"{plain}…"
