"""Values of a result as HTML: short ones whole, long ones folded, and always readable in full without a script."""

from collections.abc import Callable

from django.utils.html import format_html
from django.utils.safestring import SafeString

from web.characters import visible_prose, visible_value

# Up to here a value stays on one line; up to the next bound it is a block; beyond, it opens on a click.
ONE_LINE = 60
FOLDED_CHARACTERS = 400
FOLDED_LINES = 24
HEAD_CHARACTERS = 160
HEAD_LINES = 12


def cell(text: str) -> SafeString:
    """One value of a table: marks for line breaks and tabs, chips for what has no glyph."""
    if len(text) <= ONE_LINE and "\n" not in text:
        return visible_value(text)
    return format_html('<div class="val">{}</div>', _folded(text, visible_value, HEAD_CHARACTERS))


def block(text: str) -> SafeString:
    """A document, or a line of a log: its own line breaks, folded when there are many."""
    return _folded(text, visible_prose, FOLDED_CHARACTERS)


def _folded(text: str, show: Callable[[str], SafeString], head_characters: int) -> SafeString:
    lines = text.count("\n") + 1
    # A long line of a small document is no reason to fold it.
    few = FOLDED_CHARACTERS if lines == 1 else FOLDED_CHARACTERS * 4
    if len(text) <= few and lines <= FOLDED_LINES:
        return show(text)
    head = "\n".join(text.split("\n", HEAD_LINES)[:HEAD_LINES])[: head_characters if lines == 1 else few]
    more = f"{lines:,} lines" if lines > 1 else f"{len(text):,} characters"
    return format_html(
        '<details class="fold"><summary><span class="fold__head">{}…</span> <span class="fold__more">'
        '<span class="fold__show">Show all {}</span><span class="fold__hide">Show less</span></span></summary>'
        '<div class="fold__all">{}</div></details>',
        show(head),
        more,
        show(text),
    )
