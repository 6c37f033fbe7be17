"""Management commands as an operator meets them: what they could not help ends in a sentence, not in a traceback."""

import os
import sys
from collections.abc import Sequence

from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, InternalError, OperationalError, ProgrammingError

ASKED_FOR_MORE = "--traceback"
# How the driver speaks of an option in PORTAL_DATABASE_URL that there is none of.
BAD_OPTION = "invalid connection option"


def manage(arguments: Sequence[str]) -> None:
    """Run `manage.py` with these arguments. Ends the process with a sentence for bad settings or a database away."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    try:
        _execute(arguments)
    except ImproperlyConfigured as error:
        sys.exit(f"Bad settings: {error}")
    except (InterfaceError, InternalError, OperationalError, ProgrammingError) as error:
        ours = isinstance(error, ProgrammingError) and BAD_OPTION not in str(error)
        if ours or ASKED_FOR_MORE in arguments:
            raise
        sys.exit(f"The portal's own database failed: {_first_line(error)}")


def _execute(arguments: Sequence[str]) -> None:
    from django.conf import settings  # noqa: PLC0415 -- read within the `try` above
    from django.core.management import execute_from_command_line  # noqa: PLC0415 -- the same

    # Read now: Django itself would put the complaint aside, and say that there is no such command.
    settings.INSTALLED_APPS  # noqa: B018
    execute_from_command_line([*arguments])


def _first_line(error: Exception) -> str:
    line = str(error).strip().partition("\n")[0].strip()
    return line if line.endswith(".") else f"{line}." if line else f"{type(error).__name__}."
