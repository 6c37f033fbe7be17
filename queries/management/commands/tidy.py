"""`manage.py tidy`: what has had its time is deleted."""

from typing import Any

from django.core.management.base import BaseCommand

from queries.maintenance.tidying import tidy
from queries.notices.sending import never


class Command(BaseCommand):
    """Deletes results past their retention, and what sign-in, sessions, tokens and notices leave behind."""

    help = "Delete results past their target's retention, and expired sessions, tokens, counters and notices."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Tidy, and say how many of each kind went."""
        for kind, count in tidy(never).items():
            print(f"{count} {kind} deleted.")
