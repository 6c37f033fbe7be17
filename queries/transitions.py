"""The one way a request changes once its row is locked: ask policies and lifecycle, save, write the audit entry.

All in the transaction of the caller, so that there is no act without its entry and no entry without its act; the same
holds for the notices that tell of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from accounts.models import Actor
from audit import log
from queries import lifecycle, policies
from queries.lifecycle import Verb
from queries.models import Code, QueryRequest
from queries.notices import outbox
from queries.words import of
from web.errors import NotAllowed, NotNow

ACTIONS: dict[Verb, log.Action] = {
    Verb.ENDORSE: log.Action.QUERY_ENDORSE,
    Verb.APPROVE: log.Action.QUERY_APPROVE,
    Verb.REJECT: log.Action.QUERY_REJECT,
    Verb.WITHDRAW: log.Action.QUERY_WITHDRAW,
    Verb.EXPIRE: log.Action.QUERY_EXPIRE,
    Verb.CLAIM: log.Action.QUERY_CLAIM,
    Verb.COMPLETE: log.Action.QUERY_COMPLETE,
    Verb.FAIL: log.Action.QUERY_FAIL,
    Verb.CLOSE: log.Action.QUERY_CLOSE,
}

MOVE = """
UPDATE query_requests AS query SET status = %s, code = %s {source} WHERE query.id = %s AND query.status = %s
RETURNING query.id
"""


def not_now(query: QueryRequest) -> NotNow:
    """The answer when the request is not in a state for what was asked."""
    already = of(query).already
    return NotNow(f"{query.number} is already {already}; nothing was changed.", state=query.status)


@dataclass(frozen=True, slots=True)
class Step:
    """A transition that was found allowed and possible. Only `step` makes one, so no check can be skipped."""

    query: QueryRequest
    verb: Verb
    actor: Actor
    to: lifecycle.Status
    # What locks the row as it was read, in the statement that records; nothing where the transaction has locked it.
    guards: Sequence[log.Act] = ()

    def record(
        self, *, code: Code = Code.NONE, data: Mapping[str, object] | None = None, acts: Sequence[log.Act] = ()
    ) -> None:
        """Say whom to tell; do the `acts`, save the new status and write the entry in one statement.

        Call it last in the transaction. Raises log.NothingWritten where an act wrote nothing, or the guard found the
        request written to since it was read: then neither the status nor the log has changed.
        """
        query, before = self.query, self.query.status
        entry = {"from": before, "to": self.to.value, "digest": query.digest, **(data or {})}
        if code:
            entry["code"] = code.value
        moved = log.Act("moved", MOVE, [self.to.value, code.value, query.pk, before])
        done = [*self.guards, *acts, *outbox.telling(query, self.verb, self.actor), moved]
        written = log.append(ACTIONS[self.verb], actor=self.actor, subject=subject(query), data=entry, acts=done)
        query.status, query.code, query.written_by = self.to.value, code, written.transaction


def step(query: QueryRequest, verb: Verb, *, actor: Actor, guards: Sequence[log.Act] = ()) -> Step:
    """The step `verb` takes from a request's status. Raises NotAllowed or NotNow.

    The row is locked by the transaction, or by the `guards` (`joined.unchanged`) once the step is recorded.
    """
    if not connection.in_atomic_block and not guards:
        raise RuntimeError("A transition happens inside a transaction.")
    reason = policies.objection(actor, verb, query)
    if reason:
        raise NotAllowed(reason)
    try:
        return Step(query, verb, actor, lifecycle.after(verb, query.state), guards)
    except lifecycle.NotPossible as error:
        raise not_now(query) from error


def subject(query: QueryRequest) -> log.Subject:
    """The request as a subject of the audit log."""
    return log.Subject("query", str(query.public_id), query.number)
