"""A refused act leaves its entry as well: who tried what, and why not.

The transaction of the act is gone by then, so the entry has one of its own. Whoever tries again and again cannot fill
the log: the last entry of an hour's share says that no more are written.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from audit import log
from audit.models import AuditLog
from queries.models import QueryRequest
from queries.transitions import subject
from web.errors import NotAllowed

MOST = 20
WINDOW = timedelta(hours=1)


@contextmanager
def noted(verb: str, *, actor: User, query_id: int) -> Iterator[None]:
    """Around the transaction of an act, named as its address is: a NotAllowed from inside is recorded, and goes on."""
    try:
        yield
    except NotAllowed as refused:
        _record(verb, actor, query_id, refused.message)
        raise


def _record(verb: str, actor: User, query_id: int, reason: str) -> None:
    since = timezone.now() - WINDOW
    with transaction.atomic():
        written = AuditLog.objects.filter(actor_id=actor.pk, at__gte=since).of_action(log.Action.QUERY_REFUSED)
        count = len(written.values_list("seq")[:MOST])
        if count >= MOST:
            return
        data = {"verb": verb, "reason": reason}
        if count == MOST - 1:
            data["note"] = f"The last of {MOST} such entries of this person within an hour; more are left out."
        query = QueryRequest.objects.only("public_id").get(pk=query_id)
        log.append(log.Action.QUERY_REFUSED, actor=actor, subject=subject(query), data=data)
