"""`manage.py send_notices`: send what is due in Slack and by e-mail, once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from queries.notices import outbox, sending


class Command(BaseCommand):
    """Sends the notices that are due; `maintain` does the same all the time."""

    help = "Send the notices that are due. --retry also tries those again that were given up."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--retry`."""
        parser.add_argument("--retry", action="store_true", help="Try again what was given up.")

    def handle(self, *_args: Any, retry: bool, **_options: Any) -> None:
        """Send, and say how many got through and how many were given up."""
        if retry:
            print(f"{outbox.try_again()} tried again.")
        print(f"{sending.send_due()} sent, {outbox.given_up().count()} given up.")
