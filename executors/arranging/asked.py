"""What somebody asks of the rows of a result: which of them, and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Operator(StrEnum):
    """How a cell is held against a value. NULL and an absent field meet only `NULL`."""

    CONTAINS = "has"
    EQUAL = "eq"
    NOT_EQUAL = "ne"
    LESS = "lt"
    AT_MOST = "le"
    MORE = "gt"
    AT_LEAST = "ge"
    STARTS = "starts"
    NULL = "null"
    NOT_NULL = "some"


# Those that take no value.
BARE = frozenset({Operator.NULL, Operator.NOT_NULL})
# Those that ask which of two values comes first.
RANGES = frozenset({Operator.LESS, Operator.AT_MOST, Operator.MORE, Operator.AT_LEAST})


@dataclass(frozen=True, slots=True)
class Condition:
    """What the cells of a column must be. `column` counts from 0."""

    column: int
    operator: Operator
    value: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """A column that rows are sorted by."""

    column: int
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Rows that meet all conditions and hold `search` in any cell, whatever its case; sorted by `order`, the first
    column first. Rows that are alike stay in the order they came in."""

    search: str = ""
    conditions: tuple[Condition, ...] = ()
    order: tuple[Order, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.search or self.conditions or self.order)

    def as_json(self) -> dict[str, Any]:
        """What `of_json` reads."""
        return asdict(self)

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> Arrangement:
        """What `as_json` wrote."""
        conditions = (Condition(c["column"], Operator(c["operator"]), c["value"]) for c in value["conditions"])
        return cls(value["search"], tuple(conditions), tuple(Order(**order) for order in value["order"]))
