"""An effect as people read it: a sentence for each table, and rows as differences."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from executors.base import Cells, Effect, EngineKind, Gap, Language, Masks, RowChange, SchemaVerb, TableEffect, Verified
from queries.models import QueryRequest

# Why not every changed row is known, in a sentence.
GAPS: dict[Gap, str] = {
    Gap.NO_KEY: "It has no primary key, so rows before and after cannot be matched; they are shown apart.",
    Gap.TIME: "Its rows could not be read in the time there was; the count is the server's own.",
    Gap.SIZE: "More changed than is read; some rows are shown, and the count is the server's own.",
    Gap.LOCKED: "Its rows as they were cannot be read while this transaction holds them.",
    Gap.DENIED: "The login may not read all of its rows; the count is the server's own.",
    Gap.UNCERTAIN: "A part of it was taken back on the way, so the server's count may be too high.",
    Gap.NOT_TOLD: "What happened to its rows is not known: nobody counted them.",
}

SCHEMA_VERBS: dict[SchemaVerb, str] = {
    SchemaVerb.CREATED: "creates",
    SchemaVerb.ALTERED: "alters",
    SchemaVerb.DROPPED: "drops",
    SchemaVerb.REPLACED: "stores anew",
}

MASK = "•••"

# Kinds of statements that add rows, whose identity columns count on.
ADDING = re.compile(r"\b(?:INSERT|MERGE|COPY|CREATE TABLE AS|SELECT INTO)\b")


@dataclass(frozen=True, slots=True)
class Cell:
    """A column of a changed row. `before` and `after` are None for NULL; `changed` where they differ."""

    name: str
    before: str | None
    after: str | None
    changed: bool
    masked: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row: `kind` is `added`, `removed` or `changed`; `key` are its key's values; `same` are unchanged columns."""

    kind: str
    key: str
    cells: tuple[Cell, ...]
    same: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its sentence, why not all is known, and rows. `unnamed`: the statement does not name it."""

    name: str
    sentence: str
    gap: str
    rows: tuple[Row, ...]
    total: int
    unnamed: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """An effect: a line for the whole, tables and schema changes."""

    sentence: str
    tables: tuple[Table, ...]
    schema: tuple[str, ...]


def show(effect: Effect, *, would: bool, personal: Iterable[str] = (), named: Iterable[str] = ()) -> Shown:
    """The effect in words. `would`: it was only rehearsed. `personal` are columns to mask, as `table.column`.

    `named` are the tables that the statement names; left out, nothing is said of where a change comes from.
    """
    masks, names = Masks.of(personal), {_last(name) for name in named}
    told = [_table(table, effect.exact, masks, names, would=would) for table in effect.tables]
    tables = tuple(sorted(told, key=lambda table: (table.unnamed, -table.total)))
    schema = tuple(f"{SCHEMA_VERBS[change.verb].capitalize()} {change.what}" for change in effect.schema)
    return Shown(_sentence(effect, would=would), tables, schema)


def lasting(query: QueryRequest) -> list[str]:
    """What a rollback does not take back of this write, as far as its text tells: sentences, before it is rehearsed."""
    if query.target.engine != EngineKind.POSTGRESQL:
        return []
    if any(map(ADDING.search, query.kinds)):
        said = ["Numbers it takes from sequences stay taken."]
    else:
        said = ["Numbers that a trigger or a function takes from a sequence stay taken."]
    if query.language == Language.SCRIPT:
        return [*said, "What functions that its statements call do outside the database stays done."]
    if Verified.NO_OUTSIDE_FUNCTIONS not in query.verified:
        said.append("It may call functions that reach outside the database: what they do there stays done.")
    return said


def _sentence(effect: Effect, *, would: bool) -> str:
    rows = _rows(effect.total) + (f" in {len(effect.tables)} tables" if len(effect.tables) > 1 else "")
    about = "" if effect.exact else "at most " if effect.counted else "at least "
    verb = "would change" if would else "changed"
    if not effect.total and not effect.counted:
        return f"How many rows {verb} is not known."
    if not effect.total:
        return f"No row {verb}." if not effect.schema else f"No row {verb}; the schema {'would' if would else 'did'}."
    return f"{about}{rows} {verb}.".capitalize()


def _table(table: TableEffect, exact: bool, masks: Masks, named: set[str], *, would: bool) -> Table:  # noqa: FBT001 -- two facts
    parts = [
        f"{count:,} {_passive(word, would=would)}"
        for count, word in ((table.updated, "changed"), (table.inserted, "added"), (table.deleted, "removed"))
        if count
    ]
    sentence = f"{_rows(table.total)} of {table.table}: {', '.join(parts)}" if parts else table.table
    if len(parts) == 1:
        sentence = f"{_rows(table.total)} of {table.table} {parts[0].partition(' ')[2]}"
    if not exact and not table.complete and parts:
        sentence = f"At most {sentence}"
    gap = GAPS[table.gap] if table.gap else ""
    rows = tuple(_row(table, change, masks) for change in table.changes)
    unnamed = bool(named) and _last(table.table) not in named
    return Table(table.table, sentence, gap, rows, table.total, unnamed)


def _passive(word: str, *, would: bool) -> str:
    return f"would be {word}" if would else word


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _row(table: TableEffect, change: RowChange, masks: Masks) -> Row:
    before, after = change.before, change.after
    kind = "added" if before is None else "removed" if after is None else "changed"
    cells = [_cell(table, number, before, after, masks) for number in range(len(table.columns))]
    shown = {cell.name: cell.before if after is None else cell.after for cell in cells}
    key = ", ".join(f"{part} {'NULL' if shown.get(part) is None else shown[part]}" for part in table.key)
    if kind != "changed":
        return Row(kind, key, tuple(c for c in cells if c.name not in table.key or len(cells) == len(table.key)), ())
    return Row(kind, key, tuple(c for c in cells if c.changed), tuple(c for c in cells if not c.changed))


def _cell(table: TableEffect, number: int, before: Cells | None, after: Cells | None, masks: Masks) -> Cell:
    name = table.columns[number].name
    was, now = (None if row is None else row[number] for row in (before, after))
    changed = before is None or after is None or was != now
    if masks.hide(table.table, name):
        return Cell(name, _mask(was), _mask(now), changed, masked=True)
    return Cell(name, was, now, changed)


def _mask(value: str | None) -> str | None:
    return None if value is None else MASK


def _last(name: str) -> str:
    """A table's own name, without its schema, as it is compared."""
    return name.rpartition(".")[2].strip('"').casefold()
