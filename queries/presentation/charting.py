"""Which columns of a result a chart can be drawn of, and which of them an address asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.http import QueryDict

from executors.arranging import Kind, kind_of
from executors.arranging.keys import micros_of, number_part
from executors.base import Column, RowEncoding, Scalar
from executors.cells import Cell
from queries.models import Execution
from queries.presentation.arranging import LISTED_COLUMNS, number
from queries.results.reader import columns_of, first_cells
from queries.vault import Unreadable
from web.characters import marked

MOST_SERIES = 4
NAME_CHARACTERS = 60
# What has no type for the whole column is judged by so many of the first rows, and so many bytes of them.
LOOKED_AT_ROWS = 50
LOOKED_AT_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Choice:
    """A column to choose, by its number from 1."""

    number: int
    name: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Drawable:
    """The columns, from 0, that can be drawn: those with `times`, those that name things, those with numbers."""

    times: Sequence[int] = ()
    names: Sequence[int] = ()
    numbers: Sequence[int] = ()

    @property
    def axes(self) -> list[int]:
        """What can stand along the axis, times first."""
        return [*self.times, *self.names]

    def __bool__(self) -> bool:
        """Whether there is a chart to draw at all."""
        return bool(self.axes and self.numbers)


@dataclass(frozen=True, slots=True)
class Plotted:
    """The column along the axis and those of the values, from 0. `errors` says by field what cannot be had."""

    axis: int
    values: tuple[int, ...]
    is_time: bool
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def places(self) -> tuple[int, ...]:
        """The columns of the table beside the chart."""
        return (self.axis, *self.values)

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Names and values of it, for an address or for hidden fields of a form."""
        return [("x", str(self.axis + 1)), *(("y", str(place + 1)) for place in self.values)]


def drawable(execution: Execution) -> Drawable:
    """What can be drawn of a result; nothing of one that cannot be read, which its page says."""
    if not execution.has_result:
        return Drawable()
    encoding, columns = RowEncoding(execution.encoding), columns_of(execution)
    if encoding is RowEncoding.COPY:
        return _sorted([kind_of(encoding, column) for column in columns])
    try:
        rows = first_cells(execution, LOOKED_AT_ROWS, LOOKED_AT_BYTES)
    except Unreadable:
        return Drawable()
    return _sorted([_kind_among(row[place] for row in rows) for place in range(len(columns))])


def plotted(given: QueryDict, found: Drawable) -> Plotted:
    """The columns an address asks for (`x`, and `y` up to four times); without any, the first that can be drawn."""
    errors: dict[str, str] = {}
    axis = _axis(given.get("x", ""), found, errors)
    values = _values(given.getlist("y"), found, errors)
    return Plotted(axis, values, axis in found.times, errors)


def choices(columns: Sequence[Column], places: Iterable[int], chosen: Iterable[int]) -> list[Choice]:
    """Columns to choose by name; of very many the first, and those chosen."""
    taken, listed = set(chosen), list(places)
    return [
        Choice(place + 1, _name(columns[place]), place in taken)
        for at, place in enumerate(listed)
        if at < LISTED_COLUMNS or place in taken
    ]


def _name(column: Column) -> str:
    text = marked(column.name[:NAME_CHARACTERS])
    return text if len(column.name) <= NAME_CHARACTERS else f"{text}…"


def _axis(text: str, found: Drawable, errors: dict[str, str]) -> int:
    column = number(text)
    if column is not None and column - 1 in found.axes:
        return column - 1
    if text:
        errors["x"] = "A column of times or of names stands along the axis, and that is none of this result."
    return found.axes[0]


def _values(texts: Sequence[str], found: Drawable, errors: dict[str, str]) -> tuple[int, ...]:
    asked = [number(text) for text in dict.fromkeys(texts)]
    places = tuple(column - 1 for column in asked if column is not None and column - 1 in found.numbers)
    if len(places) < len(asked):
        errors["y"] = "Only columns of numbers can be drawn, and one of those asked for is none of this result."
    if len(places) > MOST_SERIES:
        errors["y"] = f"{MOST_SERIES} columns are drawn at most."
    return places[:MOST_SERIES] or tuple(found.numbers[:1])


def _sorted(kinds: Sequence[Kind]) -> Drawable:
    named = (Kind.TEXT, Kind.TRUTH, Kind.CLOCK, Kind.SPAN)
    return Drawable(
        [place for place, kind in enumerate(kinds) if kind is Kind.TIME],
        [place for place, kind in enumerate(kinds) if kind in named],
        [place for place, kind in enumerate(kinds) if kind is Kind.NUMBER],
    )


def _kind_among(cells: Iterable[Cell]) -> Kind:
    """What the first values of a column have in common; MIXED, which is not drawn, where there are none."""
    kinds = {_kind_of_cell(cell) for cell in cells if isinstance(cell, str)}
    if not kinds:
        return Kind.MIXED
    return kinds.pop() if len(kinds) == 1 else Kind.TEXT


def _kind_of_cell(cell: str) -> Kind:
    if not isinstance(cell, Scalar):
        return Kind.TEXT
    if number_part(cell) is not None:
        return Kind.NUMBER
    return Kind.TEXT if micros_of(cell) is None else Kind.TIME
