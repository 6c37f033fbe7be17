"""The first page: what waits for me, what of mine is under way, what ended lately."""

import datetime as dt

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.people import person
from pods.absences import absence_of
from pods.models import Pod
from queries.lifecycle import FINAL
from queries.models import QueryRequest
from queries.presentation.first_steps import first_steps
from queries.presentation.standing import standing_in
from queries.views.listing import count

SHOWN = 6
# An offer to take a write back is told of so long before it lapses.
LAPSES = dt.timedelta(days=2)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What waits for me: decisions, changes asked of me, failures I have not seen, undo offers that lapse soon."""
    user = person(request)
    requests = QueryRequest.objects
    mine = requests.filter(author=user).as_rows()
    awaiting = requests.awaiting(user)
    changes = list(requests.to_revise(user).as_rows()[:SHOWN])
    failed = list(requests.failed_unseen(user).as_rows()[:SHOWN])
    lapsing = list(requests.undo_lapses(user, timezone.now() + LAPSES).as_rows()[:SHOWN])
    waiting = list(awaiting.as_rows().in_queue_order()[:SHOWN])
    pods = list(Pod.objects.of_member(user))
    recent = list(mine.filter(status__in=FINAL)[:SHOWN])
    under_way = list(mine.exclude(status__in=FINAL)[:SHOWN])
    context = {
        "nav": "home",
        "reviews": user.may_review_somewhere,
        "waiting_count": count(awaiting) + len(changes) + len(failed) + len(lapsing),
        "waiting": waiting,
        "standing": standing_in(user, waiting),
        "absence": absence_of(user),
        "changes": changes,
        "failed": failed,
        "lapsing": lapsing,
        "open": under_way,
        "recent": recent,
        "pods": pods,
        "first_steps": [] if recent else first_steps(user),
    }
    return render(request, "home.html", context)
