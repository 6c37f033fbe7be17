"""The audit log for those who may read it: filtered by its address, a page at a time, newest first."""

import json
from collections.abc import Sequence
from typing import Any, TypeVar

from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_safe

from audit import checkpoints, keys, lines, log, streams
from audit import entries as ends
from audit.administration import actor_of
from audit.log import LABELS, Action
from audit.models import Archive, AuditLog, CheckpointDelivery
from audit.publishing import forwarding
from audit.publishing.places import places
from audit.reading import CHOICES, FILTERS, Page, arrived, chosen, read_page, require_reader
from audit.verification import verify_and_record
from web.errors import BadInput, NotFound
from web.news import beginning, news_address, news_bar
from web.ratelimit import limit
from web.verbs import post_only

PAGE_SIZE = 100
# Facts of the request are shown apart from what the act itself says.
# Everything of one person, target or request.
TIMELINES = ("person", "target", "request")
CIRCUMSTANCES = ("request", "address")
JSON_LINES = "application/jsonl"

R = TypeVar("R", HttpResponse, StreamingHttpResponse)


@require_safe
def entries(request: HttpRequest) -> HttpResponse:
    """A page of entries; of a filter that makes no sense it says so, and shows none."""
    require_reader(request.user)
    page, problems, head = Page((), None), [], ends.head().seq
    try:
        page = read_page(request.GET, default_size=PAGE_SIZE)
    except BadInput as error:
        problems = [(name, problem.message) for name, found in error.fields.items() for problem in found]
    context = {
        "nav": "audit",
        "filters": {name: request.GET.get(name, "") for name in FILTERS},
        "actions": [(action.value, log.named(action)) for action in Action],
        "problems": problems,
        "timelines": [(name, request.GET[name]) for name in TIMELINES if request.GET.get(name)],
        "chosen": urlencode({name: request.GET[name] for name in CHOICES if request.GET.get(name)}),
        "entries": [_readable(entry) for entry in page.entries],
        "next": page.next,
        "news": "" if problems or "cursor" in request.GET else news_address(request, "audit:news", newer=str(head)),
        "paged": "cursor" in request.GET,
        "checkpoint": checkpoints.last(),
        "alarms": checkpoints.alarms(),
        "archive": Archive.objects.first(),
        "forwarded": forwarding.deliveries(),
        "places": CheckpointDelivery.objects.filter(place__in=[place.name for place in places()]).order_by("place"),
    }
    return render(request, "audit/list.html", context, status=BadInput.status if problems else 200)


@require_safe
def news(request: HttpRequest) -> HttpResponse:
    """What came into the list after its page was made: the bar above it, asked for now and then."""
    require_reader(request.user)
    return news_bar(request, arrived(request.GET), beginning(request, "audit:list", without=("newer", "limit")))


@post_only
def verify(request: HttpRequest) -> HttpResponse:
    """Check the whole chain now, or what is new since the last time, and show what was found."""
    require_reader(request.user)
    verdict = verify_and_record(actor_of(request), resume="resume" in request.POST)
    context = {
        "nav": "audit",
        "verdict": verdict,
        "head": verdict.head.hex(),
        "read": verdict.entries - verdict.begun,
        "rest": verdict.entries - verdict.signed,
        "before": verdict.begun - verdict.archived,
    }
    return render(request, "audit/verify.html", context)


@require_safe
def public_key(_request: HttpRequest) -> HttpResponse:
    """The keys that checkpoints and evidence are verified with, for everybody who has signed in."""
    pem = keys.pem()
    if not pem:
        raise NotFound("This portal signs no checkpoints: it has no key.")
    return _file(HttpResponse(pem, content_type="application/x-pem-file"), "audit-public-key.pem")


@require_safe
def checkpoint_lines(request: HttpRequest) -> StreamingHttpResponse:
    """Every checkpoint, to be kept outside of the portal."""
    require_reader(request.user)
    stream = map(lines.checkpoint_line, lines.checkpoints())
    return _file(StreamingHttpResponse(stream, content_type=JSON_LINES), "checkpoints.jsonl")


@require_GET
def log_lines(request: HttpRequest) -> StreamingHttpResponse:
    """The whole log with its checkpoints, as `verify_evidence.py` reads it."""
    require_reader(request.user)
    return exported(request)


def exported(request: HttpRequest) -> StreamingHttpResponse:
    """The log as a file for whoever was found to be allowed to, for page and API; and an entry that says so."""
    limit(request, "download")
    with transaction.atomic():
        log.append(Action.AUDIT_EXPORT, actor=actor_of(request), subject=log.Subject("audit", ""))
    return _file(StreamingHttpResponse(lines.whole_log(), content_type=JSON_LINES), "audit-log.jsonl")


@require_GET
def entries_file(request: HttpRequest, form: str) -> StreamingHttpResponse:
    """The entries that the filters leave, as CSV or JSON lines."""
    require_reader(request.user)
    return exported_entries(request, form)


def exported_entries(request: HttpRequest, form: str) -> StreamingHttpResponse:
    """The same for whoever was found to be allowed to, for page and API; and an entry that says what was taken."""
    limit(request, "download")
    entries, end = chosen(request.GET), ends.head().seq
    filters = {name: value for name, value in request.GET.items() if value}
    with transaction.atomic():
        data = {"format": form, "filters": filters}
        log.append(Action.AUDIT_EXPORT, actor=actor_of(request), subject=log.Subject("audit", ""), data=data)
    response = StreamingHttpResponse(streams.stream(entries, form, end), content_type=streams.MEDIA[form])
    return _file(response, f"audit-entries.{form}")


def _file(response: R, name: str) -> R:
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


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
        "named": log.named(Action(entry.action)) if known else entry.action,
        "subject": "" if entry.subject_label == who else entry.subject_label,
        "facts": _facts(data),
        "circumstances": circumstances,
        "timelines": _timelines(entry),
        "hash": bytes(entry.hash).hex(),
    }


def _timelines(entry: AuditLog) -> list[tuple[str, str]]:
    """Where everything of its person, and of its target or request, is: what it is called, and what an address asks."""
    found = []
    if entry.actor is not None:
        found.append((entry.actor.get_username(), urlencode({"person": entry.actor.get_username()})))
    if entry.subject_kind == "target":
        found.append((entry.subject_label, urlencode({"target": entry.subject_id})))
    elif entry.subject_kind == "query":
        found.append((entry.subject_label, urlencode({"request": entry.subject_id})))
    return found


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
