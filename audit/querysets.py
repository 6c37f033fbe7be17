"""Reads of the log: chainable, the same for the page and the API."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from audit.log import Action

if TYPE_CHECKING:
    from audit.models import AuditLog  # noqa: F401 -- the type of the rows

ONE_DAY = dt.timedelta(days=1)


class AuditLogQuerySet(models.QuerySet["AuditLog"]):
    def newest_first(self) -> AuditLogQuerySet:
        """In the order of the log, backwards."""
        return self.select_related("actor").order_by("-seq")

    def of_action(self, action: Action) -> AuditLogQuerySet:
        """Those of one kind of act."""
        return self.filter(action=action.value)

    def by(self, actor: str) -> AuditLogQuerySet:
        """What somebody did, by their user name or by the name of the time, in any case, with the user name or not."""
        shown = Q(actor_label__iexact=actor) | Q(actor_label__istartswith=f"{actor} (")
        return self.filter(Q(actor__username=actor) | shown)

    def about(self, subject: str) -> AuditLogQuerySet:
        """What was done to something, by its id, by `kind:id`, or by the name that was shown, in any case."""
        kind, _, name = subject.partition(":")
        return self.filter(
            Q(subject_id=subject) | Q(subject_kind=kind, subject_id=name) | Q(subject_label__iexact=subject)
        )

    def since(self, day: dt.date) -> AuditLogQuerySet:
        """Those of that day (UTC) and later."""
        return self.filter(at__gte=_midnight(day))

    def until(self, day: dt.date) -> AuditLogQuerySet:
        """Those of that day (UTC) and before."""
        return self if day == dt.date.max else self.filter(at__lt=_midnight(day + ONE_DAY))

    def before(self, seq: int) -> AuditLogQuerySet:
        """Those older than an entry."""
        return self.filter(seq__lt=seq)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
