"""Finding a request for somebody who may know of it."""

import uuid

from django.db import InternalError, transaction
from django.utils import timezone

from accounts.models import User
from queries import joined, running
from queries.models import QueryRequest, Tiding
from web.errors import NotFound


def visible_query(*, actor: User, public_id: uuid.UUID) -> QueryRequest:
    """A request the reader may know of, with all that a page shows. Raises NotFound.

    Whoever looks at a run whose process is gone, or of which nobody could tell what became, asks and settles it.
    """
    query = joined.seen(actor, public_id)
    if query is not None and (running.settle_lost(query) or query.is_being_found_out):
        query = joined.seen(actor, public_id)
    if query is None:
        raise NotFound("There is no such request, or it belongs to a pod that you are not in.")
    return query


def note_opened(*, actor: User, query: QueryRequest) -> None:
    """Whoever opens a request has read what the bell told them of it.

    A portal whose database takes no changes shows pages all the same: then nothing is noted.
    """
    unread = Tiding.objects.filter(person=actor, query=query).unread()
    if not unread.exists():
        return
    try:
        with transaction.atomic():
            unread.update(read_at=timezone.now())
    except InternalError:
        return
