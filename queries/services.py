"""What people do with requests. One verb, one keyword-only function, called by pages, API, admin and commands alike."""

import datetime as dt
import json
import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import SYSTEM, User
from audit import log
from executors import processes
from executors.base import (
    Access,
    Analysis,
    EngineKind,
    Finding,
    Language,
    NotReversible,
    Parameter,
    Severity,
    Word,
)
from executors.text import normalise
from pods.models import Rehearsals, Target
from queries import bounds, policies, refusals, running, vault
from queries.digest import as_stored
from queries.joined import locked
from queries.lifecycle import Status, Verb
from queries.models import Code, Execution, QueryRequest, Rehearsal, Verdict
from queries.notices import outbox
from queries.results import effects
from queries.results import undo as undos
from queries.running import places
from queries.transitions import not_now, step, subject
from web.errors import BadInput, FieldError, NotAllowed, NotFound, NotNow

DECIDE = """
INSERT INTO decisions (query_id, author_id, reviewer_id, verdict, comment, digest, bound)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (query_id, reviewer_id) DO NOTHING
"""

REASON_LENGTH = 4000
TICKET_LENGTH = 80
COMMENT_LENGTH = 4000
SLUG_LENGTH = 80
PARAMETERS = 100
MOST_EXPECTED = 10**12
PARAMETER_LENGTH = 100_000


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person asks for, as typed. `pod` and `target` are slugs."""

    pod: str
    target: str
    language: str
    statement: str
    access: str
    reason: str = ""
    ticket: str = ""
    parameters: tuple[Parameter, ...] = ()
    expects: int | None = None


@dataclass(frozen=True, slots=True)
class Follows:
    """The request that a new one belongs to: it `revises` one of its author's, or `undoes` what one changed."""

    revises: QueryRequest | None = None
    undoes: QueryRequest | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """A draft whose target is known and whose statement has been read."""

    target: Target
    analysis: Analysis


def check_draft(*, actor: User, draft: Draft) -> Checked:
    """Read a statement as submission would, storing nothing. Raises BadInput for what cannot even be read."""
    target, errors = _where(actor, draft)
    if target is None or errors:
        raise BadInput(errors)
    return Checked(target, _read(target, draft))


def submit(*, actor: User, draft: Draft, revises: QueryRequest | None = None) -> QueryRequest:
    """Freeze a request and put it before the pod's managers; one that it revises and that still waits is withdrawn.

    Raises BadInput with everything that is wrong at once.
    """
    target, errors = _where(actor, draft)
    _check_why(draft, errors)
    _check_parameters(draft, errors)
    if target is not None:
        _check_expects(draft, target, errors)
    analysis = _read(target, draft) if target and not errors.keys() & {"language", "access", "target"} else None
    if analysis is not None:
        problems = [_field_error(f) for f in analysis.findings if f.severity is Severity.ERROR]
        if problems:
            errors["statement"] = problems
    if errors or target is None or analysis is None:
        raise BadInput(errors)
    if revises is not None and revises.author_id != actor.pk:
        with refusals.noted("revise", actor=actor, query_id=revises.pk):
            raise NotAllowed("Only its author can revise a request.")
    if revises is not None and revises.undoes_id is not None:
        raise NotNow("An undo is not revised; take the write back anew.", code="is_undo", state=revises.status)
    return _store(actor, draft, target, analysis, Follows(revises=revises))


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
    target, errors = _where(actor, draft)
    _check_why(draft, errors)
    if errors or target is None:
        raise BadInput(errors)
    analysis = _read(target, draft)
    wrong = [finding.message for finding in analysis.findings if finding.severity is Severity.ERROR]
    if wrong:
        message = f"The statement that would take it back is refused: {' '.join(wrong)}"
        raise NotNow(message, code="not_reversible", state=query.status)
    with transaction.atomic():
        _undoable(actor, locked(query.pk))
        made_request = _store(actor, draft, target, analysis, Follows(undoes=query))
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


