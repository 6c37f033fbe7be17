"""Reads of requests: chainable, and scoped to the reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from pods.models import Pod
from queries.lifecycle import Status

if TYPE_CHECKING:
    from queries.models import QueryRequest  # noqa: F401 -- the type of the rows


class QueryRequestQuerySet(models.QuerySet["QueryRequest"]):
    """Requests."""

    def visible_to(self, user: User) -> QueryRequestQuerySet:
        """Those of the reader's pods, the reader's own; all of them for admins and auditors."""
        if user.may_read_audit_log:
            return self
        return self.filter(Q(pod__in=Pod.objects.of_member(user)) | Q(author=user))

    def in_reviewed_pods(self, user: User) -> QueryRequestQuerySet:
        """Those of pods the reader reviews for."""
        return self.filter(pod__in=Pod.objects.reviewed_by(user))

    def awaiting(self, user: User) -> QueryRequestQuerySet:
        """Those the reader can decide on now."""
        return (
            self.in_reviewed_pods(user)
            .filter(status=Status.PENDING, expires_at__gt=timezone.now(), pod__active=True)
            .exclude(author=user)
            .exclude(decisions__reviewer=user)
        )

    def stale(self) -> QueryRequestQuerySet:
        """Those that waited longer than their target allows."""
        return self.filter(status=Status.PENDING, expires_at__lte=timezone.now())

    def search_for(self, words: str) -> QueryRequestQuerySet:
        """Those with every word in the reason, ticket, tables or author's name, or as their number."""
        found = self
        for word in words.replace("\0", "").split():
            match = Q(search__contains=word.lower())
            digits = word.upper().removeprefix("QR-")
            if digits.isascii() and digits.isdigit() and len(digits) < 19:  # noqa: PLR2004 -- digits of a bigint
                match |= Q(pk=int(digits))
            found = found.filter(match)
        return found

    def with_people(self) -> QueryRequestQuerySet:
        """With everything a row of a list shows."""
        return self.select_related("author", "target", "pod", "execution")
