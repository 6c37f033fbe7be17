"""Rehearsing: a write is really run, looked at and rolled back, before anybody decides."""

import datetime as dt
import json

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from audit import log
from queries import bounds, policies, refusals, risks, running, vault
from queries.joined import locked
from queries.models import QueryRequest, Rehearsal
from queries.notices import outbox
from queries.results import effects, rehearsals
from queries.running import places
from queries.services.deciding import check_digest, check_time
from queries.transitions import subject
from web.errors import NotAllowed


def rehearse(*, actor: User, query_id: int, digest: str) -> Rehearsal:
    """Run a write that waits, see what it changes, and roll it back. Raises NotAllowed and NotNow.

    That it was begun is recorded before anything is sent; what came of it afterwards, whatever it was.
    """
    with refusals.noted("rehearse", actor=actor, query_id=query_id), transaction.atomic():
        query = locked(query_id)
        reason = policies.cannot_rehearse(actor, query)
        if reason:
            raise NotAllowed(reason)
        stands = policies.cannot_be_rehearsed(query)
        if stands:
            raise stands
        check_time(query)
        check_digest(query, digest)
        log.append(log.Action.QUERY_REHEARSE, actor=actor, subject=subject(query), data={"digest": query.digest})
    places.patiently(lambda: places.take(query))
    try:
        came_of_it = running.rehearse(query)
    finally:
        running.release()
    return _keep_rehearsal(actor, query, came_of_it)


def _keep_rehearsal(actor: User, query: QueryRequest, came_of_it: running.Rehearsed) -> Rehearsal:
    effect, error = came_of_it.effect, came_of_it.error
    rehearsal = Rehearsal(
        query=query,
        digest=query.digest,
        by=actor,
        duration_ms=came_of_it.duration_ms,
        effect=effects.counts(effect) if effect is not None else None,
        tables=list(came_of_it.structure.tables),
        structure=came_of_it.structure.digest,
        failure_code=error.code.value if error is not None else "",
        expires_at=timezone.now() + dt.timedelta(days=query.target.retention_days),
    )
    with transaction.atomic():
        rehearsal.save(force_insert=True)
        said = rehearsals.said(query, error) if error is not None else {}
        kept = effects.rows(effect) if effect is not None else json.dumps(said).encode()
        rehearsal.key_id, rehearsal.data = vault.seal(kept, rehearsal.place)
        rehearsal.save(update_fields=["key_id", "data"])
        order = risks.queue_order(query, bounds.Sight.of(rehearsal))
        QueryRequest.objects.filter(pk=query.pk).update(queue_order=order)
        outbox.announce_rehearsal(query)
    return rehearsal
