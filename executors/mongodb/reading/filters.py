"""How much of a collection a filter lets through, as far as the filter alone can tell. Nothing is guessed.

Each rule was compared with what a live server matches. The text never tells how many documents `{age: {$gt: 3}}` is
about; it does tell that `{_id: {$exists: true}}` is about all of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from bson import MaxKey, MinKey, Regex

from executors.mongodb.reading import looks
from executors.mongodb.reading.command import Value
from executors.mongodb.reading.expressions import (
    Expressions,
    Truth,
    encoded,
    every,
    fits_any,
    is_list,
    is_true,
    negated,
    some,
)

_DBREF: Final = frozenset({"$ref", "$id", "$db"})


class Reach(Enum):
    """What a filter is certain to match; the values are words for a sentence. SOME: its text does not tell."""

    EVERY = "every document"
    ALL_BUT_NAMED = "every document but those whose _id it names"
    EVERY_TEXT = "every document in which the field is a line of text"
    EVERY_NUMBER = "every document in which the field is a number"
    EVERY_OR_NONE = "every document or none"
    PERHAPS_EVERY = "perhaps every document"
    SOME = ""


def reach(query: Value, variables: Mapping[str, Value] | None = None) -> Reach:
    """How much `query` is certain to match in any collection. `variables` are those of the command's `let`.

    A document always has an `_id`, and no two have the same: `{_id: {$ne: null}}` leaves out one document at most.
    """
    if not isinstance(query, Mapping):
        return Reach.SOME
    known = dict(variables or {})
    if _Filters(Expressions(known)).truth(query):
        return Reach.EVERY
    unnamed = _Filters(Expressions(known, unnamed=True), unnamed=True)
    if unnamed.truth(query):
        return Reach.ALL_BUT_NAMED
    for reached, kind in ((Reach.EVERY_TEXT, "text"), (Reach.EVERY_NUMBER, "number")):
        if _Filters(Expressions(known), kind=kind).truth(query):
            return reached
    return _looked_at(query, _Filters(Expressions(known)))


def _looked_at(query: Mapping[str, Value], filters: _Filters) -> Reach:
    if filters.truth(query) is False:
        return Reach.SOME
    seen = looks.of_filter(query, filters.expressions, filters.truth)
    return {looks.Looks.NOTHING: Reach.EVERY_OR_NONE, looks.Looks.PERHAPS: Reach.PERHAPS_EVERY}.get(seen, Reach.SOME)


def finds_nothing(query: Value, variables: Mapping[str, Value] | None = None) -> bool:
    """Whether `query` is certain to match no document of any collection."""
    return isinstance(query, Mapping) and _Filters(Expressions(dict(variables or {}))).truth(query) is False


@dataclass(frozen=True, slots=True)
class _Filters:
    """Judges filters. `unnamed`: for the documents whose `_id` the filter does not name.

    `kind`: for those in which every field that it tests for it is a line of text, or a number.
    """

    expressions: Expressions = field(default_factory=Expressions)
    unnamed: bool = False
    kind: str = ""

    def truth(self, query: Mapping[str, Value]) -> Truth:
        """Whether a filter holds for every document, for none, or nobody knows."""
        return every([self._clause(name, value) for name, value in query.items()])

    def _clause(self, name: str, value: Value) -> Truth:
        if name in {"$and", "$or", "$nor"}:
            return self._branches(name, value)
        if name == "$expr":
            return self.expressions.truth(value)
        if name == "$jsonSchema":
            return True if _asks_nothing(value) else None
        if name == "$sampleRate":
            return True if _is_number(value) and value >= 1 else None
        if name.startswith("$"):
            return {"$comment": True, "$alwaysTrue": True, "$alwaysFalse": False}.get(name)
        return self._field(name, value)

    def _branches(self, name: str, value: Value) -> Truth:
        if not is_list(value) or not value or not all(isinstance(branch, Mapping) for branch in value):
            return None
        truths = [self.truth(branch) for branch in value]
        opposed = _opposed(value)
        if name == "$and":
            return False if opposed else every(truths)
        found = True if opposed else some(truths)
        return found if name == "$or" else negated(found)

    def _field(self, name: str, value: Value) -> Truth:
        if not _is_operators(value):
            return self._equal(name, value)
        return every([self._operator(name, operator, operand) for operator, operand in value.items()])

    def _operator(self, name: str, operator: str, operand: Value) -> Truth:  # noqa: PLR0911 - one line for each kind
        match operator:
            case "$eq":
                return self._equal(name, operand)
            case "$ne":
                return negated(self._equal(name, operand))
            case "$in" | "$nin" if is_list(operand):
                found = some([self._equal(name, item) for item in operand])
                return found if operator == "$in" else negated(found)
            case "$not":
                return negated(self._field(name, operand)) if _is_operators(operand) else None
            case "$exists" if name == "_id":
                return is_true(operand)
            case "$all" if operand == []:
                return False
            case "$gt" | "$gte" | "$lt" | "$lte":
                return self._ordered(name, operator, operand)
        return self._kind(name, operator, operand)

    def _kind(self, name: str, operator: str, operand: Value) -> Truth:
        """What follows from what kind of value a field holds."""
        if operator in {"$regex", "$options"}:
            return True if self.kind == "text" and (operator == "$options" or fits_any(operand)) else None
        if operator in {"$mod", "$bitsAllSet", "$bitsAllClear"}:
            return True if self.kind == "number" and _fits_any_number(operator, operand) else None
        if name == "_id" and operator in {"$size", "$elemMatch"}:
            return False
        return False if name == "_id" and operator == "$type" and operand in ("array", 4) else None

    def _equal(self, name: str, value: Value) -> Truth:
        """An `_id` that is named is one document's; a regular expression names none."""
        if self.kind == "text" and isinstance(value, Regex):
            return True if fits_any(value) else None
        return False if name == "_id" and self.unnamed and not isinstance(value, Regex) else None

    def _ordered(self, name: str, operator: str, bound: Value) -> Truth:
        """Only the ends of BSON's order are compared with every type, fields that are not there included."""
        if not isinstance(bound, MinKey | MaxKey):
            ends = {("text", "$gte"): "", ("number", "$gte"): -math.inf, ("number", "$lte"): math.inf}
            return True if ends.get((self.kind, operator)) == bound else None
        low = isinstance(bound, MinKey)
        if operator == ("$gte" if low else "$lte"):
            return True
        if operator == ("$lt" if low else "$gt"):
            return False
        if name == "_id" and self.unnamed:
            return operator == ("$gt" if low else "$lt")
        return None


