"""Documents for people: canonical Extended JSON and table cells, straight from BSON bytes so that nothing is lost.

The driver's own decoder rounds nothing either, but it drops duplicate keys and turns symbols and code into strings.
"""

from __future__ import annotations

import base64
import json
import math
import struct
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from enum import Enum
from typing import Final, TypeAlias

from bson import Decimal128

from executors.base import Column, Scalar
from executors.mongodb import raw
from executors.mongodb.fields import OTHERS

_INT32, _INT64, _DOUBLE = struct.Struct("<i"), struct.Struct("<q"), struct.Struct("<d")
_TIMESTAMP: Final = struct.Struct("<II")
_MS_PER_DAY: Final = 86_400_000
_UTF8_BYTES: Final = 4
_SYMBOL: Final = 0x0E
# What a key of data must not be mistaken for (the Extended JSON specification, canonical and relaxed).
_TYPE_KEYS: Final = frozenset(
    "$oid $symbol $numberInt $numberLong $numberDouble $numberDecimal $binary $uuid $code $scope $timestamp $regex"
    " $regularExpression $dbPointer $date $minKey $maxKey $undefined $type $options".split()
)


class Missing(Enum):
    """The cell of a field the document does not have, which is not the same as a field that is null."""

    MISSING = ""


# Text as a reader expects it, None for null, MISSING for a field that is not there.
Cell: TypeAlias = str | Missing | None


# --- canonical Extended JSON ---------------------------------------------------------------------------


class _Full(Exception):
    """As much was written as was asked for."""


class _Text:
    """Gathers pieces of text, up to `most` characters and the piece that goes beyond."""

    def __init__(self, most: int | None) -> None:
        self.pieces: list[str] = []
        self.most = most
        self._left = most

    def add(self, piece: str) -> None:
        """Take a piece. Raises `_Full` once there is enough."""
        self.pieces.append(piece)
        if self._left is not None:
            self._left -= len(piece)
            if self._left < 0:
                raise _Full


def canonical(document: bytes, most: int | None = None) -> str:
    """The canonical Extended JSON of one document: every type, bit and duplicate key of it.

    With `most` only its beginning is made, at least that many characters where there are so many. Keys that Extended
    JSON keeps for its types (`$oid`), where they are data, are written with an escape: the same JSON, another look.
    """
    return _gathered(document, raw.DOCUMENT, 0, len(document), most)


def _gathered(data: bytes, kind: int, start: int, end: int, most: int | None) -> str:
    out = _Text(most)
    with suppress(_Full):
        _write(out, data, kind, start, end)
    return "".join(out.pieces)


def _write(out: _Text, data: bytes, kind: int, start: int, end: int) -> None:
    if kind == raw.DOCUMENT:
        _write_fields(out, data, raw.elements(data, start))
    elif kind == raw.ARRAY:
        _write_array(out, data, start)
    elif kind == raw.SCOPED_CODE:
        (length,) = _INT32.unpack_from(data, start + 4)
        out.add(f'{{"$code": {quoted(string(data, start + 4, out.most))}, "$scope": ')
        _write(out, data, raw.DOCUMENT, start + 8 + length, end)
        out.add("}")
    elif kind == raw.STRING:
        out.add(quoted(string(data, start, out.most)))
    else:
        out.add(_CANONICAL[kind](data, start, end))


def _write_fields(out: _Text, data: bytes, fields: Iterable[raw.Element]) -> None:
    separator = "{"
    for element in fields:
        out.add(f"{separator}{_key(element.name)}: ")
        _write(out, data, element.type, element.start, element.end)
        separator = ", "
    out.add("{}" if separator == "{" else "}")


def _write_array(out: _Text, data: bytes, start: int) -> None:
    separator = "["
    for element in raw.elements(data, start):
        out.add(separator)
        _write(out, data, element.type, element.start, element.end)
        separator = ", "
    out.add("[]" if separator == "[" else "]")


def _key(name: str) -> str:
    return f'"\\u0024{name[1:]}"' if name in _TYPE_KEYS else quoted(name)


def quoted(text: str) -> str:
    """The text as JSON writes it."""
    return json.dumps(text, ensure_ascii=False)


