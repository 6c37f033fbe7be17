"""Who I am, which pods and targets I may reach, and what a target holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from django.core.cache import cache
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Role, User
from accounts.people import person
from executors import processes
from executors.base import Access, EngineKind, ExecutionError, Language, Limits, Masks, Table
from pods.models import SUBMIT, Environment, Pod, Target
from web.bodies import View
from web.errors import NotFound, Unavailable
from web.openapi import answers

SCHEMA_SECONDS = 5 * 60


# --- shapes ----------------------------------------------------------------------------------------


class PodShape(serializers.Serializer[Pod]):
    """A pod, and what I may do in it."""

    slug = serializers.CharField()
    name = serializers.CharField()
    active = serializers.BooleanField()
    may_submit = serializers.BooleanField()
    may_review = serializers.BooleanField()
    targets = serializers.ListField(child=serializers.CharField(), help_text="Slugs of its active targets.")


class MeShape(serializers.Serializer[User]):
    """The person behind the token."""

    username = serializers.CharField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)
    may_read_audit = serializers.BooleanField()
    may_submit = serializers.BooleanField()
    may_review = serializers.BooleanField()
    pods = PodShape(many=True)


class TargetLimitsShape(serializers.Serializer[Target]):
    """What one run may use."""

    seconds = serializers.IntegerField(min_value=0)
    lock_seconds = serializers.IntegerField(min_value=0)
    rows = serializers.IntegerField(min_value=0)
    bytes = serializers.IntegerField(min_value=0)


class TargetShape(serializers.Serializer[Target]):
    """One database. `access` lists what a credential is there for; `missing_variables` are names, never values."""

    slug = serializers.CharField()
    name = serializers.CharField()
    pod = serializers.CharField()
    engine = serializers.ChoiceField(choices=[engine.value for engine in EngineKind])
    environment = serializers.ChoiceField(choices=Environment.choices)
    languages = serializers.ListField(child=serializers.ChoiceField(choices=[item.value for item in Language]))
    script_modules = serializers.ListField(
        child=serializers.CharField(), help_text="What a script may require() there; empty where it takes no scripts."
    )
    access = serializers.ListField(child=serializers.ChoiceField(choices=[item.value for item in Access]))
    may_submit = serializers.BooleanField()
    missing_variables = serializers.ListField(child=serializers.CharField())
    approvals_required = serializers.IntegerField(min_value=0)
    retention_days = serializers.IntegerField(min_value=0)
    limits = TargetLimitsShape()
    maintenance_limits = TargetLimitsShape(allow_null=True, help_text="Null where it takes no maintenance.")


class ColumnShape(serializers.Serializer[object]):
    """A column and the server's own name of its type. `personal`: the target marks it as holding personal data."""

    name = serializers.CharField()
    type = serializers.CharField()
    personal = serializers.BooleanField()


class ReferenceShape(serializers.Serializer[object]):
    """A column of a foreign key, and the table it leads to."""

    column = serializers.CharField()
    table = serializers.CharField()


class TableShape(serializers.Serializer[Table]):
    """A table, view or collection. `estimated_rows` is null when the server has no estimate.

    `primary_key` names its columns; of MongoDB, `_id` where a sample showed one. `comment`: what the table's owner
    wrote about it, its first 500 characters; "" where nothing is written.
    """

    schema = serializers.CharField(allow_blank=True)
    name = serializers.CharField()
    kind = serializers.CharField()
    columns = ColumnShape(many=True)
    estimated_rows = serializers.IntegerField(allow_null=True, min_value=0)
    primary_key = serializers.ListField(child=serializers.CharField())
    references = ReferenceShape(many=True)
    comment = serializers.CharField(allow_blank=True)


class SchemaShape(serializers.Serializer[object]):
    """What the target's read credential may see. `search_path`: where a name without a schema is looked for."""

    target = serializers.CharField()
    search_path = serializers.ListField(child=serializers.CharField())
    tables = TableShape(many=True)


class PodsShape(serializers.Serializer[object]):
    """All of them on one page."""

    results = PodShape(many=True)


class TargetsShape(serializers.Serializer[object]):
    """All of them on one page."""

    results = TargetShape(many=True)


# --- reading ---------------------------------------------------------------------------------------


def pods_json(user: User) -> list[dict[str, object]]:
    """The pods a person may know of, in four database queries whatever their number."""
    submit = set(Pod.objects.with_permission(user, SUBMIT).values_list("pk", flat=True))
    review = set(Pod.objects.reviewed_by(user).values_list("pk", flat=True))
    return [
        {
            "slug": pod.slug,
            "name": pod.name,
            "active": pod.active,
            "may_submit": pod.active and pod.pk in submit,
            "may_review": pod.active and pod.pk in review,
            "targets": [target.slug for target in pod.targets.all() if target.active],
        }
        for pod in Pod.objects.visible_to(user).prefetch_related("targets")
    ]


