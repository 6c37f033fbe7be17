"""Aggregation expressions that are true, or false, of every document: literals, and a value compared with itself."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from bson import Decimal128, MaxKey, MinKey, Regex, encode
from bson.errors import BSONError

from executors.mongodb.reading.command import Value

# True of every document, of none, or None: the text alone does not tell.
Truth: TypeAlias = bool | None

_ALWAYS_THERE: Final = frozenset({"ROOT", "CURRENT", "NOW", "CLUSTER_TIME"})
# Two of these side by side may differ.
BY_CHANCE: Final = frozenset({"$rand", "$sampleRate", "$function", "$accumulator"})
# Stands in a script's command for what only the run knows.
UNWRITTEN: Final = "$?"
_ANYTHING: Final = re.compile(r"(?:\^|\\A)?(?:[.]\*\??|\[\\s\\S\]\*\??|\(\?:\)|\([.]\*\??\))?(?:\$|\\z|\\Z)?")
_COMPARISONS: Final = frozenset({"$eq", "$ne", "$gt", "$gte", "$lt", "$lte"})
_OPPOSITES: Final = {"$gt": "$lte", "$lt": "$gte", "$gte": "$lt", "$lte": "$gt", "$eq": "$ne", "$ne": "$eq"}
# What they give is never false, null or zero.
_ALWAYS_SOMETHING: Final = frozenset({"$type", "$mergeObjects"})
_PAIR: Final = 2


def fits_any(pattern: Value) -> bool:
    """A regular expression that every line of text fits, the empty one included."""
    return _ANYTHING.fullmatch(str(pattern.pattern if isinstance(pattern, Regex) else pattern)) is not None


def is_true(value: Value) -> bool:
    """Whether the server takes a value for true: all but false, null and zero, NaN and empty text included."""
    if isinstance(value, Decimal128):
        return value.to_decimal() != 0
    if isinstance(value, bool | int | float):
        return bool(value)
    return value is not None


def encoded(value: Value) -> bytes | None:
    """The value to the bit; None for one that cannot be sent, which is refused elsewhere."""
    try:
        return encode({"": value})
    except (BSONError, OverflowError):
        return None


def same(left: Value, right: Value) -> bool:
    """Whether two values are one and the same to the bit."""
    value = encoded(left)
    return value is not None and value == encoded(right)


def every(truths: Sequence[Truth]) -> Truth:
    """Whether all of them hold; None when that is not known."""
    if False in truths:
        return False
    return None if None in truths else True


def negated(truth: Truth) -> Truth:
    """The opposite, as far as it is known."""
    return None if truth is None else not truth


def some(truths: Sequence[Truth]) -> Truth:
    """Whether one of them holds; None when that is not known."""
    return negated(every([negated(truth) for truth in truths]))


@dataclass(frozen=True, slots=True)
class Expressions:
    """Judges expressions under the variables of a `let`. `unnamed`: for documents whose `_id` is not named."""

    variables: Mapping[str, Value] = field(default_factory=dict)
    unnamed: bool = False

    def truth(self, expression: Value) -> Truth:
        """Whether the expression is true of every document, false of every document, or nobody knows."""
        if isinstance(expression, str):
            return self._text(expression)
        if not isinstance(expression, Mapping):
            return is_true(expression)
        name = next(iter(expression), "")
        if not name.startswith("$"):
            return True  # a document is true, whatever is in it
        return self._operator(name, expression[name]) if len(expression) == 1 else None

    def within(self, variables: Mapping[str, Value]) -> Expressions:
        """The same where variables have more values."""
        return replace(self, variables={**self.variables, **variables})

    def _text(self, text: str) -> Truth:
        if text.startswith("$$"):
            name = text[2:]
            if name in self.variables:
                return Expressions(unnamed=self.unnamed).truth(self.variables[name])
            return True if name in _ALWAYS_THERE else False if name == "REMOVE" else None
        return None if text.startswith("$") else True

    def _operator(self, name: str, operand: Value) -> Truth:  # noqa: PLR0911 - one line for each kind
        parts = list(operand) if is_list(operand) else [operand]
        if name in _COMPARISONS:
            return self._compared(name, *parts) if len(parts) == _PAIR else None
        if name in _ALWAYS_SOMETHING:
            return True
        match name:
            case "$literal":
                return is_true(operand)
            case "$and":
                return every([self.truth(part) for part in parts])
            case "$or":
                return True if _opposed(parts) else some([self.truth(part) for part in parts])
            case "$not" if len(parts) == 1:
                return negated(self.truth(parts[0]))
            case "$cond":
                return self._chosen(operand)
            case "$in" if len(parts) == _PAIR and is_list(parts[1]):
                # A field that is not there is not in the list that names it.
                return True if _is_plain(parts[0]) and any(same(parts[0], item) for item in parts[1]) else None
            case "$let" if isinstance(operand, Mapping) and isinstance(operand.get("vars"), Mapping):
                return self.within(operand["vars"]).truth(operand.get("in"))
        return None

    def _chosen(self, operand: Value) -> Truth:
        if isinstance(operand, Mapping):
            parts = [operand.get(name) for name in ("if", "then", "else")]
        else:
            parts = list(operand) if is_list(operand) else []
        if len(parts) != _PAIR + 1:
            return None
        condition, then, other = (self.truth(part) for part in parts)
        if condition is None:
            return then if then == other else None
        return then if condition else other

    def _compared(self, name: str, left: Value, right: Value) -> Truth:
        left, right = self._resolved(left), self._resolved(right)
        if _certain(left) and same(left, right):
            return name in {"$eq", "$gte", "$lte"}
        if isinstance(right, MinKey) or isinstance(left, MaxKey):
            return {"$gte": True, "$lt": False}.get(name)
        if isinstance(right, MaxKey) or isinstance(left, MinKey):
            return {"$lte": True, "$gt": False}.get(name)
        if _is_number(left) and _is_number(right):
            return _numbers(name, left, right)
        if name in {"$eq", "$ne"} and self._differ(left, right):
            return name == "$ne"
        return None

    def _resolved(self, expression: Value) -> Value:
        """What a variable or a `$literal` stands for, when that is a value that stands for itself."""
        value = expression
        if isinstance(expression, str) and expression.startswith("$$"):
            value = self.variables.get(expression[2:], expression)
        elif isinstance(expression, Mapping) and list(expression) == ["$literal"]:
            value = expression["$literal"]
        elif isinstance(expression, Mapping) and list(expression) == ["$cmp"]:
            pair = expression["$cmp"]
            value = 0 if is_list(pair) and len(pair) == _PAIR and _certain(pair) and same(*pair) else expression
        return value if _is_plain(value) else expression

    def _differ(self, left: Value, right: Value) -> bool:
        """Whether two expressions are certain not to be equal."""
        for one, other in ((left, right), (right, left)):
            if one == "$_id" and self.unnamed and _is_plain(other):
                return True
            if one == {"$type": "$_id"} and other == "missing":
                return True
        return _is_plain(left) and _is_plain(right) and _kind(left) != _kind(right)


def is_list(value: Value) -> bool:
    """Whether a value is an array."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def _is_plain(value: Value) -> bool:
    """A value that stands for itself."""
    if isinstance(value, str):
        return not value.startswith("$")
    return not isinstance(value, Mapping) and not is_list(value)


