"""People in the admin: their role and how they sign in. Which pods they are in is edited on the pod."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as StockUserAdmin
from django.contrib.auth.models import Group
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts.models import User
from audit import log
from audit.administration import AuditedAdmin

if TYPE_CHECKING:
    Base = StockUserAdmin[User]
else:
    Base = StockUserAdmin

# A pod's groups are its members; they have no meaning of their own.
admin.site.unregister(Group)
# Whoever reads a refresh token is its owner: nobody's is shown, nor made good again.
admin.site.unregister((OutstandingToken, BlacklistedToken))


@admin.register(User)
class UserAdmin(AuditedAdmin, Base):
    """Add people, set their role, deactivate them."""

    list_display = ("username", "first_name", "last_name", "email", "role", "can_read_audit", "is_active", "last_login")
    list_filter = ("role", "can_read_audit", "is_active")
    filter_horizontal = ()
    readonly_fields = ("pods", "last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email", "notify_by_email", "theme")}),
        ("What they may do", {"fields": ("role", "can_read_audit", "is_active", "pods")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "usable_password", "password1", "password2")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("What they may do", {"fields": ("role", "can_read_audit")}),
    )
    recorded_fields = frozenset(
        {
            "username",
            "first_name",
            "last_name",
            "email",
            "notify_by_email",
            "theme",
            "role",
            "can_read_audit",
            "is_active",
        }
    )

    @admin.display(description="Pods", empty_value="None yet.")
    def pods(self, user: User) -> SafeString | str:
        """Membership, edited on the pod's own page."""
        groups = user.groups.order_by("name").values_list("name") if user.pk else ()
        listed = format_html_join("", "<li>{}</li>", groups)
        return listed or "None. Membership is edited on the page of the pod."

    def audit_subject(self, obj: models.Model) -> log.Subject:
        """A person is known by their number; the label is their name."""
        assert isinstance(obj, User)
        return log.Subject("user", str(obj.pk), obj.label)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """No looking for passwords by their hash."""
        return not lookup.startswith("password") and super().lookup_allowed(lookup, value, request)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002 -- Django's name
        """Set a password; with its audit entry or not at all."""
        with transaction.atomic():
            return super().user_change_password(request, id, form_url)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 -- Django's call
        """Staff is what an admin's role means, never a box of its own."""
        obj.is_staff = obj.role == "ADMIN"
        obj.is_superuser = False
        super().save_model(request, obj, form, change)
