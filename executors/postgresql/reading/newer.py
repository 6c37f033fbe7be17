"""Words that are newer than the parser, which knows PostgreSQL 17's: a text is read without them.

Each is taken out where the grammar of 18 has it and nowhere else, and what stands in its place is as long, so that
every place in the text stays what it is. What is sent is always the author's own text: the target decides about the
words, and is asked what it sees in such a statement (`dependencies`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple, TypeAlias

from executors.postgresql.reading.lexer import tokens

_NAME = r"[A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]*"
# What a constraint of a column may go on with, and a name may not be.
_GOES_ON = (
    "default|check|unique|primary|references|constraint|generated|collate|deferrable|initially|not|null|no|enforced"
)
_ANALYZE = "analyze|analyse"
_FLAGS = re.IGNORECASE


class Edit(NamedTuple):
    """What of a text is read as something else, and what people call it."""

    start: int
    end: int
    instead: str
    words: str


# Of a text with its quoted names, values and comments made plain, and of the text itself.
_Rule: TypeAlias = Callable[[str, str], Iterator[Edit]]
# Beyond, a text is no longer one that somebody wrote for a newer server: it is not looked through for hours.
_MOST_EDITS = 1000
_LONGEST = 10_000


def without_newer_words(text: str) -> tuple[str, tuple[Edit, ...]]:
    """The text as the parser may know it, as long as it was, and what was taken out."""
    plain = _plain(text)
    edits = [edit for rule in _RULES for edit in islice(rule(plain, text), _MOST_EDITS)]
    # A word that two rules know is taken out once.
    kept = [edit for edit in edits if not any(_within(edit, other) for other in edits)]
    for edit in kept:
        text = text[: edit.start] + edit.instead.ljust(edit.end - edit.start) + text[edit.end :]
    return text, tuple(sorted(kept))


def _within(edit: Edit, other: Edit) -> bool:
    return edit != other and other.start <= edit.start and edit.end <= other.end


def _plain(text: str) -> str:
    """The text with a name in the place of each quoted name, a number in that of each value, and no comments."""
    signs = {"name": "q", "comment": " ", "line_comment": " "}
    parts, at = [], 0
    for kind, start, end in tokens(text):
        parts += [text[at:start], signs.get(kind, "0") * (end - start)]
        at = end
    return "".join([*parts, text[at:]])


def _blank(words: str, pattern: str) -> _Rule:
    """What the group of a pattern matches is taken out."""
    compiled = re.compile(pattern, _FLAGS)

    def found(plain: str, _text: str) -> Iterator[Edit]:
        for match in compiled.finditer(plain):
            yield Edit(match.start(1), match.end(1), "", words)

    return found


_GENERATED = re.compile(r"\bgenerated\s+always\s+as\s*(?=\()", _FLAGS)
_KEPT = re.compile(r"\s*(?:(stored)|(virtual))?\b", _FLAGS)


def _virtual(plain: str, _text: str) -> Iterator[Edit]:
    """A generated column that is not stored, whose expression is read as a default's."""
    for match in _GENERATED.finditer(plain):
        ends = _closing(plain, match.end())
        if not ends:
            return  # no text of any version goes on behind it
        kept = _KEPT.match(plain, ends)
        if not (kept and kept[1]):
            yield Edit(match.start(), match.end(), "DEFAULT", "a VIRTUAL column")
            if kept and kept[2]:
                yield Edit(kept.start(2), kept.end(2), "", "a VIRTUAL column")


_PARENTHESIS = re.compile(r"[()]")
_RETURNING = re.compile(r"\breturning\s+(?=with\s*(\())", _FLAGS)


def _returning(plain: str, _text: str) -> Iterator[Edit]:
    for match in _RETURNING.finditer(plain):
        ends = _closing(plain, match.start(1))
        if not ends:
            return
        yield Edit(match.end(), ends, "", "RETURNING WITH (OLD AS …, NEW AS …)")


_NOT_NULL = re.compile(
    rf"(?:[(,]|\badd\b)\s*(?:\bconstraint\s+{_NAME}\s+)?(not\s+null\s+(?!(?:{_GOES_ON})\b)({_NAME}))", _FLAGS
)


def _not_null(plain: str, text: str) -> Iterator[Edit]:
    """NOT NULL as a constraint of the table, which is read as a check of the column."""
    for match in _NOT_NULL.finditer(plain):
        column = text[match.start(2) : match.end(2)]
        yield Edit(match.start(1), match.end(1), f"CHECK({column})", "NOT NULL as a constraint of the table")


def _closing(text: str, opening: int) -> int:
    """The place behind the parenthesis that closes one; 0 where none does."""
    depth = 0
    for match in _PARENTHESIS.finditer(text, opening, opening + _LONGEST):
        depth += 1 if match[0] == "(" else -1
        if not depth:
            return match.end()
    return 0


_RULES: tuple[_Rule, ...] = (
    _virtual,
    _returning,
    _not_null,
    _blank("WITHOUT OVERLAPS", r"\b(without\s+overlaps)\b"),
    _blank("PERIOD", rf"[(,]\s*(period)\s+(?={_NAME}\s*\))"),
    _blank("NOT ENFORCED", r"\b(not\s+enforced)\b"),
    _blank("ENFORCED", r"(?<=[)\w])\s+(enforced)\b(?!\s*[(.=])"),
    _blank("INHERIT", rf"\balter\s+constraint\s+{_NAME}\s+((?:no\s+)?inherit)\b"),
    _blank("ONLY", rf"\b(?:vacuum|{_ANALYZE})\b(?:\s*\([^()]*\)|\s+(?:full|freeze|verbose|{_ANALYZE})\b)*\s+(only)\s"),
)
