"""The list of requests, filtered by its address."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.people import person
from queries.models import QueryRequest
from queries.querysets import QueryRequestQuerySet
from queries.views.listing import ANYONE, Filters, after_key, frame, newest_first


@require_safe
def request_list(request: HttpRequest) -> HttpResponse:
    """My requests, or with `author=anyone` all that I may see."""
    user = person(request)
    filters = Filters.of(request)
    found = _by_author(filters.apply(QueryRequest.objects.visible_to(user)), filters.author, user)
    around = frame(user, {"waiting": QueryRequest.objects.awaiting(user)})
    context = {
        "nav": "mine",
        "filters": filters,
        "others": filters.author not in {"", ANYONE, user.username},
        "page": newest_first(found, after_key(request)),
        "paged": "after" in request.GET,
        "waiting_for_me": around.counts["waiting"],
        **around.choices,
    }
    return render(request, "queries/list.html", context)


def _by_author(queries: QueryRequestQuerySet, author: str, user: User) -> QueryRequestQuerySet:
    if author == ANYONE:
        return queries
    return queries.filter(author__username=author) if author else queries.filter(author=user)
