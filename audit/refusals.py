"""Entries of what was refused, in a transaction of their own: that of the act is gone by then.

Whoever tries again and again cannot fill the log: the last entry of an hour's share says that no more are written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from audit import log
from audit.models import AuditLog

MOST = 20
WINDOW = timedelta(hours=1)
_recorded: ContextVar[bool] = ContextVar("audit_refusal", default=False)


@contextmanager
def one_request() -> Iterator[None]:
    """Inside, `recorded` says whether a refusal of this request has its entry."""
    token = _recorded.set(False)
    try:
        yield
    finally:
        _recorded.reset(token)


def recorded() -> bool:
    """Whether the refusal has its entry, or was the one too many."""
    return _recorded.get()


def record(action: log.Action, *, actor: log.Actor, subject: log.Subject, data: Mapping[str, object]) -> None:
    """Write down that somebody was refused, unless their share of the hour is used up."""
    _recorded.set(True)
    since = timezone.now() - WINDOW
    with transaction.atomic():
        written = AuditLog.objects.filter(actor_id=actor.pk, at__gte=since).of_action(action)
        count = len(written.values_list("seq")[:MOST])
        if count >= MOST:
            return
        note = f"The last of {MOST} such entries of this person within an hour; more are left out."
        last = {"note": note} if count == MOST - 1 else {}
        log.append(action, actor=actor, subject=subject, data={**data, **last})
