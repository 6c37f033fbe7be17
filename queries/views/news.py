"""The bar above a list that says how many rows have come since the page was made: the list itself does not move."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from queries.querysets import QueryRequestQuerySet


def news_address(request: HttpRequest, route: str, **extra: str) -> str:
    """Where a page asks what came into its list since it was made."""
    asked = request.GET.copy()
    for name, value in {**extra, "since": timezone.now().isoformat()}.items():
        asked[name] = value
    return f"{reverse(route)}?{asked.urlencode()}"


def news_page(request: HttpRequest, newest: QueryRequestQuerySet, *, shown_at: str) -> HttpResponse:
    """The bar: how many of the newest of a list were submitted `since`, and the route and address that show them."""
    since = _moment(request.GET.get("since", ""))
    submitted = newest.values_list("submitted_at", flat=True) if since else ()
    arrived = sum(moment > since for moment in submitted if since)
    context = {"arrived": arrived, "address": f"{reverse(shown_at)}{_unfolded(request)}"}
    return render(request, "queries/_news.html", context)


def _unfolded(request: HttpRequest) -> str:
    """What asks for the list from its first page."""
    kept = request.GET.copy()
    for name in ("since", "after"):
        kept.pop(name, None)
    return f"?{kept.urlencode()}" if kept else ""


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
