"""The SQL that puts rows back as they were: one statement, so that foreign keys are checked once all of them are there.

For each table up to three parts, in this order, so that a value that must be unique is free when it comes back: added
rows are deleted, changed ones get what they had, deleted ones are inserted. A row is touched only if it is what the
write left, to the byte (`CAST(t.* AS text)` is the whole row as the server writes it), and counts as put back only if
it then is what it was before, to the byte: a trigger may have changed it on its way. The last SELECT returns a line of
text for every row that was not, and the run refuses if there is any (`Running.all_or_nothing`). What triggers do later
is looked at then (`restored.py`).

A row of a table without a key is any row that is the same in every byte: one as good as another. So many of them as the
write added are deleted, and so many as it removed are inserted; a changed one is both. Where too few are left, it
refuses.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from executors.base import Cells, Column, Image, Images, Language, NotReversible, Reverse, RowChange
from executors.postgresql.effect.relations import identifier

# Names of ours beside the columns of a table: a row as the write left it, as it was before, and as it is put back.
LEFT, BEFORE, _NOW = "portal_left", "portal_before", "portal_now"
# Of what a part does, the name without its number.
PUT = "put_"
_QUOTED = re.compile(r'["\\(), \t\n\v\f\r]')
# The server takes no single value of more than a gigabyte; JSON of this size stays far below it, and within a helper.
_MOST_CHARACTERS = 64_000_000


class _Way(StrEnum):
    """How rows go back."""

    DELETE = "added"
    UPDATE = "changed"
    INSERT = "deleted"


@dataclass(frozen=True, slots=True)
class _Part:
    """The rows of one table that go back in one way."""

    number: int
    way: _Way
    image: Image
    changes: tuple[RowChange, ...]

    @property
    def target(self) -> str:
        """The table. Rows of tables that inherit from it are other rows."""
        only = "" if self.image.parts or self.way is _Way.INSERT else "ONLY "
        return f"{only}{identifier(self.image.schema)}.{identifier(self.image.table)} AS t"

    @property
    def set(self) -> tuple[Column, ...]:
        """The columns that get a value."""
        if self.way is _Way.DELETE:
            return ()
        settable = [column for column in self.image.columns if column.name not in self.image.generated]
        if self.way is _Way.INSERT:
            return tuple(settable)
        places = _places(self.image)
        return tuple(column for column in settable if self._differs(places[column.name]))

    @property
    def given(self) -> tuple[str, ...]:
        """The names of what its parameter holds of each row."""
        values = dict.fromkeys([*self.image.key, *(column.name for column in self.set)])
        texts = {_Way.DELETE: (LEFT,), _Way.UPDATE: (LEFT, BEFORE), _Way.INSERT: (BEFORE,)}
        return (*values, *texts[self.way])

    def _differs(self, place: int) -> bool:
        return any(c.before and c.after and c.before[place] != c.after[place] for c in self.changes)


def reverse(pieces: Sequence[Images], title: str) -> Reverse:
    """See `executors.base.Reverser`."""
    parts = list(_parts(pieces))
    if not parts:
        message = "It left every row as it was, so there is nothing to put back."
        raise NotReversible(message)
    parameters = tuple(json.dumps(list(_rows(part)), ensure_ascii=False) for part in parts)
    if sum(map(len, parameters)) > _MOST_CHARACTERS:
        message = "What it changed is too large to be put back by one statement."
        raise NotReversible(message)
    withs = ",\n".join(f"{_given(part)},\n{_put(part, parts)}" for part in parts)
    refusals = "\nUNION ALL\n".join(map(_refusals, parts))
    about = "\n".join(f"-- {line}" for line in (title, *map(_about, parts)))
    return Reverse(
        Language.SQL, f"{about}\nWITH {withs}\n{refusals}", parameters, sum(len(part.changes) for part in parts)
    )


def row_text(cells: Cells) -> str:
    """A row as the server writes it: a composite value in text."""
    return f"({','.join(map(_field, cells))})"


def _field(cell: str | None) -> str:
    if cell is None:
        return ""
    if cell and not _QUOTED.search(cell):
        return cell
    return '"' + cell.replace("\\", "\\\\").replace('"', '""') + '"'


def _parts(pieces: Iterable[Images]) -> Iterator[_Part]:
    tables: dict[Image, list[RowChange]] = {}
    for piece in pieces:
        tables.setdefault(piece.image, []).extend(piece.changes)
    number = 0
    for image, changes in tables.items():
        kept = changes if image.key else _different(changes)
        for way in _Way:
            found = tuple(change for change in kept if _way(change) is way)
            if found:
                number += 1
                yield _checked(_Part(number, way, image, found))


def _different(changes: Iterable[RowChange]) -> list[RowChange]:
    """Of rows without a key those that are more or fewer than before: one that came as it went is no change."""
    more: Counter[Cells] = Counter(change.after for change in changes if change.after is not None)
    more.subtract(change.before for change in changes if change.before is not None)
    added = [RowChange(None, row) for row, count in more.items() for _ in range(count)]
    return [*added, *(RowChange(row, None) for row, count in more.items() for _ in range(-count))]


def _way(change: RowChange) -> _Way:
    if change.before is None:
        return _Way.DELETE
    return _Way.UPDATE if change.after is not None else _Way.INSERT


def _checked(part: _Part) -> _Part:
    names = {column.name for column in part.image.columns}
    if names & {LEFT, BEFORE, _NOW} or (part.way is not _Way.DELETE and not part.set):
        message = f"The columns of {part.image.table} cannot be put back by a statement."
        raise NotReversible(message)
    return part


def _rows(part: _Part) -> Iterator[dict[str, str | None]]:
    places = _places(part.image)
    for change in part.changes:
        source = change.before if change.before is not None else change.after
        texts = {
            LEFT: row_text(change.after) if change.after is not None else None,
            BEFORE: row_text(change.before) if change.before is not None else None,
        }
        yield {name: texts[name] if name in texts else (source or ())[places[name]] for name in part.given}


def _places(image: Image) -> dict[str, int]:
    return {column.name: place for place, column in enumerate(image.columns)}


# --- the text --------------------------------------------------------------------------------------


def _about(part: _Part) -> str:
    names = ", ".join(column.name for column in part.set)
    one, many = {
        _Way.DELETE: ("row that was added is deleted", "rows that were added are deleted"),
        _Way.UPDATE: (f"row gets back its {names}", f"rows get back their {names}"),
        _Way.INSERT: ("row that was deleted is inserted", "rows that were deleted are inserted"),
    }[part.way]
    count = len(part.changes)
    keyless = "" if part.image.key else " (it has no key: rows that are the same in every column)"
    text = f"{part.image.schema}.{part.image.table}: {count:,} {one if count == 1 else many}{keyless}"
    return " ".join(text.split())


def _given(part: _Part) -> str:
    columns = ", ".join(f"{identifier(name)} text" for name in part.given)
    return f"given_{part.number} AS (\n  SELECT * FROM json_to_recordset(${part.number}::json) AS g ({columns})\n)"


def _put(part: _Part, parts: Iterable[_Part]) -> str:
    texts = {_Way.DELETE: _delete, _Way.UPDATE: _update, _Way.INSERT: _insert}
    earlier = [f"{PUT}{p.number}" for p in parts if p.image == part.image and p.number < part.number]
    after = [f"(SELECT count(*) FROM {name}) >= 0" for name in earlier]
    return f"{PUT}{part.number} AS (\n  {texts[part.way](part, after)}\n  RETURNING CAST(t.* AS text) AS {_NOW}\n)"


def _delete(part: _Part, after: list[str]) -> str:
    if part.image.key:
        return f"DELETE FROM {part.target}\n  USING given_{part.number} AS g\n  WHERE {_is_left(part, after)}"
    return (
        f"DELETE FROM {part.target}\n  USING (\n"
        f"    SELECT t.ctid AS place, t.tableoid AS part, CAST(t.* AS text) AS {LEFT},\n"
        f"      row_number() OVER (PARTITION BY CAST(t.* AS text)) AS number\n    FROM {part.target}\n"
        f"    WHERE CAST(t.* AS text) IN (SELECT {LEFT} FROM given_{part.number})\n"
        f"  ) AS l JOIN ({_numbers(part, LEFT)}) AS g ON g.row = l.{LEFT} AND l.number <= g.wanted\n"
        f"  WHERE t.ctid = l.place AND t.tableoid = l.part AND CAST(t.* AS text) = g.row"
    )


def _numbers(part: _Part, side: str) -> str:
    """How many rows of a table without a key are the same, for each of them."""
    return f"SELECT {side} AS row, count(*) AS wanted FROM given_{part.number} GROUP BY {side}"


def _update(part: _Part, after: list[str]) -> str:
    values = ", ".join(f"{identifier(column.name)} = {_value(column)}" for column in part.set)
    return f"UPDATE {part.target}\n  SET {values}\n  FROM given_{part.number} AS g\n  WHERE {_is_left(part, after)}"


def _insert(part: _Part, after: list[str]) -> str:
    """A row whose key, or another value that must be unique, was taken meanwhile is left out, and so refused.

    Where the server looks at such values late it cannot be told to leave rows out: then only a key that is there is.
    """
    names = ", ".join(identifier(column.name) for column in part.set)
    overriding = " OVERRIDING SYSTEM VALUE" if part.image.identity else ""
    tests = (
        [*after, f"NOT EXISTS (SELECT FROM {part.target} WHERE {_same_key(part)})"] if part.image.deferrable else after
    )
    where = f"\n  WHERE {' AND '.join(tests)}" if tests else ""
    conflict = "" if part.image.deferrable else "\n  ON CONFLICT DO NOTHING"
    return (
        f"INSERT INTO {part.target} ({names}){overriding}\n  SELECT {', '.join(map(_value, part.set))}"
        f"\n  FROM given_{part.number} AS g{where}{conflict}"
    )


def _is_left(part: _Part, after: list[str]) -> str:
    return " AND ".join([_same_key(part), f"CAST(t.* AS text) = g.{LEFT}", *after])


def _same_key(part: _Part) -> str:
    types = {column.name: column for column in part.image.columns}
    return " AND ".join(f"t.{identifier(name)} = {_value(types[name])}" for name in part.image.key)


def _value(column: Column) -> str:
    return f"CAST(g.{identifier(column.name)} AS {column.type})"


def _refusals(part: _Part) -> str:
    """A line for each row that is not what it should be now. Of a deleted row that is told which was deleted."""
    if not part.image.key:
        return _keyless_refusals(part)
    key = " || ', ' || ".join(f"{_literal(f'{name} ')} || g.{identifier(name)}" for name in part.image.key)
    expected = LEFT if part.way is _Way.DELETE else BEFORE
    return (
        f"SELECT {_literal(f'{part.image.table}: ')} || {key} AS not_put_back FROM given_{part.number} AS g\n"
        f"WHERE NOT EXISTS (SELECT 1 FROM {PUT}{part.number} AS p WHERE p.{_NOW} = g.{expected})"
    )


def _keyless_refusals(part: _Part) -> str:
    """Nothing names such a row but all of its values, and these are not for everybody who reads why it was refused."""
    done = f"SELECT count(*) FROM {PUT}{part.number} AS p WHERE p.{_NOW} = g.row"
    side = LEFT if part.way is _Way.DELETE else BEFORE
    named = _literal(f"{part.image.table}: a row without a key")
    return (
        f"SELECT {named} AS not_put_back FROM ({_numbers(part, side)}) AS g\n"
        f"CROSS JOIN LATERAL pg_catalog.generate_series(1, g.wanted - ({done}))"
    )


def _literal(text: str) -> str:
    quoted = text.replace("'", "''")
    return f"E'{quoted}'".replace("\\", "\\\\") if "\\" in text else f"'{quoted}'"