def string(data: bytes, start: int, most: int | None = None) -> str:
    """The text of a BSON string; with `most` its beginning, of at least that many characters if it has them."""
    (length,) = _INT32.unpack_from(data, start)
    end = start + 3 + length
    return raw.text(data[start + 4 : end if most is None else min(end, start + 4 + _UTF8_BYTES * (most + 1))])


def double_text(value: float) -> str:
    """A double as Python and JavaScript write it, its sign and its point kept."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def binary(data: bytes, start: int, end: int) -> tuple[int, bytes]:
    """Subtype and bytes. Subtype 2 repeats its length inside, which is part of its bytes."""
    return data[start + 4], data[start + 5 : end]


def _binary_json(data: bytes, start: int, end: int) -> str:
    subtype, content = binary(data, start, end)
    if subtype == 2:  # noqa: PLR2004 - the old binary, as the Extended JSON specification has it
        content = content[4:]
    return f'{{"$binary": {{"base64": "{base64.b64encode(content).decode()}", "subType": "{subtype:02x}"}}}}'


def regex_parts(data: bytes, start: int, end: int) -> tuple[str, str]:
    """Pattern and options."""
    pattern, options, _ = data[start:end].split(b"\0")
    return pattern.decode(errors="backslashreplace"), options.decode(errors="backslashreplace")


def _regex_json(data: bytes, start: int, end: int) -> str:
    pattern, options = regex_parts(data, start, end)
    return f'{{"$regularExpression": {{"pattern": {quoted(pattern)}, "options": {quoted(options)}}}}}'


def _pointer_json(data: bytes, start: int, end: int) -> str:
    name, identifier = quoted(string(data, start)), data[end - 12 : end].hex()
    return f'{{"$dbPointer": {{"$ref": {name}, "$id": {{"$oid": "{identifier}"}}}}}}'


def _timestamp_json(data: bytes, start: int, _end: int) -> str:
    ordinal, seconds = _TIMESTAMP.unpack_from(data, start)
    return f'{{"$timestamp": {{"t": {seconds}, "i": {ordinal}}}}}'


def int64_text(data: bytes, start: int) -> str:
    """The digits of a 64-bit integer."""
    return str(_INT64.unpack_from(data, start)[0])


def decimal_text(data: bytes, start: int) -> str:
    """The digits of a decimal."""
    return str(Decimal128.from_bid(data[start : start + 16]))


_Renderer: TypeAlias = Callable[[bytes, int, int], str]
_CANONICAL: Final[dict[int, _Renderer]] = {
    0x01: lambda d, s, _: f'{{"$numberDouble": "{double_text(_DOUBLE.unpack_from(d, s)[0])}"}}',
    0x05: _binary_json,
    0x06: lambda _d, _s, _e: '{"$undefined": true}',
    0x07: lambda d, s, e: f'{{"$oid": "{d[s:e].hex()}"}}',
    0x08: lambda d, s, _: "true" if d[s] else "false",
    0x09: lambda d, s, _: f'{{"$date": {{"$numberLong": "{int64_text(d, s)}"}}}}',
    0x0A: lambda _d, _s, _e: "null",
    0x0B: _regex_json,
    0x0C: _pointer_json,
    0x0D: lambda d, s, _: f'{{"$code": {quoted(string(d, s))}}}',
    0x0E: lambda d, s, _: f'{{"$symbol": {quoted(string(d, s))}}}',
    0x10: lambda d, s, _: f'{{"$numberInt": "{_INT32.unpack_from(d, s)[0]}"}}',
    0x11: _timestamp_json,
    0x12: lambda d, s, _: f'{{"$numberLong": "{int64_text(d, s)}"}}',
    0x13: lambda d, s, _: f'{{"$numberDecimal": "{decimal_text(d, s)}"}}',
    0x7F: lambda _d, _s, _e: '{"$maxKey": 1}',
    0xFF: lambda _d, _s, _e: '{"$minKey": 1}',
}

# --- cells ------------------------------------------------------------------------------------------------


def date_text(milliseconds: int) -> str:
    """ISO 8601 in UTC for any number of milliseconds since 1970; years beyond 0 to 9999 with a sign and six digits."""
    days, rest = divmod(milliseconds, _MS_PER_DAY)
    year, month, day = _civil(days)
    seconds, fraction = divmod(rest, 1000)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:03}Z"
    shown_year = f"{year:04}" if 0 <= year <= 9999 else f"{year:+07}"  # noqa: PLR2004 - ECMAScript's expanded years
    return f"{shown_year}-{month:02}-{day:02}T{clock}"


def _civil(days: int) -> tuple[int, int, int]:
    """Year, month and day of a day number since 1970, for all integers (Hinnant, chrono-compatible date algorithms)."""
    cycle, day_of_cycle = divmod(days + 719_468, 146_097)
    year_of_cycle = (day_of_cycle - day_of_cycle // 1460 + day_of_cycle // 36_524 - day_of_cycle // 146_096) // 365
    day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle // 4 - year_of_cycle // 100)
    shifted_month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * shifted_month + 2) // 5 + 1
    month = shifted_month + 3 if shifted_month < 10 else shifted_month - 9  # noqa: PLR2004 - March is month 0
    return cycle * 400 + year_of_cycle + (month <= 2), month, day  # noqa: PLR2004 - January and February end the year


def _binary_cell(data: bytes, start: int, end: int) -> str:
    subtype, content = binary(data, start, end)
    if subtype == 4 and len(content) == 16:  # noqa: PLR2004 - a UUID
        digits = content.hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
    return _binary_json(data, start, end)


def _regex_cell(data: bytes, start: int, end: int) -> str:
    pattern, options = regex_parts(data, start, end)
    return f"/{pattern}/{options}"


def _timestamp_cell(data: bytes, start: int, _end: int) -> str:
    ordinal, seconds = _TIMESTAMP.unpack_from(data, start)
    return f"Timestamp({seconds}, {ordinal})"


def _double_cell(data: bytes, start: int, _end: int) -> str:
    text = double_text(_DOUBLE.unpack_from(data, start)[0])
    return text.removesuffix(".0")


# Scalars as a reader expects them; whatever is not here is shown as canonical Extended JSON.
_PLAIN: Final[dict[int, _Renderer]] = {
    0x01: _double_cell,
    0x05: _binary_cell,
    0x07: lambda d, s, e: d[s:e].hex(),
    0x09: lambda d, s, _: date_text(_INT64.unpack_from(d, s)[0]),
    0x0B: _regex_cell,
    0x0E: lambda d, s, _: string(d, s),
    0x10: lambda d, s, _: str(_INT32.unpack_from(d, s)[0]),
    0x11: _timestamp_cell,
    0x12: lambda d, s, _: int64_text(d, s),
    0x13: lambda d, s, _: decimal_text(d, s),
    0x7F: lambda _d, _s, _e: "MaxKey",
    0xFF: lambda _d, _s, _e: "MinKey",
}


class Table:
    """Cells of documents under the columns of their result: the second field of a name goes to its second column."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._width = len(columns)
        self._places: dict[str, list[int]] = {}
        self._others: int | None = None
        for place, column in enumerate(columns):
            if column.type == OTHERS:
                self._others = place
            else:
                self._places.setdefault(column.name, []).append(place)

    def cells(self, document: bytes, most: int | None = None) -> list[Cell]:
        """The cells of one document; with `most` the beginning of each, at least that many characters long."""
        row: list[Cell] = [Missing.MISSING] * self._width
        times: dict[str, int] = {}
        others: list[raw.Element] = []
        for element in raw.elements(document):
            places, number = self._places.get(element.name, ()), times.get(element.name, 0)
            times[element.name] = number + 1
            if number < len(places):
                row[places[number]] = _cell(document, element, most)
            else:
                others.append(element)
        if others and self._others is not None:
            out = _Text(most)
            with suppress(_Full):
                _write_fields(out, document, others)
            row[self._others] = "".join(out.pieces)
        return row


def _cell(document: bytes, element: raw.Element, most: int | None) -> Cell:
    kind, start, end = element.type, element.start, element.end
    if kind == raw.NULL:
        return None
    if kind == raw.STRING:
        return string(document, start, most)
    render = _PLAIN.get(kind)
    if render is None:
        return _gathered(document, kind, start, end, most)
    text = render(document, start, end)
    return text if kind == _SYMBOL else Scalar(text)
