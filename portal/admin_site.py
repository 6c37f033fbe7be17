"""The admin site: the portal's own sign-in, open to the role ADMIN alone."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator

from accounts.models import User
from web.errors import NotAllowed
from web.verbs import post_only


class PortalAdminSite(admin.AdminSite):
    """Django's admin in the portal's colours."""

    site_header = "Query Portal admin"
    site_title = "Query Portal admin"
    index_title = "People, pods and targets"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Only the role counts; `is_staff` does not."""
        return isinstance(request.user, User) and request.user.is_portal_admin

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:  # noqa: ARG002 -- Django's call
        """The portal's sign-in page, with its lock-out and its audit entries."""
        wanted = str(request.GET.get("next") or reverse("admin:index"))
        if request.user.is_authenticated:
            if self.has_permission(request):
                return redirect("admin:index")
            raise NotAllowed("People, pods and targets are kept by admins.")
        return redirect_to_login(wanted)

    @method_decorator(post_only)
    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:  # noqa: ARG002 -- Django's call
        """The portal's sign-out, which is recorded."""
        from accounts.views import sign_out  # noqa: PLC0415 -- the admin is configured before the apps are loaded

        return sign_out(request)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:  # noqa: ARG002 -- Django's call
        """The portal's own page."""
        return redirect("accounts:password")
