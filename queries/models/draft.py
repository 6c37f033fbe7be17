"""What somebody has typed and not sent: kept for them alone, one for each target and language."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.db import models
from django.db.models.functions import Now

from accounts.models import User
from executors.base import Language
from pods.models import Target

EXCERPT = 120


class KeptDraftQuerySet(models.QuerySet["KeptDraft"]):
    """Drafts, scoped to their author."""

    def of(self, author: User) -> KeptDraftQuerySet:
        """A person's own, for targets they may still ask for; the one saved last first."""
        own = self.filter(author=author, target__in=Target.objects.usable_by(author))
        return own.select_related("target").order_by("-saved_at", "-pk")


class KeptDraft(models.Model):
    """The form of a new request as it was left: `content` has the text of each of its other fields by name."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    author = models.ForeignKey(User, on_delete=models.CASCADE, related_name="drafts", editable=False)
    target = models.ForeignKey(Target, on_delete=models.CASCADE, related_name="+", editable=False)
    language = models.CharField(max_length=6, choices=[(x.value, x.value) for x in Language], editable=False)
    content = models.JSONField(editable=False)
    saved_at = models.DateTimeField(db_default=Now(), db_index=True, editable=False)

    objects = KeptDraftQuerySet.as_manager()

    if TYPE_CHECKING:
        target_id: int

    class Meta:
        db_table = "drafts"
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=["author", "target", "language"], name="draft_once"),)

    def __str__(self) -> str:
        return f"{self.target_id} {self.language}"

    @property
    def title(self) -> str:
        """The first line that says what it is: of the reason, or of the statement."""
        written = (str(self.content.get(name, "")).strip() for name in ("reason", "statement"))
        line = next((text.partition("\n")[0].strip() for text in written if text), "")
        return line if len(line) <= EXCERPT else line[: EXCERPT - 1] + "…"

    @property
    def seen(self) -> str:
        """What tells one state of it from another."""
        return self.saved_at.isoformat()
