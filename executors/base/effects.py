"""What a transaction has changed: counts, rows before and after, and what of it is not known."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TypeAlias

from executors.base.rows import Column

# The values of one row as the server writes them, in the order of `TableEffect.columns`; None is NULL or absent.
Cells: TypeAlias = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row before the transaction and after it. Without `before` it was added, without `after` removed."""

    before: Cells | None
    after: Cells | None


class Gap(StrEnum):
    """Why not every changed row of a table is known, or why the rows cannot be told apart."""

    NO_KEY = "no_key"
    TIME = "time"
    SIZE = "size"
    LOCKED = "locked"
    DENIED = "denied"
    UNCERTAIN = "uncertain"
    NOT_TOLD = "not_told"


@dataclass(frozen=True, slots=True)
class TableEffect:
    """What happened to one table or collection.

    The counts are rows; `changes` is a sample of them, `columns` and `key` (names of the primary key's columns) belong
    to it. `complete` says that every changed row is known, and known apart from the others; else `gap` says why not.
    """

    table: str
    inserted: int
    updated: int
    deleted: int
    columns: tuple[Column, ...] = ()
    key: tuple[str, ...] = ()
    changes: tuple[RowChange, ...] = ()
    complete: bool = True
    gap: Gap | None = None

    @property
    def total(self) -> int:
        """How many rows changed."""
        return self.inserted + self.updated + self.deleted


class SchemaVerb(StrEnum):
    """What happened to an object of the schema."""

    CREATED = "created"
    ALTERED = "altered"
    DROPPED = "dropped"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """An object of the schema that a transaction changed. `what` is the server's own description of it."""

    verb: SchemaVerb
    what: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What a transaction has changed so far, by whatever means.

    `exact` is False where the counts may be too high. `counted` is False where something was changed that nobody
    counted, so that they may be too low: where a table is known for it, it has the gap NOT_TOLD. `lasts`: there was no
    transaction, so that each change lasted as soon as it was made.
    """

    tables: tuple[TableEffect, ...] = ()
    exact: bool = True
    schema: tuple[SchemaChange, ...] = ()
    counted: bool = True
    lasts: bool = False

    @property
    def total(self) -> int:
        """How many rows changed in all tables."""
        return sum(table.total for table in self.tables)

    @property
    def reversible(self) -> bool:
        """Whether every row is known as it was and as it is, nothing but rows changed, and all at once.

        Without a key every row is known, too (`Gap.NO_KEY`); only not which one became which.
        """
        known = all(table.complete or table.gap is Gap.NO_KEY for table in self.tables)
        return self.exact and self.counted and known and not self.schema and not self.lasts


@dataclass(frozen=True, slots=True)
class Structure:
    """How some tables were built: `digest` is another once anything of that was changed. "" where nobody could tell."""

    tables: tuple[str, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class KeepLimits:
    """How much of what a write changed is kept for its undo."""

    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Image:
    """A table of which rows are kept. `generated` names the columns that no statement can set, `identity` those
    that need OVERRIDING SYSTEM VALUE; `parts`: its rows are stored in partitions; `deferrable`: a value that must be
    unique is only looked at once the whole statement, or the transaction, is done."""

    schema: str
    table: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    generated: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()
    parts: bool = False
    deferrable: bool = False


@dataclass(frozen=True, slots=True)
class Images:
    """Some of the rows kept of one table: each as it was and as the write left it, whole values."""

    image: Image
    changes: tuple[RowChange, ...]

    def json(self) -> dict[str, object]:
        """As they are stored and sent: without a copy of every value."""
        changes = [{"before": change.before, "after": change.after} for change in self.changes]
        return {"image": asdict(self.image), "changes": changes}


@dataclass(frozen=True, slots=True)
class Running:
    """A job that runs to keep its changes.

    `bound` is how many rows it may change at most (None: any number). `keep` asks for the rows as they were and are.
    `seconds` is how long may be spent on finding them.
    `all_or_nothing`: a row the statement returns is one that could not be changed as meant, and refuses the whole.
    """

    bound: int | None = None
    keep: KeepLimits | None = None
    seconds: float = 5.0
    all_or_nothing: bool = False


@dataclass(frozen=True, slots=True)
class Rehearsing:
    """A job that is run to be looked at and always rolled back: `sample` rows of each table, `seconds` for looking.

    `tables` are those its text names; with those it changed, it is asked how they are built.
    """

    sample: int = 20
    seconds: float = 5.0
    all_or_nothing: bool = False
    tables: tuple[str, ...] = ()


Purpose: TypeAlias = Running | Rehearsing
