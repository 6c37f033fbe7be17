"""The API's calls about templates: parse, call one function, answer."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.people import person
from queries import services
from queries.api.schema import QueryShape
from queries.api.template_bodies import (
    AskBody,
    ChangeTemplateBody,
    CreateTemplateBody,
    GrantBody,
    RetireTemplateBody,
    WithdrawGrantBody,
)
from queries.api.template_schema import TemplateShape, TemplatesShape, row_json, template_json
from queries.api.views import after
from queries.models import Template
from web.bodies import StrictSerializer, View, read_body
from web.downloads import plain
from web.errors import NotFound
from web.filters import read_filters
from web.openapi import answers, text_filter
from web.ratelimit import limit

TEMPLATES = ["templates"]
MOST = 200
# Of versions and of approvals in advance, the newest.
NEWEST = 50
ACTED = answers(TemplateShape, 403, 404, 409, 429)


def found(reader: User, public_id: uuid.UUID) -> Template:
    """A template the reader may know of. Raises NotFound."""
    templates = Template.objects.visible_to(reader).as_rows()
    template = templates.filter(public_id=public_id).first()
    if template is None:
        raise NotFound("There is no such template, or it belongs to a pod that you are not in.")
    return template


def perform(
    request: Request, public_id: uuid.UUID, body: StrictSerializer, act: Callable[[User, Template], object]
) -> Response:
    """Let the person do something with a template; the template as they see it afterwards."""
    limit(plain(request), "decide")
    actor = person(request)
    template = found(actor, public_id)
    read_body(body)
    act(actor, template)
    return Response(template_json(found(actor, public_id), actor, NEWEST))


class Templates(View):
    """GET and POST `templates/`."""

    @extend_schema(
        operation_id="templates",
        responses=answers(TemplatesShape),
        tags=TEMPLATES,
        parameters=[
            text_filter("pod", "Slug of a pod."),
            text_filter("q", "Words in the name, the description or the statement."),
        ],
    )
    def get(self, request: Request) -> Response:
        """The templates in use of pods that I may know of, by name."""
        sent = read_filters(request.query_params, ("pod", "q"))
        templates = Template.objects.visible_to(person(request)).in_use().search_for(sent["q"])
        if sent["pod"]:
            templates = templates.filter(pod__slug=sent["pod"])
        return Response({"results": [row_json(template) for template in templates.as_rows()[:MOST]]})

    @extend_schema(
        operation_id="template_create",
        request=CreateTemplateBody,
        responses=answers(TemplateShape, 429, status=201),
        tags=TEMPLATES,
    )
    def post(self, request: Request) -> Response:
        """Keep a statement for a pod."""
        limit(plain(request), "submit")
        actor = person(request)
        body = CreateTemplateBody(data=request.data)
        read_body(body)
        made = services.create_template(actor=actor, draft=body.draft())
        headers = {"Location": reverse("api:template", args=[made.public_id])}
        shown = template_json(found(actor, made.public_id), actor, NEWEST)
        return Response(shown, status=status.HTTP_201_CREATED, headers=headers)


class OneTemplate(View):
    """GET `templates/<uuid>/`."""

    @extend_schema(operation_id="template", responses=answers(TemplateShape, 404), tags=TEMPLATES)
    def get(self, request: Request, public_id: uuid.UUID) -> Response:
        """One template, its versions, and what was approved of it in advance."""
        reader = person(request)
        return Response(template_json(found(reader, public_id), reader, NEWEST))


class Change(View):
    """POST `templates/<uuid>/change/`."""

    @extend_schema(operation_id="template_change", request=ChangeTemplateBody, responses=ACTED, tags=TEMPLATES)
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        """Have it say something else: a new version, and what was approved in advance ends."""
        body = ChangeTemplateBody(data=request.data)

        def act(actor: User, template: Template) -> object:
            digest = body.validated_data["digest"]
            return services.change_template(
                actor=actor, template_id=template.pk, digest=digest, draft=body.draft(template.pod.slug)
            )

        return perform(request, public_id, body, act)


class Retire(View):
    """POST `templates/<uuid>/retire/`."""

    @extend_schema(operation_id="template_retire", request=RetireTemplateBody, responses=ACTED, tags=TEMPLATES)
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        """Take it out of use; what was asked with it stays."""
        body = RetireTemplateBody(data=request.data)

        def act(actor: User, template: Template) -> object:
            digest = body.validated_data["digest"]
            return services.retire_template(actor=actor, template_id=template.pk, digest=digest)

        return perform(request, public_id, body, act)


class Ask(View):
    """POST `templates/<uuid>/ask/`."""

    @extend_schema(
        operation_id="template_ask",
        request=AskBody,
        responses=answers(QueryShape, 403, 404, 409, 429, status=201),
        tags=TEMPLATES,
    )
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        """Ask for its statement with these values. Approved in advance, it ran when this answers; else it waits, and
        `template.ordinary` says why where there was such an approval."""
        limit(plain(request), "submit")
        actor = person(request)
        template = found(actor, public_id)
        body = AskBody(data=request.data)
        read_body(body)
        query = services.ask(actor=actor, template_id=template.pk, asked=body.asked())
        headers = {"Location": reverse("api:query", args=[query.public_id])}
        return Response(after(actor, query), status=status.HTTP_201_CREATED, headers=headers)


class GrantInAdvance(View):
    """POST `templates/<uuid>/grant/`."""

    @extend_schema(operation_id="template_grant", request=GrantBody, responses=ACTED, tags=TEMPLATES)
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        """Approve it in advance on one target. For managers of its pod, and of reads alone."""
        body = GrantBody(data=request.data)

        def act(actor: User, template: Template) -> object:
            digest = body.validated_data["digest"]
            return services.grant(actor=actor, template_id=template.pk, digest=digest, terms=body.terms())

        return perform(request, public_id, body, act)


class WithdrawGrant(View):
    """POST `templates/<uuid>/withdraw/`."""

    @extend_schema(operation_id="template_withdraw", request=WithdrawGrantBody, responses=ACTED, tags=TEMPLATES)
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        """Take an approval in advance back: no run begins on it after this answers."""
        body = WithdrawGrantBody(data=request.data)

        def act(actor: User, template: Template) -> object:
            target = body.validated_data["target"]
            return services.withdraw_grant(actor=actor, template_id=template.pk, target=target)

        return perform(request, public_id, body, act)
