"""System checks of settings that must fit each other. Each has an id and a test."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from django.apps.config import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning
from django.db import DatabaseError

from audit.publishing import forwarding, places
from portal import rights

TOKEN_LENGTH = 24


@register("portal")
def check_settings(app_configs: Sequence[AppConfig] | None = None, **_options: object) -> list[CheckMessage]:  # noqa: ARG001
    """Everything that is wrong between the settings."""
    return [*_transport(), *_secrets(), *_scripts(), *_owner()]


def _transport() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    base = urlsplit(settings.PORTAL_BASE_URL)
    if base.scheme not in {"http", "https"} or not base.hostname:
        found.append(Error("PORTAL_BASE_URL is not an http(s) URL; links in messages need one.", id="portal.E001"))
    elif settings.PORTAL_SECURE and base.scheme != "https":
        message = "PORTAL_BASE_URL is not https although PORTAL_SECURE is true."
        hint = "Write the https address people use, or PORTAL_SECURE=false behind no TLS."
        found.append(Error(message, hint=hint, id="portal.E002"))
    elif base.hostname not in settings.ALLOWED_HOSTS and not {"*", f"[{base.hostname}]"} & set(settings.ALLOWED_HOSTS):
        message = f"PORTAL_ALLOWED_HOSTS does not hold {base.hostname}, the host of PORTAL_BASE_URL."
        found.append(CheckWarning(message, hint="Links in messages would be refused.", id="portal.W001"))
    if settings.DEBUG and settings.PORTAL_SECURE:
        found.append(
            Error("PORTAL_DEBUG and PORTAL_SECURE are both true; debug pages show settings.", id="portal.E003")
        )
    return found


def _secrets() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if not settings.PORTAL_RESULT_KEYS:
        found.append(Error("PORTAL_RESULT_KEYS holds no key; results could not be stored.", id="portal.E004"))
    if str(settings.SECRET_KEY).encode() in settings.PORTAL_RESULT_KEYS.values():
        found.append(Error("PORTAL_SECRET_KEY is also a result key; each needs its own.", id="portal.E005"))
    if settings.PORTAL_METRICS_TOKEN and len(settings.PORTAL_METRICS_TOKEN) < TOKEN_LENGTH:
        message = f"PORTAL_METRICS_TOKEN is shorter than {TOKEN_LENGTH} characters."
        found.append(Error(message, hint="Make a random one.", id="portal.E006"))
    if settings.PORTAL_AUDIT_KEY is None:
        message = "PORTAL_AUDIT_KEY is not set: no checkpoint of the audit log is signed, and no evidence can be given."
        found.append(CheckWarning(message, hint="openssl genpkey -algorithm ed25519", id="portal.W002"))
    for kind in places.unknown():
        message = f"PORTAL_CHECKPOINT_TO: nothing can be sent to {kind}:…"
        found.append(
            Error(message, hint="Write file:/path, https://…, s3://bucket or slack:CHANNEL.", id="portal.E008")
        )
    for kind in forwarding.unknown():
        message = f"PORTAL_SIEM_TO: nothing can be sent to {kind}:…"
        found.append(Error(message, hint="Write syslog+tls://host, syslog+tcp://host or https://….", id="portal.E020"))
    return found


def _scripts() -> list[CheckMessage]:
    if settings.PORTAL_SCRIPTS_UNCONFINED and settings.PORTAL_SECURE:
        message = "PORTAL_SCRIPTS_UNCONFINED is true in a secure deployment: scripts would run without a sandbox."
        return [Error(message, id="portal.E007")]
    return []


def _owner() -> list[CheckMessage]:
    owner, own = settings.PORTAL_MIGRATION_DATABASE, settings.DATABASES["default"]
    if owner is None or (owner["NAME"] == own["NAME"] and owner["USER"] != own["USER"]):
        return []
    message = "PORTAL_MIGRATION_DATABASE_URL does not name another login on the database of PORTAL_DATABASE_URL."
    return [Error(message, hint="Write the login that owns the tables, or leave it out.", id="portal.E010")]


@register("portal", deploy=True)
def check_rights(app_configs: Sequence[AppConfig] | None = None, **_options: object) -> list[CheckMessage]:  # noqa: ARG001
    """Whether the database itself keeps the audit log as it is, whatever the portal's login does."""
    try:
        return [*_guards(), *_login()]
    except DatabaseError as error:
        message = f"What the portal's login may do is not known: the database did not say ({type(error).__name__})."
        return [CheckWarning(message, hint="Start it, migrate, and check again.", id="portal.W004")]


def _guards() -> list[CheckMessage]:
    off = rights.guards_off()
    if not off:
        return []
    message = f"Triggers of the portal's database are missing or not on: {', '.join(off)}."
    hint = "As the owner of the table: ALTER TABLE … ENABLE ALWAYS TRIGGER …; then manage.py verify_audit."
    return [Error(message, hint=hint, id="portal.E009")]


def _login() -> list[CheckMessage]:
    ways = rights.ways_to_the_log()
    if not ways:
        return []
    message = f"The portal's login could change the audit log: {'; '.join(ways)}."
    hint = "Let another login own the tables, and migrate with PORTAL_MIGRATION_DATABASE_URL."
    return [CheckWarning(message, hint=hint, id="portal.W003")]
