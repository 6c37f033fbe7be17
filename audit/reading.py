"""What the page and the API ask of the log: who may, which filters there are, and one page of entries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.http import QueryDict
from django.utils.dateparse import parse_date

from audit.log import Action
from audit.models import AuditLog
from audit.querysets import AuditLogQuerySet
from web import paging
from web.errors import BadInput, FieldError, NotAllowed
from web.filters import read_filters

CHOICES = ("q", "action", "actor", "subject", "person", "target", "request", "since", "until")
FILTERS = (*CHOICES, "cursor", "limit")
PAGE_MOST = 500
COUNT_CAP = 100
SEQ_DIGITS = 18
NARROWED: dict[str, Callable[[AuditLogQuerySet, str], AuditLogQuerySet]] = {
    "q": AuditLogQuerySet.worded,
    "action": lambda entries, name: entries.of_action(Action(name)),
    "actor": AuditLogQuerySet.by,
    "subject": AuditLogQuerySet.about,
    "person": AuditLogQuerySet.of_person,
    "target": AuditLogQuerySet.of_target,
    "request": AuditLogQuerySet.of_request,
}
NO_ACTION = FieldError("There is no such action.", "invalid_choice")
NO_DAY = FieldError("Write a day as 2026-01-31.", "invalid")


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, newest first; `next` is the cursor of the page after, None on the last."""

    entries: Sequence[AuditLog]
    next: str | None


def require_reader(user: object) -> None:
    """Raises NotAllowed for whoever may not read the log."""
    if not getattr(user, "may_read_audit_log", False):
        raise NotAllowed("The audit log is for auditors and admins.")


def read_page(sent: QueryDict, *, default_size: int = paging.PAGE) -> Page:
    """The page that an address asks for. Raises BadInput, which names every filter that makes no sense."""
    filters = {name: value.strip() for name, value in read_filters(sent, FILTERS).items()}
    size = paging.page_size(filters["limit"], default=default_size, most=PAGE_MOST)
    found = list(_matching(filters)[: size + 1])
    shown = found[: min(size, paging.fitting(len(entry.data) for entry in found))]
    return Page(shown, paging.encode(shown[-1].seq) if len(found) > size else None)


def chosen(sent: QueryDict) -> AuditLogQuerySet:
    """All entries that the filters of an address leave. Raises BadInput, as `read_page` does."""
    return _matching({name: value.strip() for name, value in read_filters(sent, CHOICES).items()})


def arrived(sent: QueryDict) -> int:
    """How many entries that the filters leave are `newer` than one, counted no further than 100; of no number none."""
    filters = sent.copy()
    newer = (filters.pop("newer", None) or [""])[-1]
    filters.pop("limit", None)
    if not (newer.isascii() and newer.isdigit() and len(newer) <= SEQ_DIGITS):
        return 0
    return chosen(filters).after(int(newer)).order_by()[:COUNT_CAP].count()


def _matching(filters: dict[str, str]) -> AuditLogQuerySet:
    _check(filters)
    entries = AuditLog.objects.newest_first()
    for name, narrow in NARROWED.items():
        if filters[name]:
            entries = narrow(entries, filters[name])
    since, until = _day(filters["since"]), _day(filters["until"])
    if since is not None:
        entries = entries.since(since)
    if until is not None:
        entries = entries.until(until)
    return entries.before(paging.decode(filters["cursor"])) if filters.get("cursor") else entries


def _check(filters: dict[str, str]) -> None:
    errors = {name: [NO_DAY] for name in ("since", "until") if filters[name] and _day(filters[name]) is None}
    if filters["action"] and filters["action"] not in set(Action):
        errors["action"] = [NO_ACTION]
    if errors:
        raise BadInput(errors)


def _day(text: str) -> dt.date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None
