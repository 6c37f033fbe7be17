"""`manage.py check_targets`: whether what the portal wants of its targets is what their servers allow."""

import sys
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand

from audit import log
from pods import capacity
from pods.examining import examine_target
from pods.models import Target


class Command(BaseCommand):
    """Tests the logins of every active target, and compares the connections they may have with the places for runs."""

    help = (
        "Say what is wrong with each target's logins and settings, and how to mend it; exit status 1 when something is."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """A line for each login and two for each thing found. Ends with 1 when something is to be done."""
        told = [*((found.words, found.fault) for found in capacity.check()), *_flaws()]
        for words, _ in told:
            print(words)
        if any(fault for _, fault in told):
            sys.exit(1)
        print("Nothing is to be done.")


def _flaws() -> Iterator[tuple[str, bool]]:
    for target in Target.objects.filter(active=True).order_by("slug"):
        for words, mend, fault in examine_target(actor=log.PORTAL, target=target).told:
            yield f"{target.slug}, {'fault' if fault else 'advice'}: {words}\n    {mend}", fault
