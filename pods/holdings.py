"""The tables of a target as a page shows them: searched, and no more of them than a page holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from executors.base import Column, Masks, Table

TABLES_SHOWN = 100
COLUMNS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """A column with what is marked at it."""

    column: Column
    is_key: bool
    leads_to: str
    is_personal: bool


@dataclass(frozen=True, slots=True)
class ShownTable:
    """A table, and how many of its columns are left out."""

    table: Table
    name: str
    columns: Sequence[ShownColumn]
    left_out: int


@dataclass(frozen=True, slots=True)
class Holdings:
    """The tables that hold the words looked for, of how many."""

    tables: Sequence[ShownTable]
    matching: int
    total: int


def holdings(tables: Sequence[Table], words: str, personal: Iterable[str]) -> Holdings:
    """Those tables that have every word in their name or in the name of a column."""
    wanted = words.casefold().split()
    found = [table for table in tables if all(_has(table, word) for word in wanted)]
    masks = Masks.of(personal)
    shown = [_shown(table, masks) for table in sorted(found, key=_full_name)[:TABLES_SHOWN]]
    return Holdings(shown, len(found), len(tables))


def _full_name(table: Table) -> str:
    return f"{table.schema}.{table.name}" if table.schema else table.name


def _has(table: Table, word: str) -> bool:
    names = (_full_name(table), *(column.name for column in table.columns))
    return any(word in name.casefold() for name in names)


def _shown(table: Table, masks: Masks) -> ShownTable:
    columns = list(_columns(table, masks))
    return ShownTable(table, _full_name(table), columns[:COLUMNS_SHOWN], max(0, len(columns) - COLUMNS_SHOWN))


def _columns(table: Table, masks: Masks) -> Iterator[ShownColumn]:
    leads = {reference.column: reference.table for reference in table.references}
    for column in table.columns:
        yield ShownColumn(
            column=column,
            is_key=column.name in table.primary_key,
            leads_to=leads.get(column.name, ""),
            is_personal=masks.hide(_full_name(table), column.name),
        )
