"""Where the text values and comments of an SQL statement lie; the parser decides everything else."""

from __future__ import annotations

import re

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
_COMMENT_EDGE = re.compile(r"/\*|\*/")


def literal_ranges(statement: str) -> list[tuple[int, int]]:
    """The character ranges (start, end) of string literals: quoted, escape and dollar-quoted."""
    ranges = []
    at = 0
    while match := _TOKEN.search(statement, at):
        at = match.end()
        if match.lastgroup == "comment":
            at = _comment_end(statement, at)
        elif match["dollar"]:
            closing = statement.find(match["dollar"], at)
            at = len(statement) if closing < 0 else closing + len(match["dollar"])
            ranges.append((match.start(), at))
        elif match["string"] or match["escape_string"]:
            ranges.append((match.start(), at))
    return ranges


def _comment_end(statement: str, at: int) -> int:
    depth = 1
    while depth and (edge := _COMMENT_EDGE.search(statement, at)):
        depth += 1 if edge[0] == "/*" else -1
        at = edge.end()
    return len(statement) if depth else at
