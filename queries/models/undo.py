"""What is kept of a write that changed rows, so that it can be taken back."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db import models

from executors.base import Column, Image, Images, Parameter, RowChange
from queries import vault
from queries.models.execution import Execution
from queries.models.request import QueryRequest, as_bytes
from queries.models.sealed import Sealed


class UndoPiece(Sealed):
    """Some rows of one table, as they were before a write and as it left them: sealed, and deleted as results are."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="undo_pieces", editable=False)
    number = models.PositiveIntegerField(editable=False)
    # The table's name, as `effect` of the execution has it too.
    table = models.TextField(editable=False)
    row_count = models.PositiveIntegerField(editable=False)
    expires_at = models.DateTimeField(db_index=True, editable=False)

    if TYPE_CHECKING:
        execution_id: int

    class Meta:
        db_table = "undo_pieces"
        ordering = ("execution", "number")
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=["execution", "number"], name="undo_piece_number"),)

    def __str__(self) -> str:
        return f"{self.execution_id} {self.number}"

    @classmethod
    def of(cls, execution_id: int, number: int, images: Images, expires_at: dt.datetime) -> UndoPiece:
        """The row of a piece."""
        text = json.dumps(images.json(), ensure_ascii=False, separators=(",", ":"))
        where = vault.place("undo", execution_id, number)
        key_id, data = vault.seal(text.encode("utf-8", "surrogatepass"), where)
        return cls(
            execution_id=execution_id,
            number=number,
            table=f"{images.image.schema}.{images.image.table}",
            row_count=len(images.changes),
            expires_at=expires_at,
            key_id=key_id,
            data=data,
        )

    @property
    def place(self) -> bytes:
        """The piece of a run."""
        return vault.place("undo", self.execution_id, self.number)

    @property
    def images(self) -> Images:
        """The rows. Raises vault.Unreadable."""
        found = json.loads(self.unsealed().decode("utf-8", "surrogatepass"))
        item: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in found["image"].items()
        }
        item["columns"] = tuple(Column(**column) for column in item["columns"])
        changes = (RowChange(*(_cells(change[side]) for side in ("before", "after"))) for change in found["changes"])
        return Images(Image(**item), tuple(changes))


class UndoParameters(Sealed):
    """What an undo puts back, the parameters of its statement: rows of the target, sealed and deleted as results are.

    The request itself holds their digest in their place (`standing_for`), and so the digest of the request binds them.
    """

    query = models.OneToOneField(
        QueryRequest, on_delete=models.CASCADE, related_name="undo_parameters", primary_key=True, editable=False
    )
    expires_at = models.DateTimeField(db_index=True, editable=False)

    if TYPE_CHECKING:
        query_id: int

    class Meta:
        db_table = "undo_parameters"
        default_permissions = ()

    def __str__(self) -> str:
        return f"of QR-{self.query_id}"

    @classmethod
    def of(cls, query: QueryRequest, parameters: Sequence[Parameter], expires_at: dt.datetime) -> UndoParameters:
        """The row of a request that is stored."""
        key_id, data = vault.seal(as_bytes(parameters), vault.place("parameters", query.pk))
        return cls(query=query, expires_at=expires_at, key_id=key_id, data=data)

    @property
    def place(self) -> bytes:
        """Of the request."""
        return vault.place("parameters", self.query_id)


def _cells(values: list[str | None] | None) -> tuple[str | None, ...] | None:
    return None if values is None else tuple(values)
