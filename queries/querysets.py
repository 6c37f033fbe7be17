"""Reads of requests: chainable, and scoped to the reader."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import BigIntegerField, BooleanField, Func, IntegerField, Min, OuterRef, Q, Value
from django.db.models.lookups import GreaterThan
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone

from accounts.models import User
from pods.models import Pod, Target
from queries.lifecycle import Status

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from queries.models import QueryRequest  # noqa: F401 -- the type of the rows


PUBLIC_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Rare(Value):
    """A status in the text of the statement, not beside it: a plan is kept for every value of a parameter, and would
    read a million requests in search of the few that are running.
    """

    def __init__(self, status: Status) -> None:
        super().__init__(status.value)

    def as_sql(self, _compiler: SQLCompiler, _connection: BaseDatabaseWrapper) -> tuple[str, tuple[()]]:
        """One of our seven words, quoted."""
        return f"'{Status(self.value)}'", ()


class Written(Value):
    """A word or a key in the text of the statement, quoted by the driver, for the reason of `Rare`: whether an index
    leads to it, or the newest requests are read until enough hold it, depends on the word.
    """

    def as_sql(self, _compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[()]]:
        """A literal, which holds no placeholder."""
        literal: str = connection.ops.compose_sql("%s", [self.value])  # type: ignore[attr-defined]  # of PostgreSQL
        return literal.replace("%", "%%"), ()


def how_many(queries: models.QuerySet[Any]) -> Func:
    """The number of rows of a sliced or bounded queryset, counted within another statement."""
    # What cannot match anything is no subquery but a NULL, of no type.
    template = "coalesce(cardinality(%(expressions)s::bigint[]), 0)"
    return Func(ArraySubquery(queries.values("pk")), template=template, output_field=IntegerField())


def _approvals() -> Func:
    """How many have approved."""
    from queries.models import Decision, Verdict  # noqa: PLC0415 -- they are built on this module

    return how_many(Decision.objects.filter(query=OuterRef("pk"), verdict=Verdict.APPROVE).order_by())


class _OneOf(Func):
    """Whether a key is among those of an array, which are looked up once.

    A plan that joined them would not keep to an index in the order asked for, and sort all that waits for one page.
    """

    template = "(%(expressions)s)::bigint[]))"
    arg_joiner = " = ANY(("
    output_field = BooleanField()


class _Unnested(Func):
    """A row for each key of a subquery."""

    template = "unnest(%(expressions)s)"
    output_field = BigIntegerField()

    def __init__(self, keys: models.QuerySet[Any]) -> None:
        super().__init__(ArraySubquery(keys.values("pk")))


# So many requests are looked up by their keys and put in order; where more match, a page of them is soon together.
_FEW = 2000
RUNNING = (Rare(Status.APPROVED), Rare(Status.EXECUTING))


class _Place(Func):
    """A place in the queue, compared as a whole: an index leads to it, however deep it is."""

    function = "ROW"
    output_field = IntegerField()


def _holds(word: str) -> Q:
    """Whether a request holds a word, or has it as its number or id."""
    match = Q(search__contains=Written(word.lower()))
    digits = word.upper().removeprefix("QR-")
    if digits.isascii() and digits.isdigit() and len(digits) < 19:  # noqa: PLR2004 -- digits of a bigint
        match |= Q(pk=int(digits))
    if PUBLIC_ID.fullmatch(word):
        match |= Q(public_id=word)
    return match


class QueryRequestQuerySet(models.QuerySet["QueryRequest"]):
    def visible_to(self, user: User) -> QueryRequestQuerySet:
        """Those of the reader's pods, the reader's own; all of them for admins and auditors."""
        if user.may_read_audit_log:
            return self
        return self.filter(Q(pod__in=Pod.objects.of_member(user)) | Q(author=user))

    def newest_visible_to(self, user: User, most: int) -> QueryRequestQuerySet:
        """The newest of those visible, so many at most.

        An index leads to as many of each pod, and of the reader's own: who sees few would else wait until all that
        there are had been read in search of them.
        """
        visible = self.visible_to(user).order_by("-pk")
        if user.may_read_audit_log:
            return visible[:most]
        newest = self.order_by("-pk")
        # One of a single pod: in this order nothing leads to it but the index of pods, however a plan is weighed.
        one = Func(OuterRef("pk"), template="ARRAY[%(expressions)s]", output_field=ArrayField(BigIntegerField()))
        in_pod = newest.filter(_OneOf("pod_id", one)).order_by("pod_id", "-pk")
        of_pod = _Unnested(in_pod[:most])
        of_pods = ArraySubquery(Pod.objects.of_member(user).order_by().values(key=of_pod))
        own = ArraySubquery(newest.of_author(user)[:most].values("pk"))
        return visible.filter(_OneOf("pk", of_pods) | _OneOf("pk", own))[:most]

    def of_author(self, user: User) -> QueryRequestQuerySet:
        """Those of the user."""
        return self.with_one_of("author", [user.pk])

    def with_one_of(self, column: str, keys: Sequence[int]) -> QueryRequestQuerySet:
        """Those that refer to one of a few rows by a column, such as `pod`."""
        if len(keys) == 1:
            return self.filter(**{column: Written(keys[0])})
        return self.filter(_OneOf(column, Written(f"{{{','.join(map(str, keys))}}}")))

    def in_reviewed_pods(self, user: User) -> QueryRequestQuerySet:
        """Those of pods the reader reviews for."""
        return self.filter(_OneOf("pod_id", ArraySubquery(Pod.objects.reviewed_by(user).values("pk"))))

    def awaiting(self, user: User) -> QueryRequestQuerySet:
        """Those the reader can decide on now."""
        return (
            self.in_reviewed_pods(user)
            .filter(status=Rare(Status.PENDING), expires_at__gt=timezone.now(), pod__active=True)
            .exclude(author=user)
            .exclude(decisions__reviewer=user)
        )

    def in_queue_order(self, after: tuple[int, int] | None = None) -> QueryRequestQuerySet:
        """The riskiest first, of those alike the oldest; those that come after a place, given as order and key."""
        found = self
        if after is not None:
            found = found.filter(GreaterThan(_Place("queue_order", "pk"), _Place(*map(Value, after))))
        return found.order_by("queue_order", "pk")

    def stale(self) -> QueryRequestQuerySet:
        """Those that waited longer than their target allows."""
        return self.filter(status=Status.PENDING, expires_at__lte=timezone.now())

    def search_for(self, words: str) -> QueryRequestQuerySet:
        """Those with every word in the reason, statement, ticket, tables or author's name, or as their number or id.

        Few are found at once, by the index of words: in the order of a list, a million may be read in search of them.
        """
        wanted = words.replace("\0", "").split()
        if not wanted:
            return self
        found = self.filter(*map(_holds, wanted))
        keys = list(found.order_by().values_list("pk", flat=True)[: _FEW + 1])
        return found if len(keys) > _FEW else self.filter(_OneOf("pk", Value(keys, ArrayField(BigIntegerField()))))

    def like(self, target: Target, fingerprint: str) -> QueryRequestQuerySet:
        """Those for the same target that differ in values alone; none of a text whose fingerprint is not known."""
        return self.filter(target=target, fingerprint=fingerprint) if fingerprint else self.none()

    def open(self) -> QueryRequestQuerySet:
        """Those that can still run, or do."""
        waiting = Q(status=Rare(Status.PENDING), expires_at__gt=timezone.now())
        return self.filter(waiting | Q(status__in=RUNNING))

    def running(self) -> QueryRequestQuerySet:
        """Those approved whose run has not ended."""
        return self.filter(status__in=RUNNING)

    def failed_since(self, moment: datetime) -> QueryRequestQuerySet:
        """Those whose run ended without success."""
        return self.filter(status=Rare(Status.FAILED), execution__finished_at__gte=moment)

    def to_revise(self, user: User) -> QueryRequestQuerySet:
        """Those of the user that somebody asked for changes of, and that were not revised since."""
        asked = self.filter(status=Rare(Status.REJECTED), code=Written("CHANGES_REQUESTED"), revisions=None)
        return asked.of_author(user)

    def failed_unseen(self, user: User) -> QueryRequestQuerySet:
        """Those of the user that failed, and that they have not opened since."""
        unread = user.tidings.filter(event="fail", read_at=None)
        return self.of_author(user).filter(pk__in=unread.values("query"))

    def undo_lapses(self, user: User, before: datetime) -> QueryRequestQuerySet:
        """Writes of the user that can be taken back until `before` at the latest, and were not; with `undo_until`."""
        mine = self.of_author(user).filter(status=Rare(Status.EXECUTED), access=Written("write"), undos=None)
        return mine.annotate(undo_until=Min("execution__undo_pieces__expires_at")).filter(
            undo_until__gt=timezone.now(), undo_until__lte=before
        )

    def waiting_with(self, approvals: int) -> QueryRequestQuerySet:
        """Those that wait for a decision and have so many approvals."""
        return self.filter(status=Status.PENDING).annotate(approvals=_approvals()).filter(approvals=approvals)

    def with_people(self) -> QueryRequestQuerySet:
        """With everything a row of a list shows."""
        return self.select_related("author", "target", "pod", "execution")
