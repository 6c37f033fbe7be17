"""Rows as PostgreSQL's COPY text writes them; pure functions over bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias

# One decoded row: the text of each field, None for NULL.
Row: TypeAlias = tuple[str | None, ...]

_TO_COPY = {
    b"\\": b"\\\\", b"\t": b"\\t", b"\n": b"\\n", b"\r": b"\\r", b"\b": b"\\b", b"\f": b"\\f", b"\v": b"\\v",
}  # fmt: skip
_SPECIAL = re.compile(rb"[\\\t\n\r\x08\x0b\x0c]")
_FROM_COPY = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.)", re.DOTALL)


def encode_copy_row(fields: Iterable[bytes | None]) -> bytes:
    """One line of COPY text from the server's text of each field."""
    return b"\t".join([b"\\N" if field is None else _escape(field) for field in fields]) + b"\n"


def decode_copy_row(line: bytes) -> Row:
    """The fields of one line of COPY text (with or without its line feed)."""
    text = line.decode("utf-8").removesuffix("\n")
    fields = text.split("\t")
    if "\\" not in text:
        return tuple(fields)
    return tuple(None if field == "\\N" else _unescape(field) for field in fields)


def copy_row_start(line: bytes, most: int) -> Row:
    """The fields of one line of COPY text, of each the beginning: at least `most` characters if it has them."""
    # A character takes four bytes at most, an escape two.
    size = 4 * (most + 1)
    fields = line.removesuffix(b"\n").split(b"\t")
    return tuple(None if field == b"\\N" else _unescape(field[:size].decode("utf-8", "ignore")) for field in fields)


def copy_field(field: bytes) -> str | None:
    """The text of one field of a line of COPY text, None for NULL."""
    return None if field == b"\\N" else _unescape(field.decode())


def _escape(field: bytes) -> bytes:
    return _SPECIAL.sub(lambda match: _TO_COPY[match[0]], field)


def _unescape(field: str) -> str:
    return _ESCAPE.sub(_unescaped, field) if "\\" in field else field


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if code in _FROM_COPY:
        return _FROM_COPY[code]
    if code[0] == "x" and len(code) > 1:
        return chr(int(code[1:], 16))
    return chr(int(code, 8)) if code[0] in "01234567" else code
