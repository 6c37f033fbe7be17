"""Deciding: bound to the digest that was seen and, for a write, to a number of rows."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from audit import log
from pods.models import Rehearsals
from queries import bounds, policies, refusals, running
from queries.joined import locked_for, read_for, shown, unchanged
from queries.lifecycle import Status, Verb
from queries.models import Code, QueryRequest, Rehearsal, Schema, Verdict
from queries.running import places
from queries.services.commenting import has_commented
from queries.services.comments import check_comment, require_words, said
from queries.transitions import Step, step
from web.errors import BadInput, FieldError, NotAllowed, NotNow

DECIDE = """
INSERT INTO decisions (query_id, author_id, reviewer_id, verdict, comment, digest, bound)
SELECT %s, %s, %s, %s, %s, %s, %s {source}
ON CONFLICT (query_id, reviewer_id) DO NOTHING RETURNING query_id
"""
# The last approval need not wait for the disk: the claim does, for both, before anything runs or anybody is told.
DECIDE_LAST = f"{DECIDE.rstrip()}, set_config('synchronous_commit', 'off', true)"
IN_ADVANCE = "Approved in advance."


@dataclass(frozen=True, slots=True)
class _Approval:
    """What somebody approves: the digest they saw, in their words; of rows how many at most, or nothing, and whether
    that is the rehearsal's own number; and the last rehearsal as the target was asked about it before."""

    actor: User
    digest: str
    comment: str
    bound: int | None
    as_rehearsed: bool
    seen: Rehearsal | None


def approve(
    *,
    actor: User,
    query_id: int,
    digest: str,
    comment: str = "",
    bound: int | None = None,
    as_rehearsed: bool = False,
) -> QueryRequest:
    """Approve; the last approval needed runs the statement at once. Returns the request as `joined.shown` does; of
    maintenance that takes longer than the target's usual limit while it still runs.

    `bound` is how many rows a write may change at most; left out, it is what `bounds.proposed` says. `as_rehearsed`: it
    was taken over from the rehearsal that was shown. Raises NotNow where the schema changed since that rehearsal.
    """
    check_comment(comment)
    query = read_for(actor, query_id)
    # Asked before anything is locked.
    approval = _Approval(actor, digest, comment, bound, as_rehearsed, running.seen(query))

    def record() -> QueryRequest:
        return places.patiently(lambda: _approved_as_read(query, approval) or _approve_locked(query_id, approval))

    if query.maintains:
        return running.outlasting(record, _run_if_approved, query.target.seconds_limit) or shown(query_id)
    return _run_if_approved(record())


def _run_if_approved(query: QueryRequest) -> QueryRequest:
    return running.run(query) if query.state is Status.APPROVED else shown(query.pk)


def _approved_as_read(query: QueryRequest, approval: _Approval) -> QueryRequest | None:
    """The request, approved in one statement; None where it has to be locked first: it was written to since it was
    read, or what was decided and rehearsed before counts as well."""
    if query.writes or query.approvals_needed > 1:
        return None
    try:
        with refusals.noted("approve", actor=approval.actor, query_id=query.pk):
            _approve(query, approval, guards=[unchanged(query)])
    except log.NothingWritten:
        running.release()
        return None
    return query


def _approve_locked(query_id: int, approval: _Approval) -> QueryRequest:
    with refusals.noted("approve", actor=approval.actor, query_id=query_id), transaction.atomic():
        query = locked_for(approval.actor, query_id)
        try:
            _approve(query, approval)
        except log.NothingWritten as twice:
            raise _decided_already(query) from twice
    return query


def _approve(query: QueryRequest, approval: _Approval, guards: Sequence[log.Act] = ()) -> None:
    """Approve with a place to run in, if it is the last approval. Raises NoPlace, having recorded nothing."""
    given, needed = 1 + _approvals(query), query.approvals_needed
    verb = Verb.APPROVE if given >= needed else Verb.ENDORSE
    decided = step(query, verb, actor=approval.actor, guards=guards)
    check_time(query)
    check_digest(query, approval.digest)
    obstacle = policies.obstacle(query)
    if obstacle:
        raise obstacle
    bound = _bound(query, approval)
    if given >= needed:
        places.take(query)
    data: dict[str, object] = {"approvals": given, "approvals_required": needed}
    data |= said(approval.comment) | ({} if bound is None else {"bound": bound})
    _record(decided, Decided(Verdict.APPROVE, approval.comment, bound), data)


def approve_in_advance(*, actor: User, query: QueryRequest, data: Mapping[str, object]) -> None:
    """Record the one approval that `actor` gave before the request was made, in the transaction that stores it, with a
    place to run in. `data`: what was approved, for the log. Raises NotAllowed, NoPlace and NotNow, all of them undone
    with the transaction."""
    decided = step(query, Verb.APPROVE, actor=actor)
    obstacle = policies.obstacle(query)
    if obstacle:
        raise obstacle
    places.take(query)
    counts: dict[str, object] = {"approvals": 1, "approvals_required": query.approvals_needed}
    _record(decided, Decided(Verdict.APPROVE, IN_ADVANCE), counts | dict(data))


