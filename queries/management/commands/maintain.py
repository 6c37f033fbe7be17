"""`manage.py maintain`: settle, expire, send notices and tidy, again and again, on as many replicas as you like."""

import signal
from argparse import ArgumentParser
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from queries.maintenance.loop import maintain


class Command(BaseCommand):
    """Runs the maintenance until SIGTERM or Ctrl-C."""

    help = "Settle lost runs, expire stale requests, send notices and tidy up, until SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--once`, `--interval`."""
        parser.add_argument("--once", action="store_true", help="Do everything once and end.")
        parser.add_argument("--interval", type=float, default=15.0, metavar="SECONDS", help="Default: 15.")

    def handle(self, *_args: Any, once: bool, interval: float, **_options: Any) -> None:
        """Maintain; a signal lets what is under way come to a good place to stop."""
        if not interval > 0:
            raise CommandError("The interval must be more than 0 seconds.")
        if once:
            # Otherwise a database that is away now is asked again; here there is no next time.
            connection.ensure_connection()
        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        done = maintain(stop=stop, interval=interval, once=once)
        if once:
            print(", ".join(f"{name}: {count}" for name, count in done.items()))
