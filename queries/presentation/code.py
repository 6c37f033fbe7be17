"""A statement as numbered, coloured lines, made on the server: the review page needs no script to be read."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from pygments.lexer import RegexLexer
from pygments.lexers.javascript import JavascriptLexer
from pygments.lexers.sql import PostgresLexer
from pygments.token import STANDARD_TYPES, _TokenType

from executors.base import Language
from queries.presentation.characters import visible

LEXERS: dict[str, type[RegexLexer]] = {
    Language.SQL: PostgresLexer,
    Language.MONGO: JavascriptLexer,
    Language.SCRIPT: JavascriptLexer,
}
# Colouring costs about 5 µs a character; a longer statement is shown plain.
COLOURED_CHARACTERS = 100_000
LONG_LINE = 500
BLANK_RUN = 20

# A piece of a line: its CSS class ("" for none) and its text.
Piece = tuple[str, str]
Line = Sequence[Piece]


@dataclass(frozen=True, slots=True)
class CodeLine:
    """One line to show. `blanks` > 0 stands for that many blank lines from `number` on, folded and said loudly."""

    number: int
    html: SafeString
    blanks: int = 0
    length: int = 0
    notes: tuple[dict[str, object], ...] = field(default_factory=tuple)

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


def render(line: Line, marks: Sequence[tuple[int, int]] = (), tag: str = "") -> SafeString:
    """One line as HTML; the character ranges in `marks` are wrapped in `tag` (`ins` or `del`)."""
    parts: list[str] = []
    start = 0
    for css, text in line:
        for left, right in _cuts(start, len(text), marks):
            inner = visible(text[left - start : right - start])
            coloured = format_html('<span class="{}">{}</span>', css, inner) if css and inner.strip() else inner
            marked = tag and any(a <= left and right <= b for a, b in marks)
            parts.append(f"<{tag}>{coloured}</{tag}>" if marked else coloured)
        start += len(text)
    return mark_safe("".join(parts).replace(f"</{tag}><{tag}>", "") if tag else "".join(parts))  # noqa: S308 -- escaped by `visible`


def code_lines(text: str, language: str, notes: Iterable[dict[str, object]] = ()) -> list[CodeLine]:
    """The whole statement; `notes` (findings, a failure) with a `line` are put under their line."""
    by_line: dict[object, list[dict[str, object]]] = {}
    for note in notes:
        by_line.setdefault(note.get("line"), []).append(note)
    return list(_folded(pieces(text, language), by_line))


def plain_text(line: Line) -> str:
    """A line without its colours."""
    return "".join(text for _, text in line)


def _folded(lines: Sequence[Line], notes: dict[object, list[dict[str, object]]]) -> Iterator[CodeLine]:
    number = 1
    while number <= len(lines):
        blanks = _blank_run(lines, number - 1)
        if blanks > BLANK_RUN:
            yield CodeLine(number, mark_safe(""), blanks=blanks)
            number += blanks
            continue
        line = lines[number - 1]
        yield CodeLine(number, render(line), length=len(plain_text(line)), notes=tuple(notes.get(number, ())))
        number += 1


def _blank_run(lines: Sequence[Line], start: int) -> int:
    run = 0
    while start + run < len(lines) and not plain_text(lines[start + run]).strip():
        run += 1
    return run


def _tokens(text: str, language: str) -> Iterator[Piece]:
    if len(text) > COLOURED_CHARACTERS:
        return iter([("", text)])
    # Unprocessed: the usual entry point drops a byte-order mark and changes line ends, and a reviewer must see both.
    found = [(_css(kind), value) for _, kind, value in LEXERS[language]().get_tokens_unprocessed(text)]
    return iter(found if "".join(value for _, value in found) == text else [("", text)])


def _css(kind: _TokenType) -> str:
    while kind not in STANDARD_TYPES and kind.parent is not None:
        kind = kind.parent
    return STANDARD_TYPES.get(kind, "")


def _cuts(start: int, length: int, marks: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    end = start + length
    points = sorted({start, end, *(point for mark in marks for point in mark if start < point < end)})
    return itertools.pairwise(points)
