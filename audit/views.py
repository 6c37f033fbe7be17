"""The audit log for those who may read it: filtered by its address, a page at a time, newest first."""

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_POST, require_safe

from audit.administration import actor_of
from audit.log import LABELS, Action
from audit.models import AuditLog
from audit.verification import verify_and_record

PAGE_SIZE = 100
KEY_DIGITS = 19
TEXT_LENGTH = 200
FILTERS = ("action", "actor", "subject", "since", "until")
# Facts of the request are shown apart from what the act itself says.
CIRCUMSTANCES = ("request", "address")


@require_safe
def entries(request: HttpRequest) -> HttpResponse:
    """A page of entries."""
    _require_reader(request)
    filters = {name: request.GET.get(name, "").replace("\0", "")[:TEXT_LENGTH].strip() for name in FILTERS}
    rows = list(_found(filters, request.GET.get("after", ""))[: PAGE_SIZE + 1])
    context = {
        "nav": "audit",
        "filters": filters,
        "actions": [(action.value, action.value) for action in Action],
        "entries": [_readable(entry) for entry in rows[:PAGE_SIZE]],
        "next": rows[PAGE_SIZE - 1].seq if len(rows) > PAGE_SIZE else None,
        "paged": "after" in request.GET,
    }
    return render(request, "audit/list.html", context)


@require_POST
def verify(request: HttpRequest) -> HttpResponse:
    """Check the whole chain now, and show what was found."""
    _require_reader(request)
    verdict = verify_and_record(actor_of(request))
    return render(request, "audit/verify.html", {"nav": "audit", "verdict": verdict, "head": verdict.head.hex()})


def _require_reader(request: HttpRequest) -> None:
    if not getattr(request.user, "may_read_audit_log", False):
        raise PermissionDenied


def _found(filters: dict[str, str], after: str) -> QuerySet[AuditLog]:
    found = AuditLog.objects.order_by("-seq")
    if after.isascii() and after.isdigit() and len(after) < KEY_DIGITS:
        found = found.filter(seq__lt=int(after))
    if filters["action"]:
        found = found.filter(action=filters["action"])
    if filters["actor"]:
        found = found.filter(Q(actor__username=filters["actor"]) | Q(actor_label__iexact=filters["actor"]))
    if filters["subject"]:
        found = found.filter(Q(subject_label__iexact=filters["subject"]) | Q(subject_id=filters["subject"]))
    since, until = _day(filters["since"]), _day(filters["until"])
    if since:
        found = found.filter(at__gte=since)
    return found.filter(at__lt=until + dt.timedelta(days=1)) if until else found


def _day(text: str) -> dt.datetime | None:
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC) if day and day.year < dt.MAXYEAR else None


def _readable(entry: AuditLog) -> dict[str, Any]:
    data = json.loads(entry.data)
    circumstances = {name: data.pop(name) for name in CIRCUMSTANCES if name in data}
    known = entry.action in set(Action)
    # Nobody has signed in when signing in fails: the sentence is about the name that was typed.
    who = entry.subject_label if entry.action == Action.SIGN_IN_FAILED else entry.actor_label
    return {
        "entry": entry,
        "who": who,
        "sentence": LABELS[Action(entry.action)] if known else entry.action,
        "subject": "" if entry.subject_label == who else entry.subject_label,
        "facts": _facts(data),
        "circumstances": circumstances,
        "hash": bytes(entry.hash).hex(),
    }


def _facts(data: dict[str, object]) -> Sequence[tuple[str, str]]:
    return [
        (name.replace("_", " "), value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in sorted(data.items())
    ]
