"""Ending a request otherwise than by a decision: withdrawn, stopped, closed by hand, expired."""

from django.db import transaction
from django.utils import timezone

from accounts.models import SYSTEM, User
from audit import log
from queries import policies, refusals, running
from queries.joined import locked, shown
from queries.lifecycle import Status, Verb
from queries.models import Code, Execution, QueryRequest
from queries.services.comments import check_comment, said
from queries.transitions import not_now, step, subject
from web.errors import BadInput, FieldError, NotAllowed


def withdraw(*, actor: User, query_id: int, comment: str = "") -> QueryRequest:
    """Take a request back before anybody decided."""
    check_comment(comment)
    with refusals.noted("withdraw", actor=actor, query_id=query_id), transaction.atomic():
        query = locked(query_id)
        step(query, Verb.WITHDRAW, actor=actor).record(data=said(comment))
    return shown(query_id)


def cancel(*, actor: User, query_id: int, comment: str = "") -> QueryRequest:
    """Ask a running request to stop, from any process: whoever runs it notices within a second."""
    check_comment(comment)
    with refusals.noted("cancel", actor=actor, query_id=query_id), transaction.atomic():
        query = locked(query_id)
        reason = policies.cannot_cancel(actor, query)
        if reason:
            raise NotAllowed(reason)
        if query.state is not Status.EXECUTING or query.is_being_found_out:
            raise not_now(query)
        Execution.objects.filter(query=query, cancel_requested_at=None).update(
            cancel_requested_at=timezone.now(), cancel_requested_by=actor
        )
        log.append(log.Action.QUERY_CANCEL, actor=actor, subject=subject(query), data=said(comment))
    return shown(query_id)


def close(*, actor: User, query_id: int, comment: str) -> QueryRequest:
    """End the search for what became of a run, or say what was found where it stayed unknown. It never runs again."""
    check_comment(comment)
    if not comment.strip():
        raise BadInput({"comment": [FieldError("Say what you found on the target.", "required")]})
    with refusals.noted("close", actor=actor, query_id=query_id), transaction.atomic():
        query = locked(query_id)
        closing = step(query, Verb.CLOSE, actor=actor)
        if not policies.can_be_closed(query):
            raise not_now(query)
        running.give_up(query)
        Execution.objects.filter(query=query).update(
            closed_at=timezone.now(), closed_by=actor, closing_comment=comment.strip()
        )
        closing.record(code=Code.OUTCOME_UNKNOWN, data=said(comment))
    return shown(query_id)


def expire(*, query_id: int) -> bool:
    """End a request that waited too long; whether it did."""
    with transaction.atomic():
        query = locked(query_id)
        if query.state is not Status.PENDING or query.expires_at > timezone.now():
            return False
        step(query, Verb.EXPIRE, actor=SYSTEM).record(code=Code.EXPIRED)
    return True
