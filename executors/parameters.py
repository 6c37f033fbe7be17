"""What a value of a type may be written like, and the one text it then is. No digit is lost, nothing is guessed."""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Final

from executors.base import Finding, FindingCode, ParameterType, Severity

_WHOLE: Final = re.compile(r"([+-]?)0*([0-9]{1,1000})")
_DECIMAL: Final = re.compile(r"([+-]?)(?:[0-9]{1,1000}(?:\.[0-9]{0,1000})?|\.[0-9]{1,1000})(?:[eE][+-]?[0-9]{1,3})?")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIMESTAMP: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]{1,6})?)?"
    r" ?([Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")


class Mistyped(ValueError):
    """The text is no value of the type; the message says what is, as a sentence for people."""


def exact(kind: ParameterType, text: str) -> str:
    """The one way to write `text` as a value of `kind`, which is no list. Raises `Mistyped`."""
    return _EXACT[kind](text)


def _text(text: str) -> str:
    return text


def _integer(text: str) -> str:
    found = _WHOLE.fullmatch(text.strip())
    if not found:
        raise Mistyped("Write a whole number in digits, such as -12.")
    return ("-" if found[1] == "-" and found[2] != "0" else "") + found[2]


def _decimal(text: str) -> str:
    if not _DECIMAL.fullmatch(text.strip()):
        raise Mistyped("Write a number in digits with a point, such as 19.90.")
    return text.strip().removeprefix("+")


def _boolean(text: str) -> str:
    if text.strip().lower() not in {"true", "false"}:
        raise Mistyped("Write true or false.")
    return text.strip().lower()


def _date(text: str) -> str:
    try:
        if _DAY.fullmatch(text.strip()):
            return dt.date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        pass
    raise Mistyped("Write a day of the calendar as 2026-01-31.")


def _timestamp(text: str) -> str:
    """As ISO 8601 has it, the digits of its seconds as written. Without an offset it stays without one."""
    found = _TIMESTAMP.fullmatch(text.strip())
    if found:
        day, minute, second, offset = found.groups()
        written = f"{day}T{minute}{second or ':00'}{_offset(offset or '')}"
        try:
            dt.datetime.fromisoformat(written)
        except ValueError:
            pass
        else:
            return written
    raise Mistyped("Write a time as 2026-01-31T14:30:00, with Z or +02:00 behind it for one of a zone.")


def _offset(text: str) -> str:
    if text in {"", "z", "Z"}:
        return text.upper()
    digits = text[1:].replace(":", "")
    return f"{text[0]}{digits[:2]}:{digits[2:] or '00'}"


def _uuid(text: str) -> str:
    if not _UUID.fullmatch(text.strip()):
        raise Mistyped("Write a UUID as 123e4567-e89b-12d3-a456-426614174000.")
    return str(uuid.UUID(text.strip()))


def _json(text: str) -> str:
    try:
        json.loads(text, parse_int=str, parse_float=str, parse_constant=_no_constant)
    except ValueError as error:
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise Mistyped(f"This is not JSON{where}. Text in JSON stands in double quotes.") from None
    except RecursionError:
        raise Mistyped("This JSON is nested too deeply.") from None
    return text.strip()


def _no_constant(word: str) -> str:
    raise ValueError(word)


_EXACT: Final[Mapping[ParameterType, Callable[[str], str]]] = {
    ParameterType.TEXT: _text,
    ParameterType.INTEGER: _integer,
    ParameterType.DECIMAL: _decimal,
    ParameterType.BOOLEAN: _boolean,
    ParameterType.DATE: _date,
    ParameterType.TIMESTAMP: _timestamp,
    ParameterType.UUID: _uuid,
    ParameterType.JSON: _json,
}
SCALARS: Final = tuple(_EXACT)


def missing(name: str, line: int, column: int) -> Finding:
    """A name that a statement uses and that has no value."""
    message, hint = f"The parameter {name} has no value.", "Give it a type and a value, or null."
    return Finding(FindingCode.PARAMETER_MISSING, Severity.ERROR, message, line, column, hint, name)


def unused(name: str, written: str, hint: str = "") -> Finding:
    """A value that a statement does not use; `written` is how it would name it."""
    said = f"Write {written} where the value belongs{hint}."
    message = f"The statement does not use {written}."
    return Finding(FindingCode.PARAMETER_UNUSED, Severity.ERROR, message, hint=said, parameter=name)
