"""The audit log for those who may read it: filtered by its address, a page at a time, newest first."""

import json
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from audit.administration import actor_of
from audit.log import LABELS, Action
from audit.models import AuditLog
from audit.reading import FILTERS, Page, read_page, require_reader
from audit.verification import verify_and_record
from web.errors import BadInput
from web.verbs import post_only

PAGE_SIZE = 100
# Facts of the request are shown apart from what the act itself says.
CIRCUMSTANCES = ("request", "address")


@require_safe
def entries(request: HttpRequest) -> HttpResponse:
    """A page of entries; of a filter that makes no sense it says so, and shows none."""
    require_reader(request.user)
    page, problems = Page((), None), []
    try:
        page = read_page(request.GET, default_size=PAGE_SIZE)
    except BadInput as error:
        problems = [(name, problem.message) for name, found in error.fields.items() for problem in found]
    context = {
        "nav": "audit",
        "filters": {name: request.GET.get(name, "") for name in FILTERS},
        "actions": [(action.value, action.value) for action in Action],
        "problems": problems,
        "entries": [_readable(entry) for entry in page.entries],
        "next": page.next,
        "paged": "cursor" in request.GET,
    }
    return render(request, "audit/list.html", context, status=BadInput.status if problems else 200)


@post_only
def verify(request: HttpRequest) -> HttpResponse:
    """Check the whole chain now, and show what was found."""
    require_reader(request.user)
    verdict = verify_and_record(actor_of(request))
    return render(request, "audit/verify.html", {"nav": "audit", "verdict": verdict, "head": verdict.head.hex()})


def _readable(entry: AuditLog) -> dict[str, Any]:
    data = json.loads(entry.data)
    circumstances = {name: data.pop(name) for name in CIRCUMSTANCES if name in data}
    known = entry.action in set(Action)
    # Nobody has signed in when signing in fails: the sentence is about the name that was typed.
    who = entry.subject_label if entry.action == Action.SIGN_IN_FAILED else _who(entry)
    return {
        "entry": entry,
        "who": who,
        "sentence": LABELS[Action(entry.action)] if known else entry.action,
        "subject": "" if entry.subject_label == who else entry.subject_label,
        "facts": _facts(data),
        "circumstances": circumstances,
        "hash": bytes(entry.hash).hex(),
    }


def _who(entry: AuditLog) -> str:
    """The name of the time; entries of old hold it without the user name, which alone says who it was."""
    label, actor = entry.actor_label, entry.actor
    if actor is None or label == actor.get_username() or label.endswith(f"({actor.get_username()})"):
        return label
    return f"{label} ({actor.get_username()})"


def _facts(data: dict[str, object]) -> Sequence[tuple[str, str]]:
    return [
        (name.replace("_", " "), value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in sorted(data.items())
    ]
