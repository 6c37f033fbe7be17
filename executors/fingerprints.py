"""What texts have in common that differ in values, spaces and comments alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise

import pgparse

from executors.base import Language, Parameter
from executors.postgresql.reading.named import bound

# A longer text is like itself alone.
_MOST_CHARACTERS = 200_000
_VALUE = "?"
_JAVASCRIPT = re.compile(
    r"""(?P<passed>//[^\n]*|/\*.*?(?:\*/|\Z)|\s+)|(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)"""
    r"""|(?P<number>(?<![\w$])\d[\w.]*)|(?P<word>[\w$]+)|(?P<sign>.)""",
    re.DOTALL,
)
_LIST = re.compile(rf"{re.escape(_VALUE)}(?: , {re.escape(_VALUE)})+")


def fingerprint(language: Language, statement: str, parameters: Sequence[Parameter]) -> str:
    """Hexadecimal, of 64 digits; the same for a statement that reading found valid and for its like."""
    shape = statement if len(statement) > _MOST_CHARACTERS else _shape(language, statement, parameters)
    return sha256(f"{language.value}\0{shape}".encode("utf-8", "surrogatepass")).hexdigest()


def _shape(language: Language, statement: str, parameters: Sequence[Parameter]) -> str:
    if language is not Language.SQL:
        return _of_javascript(statement)
    try:
        return str(pgparse.fingerprint(bound(statement, parameters).text))
    except (pgparse.PGQueryError, UnicodeError):  # rows behind COPY, words of a newer server: like itself alone
        return statement


def _of_javascript(text: str) -> str:
    """Its words and signs, with one sign for every value; a name in quotes is the name."""
    found = [(match.lastgroup, match[0]) for match in _JAVASCRIPT.finditer(text) if match.lastgroup != "passed"]
    shaped = (_shaped(kind, own, after) for (kind, own), (_, after) in pairwise([*found, ("sign", "")]))
    return _LIST.sub(_VALUE, " ".join(shaped))


def _shaped(kind: str | None, own: str, after: str) -> str:
    if kind == "text":
        return own[1:-1] if after == ":" else _VALUE
    return _VALUE if kind == "number" else own
