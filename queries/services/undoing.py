"""Taking a write back: a new request, prepared from what was kept of it."""

from django.db import transaction

from accounts.models import User
from audit import log
from executors.base import (
    Access,
    NotReversible,
    Severity,
)
from queries import policies, refusals
from queries.joined import locked
from queries.models import QueryRequest
from queries.results import undo as undos
from queries.services.drafts import Draft, check_why, read, where
from queries.services.submitting import Follows, store
from queries.transitions import subject
from web.errors import BadInput, NotAllowed, NotNow


def undo(*, actor: User, query_id: int, reason: str = "") -> QueryRequest:
    """Prepare the request that puts back what an executed write changed; it is reviewed as any other.

    Raises NotAllowed, NotNow (nothing is kept of it, or it is being taken back) and BadInput.
    """
    with refusals.noted("undo", actor=actor, query_id=query_id):
        query = _undoable(actor, QueryRequest.objects.select_related("pod", "target", "execution").get(pk=query_id))
    try:
        made = undos.reverse(query)
    except NotReversible as error:
        raise NotNow(str(error), code="not_reversible", state=query.status) from error
    draft = Draft(
        pod=query.pod.slug,
        target=query.target.slug,
        language=made.language.value,
        statement=made.statement,
        access=Access.WRITE.value,
        reason=reason.strip() or f"Takes back what {query.number} changed: {query.title}",
        ticket=query.ticket,
        parameters=made.parameters,
        expects=made.rows,
    )
    target, errors = where(actor, draft)
    check_why(draft, errors)
    if errors or target is None:
        raise BadInput(errors)
    analysis = read(target, draft)
    wrong = [finding.message for finding in analysis.findings if finding.severity is Severity.ERROR]
    if wrong:
        message = f"The statement that would take it back is refused: {' '.join(wrong)}"
        raise NotNow(message, code="not_reversible", state=query.status)
    with transaction.atomic():
        _undoable(actor, locked(query.pk))
        made_request = store(actor, draft, target, analysis, Follows(undoes=query))
        data = {"undone_by": str(made_request.public_id), "digest": query.digest, "rows": made.rows}
        log.append(log.Action.QUERY_UNDO, actor=actor, subject=subject(query), data=data)
    return made_request


def _undoable(actor: User, query: QueryRequest) -> QueryRequest:
    """A request that this person may take back now. Raises NotAllowed and NotNow."""
    reason = policies.cannot_undo(actor, query)
    if reason:
        raise NotAllowed(reason)
    stands = policies.cannot_be_undone(query)
    if stands:
        raise stands
    return query
