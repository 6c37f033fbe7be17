"""Tables as a target's catalogue knows them: what was there, and about how large, when it was asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a relation is."""

    TABLE = "r"
    PARTITIONED = "p"
    VIEW = "v"
    MATERIALIZED_VIEW = "m"
    FOREIGN = "f"
    INDEX = "i"
    PARTITIONED_INDEX = "I"
    SEQUENCE = "S"
    COMPOSITE = "c"
    TOAST = "t"


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `type` is as people write it (`numeric(10,2)`), `base` the name of its type, of a domain the one below
    it (`numeric`, `int4`, `timestamptz`). `generated`: computed by the server; `identity`: numbered by it."""

    name: str
    type: str
    base: str
    not_null: bool
    generated: bool
    identity: bool
    has_default: bool


@dataclass(frozen=True, slots=True)
class Index:
    """An index that is in use. `columns` are its key columns in order, "" where an expression stands.

    `expressions` is the text of those expressions, `predicate` that of its WHERE; "" where it has none.
    """

    name: str
    method: str
    columns: tuple[str, ...]
    included: tuple[str, ...]
    unique: bool
    primary: bool
    expressions: str
    predicate: str


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger that somebody made and that is enabled.

    `events` are of INSERT, UPDATE, DELETE, TRUNCATE; `columns` those of UPDATE OF, empty for any. `partition` is the
    part of the table that it belongs to, "" for the table itself.
    """

    name: str
    function: str
    events: frozenset[str]
    before: bool
    each_row: bool
    columns: tuple[str, ...]
    conditional: bool
    partition: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that is enabled: what it adds to INSERT, UPDATE or DELETE, or does `instead`."""

    name: str
    event: str
    instead: bool


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key: `table`.`columns` refer to `referenced`.`referenced_columns`; the tables as the
    search path names them.

    `on_delete` and `on_update` are NO ACTION, RESTRICT, CASCADE, SET NULL or SET DEFAULT. `rows` is about how many rows
    `table` has, None where nobody counted; `indexed`: an index of `table` begins with `columns`.
    """

    name: str
    table: str
    columns: tuple[str, ...]
    referenced: str
    referenced_columns: tuple[str, ...]
    on_delete: str
    on_update: str
    rows: int | None
    indexed: bool
    valid: bool


@dataclass(frozen=True, slots=True)
class Dependent:
    """A view that stands on a table, as the search path names it, and the columns it uses."""

    name: str
    materialized: bool
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A relation that a statement names.

    `rows` is the server's estimate (None: it was never counted), `bytes` what it takes up without its indexes.
    Triggers and foreign keys are known where a write was asked about, `views` where a change of the schema was.
    `partition_key` has "" where an expression stands. `references` are its own foreign keys, `referenced_by` those of
    others to it and, where a DELETE cascades, to the tables it reaches, nearest first. `row_security`: policies decide
    which of its rows a login sees.
    """

    schema: str
    name: str
    kind: Kind
    rows: int | None
    bytes: int
    is_partition: bool
    has_children: bool
    partition_key: tuple[str, ...]
    columns: dict[str, Column]
    indexes: tuple[Index, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    references: tuple[ForeignKey, ...] = ()
    referenced_by: tuple[ForeignKey, ...] = ()
    views: tuple[Dependent, ...] = ()
    row_security: bool = False
    rules: tuple[Rule, ...] = ()

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Its columns; empty where there is none."""
        return next((index.columns for index in self.indexes if index.primary), ())

    def leads(self, column: str) -> Index | None:
        """An index for comparisons that begins with a column and covers every row."""
        found = (index for index in self.indexes if index.columns[0] == column and not index.predicate)
        return next((index for index in found if index.method in {"btree", "hash"}), None)

    def unique_within(self, columns: set[str]) -> bool:
        """Whether these columns certainly tell its rows apart."""
        return any(
            index.unique and not index.predicate and all(index.columns) and columns.issuperset(index.columns)
            for index in self.indexes
        )
