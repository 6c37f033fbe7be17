"""What came into a list of requests since its page was made."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from queries.querysets import QueryRequestQuerySet
from queries.views.listing import count
from web.news import beginning, news_address, news_bar


def news_since_now(request: HttpRequest, route: str, **extra: str) -> str:
    """Where a page asks what came into its list since it was made."""
    return news_address(request, route, **extra, since=timezone.now().isoformat())


def news_page(request: HttpRequest, queries: QueryRequestQuerySet, *, shown_at: str) -> HttpResponse:
    """The bar: how many of the list's requests were submitted `since`, and the route that shows them."""
    address = beginning(request, shown_at, without=("since", "after"))
    return news_bar(request, arrived(request, queries), address)


def arrived(request: HttpRequest, queries: QueryRequestQuerySet) -> int:
    """How many were submitted `since`; of what is no moment none."""
    since = _moment(request.GET.get("since", ""))
    return count(queries.filter(submitted_at__gt=since)) if since else 0


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
