"""`manage.py archive_audit`: takes whole months of the audit log out of the database, each into a verified file."""

import datetime as dt
import getpass
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from audit import archiving
from portal import rights

MONTH = "%Y-%m"


def month_of(text: str) -> dt.datetime:
    """The beginning of a month (UTC)."""
    try:
        return dt.datetime.strptime(text, MONTH).replace(tzinfo=dt.UTC)
    except ValueError as error:
        raise ArgumentTypeError("write a month as 2026-01") from error


class Command(BaseCommand):
    """Exit status 1 and a sentence where a month cannot be archived; those before it then are."""

    help = "Archive the months of the audit log before another: verified, written, read back, then removed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--before`, `--to`, `--keep`, `--dry-run`."""
        parser.add_argument("--before", type=month_of, required=True, metavar="YYYY-MM", help="The first that stays.")
        parser.add_argument("--to", type=Path, required=True, metavar="DIRECTORY", help="Where the files are written.")
        parser.add_argument("--keep", action="store_true", help="Leave the tables, out of the log and closed.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would be archived.")

    def handle(self, *_args: Any, before: dt.datetime, to: Path, keep: bool, dry_run: bool, **_options: Any) -> None:
        """As the owner of the tables."""
        if not to.is_dir():
            raise CommandError(f"{to} is no directory.")
        with rights.as_owner():
            try:
                self._archive(before, to, keep=keep, dry_run=dry_run)
            except (archiving.Unarchived, OSError) as error:
                raise CommandError(str(error)) from error

    def _archive(self, before: dt.datetime, to: Path, *, keep: bool, dry_run: bool) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT date_trunc('month', clock_timestamp(), 'UTC')")
            (this,) = cursor.fetchone()
        if before > this:
            raise CommandError(f"{this.astimezone(dt.UTC):{MONTH}} is not over: it stays, and what comes after it.")
        archiving.verify()
        count = 0
        for count, month in enumerate(archiving.months_before(before), start=1):  # noqa: B007 -- asked after it
            what = f"{month.name}: entries {month.first} to {month.last}"
            if dry_run:
                self.stdout.write(f"{what} would be archived in {to / month.filename}.")
                continue
            path = archiving.archive(month, to, by=getpass.getuser(), keep=keep)
            self.stdout.write(f"{what} are archived in {path}.")
        if not count:
            self.stdout.write("There is nothing to archive.")
