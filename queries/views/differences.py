"""The difference between the results of two requests of the same statement."""

from functools import partial
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.people import person
from queries import services
from queries.models import QueryRequest
from queries.presentation import arranging, differing
from queries.presentation.differing import ShownDifference
from queries.results import comparable, ended, show_difference
from queries.results.differences import Change
from queries.results.reader import columns_of
from web.errors import BadInput, NotFound, PortalError, Unavailable

PAGE_ROWS = 100
MOST_KEYS = 16


@require_safe
def difference(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What to compare with, and what is different. `with` names the other request, `key` the columns of a row."""
    query = services.visible_query(actor=person(request), public_id=public_id)
    columns = columns_of(ended(actor=person(request), query=query))
    others = comparable(actor=person(request), query=query)
    other = _other(request, others)
    key = list(dict.fromkeys(arranging.columns_named(request.GET.getlist("key"), len(columns))))[:MOST_KEYS]
    change = _change(request, key)
    found, error = _found(request, query, other, key, change)
    earlier, later = sorted((query, other or query), key=lambda one: one.pk)
    context = {
        "nav": "mine" if query.author_id == request.user.pk else "review",
        "query": query,
        "others": others,
        "other": other,
        "earlier": earlier,
        "later": later,
        "columns": [(at + 1, column.name, at in key) for at, column in enumerate(columns[: arranging.LISTED_COLUMNS])],
        "key": [columns[place].name for place in key],
        "change": change.value,
        "found": found,
        "error": error,
        "changes": _changes(request.GET, found),
        "next": _address(request.GET, row=found.next) if found and found.next is not None else "",
        "previous": _address(request.GET, row=max(found.first - PAGE_ROWS, 0)) if found and found.first else "",
    }
    response = render(request, "queries/difference.html", context)
    return response if error is None else error.on(response)


def _other(request: HttpRequest, others: list[QueryRequest]) -> QueryRequest | None:
    wanted = request.GET.get("with", "")
    found = next((other for other in others if str(other.public_id) == wanted), None)
    if wanted and found is None:
        raise NotFound("There is no result of the same statement of that name that you may see.")
    return found


def _change(request: HttpRequest, key: list[int]) -> Change:
    """What is shown; where a whole row tells itself, none can have changed."""
    given = request.GET.get("show", "")
    if given in set(Change):
        return Change(given)
    return Change.CHANGED if key else Change.ADDED


def _found(
    request: HttpRequest, query: QueryRequest, other: QueryRequest | None, key: list[int], change: Change
) -> tuple[ShownDifference | None, PortalError | None]:
    if other is None:
        return None, None
    earlier, later = (
        reverse("queries:value", args=[one.public_id]) for one in sorted((query, other), key=lambda one: one.pk)
    )
    first = arranging.number(request.GET.get("row", "")) or 0
    made = partial(differing.shown, change=change, first=first, limit=PAGE_ROWS, addresses=(earlier, later))
    try:
        drawn = show_difference(actor=person(request), query=query, other=other, key=key, change=change, made=made)
    except (BadInput, Unavailable) as error:
        return None, error
    return drawn, None


def _changes(given: QueryDict, found: ShownDifference | None) -> list[tuple[str, int, str]]:
    """Each kind of change: its word, how many rows, and where they are shown."""
    if found is None:
        return []
    return [(kind.value, found.counts[kind.value], _address(given, show=kind.value, row="")) for kind in Change]


def _address(given: QueryDict, **changed: object) -> str:
    query = given.copy()
    for name, value in changed.items():
        query.pop(name, None)
        if value not in ("", None):
            query[name] = str(value)
    return f"?{query.urlencode()}"
