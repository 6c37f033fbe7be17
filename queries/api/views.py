"""The API's verbs: parse, call one function, answer."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import asdict

from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.people import person
from queries import bounds, joined, running, services
from queries import evidence as evidences
from queries.api.bodies import (
    ApproveBody,
    CloseBody,
    CommentBody,
    DraftBody,
    RehearseBody,
    RejectBody,
    RemarkBody,
    SubmitBody,
    UndoBody,
)
from queries.api.listing import listing
from queries.api.schema import (
    CheckedShape,
    CommentShape,
    CommentsShape,
    PlanShape,
    QueriesShape,
    QueryShape,
)
from queries.api.serializers import comment_json, plan_json, query_json, share_pods
from queries.filters import CHOICES
from queries.models import Comment, QueryRequest, Rehearsal
from queries.policies import cannot_see_rehearsal
from queries.presentation.similar import similar
from queries.running.activity import activity
from queries.running.planning import plan_of
from web import paging
from web.bodies import StrictSerializer, View, read_body
from web.downloads import AnyFormat, downloaded, plain
from web.errors import BadInput, FieldError, NotFound
from web.openapi import CURSOR_FILTER, answers, limit_filter, text_filter
from web.ratelimit import limit

QUERIES = ["queries"]
ACTED = answers(QueryShape, 404, 409, 429)


def perform(
    request: Request, public_id: uuid.UUID, verb: Callable[..., QueryRequest], body: type[StrictSerializer]
) -> Response:
    """Let the person do one of the services' verbs with what they sent; the request as they see it afterwards."""
    limit(plain(request), "decide")
    actor = person(request)
    query_id = known(actor, public_id)
    return Response(after(actor, verb(actor=actor, query_id=query_id, **read_body(body(data=request.data)))))


def after(reader: User, query: QueryRequest) -> dict[str, object]:
    """A request as the reader sees it after acting on it, which has shown that they may know of it."""
    share_pods([query])
    return query_json(query, reader, seen=seen(query, reader))


def seen(query: QueryRequest, reader: User) -> Rehearsal | None:
    """The last rehearsal with what the target says of it now, for those who may see it."""
    return None if not query.writes or cannot_see_rehearsal(reader, query) else running.seen(query)


def known(reader: User, public_id: uuid.UUID) -> int:
    """The key of a request the reader may know of, in one small query. Raises NotFound."""
    key = joined.known(reader, public_id)
    if key is None:
        raise NotFound("There is no such request, or it belongs to a pod that you are not in.")
    return key


class Check(View):
    """POST `queries/check/`."""

    @extend_schema(operation_id="query_check", request=DraftBody, responses=answers(CheckedShape, 429), tags=QUERIES)
    def post(self, request: Request) -> Response:
        """Read a statement as submission would; nothing is stored."""
        limit(plain(request), "check")
        body = DraftBody(data=request.data)
        read_body(body)
        checked = services.check_draft(actor=person(request), draft=body.draft())
        analysis = checked.analysis
        return Response(
            {
                "valid": analysis.valid,
                "access": analysis.access.value,
                "kinds": analysis.kinds,
                "tables": analysis.tables,
                "findings": [services.finding_json(finding) for finding in analysis.findings],
                "verified": [verified.value for verified in analysis.verified],
                "similar": [asdict(one) for one in similar(person(request), checked)],
            }
        )


class Queries(View):
    """GET and POST `queries/`."""

    @extend_schema(
        operation_id="queries",
        responses=answers(QueriesShape),
        tags=QUERIES,
        parameters=[
            OpenApiParameter("status", str, enum=["", *CHOICES["status"]], many=True, explode=True),
            text_filter("pod", "Slug of a pod."),
            text_filter("author", "A user name."),
            text_filter("target", "Slug of a target."),
            OpenApiParameter("environment", str, enum=["", *CHOICES["environment"]], description="Of the target."),
            OpenApiParameter("access", str, enum=["", *CHOICES["access"]]),
            text_filter("q", "Words in the reason, statement, ticket, tables or author, or a number or id."),
            CURSOR_FILTER,
            limit_filter(default=paging.PAGE, most=paging.PAGE_MOST),
        ],
    )
    def get(self, request: Request) -> Response:
        """Requests I may know of, newest first."""
        reader = person(request)
        page = listing(reader=reader, sent=request.query_params)
        share_pods(page.queries)
        last = bounds.latest_of(page.queries)
        results = [query_json(query, reader, seen=last.get(query.pk), whole=False) for query in page.queries]
        return Response({"results": results, "next": page.next})

    @extend_schema(
        operation_id="query_submit", request=SubmitBody, responses=answers(QueryShape, 429, status=201), tags=QUERIES
    )
    def post(self, request: Request) -> Response:
        """Ask for a statement to be run."""
        limit(plain(request), "submit")
        author = person(request)
        body = SubmitBody(data=request.data)
        sent = read_body(body)
        query = services.submit(actor=author, draft=body.draft(), revises=_revised(author, sent.get("revises")))
        headers = {"Location": f"{request.path}{query.public_id}/"}
        return Response(after(author, joined.shown(query.pk)), status=status.HTTP_201_CREATED, headers=headers)


class Query(View):
    """GET `queries/<uuid>/`."""

    @extend_schema(operation_id="query", responses=answers(QueryShape, 404), tags=QUERIES)
    def get(self, request: Request, public_id: uuid.UUID) -> Response:
        """One request; while it runs, with what it does on the target at this moment."""
        reader = person(request)
        query = services.visible_query(actor=reader, public_id=public_id)
        share_pods([query])
        return Response(query_json(query, reader, activity(query), seen(query, reader)))


