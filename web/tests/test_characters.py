"""Nothing that is shown is hidden: every class of characters that a reader would miss, on pages and in plain text."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from web.characters import hidden_in, is_hidden, marked, marked_prose, visible, visible_prose, visible_value

HIDDEN = {
    "zero width": "\u200b",
    "bidi": "\u202e",
    "bidi isolate": "\u2066",
    "no-break space": "\u00a0",
    "ideographic space": "\u3000",
    "byte-order mark": "\ufeff",
    "line separator": "\u2028",
    "carriage return": "\r",
    "escape": "\x1b",
    "delete": "\x7f",
    "C1 control": "\x9b",
    "NUL": "\x00",
    "Hangul filler": "\u3164",
    "Braille blank": "\u2800",
    "soft hyphen": "\u00ad",
    "combining grapheme joiner": "\u034f",
    "Mongolian selector": "\u180b",
    "Mongolian selector four": "\u180f",
    "variation selector": "\ufe0f",
    "variation selector 17": "\U000e0100",
    "variation selector 256": "\U000e01ef",
    "tag": "\U000e0041",
    "private use": "\ue000",
    "private use, plane 15": "\U000f0000",
    "private use, plane 16": "\U0010fffd",
    "unassigned": "\u0378",
    "not a character": "\uffff",
    "half a character": "\ud800",
    "object replacement": "\ufffc",
    "musical null": "\U0001d159",
    "Khitan filler": "\U00016fe4",
}


@pytest.mark.parametrize("character", HIDDEN.values(), ids=HIDDEN)
@pytest.mark.parametrize("show", [visible, visible_prose, visible_value])
def test_name_06_hidden_character_becomes_a_chip(show: object, character: str) -> None:
    shown = str(show(f"a{character}b"))  # type: ignore[operator]
    assert f"&lt;U+{ord(character):04X}&gt;" in shown
    assert character not in shown


@pytest.mark.parametrize("character", HIDDEN.values(), ids=HIDDEN)
@pytest.mark.parametrize("show", [marked, marked_prose])
def test_name_06_hidden_character_becomes_a_mark_where_there_is_only_text(show: object, character: str) -> None:
    assert show(f"a{character}b") == f"a⟨U+{ord(character):04X}⟩b"  # type: ignore[operator]


@pytest.mark.parametrize(
    "text", ["é", "漢字", "я", "😀", "re\u0301sume\u0301", "हिन्दी", "שָׁלוֹם", "مُحَمَّد", "ภาษาไทย", "Việt", "~"]
)
def test_what_can_be_seen_stays(text: str) -> None:
    assert visible(text) == visible_prose(text) == visible_value(text) == marked(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Z" + "\u0335" * 40 + "x", "Z" + "\u0335" * 4 + "⟨36 combining marks⟩x"),
        ("\u0335a", "⟨U+0335⟩a"),
        ("a \u0489", "a ⟨U+0489⟩"),
        ("a\u200b\u0301", "a⟨U+200B⟩⟨U+0301⟩"),
        ("a\u0301\u200b\u0301\u0301", "a\u0301⟨U+200B⟩⟨2 combining marks⟩"),
    ],
    ids=["a heap", "at the beginning", "on a space", "on what is hidden", "cut by what is hidden"],
)
def test_name_06_marks_that_belong_to_no_letter_are_counted(text: str, shown: str) -> None:
    assert marked(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("   ", "⟨3 spaces⟩"),
        (" ", "⟨1 space⟩"),
        ("\t\n", "⟨2 blanks⟩"),
        ("x ", "x⟨1 space⟩"),
        ("  x", "⟨2 spaces⟩x"),
        ("a b", "a b"),
        ("", ""),
        ("a" + " " * 70 + "b", "a⟨70 spaces⟩b"),
        ("a" + "\t" * 8 + "b", "a⟨8 blanks⟩b"),
    ],
)
def test_name_06_blanks_that_cannot_be_seen_are_counted(text: str, shown: str) -> None:
    assert marked(text) == shown
    words = re.sub(r"<[^>]+>", "", str(visible(text)))
    assert words == shown.replace("⟨", "").replace("⟩", "")


def test_the_same_hidden_character_again_and_again_is_one_chip() -> None:
    assert marked("a" + "\u200b" * 100_000 + "b" + "\u200b" * 4) == "a⟨100,000 × U+200B⟩b" + "⟨U+200B⟩" * 4
    assert visible("\u202e" * 5).count("hidden-char") == 1


def test_many_blank_lines_are_counted() -> None:
    text = "a" + "\r\n" * 2001 + "b"
    assert "2,000 blank lines" in visible_prose(text)
    assert marked_prose(text) == "a\n⟨2,000 blank lines⟩\nb"
    assert visible_prose("a\n\n\nb") == "a\n\n\nb"


def test_text_is_one_line() -> None:
    assert marked("a\nb\tc") == "a⟨U+000A⟩b⟨U+0009⟩c"


def test_line_breaks_of_a_value_are_marked() -> None:
    assert "↵" in visible_value("a\nb")
    assert "⇥" in visible_value("a\tb")


def test_markup_is_escaped_around_what_is_hidden() -> None:
    assert "<b>" not in visible("<b>\u200b<b>") + visible_prose("<b>" + "\n" * 50 + "<b>") + visible_value("<b>\t<b>")


def test_what_is_found_is_in_order_and_does_not_overlap() -> None:
    text = "".join(f"a{character}" for character in HIDDEN.values()) + " " * 90 + "e" + "\u0301" * 9
    found = hidden_in(text)
    assert all(one.end <= two.start for one, two in pairwise(found))
    assert {text[hidden.start] for hidden in found if is_hidden(text[hidden.start])} == set(HIDDEN.values())
