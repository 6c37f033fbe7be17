"""The statement that takes a write back, made from the rows that were kept of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from executors.base.effects import Images, RowChange
from executors.base.rows import Column
from executors.base.statements import Language


class NotReversible(Exception):
    """There is no statement that puts everything back as it was. Its words are for people."""


@dataclass(frozen=True, slots=True)
class Reverse:
    """A write, to be run with `Running.all_or_nothing`, that puts `rows` rows back as they were."""

    language: Language
    statement: str
    parameters: tuple[str, ...]
    rows: int


class KeptRows(Protocol):
    """How rows that an engine keeps in a form of its own are read."""

    def __call__(self, piece: Images, rows: int) -> tuple[tuple[Column, ...], tuple[RowChange, ...]]:
        """The first `rows` of a piece, and the columns of their cells."""


class Reverser(Protocol):
    """How an engine takes a write back."""

    def __call__(self, pieces: Sequence[Images], title: str) -> Reverse:
        """The reverse of a write of which `pieces` were kept; `title` says in one line what it is, for its readers.

        Where a row is no longer what the write left, or does not come back as it was, it returns a row of text that
        names it, or changes fewer rows than it should. Raises NotReversible.
        """
