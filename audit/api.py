"""The log, read by those who may."""

from __future__ import annotations

import json
from typing import Any, TypedDict

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, PermissionDenied, ValidationError
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit import chain, log
from audit.models import AuditLog
from audit.verification import verify_and_record, verify_log

PAGE = 50
PAGE_MOST = 500
FILTERS = ("action", "actor", "subject", "cursor", "limit")
BIGINT_DIGITS = 18


class Page(TypedDict):
    """Entries, newest first; `next` is the cursor of the page after, null on the last."""

    results: list[dict[str, object]]
    next: str | None


class MayReadAudit(BasePermission):
    """Admins, and whoever was given the audit log."""

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002 -- the framework's signature
        """Ask the user; raises PermissionDenied with a sentence."""
        if not getattr(request.user, "may_read_audit_log", False):
            raise PermissionDenied("The audit log is for auditors and admins.")
        return True


class SubjectShape(serializers.Serializer[AuditLog]):
    """What was acted on."""

    kind = serializers.CharField()
    id = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # the framework collects fields before it sets its own


class EntryShape(serializers.Serializer[AuditLog]):
    """One entry. `actor` is null for the portal itself; hashes are hexadecimal SHA-256."""

    seq = serializers.IntegerField()
    at = serializers.DateTimeField()
    actor = serializers.CharField(allow_null=True)
    actor_label = serializers.CharField()
    action = serializers.ChoiceField(choices=[action.value for action in log.Action])
    subject = SubjectShape()
    data = serializers.DictField()  # type: ignore[assignment]  # the same
    previous_hash = serializers.CharField()
    hash = serializers.CharField()


class EntriesShape(serializers.Serializer[object]):
    """A page of the log."""

    results = EntryShape(many=True)
    next = serializers.CharField(allow_null=True)


class FaultShape(serializers.Serializer[chain.Fault]):
    """The first entry that does not hold, and why."""

    seq = serializers.IntegerField()
    reason = serializers.CharField()


class VerdictShape(serializers.Serializer[chain.Verdict]):
    """What a check of the whole log found; `head` is the last good hash, hexadecimal."""

    valid = serializers.BooleanField()
    entries = serializers.IntegerField()
    head = serializers.CharField()
    fault = FaultShape(allow_null=True)


def entry_json(entry: AuditLog) -> dict[str, object]:
    """An entry as it is answered."""
    person: Any = entry.actor
    return {
        "seq": entry.seq,
        "at": entry.at,
        "actor": person.get_username() if person is not None else None,
        "actor_label": entry.actor_label,
        "action": entry.action,
        "subject": {"kind": entry.subject_kind, "id": entry.subject_id, "label": entry.subject_label},
        "data": json.loads(entry.data),
        "previous_hash": bytes(entry.previous_hash).hex(),
        "hash": bytes(entry.hash).hex(),
    }


def verdict_json(verdict: chain.Verdict) -> dict[str, object]:
    """A verdict as it is answered."""
    fault = verdict.fault
    return {
        "valid": fault is None,
        "entries": verdict.entries,
        "head": verdict.head.hex(),
        "fault": None if fault is None else {"seq": fault.seq, "reason": fault.reason},
    }


def page(*, action: str = "", actor: str = "", subject: str = "", before: int | None = None, limit: int = PAGE) -> Page:
    """Entries older than `before`. `subject` is an id, or a kind and an id as `kind:id`; `actor` is a user name."""
    entries = AuditLog.objects.select_related("actor").order_by("-seq")
    if action:
        entries = entries.filter(action=action)
    if actor:
        entries = entries.filter(actor__username=actor)
    kind, _, name = subject.rpartition(":")
    if subject:
        entries = entries.filter(subject_id=name, **({"subject_kind": kind} if kind else {}))
    if before is not None:
        entries = entries.filter(seq__lt=before)
    found = list(entries[: limit + 1])
    shown = found[:limit]
    return {
        "results": [entry_json(entry) for entry in shown],
        "next": str(shown[-1].seq) if len(found) > limit else None,
    }


class Entries(APIView):
    """GET `audit/`."""

    permission_classes = (IsAuthenticated, MayReadAudit)

    @extend_schema(
        operation_id="audit",
        responses=EntriesShape,
        tags=["audit"],
        parameters=[
            OpenApiParameter("action", str, enum=[action.value for action in log.Action]),
            OpenApiParameter("actor", str, description="A user name."),
            OpenApiParameter("subject", str, description="The id of what was acted on, or `kind:id`."),
            OpenApiParameter("cursor", str, description="`next` of the page before."),
            OpenApiParameter("limit", int, description=f"1 to {PAGE_MOST}; {PAGE} when left out."),
        ],
    )
    def get(self, request: Request) -> Response:
        """The log, newest first."""
        sent = {name: _one(request, name) for name in FILTERS}
        errors = _errors(request, sent)
        if errors:
            raise ValidationError(errors)
        before = int(sent["cursor"]) if sent["cursor"] else None
        size = int(sent["limit"] or PAGE)
        found = page(action=sent["action"], actor=sent["actor"], subject=sent["subject"], before=before, limit=size)
        return Response(found)


class Verify(APIView):
    """GET and POST `audit/verify/`."""

    permission_classes = (IsAuthenticated, MayReadAudit)

    @extend_schema(operation_id="audit_verify", responses=VerdictShape, tags=["audit"])
    def get(self, _request: Request) -> Response:
        """Check the whole log against itself."""
        return Response(verdict_json(verify_log()))

    @extend_schema(operation_id="audit_verify_and_record", request=None, responses=VerdictShape, tags=["audit"])
    def post(self, request: Request) -> Response:
        """The same, and an entry that says so."""
        actor: Any = request.user
        return Response(verdict_json(verify_and_record(actor)))


def _one(request: Request, name: str) -> str:
    return str(request.query_params.get(name, "")).replace("\0", "\ufffd")


def _errors(request: Request, sent: dict[str, str]) -> dict[str, list[ErrorDetail]]:
    errors = {
        name[:100]: [ErrorDetail(f"There is no such filter; there are {', '.join(FILTERS)}.", "unknown_field")]
        for name in request.query_params
        if name not in FILTERS
    }
    if sent["action"] and sent["action"] not in set(log.Action):
        errors["action"] = [ErrorDetail("There is no such action.", "invalid_choice")]
    if sent["cursor"] and not _is_number(sent["cursor"]):
        errors["cursor"] = [ErrorDetail("Take the cursor from `next` of the page before.", "invalid")]
    if sent["limit"] and not (_is_number(sent["limit"]) and 1 <= int(sent["limit"]) <= PAGE_MOST):
        errors["limit"] = [ErrorDetail(f"Send a number from 1 to {PAGE_MOST}.", "invalid")]
    return errors


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= BIGINT_DIGITS
