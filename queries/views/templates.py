"""The pages of templates: those of my pods, one of them, and the form that keeps or changes one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.people import person
from executors.base import Access
from pods.models import Pod, Target
from queries import grants, services
from queries.forms import ACCESS_CHOICES, LANGUAGE_CHOICES, known_id
from queries.models import Grant, Template, TemplateVersion
from queries.parameter_rows import GIVEN_CHOICES, TYPE_CHOICES
from queries.presentation.code import code_lines
from queries.presentation.excerpt import beginning
from queries.template_forms import AskForm, GrantForm, TemplateForm, changed_from, kept_of, names_of
from web.errors import BadInput, NotAllowed, NotFound, PortalError
from web.filters import FILTER_LENGTH
from web.ratelimit import limit

SHOWN = 200
VERSION_DIGITS = 9


@require_safe
def templates(request: HttpRequest) -> HttpResponse:
    """The templates in use of the pods that the reader may know of, or of one of them."""
    user = person(request)
    words, slug = (request.GET.get(name, "")[:FILTER_LENGTH].replace("\0", "") for name in ("q", "pod"))
    found = Template.objects.visible_to(user).in_use().search_for(words)
    if slug:
        found = found.filter(pod__slug=slug)
    rows = list(found.as_rows()[: SHOWN + 1])
    context = {
        "nav": "pods",
        "templates": rows[:SHOWN],
        "more": len(rows) > SHOWN,
        "words": words,
        "chosen": slug,
        "pods": Pod.objects.visible_to(user),
        "may_keep": Target.objects.usable_by(user).exists(),
    }
    return render(request, "templates/list.html", context)


@require_safe
def template(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One template: the form that asks with it, what it says, and what was approved of it in advance."""
    return template_page(request, visible(request, public_id))


def visible(request: HttpRequest, public_id: UUID) -> Template:
    """A template the reader may know of. Raises NotFound."""
    found = Template.objects.visible_to(person(request)).select_related("pod", "owner", "current", "retired_by")
    template = found.filter(public_id=public_id).first()
    if template is None:
        raise NotFound("There is no such template, or it belongs to a pod that you are not in.")
    return template


def template_page(
    request: HttpRequest,
    template: Template,
    *,
    error: PortalError | None = None,
    asking: AskForm | None = None,
    granting: GrantForm | None = None,
) -> HttpResponse:
    """The page, after a refused act too: with the reason, and what was typed."""
    user, version = person(request), _version(request, template)
    shown = beginning(version.statement)
    context = {
        "nav": "pods",
        "template": template,
        "version": version,
        "is_current": version.pk == template.current_id,
        "error": error,
        "may": services.policies_of(user, template),
        "targets": list(version.targets.all()),
        "shown": shown,
        "lines": code_lines(shown.text, version.language, (), shown.first),
        "versions": template.versions.select_related("author"),
        "givens": GIVEN_CHOICES,
        **_asking(user, template, version, asking),
        **_granting(user, template, version, granting),
    }
    return render(request, "templates/detail.html", context)


def _version(request: HttpRequest, template: Template) -> TemplateVersion:
    """The version that the address asks for, else the one in use. Raises NotFound."""
    number = request.GET.get("version", "")
    if not number:
        return template.now
    known = number.isascii() and number.isdigit() and len(number) <= VERSION_DIGITS
    found = template.versions.filter(number=int(number)).first() if known else None
    if found is None:
        raise NotFound("There is no such version of this template.")
    return found


def _asking(user: User, template: Template, version: TemplateVersion, form: AskForm | None) -> dict[str, Any]:
    """The form that asks with it, for those who may; and for each target how a request would go now."""
    usable = Target.objects.usable_by(user).filter(template_versions=version).order_by("name")
    form = form or AskForm(version=version, initial={"digest": version.digest})
    ways = {one.target.slug: one for one in _standing(template) if grants.ended(one) is None}
    return {
        "form": form,
        "rows": form.rows(),
        "usable": [(target, _way(user, ways.get(target.slug))) for target in usable],
        "chosen": str(form["target"].value() or ""),
    }


