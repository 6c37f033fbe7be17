"""`params.name` in a query: what stands for a parameter, as the BSON value that it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from bson import Int64

from executors.base import Finding, FindingCode, NamedParameter, Parameter, ParameterType, Severity
from executors.base.parameters import named
from executors.mongodb.reading import constructors
from executors.mongodb.reading.command import Value
from executors.mongodb.reading.source import Position
from executors.parameters import missing, unused

# How deep BSON documents may nest before the server refuses them.
_MAX_DEPTH = 100
_MILLISECOND_DIGITS = 3


class Given:
    """The parameters of one statement, and which of them it names."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self._given = {one.name: one for one in named(parameters)}
        self._used: set[str] = set()
        self._wrong: dict[str, Finding] = {}

    def value(self, name: str, position: Position) -> Value:
        """The value of a name that stands at `position`; null, and a finding, where it has none."""
        self._used.add(name)
        parameter = self._given.get(name)
        if parameter is None:
            self._wrong.setdefault(name, missing(name, *position))
            return None
        try:
            return bson_of(parameter)
        except ValueError as problem:
            found = Finding(FindingCode.PARAMETER_VALUE, Severity.ERROR, str(problem), *position, parameter=name)
            self._wrong.setdefault(name, found)
            return None

    @property
    def wrong(self) -> tuple[Finding, ...]:
        """What is wrong with the names so far."""
        return tuple(self._wrong.values())

    def unused(self) -> Iterator[Finding]:
        """The parameters that the whole statement does not name."""
        for name in self._given.keys() - self._used:
            yield unused(name, f"params.{name}")


def bson_of(parameter: NamedParameter) -> Value:
    """A parameter as the driver binds it. Raises `ValueError`, a sentence, for what BSON cannot keep exactly."""
    values = [_VALUES[parameter.item](text) for text in parameter.texts]
    if parameter.type is ParameterType.LIST:
        return None if parameter.value is None else values
    return values[0] if values else None


class _Digits(str):
    """A number of JSON, as written."""

    __slots__ = ()


class _Pairs(list[tuple[str, Any]]):
    """A document of JSON, twice the same key included."""


def _integer(text: str) -> Value:
    value = int(text)
    if value in constructors.INT32:
        return value
    if value not in constructors.INT64:
        raise ValueError("MongoDB has no whole number of more than 64 bits; choose decimal.")
    return Int64(value)


def _decimal(text: str) -> Value:
    try:
        return constructors.decimal128(text)
    except ValueError:
        raise ValueError("MongoDB keeps at most 34 digits of a decimal.") from None


def _date(text: str) -> Value:
    fraction = text.partition(".")[2].partition("Z")[0].partition("+")[0].partition("-")[0]
    if fraction[_MILLISECOND_DIGITS:].strip("0"):
        raise ValueError("MongoDB keeps milliseconds: at most three digits after the point.")
    return constructors.iso_date(text)


def _json(text: str) -> Value:
    return _read(json.loads(text, parse_int=_Digits, parse_float=_Digits, object_pairs_hook=_Pairs), 0)


def _read(value: Any, depth: int) -> Value:
    """JSON as it would be read in a query: Extended JSON stands for its values, and no number is rounded."""
    if depth > _MAX_DEPTH:
        raise ValueError(f"This JSON is nested more than {_MAX_DEPTH} levels deep.")
    if isinstance(value, _Digits):
        return _number(value)
    if isinstance(value, _Pairs):
        return _document(value, depth)
    if isinstance(value, list):
        return [_read(item, depth + 1) for item in value]
    return value


def _number(text: str) -> Value:
    if text.removeprefix("-").isdigit() and text != "-0":
        return _integer(text)
    value = float(text)
    try:
        exact = Decimal(text) == Decimal(repr(value))
    except InvalidOperation:
        exact = False
    if not exact:
        raise ValueError(f'{text[:40]} does not fit a double; write {{"$numberDecimal": "…"}}.')
    return value


def _document(pairs: _Pairs, depth: int) -> Value:
    document = {key: _read(item, depth + 1) for key, item in pairs}
    if len(document) != len(pairs):
        raise ValueError("A key stands twice in this JSON; only one of them would count.")
    if any("\0" in key for key in document):
        raise ValueError("A key cannot hold a NUL character.")
    name = next(iter(document), "")
    if name not in constructors.EXTENDED:
        return document
    if len(document) > 1:
        raise ValueError(f"{name} stands alone in its document.")
    return constructors.EXTENDED[name](document[name])


_VALUES: Final[Mapping[ParameterType, Callable[[str], Value]]] = {
    ParameterType.TEXT: str,
    ParameterType.INTEGER: _integer,
    ParameterType.DECIMAL: _decimal,
    ParameterType.BOOLEAN: "true".__eq__,
    ParameterType.DATE: _date,
    ParameterType.TIMESTAMP: _date,
    ParameterType.UUID: constructors.uuid_binary,
    ParameterType.JSON: _json,
}
