"""Keeping a template, changing it and retiring it. Whatever changes one is done under the lock of its row."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from accounts.models import SYSTEM, Actor, User
from audit import log
from executors.base import Access, Analysis, EngineKind, Language, NamedParameter, Parameter, ParameterType
from executors.base.parameters import to_json
from executors.normalising import normalised
from pods.models import Pod, Target
from queries import grants, policies, refusals
from queries.models import Ended, Grant, Template, TemplateVersion
from queries.models.template import DESCRIPTION_LENGTH, NAME_LENGTH
from queries.services.drafts import Draft, read, refused, where
from queries.services.parameters import Errors, Typed, values
from web.errors import BadInput, FieldError, NotAllowed, NotNow
from web.texts import text_problem

MOST_TARGETS = 20
MOST_TEMPLATES = 500
STATEMENT_LENGTH = 100_000
# What stands for a value that nobody knows yet while a statement is read.
SAMPLES: Final = {
    ParameterType.TEXT: "text",
    ParameterType.INTEGER: "1",
    ParameterType.DECIMAL: "1.5",
    ParameterType.BOOLEAN: "true",
    ParameterType.DATE: "2026-01-31",
    ParameterType.TIMESTAMP: "2026-01-31T12:00:00Z",
    ParameterType.UUID: "123e4567-e89b-12d3-a456-426614174000",
    ParameterType.JSON: "{}",
}


@dataclass(frozen=True, slots=True)
class Declared:
    """A parameter that a template has: its name and type, and where `has_usual` the value that a form begins with."""

    typed: Typed
    has_usual: bool = False


@dataclass(frozen=True, slots=True)
class TemplateDraft:
    """A template as typed. `pod` and `targets` are slugs."""

    pod: str
    name: str
    language: str
    access: str
    statement: str
    targets: tuple[str, ...]
    description: str = ""
    parameters: tuple[Declared, ...] = ()


@dataclass(frozen=True, slots=True)
class _Judged:
    """A draft that is in order: its targets, and its parameters as they are stored."""

    draft: TemplateDraft
    targets: list[Target]
    parameters: list[dict[str, object]]

    def version(self, template: Template, number: int, author: User) -> TemplateVersion:
        """What is stored of it, not saved."""
        draft = self.draft
        version = TemplateVersion(
            template=template,
            number=number,
            author=author,
            description=draft.description.strip(),
            engine=self.targets[0].engine,
            language=draft.language,
            access=draft.access,
            statement=normalised(Language(draft.language), draft.statement),
            parameters=self.parameters,
        )
        version.digest = version.digest_of(self.targets)
        return version


def create_template(*, actor: User, draft: TemplateDraft) -> Template:
    """Keep a statement for a pod. Raises BadInput with everything that is wrong at once."""
    judged = _judged(actor, draft)
    pod = judged.targets[0].pod
    template = Template(pod=pod, owner=actor, name=_named(draft))
    with transaction.atomic():
        Pod.objects.select_for_update(no_key=True).get(pk=pod.pk)
        if Template.objects.in_use().filter(pod=pod).count() >= MOST_TEMPLATES:
            raise BadInput({"name": [FieldError(f"There are {MOST_TEMPLATES} templates; retire one.", "too_many")]})
        _store(template, judged, 1, actor)
        _record(log.Action.TEMPLATE_CREATE, actor, template, {})
    return template


def change_template(*, actor: User, template_id: int, digest: str, draft: TemplateDraft) -> Template:
    """Have a template say something else from now on: a new version, which nobody approved in advance.

    Raises BadInput, NotAllowed, and NotNow where it is not what the person saw.
    """
    with noted("change", actor=actor, template_id=template_id):
        template = Template.objects.select_related("pod").get(pk=template_id)
        _allow(grants.cannot_change(actor, template))
        judged = _judged(actor, replace(draft, pod=template.pod.slug))
        return _change(actor, template_id, digest, judged)


def _change(actor: User, template_id: int, digest: str, judged: _Judged) -> Template:
    with transaction.atomic():
        template = locked_template(template_id)
        _allow(grants.cannot_change(actor, template))
        check_seen(template, digest)
        before = template.now
        template.name = _named(judged.draft)
        _store(template, judged, before.number + 1, actor)
        for grant in template.grants.standing():
            end_grant(grant, Ended.CHANGED, actor)
        _record(log.Action.TEMPLATE_CHANGE, actor, template, {"before": before.digest})
    return template


def retire_template(*, actor: User, template_id: int, digest: str) -> Template:
    """Take a template out of use; what was asked with it stays, and what runs goes on. Raises NotAllowed and NotNow."""
    with noted("retire", actor=actor, template_id=template_id), transaction.atomic():
        template = locked_template(template_id)
        _allow(grants.cannot_change(actor, template))
        check_seen(template, digest)
        Template.objects.filter(pk=template.pk).update(retired_at=Now(), retired_by=actor)
        for grant in template.grants.standing():
            end_grant(grant, Ended.RETIRED, actor)
        _record(log.Action.TEMPLATE_RETIRE, actor, template, {})
    template.refresh_from_db(fields=["retired_at", "retired_by"])
    return template


def locked_template(template_id: int) -> Template:
    """The template with its pod and its current version as they are once its row is locked, until the transaction
    ends. What a statement that waited reads beside the row is older than its lock: so there are two."""
    Template.objects.select_for_update(no_key=True).only("pk").get(pk=template_id)
    template = Template.objects.select_related("pod", "owner", "current").get(pk=template_id)
    template.now.template = template
    return template


def check_seen(template: Template, digest: str) -> None:
    """Refuse what was meant for a template that is in use no more, or says something else by now."""
    if not digest:
        raise BadInput({"digest": [FieldError("Send the digest of the template as you saw it.", "required")]})
    if template.retired_at is not None:
        raise NotNow(f"The template {template.name} was retired; nothing was done.", code="template_retired")
    if digest != template.now.digest:
        message = f"The template {template.name} was changed since you saw it; nothing was done. Read it again."
        raise NotNow(message, code="digest_differs")


def end_grant(grant: Grant, why: Ended, actor: Actor) -> None:
    """End an approval in advance, in the transaction that holds the lock of its template."""
    by = actor if isinstance(actor, User) else None
    ended = Grant.objects.filter(pk=grant.pk, ended_at=None).update(ended_at=Now(), ended=why.value, ended_by=by)
    if ended:
        action = log.Action.TEMPLATE_WITHDRAW if why is Ended.WITHDRAWN else log.Action.TEMPLATE_LAPSE
        data = {"grant": str(grant.public_id), "target": grant.target.slug, "why": why.value, "digest": grant.digest}
        log.append(action, actor=actor, subject=subject(grant.template), data=data)


def lapse_grants() -> int:
    """End the approvals in advance that hold no longer; how many."""
    return sum(map(_lapse, list(Grant.objects.standing().values_list("pk", "template"))))


def subject(template: Template) -> log.Subject:
    """The template as a subject of the audit log."""
    return log.Subject("template", str(template.public_id), template.name)


def noted(verb: str, *, actor: User, template_id: int) -> AbstractContextManager[None]:
    """Around the transaction of an act on a template: a NotAllowed from inside is recorded, and goes on."""

    def about() -> log.Subject:
        return subject(Template.objects.only("public_id", "name").get(pk=template_id))

    return refusals.noting(log.Action.TEMPLATE_REFUSED, verb, actor=actor, about=about)


def read_template(version: TemplateVersion, target: Target) -> Analysis:
    """What reading a version for a target tells, with its usual values, and samples where it has none."""
    return read(target, _draft_of(version, target, tuple(declared_values(version))))


def declared_values(version: TemplateVersion) -> Sequence[NamedParameter]:
    """The parameters of a version with their usual values, and samples where they have none."""
    typed = [_with_value(_declared(one)).typed for one in version.parameters]
    found = values(typed, {})
    return [one for one in found if isinstance(one, NamedParameter)]


def _declared(stored: dict[str, object]) -> Declared:
    name, kind, of = (str(stored.get(part, "")) for part in ("name", "type", "of"))
    return Declared(Typed(name, kind, stored.get("usual"), of), "usual" in stored)


def _draft_of(version: TemplateVersion, target: Target, parameters: tuple[NamedParameter, ...]) -> Draft:
    return Draft(
        pod=target.pod.slug,
        target=target.slug,
        language=version.language,
        statement=version.statement,
        access=version.access,
        parameters=parameters,
    )


def _lapse(keys: tuple[int, int]) -> bool:
    grant_id, template_id = keys
    with transaction.atomic():
        locked_template(template_id)
        grant = Grant.objects.with_all().standing().filter(pk=grant_id).first()
        why = grants.ended(grant) if grant is not None else None
        if grant is not None and why is not None:
            end_grant(grant, why, SYSTEM)
    return why is not None


def _store(template: Template, judged: _Judged, number: int, author: User) -> None:
    """Save the template with a new version. Raises BadInput where its pod has another of that name."""
    try:
        with transaction.atomic():
            template.save()
    except IntegrityError as error:
        message = "There is a template of that name already."
        raise BadInput({"name": [FieldError(message, "taken")]}) from error
    version = judged.version(template, number, author)
    version.save(force_insert=True)
    version.targets.set(judged.targets)
    template.current = version
    template.save(update_fields=["current"])


def _record(action: log.Action, actor: User, template: Template, data: dict[str, object]) -> None:
    version = template.now
    facts = {"pod": template.pod.slug, "version": version.number, "digest": version.digest, "access": version.access}
    log.append(action, actor=actor, subject=subject(template), data=facts | data)


def _allow(reason: str) -> None:
    if reason:
        raise NotAllowed(reason)


def _named(draft: TemplateDraft) -> str:
    return " ".join(draft.name.split())


# --- judging ---------------------------------------------------------------------------------------


def _judged(actor: User, draft: TemplateDraft) -> _Judged:
    """The draft, in order. Raises BadInput with everything that is wrong at once."""
    errors: Errors = {}
    _check_words(draft, errors)
    bound = [_with_value(one).typed for one in draft.parameters]
    placed = values(bound, errors)
    targets = _targets(actor, draft, errors)
    if not errors:
        for target in targets:
            _check_reading(target, draft, placed, errors)
    if errors:
        raise BadInput(errors)
    return _Judged(draft, targets, _stored(draft, placed))


def _check_words(draft: TemplateDraft, errors: Errors) -> None:
    name = _named(draft)
    for field, text, most in (("name", name, NAME_LENGTH), ("description", draft.description, DESCRIPTION_LENGTH)):
        problem = text_problem(text, most=most)
        if problem:
            errors[field] = [problem]
    if len(draft.statement) > STATEMENT_LENGTH:
        message = f"It is {len(draft.statement):,} characters long; a template has at most {STATEMENT_LENGTH:,}."
        errors["statement"] = [FieldError(message, "too_long")]
    if not draft.statement.strip():
        errors["statement"] = [FieldError("There is no statement.", "required")]
    if not name:
        errors["name"] = [FieldError("Give it a name.", "required")]


def _with_value(declared: Declared) -> Declared:
    """With a sample where it has no usual value."""
    typed = declared.typed
    if declared.has_usual:
        return declared
    kind = typed.of or ParameterType.TEXT.value if typed.type == ParameterType.LIST else typed.type
    sample = SAMPLES[ParameterType(kind)] if kind in SAMPLES else None
    listed = [sample] if typed.type == ParameterType.LIST and sample is not None else sample
    return replace(declared, typed=replace(typed, value=listed, problem=""))


def _stored(draft: TemplateDraft, placed: Sequence[Parameter]) -> list[dict[str, object]]:
    """The parameters as they are stored, their usual values in their exact form."""
    usual = {one.typed.name: one.has_usual for one in draft.parameters}
    stored = []
    for parameter in placed:
        if isinstance(parameter, NamedParameter):
            written = dict(to_json(parameter))
            value = written.pop("value")
            stored.append(written | ({"usual": value} if usual[parameter.name] else {}))
    return stored


def _targets(actor: User, draft: TemplateDraft, errors: Errors) -> list[Target]:
    """The targets that the template is for, each of which its author may ask for."""
    slugs = list(dict.fromkeys(draft.targets))
    if not slugs or len(slugs) > MOST_TARGETS:
        errors["targets"] = [FieldError(f"Choose targets, from one to {MOST_TARGETS}.", "required")]
        return []
    found = []
    for slug in slugs:
        asked = Draft(draft.pod, slug, draft.language, draft.statement, draft.access)
        target, wrong = where(actor, asked)
        for name, problems in wrong.items():
            errors.setdefault("targets" if name == "target" else name, []).extend(problems)
        found += [target] if target is not None else []
    if len({EngineKind(target.engine) for target in found}) > 1:
        errors["targets"] = [FieldError("Its targets are of different engines; keep one template for each.", "mixed")]
    return found


def _check_reading(target: Target, draft: TemplateDraft, placed: tuple[Parameter, ...], errors: Errors) -> None:
    """What a request with the usual values would be refused for."""
    asked = Draft(draft.pod, target.slug, draft.language, draft.statement, draft.access, parameters=placed)
    for name, problems in refused(read(target, asked)).items():
        known = errors.setdefault(name, [])
        known += [problem for problem in problems if problem not in known]


def policies_of(actor: User, template: Template) -> dict[str, bool]:
    """What the person may do with a template that is in use, by the words of the addresses."""
    in_use = template.retired_at is None
    return {
        "ask": in_use and policies.can_submit(actor, template.pod),
        "change": in_use and not grants.cannot_change(actor, template),
        "retire": in_use and not grants.cannot_change(actor, template),
        "grant": in_use and template.now.access == Access.READ and not grants.cannot_grant(actor, template.pod),
        "withdraw": in_use and not grants.cannot_grant(actor, template.pod),
    }
