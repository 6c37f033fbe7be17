"""Admin pages whose every change is an audit entry, written in the transaction of the change."""

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.core.exceptions import BadRequest
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from audit import log

if TYPE_CHECKING:
    Base = admin.ModelAdmin[models.Model]
else:
    Base = admin.ModelAdmin


class AuditedAdmin(Base):
    """For portal admins only; Django's own admin log, which can be edited, is not written."""

    actions = None
    list_per_page = 100

    def has_module_permission(self, request: HttpRequest) -> bool:
        """The admin's index shows it."""
        return is_admin(request)

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:  # noqa: ARG002 -- Django's call
        """Portal admins see."""
        return is_admin(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Portal admins add."""
        return is_admin(request)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:  # noqa: ARG002 -- Django's call
        """Portal admins change."""
        return is_admin(request)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:  # noqa: ARG002 -- Django's call
        """Nobody deletes what the audit log speaks of; it is deactivated."""
        return False

    def log_addition(self, request: HttpRequest, obj: models.Model, message: object) -> Any:
        """Record an addition with what was filled in."""
        return self._record(log.Action.ADMIN_ADD, request, obj, message)

    def log_change(self, request: HttpRequest, obj: models.Model, message: object) -> Any:
        """Record a change with its fields, and their values now and before unless they are secret."""
        return self._record(log.Action.ADMIN_CHANGE, request, obj, message)

    def audit_subject(self, obj: models.Model) -> log.Subject:
        """How the log names the object."""
        name = str(obj._meta.model_name)  # noqa: SLF001 -- Django's documented API
        return log.Subject(name, str(getattr(obj, "slug", obj.pk)), str(obj))

    def audit_values(self, obj: models.Model, fields: list[str]) -> dict[str, object]:
        """The values of changed fields that may be recorded."""
        return {name: getattr(obj, name) for name in fields if name in self.recorded_fields}

    recorded_fields: frozenset[str] = frozenset()

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:  # noqa: ARG002, FBT001, FBT002 -- Django's call
        """The fields that changed and what stood in them, for the audit entry."""
        before = {} if add else {name: form.initial.get(name) for name in form.changed_data}
        return {"fields": sorted(form.changed_data), "before": before}

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list; a filter that no column could hold is bad input."""
        if any("\0" in value for value in request.GET.values()):
            raise BadRequest
        return super().changelist_view(request, extra_context)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: object = None) -> HttpResponse:  # noqa: ARG002 -- Django's call
        """An object's history is in the audit log."""
        obj = self.get_object(request, object_id)
        query = {"subject": self.audit_subject(obj).id} if obj else {}
        return redirect(f"{reverse('audit:list')}?{urlencode(query)}")

    def _record(self, action: log.Action, request: HttpRequest, obj: models.Model, message: object) -> int:
        told = message if isinstance(message, dict) else {"fields": [], "before": {}}
        before = {name: value for name, value in told["before"].items() if name in self.recorded_fields}
        data: dict[str, object] = {"fields": told["fields"], "values": self.audit_values(obj, told["fields"])}
        if before:
            data["before"] = before
        return log.append(action, actor=actor_of(request), subject=self.audit_subject(obj), data=data).seq


def actor_of(request: HttpRequest) -> log.Actor:
    """Who is signed in, as the log names people. Only for views behind the sign-in."""
    return cast("log.Actor", request.user)


def is_admin(request: HttpRequest) -> bool:
    """Whether the person's role is ADMIN."""
    return bool(getattr(request.user, "is_portal_admin", False))
