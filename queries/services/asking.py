"""Asking with the values of a template: an ordinary request, which runs at once where it was approved in advance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.db import transaction

from accounts.models import SYSTEM, User
from audit import log
from executors.base import Analysis
from pods.models import Target
from queries import grants, running
from queries.joined import shown
from queries.lifecycle import Status
from queries.models import Ended, Grant, QueryRequest, Template, TemplateUse, TemplateVersion
from queries.notices import outbox
from queries.running import places
from queries.services.deciding import approve_in_advance
from queries.services.drafts import Draft
from queries.services.parameters import Errors, Typed, field_of
from queries.services.submitting import Follows, judged, named_in_log, store
from queries.services.templates import check_seen, end_grant, locked_template, noted, subject
from web.errors import BadInput, FieldError


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks with a template: the digest of what they saw, the slug of a target, a value for each
    parameter (whose type is the template's own), and why."""

    digest: str
    target: str
    values: tuple[Typed, ...] = ()
    reason: str = ""
    ticket: str = ""
    expects: int | None = None


@dataclass(frozen=True, slots=True)
class _Way:
    """How a request goes: on a `grant` that lets this person run now, counted on a day; or, and then `ordinary` says
    why where there was one, to the pod's managers."""

    grant: Grant | None = None
    counted: grants.Used | None = None
    ordinary: str = ""


def ask(*, actor: User, template_id: int, asked: Asked) -> QueryRequest:
    """Ask for the statement of a template with these values. Returns the request as `joined.shown` does: after it ran
    where that was approved in advance, else while it waits, and then its `template_use` says why where there was one.

    A grant that is withdrawn, or a template that is changed, before the request is stored lets nothing run; what is
    done to them later does not stop what runs by then. Raises BadInput, and NotNow where the template is another.
    """
    with noted("ask", actor=actor, template_id=template_id):
        template = Template.objects.select_related("pod", "current").get(pk=template_id)
        check_seen(template, asked.digest)
        target, draft, analysis = judged(actor, _draft(template, asked))
        query = places.patiently(lambda: _record(actor, template_id, asked.digest, draft, (target, analysis)))
    return running.run(query) if query.state is Status.APPROVED else shown(query.pk)


def _draft(template: Template, asked: Asked) -> Draft:
    version, errors = template.now, dict[str, list[FieldError]]()
    if not version.targets.filter(slug=asked.target.replace("\0", "")).exists():
        errors["target"] = [FieldError("The template is for no such target.", "unknown_target")]
    parameters = _typed(version, asked.values, errors)
    if errors:
        raise BadInput(errors)
    return Draft(
        pod=template.pod.slug,
        target=asked.target,
        language=version.language,
        statement=version.statement,
        access=version.access,
        reason=asked.reason,
        ticket=asked.ticket,
        parameters=parameters,
        expects=asked.expects,
    )


def _typed(version: TemplateVersion, sent: tuple[Typed, ...], errors: Errors) -> tuple[Typed, ...]:
    """The values in the order of the template, each of the type that the template gives it."""
    by_name: Mapping[str, Typed] = {one.name: one for one in sent}
    declared = {one["name"]: one for one in version.parameters}
    for name in by_name.keys() - declared.keys():
        errors.setdefault("parameters", []).append(
            FieldError(f"The template has no parameter {name[:60]}.", "unknown_parameter")
        )
    if len(by_name) < len(sent):
        errors["parameters"] = [FieldError("Give each parameter one value.", "twice")]
    for name in declared.keys() - by_name.keys():
        errors[field_of(name)] = [FieldError("Give it a value, or null.", "required")]
    return tuple(
        replace(by_name[name], type=one["type"], of=one.get("of", ""))
        for name, one in declared.items()
        if name in by_name
    )


def _record(actor: User, template_id: int, digest: str, draft: Draft, read: tuple[Target, Analysis]) -> QueryRequest:
    """Store the request and, where it was approved in advance, that approval, with a place to run in.

    All under the lock of the template's row, or nothing at all: raises NoPlace, having counted nothing.
    """
    target, analysis = read
    with transaction.atomic():
        template = locked_template(template_id)
        check_seen(template, digest)
        target = _still(template, target)
        way = _way(actor, template, target)
        query = store(actor, draft, target, analysis, Follows(version=template.now, decided=way.grant is not None))
        if way.grant is not None:
            way = _of_this(way, way.grant, query, analysis)
            if way.grant is None:
                outbox.announce_submission(query)
        _use(actor, query, template.now, way)
    return query


def _still(template: Template, target: Target) -> Target:
    """The target as it is now. Raises BadInput where it is no longer one of the template's pod."""
    now = Target.objects.select_related("pod").filter(pk=target.pk, pod=template.pod_id, active=True).first()
    if now is None:
        raise BadInput({"target": [FieldError("The template is for no such target.", "unknown_target")]})
    return now


def _way(actor: User, template: Template, target: Target) -> _Way:
    """Whether something approved in advance lets this person run on the target now. What has ended is ended here."""
    found = template.grants.with_all().filter(target=target)
    grant = found.standing().first()
    why = grants.ended(grant) if grant is not None else None
    if grant is None:
        last = found.first()
        return _Way(ordinary=_ended(Ended(last.ended)) if last is not None else "")
    if why is not None:
        end_grant(grant, why, SYSTEM)
        return _Way(ordinary=_ended(why))
    counted = grants.used(grant, actor)
    ordinary = grants.not_for(grant, actor) or grants.used_up(grant, counted)
    return _Way(ordinary=ordinary) if ordinary else _Way(grant, counted)


def _ended(why: Ended) -> str:
    return f"Its approval in advance has ended. {why.label}"


def _of_this(way: _Way, grant: Grant, query: QueryRequest, analysis: Analysis) -> _Way:
    """The way of this very request, whose values are known."""
    ordinary = grants.unlike(grant, query, analysis)
    return _Way(ordinary=ordinary) if ordinary else way


def _use(actor: User, query: QueryRequest, version: TemplateVersion, way: _Way) -> None:
    """Write down what the request was made of and how it goes; the approval in advance is the approver's own."""
    grant, day = way.grant, way.counted.today if way.grant is not None and way.counted is not None else None
    TemplateUse.objects.create(query=query, version=version, person=actor, grant=grant, day=day, ordinary=way.ordinary)
    facts: dict[str, object] = {"query": str(query.public_id), "target": query.target.slug, "values": query.digest}
    facts |= {name: fact for name, fact in named_in_log(version).items() if name != "id"}
    if grant is not None:
        facts["grant"] = str(grant.public_id)
        in_advance = {"grant": str(grant.public_id), "template": named_in_log(version), "asked_by": actor.username}
        approve_in_advance(actor=grant.approver, query=query, data={"in_advance": in_advance})
    elif way.ordinary:
        facts["ordinary"] = way.ordinary
    log.append(log.Action.TEMPLATE_USE, actor=actor, subject=subject(version.template), data=facts)
