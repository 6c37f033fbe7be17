"""`manage.py verify_audit`: names the first bad entry, or says that every entry and every checkpoint holds."""

from argparse import ArgumentParser
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from audit import log
from audit.verification import record, verify_log


class Command(BaseCommand):
    """Exit status 1 and the first bad entry when the log does not hold."""

    help = "Check the hash chain of the audit log; names the first bad entry."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--resume`."""
        parser.add_argument(
            "--resume", action="store_true", help="Begin behind the last checkpoint that an earlier check came to."
        )

    def handle(self, *_args: Any, resume: bool, **_options: Any) -> None:
        """Verify, record it where the database takes changes, and report."""
        verdict = verify_log(resume=resume)
        with suppress(DatabaseError):
            record(log.PORTAL, verdict)
        if verdict.fault:
            raise CommandError(f"Entry {verdict.fault.seq} is bad: {verdict.fault.reason}.")
        archived = f", of which {verdict.archived} are archived and were not read" if verdict.archived else ""
        before = verdict.begun - verdict.archived
        read = archived + (f", {'' if archived else 'of which '}{before} were verified before" if before else "")
        signed = f"{verdict.signed} are signed" if verdict.signed else "none is signed"
        self.stdout.write(f"{verdict.entries} entries hold{read}; {signed}; the head is {verdict.head.hex()}.")
