"""The review queue: tabs with counts, filters in the address, search in the database."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_safe

from accounts.models import Absence, User
from accounts.people import person
from queries import services
from queries.filters import Filters
from queries.lifecycle import FINAL
from queries.models import QueryRequest, SavedList
from queries.presentation.standing import standing_in
from queries.querysets import QueryRequestQuerySet
from queries.views.listing import PAGE_SIZE, Page, after_key, count, frame, newest_first, riskiest_first, saved, unread
from queries.views.news import news_page, news_since_now
from web.errors import BadInput, FieldError, PortalError
from web.ratelimit import limit
from web.verbs import post_only

Scope = Callable[[User], QueryRequestQuerySet]


WAITING = "waiting"
VIEWS: dict[str, tuple[str, Scope]] = {
    WAITING: ("Waiting for you", QueryRequest.objects.awaiting),
    "pods": ("My pods", lambda user: _seen(user).open()),
    "running": ("Running", lambda user: _seen(user).running()),
    "failed": ("Failed today", lambda user: _seen(user).failed_since(_midnight())),
    "done": ("Done", lambda user: _seen(user).filter(status__in=FINAL)),
}
UNCOUNTED = "done"
# Views that begin with what came last, or that it must not be missed in.
TOLD_OF = (WAITING, "pods")


def _seen(user: User) -> QueryRequestQuerySet:
    return QueryRequest.objects.visible_to(user)


def _midnight() -> datetime:
    return timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)


@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """Requests to decide on, and what became of others."""
    return _queue_page(request, choosing="choosing" in request.GET)


@post_only
def stale(request: HttpRequest) -> HttpResponse:
    """Reject what was chosen with one reason; what could not be is said, each with why."""
    reason = request.POST.get("reason", "")
    try:
        limit(request, "decide")
        chosen = _chosen(request)
        _require(reason, chosen)
    except PortalError as error:
        return error.on(_queue_page(request, choosing=True, error=error, reason=reason))
    done, refused = services.reject_stale(actor=person(request), public_ids=chosen, reason=reason)
    if done:
        messages.success(request, f"Rejected as stale: {', '.join(done)}.")
    for words in refused:
        messages.error(request, words)
    return redirect("review")


def _chosen(request: HttpRequest) -> list[UUID]:
    try:
        return [UUID(chosen) for chosen in request.POST.getlist("chosen")[:PAGE_SIZE]]
    except ValueError as error:
        raise BadInput({"chosen": [FieldError("There is no such request.", "unknown_query")]}) from error


def _require(reason: str, chosen: Sequence[UUID]) -> None:
    errors = {}
    if not chosen:
        errors["chosen"] = [FieldError("Choose at least one request.", "required")]
    if not reason.strip():
        errors["reason"] = [FieldError("Say why, so that the authors can act on it.", "required")]
    if errors:
        raise BadInput(errors)


def _queue_page(
    request: HttpRequest, *, choosing: bool, error: PortalError | None = None, reason: str = ""
) -> HttpResponse:
    user = person(request)
    name = request.GET.get("view", WAITING)
    view = name if name in VIEWS else WAITING
    if isinstance(error, BadInput):
        error.message = " ".join(problem.message for problems in error.fields.values() for problem in problems)
    filters = Filters.known(request.GET)
    scopes = {key: scope(user) for key, (_, scope) in VIEWS.items() if key != UNCOUNTED}
    standing = Absence.objects.holding().filter(stand_in=user)
    around = frame(user, SavedList.REVIEW, {**scopes, "unread": unread(user), "away": standing})
    page = _page(filters.apply(VIEWS[view][1](user)), view, request)
    context = {
        "nav": "review",
        "view": view,
        "choosing": choosing and view == WAITING,
        "error": error,
        "reason": reason,
        "news": news_since_now(request, "review_news", view=view) if view in TOLD_OF else "",
        "tabs": [(key, label, around.counts.get(key)) for key, (label, _) in VIEWS.items()],
        "waiting_for_me": around.counts[WAITING],
        "unread_for_me": around.counts["unread"],
        "filters": filters,
        "page": page,
        "standing": standing_in(user, page.items) if view == WAITING and around.counts["away"] else {},
        "paged": "after" in request.GET,
        # Only an empty page says it.
        "done_today": SimpleLazyObject(lambda: count(_decided_today(user))),
        **around.choices,
        **saved(request, around, SavedList.REVIEW),
    }
    return render(request, "queries/review.html", context)


@require_safe
def news(request: HttpRequest) -> HttpResponse:
    """What came into a view after the page was made: the bar above it, asked for now and then."""
    view = request.GET.get("view", WAITING)
    scope = VIEWS[view if view in TOLD_OF else WAITING][1]
    return news_page(request, Filters.known(request.GET).apply(scope(person(request))), shown_at="review")


def _page(queries: QueryRequestQuerySet, view: str, request: HttpRequest) -> Page:
    return riskiest_first(queries, request) if view == WAITING else newest_first(queries, after_key(request))


def _decided_today(user: User) -> QueryRequestQuerySet:
    return _seen(user).filter(decisions__at__gte=_midnight()).distinct()
