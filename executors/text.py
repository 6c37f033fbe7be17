"""The door every statement passes: bytes a reviewer could be deceived by, or a parser cut short by, stay outside.

What is blocked was seen to make a reader see one thing and the server run another: a NUL ends the text for the driver,
a no-break space turns `WHERE` into an alias, a line separator ends a JavaScript comment but not an SQL one.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import islice

from executors.base import Finding, FindingCode, Severity, Verified

# Bytes of UTF-8. Nesting deeper than a parser's stack ends the process that reads, which is there to be lost.
MAX_BYTES = 2_000_000

# Enough to see what is going on; a page of a hundred thousand would tell less and cost more.
_MOST_FINDINGS = 30

BOM = "\ufeff"
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\u2800\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_PRIVATE = "\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd"
ODD_SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_ODD = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff" + _BIDI + _INVISIBLE + _PRIVATE + ODD_SPACES + "]",
)
_CLASSES = tuple(
    (re.compile(f"[{characters}]"), code, what)
    for characters, code, what in (
        ("\0", FindingCode.NUL_CHARACTER, "a NUL character, which would end the text early"),
        ("\r", FindingCode.CARRIAGE_RETURN, "a carriage return without a line feed"),
        ("\ud800-\udfff", FindingCode.INVALID_TEXT, "half of a surrogate pair, which is not text"),
        ("\x85\u2028\u2029", FindingCode.LINE_SEPARATOR, "a line separator that not every reader treats as one"),
        (_BIDI, FindingCode.BIDI_CONTROL, "a character that changes the direction text is shown in"),
        (ODD_SPACES, FindingCode.ODD_WHITE_SPACE, "a white space that is not a plain space"),
        (_INVISIBLE, FindingCode.INVISIBLE_CHARACTER, "an invisible character"),
        (_PRIVATE, FindingCode.INVISIBLE_CHARACTER, "a private-use character, which looks like nothing or anything"),
        ("\0-\x9f", FindingCode.CONTROL_CHARACTER, "a control character"),
    )
)
_HIDING = frozenset(code for _, code, _ in _CLASSES)
_LOOKALIKES = frozenset({FindingCode.LOOKALIKE_CHARACTER, FindingCode.LOOKALIKE_NAME, FindingCode.MIXED_SCRIPTS})
_WORD = re.compile(r"[^\W\d]\w*")
_LINE_END = re.compile("\n")
_BLOCK_BYTES = 4096
# The bytes of UTF-8 that go on with a character.
_CONTINUATION = bytes(range(0x80, 0xC0))

# Scripts whose letters pass for Latin ones; a word made of two of them is a known disguise.
_CONFUSABLE = frozenset(
    "LATIN CYRILLIC GREEK ARMENIAN CHEROKEE COPTIC LISU GEORGIAN CANADIAN DESERET OSAGE CARIAN LYCIAN ELBASAN MIAO "
    "OLD TIFINAGH RUNIC WARANG FULLWIDTH MATHEMATICAL".split()
)


def normalise(statement: str) -> str:
    """The statement as it is stored, shown, hashed and sent: one leading byte-order mark off, CRLF as LF, no more."""
    return statement.removeprefix(BOM).replace("\r\n", "\n")


def check_text(statement: str, literals: Iterable[tuple[int, int]] = ()) -> tuple[Finding, ...]:
    """What in the characters of a (normalised) statement must not pass, or a reviewer must be told.

    `literals` are the character ranges (start, end) of string literals, where invisible letters and odd white space
    are data: there they are a warning instead of an error. Whoever knows the language passes them.
    """
    size = len(statement.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        message = f"The statement is {size:,} bytes long; at most {MAX_BYTES:,} are accepted."
        return (Finding(FindingCode.TOO_LONG, Severity.ERROR, message, hint="Split it into smaller requests."),)
    ranges = Ranges(literals)
    odd = islice(_ODD.finditer(statement), _MOST_FINDINGS)
    mixed = islice(_mixed_scripts(statement, ranges), _MOST_FINDINGS)
    return (*(_judge(statement, match.start(), ranges) for match in odd), *mixed)


def verified_text(findings: Iterable[Finding]) -> tuple[Verified, ...]:
    """What `check_text` verified, told from all that it found: a text that is too long it did not look through."""
    codes = {finding.code for finding in findings}
    if FindingCode.TOO_LONG in codes:
        return ()
    looked = ((_HIDING, Verified.NO_HIDDEN_CHARACTERS), (_LOOKALIKES, Verified.NO_LOOKALIKE_NAMES))
    return tuple(verified for found, verified in looked if not found & codes)


def position(statement: str, offset: int) -> tuple[int, int]:
    """Line and column (both from 1, columns in characters) of the character at `offset`."""
    before = statement[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


class Places:
    """The places of many characters of one text: a text of two megabytes is looked through once, not for each."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(text))]

    def at(self, offset: int) -> tuple[int, int]:
        """What `position` answers."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


class Characters:
    """The characters before a byte of an encoded text, for the many offsets that a parser gives in bytes."""

    def __init__(self, encoded: bytes) -> None:
        self._encoded = encoded
        self._before: list[int] | None = None if encoded.isascii() else [0]

    def before(self, offset: int) -> int:
        """How many characters end at or before byte `offset`."""
        if self._before is None:
            return offset
        block = offset // _BLOCK_BYTES
        while len(self._before) <= block:
            done = (len(self._before) - 1) * _BLOCK_BYTES
            self._before.append(self._before[-1] + _begun(self._encoded[done : done + _BLOCK_BYTES]))
        return self._before[block] + _begun(self._encoded[block * _BLOCK_BYTES : offset])


class Ranges:
    """Which characters lie in any of some ranges (start, end)."""

    def __init__(self, ranges: Iterable[tuple[int, int]]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted(ranges):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)

    def __contains__(self, offset: int) -> bool:
        found = bisect_right(self._starts, offset)
        return found > 0 and offset < self._ends[found - 1]

    def outside(self, text: str) -> str:
        """What of a text lies in none of them, the pieces apart from each other."""
        return " ".join(text[end:start] for end, start in zip([0, *self._ends], [*self._starts, None], strict=True))


def _begun(encoded: bytes) -> int:
    """How many characters begin in a piece of UTF-8."""
    return len(encoded.translate(None, _CONTINUATION))


def _judge(statement: str, offset: int, literals: Ranges) -> Finding:
    character = statement[offset]
    line, column = position(statement, offset)
    code, what = _name(character)
    name = f"U+{ord(character):04X} {unicodedata.name(character, '')}".strip()
    if code in {FindingCode.INVISIBLE_CHARACTER, FindingCode.ODD_WHITE_SPACE} and offset in literals:
        message = f"A text value holds {what} ({name}), which cannot be seen."
        return Finding(code, Severity.WARNING, message, line, column, "Check that it is meant to be there.")
    message = f"The statement holds {what} ({name})."
    return Finding(code, Severity.ERROR, message, line, column, "Remove it, or write it as an escape in a text value.")


def hidden_in(name: str) -> Iterator[tuple[str, FindingCode, str]]:
    """The characters of a name that cannot be seen for what they are, each with its code and what it is."""
    for match in _ODD.finditer(name):
        yield match[0], *_name(match[0])


def _name(character: str) -> tuple[FindingCode, str]:
    return next((code, what) for pattern, code, what in _CLASSES if pattern.match(character))


def _mixed_scripts(statement: str, literals: Ranges) -> Iterator[Finding]:
    if statement.isascii():
        return
    for match in _WORD.finditer(statement):
        if match[0].isascii() or len(scripts := scripts_of(match[0])) == 1 or match.start() in literals:
            continue
        if scripts:
            message = f"The word “{match[0][:60]}” mixes letters of {' and '.join(scripts)} that look alike."
            place = position(statement, match.start())
            yield Finding(
                FindingCode.MIXED_SCRIPTS,
                Severity.WARNING,
                message,
                *place,
                "Make sure it is the name you think it is.",
            )


def scripts_of(word: str) -> list[str]:
    """The scripts of a word's letters that have letters which pass for those of others."""
    names = {unicodedata.name(letter, "").split(" ")[0] for letter in word if letter.isalpha()}
    return sorted(name.capitalize() for name in names if name in _CONFUSABLE)
