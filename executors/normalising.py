"""A text as it is stored, shown, hashed and sent, and what was made plain in it on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator

from executors.base import Finding, FindingCode, Language, Severity
from executors.javascript import quoted_ranges
from executors.postgresql.reading.lexer import tokens
from executors.text import BOM, ODD_SPACES, normalise

_SPACE = re.compile(f"[{ODD_SPACES}]")
# Inside these an odd space is a character of a value or of a name; in code and in comments it only looks like a space.
_KEEPS = frozenset({"string", "escape_string", "dollar", "name"})
_COMMENTS = ("//", "/*")


def normalised(language: Language, statement: str) -> str:
    """`statement` with one byte-order mark off, CRLF as LF, and odd spaces in code and comments made plain."""
    text = normalise(statement)
    if not _SPACE.search(text):
        return text
    return "".join(_pieces(text, _sql(text) if language is Language.SQL else _javascript(text)))


def told(language: Language, statement: str) -> tuple[Finding, ...]:
    """What `normalised` changes in it, for whoever reads it later."""
    return tuple(_told(language, statement))


def _sql(text: str) -> Iterator[tuple[int, int]]:
    return ((start, end) for kind, start, end in tokens(text) if kind in _KEEPS)


def _javascript(text: str) -> Iterator[tuple[int, int]]:
    return ((start, end) for start, end in quoted_ranges(text) if not text.startswith(_COMMENTS, start))


def _pieces(text: str, kept: Iterator[tuple[int, int]]) -> Iterator[str]:
    at = 0
    for start, end in kept:
        yield _SPACE.sub(" ", text[at:start])
        yield text[start:end]
        at = end
    yield _SPACE.sub(" ", text[at:])


def _told(language: Language, statement: str) -> Iterator[Finding]:
    if statement.startswith(BOM):
        yield _info(FindingCode.ODD_WHITE_SPACE, "The byte-order mark in front of the text was left out.")
    if count := statement.count("\r\n"):
        message = f"Line ends of two characters (CRLF) were made one (LF) on {count:,} line(s), in text values as well."
        yield _info(FindingCode.CARRIAGE_RETURN, message)
    before, after = normalise(statement), normalised(language, statement)
    if before != after:
        count = sum(one != other for one, other in zip(before, after, strict=True))
        message = f"Spaces that are not plain ones were made plain, outside text values and quoted names: {count:,}."
        yield _info(FindingCode.ODD_WHITE_SPACE, message)


def _info(code: FindingCode, message: str) -> Finding:
    return Finding(code, Severity.INFO, message)
