"""The literal constructors of mongosh, and Extended JSON documents, as BSON values.

Every function takes values already read and raises `ValueError` with one sentence when they do not fit.
Nothing here depends on the time, the machine or chance: what was reviewed is what runs.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import math
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Final

from bson import Binary, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from bson.errors import InvalidId

from executors.mongodb.reading.command import Value

INT32: Final = range(-(2**31), 2**31)
INT64: Final = range(-(2**63), 2**63)
# ECMAScript's widest date: 100 million days either side of 1970.
_DATE_RANGE: Final = range(-8_640_000_000_000_000, 8_640_000_000_000_001)
_SAFE_INTEGER: Final = 2**53
_REGEX_FLAGS: Final = "ims"
_MAX_DECIMAL_TEXT: Final = 6200
_ISO_DATE = re.compile(
    r"(?P<year>\d{4}|[+-]\d{6})-?(?P<month>\d\d)-?(?P<day>\d\d)"
    r"(?:[T ](?P<hour>\d\d):?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"\s?(?P<zone>[Zz]|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
_WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_DOUBLE = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?Infinity|NaN", re.ASCII)


def number(value: float) -> int | float:
    """A JavaScript number as mongosh sends it: a whole one that fits 32 bits is an int32, any other a double."""
    negative_zero = value == 0 and math.copysign(1, value) < 0
    if math.isfinite(value) and int(value) == value and int(value) in INT32 and not negative_zero:
        return int(value)
    return float(value)


def whole(value: object, name: str, bounds: range) -> int:
    """A whole number given as text, as a safe JavaScript integer or as a long."""
    digits = isinstance(value, str) and _WHOLE.fullmatch(value) is not None
    safe = isinstance(value, float) and value.is_integer() and abs(value) < _SAFE_INTEGER
    if isinstance(value, bool) or not (digits or safe or isinstance(value, int)):
        raise ValueError(f"{name} takes a whole number, as digits or in quotes.")
    result = int(value)  # type: ignore[call-overload]  # one of the three above
    if result not in bounds:
        raise ValueError(f"The number does not fit {name}.")
    return int(result)


def long(value: object = 0) -> Int64:
    """`NumberLong("…")`."""
    return Int64(whole(value, "NumberLong", INT64))


def int32(value: object = 0) -> int:
    """`NumberInt("…")`."""
    return whole(value, "NumberInt", INT32)


def double(value: object) -> float:
    """`Double(…)`."""
    if isinstance(value, str) and _DOUBLE.fullmatch(value):
        return float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise ValueError("Double takes a number.")


def decimal128(value: object) -> Decimal128:
    """`NumberDecimal("…")`: at most 34 digits, never rounded."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        exact = math.isfinite(value) and int(value) == value and abs(value) < _SAFE_INTEGER
        text = str(int(value)) if exact else repr(value)
        if "e" in text:
            raise ValueError('NumberDecimal takes its digits in quotes: NumberDecimal("…").')
        value = text
    if not isinstance(value, str) or len(value) > _MAX_DECIMAL_TEXT:
        raise ValueError('NumberDecimal takes its digits in quotes: NumberDecimal("…").')
    try:
        return Decimal128(value)
    except ArithmeticError:
        raise ValueError("This is not a decimal of at most 34 digits.") from None


def object_id(value: object = None) -> ObjectId:
    """`ObjectId("…")`."""
    if value is None:
        raise ValueError(
            "ObjectId() makes a new value at each run; leave _id out of a new document, and the portal makes one."
        )
    try:
        if isinstance(value, str):
            return ObjectId(value)
    except InvalidId:
        pass
    raise ValueError("ObjectId takes 24 hexadecimal digits in quotes.")


def uuid_binary(value: object = None) -> Binary:
    """`UUID("…")`, binary subtype 4."""
    if value is None:
        raise ValueError("UUID() makes a new value at each run; write its 32 digits out, or give it as a parameter.")
    if isinstance(value, str) and re.fullmatch(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}", value):
        return Binary(uuid.UUID(value).bytes, 4)
    raise ValueError("UUID takes 32 hexadecimal digits in quotes, with or without hyphens.")


