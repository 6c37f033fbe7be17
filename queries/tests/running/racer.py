"""A portal process of its own that does as it is told, at the moment it is told. Speaks lines of JSON.

Start it with `python -c COMMAND`. An order is `{"verb", "query", "digest", "person", "at"}`, `at` in seconds since the
epoch; the answer is what `act` says.
"""

import json
import sys
import time
from uuid import UUID

from django.db import connection
from django.test import Client
from rest_framework_simplejwt.tokens import AccessToken

from accounts.models import User
from queries import services
from queries.models import QueryRequest
from web.errors import NotNow

COMMAND = "import django; django.setup(); from queries.tests.running import racer; racer.main()"


def cancel_by_page(actor: User, public_id: UUID) -> int:
    """Press the page's button."""
    client = Client()
    client.force_login(actor)
    return client.post(f"/queries/{public_id}/cancel/").status_code


def cancel_by_api(actor: User, public_id: UUID) -> int:
    """Call the API as a program would."""
    token = {"Authorization": f"Bearer {AccessToken.for_user(actor)}"}
    path = f"/api/v1/queries/{public_id}/cancel/"
    return Client().post(path, "{}", content_type="application/json", headers=token).status_code


CANCEL = {"cancel by page": cancel_by_page, "cancel by API": cancel_by_api}


def act(verb: str, query: int, digest: str, person: str) -> str:
    """Do one verb; `done STATUS`, or `not now STATUS` for the one that came too late.

    `cancel by page` and `cancel by API` go through the handlers of this process; the answer is the HTTP status.
    """
    actor = User.objects.get(username=person)
    if verb.startswith("cancel by"):
        return f"answered {CANCEL[verb](actor, QueryRequest.objects.get(pk=query).public_id)}"
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
