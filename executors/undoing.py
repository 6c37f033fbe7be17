"""Taking a write back: the one door for every engine. Nothing is run, and no target is asked."""

from __future__ import annotations

from collections.abc import Sequence

from executors import registry
from executors.base import Column, EngineKind, Images, NotReversible, Reverse, RowChange


def obstacle(engine: EngineKind) -> str:
    """Why no write on an engine can be taken back, "" when they can."""
    if registry.reverser(engine) is not None:
        return ""
    return f"What is written to {registry.PRODUCTS[engine].name} cannot be taken back here."


def shown(engine: EngineKind, piece: Images, rows: int) -> tuple[tuple[Column, ...], tuple[RowChange, ...]]:
    """The first `rows` rows of what was kept of a write, as people read them, and their columns."""
    read = registry.kept_rows(engine)
    return read(piece, rows) if read is not None else (piece.image.columns, piece.changes[:rows])


def reverse(engine: EngineKind, pieces: Sequence[Images], title: str) -> Reverse:
    """The write that puts back what was kept of another one. Raises NotReversible, with words for people."""
    if not pieces:
        message = "Nothing was kept of what it changed, so there is nothing to put back."
        raise NotReversible(message)
    reverser = registry.reverser(engine)
    if reverser is None:
        raise NotReversible(obstacle(engine))
    return reverser(pieces, title)