def _subtype(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 255:  # noqa: PLR2004 - one byte
        return value
    raise ValueError("A binary subtype is a number from 0 to 255.")


def bin_data(subtype: object, encoded: object) -> Binary:
    """`BinData(subtype, "base64")`."""
    try:
        if isinstance(encoded, str):
            return Binary(base64.b64decode(encoded, validate=True), _subtype(subtype))
    except binascii.Error:
        pass
    raise ValueError('BinData takes a subtype and base64 text: BinData(0, "SGk=").')


def hex_data(subtype: object, digits: object) -> Binary:
    """`HexData(subtype, "hex")`."""
    if isinstance(digits, str) and re.fullmatch(r"([0-9a-fA-F]{2})*", digits):
        return Binary(bytes.fromhex(digits), _subtype(subtype))
    raise ValueError('HexData takes a subtype and hexadecimal text: HexData(0, "ff00").')


def timestamp(*arguments: object) -> Timestamp:
    """`Timestamp(t, i)`, `Timestamp({t, i})` or `Timestamp()`, which the server fills in."""
    first = arguments[0] if arguments else {"t": 0, "i": 0}
    if len(arguments) <= 1 and isinstance(first, Mapping) and set(first) == {"t", "i"}:
        arguments = (first["t"], first["i"])
    if len(arguments) != 2:  # noqa: PLR2004 - seconds and ordinal
        raise ValueError("Timestamp takes seconds and an ordinal: Timestamp(1700000000, 1).")
    seconds, ordinal = (whole(argument, "Timestamp", range(2**32)) for argument in arguments)
    return Timestamp(seconds, ordinal)


def regex(pattern: object, flags: object = "") -> Regex[str]:
    """A regular expression literal, or `RegExp("…", "i")`."""
    if not isinstance(pattern, str) or not isinstance(flags, str):
        message = 'RegExp takes a pattern and flags in quotes: RegExp("^a", "i").'
        raise ValueError(message)  # noqa: TRY004 - callers turn ValueError into a finding
    unknown = [flag for flag in flags if flag not in _REGEX_FLAGS]
    if unknown or len(set(flags)) != len(flags):
        raise ValueError(
            f"The regular expression flags {flags!r} are not understood; the server knows i, m and s"
            ' (and x, as {$regex: "…", $options: "x"}).'
        )
    if "\0" in pattern:
        raise ValueError("A regular expression cannot hold a NUL character.")
    return Regex(pattern, "".join(sorted(flags)))


def milliseconds(value: object) -> DatetimeMS:
    """A date given as milliseconds since 1970."""
    return DatetimeMS(whole(value, "Date", _DATE_RANGE))


def new_date(*arguments: object) -> DatetimeMS:
    """`new Date("…")` with a zone, a date alone, milliseconds, another date, or parts that are read as UTC."""
    if len(arguments) > 1:
        return milliseconds(utc(*arguments))
    (given,) = arguments
    if isinstance(given, DatetimeMS):
        return given
    return _iso(given, zoned=True) if isinstance(given, str) else milliseconds(given)


def utc(*parts: object) -> int | float:
    """`Date.UTC(year, month from 0, day, hour, minute, second, millisecond)`; a month of 12 is in the next year."""
    year, month, day, hour, minute, second, fraction = (
        *(whole(part, "Date", range(-1_000_000_000, 1_000_000_001)) for part in parts),
        *(0, 0, 1, 0, 0, 0, 0)[len(parts) :],
    )
    year += 1900 if 0 <= year <= 99 else 0  # noqa: PLR2004 - what JavaScript does with years of two digits
    days = _days(year + month // 12, month % 12 + 1, 1) + day - 1
    return number(int(milliseconds((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + fraction)))


def iso_date(value: object) -> DatetimeMS:
    """`ISODate("…")`: UTC unless it names another zone."""
    if isinstance(value, DatetimeMS):
        return value
    if not isinstance(value, str):
        message = 'ISODate takes a date in quotes: ISODate("2026-01-31T12:00:00Z").'
        raise ValueError(message)  # noqa: TRY004 - callers turn ValueError into a finding
    return _iso(value, zoned=False)


def _iso(text: str, *, zoned: bool) -> DatetimeMS:
    match = _ISO_DATE.fullmatch(text)
    if match is None:
        raise ValueError("This is not an ISO 8601 date such as 2026-01-31T12:00:00Z.")
    if zoned and match["hour"] and not match["zone"]:
        raise ValueError("A time without a zone depends on the local time zone; end it with Z.")
    day = _days(int(match["year"]), int(match["month"]), int(match["day"]))
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    if hour > 23 or minute > 59 or second > 59:  # noqa: PLR2004 - a clock
        raise ValueError("This is not a time of day.")
    fraction = int((match["fraction"] or "0").ljust(3, "0")[:3])
    seconds = ((day * 24 + hour) * 60 + minute) * 60 + second - _offset(match["zone"])
    return milliseconds(seconds * 1000 + fraction)


def _offset(zone: str | None) -> int:
    """Seconds east of UTC."""
    if zone is None or zone in "Zz":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return (1 if zone[0] == "+" else -1) * (int(digits[:2]) * 3600 + int(digits[2:]) * 60)


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970 of a Gregorian date, whole cycles of 400 years aside: Python's own dates are few."""
    cycles = (year - 2000) // 400
    try:
        shifted = dt.date(year - cycles * 400, month, day)
    except ValueError:
        raise ValueError("There is no such day.") from None
    return shifted.toordinal() - 719_163 + cycles * 146_097


# --- Extended JSON -----------------------------------------------------------------------------------


def _ext_date(value: object) -> DatetimeMS:
    if isinstance(value, str):
        return _iso(value, zoned=True)
    return DatetimeMS(whole(value, "$date", INT64))


def _ext_binary(value: object) -> Binary:
    if isinstance(value, Mapping) and set(value) == {"base64", "subType"} and isinstance(value["subType"], str):
        if not re.fullmatch(r"[0-9a-fA-F]{1,2}", value["subType"]):
            raise ValueError("A binary subtype is one or two hexadecimal digits.")
        return bin_data(int(value["subType"], 16), value["base64"])
    raise ValueError('$binary takes {base64: "…", subType: "00"}.')


def _ext_regex(value: object) -> Regex[str]:
    if not (isinstance(value, Mapping) and set(value) == {"pattern", "options"}):
        raise ValueError('$regularExpression takes {pattern: "…", options: "…"}.')
    pattern, options = value["pattern"], value["options"]
    if isinstance(pattern, str) and isinstance(options, str) and set(options) <= set("ilmsux"):
        if "\0" in pattern:
            raise ValueError("A regular expression cannot hold a NUL character.")
        return Regex(pattern, "".join(sorted(options)))
    raise ValueError("$regularExpression takes a pattern and options out of i, l, m, s, u and x.")


def _ext_text(convert: Callable[[object], Value], name: str) -> Callable[[object], Value]:
    def read(value: object) -> Value:
        if not isinstance(value, str):
            raise ValueError(f"{name} takes its digits in quotes.")  # noqa: TRY004 - the caller reports ValueError
        return convert(value)

    return read


def _ext_timestamp(value: object) -> Timestamp:
    if isinstance(value, Mapping) and set(value) == {"t", "i"}:
        return timestamp(value)
    raise ValueError("$timestamp takes {t: …, i: …}.")


def _ext_key(key: MinKey | MaxKey, name: str) -> Callable[[object], MinKey | MaxKey]:
    def read(value: object) -> MinKey | MaxKey:
        if value != 1:
            raise ValueError(f"{name} takes 1.")
        return key

    return read


def _refused(message: str) -> Callable[[object], Value]:
    def read(_value: object) -> Value:
        raise ValueError(message)

    return read


EXTENDED: Final[Mapping[str, Callable[[object], Value]]] = {
    "$oid": object_id,
    "$date": _ext_date,
    "$numberLong": _ext_text(long, "$numberLong"),
    "$numberInt": _ext_text(int32, "$numberInt"),
    "$numberDouble": _ext_text(double, "$numberDouble"),
    "$numberDecimal": _ext_text(decimal128, "$numberDecimal"),
    "$uuid": uuid_binary,
    "$binary": _ext_binary,
    "$regularExpression": _ext_regex,
    "$timestamp": _ext_timestamp,
    "$minKey": _ext_key(MinKey(), "$minKey"),
    "$maxKey": _ext_key(MaxKey(), "$maxKey"),
    "$undefined": _refused("The undefined type cannot be written; use null."),
    "$symbol": _refused("The symbol type cannot be written; use a string."),
    "$dbPointer": _refused("The DBPointer type cannot be written; use DBRef."),
    "$code": _refused("Code is server-side JavaScript, which is never run."),
}


def dbref(collection: object, identifier: object, database: object = None) -> dict[str, Value]:
    """`DBRef("collection", id)`."""
    if not isinstance(collection, str) or not (database is None or isinstance(database, str)):
        raise ValueError('DBRef takes a collection and an id: DBRef("people", 1).')
    reference = {"$ref": collection, "$id": identifier}
    return reference if database is None else {**reference, "$db": database}


# Constructors, by name: how to make the value, and the fewest and the most arguments.
CONSTRUCTORS: Final[Mapping[str, tuple[Callable[..., Value], int, int]]] = {
    "ObjectId": (object_id, 0, 1),
    "ISODate": (iso_date, 1, 1),
    "Date": (new_date, 1, 7),
    "NumberLong": (long, 0, 1),
    "Long": (long, 0, 1),
    "NumberInt": (int32, 0, 1),
    "Int32": (int32, 0, 1),
    "NumberDecimal": (decimal128, 1, 1),
    "Decimal128": (decimal128, 1, 1),
    "Double": (double, 1, 1),
    "UUID": (uuid_binary, 0, 1),
    "BinData": (bin_data, 2, 2),
    "HexData": (hex_data, 2, 2),
    "Timestamp": (timestamp, 0, 2),
    "RegExp": (regex, 1, 2),
    "MinKey": (MinKey, 0, 0),
    "MaxKey": (MaxKey, 0, 0),
    "DBRef": (dbref, 2, 3),
}
