"""The list of requests: which filters there are, and what is wrong with the ones sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from django.db.models.functions import Length
from django.http import QueryDict

from accounts.models import User
from queries.api.shapes import DECISIONS
from queries.lifecycle import Status
from queries.models import QueryRequest
from queries.querysets import QueryRequestQuerySet
from web import paging
from web.errors import BadInput, FieldError
from web.filters import read_filters

# Characters of statements in one answer, in all: a page may be shorter than asked for, and `next` leads on.
_MOST = 4_000_000
FILTERS = ("status", "pod", "author", "target", "q", "cursor", "limit")


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of requests; `next` is the cursor of the one after."""

    queries: list[QueryRequest]
    next: str | None


def listing(*, reader: User, sent: QueryDict) -> Listing:
    """The page the query string asks for, in a fixed number of database queries. Raises BadInput."""
    read_filters(sent, FILTERS)
    statuses = [status for status in sent.getlist("status") if status]
    if not set(statuses) <= set(Status):
        raise BadInput({"status": [FieldError(f"The statuses are {', '.join(Status)}.", "invalid_choice")]})
    size = paging.page_size(sent.get("limit", ""), default=paging.PAGE, most=paging.PAGE_MOST)
    queries = _filtered(reader, sent, statuses)
    keys = list(queries.prefetch_related(None).select_related(None).values_list("pk", Length("statement"))[: size + 1])
    fitting = _fitting(keys[:size])
    shown = list(queries.filter(pk__in=fitting))
    return Listing(shown, paging.encode(fitting[-1]) if len(keys) > len(fitting) else None)


def _fitting(keys: Sequence[tuple[int, int]]) -> list[int]:
    """The first of these requests, by key and length of statement, that one answer holds: at least one."""
    so_far = accumulate(length for _, length in keys)
    fitting = [key for (key, _), characters in zip(keys, so_far, strict=True) if characters <= _MOST]
    return fitting or [key for key, _ in keys[:1]]


def _filtered(reader: User, sent: QueryDict, statuses: list[str]) -> QueryRequestQuerySet:
    queries = QueryRequest.objects.visible_to(reader).with_people().select_related("revises").order_by("-pk")
    if statuses:
        queries = queries.filter(status__in=statuses)
    for name, lookup in (("pod", "pod__slug"), ("author", "author__username"), ("target", "target__slug")):
        if sent.get(name):
            queries = queries.filter(**{lookup: sent[name]})
    if sent.get("q"):
        queries = queries.search_for(str(sent["q"]))
    if sent.get("cursor"):
        queries = queries.filter(pk__lt=paging.decode(str(sent["cursor"])))
    return queries.prefetch_related(DECISIONS)
