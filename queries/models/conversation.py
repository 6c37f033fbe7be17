"""What is said of a request beside the decisions on it, and what people are told of it by the bell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import User
from queries.lifecycle import Status, Verb
from queries.models.request import QueryRequest
from queries.querysets import Rare


class Comment(models.Model):
    """Words about a request that decide nothing: about the whole, or about one line of its statement, from 1."""

    query = models.ForeignKey(QueryRequest, on_delete=models.PROTECT, related_name="comments", editable=False)
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", editable=False)
    text = models.TextField(editable=False)
    line = models.PositiveIntegerField(null=True, editable=False)
    at = models.DateTimeField(db_default=Now(), editable=False)

    if TYPE_CHECKING:
        query_id: int
        author_id: int

    class Meta:
        db_table = "comments"
        ordering = ("pk",)
        default_permissions = ("view",)
        constraints = (models.CheckConstraint(condition=Q(line=None) | Q(line__gte=1), name="comment_line_from_1"),)

    def __str__(self) -> str:
        return f"{self.query_id} by {self.author_id}"


class Event(models.TextChoices):
    """What somebody is told of: a verb of the lifecycle, or what is none."""

    SUBMIT = "submit"
    REVISE = "revise"
    COMMENT = "comment"
    ENDORSE = Verb.ENDORSE.value
    APPROVE = Verb.APPROVE.value
    REJECT = Verb.REJECT.value
    EXPIRE = Verb.EXPIRE.value
    COMPLETE = Verb.COMPLETE.value
    FAIL = Verb.FAIL.value
    CLOSE = Verb.CLOSE.value
    REMIND = "remind"
    STAND_IN = "stand_in"


# What asks somebody to decide.
CALLS = (Event.SUBMIT.value, Event.REVISE.value, Event.REMIND.value, Event.STAND_IN.value)


class TidingQuerySet(models.QuerySet["Tiding"]):
    def of(self, person: User) -> TidingQuerySet:
        """Those of a person, about requests that they may still know of; a call to decide ends with the wait."""
        waits = Q(query__status=Rare(Status.PENDING)) | ~Q(event__in=CALLS)
        return self.filter(waits, person=person, query__in=QueryRequest.objects.visible_to(person))

    def unread(self) -> TidingQuerySet:
        """Those whose request was not opened since."""
        return self.filter(read_at=None)

    def with_words(self) -> TidingQuerySet:
        """With everything a line of the bell shows."""
        long = ("query__statement", "query__parameters", "query__search", "query__findings")
        return self.select_related("query__target", "query__execution", "actor").defer(*long)


class Tiding(models.Model):
    """One thing that a person is told. Opening the request reads it: so it also tells which requests they have seen."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tidings", editable=False)
    query = models.ForeignKey(QueryRequest, on_delete=models.CASCADE, related_name="tidings", editable=False)
    event = models.CharField(max_length=8, choices=Event, editable=False)
    # Whose act it was; nobody's for what the portal itself did.
    actor = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+", editable=False)
    at = models.DateTimeField(db_default=Now(), db_index=True, editable=False)
    read_at = models.DateTimeField(null=True, editable=False)

    objects = TidingQuerySet.as_manager()

    if TYPE_CHECKING:
        person_id: int
        query_id: int

    class Meta:
        db_table = "tidings"
        ordering = ("-pk",)
        default_permissions = ()
        constraints = (
            models.CheckConstraint(condition=Q(event__in=Event.values), name="tiding_event_known"),
            models.CheckConstraint(condition=~Q(actor=F("person")), name="tiding_not_of_own_act"),
        )
        indexes = (
            models.Index(fields=["person", "-id"], name="tiding_by_person"),
            models.Index(fields=["person", "query"], condition=Q(read_at=None), name="tiding_unread"),
        )

    def __str__(self) -> str:
        return f"{self.event} of QR-{self.query_id} for {self.person_id}"
