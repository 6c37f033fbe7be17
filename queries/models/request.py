"""The request and the decisions on it. What decides what will run is frozen at submission."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now

from accounts.models import User
from executors.base import Access, FailureCode, Job, Language, Limits, Parameter, Purpose
from executors.base.parameters import from_json
from pods.models import Pod, Target
from queries import vault
from queries.digest import digest, form
from queries.lifecycle import Status
from queries.querysets import QueryRequestQuerySet

if TYPE_CHECKING:
    from queries.models.execution import Execution

TITLE_LENGTH = 120
# What stands for parameters that are sealed elsewhere (`UndoParameters`).
SEALED = "sealed"
# As long as it has not begun to run, what its target says now holds as well.
WAITING = frozenset({Status.PENDING, Status.APPROVED})


def as_bytes(parameters: Sequence[Parameter]) -> bytes:
    """Parameters as they are sealed: JSON, half characters as they are."""
    text = json.dumps(list(parameters), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def standing_for(parameters: Sequence[Parameter]) -> list[dict[str, object]]:
    """What is stored, and bound by the digest, in place of sealed parameters: their SHA-256 and how many they are."""
    return [{SEALED: sha256(as_bytes(parameters)).hexdigest(), "count": len(parameters)}]


class Code(StrEnum):
    """Why a request ended as it did, beside its status. What people read for each is in `queries.words`."""

    NONE = ""
    CHANGES_REQUESTED = "CHANGES_REQUESTED"
    EXPIRED = "EXPIRED"
    ERROR = FailureCode.ERROR.value
    TIMEOUT = FailureCode.TIMEOUT.value
    CANCELLED = FailureCode.CANCELLED.value
    REFUSED = FailureCode.REFUSED.value
    ROW_BOUND = FailureCode.ROW_BOUND.value
    TOO_LARGE = FailureCode.TOO_LARGE.value
    UNREACHABLE = FailureCode.UNREACHABLE.value
    INTERRUPTED = FailureCode.INTERRUPTED.value
    OUTCOME_UNKNOWN = FailureCode.OUTCOME_UNKNOWN.value


CODES = [(code.value, code.value) for code in Code]


class QueryRequest(models.Model):
    """A request to run one statement on one target. What decides what will run is frozen at submission."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    pod = models.ForeignKey(Pod, on_delete=models.PROTECT, related_name="queries", editable=False)
    target = models.ForeignKey(Target, on_delete=models.PROTECT, related_name="queries", editable=False)
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="queries", editable=False)
    revises = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="revisions", editable=False)
    status = models.CharField(
        max_length=9,
        choices=[(s.value, s.value) for s in Status],
        default=Status.PENDING.value,
        editable=False,
    )
    code = models.CharField(max_length=20, choices=CODES, default=Code.NONE.value, blank=True, editable=False)

    language = models.CharField(max_length=6, choices=[(x.value, x.value) for x in Language], editable=False)
    access = models.CharField(max_length=11, choices=[(x.value, x.value) for x in Access], editable=False)
    statement = models.TextField(editable=False)
    parameters = models.JSONField(default=list, editable=False)
    seconds_limit = models.PositiveIntegerField(editable=False)
    lock_seconds_limit = models.PositiveIntegerField(editable=False)
    rows_limit = models.PositiveIntegerField(editable=False)
    bytes_limit = models.PositiveBigIntegerField(editable=False)
    # How many rows a write should change, as its author says; and the request whose write it takes back.
    expects = models.PositiveBigIntegerField(null=True, editable=False)
    undoes = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="undos", editable=False)
    digest = models.CharField(max_length=64, editable=False)

    reason = models.TextField(editable=False)
    ticket = models.CharField(max_length=80, blank=True, editable=False)
    findings = models.JSONField(default=list, editable=False)
    # What the reading at submission verified, by name. Requests from before it was kept claim nothing.
    verified = models.JSONField(default=list, editable=False)
    kinds = ArrayField(models.TextField(), default=list, editable=False)
    tables = ArrayField(models.TextField(), default=list, editable=False)
    approvals_required = models.PositiveSmallIntegerField(editable=False)
    submitted_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(editable=False)

    # Where it stands in a queue, the lowest first (`queries.risks.queue_order`).
    queue_order = models.SmallIntegerField(default=0, editable=False)

    # What it has in common with requests that differ in values alone; "" of one from before it was kept.
    fingerprint = models.CharField(max_length=64, blank=True, default="", editable=False)
    # What a search looks in, in lower case: reason, ticket, tables, author, and the beginning of the statement.
    search = models.TextField(editable=False)

    objects = QueryRequestQuerySet.as_manager()

    # Who wrote its row last, and which versions of its pod and its target were read with it (`queries.joined`).
    written_by: str = ""
    read_with: str = ""

    if TYPE_CHECKING:
        pod_id: int
        target_id: int
        author_id: int
        revises_id: int | None
        undoes_id: int | None
        execution: Execution

    class Meta:
        """Table `query_requests`. The primary key grows with time, so newest first is one backward index scan."""

        db_table = "query_requests"
        ordering = ("-pk",)
        default_permissions = ("view",)
        verbose_name = "request"
        constraints = (
            models.CheckConstraint(condition=models.Q(status__in=[s.value for s in Status]), name="query_status_known"),
            models.UniqueConstraint(fields=["id", "author"], name="query_and_author"),
        )
        indexes = (
            models.Index(fields=["pod", "-id"], name="query_by_pod"),
            models.Index(fields=["author", "-id"], name="query_by_author"),
            models.Index(fields=["target", "-id"], name="query_by_target"),
            # The language beside it, for whoever counts.
            models.Index(fields=["status", "-id"], include=["language"], name="query_by_status_counted"),
            models.Index(fields=["pod", "status", "-id"], name="query_by_pod_and_status"),
            models.Index(fields=["target", "fingerprint", "-id"], name="query_by_fingerprint"),
            models.Index(fields=["status", "expires_at", "id"], name="query_by_time_left"),
            models.Index(fields=["status", "queue_order", "id"], name="query_by_risk"),
            GinIndex(fields=["search"], name="query_search", opclasses=["gin_trgm_ops"]),
        )

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        """The short name people use: `QR-17`."""
        return f"QR-{self.pk}"

    @property
    def title(self) -> str:
        """The first line of the reason."""
        line = self.reason.strip().partition("\n")[0].strip()
        return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1].rstrip() + "…"

    @property
    def state(self) -> Status:
        """The status as an enum."""
        return Status(self.status)

    @property
    def approvals_needed(self) -> int:
        """How many managers must approve: as many as at submission, or more if the target asks for more by now."""
        if self.state in WAITING:
            return max(self.approvals_required, self.target.approvals_required)
        return self.approvals_required

    def approvals_that_count(self) -> int:
        """Approvals given so far by people who may still give one."""
        return self.decisions.filter(verdict=Verdict.APPROVE, reviewer__in=self.pod.reviewers()).count()

    @property
    def limits(self) -> Limits:
        """The limits frozen at submission, which are those that were approved."""
        return Limits(
            seconds=self.seconds_limit,
            rows=self.rows_limit,
            bytes=self.bytes_limit,
            lock_seconds=self.lock_seconds_limit,
        )

    @property
    def limits_now(self) -> Limits:
        """What a run that began now would be held to: of what was approved and what the target says, the stricter."""
        asked, now = self.limits, self.target.limits_for(Access(self.access))
        return Limits(
            seconds=min(asked.seconds, now.seconds),
            rows=min(asked.rows, now.rows),
            bytes=min(asked.bytes, now.bytes),
            lock_seconds=min(asked.lock_seconds, now.lock_seconds),
        )

    @property
    def limits_in_force(self) -> Limits:
        """What it would be held to as long as it waits, what its run was held to, and else what was asked for."""
        if self.state in WAITING:
            return self.limits_now
        held_to: dict[str, int] = getattr(getattr(self, "execution", None), "limits", {})
        return Limits(**held_to) if held_to else self.limits

    @property
    def is_being_found_out(self) -> bool:
        """Whether it runs no more and what became of it is still asked for; it stays EXECUTING that long."""
        return self.state is Status.EXECUTING and getattr(getattr(self, "execution", None), "is_being_found_out", False)

    @property
    def parameter_count(self) -> int:
        """How many parameters the statement is sent with."""
        stored = self._standing_in
        return len(self.parameters) if stored is None else int(stored["count"])

    def values(self) -> tuple[Parameter, ...]:
        """The parameters that the statement is sent with. Raises vault.Unreadable for an undo whose rows are gone, or
        are not those that were reviewed."""
        stored = self._standing_in
        if stored is None:
            return tuple(map(from_json, self.parameters))
        sealed = getattr(self, "undo_parameters", None)
        if sealed is None:
            raise vault.Unreadable("The rows it would put back are no longer kept.")
        content = sealed.unsealed()
        if sha256(content).hexdigest() != stored[SEALED]:
            raise vault.Unreadable("The rows it would put back are not those that were asked for.")
        return tuple(json.loads(content.decode("utf-8", "surrogatepass")))

    @property
    def _standing_in(self) -> Mapping[str, Any] | None:
        first = self.parameters[0] if self.undoes_id is not None and len(self.parameters) == 1 else None
        return first if isinstance(first, dict) else None

    def current_digest(self) -> str:
        """The digest of what is stored now; equal to `digest` unless the row or its target was changed."""
        return digest(self.digest_form(self.target_identity()))

    def target_identity(self) -> dict[str, object]:
        """What the digest covers of the target as it is now."""
        return self.target.identity(Access(self.access))

    def digest_form(self, target: Mapping[str, object]) -> str:
        """What the digest covers, where `target` is what it was at submission."""
        return form(
            language=self.language,
            statement=self.statement,
            parameters=self.parameters,
            target=target,
            access=self.access,
            limits=self.limits,
            expects=self.expects,
            undoes=str(self.undoes.public_id) if self.undoes is not None else None,
        )

    @property
    def writes(self) -> bool:
        """Whether it was asked for with write access."""
        return self.access == Access.WRITE

    @property
    def maintains(self) -> bool:
        """Whether it runs outside a transaction, with maintenance access: without effect, bound or undo."""
        return self.access == Access.MAINTENANCE

    def job(self, purpose: Purpose, limits: Limits | None = None) -> Job:
        """What to run and what for, credential included. Raises KeyError with the variable's name when it is not set,
        and as `values`.

        `limits` are those in force unless others are given.
        """
        return Job(
            id=str(self.public_id),
            target=self.target.with_credential(Access(self.access)),
            language=Language(self.language),
            statement=self.statement,
            limits=limits or self.limits_now,
            parameters=self.values(),
            purpose=purpose,
        )


