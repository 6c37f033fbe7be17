"""Documents as they are kept of a write, and as a difference shows them."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from executors.base import Cells, Column, Image, Images, RowChange
from executors.mongodb import show
from executors.mongodb.fields import columns as columns_of

# A document before and after; None where there was none.
Pair: TypeAlias = tuple[bytes | None, bytes | None]

_PIECE: Final = 50
_CUT: Final = 2000
_COLUMNS: Final = (Column("_id", "mongosh"), Column("document", "bson"))
_IDENTIFIER: Final = show.Table([Column("_id", "")])


def pieces(collection: str, pairs: Sequence[Pair]) -> Iterable[Images]:
    """Documents to be kept: `_id` as mongosh writes it, and `document`, BSON in base 64."""
    changes = [RowChange(_kept(was), _kept(now)) for was, now in pairs]
    for start in range(0, len(changes), _PIECE):
        yield Images(Image("", collection, _COLUMNS, ("_id",)), tuple(changes[start : start + _PIECE]))


def pairs(images: Images) -> list[Pair]:
    """The documents of a piece."""
    return [(_document(change.before), _document(change.after)) for change in images.changes]


def identifier(document: bytes) -> str:
    """The `_id` of a document as a reader expects it."""
    return _text(_IDENTIFIER.cells(document)[0]) or ""


def _kept(document: bytes | None) -> Cells | None:
    return None if document is None else (identifier(document), base64.b64encode(document).decode())


def _document(cells: Cells | None) -> bytes | None:
    return None if cells is None else base64.b64decode(cells[1] or "")


def shown(found: Sequence[Pair]) -> tuple[tuple[Column, ...], tuple[RowChange, ...]]:
    """Documents as rows, a column for each field; long fields are cut."""
    columns = columns_of(b"".join(side for pair in found for side in pair if side is not None))
    table = show.Table(columns)
    rows = tuple(RowChange(_cells(was, table), _cells(now, table)) for was, now in found)
    return tuple(Column(column.name, "mongosh") for column in columns), rows


def _cells(document: bytes | None, table: show.Table) -> Cells | None:
    return None if document is None else tuple(map(_text, table.cells(document)))


def _text(cell: show.Cell) -> str | None:
    """A field as a reader expects it; None for one that is not there."""
    if isinstance(cell, show.Missing):
        return None
    text = "null" if cell is None else cell
    return text if len(text) <= _CUT else f"{text[:_CUT]}… ({len(text):,} characters)"
