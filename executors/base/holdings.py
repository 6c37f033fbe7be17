"""What a target holds."""

from __future__ import annotations

from dataclasses import dataclass

from executors.base.rows import Column


@dataclass(frozen=True, slots=True)
class Table:
    """A table, view or collection. `estimated_rows` is the server's estimate, None when it has none."""

    schema: str
    name: str
    kind: str
    columns: tuple[Column, ...]
    estimated_rows: int | None = None
