"""Rows before and rows after, told apart by their key and held against what the server counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from executors.base import Cells, Gap, RowChange, TableEffect
from executors.postgresql.effect.counters import Count
from executors.postgresql.effect.relations import Relation


@dataclass(slots=True)
class Kept:
    """The changed rows of one table, as far as they are known, its parts taken together."""

    relation: Relation
    before: list[Cells] = field(default_factory=list)
    after: list[Cells] = field(default_factory=list)
    gap: Gap | None = None

    def changes(self) -> list[RowChange]:
        """The rows in pairs by their key; without a key each stands alone."""
        if not self.relation.key:
            return [*(RowChange(row, None) for row in self.before), *(RowChange(None, row) for row in self.after)]
        was, now = self._by_key(self.before), self._by_key(self.after)
        both = [RowChange(row, now.get(key)) for key, row in was.items()]
        return [*both, *(RowChange(None, row) for key, row in now.items() if key not in was)]

    def unpaired(self) -> list[Cells]:
        """The keys of rows that look new."""
        was = self._by_key(self.before)
        return [key for key in self._by_key(self.after) if key not in was]

    def _by_key(self, rows: Iterable[Cells]) -> dict[Cells, Cells]:
        places = key_places(self.relation)
        return {tuple(row[place] for place in places): row for row in rows}


def key_places(relation: Relation) -> list[int]:
    """Where the columns of the key stand in a row."""
    names = [column.name for column in relation.columns]
    return [names.index(part) for part in relation.key]


def judge(kept: Kept, counted: Count, *, certain: bool, sample: int) -> tuple[TableEffect, bool]:
    """The effect on one table, and whether its counts are exact.

    Where every changed row was found, the rows are counted. They were if the table grew by what the server counted: a
    row that was missed would be missing there, and only a savepoint that was rolled back can disturb the sum.
    `certain`: the server's count is itself exact, since one plain statement changed the table and nothing else did.
    """
    changes = kept.changes()
    found = _count(changes)
    if not kept.gap and kept.relation.key and found.growth == counted.growth:
        return _effect(kept, found, changes[:sample], None), True
    if not kept.gap and not kept.relation.key and _alone(kept, counted):
        return _effect(kept, counted, _ends(changes, sample), Gap.NO_KEY), True
    gap = kept.gap or Gap.UNCERTAIN
    return _effect(kept, counted, _ends(changes, sample), gap), certain


def plain(shown: str, counted: Count) -> TableEffect:
    """The effect on a table whose rows nobody asked for."""
    return TableEffect(shown, counted.inserted, counted.updated, counted.deleted)


def _alone(kept: Kept, counted: Count) -> bool:
    """Whether rows without a key were each changed once, so that the server's count is the number of rows."""
    return (
        len(kept.before) == counted.updated + counted.deleted and len(kept.after) == counted.inserted + counted.updated
    )


def _count(changes: Sequence[RowChange]) -> Count:
    inserted = sum(change.before is None for change in changes)
    deleted = sum(change.after is None for change in changes)
    return Count(inserted, len(changes) - inserted - deleted, deleted)


def _ends(changes: list[RowChange], sample: int) -> list[RowChange]:
    """A sample of rows that stand alone: of those removed and of those added, so that neither crowds out the other."""
    removed = [change for change in changes if change.after is None]
    rest = [change for change in changes if change.after is not None]
    half = min(len(removed), max(sample // 2, sample - len(rest)))
    return [*removed[:half], *rest[: sample - half]]


def _effect(kept: Kept, count: Count, sample: Sequence[RowChange], gap: Gap | None) -> TableEffect:
    relation = kept.relation
    return TableEffect(
        relation.shown,
        count.inserted,
        count.updated,
        count.deleted,
        relation.columns,
        relation.key,
        tuple(sample),
        complete=gap is None,
        gap=gap,
    )
