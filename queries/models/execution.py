"""The one run of an approved request, what it said, and the stored rows of its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models.functions import Now

from accounts.models import User
from executors.base import RowEncoding
from queries.models.request import Code, QueryRequest

if TYPE_CHECKING:
    from collections.abc import Callable


EMPTY_OBJECT = models.Value({}, models.JSONField())
EMPTY_LIST = models.Value([], models.JSONField())


class Execution(models.Model):
    """The one run of an approved query."""

    query = models.OneToOneField(
        QueryRequest, on_delete=models.PROTECT, primary_key=True, related_name="execution", editable=False
    )
    started_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    duration_ms = models.FloatField(null=True, editable=False)
    # The backend of the portal's own database that holds the advisory lock of this run: a fence for a late writer.
    holder = models.IntegerField(editable=False)
    # Who runs it on the target's server, and its transaction there, recorded before COMMIT is sent.
    backend = models.TextField(blank=True, db_default="", editable=False)
    transaction = models.TextField(blank=True, db_default="", editable=False)
    committing_at = models.DateTimeField(null=True, editable=False)
    # When the target was last asked in vain what became of that transaction, and how often by then.
    asked_at = models.DateTimeField(null=True, editable=False)
    asks = models.PositiveIntegerField(db_default=0, editable=False)
    # Who ended that search by hand, or answered it after it had ended, and what they said.
    closed_at = models.DateTimeField(null=True, editable=False)
    closed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", editable=False)
    closing_comment = models.TextField(blank=True, db_default="", editable=False)
    # What the run was held to: `seconds`, `lock_seconds`, `rows`, `bytes`. Empty for a run from before this was kept.
    limits = models.JSONField(db_default=EMPTY_OBJECT, editable=False)
    cancel_requested_at = models.DateTimeField(null=True, editable=False)
    cancel_requested_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", editable=False)

    failure_code = models.CharField(max_length=20, choices=Code, db_default="", blank=True, editable=False)
    failure_message = models.TextField(blank=True, db_default="", editable=False)
    failure_detail = models.JSONField(db_default=EMPTY_OBJECT, editable=False)

    row_count = models.BigIntegerField(db_default=0, editable=False)
    rows_affected = models.BigIntegerField(null=True, editable=False)
    # Whether `rows_affected` tells: a write may have changed rows that nobody counted, which is not the same as none.
    affected_known = models.BooleanField(db_default=True, editable=False)
    # What the target had set for how text is read as a value: `time_zone`, `date_order`, `interval_style`.
    session_settings = models.JSONField(db_default=EMPTY_OBJECT, editable=False)
    truncated = models.CharField(max_length=5, blank=True, db_default="", editable=False)
    statements = models.JSONField(db_default=EMPTY_LIST, editable=False)

    columns = models.JSONField(db_default=EMPTY_LIST, editable=False)
    encoding = models.CharField(
        max_length=4, blank=True, db_default="", choices=[(e.value, e.value) for e in RowEncoding], editable=False
    )
    result_bytes = models.BigIntegerField(db_default=0, editable=False)
    # A result that could not be kept although the run ended well: why.
    result_lost = models.TextField(blank=True, db_default="", editable=False)
    result_expires_at = models.DateTimeField(null=True, db_index=True, editable=False)
    result_deleted_at = models.DateTimeField(null=True, editable=False)

    if TYPE_CHECKING:
        query_id: int
        get_failure_code_display: ClassVar[Callable[[], str]]

    class Meta:
        """Table `executions`; at most one per query, for the query is its primary key."""

        db_table = "executions"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"execution of QR-{self.query_id}"

    @property
    def is_being_found_out(self) -> bool:
        """Whether its COMMIT was sent and lost, and the target is asked again and again what became of it."""
        return self.finished_at is None and self.asked_at is not None

    @property
    def has_rows(self) -> bool:
        """Whether the statement returned rows (perhaps none of them)."""
        return bool(self.encoding)

    @property
    def has_result(self) -> bool:
        """Whether rows can be read now."""
        return self.has_rows and self.result_deleted_at is None and not self.result_lost


class ResultChunk(models.Model):
    """A run of rows of a result: encoded, compressed, encrypted (`queries.results`)."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="chunks", editable=False)
    number = models.PositiveIntegerField(editable=False)
    first_row = models.BigIntegerField(editable=False)
    row_count = models.PositiveIntegerField(editable=False)
    key_id = models.CharField(max_length=40, db_index=True, editable=False)
    # 12 bytes of nonce, the ciphertext, 16 bytes of tag. STORAGE EXTERNAL: it is compressed already.
    data = models.BinaryField(editable=False)

    class Meta:
        """Table `result_chunks`."""

        db_table = "result_chunks"
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=["execution", "number"], name="chunk_number"),)
        indexes = (models.Index(fields=["execution", "first_row"], name="chunk_by_row"),)

    def __str__(self) -> str:
        return f"{self.execution_id} {self.number}"


class ScriptCall(models.Model):
    """One database call a script really made."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="calls", editable=False)
    number = models.PositiveIntegerField(editable=False)
    statement = models.TextField(editable=False)
    parameters = models.TextField(blank=True, editable=False)
    rows = models.BigIntegerField(editable=False)
    milliseconds = models.FloatField(editable=False)
    failure = models.TextField(blank=True, editable=False)

    class Meta:
        """Table `script_calls`."""

        db_table = "script_calls"
        ordering = ("number",)
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.execution_id} {self.number}"


class LogLine(models.Model):
    """One line a script wrote to its console."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="log_lines", editable=False)
    number = models.PositiveIntegerField(editable=False)
    level = models.CharField(max_length=10, editable=False)
    text = models.TextField(editable=False)

    class Meta:
        """Table `script_log_lines`."""

        db_table = "script_log_lines"
        ordering = ("number",)
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.execution_id} {self.number}"
