"""What long values and documents look like."""

from queries.presentation.values import block, cell


def test_short_value_is_itself() -> None:
    assert cell("two words") == "two words"


def test_long_value_is_folded_and_whole_inside() -> None:
    value = "<b>" + "x" * 5000
    html = cell(value)
    assert "<details" in html
    assert "Show all 5,003 characters" in html
    assert "&lt;b&gt;" + "x" * 5000 in html
    assert "<b>" not in html


def test_value_of_a_few_lines_is_open() -> None:
    assert "<details" not in cell("one\ntwo")
    assert "<details" not in block("a\n" * 10)
    assert "Show all 101 lines" in block("a\n" * 100)
