"""What changed between a statement and the one it revises: line by line, with the changed words marked."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from django.utils.safestring import SafeString, mark_safe

from queries.presentation.code import (
    LONG_LINE,
    Line,
    Marks,
    Note,
    blank_run,
    notes_by_line,
    pieces,
    plain_text,
    render,
)

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
# Lines more alike than this are shown as one line that changed.
_ALIKE = 0.72
# Pairing compares every removed line with every added one; above these it would cost more than it shows.
_PAIRS = 400
_PAIRED_LENGTH = 400
# Comparing two lines costs up to the product of their lengths; so much of that is spent on one page, about a third of a
# second. The lines after that are shown without their changed words.
_EFFORT = 10_000_000


@dataclass(slots=True)
class _Effort:
    """What may still be spent on comparing lines character by character."""

    left: int = _EFFORT

    def spend(self, left: str, right: str) -> bool:
        """Whether these two may be compared."""
        self.left -= len(left) * len(right)
        return self.left >= 0


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a difference: `kind` is "", `add` or `del`; a number is None on the side the line is not on.

    `blanks` > 0 stands for that many blank lines from these numbers on, as in `CodeLine`.
    """

    kind: str
    old: int | None
    new: int | None
    html: SafeString
    blanks: int = 0
    length: int = 0
    notes: tuple[Note, ...] = ()

    @property
    def sign(self) -> str:
        """What stands in the gutter."""
        return {"add": "+", "del": "\N{MINUS SIGN}"}.get(self.kind, " ")

    @property
    def is_long(self) -> bool:
        """Whether the line is long enough to say so."""
        return self.length > LONG_LINE

    @property
    def lines(self) -> int:
        """How many lines of the statements this is."""
        return self.blanks or 1


@dataclass(frozen=True, slots=True)
class Counts:
    """How many lines were added and removed, and how many of those are nothing but a run of blank lines."""

    added: int
    removed: int
    blank: int


def difference(before: str, after: str, language: str, notes: Iterable[Note] = (), first: int = 0) -> list[DiffLine]:
    """Every line of both statements, in order: folded, and with notes under the lines of `after`, as in `code`.

    `first` is how many lines were left out before both.
    """
    old, new = pieces(before, language), pieces(after, language)
    texts = [plain_text(line) for line in old], [plain_text(line) for line in new]
    matcher = SequenceMatcher(None, *texts, autojunk=max(map(len, texts)) > _PAIRS)
    said, effort = notes_by_line(notes), _Effort()
    rows: list[DiffLine] = []
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind == "equal":
            rows += _side("", new[j1:j2], (first + i1, first + j1), [()] * (j2 - j1), said)
        else:
            removed, added = _marked(old, new, range(i1, i2), range(j1, j2), effort)
            rows += _side("del", old[i1:i2], (first + i1, None), removed, {})
            rows += _side("add", new[j1:j2], (None, first + j1), added, said)
    return rows


def counts(rows: Sequence[DiffLine]) -> Counts:
    """How much was added and removed."""
    changed = [row for row in rows if row.kind]
    return Counts(
        added=sum(row.lines for row in changed if row.kind == "add"),
        removed=sum(row.lines for row in changed if row.kind == "del"),
        blank=sum(row.blanks for row in changed),
    )


def _side(
    kind: str,
    lines: Sequence[Line],
    first: tuple[int | None, int | None],
    marks: Sequence[Marks],
    notes: Mapping[object, tuple[Note, ...]],
) -> Iterator[DiffLine]:
    """Lines that follow each other on one side or both, which they begin at `first` of (counted from 0)."""
    tag = {"add": "ins", "del": "del"}.get(kind, "")
    at = 0
    while at < len(lines):
        old, new = (None if start is None else start + at + 1 for start in first)
        blanks = blank_run(lines, at)
        if blanks:
            yield DiffLine(kind, old, new, mark_safe(""), blanks=blanks)
        else:
            html, length = render(lines[at], marks[at], tag), len(plain_text(lines[at]))
            yield DiffLine(kind, old, new, html, length=length, notes=notes.get(new, ()) if new else ())
        at += blanks or 1


def _marked(
    old: Sequence[Line], new: Sequence[Line], removed: range, added: range, effort: _Effort
) -> tuple[list[Marks], list[Marks]]:
    """The changed words of each removed and each added line."""
    left: dict[int, Marks] = {}
    right: dict[int, Marks] = {}
    for i, j in _pairs(old, new, removed, added, effort).items():
        before, after = plain_text(old[i]), plain_text(new[j])
        if effort.spend(before, after):
            left[i], right[j] = _marks(before, after)
    return [left.get(i, ()) for i in removed], [right.get(j, ()) for j in added]


def _pairs(old: Sequence[Line], new: Sequence[Line], removed: range, added: range, effort: _Effort) -> dict[int, int]:
    if len(removed) * len(added) > _PAIRS:
        return {}
    pairs: dict[int, int] = {}
    for i in removed:
        left = plain_text(old[i])
        free = [j for j in added if j not in pairs.values() and len(plain_text(new[j])) <= _PAIRED_LENGTH]
        if not free or len(left) > _PAIRED_LENGTH:
            continue
        texts = {j: plain_text(new[j]) for j in free}
        if not all(effort.spend(left, text) for text in texts.values()):
            break
        ratio, best = max((_ratio(left, text), -j) for j, text in texts.items())
        if ratio > _ALIKE:
            pairs[i] = -best
    return pairs


def _ratio(left: str, right: str) -> float:
    return SequenceMatcher(None, left, right, autojunk=False).ratio()


def _marks(left: str, right: str) -> tuple[Marks, Marks]:
    words = _WORDS.findall(left), _WORDS.findall(right)
    removed: list[tuple[int, int]] = []
    added: list[tuple[int, int]] = []
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, *words, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        for found, side, first, last in ((removed, words[0], i1, i2), (added, words[1], j1, j2)):
            if first < last:
                start = len("".join(side[:first]))
                found.append((start, start + len("".join(side[first:last]))))
    return removed, added
