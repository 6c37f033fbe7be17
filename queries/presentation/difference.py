"""What changed between a statement and the one it revises: line by line, with the changed words marked."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from django.utils.safestring import SafeString

from queries.presentation.code import Line, pieces, plain_text, render

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
# Lines more alike than this are shown as one line that changed.
_ALIKE = 0.72
# Pairing compares every removed line with every added one; above these it would cost more than it shows.
_PAIRS = 400
_PAIRED_LENGTH = 400


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a difference: `kind` is "", `add` or `del`; a number is None on the side the line is not on."""

    kind: str
    old: int | None
    new: int | None
    html: SafeString

    @property
    def sign(self) -> str:
        """What stands in the gutter."""
        return {"add": "+", "del": "\N{MINUS SIGN}"}.get(self.kind, " ")


def difference(before: str, after: str, language: str) -> list[DiffLine]:
    """Every line of both statements, in order."""
    old, new = pieces(before, language), pieces(after, language)
    texts = [plain_text(line) for line in old], [plain_text(line) for line in new]
    matcher = SequenceMatcher(None, *texts, autojunk=max(map(len, texts)) > _PAIRS)
    rows: list[DiffLine] = []
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind == "equal":
            rows += (DiffLine("", i1 + k + 1, j1 + k + 1, render(new[j1 + k])) for k in range(i2 - i1))
        else:
            rows += _changed(old, new, range(i1, i2), range(j1, j2))
    return rows


def counts(rows: Sequence[DiffLine]) -> tuple[int, int]:
    """How many lines were added and removed."""
    return sum(row.kind == "add" for row in rows), sum(row.kind == "del" for row in rows)


def _changed(old: Sequence[Line], new: Sequence[Line], removed: range, added: range) -> Iterator[DiffLine]:
    pairs = _pairs(old, new, removed, added)
    marks = {i: _marks(plain_text(old[i]), plain_text(new[j])) for i, j in pairs.items()}
    partners = {j: i for i, j in pairs.items()}
    for i in removed:
        yield DiffLine("del", i + 1, None, render(old[i], marks[i][0] if i in marks else (), "del"))
    for j in added:
        i = partners.get(j, -1)
        yield DiffLine("add", None, j + 1, render(new[j], marks[i][1] if i in marks else (), "ins"))


def _pairs(old: Sequence[Line], new: Sequence[Line], removed: range, added: range) -> dict[int, int]:
    if len(removed) * len(added) > _PAIRS:
        return {}
    pairs: dict[int, int] = {}
    for i in removed:
        left = plain_text(old[i])
        free = [j for j in added if j not in pairs.values() and len(plain_text(new[j])) <= _PAIRED_LENGTH]
        if not free or len(left) > _PAIRED_LENGTH:
            continue
        ratio, best = max((_ratio(left, plain_text(new[j])), -j) for j in free)
        if ratio > _ALIKE:
            pairs[i] = -best
    return pairs


def _ratio(left: str, right: str) -> float:
    return SequenceMatcher(None, left, right, autojunk=False).ratio()


Marks = list[tuple[int, int]]


def _marks(left: str, right: str) -> tuple[Marks, Marks]:
    words = _WORDS.findall(left), _WORDS.findall(right)
    removed: Marks = []
    added: Marks = []
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, *words, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        for found, side, first, last in ((removed, words[0], i1, i2), (added, words[1], j1, j2)):
            if first < last:
                start = len("".join(side[:first]))
                found.append((start, start + len("".join(side[first:last]))))
    return removed, added
