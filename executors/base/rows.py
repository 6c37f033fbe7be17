"""The rows of a result, as they leave a server, and where they go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class RowEncoding(StrEnum):
    """How the rows of a result are encoded, as they left the server (`executors.rows` decodes them).

    COPY: PostgreSQL's COPY text format, one line a row.
    BSON: concatenated BSON documents.
    JSON: one JSON array a line, a value for each column (what a script returned).
    """

    COPY = "copy"
    BSON = "bson"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result: its name and the server's own name of its type (`numeric(10,2)`, `timestamptz`)."""

    name: str
    type: str

    def json(self) -> dict[str, str]:
        """As it is stored and sent."""
        return {"name": self.name, "type": self.type}


class Scalar(str):
    """The text of a value that is no text by its type: a number, a date, a truth. It cannot be a formula."""

    __slots__ = ()


class RowSink(Protocol):
    """Where rows go while they stream. A second `columns` call starts the result anew: the last result set is kept."""

    def columns(self, columns: Sequence[Column], encoding: RowEncoding) -> None:
        """Announce a result set."""

    def all_columns(self, columns: Sequence[Column]) -> None:
        """Announce the columns of the result set again, at its end, where only its rows could tell them all."""

    def rows(self, data: bytes, count: int) -> None:
        """Take a block of `count` whole encoded rows, of about 64 KiB to 256 KiB unless one row is larger."""
