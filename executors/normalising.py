"""A text as it is stored, shown, hashed and sent, and what was made plain in it on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator

from executors.base import Finding, FindingCode, Language, Severity
from executors.postgresql.reading.lexer import tokens
from executors.text import BOM, ODD_SPACES, normalise

_SPACE = re.compile(f"[{ODD_SPACES}]")
# Inside these an odd space is a character of a value or of a name; in code and in comments it only looks like a space.
_KEEPS = frozenset({"string", "escape_string", "dollar", "name"})


def normalised(language: Language, statement: str) -> str:
    """`statement` with one byte-order mark off and CRLF as LF; of SQL, odd spaces around code made plain as well."""
    text = normalise(statement)
    if language is not Language.SQL or not _SPACE.search(text):
        return text
    return "".join(_pieces(text))


def told(language: Language, statement: str) -> tuple[Finding, ...]:
    """What `normalised` changes in it, for whoever reads it later."""
    return tuple(_told(language, statement))


def _pieces(text: str) -> Iterator[str]:
    at = 0
    for kind, start, end in tokens(text):
        if kind in _KEEPS:
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
