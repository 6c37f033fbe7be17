"""The first page: what waits for me, what of mine is under way, what ended lately."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.people import person
from pods.models import Pod
from queries.lifecycle import FINAL
from queries.models import QueryRequest
from queries.views.listing import count

SHOWN = 6


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What waits for me."""
    user = person(request)
    mine = QueryRequest.objects.filter(author=user).as_rows()
    awaiting = QueryRequest.objects.awaiting(user)
    context = {
        "nav": "home",
        "reviews": user.may_review_somewhere,
        "waiting_count": count(awaiting),
        "waiting": awaiting.as_rows().in_queue_order()[:SHOWN],
        "open": mine.exclude(status__in=FINAL)[:SHOWN],
        "recent": mine.filter(status__in=FINAL)[:SHOWN],
        "pods": Pod.objects.of_member(user),
    }
    return render(request, "home.html", context)
