"""Application configuration of the wiring and of the admin site."""

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import AdminConfig

from executors.processes import scripts
from executors.sandbox.client import SpawnerSettings
from portal import tracing


class PortalConfig(AppConfig):
    """Registers the system checks and hands the operator's word on the sandbox to the executors."""

    name = "portal"

    def ready(self) -> None:
        """Import the checks so that Django runs them; start nothing. Raises ImproperlyConfigured."""
        from portal import checks  # noqa: F401, PLC0415 -- registered by import, once the apps are loaded

        tracing.require()
        scripts.configure(SpawnerSettings(allow_missing=settings.PORTAL_SCRIPTS_UNCONFINED))


class PortalAdminConfig(AdminConfig):
    """The admin site with the portal's own sign-in page and title."""

    default_site = "portal.admin_site.PortalAdminSite"
