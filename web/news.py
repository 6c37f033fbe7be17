"""The bar above a list that says how many rows have come since the page was made: the list itself does not move.

A page names in `data-news` where it asks for the bar, and every few seconds it does (`static/js/portal.js`).
"""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse


def news_address(request: HttpRequest, route: str, **since: str) -> str:
    """Where a page asks what came into its list: its own filters, and `since` when."""
    asked = request.GET.copy()
    for name, value in since.items():
        asked[name] = value
    return f"{reverse(route)}?{asked.urlencode()}"


def beginning(request: HttpRequest, route: str, *, without: Sequence[str]) -> str:
    """What asks for the list from its first page: its filters, and nothing of the names that are left out."""
    kept = request.GET.copy()
    for name in without:
        kept.pop(name, None)
    return f"{reverse(route)}?{kept.urlencode()}" if kept else reverse(route)


def news_bar(request: HttpRequest, arrived: int, address: str) -> HttpResponse:
    """The bar itself: how many have `arrived`, counted no further than 100, and where they are shown."""
    return render(request, "components/_news.html", {"arrived": arrived, "address": address})
