"""Application configuration of the wiring and of the admin site."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class PortalConfig(AppConfig):
    """Registers the system checks."""

    name = "portal"

    def ready(self) -> None:
        """Import the checks so that Django runs them."""
        from portal import checks  # noqa: F401, PLC0415 -- registered by import, once the apps are loaded


class PortalAdminConfig(AdminConfig):
    """The admin site with the portal's own sign-in page and title."""

    default_site = "portal.admin_site.PortalAdminSite"
