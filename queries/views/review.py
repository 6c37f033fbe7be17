"""The review queue: tabs with counts, filters in the address, search in the database."""

from collections.abc import Callable

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.people import person
from queries.lifecycle import FINAL, Status
from queries.models import QueryRequest
from queries.querysets import QueryRequestQuerySet
from queries.views.listing import Filters, Page, after_key, choices, count, newest_first, page_of

Scope = Callable[[User], QueryRequestQuerySet]


def _pods(user: User) -> QueryRequestQuerySet:
    """Everything still open in the pods I review for, or am in."""
    return _seen(user).exclude(status__in=FINAL).exclude(status=Status.PENDING, expires_at__lte=timezone.now())


def _failed_today(user: User) -> QueryRequestQuerySet:
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    return _seen(user).filter(status=Status.FAILED, execution__finished_at__gte=midnight)


def _seen(user: User) -> QueryRequestQuerySet:
    return QueryRequest.objects.visible_to(user)


WAITING = "waiting"
VIEWS: dict[str, tuple[str, Scope]] = {
    WAITING: ("Waiting for you", QueryRequest.objects.awaiting),
    "pods": ("My pods", _pods),
    "running": ("Running", lambda user: _seen(user).filter(status__in=(Status.APPROVED, Status.EXECUTING))),
    "failed": ("Failed today", _failed_today),
    "done": ("Done", lambda user: _seen(user).filter(status__in=FINAL)),
}
UNCOUNTED = "done"


@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """Requests to decide on, and what became of others."""
    user = person(request)
    name = request.GET.get("view", WAITING)
    view = name if name in VIEWS else WAITING
    filters = Filters.of(request)
    context = {
        "nav": "review",
        "view": view,
        "tabs": [
            (key, label, None if key == UNCOUNTED else count(scope(user))) for key, (label, scope) in VIEWS.items()
        ],
        "filters": filters,
        "page": _page(filters.apply(VIEWS[view][1](user)), view, after_key(request)),
        "paged": "after" in request.GET,
        "done_today": count(_decided_today(user)),
        **choices(user),
    }
    return render(request, "queries/review.html", context)


def _page(queries: QueryRequestQuerySet, view: str, after: int | None) -> Page:
    if view != WAITING:
        return newest_first(queries, after)
    last = QueryRequest.objects.filter(pk=after).values_list("expires_at", "pk").first() if after is not None else None
    if last:
        queries = queries.filter(Q(expires_at__gt=last[0]) | Q(expires_at=last[0], pk__gt=last[1]))
    return page_of(queries.order_by("expires_at", "pk"))


def _decided_today(user: User) -> QueryRequestQuerySet:
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    return _seen(user).filter(decisions__at__gte=midnight).distinct()
