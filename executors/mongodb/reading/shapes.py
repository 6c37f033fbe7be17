"""Whether a value has the shape that an argument needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from executors.mongodb.reading.command import Placeholder, Value
from executors.mongodb.reading.methods import Shape

VERBOSITIES: Final = frozenset({"queryPlanner", "executionStats", "allPlansExecution"})


def is_number(value: object) -> bool:
    """Whether a value is a whole number that is not negative."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def fits(value: Value, shape: Shape) -> bool:  # noqa: C901, PLR0911 - one line for each shape
    """Whether an argument is what it has to be."""
    match shape:
        case Shape.DOCUMENT | Shape.FILTER | Shape.DATA | Shape.OPTIONS | Shape.SORT | Shape.COMMAND:
            return isinstance(value, Mapping)
        case Shape.DOCUMENTS | Shape.DATA_LIST | Shape.PIPELINE | Shape.OPERATIONS:
            return is_list(value) and all(isinstance(item, Mapping) for item in value)
        case Shape.UPDATE:
            return isinstance(value, Mapping) or fits(value, Shape.PIPELINE)
        case Shape.FIELD | Shape.TEXT:
            return isinstance(value, str)
        case Shape.INDEX:
            return isinstance(value, str | Mapping)
        case Shape.NUMBER:
            return is_number(value)
        case Shape.INTEGER:
            return isinstance(value, int) and not isinstance(value, bool)
        case Shape.FLAG:
            return isinstance(value, bool)
        case Shape.PARTS:
            return is_list(value) and bool(value) and all(_is_part(*item) for item in enumerate(value, start=1))
        case Shape.VERBOSITY:
            return isinstance(value, str) and value in VERBOSITIES
    return True


def _is_part(number: int, value: Value) -> bool:
    parts = {"collection", "documents"}
    return (
        isinstance(value, Mapping)
        and value.keys() == parts
        and isinstance(value["collection"], str)
        and value["documents"] == Placeholder(number)
    )


def is_list(value: Value) -> bool:
    """Whether a value is an array."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
