"""Names people go by: made of what can be read, and nobody's but their own where they act.

Two names are alike when a reader would take one for the other: whatever the case, the accents, the order of the words,
the script its letters are from (Unicode's table of confusables) and the signs between them.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.module_loading import import_string

from web.characters import hidden_in

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from accounts.models import User

LONGEST = 60
SIGNS = frozenset(" -–'\u2019.,·")
# The portal's own name as an actor (`accounts.models.SYSTEM`).
RESERVED = ("Query Portal", "system")
TAKEN = "Somebody here goes by that name, or one that looks like it. Add a middle name or an initial."
_ACCENTS = re.compile("[\u0300-\u036f]")
# Beside what Unicode's table says of single characters: how letters run together in many typefaces.
_RUN_TOGETHER = str.maketrans({"i": "l", "1": "l", "0": "o", "w": "vv", "d": "cl"})


def clean_name(text: str) -> str:
    """A part of a name in its one form: composed (NFC), single spaces. Raises ValidationError."""
    if any(c in "\r\n\t" for c in text.strip()):
        raise ValidationError("A name is one line.", code="name_lines")
    name = " ".join(part for part in unicodedata.normalize("NFC", text).strip().split(" ") if part)
    hidden = hidden_in(name)
    if hidden:
        raise ValidationError(f"It holds what cannot be seen: {hidden[0].words}.", code="name_hidden")
    if len(name) > LONGEST:
        raise ValidationError(f"It is {len(name)} characters long; at most {LONGEST} fit.", code="name_long")
    odd = next((c for c in name if not (unicodedata.category(c)[0] in "LMN" or c in SIGNS)), "")
    if odd:
        raise ValidationError(
            f"A name is letters, digits, spaces and - ' . , only; it holds “{odd}”.", code="name_sign"
        )
    if name and not any(c.isalpha() for c in name):
        raise ValidationError("A name has a letter in it.", code="name_letter")
    return name


def alike(one: str, other: str) -> bool:
    """Whether a reader would take one name for the other."""
    return bool(_likeness(one) & _likeness(other))


def taken(name: str, people: Iterable["User"]) -> bool:
    """Whether one of these people, or the portal itself, is called that or something like it."""
    called = [*RESERVED, *(known for somebody in people for known in (somebody.name, somebody.username) if known)]
    return any(alike(name, known) for known in called)


def people_beside(user: "User") -> "QuerySet[User]":
    """Whoever acts where this person acts (`settings.PEOPLE_BESIDE`): pods know it, and they are built on people."""
    find: Callable[[User], QuerySet[User]] = import_string(settings.PEOPLE_BESIDE)
    return find(user)


def _likeness(name: str) -> frozenset[str]:
    words = [skeleton for word in _words(name) if (skeleton := _skeleton(word))]
    return frozenset({"".join(words), "".join(sorted(words))} - {""})


def _words(name: str) -> list[str]:
    return "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in name).split()


def _skeleton(word: str) -> str:
    """What a word comes down to: without accents, each letter as the one it passes for, large and small."""
    large = "".join(map(_prototype, _bare(word))).casefold()
    small = "".join(map(_prototype, _bare(large)))
    return _bare(small).casefold().translate(_RUN_TOGETHER)


def _bare(text: str) -> str:
    # The accents of Latin, Greek and Cyrillic alone: elsewhere a mark is a letter of its own.
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", text))


@cache
def _prototype(character: str) -> str:
    passes_for = _look_alikes(character)
    # The table is symmetric: the letter that others pass for has many, each of the others has that one.
    if len(passes_for) != 1:
        return character
    other = passes_for[0]
    return other if len(_look_alikes(other)) > 1 else min(character, other)


def _look_alikes(character: str) -> list[str]:
    from confusable_homoglyphs import confusables  # noqa: PLC0415 -- a megabyte, for the rare change of a name

    find: Any = confusables.is_confusable
    found = find(character, greedy=True)
    # A few stand between marks of direction.
    return [str(homoglyph["c"]).strip("\u200e") for homoglyph in found[0]["homoglyphs"]] if found else []
