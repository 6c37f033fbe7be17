"""The log, read by those who may."""

from __future__ import annotations

from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit import log
from audit.reading import PAGE_MOST, read_page, require_reader
from audit.shapes import EntriesShape, VerdictShape, entry_json, verdict_json
from audit.verification import verify_and_record, verify_log
from audit.views import exported, exported_entries
from web import paging
from web.bodies import View
from web.downloads import AnyFormat, downloaded, plain
from web.openapi import CURSOR_FILTER, answers, day_filter, limit_filter, text_filter

CHOSEN = [
    text_filter("q", 'Words that stand in it: all of them, `"in this order"`, `one or other`, `-without`.'),
    OpenApiParameter("action", str, enum=["", *(action.value for action in log.Action)]),
    text_filter("actor", "A user name, or a name as the log shows it."),
    text_filter("subject", "An id, `kind:id`, or a name as the log shows it."),
    text_filter("person", "A user name: what they did, and what was done to them."),
    text_filter("target", "A target's slug: what was done to it, and to the requests that were made of it."),
    text_filter("request", "A request's id or number: what was done to it."),
    day_filter("since", "The first day (UTC)."),
    day_filter("until", "The last day (UTC)."),
]


class MayReadAudit(BasePermission):
    """Admins, and whoever was given the audit log."""

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002 -- the framework's signature
        """Raises NotAllowed with a sentence."""
        require_reader(request.user)
        return True


class Entries(View):
    """GET `audit/`."""

    permission_classes = (IsAuthenticated, MayReadAudit)

    @extend_schema(
        operation_id="audit",
        responses=answers(EntriesShape, 403),
        tags=["audit"],
        parameters=[*CHOSEN, CURSOR_FILTER, limit_filter(default=paging.PAGE, most=PAGE_MOST)],
    )
    def get(self, request: Request) -> Response:
        """The log, newest first."""
        page = read_page(request.query_params)
        return Response({"results": [entry_json(entry) for entry in page.entries], "next": page.next})


class Log(View):
    """GET `audit/log.jsonl`."""

    permission_classes = (IsAuthenticated, MayReadAudit)
    content_negotiation_class = AnyFormat

    @extend_schema(
        operation_id="audit_log", responses=downloaded("application/jsonl", OpenApiTypes.STR, 403, 429), tags=["audit"]
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """The whole log with its signed checkpoints as JSON lines, which `verify_evidence.py` checks offline."""
        return exported(plain(request))


class EntriesCsv(View):
    """GET `audit/entries.csv`."""

    permission_classes = (IsAuthenticated, MayReadAudit)
    content_negotiation_class = AnyFormat

    @extend_schema(
        operation_id="audit_entries_csv",
        responses=downloaded("text/csv", OpenApiTypes.STR, 403, 429),
        tags=["audit"],
        parameters=CHOSEN,
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """The entries that the filters leave as CSV, oldest first; no cell is a formula."""
        return exported_entries(plain(request), "csv")


class EntriesJsonl(View):
    """GET `audit/entries.jsonl`."""

    permission_classes = (IsAuthenticated, MayReadAudit)
    content_negotiation_class = AnyFormat

    @extend_schema(
        operation_id="audit_entries_jsonl",
        responses=downloaded("application/jsonl", OpenApiTypes.STR, 403, 429),
        tags=["audit"],
        parameters=CHOSEN,
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """The entries that the filters leave as JSON lines of the form of `audit/log.jsonl`, oldest first."""
        return exported_entries(plain(request), "jsonl")


class Verify(View):
    """GET and POST `audit/verify/`."""

    permission_classes = (IsAuthenticated, MayReadAudit)

    @extend_schema(operation_id="audit_verify", responses=answers(VerdictShape, 403), tags=["audit"])
    def get(self, _request: Request) -> Response:
        """Check the whole log against itself."""
        return Response(verdict_json(verify_log()))

    @extend_schema(
        operation_id="audit_verify_and_record", request=None, responses=answers(VerdictShape), tags=["audit"]
    )
    def post(self, request: Request) -> Response:
        """The same, and an entry that says so."""
        actor: Any = request.user
        return Response(verdict_json(verify_and_record(actor)))
