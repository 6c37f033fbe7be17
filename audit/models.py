"""The append-only log. The database itself numbers, stamps and chains each entry, and refuses every change of one."""

import json
from functools import cached_property
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from audit.querysets import AuditLogQuerySet


class AuditLog(models.Model):
    """One significant act. Written only by `audit.log.append`; `seq`, `at` and both hashes are set by the database."""

    seq = models.BigIntegerField(primary_key=True, editable=False)
    at = models.DateTimeField(editable=False)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
        # `audit_by_actor` begins with it.
        db_index=False,
    )
    actor_label = models.TextField(editable=False)
    action = models.TextField(editable=False)
    subject_kind = models.TextField(editable=False)
    subject_id = models.TextField(editable=False)
    subject_label = models.TextField(editable=False)
    # Canonical JSON kept as text, so that a dump hashes to the same bytes.
    data = models.TextField(editable=False)
    previous_hash = models.BinaryField(max_length=32, editable=False)
    hash = models.BinaryField(max_length=32, editable=False)

    objects = AuditLogQuerySet.as_manager()

    class Meta:
        db_table = "audit_logs"
        ordering = ("-seq",)
        default_permissions = ("view",)
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        indexes = (
            models.Index(fields=["subject_kind", "subject_id", "-seq"], name="audit_by_subject"),
            models.Index(fields=["actor", "-seq"], name="audit_by_actor"),
            models.Index(fields=["action", "-seq"], name="audit_by_action"),
        )

    def __str__(self) -> str:
        return f"{self.seq} {self.action}"


class Checkpoint(models.Model):
    """A signed summary of the log up to entry `seq`. Written only by `audit.checkpoints`; the database refuses every
    change of one."""

    number = models.BigIntegerField(primary_key=True, editable=False)
    seq = models.BigIntegerField(editable=False)
    at = models.DateTimeField(editable=False)
    # Canonical JSON kept as text: what was signed, to the byte.
    body = models.TextField(editable=False)
    signature = models.BinaryField(max_length=64, editable=False)

    class Meta:
        """Table `audit_checkpoints`; with a checkpoint's number its `seq` only grows."""

        db_table = "audit_checkpoints"
        ordering = ("-number",)
        default_permissions = ("view",)
        indexes = (models.Index(fields=["seq"], name="checkpoint_by_seq"),)

    def __str__(self) -> str:
        return f"checkpoint {self.number}"

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What was signed: `number`, `first`, `seq`, `at`, `head`, `root`, `previous`, `log`, `key`, `version`."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def hash(self) -> str:
        """What the next one continues."""
        return sha256(b"\x02" + self.body.encode()).hexdigest()


class Archive(models.Model):
    """A month that was archived: the log goes on behind entry `last`, whose hash is `head`. Written only by
    `audit.archiving`; the database refuses every change of one."""

    last = models.BigIntegerField(primary_key=True, editable=False)
    first = models.BigIntegerField(editable=False)
    # When the month ended.
    ends_at = models.DateTimeField(editable=False)
    head = models.BinaryField(max_length=32, editable=False)
    # The hashes of the entries up to `last` that the next checkpoint covers, whose root is over them, too.
    leaves = models.BinaryField(editable=False)
    file = models.TextField(editable=False)
    sha256 = models.TextField(editable=False)

    class Meta:
        """Table `audit_archives`; the newest holds for all before it."""

        db_table = "audit_archives"
        ordering = ("-last",)
        default_permissions = ()

    def __str__(self) -> str:
        return self.file

    @property
    def hashes(self) -> list[bytes]:
        """`leaves`, one by one."""
        kept = bytes(self.leaves)
        return [kept[at : at + 32] for at in range(0, len(kept), 32)]

    @property
    def point(self) -> Checkpoint | None:
        """The last checkpoint that speaks of what was archived alone; None where there was none."""
        return Checkpoint.objects.filter(seq__lte=self.last - len(self.hashes)).first()


class Delivery(models.Model):
    """How far a place outside the portal has got: it has taken everything up to number `sent`."""

    place = models.TextField(primary_key=True, editable=False)
    sent = models.BigIntegerField(db_default=0, editable=False)
    sent_at = models.DateTimeField(null=True, editable=False)
    attempts = models.PositiveIntegerField(db_default=0, editable=False)
    problem = models.TextField(db_default="", editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    due_at = models.DateTimeField(db_default=Now(), editable=False)
    leased_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.place


class CheckpointDelivery(Delivery):
    """Of checkpoints, by their number."""

    class Meta:
        db_table = "checkpoint_deliveries"
        default_permissions = ()


class EntryDelivery(Delivery):
    """Of entries, by their `seq`, to what gathers the logs of an organisation (SIEM)."""

    class Meta:
        db_table = "entry_deliveries"
        default_permissions = ()
