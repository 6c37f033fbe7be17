"""The door: what no statement may hold, and what a reviewer is told."""

from __future__ import annotations

import pytest

from executors.base import Severity
from executors.text import MAX_BYTES, check_text, normalise

BLOCKED = {
    "nul_character": ["\0"],
    "control_character": ["\x01", "\x08", "\x0b", "\x0c", "\x1b", "\x7f", "\x80", "\x9f"],
    "carriage_return": ["\r"],
    "line_separator": ["\u2028", "\u2029", "\u0085"],
    "bidi_control": ["\u202a", "\u202e", "\u2066", "\u2069", "\u200e", "\u200f", "\u061c"],
    "invisible_character": [
        "\u200b", "\u200d", "\u2060", "\u2064", "\ufeff", "\u00ad", "\u034f", "\u115f", "\u1160", "\u17b4", "\u17b5",
        "\u180e", "\u3164", "\uffa0", "\u2800", "\ufe00", "\ufe0f", "\U000e0001", "\U000e01ef",
    ],
    "odd_white_space": ["\u00a0", "\u1680", "\u2000", "\u200a", "\u202f", "\u205f", "\u3000"],
    "invalid_text": ["\ud800", "\udfff"],
}  # fmt: skip
CASES = [(code, character) for code, characters in BLOCKED.items() for character in characters]


@pytest.mark.parametrize(("code", "character"), CASES, ids=[f"U+{ord(c):04X}" for _, c in CASES])
def test_blocked_with_its_place(code: str, character: str) -> None:
    (finding,) = check_text(f"SELECT 1\n  {character}")
    assert (finding.code, finding.severity) == (code, Severity.ERROR)
    assert (finding.line, finding.column) == (2, 3)


@pytest.mark.parametrize("character", ["\u200b", "\u00a0", "\u3000", "\ufe0f"])
def test_unseen_letters_in_a_text_value_are_a_warning(character: str) -> None:
    (finding,) = check_text(f"'{character}'", [(0, 3)])
    assert finding.severity is Severity.WARNING


@pytest.mark.parametrize("character", ["\0", "\u202e", "\u2028", "\r", "\x07"])
def test_what_breaks_lines_or_direction_is_blocked_in_a_text_value_too(character: str) -> None:
    (finding,) = check_text(f"'{character}'", [(0, 3)])
    assert finding.severity is Severity.ERROR


def test_letters_of_any_script_are_welcome() -> None:
    assert check_text("SELECT 'привет, 世界, café' -- naïve\n\tFROM tëst") == ()


def test_word_of_mixed_scripts_is_a_warning() -> None:
    (finding,) = check_text("SELECT * FROM us\u0435rs")
    assert (finding.code, finding.severity, finding.column) == ("mixed_scripts", Severity.WARNING, 15)


def test_size_is_counted_in_bytes() -> None:
    assert check_text("é" * (MAX_BYTES // 2)) == ()
    (finding,) = check_text("é" * (MAX_BYTES // 2) + "x")
    assert finding.code == "too_long"


def test_one_byte_order_mark_is_taken_off() -> None:
    assert normalise("\ufeffSELECT 1") == "SELECT 1"
    assert normalise("\ufeff\ufeffSELECT 1") == "\ufeffSELECT 1"


def test_line_ends_of_windows_become_line_feeds() -> None:
    assert normalise("SELECT 1\r\n, 2\r") == "SELECT 1\n, 2\r"
