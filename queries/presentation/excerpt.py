"""The part of a long statement that a page shows: what a page costs is not its author's choice."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from web.characters import is_hidden, without_runs

SHOWN_LINES = 2000
# What is hidden is drawn, and takes as much of a page as so many letters.
DRAWN = 80
PIECE = 250
SHOWN_CHARACTERS = 200_000
SHOWN_BLANKS = 100_000
_LINE = re.compile(rf"(?P<blank>(?:[ \t]*\n){{2,{SHOWN_BLANKS}}})|[^\n]*\n?")
# Lines that both sides of a difference share, shown around what differs.
_AROUND = 3


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Lines of a text from `first` (counted from 0) on, and how long the text is. Its last line may be cut."""

    text: str
    first: int
    shown_lines: int
    lines: int
    characters: int

    @property
    def is_cut(self) -> bool:
        """Whether the text has more than is shown."""
        return len(self.text) < self.characters

    @property
    def last(self) -> int:
        """The last line shown, counted from 1."""
        return self.first + self.shown_lines

    @property
    def earlier(self) -> int | None:
        """The line, from 1, that the part before begins with; None where nothing is before."""
        return max(1, self.first + 1 - SHOWN_LINES) if self.first else None

    @property
    def later(self) -> int | None:
        """The line, from 1, that the part after begins with; None where no line is after."""
        return self.last + 1 if self.last < self.lines else None


def beginning(text: str) -> Excerpt:
    """As much of the beginning of `text` as fits a page."""
    return _excerpt(text, 0, 0, len(text))


def starting(text: str, line: int) -> Excerpt:
    """As much as fits a page from `line` (from 1) on; the beginning where there is no such line."""
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
        if not 0 < start < len(text):
            return beginning(text)
    return _excerpt(text, line - 1, start, len(text)) if line > 1 else beginning(text)


def differing(before: str, after: str) -> tuple[Excerpt, Excerpt] | None:
    """Where two texts differ, both from the same line on; None when that is too long to be compared on a page."""
    first, start = _common_start(before, after)
    end = _common_end(before[start:], after[start:])
    parts = [_excerpt(text, first, start, len(text) - end) for text in (before, after)]
    for text, part in zip((before, after), parts, strict=True):
        if len(part.text) < len(text) - end - start:
            return None
    return parts[0], parts[1]


def _excerpt(text: str, first: int, start: int, end: int) -> Excerpt:
    """From `start` on. Blank lines, which are folded, take no place: they must push nothing out of sight."""
    at, lines, characters, blanks = start, 0, 0, 0
    while at < end and lines < SHOWN_LINES and characters < SHOWN_CHARACTERS and blanks < SHOWN_BLANKS:
        found = _LINE.match(text, at, end)
        if found is None:
            break
        lines += 1
        if found["blank"]:
            blanks += found[0].count("\n")
            at = found.end()
        else:
            at, taken = _fitting(text, at, found.end(), SHOWN_CHARACTERS - characters)
            characters += taken
    shown = text[start:at]
    return Excerpt(shown, first, _lines(shown), _lines(text), len(text))


def _fitting(text: str, start: int, end: int, room: int) -> tuple[int, int]:
    """Where to stop in a line so that it has room once it is drawn, by pieces, and what it takes."""
    at, left = start, room
    while at < end and left > 0:
        piece = text[at : min(end, at + PIECE, at + left)]
        at += len(piece)
        left -= _drawn(piece)
    return at, room - left


def _drawn(text: str) -> int:
    """How many letters a text is as large as, once it is drawn."""
    if text.isascii():
        return len(text)
    apart = without_runs(text)
    return len(text) + DRAWN * sum(count for character, count in Counter(apart).items() if is_hidden(character))


def _lines(text: str) -> int:
    return text.count("\n") + (not text.endswith("\n"))


def _common_start(before: str, after: str) -> tuple[int, int]:
    """The line, and its first character, from which on a difference is shown. Short texts are shown whole."""
    if _fits(before) and _fits(after):
        return 0, 0
    same = _same(before, after)
    start = same
    for _ in range(_AROUND + 1):
        start = before.rfind("\n", 0, start)
        if start < 0:
            return 0, 0
    return before.count("\n", 0, start + 1), start + 1


def _common_end(before: str, after: str) -> int:
    """How many characters at the end are the same and not shown."""
    if _fits(before) and _fits(after):
        return 0
    same = _same(before[::-1], after[::-1])
    at = len(before) - same
    for _ in range(_AROUND + 1):
        at = before.find("\n", at) + 1
        if at <= 0:
            return 0
    return len(before) - at


def _fits(text: str) -> bool:
    return not beginning(text).is_cut


def _same(left: str, right: str) -> int:
    """How many characters both begin with, found by halves: comparing slices costs no loop over characters."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
