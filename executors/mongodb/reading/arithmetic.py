"""What JavaScript makes of operators between literals. A result that it would round is refused with what it becomes."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact
from fractions import Fraction
from typing import Final

from bson import Int64
from bson.datetime_ms import DatetimeMS

from executors.base import FindingCode
from executors.javascript import keeps_number
from executors.mongodb.reading.command import Value
from executors.mongodb.reading.constructors import INT32, INT64, number

# The exponent of the widest double.
_MOST_POWER: Final = 1100
# Below it every whole number is a double of its own.
_SAFE: Final = 2**53
_SMALL: Final = 1e-6
_LARGE: Final = 1e21
_DECIMAL_DIGITS: Final = 34
_SHIFT: Final = 31


class Uncomputable(ValueError):
    """An operation whose result cannot stand in a statement, and how else to write it."""

    def __init__(self, code: FindingCode, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


def signed(sign: int, value: Value) -> int | float:
    """`-value` or `+value`; a date becomes its milliseconds."""
    return number(sign * _operand(value))


def computed(name: str, left: Value, right: Value, *, exact: bool) -> Value:
    """`left <name> right`. With `exact` a result that JavaScript rounds is refused. Raises `Uncomputable`."""
    if name == "+" and (isinstance(left, str) or isinstance(right, str)):
        return text_of(left) + text_of(right)
    if name == "+" and (isinstance(left, DatetimeMS) or isinstance(right, DatetimeMS)):
        message = "A date plus something is text in JavaScript, not a date."
        hint = "Write new Date(+new Date(…) + 1000), with the milliseconds to add."
        raise Uncomputable(FindingCode.MONGO_VALUE, message, hint)
    first, second = _operand(left), _operand(right)
    if name in _BITS:
        return number(_BITS[name](_bits(first), _bits(second)))
    result = _result(name, first, second)
    if exact:
        _require_exact(name, first, second, result)
    return number(result)


def _operand(value: Value) -> float:
    """A number, or a date as its milliseconds."""
    if isinstance(value, DatetimeMS):
        return float(int(value))
    if isinstance(value, int | float) and not isinstance(value, bool | Int64):
        return float(value)
    message = "Only numbers, texts and dates can be computed with."
    raise Uncomputable(FindingCode.MONGO_NOT_LITERAL, message, "Write the result, or use a script.")


def text_of(value: Value) -> str:
    """What `+` makes of a value beside a text, and a document of a key in brackets."""
    if isinstance(value, str):
        return value
    plain = isinstance(value, int | float) and not isinstance(value, bool | Int64)
    if plain and (value == 0 or _SMALL <= abs(value) < _LARGE):
        return _shown(float(value))
    message = "Only text and plain numbers can be put together with +."
    raise Uncomputable(FindingCode.MONGO_NOT_LITERAL, message, "Write the whole text in quotes.")


def _result(name: str, left: float, right: float) -> float:
    """The double that JavaScript comes to."""
    if name == "**" and not (right.is_integer() and abs(right) <= _MOST_POWER):
        message = f"An exponent has to be a whole number of at most {_MOST_POWER:,}."
        raise Uncomputable(FindingCode.MONGO_NUMBER, message, "Write the result.")
    try:
        result = _OPERATORS[name](left, right)
    except (ArithmeticError, ValueError):
        result = math.nan
    if not math.isfinite(result):
        message = "The result is no number that a double can hold."
        hint = "Write Infinity or NaN where that is meant, or the result as NumberDecimal."
        raise Uncomputable(FindingCode.MONGO_NUMBER, message, hint)
    return result


def _require_exact(name: str, left: float, right: float, result: float) -> None:
    """Refuse a result that is not the one of the numbers as they are written."""
    if left.is_integer() and right.is_integer() and abs(result) < _SAFE and name in {"+", "-", "*"}:
        return
    first, second, given = (Fraction(repr(value)) for value in (left, right, result))
    meant = _EXACT[name](first, second)
    if meant == given:
        return
    became = _shown(result)
    message = f"JavaScript rounds the result of {_shown(left)} {name} {_shown(right)} to {became}."
    raise Uncomputable(FindingCode.MONGO_NUMBER, message, f"Write {became} if that is meant{_or_exact(meant)}.")


def _remainder(left: Fraction, right: Fraction) -> Fraction:
    return left - right * math.trunc(left / right)


def _or_exact(meant: Fraction) -> str:
    """The exact result in the plainest form that keeps it, where there is one."""
    context = Context(prec=_DECIMAL_DIGITS, rounding=ROUND_HALF_EVEN, traps=[Inexact])
    try:
        digits = f"{context.divide(Decimal(meant.numerator), Decimal(meant.denominator)):f}"
    except ArithmeticError:
        return ""
    if keeps_number(digits.removeprefix("-")):
        return f", or {digits}"
    name = "NumberLong" if meant.denominator == 1 and int(meant) in INT64 else "NumberDecimal"
    return f', or {name}("{digits}")'


def _shown(value: float) -> str:
    """As JavaScript shows a number: the shortest digits that are read as the same one."""
    shortest = Decimal(repr(value))
    return str(int(shortest)) if value.is_integer() and abs(value) < _LARGE else repr(value)


def _bits(value: float) -> int:
    if not value.is_integer() or int(value) not in INT32:
        message = "A bit operator takes whole numbers of 32 bits."
        raise Uncomputable(FindingCode.MONGO_NUMBER, message, "Write the result.")
    return int(value)


def _wrapped(value: int) -> int:
    """The lowest 32 bits as a signed number."""
    return (value + 2**31) % 2**32 - 2**31


_OPERATORS: Final[dict[str, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": math.fmod,
    "**": math.pow,
}
_EXACT: Final[dict[str, Callable[[Fraction, Fraction], Fraction]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": _remainder,
    "**": lambda left, right: Fraction(left ** int(right)),
}
_BITS: Final[dict[str, Callable[[int, int], int]]] = {
    "|": operator.or_,
    "&": operator.and_,
    "^": operator.xor,
    "<<": lambda left, right: _wrapped(left << (right & _SHIFT)),
    ">>": lambda left, right: left >> (right & _SHIFT),
    ">>>": lambda left, right: (left % 2**32) >> (right & _SHIFT),
}
# Operators of JavaScript that are computed here.
OPERATORS: Final = frozenset({*_OPERATORS, *_BITS})
