"""The order in which somebody looks at a result, kept for a while."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence

from django.db import models

from queries import vault
from queries.models.execution import Execution
from queries.models.sealed import Sealed


class ResultOrder(Sealed):
    """A piece of an order: row numbers, four bytes each, the lowest first. The rows themselves are not repeated.

    `digest` names what was asked for; `total` is how many numbers the pieces of the order hold together.
    """

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="orders", editable=False)
    digest = models.CharField(max_length=64, editable=False)
    number = models.PositiveIntegerField(editable=False)
    total = models.BigIntegerField(editable=False)
    expires_at = models.DateTimeField(db_index=True, editable=False)

    class Meta:
        """Table `result_orders`."""

        db_table = "result_orders"
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=["execution", "digest", "number"], name="order_piece"),)

    def __str__(self) -> str:
        return f"{self.execution_id} {self.number}"

    @property
    def place(self) -> bytes:
        """The piece of an order of a result."""
        return vault.place("order", self.execution_id, int(self.digest, 16), self.number, self.total)

    def fill(self, numbers: Sequence[int]) -> None:
        """Seal row numbers in it."""
        held = array("I", numbers)
        if sys.byteorder == "big":
            held.byteswap()
        self.key_id, self.data = vault.seal(held.tobytes(), self.place)

    def numbers(self) -> array[int]:
        """The row numbers. Raises vault.Unreadable."""
        held = array("I")
        held.frombytes(self.unsealed())
        if sys.byteorder == "big":
            held.byteswap()
        return held