class Verdict(models.TextChoices):
    """What a manager decided."""

    APPROVE = "approve", "Approved"
    REJECT = "reject", "Rejected"


class Decision(models.Model):
    """One manager's approve or reject, bound to the digest of what they saw."""

    query = models.ForeignKey(QueryRequest, on_delete=models.PROTECT, related_name="decisions", editable=False)
    # Repeated here (a foreign key of both columns, migration 0002) so that the constraint below can compare.
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", editable=False)
    reviewer = models.ForeignKey(User, on_delete=models.PROTECT, related_name="decisions", editable=False)
    verdict = models.CharField(max_length=7, choices=Verdict, editable=False)
    comment = models.TextField(blank=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    # How many rows the write may change at most, as this manager approved it; null for a read.
    bound = models.PositiveBigIntegerField(null=True, editable=False)
    at = models.DateTimeField(db_default=Now(), editable=False)

    if TYPE_CHECKING:
        query_id: int
        reviewer_id: int

    class Meta:
        db_table = "decisions"
        ordering = ("pk",)
        default_permissions = ("view",)
        constraints = (
            models.UniqueConstraint(fields=["query", "reviewer"], name="decision_once_per_reviewer"),
            models.CheckConstraint(condition=~models.Q(author=models.F("reviewer")), name="decision_not_on_own_query"),
        )

    def __str__(self) -> str:
        return f"{self.query_id} {self.verdict}"