class Approve(View):
    """POST `queries/<uuid>/approve/`."""

    @extend_schema(operation_id="query_approve", request=ApproveBody, responses=ACTED, tags=QUERIES)
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        """Approve. The last approval needed runs the statement, and the answer is the request after it ran.

        Maintenance may take longer than the target's usual limit: then the answer is EXECUTING, and it goes on.
        """
        return perform(request, public_id, services.approve, ApproveBody)


class Plan(View):
    """GET `queries/<uuid>/plan/`."""

    @extend_schema(operation_id="query_plan", responses=answers(PlanShape, 403, 404, 409), tags=QUERIES)
    def get(self, request: Request, public_id: uuid.UUID) -> Response:
        """How its target would run a request that waits, for those who may decide on it. Nothing is run.

        Kept for five minutes. 503 when the target did not answer within two seconds.
        """
        reader = person(request)
        query = services.visible_query(actor=reader, public_id=public_id)
        return Response(plan_json(plan_of(actor=reader, query=query), query))


class Evidence(View):
    """GET `queries/<uuid>/evidence/`."""

    content_negotiation_class = AnyFormat

    @extend_schema(
        operation_id="query_evidence",
        responses=downloaded(evidences.MEDIA_TYPE, OpenApiTypes.BINARY, 404, 409, 429),
        tags=QUERIES,
    )
    def get(self, request: Request, public_id: uuid.UUID) -> HttpResponse:
        """Everything about a request in one ZIP, which `verify_evidence.py` checks offline. Taking it is recorded."""
        limit(plain(request), "download")
        reader = person(request)
        query = services.visible_query(actor=reader, public_id=public_id)
        file = evidences.evidence(actor=reader, query=query)
        return HttpResponse(file.content, content_type=evidences.MEDIA_TYPE, headers=file.headers)


class Rehearse(View):
    """POST `queries/<uuid>/rehearse/`."""

    @extend_schema(operation_id="query_rehearse", request=RehearseBody, responses=ACTED, tags=QUERIES)
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        """Run a write that waits, see what it changes, and roll it back. For those who may decide on it."""
        limit(plain(request), "rehearse")
        actor = person(request)
        query_id = known(actor, public_id)
        services.rehearse(actor=actor, query_id=query_id, **read_body(RehearseBody(data=request.data)))
        return Response(after(actor, joined.shown(query_id)))


class Undo(View):
    """POST `queries/<uuid>/undo/`."""

    @extend_schema(
        operation_id="query_undo",
        request=UndoBody,
        responses=answers(QueryShape, 403, 404, 409, 429, status=201),
        tags=QUERIES,
    )
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        """Prepare a new request that puts back what this executed write changed. It is reviewed as any other."""
        limit(plain(request), "submit")
        actor = person(request)
        query_id = known(actor, public_id)
        query = services.undo(actor=actor, query_id=query_id, **read_body(UndoBody(data=request.data)))
        headers = {"Location": reverse("api:query", args=[query.public_id])}
        return Response(after(actor, joined.shown(query.pk)), status=status.HTTP_201_CREATED, headers=headers)


class Comments(View):
    """GET and POST `queries/<uuid>/comments/`."""

    @extend_schema(operation_id="query_comments", responses=answers(CommentsShape, 404), tags=QUERIES)
    def get(self, request: Request, public_id: uuid.UUID) -> Response:
        """What was said about a request, oldest first."""
        query_id = known(person(request), public_id)
        found = Comment.objects.filter(query=query_id).select_related("author")
        return Response({"results": [comment_json(comment) for comment in found]})

    @extend_schema(
        operation_id="query_comment",
        request=RemarkBody,
        responses=answers(CommentShape, 403, 404, 409, 429, status=201),
        tags=QUERIES,
    )
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        """Say something without deciding. For its author and for those who may decide in its pod."""
        limit(plain(request), "decide")
        actor = person(request)
        said = services.comment(
            actor=actor, query_id=known(actor, public_id), **read_body(RemarkBody(data=request.data))
        )
        said.refresh_from_db(fields=["at"])
        return Response(comment_json(said), status=status.HTTP_201_CREATED)


class Reject(View):
    """POST `queries/<uuid>/reject/`."""

    @extend_schema(operation_id="query_reject", request=RejectBody, responses=ACTED, tags=QUERIES)
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        """Reject, and say why."""
        return perform(request, public_id, services.reject, RejectBody)


class Withdraw(View):
    """POST `queries/<uuid>/withdraw/`."""

    @extend_schema(operation_id="query_withdraw", request=CommentBody, responses=ACTED, tags=QUERIES)
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        """Take my request back before anybody decided."""
        return perform(request, public_id, services.withdraw, CommentBody)


class Cancel(View):
    """POST `queries/<uuid>/cancel/`."""

    @extend_schema(operation_id="query_cancel", request=CommentBody, responses=ACTED, tags=QUERIES)
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        """Ask a running request to stop."""
        return perform(request, public_id, services.cancel, CommentBody)


class Close(View):
    """POST `queries/<uuid>/close/`."""

    @extend_schema(operation_id="query_close", request=CloseBody, responses=ACTED, tags=QUERIES)
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        """Close a request whose outcome nobody can find out, saying what a look at the target has shown."""
        return perform(request, public_id, services.close, CloseBody)


def _revised(author: User, public_id: uuid.UUID | None) -> QueryRequest | None:
    if public_id is None:
        return None
    query = QueryRequest.objects.visible_to(author).filter(public_id=public_id).first()
    if query is None:
        raise BadInput({"revises": [FieldError("There is no such request.", "unknown_query")]})
    return query
