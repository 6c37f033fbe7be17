"""What an address asks of a result: which rows, in which order, which columns; and the address that asks for it.

Columns are counted from 1. `on`, `is` and `to` come as often as there are conditions; `col` and `pin` take numbers and
ranges (`3`, `5-9`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from django.http import QueryDict

from executors.arranging import Arrangement, Condition, Kind, Operator, Order, kind_of
from executors.arranging.asked import BARE, RANGES
from executors.arranging.keys import is_of
from executors.base import Column, RowEncoding

MOST_CONDITIONS = 8
MOST_ORDERS = 3
MOST_CHARACTERS = 500
# Above so many columns they are named by their numbers: a list of them would be a page of its own.
LISTED_COLUMNS = 200
NUMBER_DIGITS = 12

OPERATORS = {
    Operator.CONTAINS: "contains",
    Operator.EQUAL: "=",
    Operator.NOT_EQUAL: "≠",
    Operator.LESS: "<",
    Operator.AT_MOST: "≤",
    Operator.MORE: ">",
    Operator.AT_LEAST: "≥",
    Operator.STARTS: "starts with",
    Operator.NULL: "is NULL",
    Operator.NOT_NULL: "is not NULL",
}
# What a value must be to be held against a column of that kind.
VALUES = {
    Kind.NUMBER: "a number, such as 12.50",
    Kind.TIME: "a date or a time, such as 2026-03-31 or 2026-03-31 14:00:00+02",
    Kind.CLOCK: "a time of day, such as 14:00",
    Kind.SPAN: "an interval, such as 2 days 04:00:00",
    Kind.TRUTH: "true or false",
}
_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class Chip:
    """A condition as the page shows it. `column` counts from 1."""

    column: int
    operator: Operator
    value: str
    name: str

    @property
    def words(self) -> str:
        return f"{self.name} {OPERATORS[self.operator]}" + (
            "" if self.operator in BARE else f" {self.value or '(empty)'}"
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """A column to choose, by its number from 1; `up` and `down` are what sorts by it."""

    number: int
    name: str
    is_shown: bool
    is_pinned: bool

    @property
    def up(self) -> str:
        return str(self.number)

    @property
    def down(self) -> str:
        return f"-{self.number}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for, as it can be had: `errors` says by field what cannot.

    `places` are the columns to show, from 0, the first `pinned` of them held in sight; None shows all.
    """

    arrangement: Arrangement = field(default_factory=Arrangement)
    chips: tuple[Chip, ...] = ()
    places: tuple[int, ...] | None = None
    pinned: int = 0
    errors: dict[str, str] = field(default_factory=dict)

    def address(self, **extra: object) -> str:
        """The query string that asks for this; `extra` comes first, without what is empty."""
        query = QueryDict(mutable=True)
        for name, value in (
            *((name, str(given)) for name, given in extra.items() if given not in ("", None)),
            *self.fields,
        ):
            query.appendlist(name, value)
        return f"?{query.urlencode()}"

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Names and values of all of it, for an address or for hidden fields of a form."""
        return [("q", self.arrangement.search)] * bool(self.arrangement.search) + [
            *self.conditions,
            *self.order,
            *self.columns,
        ]

    @property
    def conditions(self) -> list[tuple[str, str]]:
        """The fields of the conditions."""
        each = ((("on", str(c.column)), ("is", c.operator.value), ("to", c.value)) for c in self.chips)
        return [part for chip in each for part in chip]

    @property
    def order(self) -> list[tuple[str, str]]:
        """The fields of the order."""
        return [("sort", _signed(part)) for part in self.arrangement.order]

    @property
    def columns(self) -> list[tuple[str, str]]:
        """The fields of the columns to show."""
        if self.places is None:
            return []
        pinned, others = self.places[: self.pinned], self.places[self.pinned :]
        return [*(("pin", text) for text in _ranges(pinned)), *(("col", text) for text in _ranges(others))]

    @property
    def sorts(self) -> list[tuple[str, str, str]]:
        """The two columns to sort by: how the choice is called, what is chosen, and what no choice is called."""
        chosen = [text for _, text in self.order]
        labels = (("Sort by", "As it came"), ("Then by", "Nothing else"))
        return [(label, "".join(chosen[at : at + 1]), blank) for at, (label, blank) in enumerate(labels)]

    @property
    def listed(self) -> list[tuple[str, str, str]]:
        """The columns to show as fields of numbers: label, name and value."""
        texts = {name: " ".join(text for of, text in self.columns if of == name) for name in ("col", "pin")}
        return [("Show the columns", "col", texts["col"]), ("Pin the columns", "pin", texts["pin"])]

    def choices(self, columns: Sequence[Column]) -> list[Choice]:
        """The columns by name; none where there are too many to list."""
        if len(columns) > LISTED_COLUMNS:
            return []
        shown = set(range(len(columns)) if self.places is None else self.places)
        held = set((self.places or ())[: self.pinned])
        return [Choice(at + 1, column.name, at in shown, at in held) for at, column in enumerate(columns)]


def read(given: QueryDict, encoding: RowEncoding, columns: Sequence[Column]) -> Asked:
    """What an address or the form asks of a result with these columns."""
    errors: dict[str, str] = {}
    search = given.get("q", "").replace("\0", "")
    if len(search) > MOST_CHARACTERS:
        errors["q"], search = f"Search for {MOST_CHARACTERS} characters at most.", ""
    chips = tuple(_chips(given, encoding, columns, errors))
    conditions = tuple(Condition(chip.column - 1, chip.operator, chip.value) for chip in chips)
    places, pinned = _places(given, len(columns))
    return Asked(Arrangement(search, conditions, _order(given, len(columns))), chips, places, pinned, errors)


def number(text: str) -> int | None:
    """A count that somebody typed, perhaps with separators."""
    digits = text.replace(",", "").replace(" ", "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < NUMBER_DIGITS else None


def _chips(
    given: QueryDict, encoding: RowEncoding, columns: Sequence[Column], errors: dict[str, str]
) -> Iterator[Chip]:
    """The conditions that can be held against the columns, but the one to be dropped."""
    parts = zip(given.getlist("on"), given.getlist("is"), given.getlist("to"), strict=False)
    dropped = given.get("drop", "")
    for place, (on, operator, value) in enumerate(list(parts)[: MOST_CONDITIONS + 1]):
        if not on or str(place) == dropped:
            continue
        chip = _chip(on, operator, value.replace("\0", ""), columns)
        if chip is None:
            errors["filter"] = "There is no such column, or no such comparison."
        elif place >= MOST_CONDITIONS:
            errors["filter"] = f"{MOST_CONDITIONS} filters are as many as there can be."
        elif wrong := _wrong(chip, kind_of(encoding, columns[chip.column - 1])):
            errors["filter"] = wrong
        else:
            yield chip


def _chip(on: str, operator: str, value: str, columns: Sequence[Column]) -> Chip | None:
    column = number(on)
    if column is None or not 0 < column <= len(columns) or operator not in set(Operator):
        return None
    taken = Operator(operator)
    return Chip(column, taken, "" if taken in BARE else value, columns[column - 1].name)


def _wrong(chip: Chip, kind: Kind) -> str:
    """Why the value cannot be held against the column, "" when it can."""
    if len(chip.value) > MOST_CHARACTERS:
        return f"A value has {MOST_CHARACTERS} characters at most."
    compared = chip.operator in RANGES or chip.operator in (Operator.EQUAL, Operator.NOT_EQUAL)
    if not compared or is_of(kind, chip.value):
        return ""
    return f"{chip.name} is held against {VALUES[kind]}, and “{chip.value}” is not."


def _order(given: QueryDict, count: int) -> tuple[Order, ...]:
    """By a column that was clicked (`by`), else by those of the address; up to three, each once."""
    found: dict[int, Order] = {}
    for text in given.getlist("by") or given.getlist("sort"):
        column = number(text.removeprefix("-"))
        if column is not None and 0 < column <= count:
            found.setdefault(column, Order(column - 1, text.startswith("-")))
    return tuple(found.values())[:MOST_ORDERS]


def _places(given: QueryDict, count: int) -> tuple[tuple[int, ...] | None, int]:
    """The columns to show and how many of them are pinned; all when none is named."""
    pinned = list(dict.fromkeys(columns_named(given.getlist("pin"), count)))
    chosen = list(columns_named(given.getlist("col"), count))
    if not pinned and not chosen:
        return None, 0
    others = sorted(set(chosen or range(count)) - set(pinned))
    if not pinned and len(others) == count:
        return None, 0
    return (*pinned, *others), len(pinned)


def columns_named(texts: Iterable[str], count: int) -> Iterator[int]:
    """The columns, from 0, of numbers and ranges from 1, in the order they are named."""
    for part in re.split(r"[ ,]+", " ".join(texts)):
        match = _RANGE.fullmatch(part)
        if match:
            first, last = int(match[1]), int(match[2] or match[1])
            yield from range(max(first, 1) - 1, min(last, count))


def _ranges(places: Sequence[int]) -> list[str]:
    """Columns from 0 as numbers and ranges from 1."""
    runs: list[list[int]] = []
    for place in places:
        if runs and place == runs[-1][1] + 1:
            runs[-1][1] = place
        else:
            runs.append([place, place])
    return [str(first + 1) if first == last else f"{first + 1}-{last + 1}" for first, last in runs]


def _signed(part: Order) -> str:
    return f"-{part.column + 1}" if part.descending else str(part.column + 1)
