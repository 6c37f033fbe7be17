"""Values with a type of their own where nothing is lost by it: in JSON lines, in copies, in workbooks."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass

from executors.arranging import Kind
from executors.arranging.kinds import MODIFIER
from executors.base import Column, Scalar
from executors.cells import Cell, exact_json

# So many digits come back from a double as they went in (DBL_DIG).
DIGITS = 15
# A workbook shows no more of them behind the point.
DECIMALS = 30
_NUMBER = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE][+-]?[0-9]{1,2})?")
_INTEGER_ZEROS = re.compile(r"-?0[0-9]")
_TIMESTAMP = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?: ([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,3}))?)?")
_EPOCH = dt.date(1899, 12, 30)
# Before it a workbook counts a day that never was.
_FIRST_DAY = dt.date(1900, 3, 1)
_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Number:
    """A number that a double holds exactly; `decimals` as it was written, None with an exponent."""

    value: float
    decimals: int | None


@dataclass(frozen=True, slots=True)
class Day:
    """A date or a timestamp without a zone, as workbooks count: in days since the end of 1899."""

    serial: float
    with_clock: bool
    with_fraction: bool


def exact_number(text: str) -> Number | None:
    """The number, if a double gives it back; not minus nought, and nothing with leading noughts."""
    match = _NUMBER.fullmatch(text)
    if match is None or _INTEGER_ZEROS.match(text):
        return None
    sign, whole, fraction = match[1], match[2], match[3] or ""
    significant = (whole + fraction).lstrip("0")
    if len(significant) > DIGITS or len(fraction) > DECIMALS or (sign and not significant):
        return None
    return Number(float(text), None if "e" in text.lower() else len(fraction))


def exact_day(column: Column, text: str) -> Day | None:
    """The moment, if the column is one of dates or timestamps without a zone, and a workbook can count it to the ms."""
    if MODIFIER.sub("", column.type) not in ("date", "timestamp without time zone"):
        return None
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction = match.groups()
    date = dt.date(int(year), int(month), int(day))
    if date < _FIRST_DAY:
        return None
    seconds = (
        int(hour or 0) * 3600 + int(minute or 0) * 60 + int(second or 0) + int((fraction or "").ljust(3, "0")) / 1000
    )
    return Day((date - _EPOCH).days + seconds / _DAY_SECONDS, hour is not None, fraction is not None)


def typed_json(kind: Kind, column: Column, cell: Cell) -> str:
    """The cell as JSON text: a number where a double holds it exactly, true and false, a document; else its text.

    A field that is not there is null, too: a table has no other word for it.
    """
    if not isinstance(cell, str):
        return "null"
    is_number = kind is Kind.NUMBER or (kind is Kind.MIXED and isinstance(cell, Scalar))
    if is_number and exact_number(cell):
        return cell
    if kind is Kind.TRUTH and cell in ("t", "f"):
        return "true" if cell == "t" else "false"
    if kind is Kind.MIXED and isinstance(cell, Scalar) and cell in ("true", "false"):
        return cell
    if column.type in ("json", "jsonb") and (document := _document(cell)) is not None:
        return document
    return json.dumps(str(cell), ensure_ascii=False)


def _document(text: str) -> str | None:
    """The document on one line, its numbers as they were written; None where a field is there twice."""
    try:
        value = json.loads(text, parse_int=Scalar, parse_float=Scalar, object_pairs_hook=_once)
        return exact_json(value)
    except (ValueError, RecursionError):
        return None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError
    return fields
