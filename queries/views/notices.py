"""The bell: what happened to requests of mine, and what waits for me, newest first."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.people import person
from queries.models import Tiding
from queries.views.listing import PAGE_SIZE, after_key
from web.verbs import post_only


@require_safe
def notices(request: HttpRequest) -> HttpResponse:
    """What I was told, a page at a time; looking at the list reads nothing, opening a request does."""
    found = Tiding.objects.of(person(request)).with_words()
    after = after_key(request)
    rows = list((found.filter(pk__lt=after) if after is not None else found)[: PAGE_SIZE + 1])
    shown = rows[:PAGE_SIZE]
    context = {
        "nav": "notices",
        "tidings": shown,
        "any_unread": any(tiding.read_at is None for tiding in shown),
        "page": {"next": str(shown[-1].pk) if len(rows) > PAGE_SIZE else ""},
        "paged": after is not None,
    }
    return render(request, "queries/notices.html", context)


@post_only
def read_all(request: HttpRequest) -> HttpResponse:
    """Take all of them for read."""
    Tiding.objects.filter(person=person(request)).unread().update(read_at=timezone.now())
    return redirect("notices")