def approve(*, actor: User, query_id: int, digest: str, comment: str = "", bound: int | None = None) -> QueryRequest:
    """Approve; the last approval needed runs the statement at once. Returns the request as it is afterwards.

    `bound` is how many rows a write may change at most; left out, it is what `bounds.proposed` says.
    """
    _check_comment(comment)
    patience = places.Patience()
    while True:
        try:
            return _approve(actor, query_id, digest, comment, bound)
        except places.NoPlace as none:
            patience.wait(none)


def _approve(actor: User, query_id: int, digest: str, comment: str, bound: int | None) -> QueryRequest:
    """Approve with a place to run in, if it is the last approval. Raises NoPlace, having recorded nothing."""
    try:
        query = _record_approval(actor, query_id, digest, comment, bound)
    except BaseException:
        running.release()
        raise
    return running.run(query.pk) if query.state is Status.APPROVED else query


def _record_approval(actor: User, query_id: int, digest: str, comment: str, bound: int | None) -> QueryRequest:
    with refusals.noted("approve", actor=actor, query_id=query_id), transaction.atomic():
        query = locked(query_id)
        given, needed = 1 + _approvals(query), query.approvals_needed
        decided = step(query, Verb.APPROVE if given >= needed else Verb.ENDORSE, actor=actor)
        _check_time(query)
        _check_digest(query, digest)
        obstacle = policies.obstacle(query)
        if obstacle:
            raise obstacle
        held_to = _bound(query, bound)
        if given >= needed:
            places.take(query)
        _record_decision(query, actor, Verdict.APPROVE, comment, held_to)
        data: dict[str, object] = {"approvals": given, "approvals_required": needed}
        decided.take(data={**_said(comment), **data, **({} if held_to is None else {"bound": held_to})})
    return query


def reject(
    *, actor: User, query_id: int, comment: str = "", digest: str = "", ask_for_changes: bool = False
) -> QueryRequest:
    """Reject; `ask_for_changes` invites a revision, and so must say which."""
    _check_comment(comment)
    if ask_for_changes:
        require_words(comment)
    with refusals.noted("reject", actor=actor, query_id=query_id), transaction.atomic():
        query = locked(query_id)
        decided = step(query, Verb.REJECT, actor=actor)
        _check_time(query)
        if digest:
            _check_digest(query, digest)
        standstill = policies.standstill(query)
        if standstill:
            raise standstill
        _record_decision(query, actor, Verdict.REJECT, comment)
        decided.take(code=Code.CHANGES_REQUESTED if ask_for_changes else Code.NONE, data=_said(comment))
    return query


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
        _check_time(query)
        _check_digest(query, digest)
        log.append(log.Action.QUERY_REHEARSE, actor=actor, subject=subject(query), data={"digest": query.digest})
    patience = places.Patience()
    while True:
        try:
            places.take(query)
            break
        except places.NoPlace as none:
            patience.wait(none)
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
        failure_code=error.code.value if error is not None else "",
        expires_at=timezone.now() + dt.timedelta(days=query.target.retention_days),
    )
    with transaction.atomic():
        rehearsal.save(force_insert=True)
        said = {"message": error.public_message, "detail": dict(error.detail)} if error is not None else {}
        kept = effects.rows(effect) if effect is not None else json.dumps(said).encode()
        rehearsal.key_id, rehearsal.data = vault.seal(kept, rehearsal.place)
        rehearsal.save(update_fields=["key_id", "data"])
        outbox.announce_rehearsal(query)
    return rehearsal


def require_words(comment: str) -> None:
    """Refuse an empty comment where the author needs one: the page asks for one with every rejection."""
    if not comment.strip():
        raise BadInput({"comment": [FieldError("Say why, so that the author can act on it.", "required")]})


