"""The outbox: what Slack and people's mailboxes should say, written in the transaction of the act itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import User
from queries.models.request import QueryRequest


class Medium(models.TextChoices):
    """How somebody is told."""

    SLACK = "slack", "Slack"
    EMAIL = "email", "E-mail"


class NoticeQuerySet(models.QuerySet["Notice"]):
    def unsent(self) -> NoticeQuerySet:
        """Those that say less than they should, and that are still tried."""
        return self.filter(sent_version__lt=F("version"), gave_up_at=None)

    def due(self, medium: Medium) -> NoticeQuerySet:
        """Those to be sent now that nobody is sending."""
        free = Q(leased_until=None) | Q(leased_until__lte=Now())
        return self.unsent().filter(free, medium=medium, due_at__lte=Now())


class Notice(models.Model):
    """One message about one request: a Slack message that is edited in place, or the mails to one person.

    The row is the state the message should be in, not a queue of events: each act raises `version`, a sender shows the
    request as it is then and raises `sent_version` to what it showed. Acts in quick succession become one message.
    """

    query = models.ForeignKey(QueryRequest, on_delete=models.CASCADE, related_name="notices", editable=False)
    medium = models.CharField(max_length=5, choices=Medium, editable=False)
    # Whose mailbox; nobody's for Slack, where the one message of a request goes to `channel`, the pod's at the time.
    person = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+", editable=False)
    channel = models.CharField(max_length=80, blank=True, db_default="", editable=False)
    # What a receiver can know a message by: Slack's `client_msg_id` and metadata, the mails' Message-ID.
    key = models.UUIDField(db_default=RandomUUID(), editable=False)

    version = models.PositiveIntegerField(db_default=1, editable=False)
    sent_version = models.PositiveIntegerField(db_default=0, editable=False)
    changed_at = models.DateTimeField(db_default=Now(), db_index=True, editable=False)
    due_at = models.DateTimeField(db_default=Now(), editable=False)
    attempts = models.PositiveSmallIntegerField(db_default=0, editable=False)
    lease = models.UUIDField(null=True, editable=False)
    leased_until = models.DateTimeField(null=True, editable=False)
    gave_up_at = models.DateTimeField(null=True, editable=False)
    problem = models.TextField(blank=True, db_default="", editable=False)

    # Set, durably, before the first post and until its address is known: in between it may be there already.
    posting_at = models.DateTimeField(null=True, editable=False)
    message_channel = models.CharField(max_length=80, blank=True, db_default="", editable=False)
    message_ts = models.CharField(max_length=40, blank=True, db_default="", editable=False)

    objects = NoticeQuerySet.as_manager()

    if TYPE_CHECKING:
        query_id: int
        person_id: int | None

    class Meta:
        db_table = "notices"
        default_permissions = ("view",)
        constraints = (
            models.UniqueConstraint(fields=["query", "medium", "person"], nulls_distinct=False, name="notice_once"),
            models.CheckConstraint(condition=Q(medium__in=Medium.values), name="notice_medium_known"),
        )
        indexes = (
            models.Index(
                fields=["medium", "due_at"],
                condition=Q(sent_version__lt=F("version"), gave_up_at=None),
                name="notice_unsent",
            ),
        )

    def __str__(self) -> str:
        return f"{self.medium} notice of QR-{self.query_id}"
