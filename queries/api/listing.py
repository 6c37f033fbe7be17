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
    queries = _matching(reader, filters, sent.get("cursor", ""))
    found = list(queries.prefetch_related(None).select_related(None).values_list("pk", _LONG)[: size + 1])
    keys = [key for key, _ in found][: paging.fitting(length for _, length in found[:size])]
    shown = list(queries.filter(pk__in=keys))
    return Listing(shown, paging.encode(keys[-1]) if len(found) > len(keys) else None)


def _matching(reader: User, filters: Filters, cursor: str) -> QueryRequestQuerySet:
    queries = QueryRequest.objects.visible_to(reader).with_people().select_related("revises", *USE).order_by("-pk")
    queries = filters.apply(queries)
    if cursor:
        queries = queries.filter(pk__lt=paging.decode(cursor))
    return queries.prefetch_related(DECISIONS)
