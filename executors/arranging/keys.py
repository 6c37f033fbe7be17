"""Cells as bytes that compare as their values do, so that rows can be sorted, spilled and merged without their values.

A key is a class (numbers, moments, text, NULL, absent: always in this order, whichever way the column is sorted) and
the value, written so that no key is the beginning of another; a descending order turns the value's bits around.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias

from executors.arranging.kinds import Kind
from executors.base import Scalar
from executors.cells import Cell

_NUMBER_CLASS, _TIME_CLASS, _TEXT_CLASS, _NULL_CLASS, _ABSENT_CLASS = b"\x10", b"\x20", b"\x30", b"\xf0", b"\xf8"
NULL_KEY: Final = _NULL_CLASS
ABSENT_KEY: Final = _ABSENT_CLASS
# Of a longer value so much decides; what is alike that far stays as it came.
KEY_BYTES: Final = 1024

_FLIPPED: Final = bytes(255 - byte for byte in range(256))
_NUMBER = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,9}))?")
_BIAS: Final = 1 << 39
_BELOW, _NEGATIVE, _ZERO, _POSITIVE, _ABOVE, _NAN = (bytes([sign]) for sign in range(6))
_SPECIAL = {
    "NaN": _NAN, "Infinity": _ABOVE, "inf": _ABOVE, "-Infinity": _BELOW, "-inf": _BELOW,
}  # fmt: skip

_MOMENT = re.compile(
    r"([+-]?[0-9]{4,7})-([0-9]{2})-([0-9]{2})"
    r"(?:[ T]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6}))?)?)?"
    r" ?(Z|[+-][0-9]{2}(?::?[0-9]{2}(?::[0-9]{2})?)?)?( BC)?"
)
_CLOCK = re.compile(
    r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6}))?)?(Z|[+-][0-9]{2}(?::?[0-9]{2}(?::[0-9]{2})?)?)?"
)
_SPAN = re.compile(
    r"(?:([+-]?[0-9]{1,10}) years? ?)?(?:([+-]?[0-9]{1,10}) mons? ?)?(?:([+-]?[0-9]{1,10}) days? ?)?"
    r"(?:([+-]?)([0-9]{1,10}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,6}))?)?"
)
_MICRO: Final = 1_000_000
_DAY: Final = 86_400
# The number of 1 January 1970.
_EPOCH_DAY: Final = 719_468
_WIDTH: Final = 12
_HALF: Final = 1 << (8 * _WIDTH - 1)
_FIRST, _LAST = b"\x00" * _WIDTH, b"\xff" * _WIDTH

# A class and the value; None where the text is no such value.
_Part: TypeAlias = "tuple[bytes, bytes]"


def key_reader(kind: Kind, *, descending: bool = False, most: int | None = KEY_BYTES) -> Callable[[Cell], bytes]:
    """What makes the key of a cell of that kind, of `most` bytes of a value at most."""
    part = _PARTS[kind]

    def key(cell: Cell) -> bytes:
        if not isinstance(cell, str):
            return _NULL_CLASS if cell is None else _ABSENT_CLASS
        rank, value = part(cell, most) or _text(cell, most)
        return rank + (value.translate(_FLIPPED) if descending else value)

    return key


def is_of(kind: Kind, text: str) -> bool:
    """Whether the text is a value of that kind; any text is one of TEXT and MIXED."""
    return kind in (Kind.TEXT, Kind.MIXED) or _PARTS[kind](text, None) is not None


def typed_key(text: str, most: int | None = None) -> bytes:
    """The key of what somebody typed to hold mixed cells against: a number or a moment where it reads as one."""
    rank, value = number_part(text, most) or moment_part(text, most) or _text(text, most)
    return rank + value


def number_part(text: str, most: int | None = None) -> _Part | None:
    """Any decimal number, exactly: sign, the place of its point, digits."""
    if text in _SPECIAL:
        return _NUMBER_CLASS, _SPECIAL[text]
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    sign, whole, fraction, exponent = match.groups()
    digits = whole + (fraction or "")
    if not digits:
        return None
    significant = digits.lstrip("0")
    if not significant:
        return _NUMBER_CLASS, _ZERO
    place = len(whole) - len(digits) + len(significant) + int(exponent or 0)
    value = (place + _BIAS).to_bytes(6, "big") + significant.rstrip("0").encode()[:most] + b"\x00"
    if sign == "-":
        return _NUMBER_CLASS, _NEGATIVE + value.translate(_FLIPPED)
    return _NUMBER_CLASS, _POSITIVE + value


def moment_part(text: str, _most: int | None = None) -> _Part | None:
    """A date or a timestamp of any year; without an offset it is taken as UTC."""
    if text in ("infinity", "-infinity"):
        return _TIME_CLASS, _LAST if text == "infinity" else _FIRST
    micros = _moment(text)
    return None if micros is None else (_TIME_CLASS, _biased(micros))


def micros_of(text: str) -> int | None:
    """Microseconds from the beginning of 1970 to a date or a timestamp, which is UTC without an offset; else None."""
    micros = _moment(text)
    return None if micros is None else micros - _EPOCH_DAY * _DAY * _MICRO


def _moment(text: str) -> int | None:
    """Microseconds from the day 0 of `_days`."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, offset, before_christ = match.groups()
    days = _days(1 - int(year) if before_christ else int(year), int(month), int(day))
    seconds = days * _DAY + _seconds(hour, minute, second) - _offset(offset)
    return seconds * _MICRO + int((fraction or "").ljust(6, "0"))


