"""Characters a reader cannot see, made visible: each becomes a chip that names its code point."""

import re
import unicodedata

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

# Blank glyphs that Unicode files under letters, symbols and marks.
_BLANK_GLYPHS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {chr(c) for c in range(0xFE00, 0xFE10)}
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
_PLAIN = frozenset(" \t\n")
# So many spaces in a row push the rest of a line out of sight, however wide the window.
LONG_SPACE = 60
_PIECES = re.compile(rf" {{{LONG_SPACE},}}|[^\x20-\x7e\t\n]")


def is_hidden(character: str) -> bool:
    """Whether a reader could miss the character: formats, controls, unassigned, odd white space, blank glyphs."""
    if character in _PLAIN:
        return False
    return character in _BLANK_GLYPHS or unicodedata.category(character) in _HIDDEN_CATEGORIES


def visible(text: str) -> SafeString:
    """`text` as HTML in which nothing is hidden: characters without a glyph and long runs of spaces become chips."""
    return _replace(text, runs=True)


def visible_value(text: str) -> SafeString:
    """The same for a value of a result, whose line breaks and tabs are shown as marks too."""
    marked = str(_replace(text, runs=False))
    marked = marked.replace("\n", '<span class="break" title="line break">↵</span>\n')
    return mark_safe(marked.replace("\t", '<span class="break" title="tab">⇥</span>\t'))  # noqa: S308 -- escaped above


def _replace(text: str, *, runs: bool) -> SafeString:
    parts: list[str] = []
    position = 0
    for match in _PIECES.finditer(text):
        chip = _chip(match.group(), runs=runs)
        if chip is None:
            continue
        parts += (escape(text[position : match.start()]), chip)
        position = match.end()
    return mark_safe("".join((*parts, escape(text[position:]))))  # noqa: S308 -- every part is escaped


def _chip(found: str, *, runs: bool) -> SafeString | None:
    if found.startswith(" "):
        if not runs:
            return None
        return format_html('<span class="hidden-char">{} spaces</span>', f"{len(found):,}")
    if not is_hidden(found):
        return None
    point = f"U+{ord(found):04X}"
    name = unicodedata.name(found, "a control or unassigned character").lower()
    return format_html('<span class="hidden-char" title="{}: {}">&lt;{}&gt;</span>', point, name, point)
