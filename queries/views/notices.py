"""The bell: what happened to requests of mine, and what waits for me, newest first."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.people import person
from queries.models import Tiding
from queries.views.listing import PAGE_SIZE, after_key
from queries.words import told
from web.characters import marked
from web.verbs import post_only

# More than that nobody reads as they come; the bell has the rest.
MOST_AT_ONCE = 5


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


@require_safe
def news(request: HttpRequest) -> JsonResponse:
    """What came `after` a notice, newest first, for notifications of the browser: `{newest, notices: [{id, title, line,
    address}]}`. A locked screen may show them: nothing that a person wrote of a request is in them."""
    found = Tiding.objects.of(person(request)).order_by("-pk")
    after = after_key(request)
    fresh = list(found.unread().filter(pk__gt=after).with_words()[:MOST_AT_ONCE]) if after is not None else []
    newest = fresh[0].pk if fresh else found.values_list("pk", flat=True).first() or 0
    return JsonResponse({"newest": newest, "notices": [_in_short(tiding) for tiding in fresh]})


def _in_short(tiding: Tiding) -> dict[str, object]:
    who = [marked(tiding.actor.label)] if tiding.actor is not None else []
    return {
        "id": tiding.pk,
        "title": f"{tiding.query.number} {told(tiding)}",
        "line": ", ".join([*who, marked(tiding.query.target.name)]),
        "address": reverse("queries:detail", args=[tiding.query.public_id]),
    }


@post_only
def read_all(request: HttpRequest) -> HttpResponse:
    """Take all of them for read."""
    Tiding.objects.filter(person=person(request)).unread().update(read_at=timezone.now())
    return redirect("notices")
