"""The first page: what waits for me, what of mine is under way, what ended lately."""

import datetime as dt
from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.people import person
from pods.absences import absence_of
from pods.models import Pod
from queries.lifecycle import FINAL, Status
from queries.models import QueryRequest
from queries.presentation.first_steps import first_steps
from queries.presentation.standing import standing_in
from queries.querysets import QueryRequestQuerySet, Rare
from queries.rows import rows
from queries.views.listing import count

SHOWN = 6
UNDER_WAY = set(Status) - FINAL
# An offer to take a write back is told of so long before it lapses.
LAPSES = dt.timedelta(days=2)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What waits for me: decisions, changes asked of me, failures I have not seen, undo offers that lapse soon."""
    user = person(request)
    requests = QueryRequest.objects
    awaiting, lapsing = requests.awaiting(user), requests.undo_lapses(user, timezone.now() + LAPSES)
    waiting, changes, failed, lapses, recent, under_way = rows(
        awaiting.in_queue_order()[:SHOWN],
        *(queries.order_by("-pk")[:SHOWN] for queries in (requests.to_revise(user), requests.failed_unseen(user))),
        lapsing.order_by("-pk")[:SHOWN],
        requests.of_author(user).filter(status__in=[*map(Rare, FINAL)]).order_by("-pk")[:SHOWN],
        requests.of_author(user).filter(status__in=[*map(Rare, UNDER_WAY)]).order_by("-pk")[:SHOWN],
    )
    pods = list(Pod.objects.of_member(user))
    context = {
        "nav": "home",
        "reviews": user.may_review_somewhere,
        "waiting_count": count(awaiting) + len(changes) + len(failed) + len(lapses),
        "waiting": waiting,
        "standing": standing_in(user, waiting),
        "absence": absence_of(user),
        "changes": changes,
        "failed": failed,
        "lapsing": _with_time_left(lapses, lapsing),
        "open": under_way,
        "recent": recent,
        "pods": pods,
        "first_steps": [] if recent else first_steps(user),
    }
    return render(request, "home.html", context)


def _with_time_left(shown: Sequence[QueryRequest], lapsing: QueryRequestQuerySet) -> Sequence[QueryRequest]:
    """With until when each can be taken back, as `undo_until`."""
    if shown:
        found = lapsing.filter(pk__in=[query.pk for query in shown]).only("pk")
        until = {query.pk: vars(query)["undo_until"] for query in found}
        for query in shown:
            vars(query)["undo_until"] = until.get(query.pk)
    return shown
