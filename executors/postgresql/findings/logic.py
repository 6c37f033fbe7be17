"""AND and OR side by side: which of them binds first is known to few who read it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from executors.base import FindingCode
from executors.postgresql.findings.looked import Looked, Notice, warning
from executors.postgresql.reading.lexer import tokens

_WORD = re.compile(r"[A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]*|[(),;\[\]]")
_OPENS = frozenset({"(", "[", "CASE"})
_CLOSES = frozenset({")", "]", "END"})
# What a condition begins behind, and ends before, where it stands in no brackets.
_BEGINS = frozenset("WHERE ON HAVING WHEN THEN ELSE SELECT SET BY RETURNING DISTINCT , ;".split())
_ENDS = frozenset(
    "GROUP ORDER LIMIT OFFSET FETCH FOR RETURNING UNION INTERSECT EXCEPT HAVING WINDOW FROM AS WHERE THEN ELSE WHEN "
    "JOIN LEFT RIGHT INNER FULL CROSS NATURAL ON DO SET , ;".split()
)
_MOST_SHOWN = 240


@dataclass(frozen=True, slots=True)
class _Word:
    """A word or bracket of a text: where it stands (in characters), and how deep in brackets."""

    word: str
    at: int
    depth: int


def mixed_logic(looked: Looked) -> Iterator[Notice]:
    """`a AND b OR c`, with how it is read."""
    words: list[_Word] | None = None
    for node, _ in looked.of("BoolExpr"):
        inner = [part["BoolExpr"] for part in node["args"] if part.get("BoolExpr", {}).get("boolop") == "AND_EXPR"]
        if node["boolop"] != "OR_EXPR" or not inner:
            continue
        text = looked.source.decode()
        words = _words(text) if words is None else words
        for conjunction in inner:
            at = len(looked.source[: conjunction["location"]].decode())
            if read_as := _read_as(text, words, at):
                message = f"AND and OR stand side by side without brackets. It is read as {read_as}."
                hint = "Put brackets around what belongs together."
                yield warning(FindingCode.MIXED_LOGIC, message, hint, conjunction["location"])
                return


def _words(text: str) -> list[_Word]:
    found: list[_Word] = []
    depth, after = 0, 0
    for start, end in (*((start, end) for _, start, end in tokens(text)), (len(text), len(text))):
        for match in _WORD.finditer(text, after, start):
            word = match[0].upper()
            depth -= word in _CLOSES
            found.append(_Word(word, match.start(), depth))
            depth += word in _OPENS
        after = end
    return found


def _read_as(text: str, words: list[_Word], at: int) -> str:
    """How the server reads the condition around an AND; "" where brackets say it."""
    place = next((number for number, word in enumerate(words) if word.at == at), None)
    if place is None:
        return ""
    begin, end = _bounds(words, place)
    level = [word for word in words[begin:end] if word.depth == words[place].depth]
    cuts = [word for word in level if word.word == "OR"]
    # The AND of `WHEN MATCHED AND …` is none of the condition's.
    if not cuts or any(word.word == "MATCHED" for word in level):
        return ""
    starts = [words[begin - 1].at + len(words[begin - 1].word) if begin else 0, *(cut.at + 2 for cut in cuts)]
    ends = [*(cut.at for cut in cuts), words[end].at if end < len(words) else len(text)]
    arms = [_arm(text[s:e], [w for w in level if s <= w.at < e]) for s, e in zip(starts, ends, strict=True)]
    return _cut(" OR ".join(arms))


def _bounds(words: list[_Word], place: int) -> tuple[int, int]:
    """The words around one that belong to its condition: up to brackets, or to what a condition stands between."""
    depth = words[place].depth
    begin = place
    while begin and words[begin - 1].depth >= depth and not _is_edge(words, begin - 1, depth, _BEGINS):
        begin -= 1
    end = place
    while end < len(words) and words[end].depth >= depth and not _is_edge(words, end, depth, _ENDS):
        end += 1
    return begin, end


def _is_edge(words: list[_Word], number: int, depth: int, edges: frozenset[str]) -> bool:
    word = words[number]
    if word.depth != depth or word.word not in edges:
        return False
    # `IS DISTINCT FROM` and `left(…)` are parts of an expression.
    if word.word == "FROM":
        return words[number - 1].word != "DISTINCT"
    if word.word == "DISTINCT":
        return words[number - 1].word == "SELECT"
    return word.word not in {"LEFT", "RIGHT"} or words[number + 1 : number + 2] == [] or words[number + 1].word != "("


def _arm(text: str, words: list[_Word]) -> str:
    open_ranges = 0
    for word in words:
        open_ranges += word.word == "BETWEEN"
        if word.word == "AND":
            if not open_ranges:
                return f"({' '.join(text.split())})"
            open_ranges -= 1
    return " ".join(text.split())


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
