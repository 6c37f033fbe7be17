"""Reading what was kept of a write: its rows before and after, and the statement that takes it back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256

from executors import undoing
from executors.base import Cells, Effect, EngineKind, Images, NotReversible, Reverse, RowChange, TableEffect
from queries.models import Execution, QueryRequest, UndoPiece
from queries.results import effects
from queries.vault import Unreadable

SHOWN_CHARACTERS = 2000


def reverse(query: QueryRequest) -> Reverse:
    """What takes the write of an executed request back. Raises NotReversible."""
    pieces = UndoPiece.objects.filter(execution=query.pk).order_by("number")
    try:
        images = [piece.images for piece in pieces.iterator(chunk_size=20)]
    except Unreadable as error:
        message = f"What was kept of it cannot be read: {error}"
        raise NotReversible(message) from error
    return undoing.reverse(EngineKind(query.target.engine), images, f"Puts back what {query.number} changed")


def changed(execution: Execution, rows: int) -> Effect | None:
    """What a write changed, with the first `rows` rows of each table where they are kept; None where nobody knows."""
    if not execution.effect:
        return None
    effect = effects.without_rows(execution.effect)
    engine, firsts = EngineKind(execution.query.target.engine), list(_firsts(execution))
    return replace(effect, tables=tuple(_with_rows(engine, table, firsts, rows) for table in effect.tables))


def _firsts(execution: Execution) -> Iterator[Images]:
    """Of each table the first piece."""
    pieces = UndoPiece.objects.filter(execution=execution.pk)
    for piece in pieces.order_by("table", "number").distinct("table"):
        try:
            yield piece.images
        except Unreadable:
            continue


def _names(images: Images) -> tuple[str, str]:
    """How an effect may call the table: with its schema where that is needed."""
    return images.image.table, f"{images.image.schema}.{images.image.table}"


def _with_rows(engine: EngineKind, table: TableEffect, firsts: Sequence[Images], rows: int) -> TableEffect:
    """With its rows, unless two tables of that name in different schemas changed."""
    found = [images for images in firsts if table.table in _names(images)]
    if len(found) != 1:
        return table
    images = found[0]
    columns, seen = undoing.shown(engine, images, rows)
    changes = tuple(RowChange(_cut(row.before), _cut(row.after)) for row in seen)
    return replace(table, columns=columns, key=images.image.key, changes=changes)


def _cut(row: Cells | None) -> Cells | None:
    return None if row is None else tuple(cell if cell is None else _beginning(cell) for cell in row)


def _beginning(cell: str) -> str:
    """A value as a page shows it: of a long one the beginning, and a digest that tells whether it changed."""
    if len(cell) <= SHOWN_CHARACTERS:
        return cell
    digest = sha256(cell.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{cell[:SHOWN_CHARACTERS]}… ({len(cell):,} characters, SHA-256 {digest})"
