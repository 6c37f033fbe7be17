"""What a reviewer reads is what will run: every character, every line, every change."""

from __future__ import annotations

import html
import re

import pytest

from queries.forms import parameter_lines, parse_parameters
from queries.presentation.code import code_lines, pieces, plain_text
from queries.presentation.difference import Counts, counts, difference


@pytest.mark.parametrize("language", ["sql", "mongo", "script"])
def test_colours_lose_no_character(language: str) -> None:
    text = "SELECT 'a\r\nb' /* x\n\ny */ <&> \ufeff $$ ` ${x}\n\n\\"
    assert "\n".join(plain_text(line) for line in pieces(text, language)) == text


def test_shown_lines_are_the_statement() -> None:
    text = "SELECT a, '<b>'\n  FROM t -- end\n WHERE x > 1"
    shown = [html.unescape(re.sub(r"<[^>]+>", "", line.html)) for line in code_lines(text, "sql")]
    assert "\n".join(shown) == text


def test_many_blank_lines_are_folded_and_counted() -> None:
    lines = code_lines("SELECT 1" + "\n" * 40 + "; DROP TABLE x", "sql")
    assert [(line.number, line.blanks) for line in lines] == [(1, 0), (2, 39), (41, 0)]


def test_finding_stands_under_its_line() -> None:
    lines = code_lines("SELECT 1\nFROM x", "sql", [{"line": 2, "message": "here"}])
    assert [len(line.notes) for line in lines] == [0, 1]


def test_difference_marks_the_changed_word() -> None:
    rows = difference("SELECT a\nFROM t\nWHERE x = 14", "SELECT a\nFROM t\nWHERE x = 30", "sql")
    assert [row.kind for row in rows] == ["", "", "del", "add"]
    assert '<span class="mf">14</span></del>' in rows[2].html
    assert '<ins><span class="mf">30</span></ins>' in rows[3].html


def test_difference_holds_both_statements_whole() -> None:
    before, after = "a\nb\nc\nd", "b\nx\nd\ne"
    rows = difference(before, after, "sql")
    words = [re.sub(r"<[^>]+>", "", row.html) for row in rows]
    assert [w for w, r in zip(words, rows, strict=True) if r.old] == before.split("\n")
    assert [w for w, r in zip(words, rows, strict=True) if r.new] == after.split("\n")
    assert counts(rows) == Counts(added=2, removed=2, blank=0)


def test_name_03_difference_folds_blank_lines_and_says_how_many() -> None:
    before = "DELETE FROM t\nWHERE id = 1"
    rows = difference(before, before + "\n" * 2001 + "OR true", "sql")
    assert [(row.kind, row.new, row.blanks) for row in rows] == [
        ("", 1, 0),
        ("", 2, 0),
        ("add", 3, 2000),
        ("add", 2003, 0),
    ]
    assert counts(rows) == Counts(added=2001, removed=0, blank=2000)


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        ("a" + "\n" * 100 + "b", "a\nb", [("", 0), ("del", 99), ("", 0)]),
        ("a" + "\n" * 100 + "b", "a" + "\n" * 100 + "c", [("", 0), ("", 99), ("del", 0), ("add", 0)]),
        ("a\nb", "a" + "\n \t" * 99 + "\nb", [("", 0), ("add", 99), ("", 0)]),
        ("a\nb", "a" + "\n\u2003" * 30 + "\nb", [("", 0), *[("add", 0)] * 30, ("", 0)]),
        ("a\nb", "a" + "\n" * 10 + "b", [("", 0), *[("add", 0)] * 9, ("", 0)]),
    ],
    ids=["removed", "unchanged", "spaces and tabs", "not blank: every character is drawn", "few"],
)
def test_difference_folds_as_the_whole_view(before: str, after: str, kinds: list[tuple[str, int]]) -> None:
    assert [(row.kind, row.blanks) for row in difference(before, after, "sql")] == kinds
    whole = [(line.number, line.blanks) for line in code_lines(after, "sql")]
    assert [(row.new, row.blanks) for row in difference(before, after, "sql") if row.new] == whole


def test_difference_says_how_long_a_line_is_and_keeps_the_notes() -> None:
    rows = difference("SELECT 1", "SELECT 1\n, '" + "x" * 600 + "'", "sql", [{"line": 2, "message": "here"}])
    assert [(row.is_long, len(row.notes)) for row in rows] == [(False, 0), (True, 1)]


@pytest.mark.parametrize("language", ["sql", "mongo", "script"])
def test_letters_with_marks_are_whole_whatever_the_colours(language: str) -> None:
    text = "SELECT re\u0301sume\u0301, हिन्दी FROM t"
    (line,) = code_lines(text, language)
    assert html.unescape(re.sub(r"<[^>]+>", "", line.html)) == text


def test_hidden_characters_of_a_changed_word_are_drawn_once() -> None:
    rows = difference("SELECT a\u202eb FROM t", "SELECT c\u202ed FROM t", "sql")
    assert [row.html.count("&lt;U+202E&gt;") for row in rows] == [1, 1]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("42", 42),
        ("-1.5", -1.5),
        ("true", True),
        ("null", None),
        ('"two words"', "two words"),
        ("two words", "two words"),
        ("007", "007"),
        ("1.00000000000000000001", "1.00000000000000000001"),
        ("NaN", "NaN"),
        ('{"a": 1}', '{"a": 1}'),
        ('"a\\nb"', "a\nb"),
    ],
)
def test_parameter_is_read_as_json_or_text(line: str, value: object) -> None:
    (read,) = parse_parameters(line)
    assert (read, type(read)) == (value, type(value))


def test_parameters_survive_a_revision() -> None:
    parameters = (1, "x\ny", None, True, "42", 2.5)
    assert parse_parameters(parameter_lines(parameters)) == parameters
