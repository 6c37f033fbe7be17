"""Of a long statement a page shows a part, and says so."""

import pytest

from queries.presentation.code import code_lines
from queries.presentation.difference import counts, difference
from queries.presentation.excerpt import SHOWN_BLANKS, SHOWN_CHARACTERS, SHOWN_LINES, beginning, differing

LINE = "UPDATE flights SET delay = {} WHERE delay = 2;\n"
LONG = "".join(LINE.format(n) for n in range(10_000))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SELECT 1",
        "DELETE FROM a\n" + "\n" * 50_000 + "OR true",
        "SELECT 1\n",
        "a\n" * SHOWN_LINES,
        "x" * SHOWN_CHARACTERS,
    ],
)
def test_text_that_fits_is_whole(text: str) -> None:
    shown = beginning(text)
    assert (shown.text, shown.is_cut, shown.shown_lines) == (text, False, shown.lines)


@pytest.mark.parametrize(
    ("text", "lines"),
    [(LONG, SHOWN_LINES), ("x" * 2_000_000, 1), ("\n" * 1_000_000, SHOWN_BLANKS), ("a\n" * 1_000_000, SHOWN_LINES)],
)
def test_text_that_does_not_fit_is_cut_at_a_line_and_counted(text: str, lines: int) -> None:
    shown = beginning(text)
    assert shown.is_cut
    assert text.startswith(shown.text)
    assert (shown.shown_lines, shown.lines, shown.characters) == (lines, text.count("\n") or 1, len(text))
    assert len(code_lines(shown.text, "sql")) <= SHOWN_LINES


def test_change_in_a_long_text_is_shown_with_its_line_numbers() -> None:
    after = LONG.replace("delay = 5000 ", "delay = 1 ")
    parts = differing(LONG, after)
    assert parts is not None
    old, new = parts
    rows = difference(old.text, new.text, "sql", (), new.first)
    assert [(row.kind, row.old, row.new) for row in rows if row.kind] == [("del", 5001, None), ("add", None, 5001)]
    assert len(rows) == 8
    assert (counts(rows).added, counts(rows).removed) == (1, 1)


@pytest.mark.parametrize(
    ("after", "kinds"),
    [
        (LONG + "DROP TABLE flights\n", {"", "add"}),
        ("DROP TABLE flights;\n" + LONG, {"", "add"}),
        (LONG.replace(LINE.format(5000), ""), {"", "del"}),
        (LONG.removesuffix(LINE.format(9999)), {"", "del"}),
        (LONG, {""}),
    ],
)
def test_change_at_any_place_is_shown(after: str, kinds: set[str]) -> None:
    parts = differing(LONG, after)
    assert parts is not None
    rows = difference(parts[0].text, parts[1].text, "sql", (), parts[1].first)
    assert {row.kind for row in rows} == kinds
    assert len([row for row in rows if row.kind]) <= 1


def test_texts_with_nothing_in_common_are_not_compared() -> None:
    assert differing(LONG, LONG.replace("flights", "planes")) is None


def test_short_texts_are_compared_whole() -> None:
    parts = differing("a\nb\n", "a\nc\n")
    assert parts is not None
    assert [part.text for part in parts] == ["a\nb\n", "a\nc\n"]
