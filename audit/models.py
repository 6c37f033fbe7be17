"""The append-only log. The database itself numbers, stamps and chains each entry, and refuses every change of one."""

from django.conf import settings
from django.db import models

from audit.querysets import AuditLogQuerySet


class AuditLog(models.Model):
    """One significant act. Written only by `audit.log.append`; `seq`, `at` and both hashes are set by the database."""

    seq = models.BigIntegerField(primary_key=True, editable=False)
    at = models.DateTimeField(editable=False)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.PROTECT, related_name="+"
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
