"""Pods and targets in the admin. Who is in a pod is edited here, and only here."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import FilteredSelectMultiple
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.models import User
from audit import log
from audit.administration import AuditedAdmin, actor_of, is_admin
from pods import membership
from pods.examining import about, examine_target
from pods.models import Pod, Target, TargetReport
from web.errors import NotAllowed, NotFound
from web.verbs import post_only

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Pod]
else:
    ModelForm = forms.ModelForm


class PodForm(ModelForm):
    managers_of_pod = forms.ModelMultipleChoiceField(
        User.objects.filter(is_active=True).order_by("username"),
        required=False,
        label="Managers",
        widget=FilteredSelectMultiple("managers", is_stacked=False),
        help_text="They decide on this pod's requests and may submit. Those whose role is developer may not decide.",
    )
    developers_of_pod = forms.ModelMultipleChoiceField(
        User.objects.filter(is_active=True).order_by("username"),
        required=False,
        label="Developers",
        widget=FilteredSelectMultiple("developers", is_stacked=False),
        help_text="They submit requests.",
    )

    class Meta:
        model = Pod
        fields = ("name", "slug", "active", "slack_channel", "slack_shows_statement")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["managers_of_pod"] = list(self.instance.managers.user_set.filter(is_active=True))
            self.initial["developers_of_pod"] = list(self.instance.developers.user_set.filter(is_active=True))

    def clean(self) -> dict[str, Any]:
        """Two people of a pod are told apart by their names."""
        values: dict[str, Any] = super().clean() or {}
        for field in ("managers_of_pod", "developers_of_pod"):
            before = {*self.initial.get("managers_of_pod", ()), *self.initial.get("developers_of_pod", ())}
            members = {*values.get("managers_of_pod", ()), *values.get("developers_of_pod", ())}
            for one, other in membership.newly_alike(members, before):
                if one in values.get(field, ()):
                    self.add_error(
                        field, f"{one.label} and {other.label} have names that look alike. Change one first."
                    )
        return values


@admin.register(Pod)
class PodAdmin(AuditedAdmin):
    """A team and its members."""

    form = PodForm  # type: ignore[assignment]  # the base is written for any model
    list_display = ("name", "slug", "active", "manager_count", "developer_count", "slack_channel")
    list_filter = ("active",)
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    fieldsets = (
        (None, {"fields": ("name", "slug", "active")}),
        ("Members", {"fields": ("managers_of_pod", "developers_of_pod")}),
        ("Slack", {"fields": ("slack_channel", "slack_shows_statement")}),
    )
    recorded_fields = frozenset({"name", "slug", "active", "slack_channel", "slack_shows_statement"})

    @admin.display(description="Managers")
    def manager_count(self, pod: Pod) -> int:
        """Active members who may decide."""
        return pod.reviewers().count()

    @admin.display(description="Developers")
    def developer_count(self, pod: Pod) -> int:
        """Active developers."""
        return pod.developers.user_set.filter(is_active=True).count()

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> tuple[str, ...]:  # noqa: ARG002 -- Django's call
        """The slug is in addresses and in the audit log; it stays."""
        return ("slug",) if obj else ()

    def get_prepopulated_fields(self, request: HttpRequest, obj: models.Model | None = None) -> dict[str, Any]:  # noqa: ARG002 -- Django's call
        """Only while the slug can be edited."""
        return {} if obj else {"slug": ("name",)}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001 -- Django's call
        """A new pod gets its groups, and they their permissions."""
        if not change:
            membership.prepare_groups(obj)
        obj.save()
        if not change:
            membership.grant(obj)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 -- Django's call
        """Members, recorded by name."""
        super().save_related(request, form, formsets, change)
        user = request.user
        assert isinstance(user, User)
        membership.set_members(
            actor=user,
            pod=form.instance,
            managers=_kept(form, "managers"),
            developers=_kept(form, "developers"),
        )

    def audit_subject(self, obj: models.Model) -> log.Subject:
        """As `membership` names it."""
        assert isinstance(obj, Pod)
        return membership.subject(obj)


def _kept(form: Any, group: str) -> list[User]:
    """The chosen people, and deactivated members, whom the form does not show."""
    inactive = getattr(form.instance, group).user_set.filter(is_active=False)
    return [*form.cleaned_data[f"{group}_of_pod"], *inactive]


@admin.register(Target)
class TargetAdmin(AuditedAdmin):
    """A database a pod may reach; credentials are named, never stored."""

    list_display = ("name", "pod", "engine", "environment", "approvals_required", "active", "variables")
    list_filter = ("engine", "environment", "active", "pod")
    list_select_related = ("pod",)
    search_fields = ("name", "slug")
    readonly_fields = ("variables", "tested")
    fieldsets = (
        (None, {"fields": ("pod", "name", "slug", "engine", "environment", "active")}),
        (
            "Credentials",
            {
                "fields": ("read_url_variable", "write_url_variable", "variables", "tested"),
                "description": "Names of variables in the portal's environment. The URLs are never shown or stored.",
            },
        ),
        (
            "What a run may use",
            {"fields": ("search_path", "places", "seconds_limit", "lock_seconds_limit", "rows_limit", "bytes_limit")},
        ),
        (
            "Writes",
            {
                "fields": (
                    "expects_required",
                    "default_bound",
                    "bound_tolerance",
                    "undo_rows",
                    "undo_bytes",
                    "rehearsals",
                    "rehearsal_seconds",
                    "rehearsal_lock_seconds",
                    "rehearsal_rows",
                    "rehearsal_minutes",
                ),
                "description": "How many rows a write may change, and what its reviewers see of that before it runs.",
            },
        ),
        (
            "Maintenance",
            {
                "fields": (
                    "allow_maintenance",
                    "maintenance_url_variable",
                    "maintenance_seconds_limit",
                    "maintenance_lock_seconds_limit",
                ),
                "description": "What cannot run in a transaction: one at a time on a target.",
            },
        ),
        ("What is pointed out", {"fields": ("personal_columns", "large_table_rows")}),
        ("Rules", {"fields": ("approvals_required", "pending_hours", "retention_days")}),
        ("Scripts", {"fields": ("allow_scripts", "script_modules")}),
    )
    recorded_fields = frozenset(
        field.name
        for field in Target._meta.concrete_fields  # noqa: SLF001 -- Django's documented API
        if field.name not in {"id", "pod"}
    )

    @admin.display(description="Variables")
    def variables(self, target: Target) -> SafeString | str:
        """Which of the named variables are missing, by name."""
        missing = target.missing_variables() if target.pk else []
        if not missing:
            return "All set" if target.pk else "Shown once the target is saved."
        names = format_html_join(", ", "<code>{}</code>", ((name,) for name in missing))
        return format_html("<strong>Missing: {}</strong>", names)

    @admin.display(description="Last test")
    def tested(self, target: Target) -> SafeString | str:
        """What the last test of its logins found, and how to mend it."""
        report = TargetReport.objects.filter(target=target).first() if target.pk else None
        if report is None:
            return "Not tested yet." if target.pk else "Once the target is saved, a button tests its logins."
        found = format_html_join("", "<li><strong>{}</strong> {}<br>{}</li>", map(_line, report.told))
        changed = "" if report.about == about(target) else " The target was changed since: test it again."
        head = f"{report.at:%Y-%m-%d %H:%M} UTC: {'' if report.told else 'nothing is to be done.'}{changed}"
        return format_html("{}<ul>{}</ul>", head, found) if report.told else head

    def get_urls(self) -> list[URLPattern]:
        """The admin's own, and the button's."""
        address = path("<int:key>/examine/", self.admin_site.admin_view(self.examine), name="pods_target_examine")
        return [address, *super().get_urls()]

    @method_decorator(post_only)
    def examine(self, request: HttpRequest, key: int) -> HttpResponse:
        """Test the logins of a target, and show what was found on its page."""
        if not is_admin(request):
            raise NotAllowed("Targets are tested by admins.")
        target = Target.objects.filter(pk=key).first()
        if target is None:
            raise NotFound("There is no such target.")
        told = examine_target(actor=actor_of(request), target=target).told
        faults = sum(fault for _, _, fault in told)
        level = messages.WARNING if faults else messages.SUCCESS
        said = f"{faults} to mend: see Last test." if faults else "Nothing has to be mended."
        if told and not faults:
            said += " What could be better, or is not known, stands under Last test."
        messages.add_message(request, level, f"{target.name} was tested. {said}")
        return redirect("admin:pods_target_change", key)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """A new target is tested next."""
        answer = super().response_add(request, obj, post_url_continue)
        return answer if "_addanother" in request.POST else redirect("admin:pods_target_change", obj.pk)

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> tuple[str, ...]:  # noqa: ARG002 -- Django's call
        """Requests name their target by its slug; they belong to its pod and its engine."""
        return ("variables", "tested", "pod", "slug", "engine") if obj else ("variables", "tested")

    def get_prepopulated_fields(self, request: HttpRequest, obj: models.Model | None = None) -> dict[str, Any]:  # noqa: ARG002 -- Django's call
        """Only while the slug can be edited."""
        return {} if obj else {"slug": ("name",)}

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """A target that nobody ever asked for may go."""
        return is_admin(request) and isinstance(obj, Target) and not obj.queries.exists()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        subject = self.audit_subject(obj)
        user = request.user
        assert isinstance(user, User)
        values = self.audit_values(obj, sorted(self.recorded_fields))
        obj.delete()
        log.append(log.Action.ADMIN_DELETE, actor=user, subject=subject, data={"before": values})

    def log_deletions(self, request: HttpRequest, queryset: Any) -> list[Any]:  # noqa: ARG002 -- Django's call
        """Recorded by `delete_model`; Django's own admin log is not written."""
        return []


def _line(told: list[Any]) -> tuple[str, str, str]:
    words, mend, fault = told
    return ("To mend:" if fault else "Advice:", words, mend)
