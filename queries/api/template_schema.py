"""The shapes of templates, for the OpenAPI schema, and what makes them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import User
from executors.base import Access, EngineKind, Language
from queries import grants, services
from queries.api.bodies import DIGEST, TEXTS, VALUE
from queries.api.template_bodies import DECLARED
from queries.models import Ended, Grant, Template, TemplateUse

USUAL = {"oneOf": TEXTS, "nullable": True, "description": f"The value that a form begins with. {VALUE}"}
STORED = {**DECLARED, "properties": {**DECLARED["properties"], "usual": USUAL}}  # type: ignore[dict-item]  # JSON


@extend_schema_field(STORED)
class StoredDeclaration(serializers.JSONField):
    """A parameter as it is stored."""


class GrantShape(serializers.Serializer[object]):
    """An approval in advance. `holds` is asked anew at this moment; `ended` says why it does not. `people` null is all
    developers of the pod; `used_today` counts the runs of this day of UTC."""

    id = serializers.UUIDField()
    version = serializers.IntegerField(min_value=1)
    digest = serializers.RegexField(DIGEST)
    target = serializers.CharField()
    approver = serializers.CharField()
    comment = serializers.CharField(allow_blank=True)
    until = serializers.DateField()
    runs_a_day = serializers.IntegerField(min_value=1)
    runs_a_person = serializers.IntegerField(min_value=1)
    people = serializers.ListField(child=serializers.CharField(), allow_null=True)
    granted_at = serializers.DateTimeField()
    holds = serializers.BooleanField()
    ended = serializers.ChoiceField(choices=Ended.values, allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    used_today = serializers.IntegerField(min_value=0)


class TemplateRowShape(serializers.Serializer[object]):
    """A template as it is now. `digest` is over what it says: sent back, it tells what you read."""

    id = serializers.UUIDField()
    pod = serializers.CharField()
    name = serializers.CharField()
    owner = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    engine = serializers.ChoiceField(choices=[x.value for x in EngineKind])
    language = serializers.ChoiceField(choices=[x.value for x in Language])
    access = serializers.ChoiceField(choices=[x.value for x in Access])
    statement = serializers.CharField()
    parameters = serializers.ListField(child=StoredDeclaration())
    targets = serializers.ListField(child=serializers.CharField())
    version = serializers.IntegerField(min_value=1)
    digest = serializers.RegexField(DIGEST)
    created_at = serializers.DateTimeField()
    retired_at = serializers.DateTimeField(allow_null=True)


class VersionShape(serializers.Serializer[object]):
    """What a template said once."""

    version = serializers.IntegerField(min_value=1)
    author = serializers.CharField()
    at = serializers.DateTimeField()
    description = serializers.CharField(allow_blank=True)
    statement = serializers.CharField()
    parameters = serializers.ListField(child=StoredDeclaration())
    digest = serializers.RegexField(DIGEST)


class TemplateShape(TemplateRowShape):
    """One template with its newest versions, what was approved of it in advance, and what I may do."""

    versions = VersionShape(many=True)
    grants = GrantShape(many=True)
    allowed = serializers.ListField(
        child=serializers.ChoiceField(choices=["ask", "change", "retire", "grant", "withdraw"])
    )


class TemplatesShape(serializers.Serializer[object]):
    """Those in use, by name: at most 200."""

    results = TemplateRowShape(many=True)


class TemplateUseShape(serializers.Serializer[object]):
    """The template that a request was made of. `grant` is the approval in advance on which it ran; `ordinary` says why
    it did not, where there was one."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    version = serializers.IntegerField(min_value=1)
    digest = serializers.RegexField(DIGEST)
    grant = serializers.UUIDField(allow_null=True)
    ordinary = serializers.CharField(allow_blank=True)


def row_json(template: Template) -> dict[str, Any]:
    """A template as a list has it."""
    version = template.now
    return {
        "id": str(template.public_id),
        "pod": template.pod.slug,
        "name": template.name,
        "owner": template.owner.username,
        "description": version.description,
        "engine": version.engine,
        "language": version.language,
        "access": version.access,
        "statement": version.statement,
        "parameters": version.parameters,
        "targets": sorted(target.slug for target in version.targets.all()),
        "version": version.number,
        "digest": version.digest,
        "created_at": template.created_at,
        "retired_at": template.retired_at,
    }


def template_json(template: Template, reader: User, most: int) -> dict[str, Any]:
    """One template as the reader may see it, with at most so many versions and grants."""
    versions = template.versions.select_related("author")[:most]
    given = template.grants.with_all().prefetch_related("people__person")[:most]
    return row_json(template) | {
        "versions": [
            {
                "version": one.number,
                "author": one.author.username,
                "at": one.at,
                "description": one.description,
                "statement": one.statement,
                "parameters": one.parameters,
                "digest": one.digest,
            }
            for one in versions
        ],
        "grants": [grant_json(one, reader) for one in given],
        "allowed": [verb for verb, may in services.policies_of(reader, template).items() if may],
    }


def grant_json(grant: Grant, reader: User) -> dict[str, Any]:
    """An approval in advance, and whether it holds now."""
    ended = grants.ended(grant)
    return {
        "id": str(grant.public_id),
        "version": grant.version.number,
        "digest": grant.digest,
        "target": grant.target.slug,
        "approver": grant.approver.username,
        "comment": grant.comment,
        "until": grant.until.isoformat(),
        "runs_a_day": grant.runs_a_day,
        "runs_a_person": grant.runs_a_person,
        "people": None if grant.for_everyone else [one.person.username for one in grant.people.all()],
        "granted_at": grant.granted_at,
        "holds": ended is None,
        "ended": ended.value if ended else None,
        "ended_at": grant.ended_at,
        "used_today": grants.used(grant, reader).in_all,
    }


def use_json(use: TemplateUse | None) -> dict[str, Any] | None:
    """What a request was made of; null of one that was written by itself."""
    if use is None:
        return None
    version = use.version
    return {
        "id": str(version.template.public_id),
        "name": version.template.name,
        "version": version.number,
        "digest": version.digest,
        "grant": str(use.grant.public_id) if use.grant is not None else None,
        "ordinary": use.ordinary,
    }
