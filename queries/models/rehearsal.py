"""What a write was seen to change, before it was approved."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from django.db import models
from django.db.models.functions import Now

from accounts.models import User
from queries import vault
from queries.models.request import CODES, QueryRequest
from queries.models.sealed import Sealed


class Schema(StrEnum):
    """Whether the tables that a rehearsal changed, and those its statement names, are still built as they were then."""

    SAME = "same"
    CHANGED = "changed"
    UNKNOWN = "unknown"


class Rehearsal(Sealed):
    """A write, really run and rolled back. Counts stay; the rows shown are sealed, and deleted as results are."""

    # What the target said of it while this object lives (`running.seen`); nobody was asked before.
    schema = Schema.UNKNOWN

    query = models.ForeignKey(QueryRequest, on_delete=models.PROTECT, related_name="rehearsals", editable=False)
    # Of the request as it was rehearsed.
    digest = models.CharField(max_length=64, editable=False)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", editable=False)
    at = models.DateTimeField(db_default=Now(), editable=False)
    duration_ms = models.FloatField(editable=False)
    # The effect without its rows (`queries.results.effects`); null when it failed.
    effect = models.JSONField(null=True, editable=False)
    failure_code = models.CharField(max_length=20, choices=CODES, blank=True, editable=False)

    # How the tables it changed, and those its text names, were built; "" where nobody could tell.
    tables = models.JSONField(default=list, editable=False)
    structure = models.CharField(max_length=64, blank=True, editable=False)

    # The rows shown, or the words of a failure: both may quote data. Null once they had their time.
    key_id = models.CharField(max_length=40, blank=True, editable=False)
    data = models.BinaryField(null=True, editable=False)  # type: ignore[assignment]
    expires_at = models.DateTimeField(db_index=True, editable=False)

    if TYPE_CHECKING:
        query_id: int
        by_id: int

    class Meta:
        db_table = "rehearsals"
        ordering = ("-pk",)
        default_permissions = ("view",)
        indexes = (models.Index(fields=["query", "-id"], name="rehearsal_by_query"),)

    def __str__(self) -> str:
        return f"rehearsal of QR-{self.query_id}"

    @property
    def place(self) -> bytes:
        """See `Sealed`."""
        return vault.place("rehearsal", self.pk)
