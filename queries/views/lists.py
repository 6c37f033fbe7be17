"""The list of requests, filtered by its address."""

from dataclasses import replace

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.people import person
from pods.models import Pod
from queries.filters import Filters
from queries.models import QueryRequest, SavedList, Template
from queries.views.listing import after_key, frame, newest_first, saved, unread
from queries.views.news import arrived, news_page, news_since_now
from web.news import news_bar

ANYONE = "anyone"
TEMPLATES = 5


@require_safe
def request_list(request: HttpRequest) -> HttpResponse:
    """My requests, or with `author=anyone` all that I may see."""
    user = person(request)
    filters = Filters.known(request.GET)
    found = _asked_by(filters, user).apply(QueryRequest.objects.visible_to(user))
    around = frame(user, SavedList.REQUESTS, {"waiting": QueryRequest.objects.awaiting(user), "unread": unread(user)})
    context = {
        "nav": "mine",
        "filters": filters,
        "others": filters.author not in {"", ANYONE, user.username},
        "news": news_since_now(request, "queries:news"),
        "templates": _templates(user, filters.q),
        "page": newest_first(found, after_key(request)),
        "paged": "after" in request.GET,
        "waiting_for_me": around.counts["waiting"],
        "unread_for_me": around.counts["unread"],
        **around.choices,
        **saved(request, around, SavedList.REQUESTS),
    }
    return render(request, "queries/list.html", context)


@require_safe
def news(request: HttpRequest) -> HttpResponse:
    """What came into the list after its page was made, or into that of a pod's own page."""
    user, filters = person(request), Filters.known(request.GET)
    found = _asked_by(filters, user).apply(QueryRequest.objects.visible_to(user))
    if "on_pod" in request.GET and Pod.objects.visible_to(user).filter(slug=filters.pod).exists():
        return news_bar(request, arrived(request, found), reverse("pods:detail", args=[filters.pod]))
    return news_page(request, found, shown_at="queries:list")


def _templates(user: User, words: str) -> list[Template]:
    """The first templates with the words that are looked for."""
    if not words.strip():
        return []
    return list(Template.objects.visible_to(user).in_use().search_for(words).as_rows()[:TEMPLATES])


def _asked_by(filters: Filters, user: User) -> Filters:
    """With the author that the list's own words stand for: mine unless it says whose."""
    return replace(filters, author="" if filters.author == ANYONE else filters.author or user.username)