def withdraw(*, actor: User, query_id: int, comment: str = "") -> QueryRequest:
    """Take a request back before anybody decided."""
    _check_comment(comment)
    with refusals.noted("withdraw", actor=actor, query_id=query_id), transaction.atomic():
        query = locked(query_id)
        step(query, Verb.WITHDRAW, actor=actor).take(data=_said(comment))
    return query


def cancel(*, actor: User, query_id: int, comment: str = "") -> QueryRequest:
    """Ask a running request to stop, from any process: whoever runs it notices within a second."""
    _check_comment(comment)
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
        log.append(log.Action.QUERY_CANCEL, actor=actor, subject=subject(query), data=_said(comment))
    return query


def close(*, actor: User, query_id: int, comment: str) -> QueryRequest:
    """End the search for what became of a run, or say what was found where it stayed unknown. It never runs again."""
    _check_comment(comment)
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
        closing.take(code=Code.OUTCOME_UNKNOWN, data=_said(comment))
    return query


def expire(*, query_id: int) -> bool:
    """End a request that waited too long; whether it did."""
    with transaction.atomic():
        query = locked(query_id)
        if query.state is not Status.PENDING or query.expires_at > timezone.now():
            return False
        step(query, Verb.EXPIRE, actor=SYSTEM).take(code=Code.EXPIRED)
    return True


# --- deciding --------------------------------------------------------------------------------------


def _approvals(query: QueryRequest) -> int:
    """Approvals that count already; a request that needs one has none while it waits."""
    return 0 if query.approvals_needed == 1 else query.approvals_that_count()


def _check_time(query: QueryRequest) -> None:
    if query.expires_at <= timezone.now():
        raise NotNow(f"{query.number} has expired; its author can revise it.", code="expired", state=query.status)


def _bound(query: QueryRequest, typed: int | None) -> int | None:
    """The bound of an approval. Raises BadInput for one that makes no sense, NotNow where a rehearsal is missing."""
    if not query.writes:
        if typed is not None:
            raise BadInput({"bound": [FieldError("A read changes no rows: it has no bound.", "not_a_write")]})
        return None
    if typed is not None and not bounds.boundable(query):
        raise BadInput({"bound": [FieldError("What it changes cannot be counted: it has no bound.", "not_countable")]})
    rehearsal = bounds.latest(query)
    if query.target.rehearsals == Rehearsals.REQUIRED:
        _require_rehearsal(query, rehearsal)
    proposed = bounds.proposed(query, rehearsal)
    return typed if typed is not None or proposed is None else proposed.rows


def _require_rehearsal(query: QueryRequest, rehearsal: Rehearsal | None) -> None:
    if rehearsal is None or bounds.staleness(query, rehearsal):
        message = f"{query.target.name} wants a write to be rehearsed before it is approved. Rehearse it now."
        raise NotNow(message, code="rehearsal_required", state=query.status)


def _record_decision(
    query: QueryRequest, actor: User, verdict: Verdict, comment: str, bound: int | None = None
) -> None:
    values = (query.pk, query.author_id, actor.pk, verdict.value, comment.strip(), query.digest, bound)
    with connection.cursor() as cursor:
        cursor.execute(DECIDE, values)
        if not cursor.rowcount:
            message = f"You have already decided on {query.number}."
            raise NotNow(message, code="already_decided", state=query.status)


def _check_digest(query: QueryRequest, digest: str) -> None:
    if not digest:
        raise BadInput({"digest": [FieldError("Send the digest of the request as you saw it.", "required")]})
    if digest != query.digest:
        message = "The request is not the one you read: its digest differs. Read it again before you decide."
        raise NotNow(message, code="digest_differs", state=query.status)


def _check_comment(comment: str) -> None:
    problem = _bad_text(comment, COMMENT_LENGTH)
    if problem:
        raise BadInput({"comment": [problem]})


def _said(comment: str) -> dict[str, object]:
    return {"comment": comment.strip()} if comment.strip() else {}


# --- submitting ------------------------------------------------------------------------------------


