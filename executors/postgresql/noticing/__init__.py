"""What a person should know of an SQL statement that will run: one small function a finding, all in two tuples.

`TEXT` needs nothing but the statement, `TARGET` what the catalogue says of the tables it names. A function looks at one
statement (`Looked`) and yields a `Notice` for what certainly holds; of what it does not know it says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from executors.base import Finding
from executors.postgresql.noticing.looked import Look, Looked, Notice
from executors.postgresql.noticing.patterns import leading_wildcard
from executors.postgresql.noticing.reads import no_limit
from executors.postgresql.noticing.updates import changes_key
from executors.text import Characters, Places

TEXT: tuple[Look, ...] = (leading_wildcard,)
TARGET: tuple[Look, ...] = (changes_key, no_limit)

# A text of more than that is a file of data: its statements are alike, and the first tell what there is to tell.
MOST_STATEMENTS = 200
MOST_CHARACTERS = 100_000
_MOST_NOTICES = 50


def noticed(text: str, statements: Iterable[Looked], looks: Sequence[Look]) -> list[Finding]:
    """The findings of the first statements of a text, each said once: where it holds first."""
    said: dict[tuple[str, str], Finding] = {}
    characters, places = Characters(text.encode()), Places(text)
    for looked in _short(statements):
        for notice in (notice for look in looks for notice in look(looked)):
            at = looked.item.begins if notice.at is None or notice.at < 0 else characters.before(notice.at)
            said.setdefault((notice.code, notice.message), _finding(notice, places.at(at)))
            if len(said) >= _MOST_NOTICES:
                return list(said.values())
    return list(said.values())


def _short(statements: Iterable[Looked]) -> Iterator[Looked]:
    left = MOST_CHARACTERS
    for looked in islice(statements, MOST_STATEMENTS):
        left -= len(looked.item.text)
        if left < 0:
            return
        yield looked


def _finding(notice: Notice, place: tuple[int, int]) -> Finding:
    return Finding(notice.code, notice.severity, notice.message, *place, notice.hint)
