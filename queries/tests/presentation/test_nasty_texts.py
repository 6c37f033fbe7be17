"""What a page costs is not its author's choice: texts made to be dear to colour and to compare."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executors.base import Language
from queries.presentation.code import code_lines
from queries.presentation.difference import difference
from queries.presentation.excerpt import beginning, differing

# Of this process, in seconds: other work on the machine does not count.
AT_MOST = 2.0
# Of a page, in characters; it may have a megabyte.
MOST_HTML = 900_000
CHOICE = random.Random(1)


def drawn(count: int, words: str) -> str:
    return "\n".join(CHOICE.choice(words) for _ in range(count))


def blocks(count: int, every: int, line: str) -> str:
    return "\n".join(f"x{n}" if n % every == 0 else f"{line}{n}" for n in range(count))


NASTY = {
    "the same line": ("a\n" * 2000, "a\n" * 1999),
    "two lines in turns": ("a\nb\n" * 200, "b\na\n" * 200),
    "two lines at random": (drawn(400, "ab"), drawn(400, "ab")),
    "lines in another order": ("\n".join(map(str, range(2000))), "\n".join(map(str, reversed(range(2000))))),
    "blocks of lines to pair": (blocks(500, 21, "a b " * 99), blocks(500, 21, "b a " * 99)),
    "many words in many lines": (blocks(1000, 2, "a," * 199), blocks(1000, 2, "a;" * 199)),
    "one line of words": ("a b " * 12_000, "b a " * 12_000),
    "open strings": ("'" * 49_000, "E'\\" * 16_000),
    "open comments": ("/*" * 24_000, "/* " * 16_000),
    "dollar quotes": ("$a$" * 16_000, "$b$" * 16_000),
    "templates": ("`${" * 16_000, "${`" * 16_000),
    "brackets": ("(" * 49_000, "[" * 49_000),
    "regular expressions": ("/" * 49_000, "a/" * 24_000),
    "blanks": (" " * 100_000, "\t" * 100_000),
    "hidden characters": ("\u200b" * 100_000 + "x", "\u200b" * 99_999 + "y"),
    "hidden between letters": ("a\u200b" * 50_000, "b\u200b" * 50_000),
    "unassigned characters": ("".join(chr(0xE000 + n % 6000) for n in range(100_000)), "x"),
    "hidden in many lines": ("a\u2062\n" * 20_000, "b\u2062\n" * 20_000),
    "2 MB of lines": ("select 1;\n" * 200_000, "select 2;\n" * 200_000),
    "2 MB in a line": ("x" * 2_000_000, "x" * 1_999_999 + "y"),
}


def cost(before: str, after: str, language: Language) -> float:
    """Seconds for the whole text and for the difference, the dearer of the two."""
    started = time.process_time()
    whole = code_lines(beginning(after).text, language)
    read = time.process_time()
    assert sum(len(line.html) for line in whole) < MOST_HTML
    parts = differing(before, after)
    if parts is not None:
        difference(parts[0].text, parts[1].text, language)
    return max(read - started, time.process_time() - read)


@pytest.mark.parametrize("language", [Language.SQL, Language.SCRIPT])
@pytest.mark.parametrize("name", NASTY)
def test_no_text_is_dear_to_show(name: str, language: Language) -> None:
    assert cost(*NASTY[name], language) < AT_MOST


LINES = st.lists(
    st.sampled_from(["a b " * 99, "b a " * 99, "", "select 1", "'", "/*", "$$", "`${", "\u202e"]), max_size=400
)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(before=LINES, after=LINES, language=st.sampled_from(list(Language)))
def test_no_mixture_of_lines_is_dear_to_compare(before: list[str], after: list[str], language: Language) -> None:
    assert cost("\n".join(before), "\n".join(after), language) < AT_MOST
