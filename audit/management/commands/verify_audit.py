"""`manage.py verify_audit`: names the first bad entry, or says that every entry holds."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.verification import verify_log


class Command(BaseCommand):
    """Exit status 1 and the first bad entry when the log does not hold."""

    help = "Check the hash chain of the audit log; names the first bad entry."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Verify and report."""
        verdict = verify_log()
        if verdict.fault:
            raise CommandError(f"Entry {verdict.fault.seq} is bad: {verdict.fault.reason}.")
        self.stdout.write(f"{verdict.entries} entries hold; the head is {verdict.head.hex()}.")
