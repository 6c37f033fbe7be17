"""`manage.py check_targets`: whether what the portal wants of its targets is what their servers allow."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from pods import capacity


class Command(BaseCommand):
    """Compares the connections each login may have with the places for runs."""

    help = "Compare each target's places with the connections its logins may have; exit status 1 when they are too few."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """A line for each login. Ends with 1 when something is to be done."""
        told = list(capacity.check())
        for found in told:
            print(found.words)
        if any(found.fault for found in told):
            sys.exit(1)
        print("Nothing is to be done.")
