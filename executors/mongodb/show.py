"""Documents for people: canonical Extended JSON and table cells, straight from BSON bytes so that nothing is lost.

The driver's own decoder rounds nothing either, but it drops duplicate keys and turns symbols and code into strings.
"""

from __future__ import annotations

import base64
import json
import math
import struct
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final, TypeAlias

from bson import Decimal128

from executors.base import Column
from executors.mongodb import raw

_INT32, _INT64, _DOUBLE = struct.Struct("<i"), struct.Struct("<q"), struct.Struct("<d")
_TIMESTAMP: Final = struct.Struct("<II")
_MS_PER_DAY: Final = 86_400_000


class Missing(Enum):
    """The cell of a field the document does not have, which is not the same as a field that is null."""

    MISSING = ""


# Text as a reader expects it, None for null, MISSING for a field that is not there.
Cell: TypeAlias = str | Missing | None


# --- canonical Extended JSON ---------------------------------------------------------------------------


def canonical(document: bytes) -> str:
    """The canonical Extended JSON of one document: every type, bit and duplicate key of it."""
    return _document(document, 0)


def _document(data: bytes, offset: int) -> str:
    fields = (
        f"{_quoted(element.name)}: {_value(data, element.type, element.start, element.end)}"
        for element in raw.elements(data, offset)
    )
    return "{" + ", ".join(fields) + "}"


def _array(data: bytes, offset: int) -> str:
    values = (_value(data, element.type, element.start, element.end) for element in raw.elements(data, offset))
    return "[" + ", ".join(values) + "]"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _value(data: bytes, kind: int, start: int, end: int) -> str:
    return _CANONICAL[kind](data, start, end)


def _string(data: bytes, start: int) -> str:
    """The text of a BSON string. Bytes that are not UTF-8, which the server lets in, are shown as escapes."""
    (length,) = _INT32.unpack_from(data, start)
    return data[start + 4 : start + 3 + length].decode(errors="backslashreplace")


def _double_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def _binary(data: bytes, start: int, end: int) -> tuple[int, bytes]:
    """Subtype and bytes. Subtype 2 repeats its length inside, which is part of its bytes."""
    return data[start + 4], data[start + 5 : end]


def _binary_json(data: bytes, start: int, end: int) -> str:
    subtype, content = _binary(data, start, end)
    if subtype == 2:  # noqa: PLR2004 - the old binary, as the Extended JSON specification has it
        content = content[4:]
    return f'{{"$binary": {{"base64": "{base64.b64encode(content).decode()}", "subType": "{subtype:02x}"}}}}'


def _regex_parts(data: bytes, start: int, end: int) -> tuple[str, str]:
    pattern, options, _ = data[start:end].split(b"\0")
    return pattern.decode(errors="backslashreplace"), options.decode(errors="backslashreplace")


def _regex_json(data: bytes, start: int, end: int) -> str:
    pattern, options = _regex_parts(data, start, end)
    return f'{{"$regularExpression": {{"pattern": {_quoted(pattern)}, "options": {_quoted(options)}}}}}'


def _pointer_json(data: bytes, start: int, end: int) -> str:
    name, identifier = _quoted(_string(data, start)), data[end - 12 : end].hex()
    return f'{{"$dbPointer": {{"$ref": {name}, "$id": {{"$oid": "{identifier}"}}}}}}'


def _scoped_code_json(data: bytes, start: int, _end: int) -> str:
    (length,) = _INT32.unpack_from(data, start + 4)
    return f'{{"$code": {_quoted(_string(data, start + 4))}, "$scope": {_document(data, start + 8 + length)}}}'


def _timestamp_json(data: bytes, start: int, _end: int) -> str:
    ordinal, seconds = _TIMESTAMP.unpack_from(data, start)
    return f'{{"$timestamp": {{"t": {seconds}, "i": {ordinal}}}}}'


def _int64_text(data: bytes, start: int) -> str:
    return str(_INT64.unpack_from(data, start)[0])


def _decimal_text(data: bytes, start: int) -> str:
    return str(Decimal128.from_bid(data[start : start + 16]))


