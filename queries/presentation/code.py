"""A statement as numbered, coloured lines, made on the server: the review page needs no script to be read."""

import itertools
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from pygments.lexer import RegexLexer
from pygments.lexers.javascript import JavascriptLexer
from pygments.lexers.sql import PostgresLexer
from pygments.token import STANDARD_TYPES, _TokenType

from executors.base import Language
from web.characters import Hidden, hidden_in

LEXERS: dict[str, type[RegexLexer]] = {
    Language.SQL: PostgresLexer,
    Language.MONGO: JavascriptLexer,
    Language.SCRIPT: JavascriptLexer,
}
# Colouring costs up to 10 µs a character, and a difference colours two; a longer statement is shown plain.
COLOURED_CHARACTERS = 50_000
# A text can be made to cost far more, such as comments that never end; it is shown plain, too. Of the processor.
COLOURING_SECONDS = 0.4
# Each is about 25 bytes of the page beside its text.
COLOURED_PIECES = 20_000
LONG_LINE = 500
# More blank lines in a row are folded into one that says how many they are.
BLANK_RUN = 20
_BLANKS = " \t"

# A piece of a line: its CSS class ("" for none) and its text.
Piece = tuple[str, str]
Line = Sequence[Piece]
# Not a language: a text of people.
PLAIN = ""
# Ranges of characters of a line.
Marks = Sequence[tuple[int, int]]
# What is said under a line: `line`, `severity`, `message`, perhaps a `hint`.
Note = dict[str, object]


@dataclass(frozen=True, slots=True)
class CodeLine:
    """One line to show. `blanks` > 0 stands for that many blank lines from `number` on, folded and said loudly."""

    number: int
    html: SafeString
    blanks: int = 0
    length: int = 0
    notes: tuple[Note, ...] = ()

    @property
    def is_long(self) -> bool:
        """Whether the line is long enough to say so."""
        return self.length > LONG_LINE

    @property
    def last(self) -> int:
        """The number of the last line this stands for."""
        return self.number + max(self.blanks - 1, 0)


def pieces(text: str, language: str) -> list[Line]:
    """The text as lines of coloured pieces; joined by line ends they are the text, but for a last one."""
    lines: list[list[Piece]] = [[]]
    for css, value in _tokens(text, language):
        first, *rest = value.split("\n")
        lines[-1].append((css, first))
        lines.extend([(css, part)] for part in rest)
    # A final line end ends the last line; it does not begin another.
    return list(lines[:-1] if len(lines) > 1 and not plain_text(lines[-1]) else lines)


def render(line: Line, marks: Marks = (), tag: str = "") -> SafeString:
    """One line as HTML; the character ranges in `marks` are wrapped in `tag` (`ins` or `del`).

    What is hidden is looked for in the line as a whole: a mark belongs to the letter before it, whatever the colours.
    """
    hidden = {position: found for found in hidden_in(plain_text(line)) for position in range(found.start, found.end)}
    ends = {point for found in hidden.values() for point in (found.start, found.end)}
    points = sorted(ends.union(*marks))
    parts: list[str] = []
    start = 0
    for css, text in line:
        for left, right in _cuts(start, len(text), points):
            coloured = _coloured(css, text[left - start : right - start], left, hidden.get(left))
            marked = tag and any(a <= left and right <= b for a, b in marks)
            parts.append(f"<{tag}>{coloured}</{tag}>" if marked and coloured else coloured)
        start += len(text)
    return mark_safe("".join(parts).replace(f"</{tag}><{tag}>", "") if tag else "".join(parts))  # noqa: S308 -- escaped by `_coloured`


def _coloured(css: str, text: str, position: int, hidden: Hidden | None) -> SafeString:
    if hidden is not None:
        # A colour may change within what is hidden; it is drawn once.
        return hidden.chip if position == hidden.start else mark_safe("")
    inner = escape(text)
    return format_html('<span class="{}">{}</span>', css, inner) if css and text.strip() else inner


def code_lines(text: str, language: str, notes: Iterable[Note] = (), before: int = 0) -> list[CodeLine]:
    """The whole statement; `notes` (findings, a failure) with a `line` are put under their line.

    With `before`, a part of it behind that many lines: plain, for it may begin within a text or a comment.
    """
    lines = [[("", line)] for line in text.removesuffix("\n").split("\n")] if before else pieces(text, language)
    return list(_folded(lines, notes_by_line(notes), before))


def plain_text(line: Line) -> str:
    """A line without its colours."""
    return "".join(text for _, text in line)


def blank_run(lines: Sequence[Line], start: int) -> int:
    """How many blank lines there are from `start` on, 0 when they are too few to be folded."""
    run = 0
    while start + run < len(lines) and not plain_text(lines[start + run]).strip(_BLANKS):
        run += 1
    return run if run > BLANK_RUN else 0


def notes_by_line(notes: Iterable[Note]) -> dict[object, tuple[Note, ...]]:
    """Findings, a failure: by the line they are put under."""
    by_line: dict[object, tuple[Note, ...]] = {}
    for note in notes:
        line = note.get("line")
        by_line[line] = (*by_line.get(line, ()), note)
    return by_line


def _folded(lines: Sequence[Line], notes: dict[object, tuple[Note, ...]], before: int) -> Iterator[CodeLine]:
    at = 0
    while at < len(lines):
        number = before + at + 1
        if blanks := blank_run(lines, at):
            yield CodeLine(number, mark_safe(""), blanks=blanks)
            at += blanks
            continue
        yield CodeLine(number, render(lines[at]), length=len(plain_text(lines[at])), notes=notes.get(number, ()))
        at += 1


def _tokens(text: str, language: str) -> Iterator[Piece]:
    if len(text) > COLOURED_CHARACTERS or language not in LEXERS:
        return iter([("", text)])
    # Unprocessed: the usual entry point drops a byte-order mark and changes line ends, and a reviewer must see both.
    found, until = [], time.thread_time() + COLOURING_SECONDS
    for _, kind, value in LEXERS[language]().get_tokens_unprocessed(text):
        found.append((_css(kind), value))
        if len(found) > COLOURED_PIECES or time.thread_time() > until:
            return iter([("", text)])
    return iter(found if "".join(value for _, value in found) == text else [("", text)])


def _css(kind: _TokenType) -> str:
    while kind not in STANDARD_TYPES and kind.parent is not None:
        kind = kind.parent
    return STANDARD_TYPES.get(kind, "")


def _cuts(start: int, length: int, points: Sequence[int]) -> Iterator[tuple[int, int]]:
    end = start + length
    inside = points[bisect_right(points, start) : bisect_left(points, end)]
    return itertools.pairwise((start, *inside, end)) if length else iter(())
