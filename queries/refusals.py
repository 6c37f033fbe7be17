"""A refused act on a request leaves its entry as well: who tried what, and why not."""

from collections.abc import Iterator
from contextlib import contextmanager

from accounts.models import User
from audit import log, refusals
from queries.models import QueryRequest
from queries.transitions import subject
from web.errors import NotAllowed


@contextmanager
def noted(verb: str, *, actor: User, query_id: int) -> Iterator[None]:
    """Around the transaction of an act, named as its address is: a NotAllowed from inside is recorded, and goes on."""
    try:
        yield
    except NotAllowed as refused:
        query = QueryRequest.objects.only("public_id").get(pk=query_id)
        data = {"verb": verb, "reason": refused.message}
        refusals.record(log.Action.QUERY_REFUSED, actor=actor, subject=subject(query), data=data)
        raise
