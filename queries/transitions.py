"""The one way a request changes: lock the row, ask the policies, ask the lifecycle, save, write the audit entry.

All in the transaction of the caller, so that there is no act without its entry and no entry without its act.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection

from accounts.errors import NotAllowed, NotNow
from accounts.models import Actor
from audit import log
from queries import lifecycle, policies
from queries.lifecycle import Verb
from queries.models import Code, QueryRequest

ACTIONS: dict[Verb, log.Action] = {
    Verb.ENDORSE: log.Action.QUERY_ENDORSE,
    Verb.APPROVE: log.Action.QUERY_APPROVE,
    Verb.REJECT: log.Action.QUERY_REJECT,
    Verb.WITHDRAW: log.Action.QUERY_WITHDRAW,
    Verb.EXPIRE: log.Action.QUERY_EXPIRE,
    Verb.CLAIM: log.Action.QUERY_CLAIM,
    Verb.COMPLETE: log.Action.QUERY_COMPLETE,
    Verb.FAIL: log.Action.QUERY_FAIL,
}

STATES = {
    "PENDING": "waiting for approval",
    "APPROVED": "approved and about to run",
    "EXECUTING": "running",
    "EXECUTED": "finished",
    "FAILED": "ended with a failure",
    "REJECTED": "rejected",
    "WITHDRAWN": "withdrawn",
}


def locked(query_id: int) -> QueryRequest:
    """The request, its row locked until the transaction ends."""
    return (
        QueryRequest.objects.select_for_update(of=("self",)).select_related("pod", "target", "author").get(pk=query_id)
    )


def not_now(query: QueryRequest) -> NotNow:
    """The answer when the request is not in a state for what was asked."""
    return NotNow(f"{query.number} is already {STATES[query.status]}; nothing was changed.", state=query.status)


@dataclass(frozen=True, slots=True)
class Step:
    """A transition that was found allowed and possible. Only `step` makes one, so no check can be skipped."""

    query: QueryRequest
    verb: Verb
    actor: Actor
    to: lifecycle.Status

    def take(self, *, code: Code = Code.NONE, data: Mapping[str, object] | None = None) -> None:
        """Save the new status and write the entry. Call it last in the transaction."""
        before, query = self.query.state, self.query
        query.status, query.code = self.to.value, code
        QueryRequest.objects.filter(pk=query.pk).update(status=query.status, code=code)
        entry = {"from": before.value, "to": query.status, "digest": query.digest, **(data or {})}
        if code:
            entry["code"] = code.value
        log.append(ACTIONS[self.verb], actor=self.actor, subject=subject(query), data=entry)


def step(query: QueryRequest, verb: Verb, *, actor: Actor) -> Step:
    """The step `verb` takes from a locked request's status. Raises NotAllowed or NotNow."""
    if not connection.in_atomic_block:
        raise RuntimeError("A transition happens inside a transaction.")
    reason = policies.objection(actor, verb, query)
    if reason:
        raise NotAllowed(reason)
    try:
        return Step(query, verb, actor, lifecycle.after(verb, query.state))
    except lifecycle.NotPossible as error:
        raise not_now(query) from error


def subject(query: QueryRequest) -> log.Subject:
    """The request as a subject of the audit log."""
    return log.Subject("query", str(query.public_id), query.number)
