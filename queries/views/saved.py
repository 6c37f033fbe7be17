"""The verbs of saved views. Each leads back to the list it was sent from."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.people import person
from queries import services
from queries.models import SavedList, SavedView
from web.errors import BadInput, NotFound
from web.ratelimit import limit
from web.verbs import post_only


@require_safe
def views(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 -- a view
    """The noun above: the list that has them as tabs."""
    return redirect("queries:list")


@require_safe
def view(request: HttpRequest, view_id: int) -> HttpResponse:
    """A saved view by its number: its list, filtered."""
    found = SavedView.objects.for_person(person(request)).filter(pk=view_id).first()
    if found is None:
        raise NotFound("There is no such view.")
    return redirect(_address(found))


@post_only
def save(request: HttpRequest) -> HttpResponse:
    """Keep the filters of a list; where a name is refused, the list is shown as it was, with why."""
    limit(request, "decide")
    sent = request.POST
    of = SavedList(sent["list"]) if sent.get("list") in SavedList.values else SavedList.REVIEW
    address = sent.get("address", "")
    try:
        kept = services.save_view(
            actor=person(request), name=sent.get("name", ""), of=of, address=address, pod=sent.get("pod", "")
        )
    except BadInput as error:
        for problems in error.fields.values():
            messages.error(request, f"The view was not saved. {problems[0].message}")
        return redirect(f"{reverse(of.value)}?{address}")
    messages.success(request, f"The view {kept.name} was saved.")
    return redirect(_address(kept))


@post_only
def move(request: HttpRequest, view_id: int) -> HttpResponse:
    """Put a view one place further to the front."""
    return redirect(_address(_act(request, view_id, services.move_view)))


@post_only
def remove(request: HttpRequest, view_id: int) -> HttpResponse:
    """Forget a view."""
    gone = _act(request, view_id, services.remove_view)
    messages.success(request, f"The view {gone.name} was removed.")
    return redirect(SavedList(gone.list).value)


def _act(request: HttpRequest, view_id: int, verb: Callable[..., SavedView]) -> SavedView:
    limit(request, "decide")
    actor: User = person(request)
    return verb(actor=actor, view_id=view_id)


def _address(view: SavedView) -> str:
    parts = "&".join(part for part in (view.address, f"saved={view.pk}") if part)
    return f"{reverse(view.list)}?{parts}"
