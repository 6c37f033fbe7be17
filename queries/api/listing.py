"""The list of requests: which filters there are, and what is wrong with the ones sent."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import QueryDict

from accounts.models import User
from queries.api.shapes import DECISIONS
from queries.lifecycle import Status
from queries.models import QueryRequest
from queries.querysets import QueryRequestQuerySet
from web import paging
from web.errors import BadInput, FieldError
from web.filters import read_filters

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
    found = list(_filtered(reader, sent, statuses)[: size + 1])
    shown = found[:size]
    return Listing(shown, paging.encode(shown[-1].pk) if len(found) > size else None)


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
