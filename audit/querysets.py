"""Reads of the log: chainable, the same for the page and the API."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast

from audit.log import Action

if TYPE_CHECKING:
    from audit.models import AuditLog  # noqa: F401 -- the type of the rows

# As the index `audit_by_words` has it (migration 0005).
_WORDS = """to_tsvector('simple', left(audit_logs.actor_label || ' ' || audit_logs.action || ' '
    || audit_logs.subject_kind || ' ' || audit_logs.subject_id || ' ' || audit_logs.subject_label || ' '
    || audit_logs.data, 50000))
    @@ websearch_to_tsquery('simple', %s)"""
# The same of `audit_by_target`. The name is that of the innermost table: it is asked in a query within another.
_TARGET = """substring(data FROM '"target":"([^"]*)"')"""
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

    def worded(self, words: str) -> AuditLogQuerySet:
        """Those in which all of these words stand, somewhere; `"in this order"`, `one or other`, `-without`."""
        return self.filter(RawSQL(_WORDS, [words], output_field=models.BooleanField()))  # noqa: S611 -- a constant of ours

    def of_person(self, username: str) -> AuditLogQuerySet:
        """What somebody did, and what was done to them."""
        people = get_user_model()._default_manager.filter(username=username)  # noqa: SLF001 -- Django's documented API
        keys = people.annotate(key=Cast("pk", models.TextField())).values("key")
        return self.filter(Q(actor__in=people) | Q(subject_kind="user", subject_id__in=keys))

    def of_target(self, slug: str) -> AuditLogQuerySet:
        """What was done to a target, and to the requests that were made of it."""
        named = RawSQL(_TARGET, [], output_field=models.TextField())  # noqa: S611 -- a constant of ours
        asked = AuditLogQuerySet(self.model).of_action(Action.QUERY_SUBMIT).annotate(named=named).filter(named=slug)
        requests = asked.order_by().values("subject_id")
        return self.filter(Q(subject_kind="target", subject_id=slug) | Q(subject_kind="query", subject_id__in=requests))

    def of_request(self, request: str) -> AuditLogQuerySet:
        """What was done to a request, by its id or its number."""
        return self.filter(Q(subject_id=request) | Q(subject_label__iexact=request), subject_kind="query")

    def since(self, day: dt.date) -> AuditLogQuerySet:
        """Those of that day (UTC) and later."""
        return self.filter(at__gte=_midnight(day))

    def until(self, day: dt.date) -> AuditLogQuerySet:
        """Those of that day (UTC) and before."""
        return self if day == dt.date.max else self.filter(at__lt=_midnight(day + ONE_DAY))

    def after(self, seq: int) -> AuditLogQuerySet:
        """Those newer than an entry."""
        return self.filter(seq__gt=seq)

    def before(self, seq: int) -> AuditLogQuerySet:
        """Those older than an entry."""
        return self.filter(seq__lt=seq)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
