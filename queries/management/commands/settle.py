"""`manage.py settle`: what a dead process left running, or nobody answered for, gets its true end."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from queries import running
from queries.models import QueryRequest


class Command(BaseCommand):
    """Settles every run whose process is gone, without ever running it again."""

    help = "Settle runs whose process is gone, by asking their targets; nothing is run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--restored`."""
        parser.add_argument(
            "--restored",
            action="store_true",
            help="The database came from a backup: what became of the writes that ran then is not known.",
        )

    def handle(self, *_args: Any, restored: bool, **_options: Any) -> None:
        """Settle, and list what was."""
        settled = running.settle_all_restored() if restored else running.settle_all_lost()
        for query in QueryRequest.objects.filter(pk__in=[query.pk for query in settled]).order_by("pk"):
            print(f"{query.number} {query.status} {query.code}".rstrip())
        print(f"{len(settled)} settled.")
