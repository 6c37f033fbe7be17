"""Every entry on its way to what gathers the logs of an organisation (SIEM), in the order of the log."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from itertools import accumulate
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from audit.lines import canonical, entries_where
from audit.models import AuditLog, EntryDelivery
from audit.publishing import syslog
from audit.publishing.deliveries import Line
from audit.publishing.sending import send

Entries: TypeAlias = Sequence[Mapping[str, Any]]
WEBHOOKS = ("http", "https")
BATCH = 200
BATCH_CHARACTERS = 1_000_000
# How old an entry may be that a place has not taken before somebody is told.
PATIENCE = dt.timedelta(minutes=10)


def forward_due(stopping: Callable[[], bool] = lambda: False) -> int:
    """Send what each place has not taken yet; how many entries were sent."""
    return sum(_forward(address, stopping) for address in settings.PORTAL_SIEM_TO if not stopping())


def unknown() -> list[str]:
    """The kinds of those that nothing can be sent to, for the system check."""
    kinds = (syslog.TCP, syslog.TLS, *WEBHOOKS)
    parts = [urlsplit(address) for address in settings.PORTAL_SIEM_TO]
    return [one.scheme or "…" for one in parts if one.scheme not in kinds or not one.hostname]


def deliveries() -> list[EntryDelivery]:
    """How far each place of the settings is, for people."""
    names = map(name_of, settings.PORTAL_SIEM_TO)
    return list(EntryDelivery.objects.filter(place__in=list(names)).order_by("place"))


def taken() -> dict[str, int]:
    """Up to which entry each place of the settings has everything."""
    known = {one.place: one.sent for one in deliveries()}
    return {place: known.get(place, 0) for place in map(name_of, settings.PORTAL_SIEM_TO)}


def alarms() -> list[str]:
    """Places that are behind, in sentences: whether they refuse, or nothing is sent."""
    known = {one.place: one for one in deliveries()}
    found = []
    for place in map(name_of, settings.PORTAL_SIEM_TO):
        row = known.get(place)
        oldest = (
            AuditLog.objects.filter(seq__gt=row.sent if row else 0).order_by("seq").values_list("at", flat=True).first()
        )
        if oldest is not None and oldest < timezone.now() - PATIENCE:
            why = row.problem if row and row.problem else "nothing was sent; maintain has to run"
            found.append(f"Entries of the audit log do not reach {place}: {why}.")
    return found


def name_of(address: str) -> str:
    """What is shown and stored of a place: an address may hold a secret, so it is no part of its name."""
    parts = urlsplit(address)
    if parts.scheme in WEBHOOKS:
        return f"{parts.scheme}://{parts.hostname}/… ({sha256(address.encode()).hexdigest()[:8]})"
    return f"{parts.scheme}://{parts.hostname}:{parts.port or syslog.PORTS.get(parts.scheme, 0)}"


def _forward(address: str, stopping: Callable[[], bool]) -> int:
    line, count = Line(EntryDelivery, name_of(address)), 0
    while not stopping() and (waiting := _waiting(line.sent)):
        sent = line.deliver(lambda: _send(address, line, waiting))
        if sent is None:
            break
        count += sent
    return count


def _waiting(sent: int) -> Entries:
    """The next ones, as many as one message may hold, and one at least."""
    found = entries_where("seq > %s", [sent], most=BATCH)
    sizes = accumulate(len(entry["data"]) for entry in found)
    return found[: max(1, sum(size <= BATCH_CHARACTERS for size in sizes))]


def _send(address: str, line: Line, entries: Entries) -> int:
    if urlsplit(address).scheme in WEBHOOKS:
        _post(address, entries)
    else:
        syslog.send(address, entries)
    line.took(entries[-1]["seq"])
    return len(entries)


def _post(address: str, entries: Entries) -> None:
    """A JSON array of entries; whoever gets the same ones again knows them by their key."""
    key = f"{entries[0]['seq']}-{entries[-1]['hash']}"
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    if settings.PORTAL_SIEM_TOKEN:
        headers["Authorization"] = settings.PORTAL_SIEM_TOKEN
    send("POST", address, canonical(list(entries)).encode(), headers)
