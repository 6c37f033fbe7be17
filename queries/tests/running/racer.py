"""A portal process of its own that does as it is told, at the moment it is told. Speaks lines of JSON.

Start it with `python -c COMMAND`. An order is `{"verb", "query", "digest", "person", "at"}`, `at` in seconds since the
epoch; the answer is what `act` says.
"""

import json
import sys
import time

from django.db import connection

from accounts.errors import NotNow
from accounts.models import User
from queries import services

COMMAND = "import django; django.setup(); from queries.tests.running import racer; racer.main()"


def act(verb: str, query: int, digest: str, person: str) -> str:
    """Do one verb; `done STATUS`, or `not now STATUS` for the one that came too late."""
    actor = User.objects.get(username=person)
    try:
        if verb == "approve":
            found = services.approve(actor=actor, query_id=query, digest=digest)
        elif verb == "reject":
            found = services.reject(actor=actor, query_id=query, comment="no")
        elif verb == "cancel":
            found = services.cancel(actor=actor, query_id=query)
        else:
            found = services.withdraw(actor=actor, query_id=query)
    except NotNow as error:
        return f"not now {error.state}"
    return f"done {found.status}"


def main() -> None:
    """Answer orders until the end of the input."""
    connection.ensure_connection()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        order = json.loads(line)
        time.sleep(max(0.0, order.pop("at") - time.time()))
        sys.stdout.write(act(**order) + "\n")
        sys.stdout.flush()