_Renderer: TypeAlias = Callable[[bytes, int, int], str]
_CANONICAL: Final[dict[int, _Renderer]] = {
    0x01: lambda d, s, _: f'{{"$numberDouble": "{_double_text(_DOUBLE.unpack_from(d, s)[0])}"}}',
    0x02: lambda d, s, _: _quoted(_string(d, s)),
    0x03: lambda d, s, _: _document(d, s),
    0x04: lambda d, s, _: _array(d, s),
    0x05: _binary_json,
    0x06: lambda _d, _s, _e: '{"$undefined": true}',
    0x07: lambda d, s, e: f'{{"$oid": "{d[s:e].hex()}"}}',
    0x08: lambda d, s, _: "true" if d[s] else "false",
    0x09: lambda d, s, _: f'{{"$date": {{"$numberLong": "{_int64_text(d, s)}"}}}}',
    0x0A: lambda _d, _s, _e: "null",
    0x0B: _regex_json,
    0x0C: _pointer_json,
    0x0D: lambda d, s, _: f'{{"$code": {_quoted(_string(d, s))}}}',
    0x0E: lambda d, s, _: f'{{"$symbol": {_quoted(_string(d, s))}}}',
    0x0F: _scoped_code_json,
    0x10: lambda d, s, _: f'{{"$numberInt": "{_INT32.unpack_from(d, s)[0]}"}}',
    0x11: _timestamp_json,
    0x12: lambda d, s, _: f'{{"$numberLong": "{_int64_text(d, s)}"}}',
    0x13: lambda d, s, _: f'{{"$numberDecimal": "{_decimal_text(d, s)}"}}',
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
    subtype, content = _binary(data, start, end)
    if subtype == 4 and len(content) == 16:  # noqa: PLR2004 - a UUID
        digits = content.hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
    return _binary_json(data, start, end)


def _regex_cell(data: bytes, start: int, end: int) -> str:
    pattern, options = _regex_parts(data, start, end)
    return f"/{pattern}/{options}"


def _timestamp_cell(data: bytes, start: int, _end: int) -> str:
    ordinal, seconds = _TIMESTAMP.unpack_from(data, start)
    return f"Timestamp({seconds}, {ordinal})"


def _double_cell(data: bytes, start: int, _end: int) -> str:
    text = _double_text(_DOUBLE.unpack_from(data, start)[0])
    return text.removesuffix(".0")


# Scalars as a reader expects them; whatever is not here is shown as canonical Extended JSON.
_PLAIN: Final[dict[int, _Renderer]] = {
    0x01: _double_cell,
    0x02: lambda d, s, _: _string(d, s),
    0x05: _binary_cell,
    0x07: lambda d, s, e: d[s:e].hex(),
    0x09: lambda d, s, _: date_text(_INT64.unpack_from(d, s)[0]),
    0x0B: _regex_cell,
    0x0E: lambda d, s, _: _string(d, s),
    0x10: lambda d, s, _: str(_INT32.unpack_from(d, s)[0]),
    0x11: _timestamp_cell,
    0x12: lambda d, s, _: _int64_text(d, s),
    0x13: lambda d, s, _: _decimal_text(d, s),
    0x7F: lambda _d, _s, _e: "MaxKey",
    0xFF: lambda _d, _s, _e: "MinKey",
}


def cells(document: bytes, names: Sequence[str]) -> list[Cell]:
    """The cells of one document under the columns `names`. Of a field that stands twice, the first is shown."""
    found: dict[str, Cell] = {}
    for element in raw.elements(document):
        if element.name not in found:
            found[element.name] = _cell(document, element)
    return [found.get(name, Missing.MISSING) for name in names]


def _cell(document: bytes, element: raw.Element) -> Cell:
    if element.type == raw.NULL:
        return None
    render = _PLAIN.get(element.type) or _CANONICAL[element.type]
    return render(document, element.start, element.end)


def table(data: bytes, names: Sequence[str]) -> list[list[Cell]]:
    """The cells of every document of a block."""
    return [cells(document, names) for document in raw.documents(data)]


def columns(data: bytes) -> tuple[Column, ...]:
    """The top-level fields of the documents of a block in order of first appearance, with their BSON types.

    A field of several types is `mixed`; null beside another type does not count.
    """
    types: dict[str, str] = {}
    for document in raw.documents(data):
        for element in raw.elements(document):
            kind, known = raw.TYPE_NAMES[element.type], types.get(element.name)
            if known is None or known == "null":
                types[element.name] = kind
            elif kind not in {known, "null"}:
                types[element.name] = "mixed"
    return tuple(Column(name, kind) for name, kind in types.items())
