"""Calls on names and values that stand for a value themselves: `Date.UTC(…)`, `Math.floor(…)`, `ISODate(…).getTime()`.

As with constructors, a `ValueError` says in one sentence what does not fit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Final

from bson import Int64, ObjectId
from bson.datetime_ms import DatetimeMS

from executors.mongodb.reading import constructors
from executors.mongodb.reading.command import Value
from executors.mongodb.show import date_text

_Static = tuple[Callable[..., Value], int, int]


def _from_time(seconds: object) -> ObjectId:
    """`ObjectId.createFromTime(seconds)`: the lowest id of that second."""
    try:
        second = constructors.whole(seconds, "createFromTime", range(2**32))
    except ValueError:
        raise ValueError("createFromTime takes whole seconds since 1970: Math.floor(milliseconds / 1000).") from None
    return ObjectId(second.to_bytes(4, "big") + bytes(8))


def _parsed(text: object) -> Value:
    """`Date.parse("…")`, in milliseconds."""
    if not isinstance(text, str):
        raise ValueError("Date.parse takes a date in quotes.")  # noqa: TRY004 - the caller reports ValueError
    return constructors.number(int(constructors.new_date(text)))


def _from_base64(text: object) -> ObjectId:
    data = constructors.bin_data(0, text)
    if len(data) != 12:  # noqa: PLR2004 - the size of an ObjectId
        raise ValueError("createFromBase64 takes 12 bytes as base64.")
    return ObjectId(bytes(data))


def _digits(make: Callable[[object], Value], name: str) -> Callable[[object], Value]:
    def read(value: object) -> Value:
        if not isinstance(value, str):
            raise ValueError(f"{name} takes its digits in quotes.")  # noqa: TRY004 - the caller reports ValueError
        return make(value)

    return read


def _number(value: object, name: str) -> float:
    if isinstance(value, DatetimeMS):
        return float(int(value))
    if isinstance(value, int | float) and not isinstance(value, bool | Int64) and math.isfinite(value):
        return float(value)
    raise ValueError(f"{name} takes numbers.")


def _math(name: str, compute: Callable[..., float]) -> Callable[..., Value]:
    def read(*values: object) -> Value:
        return constructors.number(compute(*(_number(value, f"Math.{name}") for value in values)))

    return read


def _round(value: float) -> float:
    """Halves go up in JavaScript, those below zero as well."""
    down = math.floor(value)
    return down + 1 if value - down >= 0.5 else down  # noqa: PLR2004 - a half


_MANY: Final = 50
STATICS: Final[Mapping[str, _Static]] = {
    "Date.UTC": (constructors.utc, 1, 7),
    "Date.parse": (_parsed, 1, 1),
    "ObjectId.createFromTime": (_from_time, 1, 1),
    "ObjectId.createFromHexString": (constructors.object_id, 1, 1),
    "ObjectId.createFromBase64": (_from_base64, 1, 1),
    **{
        f"{name}.fromString": (_digits(constructors.long, f"{name}.fromString"), 1, 1)
        for name in ("Long", "NumberLong")
    },
    **{f"{name}.fromNumber": (constructors.long, 1, 1) for name in ("Long", "NumberLong")},
    "Long.fromInt": (constructors.long, 1, 1),
    "Int32.fromString": (_digits(constructors.int32, "Int32.fromString"), 1, 1),
    "Double.fromString": (_digits(constructors.double, "Double.fromString"), 1, 1),
    **{
        f"{name}.fromString": (_digits(constructors.decimal128, f"{name}.fromString"), 1, 1)
        for name in ("Decimal128", "NumberDecimal")
    },
    "Math.floor": (_math("floor", math.floor), 1, 1),
    "Math.ceil": (_math("ceil", math.ceil), 1, 1),
    "Math.trunc": (_math("trunc", math.trunc), 1, 1),
    "Math.round": (_math("round", _round), 1, 1),
    "Math.abs": (_math("abs", abs), 1, 1),
    "Math.min": (_math("min", lambda *values: min(values)), 1, _MANY),
    "Math.max": (_math("max", lambda *values: max(values)), 1, _MANY),
}

_OF_DATES: Final[Mapping[str, Callable[[DatetimeMS], Value]]] = {
    "getTime": lambda date: constructors.number(int(date)),
    "valueOf": lambda date: constructors.number(int(date)),
    "toISOString": lambda date: date_text(int(date)),
    "toJSON": lambda date: date_text(int(date)),
}
_OF_IDS: Final[Mapping[str, Callable[[ObjectId], Value]]] = {
    "getTimestamp": lambda identifier: DatetimeMS(int.from_bytes(identifier.binary[:4], "big") * 1000),
    "toString": str,
    "toHexString": str,
    "valueOf": lambda identifier: identifier,
}
_WORD: Final = re.compile(r"[A-Za-z]{1,30}")


def of_value(value: Value, method: str) -> Value:
    """What a method without arguments gives on a date or an ObjectId. Raises `ValueError`."""
    known: Mapping[str, Callable[..., Value]] = {}
    if isinstance(value, DatetimeMS):
        known = _OF_DATES
    elif isinstance(value, ObjectId):
        known = _OF_IDS
    if method not in known:
        name = method if _WORD.fullmatch(method) else "This method"
        raise ValueError(f"{name} is not available here{': there is ' + ', '.join(known) if known else ''}.")
    return known[method](value)