def _where(actor: User, draft: Draft) -> tuple[Target | None, dict[str, list[FieldError]]]:
    errors: dict[str, list[FieldError]] = {}
    target = _find_target(actor, draft, errors)
    if draft.access not in set(Access):
        errors["access"] = [FieldError("Choose read or write.", "invalid_choice")]
    if target is None:
        return None, errors
    if draft.language not in target.languages:
        offered = ", ".join(target.languages)
        errors["language"] = [FieldError(f"{target.name} takes {offered}.", "invalid_choice")]
    if "access" not in errors:
        _check_credential(target, Access(draft.access), errors)
    return target, errors


def _find_target(actor: User, draft: Draft, errors: dict[str, list[FieldError]]) -> Target | None:
    usable = Target.objects.usable_by(actor).select_related("pod")
    if _bad_text(draft.pod, SLUG_LENGTH) or not usable.filter(pod__slug=draft.pod).exists():
        errors["pod"] = [FieldError("There is no such pod that you may ask for.", "unknown_pod")]
        return None
    known = not _bad_text(draft.target, SLUG_LENGTH)
    target = usable.filter(pod__slug=draft.pod, slug=draft.target).first() if known else None
    if target is None:
        errors["target"] = [FieldError("This pod has no such target.", "unknown_target")]
    return target


def _check_credential(target: Target, access: Access, errors: dict[str, list[FieldError]]) -> None:
    if target.offers(access):
        return
    variable = target.url_variable(access)
    if not variable:
        errors["access"] = [FieldError(f"{target.name} takes no {access} requests.", "not_offered")]
    else:
        message = f"{target.name} cannot be reached: the variable {variable} is not set. Tell an admin."
        errors["target"] = [FieldError(message, "credential_missing")]


def _check_why(draft: Draft, errors: dict[str, list[FieldError]]) -> None:
    if not draft.reason.strip():
        errors["reason"] = [FieldError("Say what this is for; reviewers read it first.", "required")]
    for name, value, length in (("reason", draft.reason, REASON_LENGTH), ("ticket", draft.ticket, TICKET_LENGTH)):
        problem = _bad_text(value, length)
        if problem:
            errors[name] = [problem]


def _check_parameters(draft: Draft, errors: dict[str, list[FieldError]]) -> None:
    if len(draft.parameters) > PARAMETERS:
        errors["parameters"] = [FieldError(f"At most {PARAMETERS} parameters.", "too_many")]
    elif any(isinstance(p, str) and _bad_text(p, PARAMETER_LENGTH) for p in draft.parameters):
        errors["parameters"] = [FieldError("A parameter holds a NUL byte or is longer than 100,000 characters.")]
    elif any(isinstance(p, float) and not math.isfinite(p) for p in draft.parameters):
        errors["parameters"] = [FieldError("A parameter is not a finite number; send it as text.", "not_finite")]


def _check_expects(draft: Draft, target: Target, errors: dict[str, list[FieldError]]) -> None:
    writes = draft.access == Access.WRITE
    if draft.expects is not None and not writes:
        errors["expects"] = [FieldError("A read changes no rows; leave this empty.", "not_a_write")]
    elif draft.expects is not None and not 0 <= draft.expects <= MOST_EXPECTED:
        errors["expects"] = [FieldError(f"Send a whole number from 0 to {MOST_EXPECTED:,}.", "out_of_range")]
    elif writes and draft.expects is None and target.expects_required:
        errors["expects"] = [FieldError("Say how many rows this should change.", "required")]


def _bad_text(value: str, length: int) -> FieldError | None:
    if "\0" in value:
        return FieldError("It holds a NUL byte; remove it.", "nul")
    if len(value) > length:
        return FieldError(f"It is {len(value):,} characters long; at most {length:,} fit.", "too_long")
    if any("\ud800" <= character <= "\udfff" for character in value):
        return FieldError("It holds half a character (a lone surrogate); remove it.", "surrogate")
    return None


