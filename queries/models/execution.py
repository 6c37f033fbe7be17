"""The one run of an approved request, what it said, and the stored rows of its result."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import models
from django.db.models.functions import Now
from django.utils.functional import cached_property

from accounts.models import User
from executors.base import Call, RowEncoding
from queries import vault
from queries.models.request import CODES, QueryRequest
from queries.models.sealed import Sealed

UNREADABLE = "What was said cannot be read"


EMPTY_OBJECT = models.Value({}, models.JSONField())
EMPTY_LIST = models.Value([], models.JSONField())


@dataclass(frozen=True, slots=True)
class Said:
    """What a run said that may quote data: the words of its failure, and the names of its columns."""

    message: str = ""
    detail: Mapping[str, str] = field(default_factory=dict)
    columns: Sequence[Mapping[str, str]] = ()

    def sealed(self, execution_id: int) -> dict[str, object]:
        """The fields of an execution that hold it."""
        if not (self.message or self.detail or self.columns):
            return {"key_id": "", "data": None}
        text = json.dumps({"message": self.message, "detail": dict(self.detail), "columns": list(self.columns)})
        key_id, data = vault.seal(text.encode(), vault.place("said", execution_id))
        return {"key_id": key_id, "data": data}


class Execution(Sealed):
    """The one run of an approved query. What it said (`Said`) is sealed, and deleted with its result."""

    key_id = models.CharField(max_length=40, blank=True, db_default="", editable=False)
    data = models.BinaryField(null=True, editable=False)  # type: ignore[assignment]  # null when it said nothing

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

    failure_code = models.CharField(max_length=20, choices=CODES, db_default="", blank=True, editable=False)
    sqlstate = models.CharField(max_length=5, blank=True, db_default="", editable=False)

    row_count = models.BigIntegerField(db_default=0, editable=False)
    rows_affected = models.BigIntegerField(null=True, editable=False)
    # Whether `rows_affected` tells: a write may have changed rows that nobody counted, which is not the same as none.
    affected_known = models.BooleanField(db_default=True, editable=False)
    # What the target had set for how text is read as a value: `time_zone`, `date_order`, `interval_style`.
    session_settings = models.JSONField(db_default=EMPTY_OBJECT, editable=False)
    # What it changed, without the rows (`queries.results.effects`); null for a read, and where it cannot be told.
    effect = models.JSONField(null=True, editable=False)
    truncated = models.CharField(max_length=5, blank=True, db_default="", editable=False)
    statements = models.JSONField(db_default=EMPTY_LIST, editable=False)
    # How far a text of several statements was when that was last told, while it ran.
    statements_done = models.PositiveIntegerField(null=True, editable=False)
    statements_total = models.PositiveIntegerField(null=True, editable=False)

    # How often a script called the database and wrote to its console; not all of it may have been kept.
    calls_made = models.BigIntegerField(db_default=0, editable=False)
    lines_written = models.BigIntegerField(db_default=0, editable=False)
    console_truncated = models.BooleanField(db_default=False, editable=False)

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
    def place(self) -> bytes:
        """The run itself."""
        return vault.place("said", self.query_id)

    @property
    def said(self) -> Said:
        """What the run said; nothing once that was deleted."""
        if self.data is None:
            return Said()
        try:
            return Said(**json.loads(self.unsealed()))
        except vault.Unreadable as error:
            return Said(message=f"{UNREADABLE}: {error}")

    @property
    def failure_message(self) -> str:
        return self.said.message

    @property
    def failure_detail(self) -> Mapping[str, str]:
        """What the server said beside them: `sqlstate`, `hint`, `line` …"""
        return self.said.detail

    @property
    def columns(self) -> Sequence[Mapping[str, str]]:
        """`name` and `type` of each column of its result."""
        return self.said.columns

    @property
    def has_rows(self) -> bool:
        """Whether the statement returned rows (perhaps none of them)."""
        return bool(self.encoding)

    @property
    def has_result(self) -> bool:
        """Whether rows can be read now."""
        return self.has_rows and self.result_deleted_at is None and not self.result_lost


class ResultChunk(Sealed):
    """A run of rows of a result: encoded, compressed, encrypted (`queries.results`)."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="chunks", editable=False)
    number = models.PositiveIntegerField(editable=False)
    first_row = models.BigIntegerField(editable=False)
    row_count = models.PositiveIntegerField(editable=False)
    key_id = models.CharField(max_length=40, db_index=True, editable=False)

    class Meta:
        """Table `result_chunks`; `data` has STORAGE EXTERNAL, for it is compressed already."""

        db_table = "result_chunks"
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=["execution", "number"], name="chunk_number"),)
        indexes = (models.Index(fields=["execution", "first_row"], name="chunk_by_row"),)

    def __str__(self) -> str:
        return f"{self.execution_id} {self.number}"

    @property
    def place(self) -> bytes:
        """The rows it holds of a result."""
        return vault.place("result", self.execution_id, self.number, self.first_row, self.row_count)


class ScriptCall(Sealed):
    """One database call a script really made; what was sent and what came back are sealed."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="calls", editable=False)
    number = models.PositiveIntegerField(editable=False)
    rows = models.BigIntegerField(editable=False)
    milliseconds = models.FloatField(editable=False)

    class Meta:
        db_table = "script_calls"
        ordering = ("number",)
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.execution_id} {self.number}"

    @classmethod
    def of(cls, execution_id: int, call: Call) -> ScriptCall:
        """The row of a call."""
        words = json.dumps([call.statement, call.parameters, call.failure])
        key_id, data = vault.seal(words.encode(), vault.place("call", execution_id, call.number))
        return cls(
            execution_id=execution_id,
            number=call.number,
            rows=call.rows,
            milliseconds=call.milliseconds,
            key_id=key_id,
            data=data,
        )

    @property
    def place(self) -> bytes:
        """The call of a run."""
        return vault.place("call", self.execution_id, self.number)

    @property
    def statement(self) -> str:
        """What was sent."""
        return self._words[0]

    @property
    def parameters(self) -> str:
        """The values bound to it."""
        return self._words[1]

    @property
    def failure(self) -> str:
        """Why it failed, "" when it did not."""
        return self._words[2]

    @cached_property
    def _words(self) -> Sequence[str]:
        try:
            words: Sequence[str] = json.loads(self.unsealed())
        except vault.Unreadable as error:
            return f"{UNREADABLE}: {error}", "", ""
        return words


class LogLine(Sealed):
    """One line a script wrote to its console, sealed."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="log_lines", editable=False)
    number = models.PositiveIntegerField(editable=False)
    level = models.CharField(max_length=10, editable=False)

    class Meta:
        db_table = "script_log_lines"
        ordering = ("number",)
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.execution_id} {self.number}"

    @classmethod
    def of(cls, execution_id: int, number: int, level: str, text: str) -> LogLine:
        """The row of a line."""
        key_id, data = vault.seal(text.encode(), vault.place("line", execution_id, number))
        return cls(execution_id=execution_id, number=number, level=level, key_id=key_id, data=data)

    @property
    def place(self) -> bytes:
        """The line of a run."""
        return vault.place("line", self.execution_id, self.number)

    @property
    def text(self) -> str:
        """What was written."""
        try:
            return self.unsealed().decode()
        except vault.Unreadable as error:
            return f"{UNREADABLE}: {error}"
