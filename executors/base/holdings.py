"""What a target holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from executors.base.rows import Column


@dataclass(frozen=True, slots=True)
class Reference:
    """A column that is, or is part of, a foreign key, and the table it leads to."""

    column: str
    table: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table, view or collection. `estimated_rows` is the server's estimate, None when it has none.

    `primary_key` names its columns in the table's order; `references` has one for each column of a foreign key.
    `comment` is what its owner wrote about it, as far as it is shown.
    """

    schema: str
    name: str
    kind: str
    columns: tuple[Column, ...]
    estimated_rows: int | None = None
    primary_key: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Masks:
    """Which columns hold personal data. A name too many is masked rather than one too few: with its schema or without,
    and a document's field as a whole where a path leads into it."""

    names: frozenset[str]

    @classmethod
    def of(cls, personal: Iterable[str]) -> Masks:
        """From names as an admin writes them: `table.column`."""
        return cls(frozenset(name.strip().replace('"', "").casefold() for name in personal))

    def hide(self, table: str, column: str) -> bool:
        """Whether the values of a column are masked."""
        name = table.rpartition(".")[2].strip('"')
        own = f"{name}.{column}".casefold()
        return any(f".{name}.".find(f".{own}.") >= 0 for name in self.names)