def _kind(value: Value) -> str:
    number = isinstance(value, int | float | Decimal128) and not isinstance(value, bool)
    return "number" if number else type(value).__name__


def _numbers(name: str, left: float, right: float) -> bool:
    compared = {
        "$eq": left == right,
        "$ne": left != right,
        "$gt": left > right,
        "$gte": left >= right,
        "$lt": left < right,
        "$lte": left <= right,
    }
    return compared[name]


def _certain(expression: Value) -> bool:
    """Whether an expression gives one value each time it is asked for one document."""
    waiting = [expression]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Mapping):
            if not BY_CHANCE.isdisjoint(item):
                return False
            waiting.extend(item.values())
        elif is_list(item):
            waiting.extend(item)
        elif item == UNWRITTEN:
            return False
    return True


def _opposed(parts: Sequence[Value]) -> bool:
    """Whether one of them is the opposite of another: `$gt` and `$lte` of the same, an expression and its `$not`."""
    opposites = [opposite for part in parts for opposite in _opposites(part)]
    return any(same(part, opposite) for part in parts for opposite in opposites if _certain(part))


def _opposites(part: Value) -> list[Value]:
    name = next(iter(part), "") if isinstance(part, Mapping) and len(part) == 1 else ""
    turned = [{_OPPOSITES[name]: part[name]}] if name in _OPPOSITES else []
    return [*turned, {"$not": part}, {"$not": [part]}]
