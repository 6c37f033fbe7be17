"""Characters a reader cannot see, drawn: as a chip on a page, as ⟨U+202E⟩ where there is room for text only.

`visible` is for names and lines, `visible_prose` for texts with lines of their own, `visible_value` for values of a
database, `marked` for titles, attributes and messages. Code is drawn by `queries.presentation.code`, with the same
`hidden_in`.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

# Blank glyphs that Unicode files under letters, symbols and marks; the code points it calls ignorable are ranges.
_BLANK_GLYPHS = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u2d7f\u3164\uffa0\ufffc\U00016fe4\U0001d159\U00013441\U00013442"
)
_IGNORABLE = ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xFFF0, 0xFFF8), (0xE0000, 0xE0FFF))
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
_COMBINING_CATEGORIES = frozenset({"Mn", "Me"})
_BLANKS = " \t\n"
# So many blanks in a row push the rest of a line out of sight, however wide the window.
LONG_SPACE = 60
_TAB = 8
# No writing system puts more marks on one letter; above, they grow over the lines around it.
MOST_COMBINING = 4
# So many blank lines in a row push the rest of a text out of sight.
BLANK_LINES = 20

# From so many on, the same hidden character again and again is one chip that counts them.
RUN = 5

_SAME = re.compile(rf"(.)\1{{{RUN - 1},}}", re.DOTALL)
_PIECES = re.compile(rf"[ \t]{{{LONG_SPACE // _TAB},}}|[^\x20-\x7e\t\n]+")
_BLANK_LINES = re.compile(rf"(?<=\n)(?:[ \t]*\n){{{BLANK_LINES + 1},}}")


@dataclass(frozen=True, slots=True)
class Hidden:
    """What a reader would not see in `text[start:end]`: `words` stand in its place, `name` tells more of it."""

    start: int
    end: int
    words: str
    name: str = ""

    @property
    def chip(self) -> SafeString:
        """As HTML."""
        if not self.name:
            return format_html('<span class="hidden-char">{}</span>', self.words)
        title = f"{self.words}: {self.name}"
        return format_html('<span class="hidden-char" title="{}">&lt;{}&gt;</span>', title, self.words)


def is_hidden(character: str) -> bool:
    """Whether a reader could miss the character: formats, controls, unassigned, odd white space, blank glyphs."""
    if character in _BLANKS:
        return False
    point = ord(character)
    return (
        character in _BLANK_GLYPHS
        or unicodedata.category(character) in _HIDDEN_CATEGORIES
        or any(first <= point <= last for first, last in _IGNORABLE)
    )


def without_runs(text: str) -> str:
    """The text with one of each run of a character that would be drawn as one."""
    return _SAME.sub(r"\1", text)


def hidden_in(text: str) -> list[Hidden]:
    """What a reader of the text would not see, in order: odd characters, heaps of marks, long runs of blanks."""
    if text.isascii() and text.isprintable() and len(text) < LONG_SPACE:
        return []
    found: list[Hidden] = []
    for match in _PIECES.finditer(text):
        if match[0][0] in _BLANKS:
            if len(match[0].replace("\t", " " * _TAB)) >= LONG_SPACE:
                found.append(_blanks(text, *match.span()))
        else:
            found += _odd(text, *match.span())
    return found


def visible(text: str) -> SafeString:
    """A name or a line as HTML in which nothing is hidden, blanks at either end included."""
    return _drawn(text, _with_edges(text))


def visible_prose(text: str) -> SafeString:
    """A text with lines of its own as HTML in which nothing is hidden; many blank lines become a chip."""
    plain = text.replace("\r\n", "\n")
    if not plain.strip(_BLANKS):
        return _drawn(plain, _with_edges(plain))
    return mark_safe(_folded(plain))  # noqa: S308 -- every part is escaped


def visible_value(text: str) -> SafeString:
    """A value of a database as HTML: line breaks and tabs are shown as marks too."""
    marks = str(_drawn(text, _with_edges(text)))
    marks = marks.replace("\n", '<span class="break" title="line break">↵</span>\n')
    return mark_safe(marks.replace("\t", '<span class="break" title="tab">⇥</span>\t'))  # noqa: S308 -- escaped above


def marked(text: str) -> str:
    """Plain text on one line in which nothing is hidden: `⟨U+202E⟩` stands for what has no glyph."""
    return _on_one_line(_replaced(text, _with_edges(text)))


def marked_prose(text: str) -> str:
    """The same for a text with lines of its own, which it keeps; many blank lines are counted instead."""
    plain = text.replace("\r\n", "\n")
    parts: list[str] = []
    position = 0
    for match in _BLANK_LINES.finditer(plain):
        parts += (plain[position : match.start()], f"⟨{_count_lines(match[0])}⟩\n")
        position = match.end()
    lines = "".join((*parts, plain[position:])).split("\n")
    return "\n".join(_replaced(line, hidden_in(line)) for line in lines)


def _on_one_line(text: str) -> str:
    return text.replace("\n", "⟨U+000A⟩").replace("\t", "⟨U+0009⟩")


def _odd(text: str, start: int, end: int) -> Iterator[Hidden]:
    # A mark without a letter before it would sit on whatever happens to stand there.
    on_letter = 0 if start and text[start - 1] not in _BLANKS else MOST_COMBINING
    heap = at = start
    while at < end:
        combining = unicodedata.category(text[at]) in _COMBINING_CATEGORIES
        hidden = is_hidden(text[at])
        if combining and not hidden:
            on_letter += 1
            if on_letter > MOST_COMBINING:
                at += 1
                continue
        if heap < at:
            yield _heap(text, heap, at)
        heap = _end_of_run(text, at, end) if hidden else at + 1
        if hidden:
            yield _run(text, at, heap)
        if not combining or hidden:
            on_letter = MOST_COMBINING if hidden else 0
        at = heap
    if heap < end:
        yield _heap(text, heap, end)


def _end_of_run(text: str, at: int, end: int) -> int:
    """Where so many of the same character end that they are drawn as one, else just behind the first."""
    match = _SAME.match(text, at, end)
    return match.end() if match else at + 1


def _run(text: str, start: int, end: int) -> Hidden:
    one = _character(text, start)
    return one if end - start == 1 else Hidden(start, end, f"{end - start:,} × {one.words}", one.name)


def _heap(text: str, start: int, end: int) -> Hidden:
    if end - start == 1:
        return _character(text, start)
    return Hidden(start, end, f"{end - start:,} combining marks")


def _character(text: str, at: int) -> Hidden:
    name = unicodedata.name(text[at], "a control, private or unassigned character").lower()
    return Hidden(at, at + 1, f"U+{ord(text[at]):04X}", name)


def _blanks(text: str, start: int, end: int) -> Hidden:
    noun = "space" if set(text[start:end]) == {" "} else "blank"
    return Hidden(start, end, f"{end - start:,} {noun}" + ("" if end - start == 1 else "s"))


def _with_edges(text: str) -> list[Hidden]:
    """With the blanks before the first and behind the last character, of which a reader sees nothing at all."""
    first, last = len(text) - len(text.lstrip(_BLANKS)), len(text.rstrip(_BLANKS))
    if first == len(text):
        return [_blanks(text, 0, len(text))] if text else []
    inside = [hidden for hidden in hidden_in(text) if first <= hidden.start < last]
    before = [_blanks(text, 0, first)] if first else []
    return [*before, *inside, *([_blanks(text, last, len(text))] if last < len(text) else [])]


def _folded(text: str) -> str:
    parts: list[str] = []
    position = 0
    for match in _BLANK_LINES.finditer(text):
        fold = Hidden(*match.span(), _count_lines(match[0]))
        parts += (_plainly(text[position : match.start()]), fold.chip, "\n")
        position = match.end()
    return "".join((*parts, _plainly(text[position:])))


def _count_lines(blank: str) -> str:
    return f"{blank.count(chr(10)):,} blank lines"


def _replaced(text: str, found: list[Hidden]) -> str:
    parts: list[str] = []
    position = 0
    for hidden in found:
        parts += (text[position : hidden.start], f"⟨{hidden.words}⟩")
        position = hidden.end
    return "".join((*parts, text[position:]))


def _plainly(text: str) -> SafeString:
    return _drawn(text, hidden_in(text))


def _drawn(text: str, found: list[Hidden]) -> SafeString:
    if not found:
        return escape(text)
    parts: list[str] = []
    position = 0
    for hidden in found:
        parts += (escape(text[position : hidden.start]), hidden.chip)
        position = hidden.end
    return mark_safe("".join((*parts, escape(text[position:]))))  # noqa: S308 -- every part is escaped
