"""Numbers as they are written. What a double cannot hold is refused with the constructor that can."""

from __future__ import annotations

import re
from typing import Final

from bson import Int64
from tree_sitter import Node

from executors.base import FindingCode
from executors.javascript import keeps_number
from executors.mongodb.reading import constructors
from executors.mongodb.reading.command import Value
from executors.mongodb.reading.source import Source, Unreadable, shown

# More digits than any double needs.
_MAX_DIGITS: Final = 1100
_LEGACY_OCTAL = re.compile(r"0\d")


def numeral(source: Source, node: Node, sign: int) -> Value:
    """The value of a number literal with the sign in front of it. Raises `Unreadable`."""
    text = source.text(node)
    if _LEGACY_OCTAL.match(text):
        raise source.refuse(node, FindingCode.MONGO_SYNTAX, "A number may not start with 0.", "Write 0o17 for octal.")
    if len(text) > _MAX_DIGITS:
        raise source.refuse(node, FindingCode.MONGO_NUMBER, f"A number has at most {_MAX_DIGITS} digits.")
    digits = text.replace("_", "").lower()
    if digits.endswith("n"):
        return _bigint(source, node, sign * int(digits[:-1], 0))
    if not keeps_number(text):
        raise _rounded(source, node, digits, sign)
    value = float(int(digits, 0)) if digits[:2] in {"0x", "0o", "0b"} else float(digits)
    return constructors.number(sign * value)


def _rounded(source: Source, node: Node, digits: str, sign: int) -> Unreadable:
    """mongosh would round what a double cannot hold, and send something else than was reviewed."""
    message = f"The number {shown(digits)} has more digits, or is larger or smaller, than a JavaScript number keeps."
    whole = digits[:2] in {"0x", "0o", "0b"} or digits.isdigit()
    written = str(sign * int(digits, 0)) if whole else f"{'-' if sign < 0 else ''}{digits}"
    name = "NumberLong" if whole and int(written) in constructors.INT64 else "NumberDecimal"
    return source.refuse(node, FindingCode.MONGO_NUMBER, message, f'Use {name}("{shown(written)}").')


def _bigint(source: Source, node: Node, value: int) -> Int64:
    if value not in constructors.INT64:
        raise source.refuse(
            node, FindingCode.MONGO_NUMBER, "The number does not fit 64 bits.", 'Use NumberDecimal("…").'
        )
    return Int64(value)
