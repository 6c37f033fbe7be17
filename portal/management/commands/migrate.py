"""Django's `migrate`, as the owner of the tables; then the portal's own login is given its rights on them."""

from typing import Any

from django.core.management.commands import migrate

from portal import rights


class Command(migrate.Command):
    """Migrates as `PORTAL_MIGRATION_DATABASE_URL`, where that is set."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate, then grant: both again at every deployment. A plan changes nothing."""
        with rights.as_owner() as login:
            super().handle(*args, **options)
            if login is not None and not options.get("plan"):
                rights.grant(login)
