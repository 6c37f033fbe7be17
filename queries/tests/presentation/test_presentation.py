"""What a reviewer reads is what will run: every character, every line, every change."""

from __future__ import annotations

import html
import re

import pytest

from queries.forms import parameter_lines, parse_parameters
from queries.presentation.characters import is_hidden, visible, visible_value
from queries.presentation.code import code_lines, pieces, plain_text
from queries.presentation.difference import counts, difference

HIDDEN = ["\u200b", "\u202e", "\u00a0", "\ufeff", "\u2028", "\r", "\x07", "\x00", "\u3164", "\U000e0041", "\u00ad"]


@pytest.mark.parametrize("character", HIDDEN, ids=lambda c: f"U+{ord(c):04X}")
def test_hidden_character_becomes_a_chip(character: str) -> None:
    shown = visible(f"a{character}b")
    assert f"&lt;U+{ord(character):04X}&gt;" in shown
    assert character not in shown


@pytest.mark.parametrize("character", ["é", "漢", "я", "😀", " ", "\t", "~"])
def test_what_can_be_seen_stays(character: str) -> None:
    assert not is_hidden(character)


def test_long_run_of_spaces_is_counted() -> None:
    assert "5,000 spaces" in visible("SELECT 1" + " " * 5000 + "; DROP TABLE x")


def test_line_breaks_of_a_value_are_marked() -> None:
    assert "↵" in visible_value("a\nb")


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
    assert counts(rows) == (2, 2)


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