def reject(
    *, actor: User, query_id: int, comment: str = "", digest: str = "", ask_for_changes: bool = False
) -> QueryRequest:
    """Reject; `ask_for_changes` invites a revision, and so must say which: here, or in comments made before."""
    check_comment(comment)
    with refusals.noted("reject", actor=actor, query_id=query_id), transaction.atomic():
        query = locked_for(actor, query_id)
        decided = step(query, Verb.REJECT, actor=actor)
        check_time(query)
        if digest:
            check_digest(query, digest)
        standstill = policies.standstill(query)
        if standstill:
            raise standstill
        if ask_for_changes and not has_commented(actor, query):
            require_words(comment)
        code = Code.CHANGES_REQUESTED if ask_for_changes else Code.NONE
        try:
            _record(decided, Decided(Verdict.REJECT, comment, code=code), said(comment))
        except log.NothingWritten as twice:
            raise _decided_already(query) from twice
    return shown(query_id)


def reject_stale(*, actor: User, public_ids: Sequence[uuid.UUID], reason: str) -> tuple[list[str], list[str]]:
    """Reject several with one reason, each as `reject` does: the numbers of those that were, and a sentence for each
    that was not. One that the actor may not know of is passed over."""
    require_words(reason)
    done, refused = [], []
    known = QueryRequest.objects.visible_to(actor).filter(public_id__in=public_ids).order_by("pk")
    for query in known.only("pk"):
        try:
            done.append(reject(actor=actor, query_id=query.pk, comment=reason).number)
        except (NotAllowed, NotNow) as error:
            refused.append(f"{query.number} was not rejected: {error.message}")
    return done, refused


def _approvals(query: QueryRequest) -> int:
    """Approvals that count already; a request that needs one has none while it waits."""
    return 0 if query.approvals_needed == 1 else query.approvals_that_count()


def check_time(query: QueryRequest) -> None:
    if query.expires_at <= timezone.now():
        raise NotNow(f"{query.number} has expired; its author can revise it.", code="expired", state=query.status)


def _bound(query: QueryRequest, approval: _Approval) -> int | None:
    """The bound of an approval. Raises BadInput for one that makes no sense, NotNow where a rehearsal is missing or no
    longer tells what the write would do."""
    typed = approval.bound
    if not query.writes:
        if typed is not None:
            why = "What maintenance changes is not counted" if query.maintains else "A read changes no rows"
            raise BadInput({"bound": [FieldError(f"{why}: it has no bound.", "not_a_write")]})
        return None
    if typed is not None and not bounds.boundable(query):
        raise BadInput({"bound": [FieldError("What it changes cannot be counted: it has no bound.", "not_countable")]})
    rehearsal = bounds.latest(query)
    if rehearsal is not None and approval.seen is not None and approval.seen.pk == rehearsal.pk:
        rehearsal.schema = approval.seen.schema
    if query.target.rehearsals == Rehearsals.REQUIRED:
        _require_rehearsal(query, rehearsal)
    if typed is None or approval.as_rehearsed:
        _require_schema(query, rehearsal)
    proposed = bounds.proposed(query, rehearsal)
    return typed if typed is not None or proposed is None else proposed.rows


def _require_rehearsal(query: QueryRequest, rehearsal: Rehearsal | None) -> None:
    if rehearsal is None or bounds.staleness(query, rehearsal):
        message = f"{query.target.name} wants a write to be rehearsed before it is approved. Rehearse it now."
        raise NotNow(message, code="rehearsal_required", state=query.status)
    if rehearsal.structure and rehearsal.schema is Schema.UNKNOWN:
        message = (
            f"{query.target.name} wants a write to be rehearsed before it is approved. Whether its tables are still "
            "built as they were then is not known: it did not say. Try again."
        )
        raise NotNow(message, code="schema_unknown", state=query.status)


def _require_schema(query: QueryRequest, rehearsal: Rehearsal | None) -> None:
    """No other number takes the place of the rehearsal's in silence."""
    if rehearsal is not None and bounds.staleness(query, rehearsal) is bounds.Stale.SCHEMA:
        message = (
            "The schema of its tables was changed since it was rehearsed, so that count no longer holds. Rehearse it "
            "again, or say how many rows it may change."
        )
        raise NotNow(message, code="rehearsal_stale", state=query.status)


@dataclass(frozen=True, slots=True)
class Decided:
    """What somebody decided, in their words."""

    verdict: Verdict
    comment: str
    bound: int | None = None
    code: Code = Code.NONE


def _record(taken: Step, decided: Decided, data: Mapping[str, object]) -> None:
    """Store the decision with the step it leads to. Raises log.NothingWritten for a second one of the same person."""
    query = taken.query
    words = (decided.verdict.value, decided.comment.strip(), query.digest, decided.bound)
    values = (query.pk, query.author_id, taken.actor.pk, *words)
    decide = DECIDE_LAST if taken.verb is Verb.APPROVE else DECIDE
    taken.record(code=decided.code, data=data, acts=[log.Act("decided", decide, values)])


def _decided_already(query: QueryRequest) -> NotNow:
    return NotNow(f"You have already decided on {query.number}.", code="already_decided", state=query.status)


def check_digest(query: QueryRequest, digest: str) -> None:
    if not digest:
        raise BadInput({"digest": [FieldError("Send the digest of the request as you saw it.", "required")]})
    if digest != query.digest:
        message = "The request is not the one you read: its digest differs. Read it again before you decide."
        raise NotNow(message, code="digest_differs", state=query.status)
