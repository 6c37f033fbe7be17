"""Text of a script as it can be kept and shown: JavaScript lets half a character stand alone, nobody else does."""

from __future__ import annotations

import re

# What stands for a character that is none, the same wherever a value is shown or downloaded.
MARK = "\ufffd"

_HALF = re.compile("[\0\ud800-\udfff]")
# The escapes of a JSON text one by one, so that `\\\\ud800` is a backslash and four letters.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def storable(text: str) -> str:
    """Text the portal's database can keep: a mark for each NUL and each half of a surrogate pair."""
    return _HALF.sub(MARK, text) if not text.isascii() or "\0" in text else text


def whole_characters(line: str) -> str:
    """A JSON text with a mark for each half of a surrogate pair that it writes as an escape."""
    if "\\ud" not in line and "\\uD" not in line:
        return line
    return _ESCAPE.sub(lambda match: MARK if match["half"] else match[0], line)
