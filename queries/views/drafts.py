"""Drafts on the page of a new request: kept while one types, or when asked; opened, listed, discarded."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from accounts.models import User
from accounts.people import person
from queries import services
from queries.forms import RequestForm, known_id
from queries.models import KeptDraft
from web.errors import BadInput, NotFound
from web.ratelimit import limit
from web.verbs import post_only

LISTED = 20


@post_only
def keep(request: HttpRequest) -> HttpResponse:
    """Keep what is typed, for the page's script: `draft`, `seen` and when, or why not and what is in the way."""
    form = RequestForm(request.POST, person=person(request))
    limit(request, "draft")
    try:
        kept = services.keep_draft(actor=person(request), unsent=form.unsent(instead="instead" in request.POST))
    except services.InTheWay as error:
        return JsonResponse({"message": error.message, "address": address(error.draft)}, status=error.status)
    except BadInput as error:
        first = next(problem.message for problems in error.fields.values() for problem in problems)
        return JsonResponse({"message": first}, status=error.status)
    at = timezone.localtime(kept.saved_at).strftime("%H:%M")
    return JsonResponse({"draft": str(kept.public_id), "seen": kept.seen, "at": at, "address": address(kept)})


def save(request: HttpRequest, form: RequestForm) -> HttpResponse:
    """The same for a button, which leads to the draft. Raises as `keep_draft` does."""
    kept = services.keep_draft(actor=person(request), unsent=form.unsent(instead=request.POST["save"] == "instead"))
    messages.success(request, "Your draft is saved. Nobody else sees it.")
    return redirect(address(kept))


def discard(request: HttpRequest, form: RequestForm) -> HttpResponse:
    """Forget the draft that the form names; the next page is an empty form."""
    services.discard_draft(actor=person(request), draft=known_id(form["kept"].value()))
    empty = {"blank": "1", "target": str(form["target"].value() or "")}
    return redirect(f"{reverse('queries:new')}?{urlencode(empty)}")


def opened(request: HttpRequest) -> KeptDraft | None:
    """The draft that the address names, or the one saved last where it names nothing else. Raises NotFound."""
    own = KeptDraft.objects.of(person(request))
    if "draft" in request.GET:
        found = own.filter(public_id=known_id(request.GET["draft"])).first()
        if found is None:
            raise NotFound("There is no such draft of yours.")
        return found
    if "blank" in request.GET:
        return None
    target = request.GET.get("target", "").replace("\0", "")
    return (own.filter(target__slug=target) if target else own).first()


def listed(user: User, form: RequestForm) -> dict[str, object]:
    """`opened`, the draft in the form, and the newest `drafts` beside it."""
    found = list(KeptDraft.objects.of(user)[: LISTED + 1])
    kept = known_id(form["kept"].value())
    opened = next((draft for draft in found if draft.public_id == kept), None)
    return {"opened": opened, "drafts": [draft for draft in found if draft is not opened][:LISTED]}


def address(draft: KeptDraft) -> str:
    """Where a draft is gone on with."""
    return f"{reverse('queries:new')}?{urlencode({'draft': str(draft.public_id)})}"