def _way(user: User, grant: Grant | None) -> Mapping[str, object]:
    """What is known now of how a request of this person would go: it is judged anew when it is sent."""
    if grant is None:
        return {}
    counted = grants.used(grant, user)
    why = grants.not_for(grant, user) or grants.used_up(grant, counted)
    runs = min(grant.runs_a_person - counted.by_person, grant.runs_a_day - counted.in_all)
    return {"grant": grant, "why": why, "runs": max(0, runs)}


def _standing(template: Template) -> list[Grant]:
    return list(template.grants.with_all().standing())


def _granting(user: User, template: Template, version: TemplateVersion, form: GrantForm | None) -> dict[str, Any]:
    """What was approved in advance, newest first, with why it holds no longer; and the form, for managers."""
    given = []
    for grant in template.grants.with_all().prefetch_related("people__person")[:SHOWN]:
        why = grants.ended(grant)
        given.append({"grant": grant, "why": why.label if why else "", "used": grants.used(grant, user).in_all})
    people = User.objects.filter(groups__in=grants.of_pod(template.pod), is_active=True).exclude(pk=user.pk).distinct()
    return {
        "given": given,
        "granting": form or GrantForm(initial={"digest": version.digest, "runs_a_day": "20", "runs_a_person": "5"}),
        "granting_open": form is not None,
        "people": names_of(list(people.order_by("first_name", "username"))),
        "ticked": form.named() if form is not None else [],
        "most_days": services.MOST_DAYS,
    }


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """The form that keeps a template, empty or from a request; and what it sends."""
    if request.method != "POST":
        return _form_page(request, TemplateForm(initial=_initial(request)))
    form = TemplateForm(request.POST)
    try:
        limit(request, "submit")
        form.is_valid()
        template = services.create_template(actor=person(request), draft=form.draft(person(request)))
    except PortalError as error:
        return _refused(request, form, error)
    messages.success(request, f"{template.name} is kept for {template.pod.name}.")
    return redirect("template", template.public_id)


@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The form that makes a new version."""
    template = visible(request, public_id)
    if request.method != "POST":
        reason = grants.cannot_change(person(request), template)
        if reason:
            raise NotAllowed(reason)
        return _form_page(request, TemplateForm(initial=changed_from(template)), template)
    form = TemplateForm(request.POST)
    try:
        limit(request, "submit")
        form.is_valid()
        digest = form.cleaned_data["digest"]
        draft = form.draft(person(request))
        changed = services.change_template(actor=person(request), template_id=template.pk, digest=digest, draft=draft)
    except NotAllowed:
        raise  # the form is not for them
    except PortalError as error:
        return _refused(request, form, error, template)
    messages.success(request, f"{changed.name} was changed: version {changed.now.number}.")
    return redirect("template", template.public_id)


def _initial(request: HttpRequest) -> dict[str, Any]:
    if "query" in request.GET:
        query = services.visible_query(actor=person(request), public_id=known_id(request.GET["query"]))
        if query.undoes_id is not None:
            raise NotFound("An undo puts back what was found once; it is no template.")
        return kept_of(query)
    return {"access": Access.READ.value, "targets": [request.GET.get("target", "")]}


def _refused(
    request: HttpRequest, form: TemplateForm, error: PortalError, template: Template | None = None
) -> HttpResponse:
    if isinstance(error, BadInput):
        form.take_errors(error)
    else:
        form.add_error(None, error.message)
    return error.on(_form_page(request, form, template))


def _form_page(request: HttpRequest, form: TemplateForm, template: Template | None = None) -> HttpResponse:
    usable = Target.objects.usable_by(person(request)).select_related("pod").order_by("pod__name", "name")
    context = {
        "nav": "pods",
        "form": form,
        "template": template,
        "targets": usable.filter(pod=template.pod) if template is not None else usable,
        "chosen": form.chosen(),
        "rows": form.rows(),
        "types": TYPE_CHOICES,
        "givens": GIVEN_CHOICES,
        "languages": LANGUAGE_CHOICES,
        "accesses": ACCESS_CHOICES,
    }
    return render(request, "templates/form.html", context)
