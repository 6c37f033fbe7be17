"""Brings the demo's own database up to date, in one process: migrations, then people and requests.

Django's commands each load the whole portal, which is most of what a start of the demo takes.
"""

from __future__ import annotations

import django
from django.core.management import call_command


def main() -> None:
    """Migrate and seed the database that the environment names."""
    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
    call_command("seed_demo")


if __name__ == "__main__":
    main()
