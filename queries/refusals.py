"""A refused act on a request or a template leaves its entry as well: who tried what, and why not."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from accounts.models import User
from audit import log, refusals
from queries.models import QueryRequest
from queries.transitions import subject
from web.errors import NotAllowed


def noted(verb: str, *, actor: User, query_id: int) -> AbstractContextManager[None]:
    """Around the transaction of an act, named as its address is: a NotAllowed from inside is recorded, and goes on."""

    def about() -> log.Subject:
        return subject(QueryRequest.objects.only("public_id").get(pk=query_id))

    return noting(log.Action.QUERY_REFUSED, verb, actor=actor, about=about)


@contextmanager
def noting(action: log.Action, verb: str, *, actor: User, about: Callable[[], log.Subject]) -> Iterator[None]:
    """The same of anything; what it is `about` is asked for only once it was refused."""
    try:
        yield
    except NotAllowed as refused:
        data = {"verb": verb, "reason": refused.message}
        refusals.record(action, actor=actor, subject=about(), data=data)
        raise
