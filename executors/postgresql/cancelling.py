"""How a statement on PostgreSQL is stopped: the server is asked over a connection of its own, and answers or is left.

`wire.Wire` asks when its watch says so: the time is over, or somebody stopped the run. Then it waits `GRACE_SECONDS`
for the server to end the statement, and after that closes the connection.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

import psycopg

GRACE_SECONDS: Final = 1.0


def ask(connection: psycopg.Connection[Any]) -> None:
    """Ask the server to stop what runs on this connection."""
    with suppress(psycopg.Error):
        connection.cancel_safe(timeout=GRACE_SECONDS)
