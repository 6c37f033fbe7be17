"""Letters and signs that pass for others: names that look like Latin ones, signs that are not what the keyboard has.

The letters are those of Unicode's confusables (unicode.org/Public/security/latest/confusables.txt) that look like one
Latin letter or digit, of the scripts that people write names in. Full-width and mathematical letters have their plain
form in Unicode itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping

from executors.base import Finding, FindingCode, Severity
from executors.text import Places, Ranges, hidden_in, scripts_of

_LOOK_LIKE = {
    "a": "\u0251\u03b1\u0430",
    "b": "\u0184\u042c\u13cf\u1472\u15af",
    "c": "\u03f2\u0441\u1d04\u2ca5\uabaf\U0001043d",
    "d": "\u0501\u13e7\u146f\ua4d2",
    "e": "\u0435\u04bd\uab32",
    "f": "\u0192\u0584\u1e9d\ua799\uab35",
    "g": "\u018d\u0261\u0581\u1d83",
    "h": "\u04bb\u0570\u13c2",
    "i": "\u0131\u0269\u026a\u037a\u03b9\u0456\u04cf\u13a5\u1fbe\ua647\uab75\U000118c3",
    "j": "\u0237\u03f3\u0458",
    "l": "\u0196\u01c0\u0399\u0406\u04c0\u16c1\u2c92\u2d4f\ua4f2\U0001028a\U00010309\U00016f28",
    "n": "\u0578\u057c",
    "o": "\u03bf\u03c3\u043e\u0585\u10ff\u1d0f\u1d11\u2c9f\uab3d\U0001042c\U000104ea\U000118c8\U000118d7",
    "p": "\u03c1\u03f1\u0440\u2ca3",
    "q": "\u051b\u0563\u0566",
    "r": "\u0433\u1d26\u2c85\uab47\uab48\uab81",
    "s": "\u01bd\u0455\ua731\uabaa\U00010448\U000118c1",
    "u": "\u028b\u03c5\u057d\u1d1c\ua79f\uab4e\uab52\U000104f6\U000118d8",
    "v": "\u03bd\u0475\u1d20\uaba9\U000118c0",
    "w": "\u026f\u0461\u051d\u0561\u1d21\uab83",
    "x": "\u0445\u1541\u157d",
    "y": "\u0263\u028f\u03b3\u0443\u04af\u10e7\u1d8c\u1eff\uab5a\U000118dc",
    "z": "\u1d22\uab93\U000118c4",
    "A": "\u0391\u0410\u13aa\u15c5\ua4ee\U000102a0\U00016f40",
    "B": "\u0392\u0412\u13f4\u15f7\ua4d0\ua7b4\U00010282\U000102a1\U00010301",
    "C": "\u03f9\u0421\u13df\u2ca4\ua4da\U000102a2\U00010302\U00010415\U0001051c",
    "D": "\u13a0\u15de\u15ea\ua4d3",
    "E": "\u0395\u0415\u13ac\u2d39\ua4f0\U00010286\U000118a6\U000118ae",
    "F": "\u03dc\u15b4\ua4dd\ua798\U00010287\U000102a5\U00010525\U000118a2\U000118c2\U0001d213",
    "G": "\u050c\u13c0\u13f3\ua4d6",
    "H": "\u0397\u041d\u13bb\u157c\u2c8e\ua4e7\U000102cf",
    "J": "\u037f\u0408\u13ab\u148d\ua4d9\ua7b2",
    "K": "\u039a\u041a\u13e6\u16d5\u2c94\ua4d7\U00010518",
    "L": "\u13de\u14aa\u2cd0\ua4e1\U0001041b\U00010526\U000118a3\U000118b2\U00016f16\U0001d22a",
    "M": "\u039c\u03fa\u041c\u13b7\u15f0\u16d6\u2c98\ua4df\U000102b0\U00010311",
    "N": "\u039d\u2c9a\ua4e0\U00010513",
    "O": "\u039f\u041e\u0555\u2c9e\u2d54\ua4f3\U00010292\U000102ab\U00010404\U000104c2\U00010516\U000118b5",
    "P": "\u03a1\u0420\u13e2\u146d\u2ca2\ua4d1\U00010295",
    "Q": "\u2d55",
    "R": "\u01a6\u13a1\u13d2\u1587\ua4e3\U000104b4\U00016f35\U0001d216",
    "S": "\u0405\u054f\u13d5\u13da\ua4e2\U00010296\U00010420\U00016f3a",
    "T": "\u03a4\u0422\u13a2\u2ca6\ua4d4\U00010297\U000102b1\U00010315\U000118bc\U00016f0a",
    "U": "\u054d\u144c\ua4f4\U000104ce\U000118b8\U00016f42",
    "V": "\u0474\u13d9\u142f\u2d38\ua4e6\U0001051d\U000118a0\U00016f08\U0001d20d",
    "W": "\u051c\u13b3\u13d4\ua4ea",
    "X": "\u03a7\u0425\u16b7\u2cac\u2d5d\ua4eb\ua7b3\U00010290\U000102b4\U00010317\U00010527",
    "Y": "\u03a5\u03d2\u0423\u04ae\u13a9\u13bd\u2ca8\ua4ec\U000102b2\U000118a4\U00016f43",
    "Z": "\u0396\u13c3\ua4dc\U000102f5\U000118a9",
    "2": "\u01a7\u03e8\u14bf\ua644\ua75a",
    "3": "\u01b7\u021c\u0417\u04e0\u2ccc\ua76a\ua7ab\U000118ca\U00016f3b\U0001d206",
    "4": "\u13ce\U000118af",
    "5": "\u01bc\U000118bb",
    "6": "\u0431\u13ee\u2cd2\U000118d5",
    "7": "\U000104d2\U000118c6\U0001d212",
    "8": "\u0222\u0223\U0001031a",
    "9": "\u2cca\ua76e\U000118ac\U000118cc\U000118d6",
}
LETTERS = {letter: plain for plain, letters in _LOOK_LIKE.items() for letter in letters}
_LATIN = str.maketrans(LETTERS)

# Signs that programs for writing put in place of the keyboard's, or that other keyboards have.
_SIGNS = {
    "'": "\u2018\u2019\u201a\u201b\u2032\u2039\u203a\u02b9\u02bc\u02bb\u00b4",
    '"': "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb\u301d\u301e\u301f",
    "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043\u02d7\ufe58\ufe63",
    "/": "\u2044\u2215\u29f8\u00f7",
    "*": "\u2217\u00d7\u22c6\u204e\ufe61",
    "=": "\ua78a\u30a0\u2e40\ufe66",
    "<": "\u2329\u27e8\u3008\ufe64",
    ">": "\u232a\u27e9\u3009\ufe65",
    "<=": "\u2264\u2a7d",
    ">=": "\u2265\u2a7e",
    "<>": "\u2260",
    "...": "\u2026",
    ",": "\u3001\u201a\ufe50\ufe51\u060c",
    ";": "\u037e\u061b\ufe54",
    ":": "\u2236\ua789\ufe55\u05c3",
    ".": "\u3002\u2024\ufe52\uff61",
    "(": "\ufe59\u2768\u2985",
    ")": "\ufe5a\u2769\u2986",
    "[": "\u3010\u3014\u27e6",
    "]": "\u3011\u3015\u27e7",
    "{": "\ufe5b\u2774",
    "}": "\ufe5c\u2775",
    "|": "\u2223\u01c0\u00a6",
    "%": "\u066a\ufe6a",
    "~": "\u223c\u02dc",
    "$": "\ufe69",
    "&": "\ufe60",
    "#": "\ufe5f",
    "+": "\ufe62",
    "!": "\u01c3",
    "\\": "\u2216\u29f5\ufe68",
    "^": "\u02c6\u2303",
    "`": "\u02cb",
}
_PLAIN = {sign: plain for plain, signs in _SIGNS.items() for sign in signs}
_PLAIN |= {chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F) if not chr(code).isalpha()}
_SIGN = re.compile("[" + "".join(map(re.escape, _PLAIN)) + "]")
_MOST_FINDINGS = 30
_SHOWN = 60
# `id`, `no`, an alias: in every language.
_SHORT = 3
# Letters that people of Turkey and West Africa have on their keyboards.
_OWN_LATIN = frozenset("\u0131\u0192\u0263\u028b")
_SHOWS = ("<super>", "<sub>", "<circle>", "<square>", "<fraction>")


def plain_letters(name: str) -> str:
    """A name as it looks in Latin letters, as far as its letters look like any."""
    return unicodedata.normalize("NFKC", name).translate(_LATIN)


def check_signs(text: str, elsewhere: Ranges, *, javascript: bool = False) -> Iterator[Finding]:
    """Signs that look like the language's own and are none; `elsewhere` are texts, comments and names in quotes.

    SQL takes every such sign for a letter, and the target tells of the name; `javascript` takes none but letters.
    """
    if text.isascii():
        return
    places, found = Places(text), 0
    for match in _SIGN.finditer(text):
        if match.start() in elsewhere:
            continue
        found += 1
        if found > _MOST_FINDINGS:
            return
        sign, plain = match[0], _PLAIN[match[0]]
        name = f"U+{ord(sign):04X} {unicodedata.name(sign, '')}".strip()
        message = f"The sign {sign} ({name}) is not the {plain} that it looks like."
        hint = f"Write {plain} instead{', or -- for a comment' if plain == '-' else ''}."
        wrong = javascript and not f"_{sign}".isidentifier()
        severity = Severity.ERROR if wrong else Severity.WARNING
        yield Finding(FindingCode.LOOKALIKE_CHARACTER, severity, message, *places.at(match.start()), hint)


def check_names(names: Mapping[str, tuple[int, int]], text: str, *, beside: bool = True) -> Iterator[Finding]:
    """Names that hide something or pass for others; `names` with their lines and columns, `text` they were read from.

    What stands in the text itself the door has judged: here it is what escapes say, and how names look beside others.
    `beside`: whether names in other letters than those of their neighbours are worth a note.
    """
    odd = {name: place for name, place in names.items() if not name.isascii()}
    if not odd:
        return
    for name, place in odd.items():
        yield from _hidden(name, place)
        if len(scripts := scripts_of(name)) > 1 and name.casefold() not in text.casefold():
            message = f"The name “{_shown(name)}” mixes letters of {' and '.join(scripts)} that look alike."
            yield Finding(FindingCode.MIXED_SCRIPTS, Severity.WARNING, message, *place, _MEANT)
    found = _in_other_letters(odd, [name for name in names if name.isascii()])
    yield from (finding for finding in found if beside or finding.severity is not Severity.INFO)


_MEANT = "Make sure it is the name you think it is."


def _in_other_letters(odd: Mapping[str, tuple[int, int]], latin: Collection[str]) -> Iterator[Finding]:
    scripts = {name: "".join(found) for name in odd if len(found := scripts_of(name)) <= 1}
    own = {script for name, script in scripts.items() if script and not plain_letters(name).isascii()}
    known = {name.casefold() for name in latin}
    beside: dict[str, list[str]] = {}
    for name, script in scripts.items():
        looks = plain_letters(name)
        if _passes_for(name, looks) and (not _at_home(name, script, own) or looks.casefold() in known):
            written = "" if script in {"", "Latin"} else f" is written in {script} letters and"
            message = f"The name “{_shown(name)}”{written} looks like “{_shown(looks)}” and is another."
            yield Finding(FindingCode.LOOKALIKE_NAME, Severity.WARNING, message, *odd[name], _MEANT)
        elif script not in {"", "Latin"}:
            beside.setdefault(script, []).append(name)
    if any(len(name) > _SHORT for name in latin):
        for script, written_so in beside.items():
            message = f"Names in {script} letters, such as “{_shown(written_so[0])}”, stand beside names in Latin ones."
            yield Finding(FindingCode.LOOKALIKE_NAME, Severity.INFO, message, *odd[written_so[0]])


def _passes_for(name: str, looks: str) -> bool:
    """Whether a name looks like one of the keyboard's letters. What stands higher or in a circle shows what it is."""
    return looks.isascii() and not any(unicodedata.decomposition(letter).startswith(_SHOWS) for letter in name)


def _at_home(name: str, script: str, own: Collection[str]) -> bool:
    """Whether a name may well be a word of somebody's language: others of the names certainly are."""
    return script in own and (script != "Latin" or {letter for letter in name if not letter.isascii()} <= _OWN_LATIN)


def _hidden(name: str, place: tuple[int, int]) -> Iterator[Finding]:
    for character, code, what in hidden_in(name):
        message = f"The name {_shown(name)} holds {what} (U+{ord(character):04X}), written as an escape."
        yield Finding(code, Severity.WARNING, message, *place, _MEANT)


def _shown(name: str) -> str:
    """A name with its hidden characters as escapes, cut when it is very long."""
    hidden = {character for character, _, _ in hidden_in(name)}
    return "".join(f"<U+{ord(letter):04X}>" if letter in hidden else letter for letter in name)[:_SHOWN]
