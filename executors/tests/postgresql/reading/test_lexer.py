"""Literals as the server's own lexer sees them: what is no literal there must not hide behind one here."""

from __future__ import annotations

import time

import pytest

from executors.base import Access, Severity
from executors.postgresql.reading.analysis import read
from executors.postgresql.reading.lexer import literal_ranges

NBSP = "\u00a0"
HIDDEN = {
    "an escape string continued below": f"SELECT E'a'\n'\\''; DELETE FROM a WHERE{NBSP}b --'",
    "continued behind a comment": f"SELECT E'a' -- c\n -- d\n  '\\''; DELETE FROM a WHERE{NBSP}b --'",
    "a name that ends in $e": f"SELECT a$e'\\'; DELETE FROM a WHERE{NBSP}b --'",
    "a name that ends in a sign and e": f"SELECT ©e'\\'; DELETE FROM a WHERE{NBSP}b --'",
    "a dollar quote with a sign for a tag": f"SELECT $©$ ' $©$; DELETE FROM a WHERE{NBSP}b --'",
    "a name that ends in two dollars": f"SELECT ©$$; DELETE FROM a WHERE{NBSP}b -- $$",
}


@pytest.mark.parametrize("name", HIDDEN)
def test_odd_white_space_is_no_data_outside_a_literal(name: str) -> None:
    found = [f for f in read(HIDDEN[name], (), Access.WRITE).analysis.findings if f.code == "odd_white_space"]
    assert [finding.severity for finding in found] == [Severity.ERROR]


@pytest.mark.parametrize(
    "literal",
    ["'a'", "E'a\\'b'", "e'a'\n'b\\'c'", "E'a' -- c\n\t'b'", "$$a'b$$", "$t1$ $$ $t1$", "$ü$ ' $ü$", "U&'\\0061'"],
)
def test_a_literal_is_found_whole(literal: str) -> None:
    start, end = literal_ranges(f"SELECT {literal} AS x")[0]
    assert f"SELECT {literal} AS x"[start:end] == literal.removeprefix("U&")


@pytest.mark.parametrize(
    "text", ["E'a'" + " --" * 300_000, "E'a'\n" + "-- \n" * 200_000, "E'" + "''\n" * 300_000 + "\\"]
)
def test_no_text_takes_long(text: str) -> None:
    started = time.monotonic()
    literal_ranges(text)
    assert time.monotonic() - started < 10
