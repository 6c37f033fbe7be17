"""Where the text values and comments of an SQL statement lie; the parser decides everything else."""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""
      (?P<line_comment>--[^\n]*)
    | (?P<comment>/\*)
    | (?P<escape_string>(?<![\w$\x80-\U0010ffff])[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)
        # Literals on the lines below continue it, and are read with its escapes.
        (?:(?:[ \t]|--[^\n]*+)*+\n(?:\s|--[^\n]*+)*+'(?:[^'\\]|\\.|'')*(?:'|\Z))*)
    | (?P<string>'(?:[^']|'')*(?:'|\Z))
    | (?P<name>"(?:[^"]|"")*(?:"|\Z))
    | (?P<dollar>(?<![\w$\x80-\U0010ffff])\$(?P<tag>(?:[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*)?)\$)
    """,
    re.VERBOSE | re.DOTALL,
)
_LITERALS = frozenset({"string", "escape_string", "dollar"})
# NAMEDATALEN - 1 of every server that was not built otherwise.
NAME_BYTES = 63
# A shorter name fits, whatever its letters: none takes more than four bytes.
_LONG = NAME_BYTES // 4
_LONG_WORD = re.compile(r"[A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]{15,}")
_COMMENT_EDGE = re.compile(r"/\*|\*/")


def literal_ranges(statement: str) -> list[tuple[int, int]]:
    """The character ranges (start, end) of string literals: quoted, escape and dollar-quoted."""
    return [(start, end) for kind, start, end in tokens(statement) if kind in _LITERALS]


def outside_code(statement: str) -> list[tuple[int, int]]:
    """The ranges in which any sign may stand: literals, names in quotes, comments."""
    return [(start, end) for _, start, end in tokens(statement)]


def cut_names(statement: str) -> Iterator[tuple[int, str]]:
    """The names that the server cuts short, and where each stands: it keeps 63 bytes and takes them for the whole."""
    after = 0
    for kind, start, end in (*tokens(statement), ("", len(statement), len(statement))):
        for word in _LONG_WORD.finditer(statement, after, start):
            if len(word[0].encode()) > NAME_BYTES:
                yield word.start(), word[0]
        if kind == "name" and end - start > _LONG:
            name = statement[start + 1 : end - 1].replace('""', '"')
            if len(name.encode()) > NAME_BYTES:
                yield start, name
        after = end


def tokens(statement: str) -> Iterator[tuple[str, int, int]]:
    """Texts, quoted names and comments: kind, start and end of each, in order."""
    at = 0
    while match := _TOKEN.search(statement, at):
        at = match.end()
        kind = match.lastgroup or ""
        if kind == "comment":
            at = _comment_end(statement, at)
        elif match["dollar"]:
            kind = "dollar"
            closing = statement.find(match["dollar"], at)
            at = len(statement) if closing < 0 else closing + len(match["dollar"])
        yield kind, match.start(), at


def _comment_end(statement: str, at: int) -> int:
    depth = 1
    while depth and (edge := _COMMENT_EDGE.search(statement, at)):
        depth += 1 if edge[0] == "/*" else -1
        at = edge.end()
    return len(statement) if depth else at
