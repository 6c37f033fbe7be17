"""What every reader of JavaScript needs to know of its literals."""

from __future__ import annotations

import re
import sys
from decimal import Decimal

_ESCAPE = re.compile(
    r"\\(?:u\{(?P<point>[0-9a-fA-F]{1,6})\}|u(?P<unit>[0-9a-fA-F]{4})|x(?P<byte>[0-9a-fA-F]{2})"
    r"|(?P<end>\r\n|[\n\r\u2028\u2029])|(?P<octal>0(?![0-9]))|(?P<bad>[ux1-9]|0)|(?P<simple>.))",
    re.DOTALL,
)
_QUOTED = re.compile(
    r"""//[^\n]*|/\*.*?(?:\*/|\Z)|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|/(?:[^/\\\n]|\\.)+/""",
    re.DOTALL,
)
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}
_PREFIXES = {"0x": 16, "0o": 8, "0b": 2}


def unescaped(text: str) -> str:
    """The value of what stands between the quotes of a string. Raises `ValueError` with one sentence.

    A `UnicodeDecodeError`, which is one, tells of half a surrogate pair.
    """
    if "\\" not in text:
        return text
    # Surrogates written as two escapes are one character; one alone is no character at all.
    return _ESCAPE.sub(_unescape, text).encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def quoted_ranges(text: str) -> list[tuple[int, int]]:
    """Where texts in quotes, comments and regular expressions lie, as near as can be told without a parser."""
    return [match.span() for match in _QUOTED.finditer(text)]


def _unescape(match: re.Match[str]) -> str:
    code = match["point"] or match["unit"] or match["byte"]
    if match["bad"] or (code and int(code, 16) > sys.maxunicode):
        raise ValueError(f"The escape {match[0]} is not understood.")
    if code:
        return chr(int(code, 16))
    if match["octal"]:
        return "\0"
    return "" if match["end"] else _SIMPLE.get(match["simple"], match["simple"])


def keeps_number(literal: str) -> bool:
    """Whether JavaScript keeps the number that a literal says, every digit of it: `0.1` yes, `9007199254740993` no."""
    digits = literal.replace("_", "").lower()
    if digits.endswith("n") and digits[:-1].isalnum():
        return True
    base = _PREFIXES.get(digits[:2])
    try:
        value = float(int(digits, base)) if base else float(digits)
        written = Decimal(int(digits, base)) if base else Decimal(digits)
        # What JavaScript shows of a number is the shortest text that is read as the same number.
        return written == Decimal(repr(value))
    except (ArithmeticError, ValueError):
        return False