def _read(target: Target, draft: Draft) -> Analysis:
    statement = normalise(draft.statement)
    language, access = Language(draft.language), Access(draft.access)
    analysis = processes.read(language, EngineKind(target.engine), statement, draft.parameters, access)
    if not target.offers(Access.READ):
        why = "The variable with its read credential is not set."
        return Word.missing(why).beside(analysis, language) if analysis.valid else analysis
    return processes.check(target.with_credential(Access.READ), language, statement, access, analysis)


def _field_error(finding: Finding) -> FieldError:
    message = f"{finding.message} {finding.hint}".strip()
    return FieldError(message, finding.code, finding.line, finding.column)


def _store(actor: User, draft: Draft, target: Target, analysis: Analysis, follows: Follows) -> QueryRequest:
    limits, revises = target.limits, follows.revises
    statement = normalise(draft.statement)
    parameters = tuple(as_stored(parameter) for parameter in draft.parameters)
    words: Sequence[str] = (draft.reason, draft.ticket, *analysis.tables, actor.username, actor.label)
    query = QueryRequest(
        pod=target.pod,
        target=target,
        author=actor,
        revises=revises,
        undoes=follows.undoes,
        language=draft.language,
        access=draft.access,
        statement=statement,
        parameters=list(parameters),
        seconds_limit=int(limits.seconds),
        lock_seconds_limit=int(limits.lock_seconds),
        rows_limit=limits.rows,
        bytes_limit=limits.bytes,
        expects=draft.expects,
        reason=draft.reason.strip(),
        ticket=draft.ticket.strip(),
        findings=[finding_json(finding) for finding in analysis.findings],
        verified=[verified.value for verified in analysis.verified],
        kinds=list(analysis.kinds),
        tables=list(analysis.tables),
        approvals_required=target.approvals_required,
        expires_at=timezone.now() + dt.timedelta(hours=target.pending_hours),
        search=" ".join(words).lower(),
    )
    query.digest = query.current_digest()
    with transaction.atomic():
        if revises is not None:
            _replace(actor, revises.pk, query)
        query.save(force_insert=True)
        data: dict[str, object] = {
            "digest": query.digest,
            "target": target.slug,
            "access": query.access,
            "to": query.status,
        }
        if revises is not None:
            data["revises"] = str(revises.public_id)
        if follows.undoes is not None:
            data["undoes"] = str(follows.undoes.public_id)
        outbox.announce_submission(query)
        log.append(log.Action.QUERY_SUBMIT, actor=actor, subject=subject(query), data=data)
    return query


def _replace(actor: User, revised_id: int, by: QueryRequest) -> None:
    """Withdraw a request that still waits, for its revision takes its place: only one of them may come to run."""
    revised = locked(revised_id)
    if revised.state is Status.PENDING:
        step(revised, Verb.WITHDRAW, actor=actor).take(data={"revised_by": str(by.public_id)})


def finding_json(finding: Finding) -> Mapping[str, object]:
    """A finding as it is stored and answered."""
    return {**asdict(finding), "severity": finding.severity.value}


def visible_query(*, actor: User, public_id: uuid.UUID) -> QueryRequest:
    """A request the reader may know of, with all that a page shows. Raises NotFound.

    Whoever looks at a run whose process is gone, or of which nobody could tell what became, asks and settles it.
    """
    query = _visible(actor, public_id)
    if query is not None and (running.settle_lost(query) or query.is_being_found_out):
        query = _visible(actor, public_id)
    if query is None:
        raise NotFound("There is no such request, or it belongs to a pod that you are not in.")
    return query


def _visible(actor: User, public_id: uuid.UUID) -> QueryRequest | None:
    return (
        QueryRequest.objects.visible_to(actor)
        .with_people()
        .select_related("revises", "undoes")
        .prefetch_related("decisions__reviewer")
        .filter(public_id=public_id)
        .first()
    )
