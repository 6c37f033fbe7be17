"""What the portal is configured with, as the log may know it: a change is an entry, with both values; no secret is."""

from __future__ import annotations

import json

from django.conf import settings
from django.db import transaction

from audit import log
from audit.models import AuditLog

SUBJECT = log.Subject("portal", "settings", "settings")
# Beside numbers and switches, what may be read by everybody. Of the rest it is told whether it is set.
SHOWN = frozenset({
    "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "DEFAULT_FROM_EMAIL", "EMAIL_HOST", "PORTAL_BASE_URL",
    "PORTAL_BUCKET_REGION",
})  # fmt: skip
BESIDES = frozenset({
    "DEBUG", "EMAIL_PORT", "EMAIL_USE_TLS", "EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD", "REDIS_URL",
})  # fmt: skip


def current() -> dict[str, object]:
    """Every setting of a deployment by its name."""
    names = {name for name in dir(settings) if name.startswith("PORTAL_")} | SHOWN | BESIDES
    return {name: _told(name, getattr(settings, name)) for name in sorted(names)}


def record_change() -> bool:
    """Append an entry if the settings are not those of the last one; whether they were not."""
    now = current()
    with transaction.atomic():
        last = AuditLog.objects.of_action(log.Action.SETTINGS_CHANGE).newest_first().first()
        before: dict[str, object] = json.loads(last.data)["settings"] if last else {}
        changed = sorted(name for name in now.keys() | before.keys() if now.get(name) != before.get(name))
        if not changed:
            return False
        data: dict[str, object] = {"settings": now}
        if last is not None:
            data |= {"before": {name: before.get(name) for name in changed}, "fields": changed}
        log.append(log.Action.SETTINGS_CHANGE, actor=log.PORTAL, subject=SUBJECT, data=data)
    return True


def _told(name: str, value: object) -> object:
    if isinstance(value, bool | int) or name in SHOWN:
        return value
    return "set" if value else "not set"