def _clock_part(text: str, _most: int | None) -> _Part | None:
    """A time of day: by the moment, and where that is the same from east to west, as PostgreSQL has it."""
    match = _CLOCK.fullmatch(text)
    if match is None:
        return None
    hour, minute, second, fraction, offset = match.groups()
    away = _offset(offset)
    return _TIME_CLASS, _micros(_seconds(hour, minute, second) - away, fraction) + _micros(-away, None)


def _span_part(text: str, _most: int | None) -> _Part | None:
    """An interval as PostgreSQL compares them: a month has 30 days, a day 24 hours."""
    if text in ("infinity", "-infinity"):
        return _TIME_CLASS, _LAST if text == "infinity" else _FIRST
    match = _SPAN.fullmatch(text)
    if match is None or not text:
        return None
    years, months, days, sign, hours, minutes, seconds, fraction = match.groups()
    whole = (int(years or 0) * 12 + int(months or 0)) * 30 + int(days or 0)
    clock = _seconds(hours, minutes, seconds) * _MICRO + int((fraction or "").ljust(6, "0"))
    return _TIME_CLASS, _biased(whole * _DAY * _MICRO + (-clock if sign == "-" else clock))


def _truth_part(text: str, _most: int | None) -> _Part | None:
    """True or false, as people type it and as servers write it."""
    word = {"t": b"\x01", "true": b"\x01", "f": b"\x00", "false": b"\x00"}.get(text.lower())
    return None if word is None else (_NUMBER_CLASS, word)


def _mixed_part(cell: str, most: int | None) -> _Part | None:
    """A value that says it is no text: a number or a moment, if it reads as one."""
    if not isinstance(cell, Scalar):
        return None
    return number_part(cell, most) or moment_part(cell, most)


def _text(text: str, most: int | None) -> _Part:
    data = text.encode("utf-8", "surrogatepass")[:most]
    return _TEXT_CLASS, (data.replace(b"\x00", b"\x00\xff") if b"\x00" in data else data) + b"\x00\x00"


def _seconds(hour: str | None, minute: str | None, second: str | None) -> int:
    return int(hour or 0) * 3600 + int(minute or 0) * 60 + int(second or 0)


def _offset(text: str | None) -> int:
    """Seconds east of UTC."""
    if not text or text == "Z":
        return 0
    digits = text[1:].replace(":", "").ljust(6, "0")
    away = _seconds(digits[:2], digits[2:4], digits[4:6])
    return -away if text[0] == "-" else away


def _micros(seconds: int, fraction: str | None) -> bytes:
    return _biased(seconds * _MICRO + int((fraction or "").ljust(6, "0")))


def _biased(value: int) -> bytes:
    return (value + _HALF).to_bytes(_WIDTH, "big")


def _days(year: int, month: int, day: int) -> int:
    """The number of a day, for all years (Hinnant, chrono-compatible date algorithms)."""
    shifted = year - (month <= 2)  # noqa: PLR2004 -- January and February end the year
    cycle, year_of_cycle = divmod(shifted, 400)
    day_of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1  # noqa: PLR2004 -- the same
    return cycle * 146_097 + year_of_cycle * 365 + year_of_cycle // 4 - year_of_cycle // 100 + day_of_year


_PARTS: Final[dict[Kind, Callable[[str, int | None], _Part | None]]] = {
    Kind.NUMBER: number_part,
    Kind.TIME: moment_part,
    Kind.CLOCK: _clock_part,
    Kind.SPAN: _span_part,
    Kind.TRUTH: _truth_part,
    Kind.TEXT: lambda _text, _most: None,
    Kind.MIXED: _mixed_part,
}
