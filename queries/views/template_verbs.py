"""The verbs of a template. A refused one shows its page again, with the reason and everything that was typed."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.people import person
from queries import services
from queries.lifecycle import Status
from queries.models import QueryRequest
from queries.template_forms import AskForm, GrantForm, ServiceForm
from queries.views.templates import template_page, visible
from web.errors import BadInput, PortalError
from web.ratelimit import limit
from web.verbs import post_only


@post_only
def ask(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Ask with these values: the page of the request that came of it follows, or this one again."""
    template = visible(request, public_id)
    form = AskForm(request.POST, version=template.now)
    form.is_valid()
    try:
        limit(request, "submit")
        query = services.ask(actor=person(request), template_id=template.pk, asked=form.asked())
    except PortalError as error:
        _take(form, error)
        return error.on(template_page(request, template, error=error, asking=form))
    _tell(request, query)
    return redirect("queries:detail", query.public_id)


def _tell(request: HttpRequest, query: QueryRequest) -> None:
    use = query.template_use
    if use.grant_id is not None:
        ran = "ran" if query.state is Status.EXECUTED else "did not end well"
        messages.success(request, f"{query.number} was approved in advance and {ran}.")
    elif use.ordinary:
        messages.warning(request, f"{query.number} waits for a manager of {query.pod.name}. {use.ordinary}")
    else:
        messages.success(request, f"{query.number} was sent to the managers of {query.pod.name}.")


@post_only
def grant(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Approve the version that was seen in advance."""
    template = visible(request, public_id)
    form = GrantForm(request.POST)
    form.is_valid()
    digest = form.cleaned_data.get("digest", "")
    try:
        limit(request, "decide")
        given = services.grant(actor=person(request), template_id=template.pk, digest=digest, terms=form.terms())
    except PortalError as error:
        _take(form, error)
        return error.on(template_page(request, template, error=error, granting=form))
    messages.success(request, f"Approved in advance on {given.target.name} up to {given.until.isoformat()}.")
    return redirect("template", template.public_id)


@post_only
def withdraw(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Take an approval in advance back."""
    template = visible(request, public_id)
    target = request.POST.get("target", "")
    try:
        limit(request, "decide")
        services.withdraw_grant(actor=person(request), template_id=template.pk, target=target)
    except PortalError as error:
        return error.on(template_page(request, template, error=error))
    messages.success(request, "The approval in advance was withdrawn. Requests go to the managers again.")
    return redirect("template", template.public_id)


@post_only
def retire(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Take a template out of use."""
    template = visible(request, public_id)
    digest = request.POST.get("digest", "")
    try:
        limit(request, "decide")
        services.retire_template(actor=person(request), template_id=template.pk, digest=digest)
    except PortalError as error:
        return error.on(template_page(request, template, error=error))
    messages.success(request, f"{template.name} was retired. What was asked with it stays.")
    return redirect("template", template.public_id)


def _take(form: ServiceForm, error: PortalError) -> None:
    """What was refused, at its fields."""
    if isinstance(error, BadInput):
        form.take_errors(error)