def me_json(user: User) -> dict[str, object]:
    """Who somebody is and what they may do."""
    pods = pods_json(user)
    return {
        "username": user.username,
        "name": user.name or user.username,
        "role": user.role,
        "may_read_audit": user.may_read_audit_log,
        "may_submit": any(pod["may_submit"] for pod in pods),
        "may_review": any(pod["may_review"] for pod in pods),
        "pods": pods,
    }


def target_json(target: Target, *, may_submit: bool) -> dict[str, object]:
    """A target as it is answered."""
    maintains = target.allow_maintenance
    return {
        "slug": target.slug,
        "name": target.name,
        "pod": target.pod.slug,
        "engine": target.engine,
        "environment": target.environment,
        "languages": [language.value for language in target.languages],
        "script_modules": sorted(target.script_modules) if target.allow_scripts else [],
        "access": [access.value for access in Access if target.offers(access)],
        "may_submit": may_submit,
        "missing_variables": target.missing_variables(),
        "approvals_required": target.approvals_required,
        "retention_days": target.retention_days,
        "limits": _limits_json(target.limits),
        "maintenance_limits": _limits_json(target.limits_for(Access.MAINTENANCE)) if maintains else None,
    }


def _limits_json(limits: Limits) -> dict[str, int]:
    return {
        "seconds": int(limits.seconds),
        "lock_seconds": int(limits.lock_seconds),
        "rows": limits.rows,
        "bytes": limits.bytes,
    }


def schema_of(*, actor: User, slug: str) -> tuple[Target, tuple[Table, ...]]:
    """A target and what it holds, asked of it at most every five minutes.

    Raises NotFound for a target the person may not ask for, Unavailable when it cannot be reached.
    """
    target = Target.objects.usable_by(actor).filter(slug=slug).first()
    if target is None:
        raise NotFound("There is no such target that you may ask for.")
    key = f"tables:{target.slug}"
    known: tuple[Table, ...] | None = cache.get(key)
    if known is None:
        known = _introspect(target)
        cache.set(key, known, SCHEMA_SECONDS)
    return target, known


def _introspect(target: Target) -> tuple[Table, ...]:
    try:
        return processes.introspect(target.with_credential(Access.READ))
    except KeyError as error:
        message = f"{target.name} cannot be reached: the variable {error.args[0]} is not set. Tell an admin."
        raise _unavailable(message, "credential_missing") from error
    except ExecutionError as error:
        raise _unavailable(error.public_message, error.code.value.lower()) from error


def _unavailable(message: str, code: str) -> Unavailable:
    error = Unavailable(message)
    error.code = code
    return error


def _tables_json(tables: Iterable[Table], masks: Masks) -> list[dict[str, object]]:
    return [{**asdict(table), "columns": _columns_json(table, masks)} for table in tables]


def _columns_json(table: Table, masks: Masks) -> list[dict[str, object]]:
    return [{**asdict(column), "personal": masks.hide(table.name, column.name)} for column in table.columns]


# --- views -----------------------------------------------------------------------------------------


class Me(View):
    """GET `me/`."""

    @extend_schema(operation_id="me", responses=answers(MeShape), tags=["me"])
    def get(self, request: Request) -> Response:
        """Who I am, my role, my pods, and what I may do."""
        return Response(me_json(person(request)))


class Pods(View):
    """GET `pods/`."""

    @extend_schema(operation_id="pods", responses=answers(PodsShape), tags=["pods"])
    def get(self, request: Request) -> Response:
        """The pods I am in; all of them for admins and auditors."""
        return Response({"results": pods_json(person(request))})


class Targets(View):
    """GET `targets/`."""

    @extend_schema(operation_id="targets", responses=answers(TargetsShape), tags=["pods"])
    def get(self, request: Request) -> Response:
        """The targets of the pods I am in."""
        user = person(request)
        usable = set(Target.objects.usable_by(user).values_list("pk", flat=True))
        targets = Target.objects.visible_to(user).filter(active=True).select_related("pod")
        return Response({"results": [target_json(target, may_submit=target.pk in usable) for target in targets]})


class TargetSchema(View):
    """GET `targets/<slug>/schema/`."""

    @extend_schema(operation_id="target_schema", responses=answers(SchemaShape, 404), tags=["pods"])
    def get(self, request: Request, slug: str) -> Response:
        """Tables or collections of a target, with their columns."""
        target, tables = schema_of(actor=person(request), slug=slug)
        path = target.schemas if target.engine == EngineKind.POSTGRESQL else ()
        listed = _tables_json(tables, Masks.of(target.personal_columns))
        return Response({"target": slug, "search_path": path, "tables": listed})
