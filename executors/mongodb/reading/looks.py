"""What of a document a filter looks at: its fields, nothing at all, or something that may hold nothing back.

A filter that looks at nothing is the same for every document, whatever it comes to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Final

from executors.mongodb.reading.command import Value
from executors.mongodb.reading.expressions import BY_CHANCE, UNWRITTEN, Expressions, Truth, fits_any, is_list, same

# What they make of a value and the value itself says nothing of it.
_VANISHING: Final = frozenset({"$subtract", "$divide", "$mod", "$cmp", "$strcasecmp", "$setDifference"})
_NOT_NEGATIVE: Final = frozenset({"$size", "$strLenCP", "$strLenBytes", "$abs", "$bsonSize", "$binarySize"})
_OF_THE_DOCUMENT: Final = frozenset({"ROOT", "CURRENT"})
_PAIR: Final = 2
_CHOICE: Final = 3


class Looks(IntEnum):
    """How far a condition looks at a document. PERHAPS: at fields compared with themselves, or only in a part."""

    NOTHING = 0
    PERHAPS = 1
    FIELDS = 2


def of_filter(query: Mapping[str, Value], expressions: Expressions, truth: Callable[[Value], Truth]) -> Looks:
    """What a filter looks at; `truth` judges the filters in it, those that always or never hold do not count."""
    return max((_of_clause(name, value, expressions, truth) for name, value in query.items()), default=Looks.NOTHING)


def _of_clause(name: str, value: Value, expressions: Expressions, truth: Callable[[Value], Truth]) -> Looks:
    if truth({name: value}) is not None or name == "$comment":
        return Looks.NOTHING
    if name == "$expr":
        return of_expression(value, expressions)
    if name not in {"$and", "$or", "$nor"} or not is_list(value):
        return Looks.FIELDS
    branches = [branch for branch in value if isinstance(branch, Mapping) and truth(branch) is None]
    looks = [of_filter(branch, expressions, truth) for branch in branches]
    return _of_any(looks) if name == "$or" else max(looks, default=Looks.FIELDS)


def _of_any(looks: Sequence[Looks]) -> Looks:
    """Of several of which one is enough."""
    different = bool(looks) and min(looks) < max(looks)
    return Looks.PERHAPS if different else min(looks, default=Looks.NOTHING)


def of_expression(expression: Value, expressions: Expressions) -> Looks:
    """What an expression looks at."""
    if expressions.truth(expression) is not None:
        return Looks.NOTHING
    name = next(iter(expression), "") if isinstance(expression, Mapping) and len(expression) == 1 else ""
    operand: Value = expression[name] if name.startswith("$") else None
    parts = list(operand) if is_list(operand) else [operand]
    if name in {"$and", "$or"}:
        looks = [of_expression(part, expressions) for part in parts if expressions.truth(part) is None]
        return _of_any(looks) if name == "$or" else max(looks, default=Looks.NOTHING)
    if name == "$not" and len(parts) == 1:
        return of_expression(parts[0], expressions)
    if name == "$let" and isinstance(operand, Mapping) and isinstance(operand.get("vars"), Mapping):
        return of_expression(operand.get("in"), expressions.within(operand["vars"]))
    if name == "$cond":
        inner = [operand.get(key) for key in ("if", "then", "else")] if isinstance(operand, Mapping) else parts
        return _of_choice(inner, expressions)
    return _of_values(name, parts, expression, expressions)


def _of_choice(parts: Sequence[Value], expressions: Expressions) -> Looks:
    """A choice between two: what it comes to is not known where one of them is not, and looks at nothing."""
    if len(parts) != _CHOICE:
        return Looks.FIELDS
    looks = [of_expression(parts[0], expressions), Looks.FIELDS]
    unknown = [of_expression(part, expressions) for part in parts[1:] if expressions.truth(part) is None]
    return _of_any([*looks, *unknown]) if unknown else looks[0]


def _of_values(name: str, parts: Sequence[Value], whole: Value, expressions: Expressions) -> Looks:
    if _by_chance(whole):
        return Looks.FIELDS
    paths = [_paths(part, expressions) for part in parts] if name else [_paths(whole, expressions)]
    if not any(paths):
        return Looks.PERHAPS if UNWRITTEN in _walk(whole) else Looks.NOTHING
    with_itself = len(parts) >= _PAIR and all(found == paths[0] for found in paths)
    seen = [part for part, found in zip(parts, paths, strict=False) if found]
    if with_itself or all(map(_vanishes, seen)) or _lets_through(name, parts, expressions):
        return Looks.PERHAPS
    return Looks.FIELDS


def _lets_through(name: str, parts: Sequence[Value], expressions: Expressions) -> bool:
    """What holds wherever the field is of the kind that it is about: a size of at least 0, a pattern that all fit."""
    first, last = parts[0], parts[-1]
    if name == "$regexMatch" and isinstance(first, Mapping):
        return fits_any(first.get("regex", "x"))
    if name == "$ifNull":
        return expressions.truth(last) is True
    counts = isinstance(first, Mapping) and not _NOT_NEGATIVE.isdisjoint(first)
    low = isinstance(last, int | float) and (last < 0 or (last == 0 and name == "$gte"))
    return counts and low and name in {"$gt", "$gte", "$ne"}


def _vanishes(part: Value) -> bool:
    """`{$subtract: ["$a", "$a"]}`."""
    if not isinstance(part, Mapping) or len(part) != 1:
        return False
    ((name, operands),) = part.items()
    if name == "$multiply" and is_list(operands):
        return 0 in [operand for operand in operands if isinstance(operand, int | float)]
    return name in _VANISHING and is_list(operands) and len(operands) == _PAIR and same(operands[0], operands[1])


def _by_chance(expression: Value) -> bool:
    return any(isinstance(item, Mapping) and not BY_CHANCE.isdisjoint(item) for item in _walk(expression))


def _paths(expression: Value, expressions: Expressions) -> frozenset[str]:
    """The paths of the document in an expression, those of its variables as well."""
    return frozenset(path for item in _walk(expression) if isinstance(item, str) for path in _path(item, expressions))


def _path(text: str, expressions: Expressions) -> frozenset[str]:
    if not text.startswith("$$"):
        return frozenset({text[1:]}) if text.startswith("$") and text != UNWRITTEN else frozenset()
    name, _, rest = text[2:].partition(".")
    if name in expressions.variables:
        # A variable is judged outside itself: one that names itself stands for the outer one.
        return _paths(expressions.variables[name], Expressions())
    return frozenset({rest or "ROOT"}) if name in _OF_THE_DOCUMENT else frozenset()


def _walk(expression: Value) -> Iterator[Value]:
    """Every part of an expression but what stands for itself."""
    waiting = [expression]
    while waiting:
        item = waiting.pop()
        yield item
        if isinstance(item, Mapping):
            waiting.extend(value for key, value in item.items() if key != "$literal")
        elif is_list(item):
            waiting.extend(item)
