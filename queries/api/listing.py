"""The list of requests: a page of those that pass the filters sent."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Func, IntegerField
from django.http import QueryDict

from accounts.models import User
from queries.api.serializers import DECISIONS
from queries.filters import NAMES, Filters
from queries.models import QueryRequest
from queries.querysets import QueryRequestQuerySet
from web import paging
from web.filters import read_filters


class _Bytes(Func):
    """Bytes of some columns, as text."""

    template = "octet_length(%(expressions)s::text)"
    arg_joiner = "::text) + octet_length("
    output_field = IntegerField()


# The template that a request was made of.
USE = ("template_use__version__template", "template_use__grant")
# What a request answers that may be long.
_LONG = _Bytes("statement", "parameters", "findings", "reason")


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of requests; `next` is the cursor of the one after."""

    queries: list[QueryRequest]
    next: str | None


def listing(*, reader: User, sent: QueryDict) -> Listing:
    """The page the query string asks for, in a fixed number of database queries. Raises BadInput."""
    read_filters(sent, (*NAMES, "cursor", "limit"))
    filters = Filters.sent(sent)
    size = paging.page_size(sent.get("limit", ""), default=paging.PAGE, most=paging.PAGE_MOST)
    newest = _matching(filters, sent.get("cursor", "")).newest_visible_to(reader, size + 1)
    found = list(newest.values_list("pk", _LONG))
    keys = [key for key, _ in found][: paging.fitting(length for _, length in found[:size])]
    queries = QueryRequest.objects.visible_to(reader).with_people().select_related("revises", *USE)
    shown = list(queries.filter(pk__in=keys).prefetch_related(DECISIONS).order_by("-pk"))
    return Listing(shown, paging.encode(keys[-1]) if len(found) > len(keys) else None)


def _matching(filters: Filters, cursor: str) -> QueryRequestQuerySet:
    queries = filters.apply(QueryRequest.objects.all())
    return queries.filter(pk__lt=paging.decode(cursor)) if cursor else queries