def _fits_any_number(operator: str, operand: Value) -> bool:
    """A remainder that every whole number leaves, or no bit at all."""
    if operator == "$mod":
        return is_list(operand) and list(operand) in ([1, 0], [-1, 0])
    return operand in (0, [])


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_operators(value: Value) -> bool:
    """`{$gt: 1}`, unlike a document to be equal to, or a reference to another document."""
    name = next(iter(value), "") if isinstance(value, Mapping) else ""
    return name.startswith("$") and name not in _DBREF


def _asks_nothing(schema: Value) -> bool:
    """A JSON schema that every document fits."""
    fits: Mapping[str, Value] = {"bsonType": "object", "type": "object", "required": ["_id"], "properties": {}}
    return isinstance(schema, Mapping) and all(
        name in {"title", "description"} or (name in fits and value == fits[name]) for name, value in schema.items()
    )


# --- two branches of which one always holds -----------------------------------------------------------------

_OPPOSITES: Final = {"$ne": "$eq", "$nin": "$in"}


@dataclass(frozen=True, slots=True)
class _Test:
    """One test of a field (or an expression), and whether it stands as it is or negated."""

    field: str
    operator: str
    operand: bytes
    holds: bool


def _opposed(branches: Sequence[Mapping[str, Value]]) -> bool:
    """Whether two of them are a test and the same test negated."""
    tests = {test for branch in branches if (test := _test(branch)) is not None}
    return any(_Test(test.field, test.operator, test.operand, not test.holds) in tests for test in tests)


def _test(branch: Mapping[str, Value]) -> _Test | None:
    """What a branch tests, when it tests one thing."""
    if len(branch) != 1:
        return None
    ((name, value),) = branch.items()
    if name == "$nor" and is_list(value) and len(value) == 1 and isinstance(value[0], Mapping):
        inner = _test(value[0])
        return None if inner is None else _Test(inner.field, inner.operator, inner.operand, not inner.holds)
    if name.startswith("$"):
        return None
    return _field_test(name, value if _is_operators(value) else {"$eq": value})


def _field_test(name: str, operators: Mapping[str, Value]) -> _Test | None:
    if len(operators) != 1:
        return None
    ((operator, operand),) = operators.items()
    if operator == "$not":
        inner = _field_test(name, operand) if _is_operators(operand) else None
        return None if inner is None else _Test(name, inner.operator, inner.operand, not inner.holds)
    if operator == "$exists":
        return _Test(name, operator, b"", is_true(operand))
    value = encoded(operand)
    if value is None:
        return None
    return _Test(name, _OPPOSITES.get(operator, operator), value, operator not in _OPPOSITES)
