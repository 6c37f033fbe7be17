"""What an operator's machines ask: is the process alive, can it work, how is it doing."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import cache

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from accounts.models import User
from audit import checkpoints
from portal import metrics as numbers

STATE = "SELECT pg_is_in_recovery(), current_setting('transaction_read_only')::boolean"
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class ProbesMiddleware:
    """Answers the probes before anything that asks the database: session, sign-in, error pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The probe's answer, or the rest of the portal."""
        return PROBES.get(request.path_info, self.get_response)(request)


@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """200 while the process answers; it asks nothing else."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """200 when the database answers, takes changes and has every migration, else 503 with what is wrong.

    An alarm is for people: the portal works on, and taking it out of service would mend nothing.
    """
    problems = _problems()
    alarms = [] if problems else checkpoints.alarms()
    answer = {"ready": not problems, "problems": problems, "alarms": alarms}
    return JsonResponse(answer, status=503 if problems else 200)


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Numbers for Prometheus, for whoever holds PORTAL_METRICS_TOKEN, and for admins and auditors."""
    if not _may_read_metrics(request):
        raise PermissionDenied
    return HttpResponse(numbers.text(), content_type=METRICS_TYPE)


PROBES = {"/healthz": healthz, "/readyz": readyz}


def _problems() -> list[str]:
    try:
        with connection.cursor() as cursor:
            cursor.execute(STATE)
            standby, read_only = cursor.fetchone()
        missing = sorted(_migrations() - set(MigrationRecorder(connection).applied_migrations()))
    except DatabaseError as error:
        return [f"The database does not answer ({type(error).__name__})."]
    problems = []
    if standby:
        problems.append("The database takes no changes: it is a standby.")
    elif read_only:
        problems.append("The database takes no changes: its transactions are read only.")
    if missing:
        problems.append(f"Migrations are not applied: {', '.join(map('.'.join, missing))}.")
    return problems


@cache
def _migrations() -> frozenset[tuple[str, str]]:
    """Those of the code that runs here: reading them takes longer than everything else that a probe asks."""
    return frozenset(MigrationLoader(None).graph.nodes)


def _may_read_metrics(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    expected = settings.PORTAL_METRICS_TOKEN
    if expected and scheme.lower() == "bearer" and secrets.compare_digest(token.encode(), expected.encode()):
        return True
    return isinstance(request.user, User) and request.user.may_read_audit_log
