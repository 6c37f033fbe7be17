"""Values that stand in the text itself, and what the server makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, DecimalException, localcontext
from typing import Any

from executors.postgresql.reading.conditions.truth import FALSE, NULL, TRUE, UNKNOWN, Truth
from executors.postgresql.reading.parse import Node


class Unread:
    """No literal."""


UNREAD = Unread()
COMPARED = frozenset({"=", "<>", "!=", "<", ">", "<=", ">=", "~~", "!~~", "~~*", "!~~*", "~", "!~", "~*", "!~*"})
ORDERED = frozenset({"=", "<>", "!=", "<", ">", "<=", ">="})

_LIKE = frozenset({"~~", "~~*", "!~~", "!~~*"})
_REGEXP = frozenset({"~", "~*", "!~", "!~*"})
_MATCH_ALL = frozenset(
    start + middle + end
    for start in ("", "^")
    for middle in ("", ".*", ".*?", ".{0,}", "()", "(?:)", "(.*)", "(?:.*)")
    for end in ("", "$")
    if middle or not (start and end)
)
_BOOLEANS = {"t": True, "true": True, "y": True, "yes": True, "on": True, "1": True}
_BOOLEANS |= {"f": False, "false": False, "n": False, "no": False, "off": False, "0": False}
_NUMBERS = frozenset({"int2", "int4", "int8", "numeric", "float4", "float8"})
_TEXTS = frozenset({"text", "varchar", "name"})
_MOST_DIGITS = 40


def constant(node: Node) -> Any:
    """The value of an A_Const: Decimal, str, bool, None for NULL, or `UNREAD`."""
    if node.get("isnull"):
        return None
    if "boolval" in node:
        return bool(node["boolval"].get("boolval", False))
    if "ival" in node:
        return Decimal(node["ival"].get("ival", 0))
    if "fval" in node:
        return number(node["fval"]["fval"])
    return node["sval"].get("sval", "") if "sval" in node else UNREAD


def number(text: str) -> Any:
    """A number as the server reads it from text, of a size that is cheap to reckon with."""
    try:
        found = Decimal(text.strip())
    except DecimalException:
        return UNREAD
    small = found.is_finite() and len(found.as_tuple().digits) <= _MOST_DIGITS and abs(found.adjusted()) <= _MOST_DIGITS
    return found if small else UNREAD


def cast(value: Any, names: Sequence[str]) -> Any:
    """`value::type`."""
    kind = names[-1] if names else ""
    if value is None or value is UNREAD:
        return value
    if kind == "bool":
        return value if isinstance(value, bool) else _boolean(value)
    if kind in _NUMBERS and not isinstance(value, bool):
        found = number(str(value))
        return found if found is UNREAD or kind == "numeric" or found == found.to_integral_value() else UNREAD
    return value if kind in _TEXTS and isinstance(value, str) else UNREAD


def calculated(name: str, left: Any, right: Any) -> Any:
    """`left name right` of two literals."""
    if name in COMPARED:
        if left is None or right is None:
            return None
        if left is UNREAD or right is UNREAD:
            return UNREAD
        return {"true": True, "false": False}.get(compared(name, left, right).value, UNREAD)
    if name == "||" and isinstance(left, str) and isinstance(right, str):
        return left + right
    if not isinstance(left, Decimal) or not isinstance(right, Decimal):
        return UNREAD
    return _reckoned(name, left, right)


def _reckoned(name: str, left: Decimal, right: Decimal) -> Any:
    with localcontext(prec=4 * _MOST_DIGITS):
        whole = right != 0 and left == left.to_integral_value() and right == right.to_integral_value()
        if name in {"+", "-", "*"}:
            return number(str({"+": left + right, "-": left - right, "*": left * right}[name]))
        # Whole numbers: rounded towards zero, the remainder with the sign of the first. So does the server.
        if name in {"/", "%"} and whole:
            return left // right if name == "/" else left % right
    return UNREAD


def compared(name: str, one: Any, other: Any) -> Truth:
    """What a comparison of two literals that are not NULL gives."""
    pair = _alike(one, other)
    if pair is None:
        return UNKNOWN
    one, other = pair
    if name in {"=", "<>", "!="}:
        return of_literal((one == other) == (name == "="))
    # The order of texts is a matter of their collation.
    if name in ORDERED and (not isinstance(one, str) or one == other):
        return of_literal({"<": one < other, ">": one > other, "<=": one <= other, ">=": one >= other}[name])
    if isinstance(other, str):
        return _matched(name, one, other)
    return UNKNOWN


def matches(name: str, pattern: Any) -> bool | None:
    """Whether a pattern lets every text through (True), none (False), or that depends on it (None)."""
    if not isinstance(pattern, str):
        return None
    everything = (name in _LIKE and pattern and not pattern.strip("%")) or (name in _REGEXP and pattern in _MATCH_ALL)
    return not name.startswith("!") if everything else None


def of_literal(value: Any) -> Truth:
    """A literal as a condition."""
    if value is None:
        return NULL
    return (TRUE if value else FALSE) if isinstance(value, bool) else UNKNOWN


def _matched(name: str, text: str, pattern: str) -> Truth:
    found = matches(name, pattern)
    if found is None and name in {"~~", "!~~"} and not set(pattern) & set("%_\\"):
        found = (text == pattern) == (name == "~~")
    return UNKNOWN if found is None else of_literal(found)


def _boolean(value: Decimal | str) -> Any:
    return _BOOLEANS.get(value.strip().lower(), UNREAD) if isinstance(value, str) else value != 0


def _alike(one: Any, other: Any) -> tuple[Any, Any] | None:
    """Both as the type the server would compare them as; None where it would not, or another way."""
    if type(one) is type(other):
        return one, other
    if isinstance(one, str):
        swapped = _alike(other, one)
        return (swapped[1], swapped[0]) if swapped else None
    if isinstance(other, str):
        converted = _boolean(other) if isinstance(one, bool) else number(other)
        return None if converted is UNREAD else (one, converted)
    return None
