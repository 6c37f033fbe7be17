"""Submitting: a draft that is in order is frozen and put before the pod's managers."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from audit import log
from executors.base import (
    Access,
    Analysis,
    Language,
)
from executors.base.parameters import to_json
from executors.normalising import normalised
from pods.models import Target
from queries import refusals, risks
from queries.digest import as_stored
from queries.joined import locked
from queries.lifecycle import Status, Verb
from queries.models import QueryRequest, TemplateVersion, UndoParameters
from queries.models.request import standing_for
from queries.notices import outbox
from queries.services.drafts import (
    Draft,
    check_expects,
    check_why,
    finding_json,
    read,
    refused,
    settled,
    where,
)
from queries.services.parameters import given
from queries.transitions import step, subject
from web.errors import BadInput, NotAllowed, NotNow

# So much of the beginning of a statement is searched: each letter costs the index a little.
SEARCHED_CHARACTERS = 8000


@dataclass(frozen=True, slots=True)
class Follows:
    """What a new request belongs to: it `revises` one of its author's, `undoes` what one changed, or was made of a
    template, whose name it is then found by. `decided`: it waits for nobody, so nobody is told that it does."""

    revises: QueryRequest | None = None
    undoes: QueryRequest | None = None
    version: TemplateVersion | None = None
    decided: bool = False


def submit(*, actor: User, draft: Draft, revises: QueryRequest | None = None) -> QueryRequest:
    """Freeze a request and put it before the pod's managers; one that it revises and that still waits is withdrawn.

    Raises BadInput with everything that is wrong at once.
    """
    target, draft, analysis = judged(actor, draft)
    if revises is not None and revises.author_id != actor.pk:
        with refusals.noted("revise", actor=actor, query_id=revises.pk):
            raise NotAllowed("Only its author can revise a request.")
    if revises is not None and revises.undoes_id is not None:
        raise NotNow("An undo is not revised; take the write back anew.", code="is_undo", state=revises.status)
    return store(actor, draft, target, analysis, Follows(revises=revises))


def judged(actor: User, draft: Draft) -> tuple[Target, Draft, Analysis]:
    """The target, the draft with values for its parameters, and what reading it told. Raises BadInput with everything
    that is wrong at once."""
    target, errors = where(actor, draft)
    check_why(draft, errors)
    draft = settled(draft, errors)
    if target is not None:
        check_expects(draft, target, errors)
    analysis = read(target, draft) if target and not errors.keys() & {"language", "access", "target"} else None
    if analysis is not None:
        errors = {**refused(analysis), **errors}
    if errors or target is None or analysis is None:
        raise BadInput(errors)
    return target, draft, analysis


def store(actor: User, draft: Draft, target: Target, analysis: Analysis, follows: Follows) -> QueryRequest:
    limits, revises = target.limits_for(Access(draft.access)), follows.revises
    statement = normalised(Language(draft.language), draft.statement)
    parameters = tuple(as_stored(parameter) for parameter in given(draft.parameters))
    made_of = () if follows.version is None else (follows.version.template.name,)
    words: Sequence[str] = (draft.reason, draft.ticket, *analysis.tables, actor.username, actor.label, *made_of)
    query = QueryRequest(
        pod=target.pod,
        target=target,
        author=actor,
        revises=revises,
        undoes=follows.undoes,
        language=draft.language,
        access=draft.access,
        statement=statement,
        parameters=list(map(to_json, parameters)) if follows.undoes is None else standing_for(parameters),
        seconds_limit=int(limits.seconds),
        lock_seconds_limit=int(limits.lock_seconds),
        rows_limit=limits.rows,
        bytes_limit=limits.bytes,
        expects=draft.expects,
        reason=draft.reason.strip(),
        ticket=draft.ticket.strip(),
        findings=[finding_json(finding) for finding in analysis.findings],
        fingerprint=analysis.fingerprint,
        verified=[verified.value for verified in analysis.verified],
        kinds=list(analysis.kinds),
        tables=list(analysis.tables),
        approvals_required=target.approvals_required,
        expires_at=timezone.now() + dt.timedelta(hours=target.pending_hours),
        search=" ".join((*words, statement[:SEARCHED_CHARACTERS])).lower(),
    )
    query.digest = query.current_digest()
    query.queue_order = risks.queue_order(query, None)
    with transaction.atomic():
        if revises is not None:
            _replace(actor, revises.pk, query)
        query.save(force_insert=True)
        if follows.undoes is not None:
            kept_until = timezone.now() + dt.timedelta(days=target.retention_days)
            UndoParameters.of(query, parameters, kept_until).save(force_insert=True)
        data: dict[str, object] = {
            "digest": query.digest,
            "target": target.slug,
            # What the digest covers of the target, which may be another tomorrow; but not where its credential lies.
            "identity": {name: fact for name, fact in query.target_identity().items() if name != "variable"},
            "access": query.access,
            "to": query.status,
        }
        if revises is not None:
            data["revises"] = str(revises.public_id)
        if follows.undoes is not None:
            data["undoes"] = str(follows.undoes.public_id)
        if follows.version is not None:
            data["template"] = named_in_log(follows.version)
        if not follows.decided:
            outbox.announce_submission(query)
        log.append(log.Action.QUERY_SUBMIT, actor=actor, subject=subject(query), data=data)
    return query


def named_in_log(version: TemplateVersion) -> dict[str, object]:
    """Which version of which template, for entries of the log."""
    return {"id": str(version.template.public_id), "version": version.number, "digest": version.digest}


def _replace(actor: User, revised_id: int, by: QueryRequest) -> None:
    """Withdraw a request that still waits, for its revision takes its place: only one of them may come to run."""
    revised = locked(revised_id)
    if revised.state is Status.PENDING:
        step(revised, Verb.WITHDRAW, actor=actor).record(data={"revised_by": str(by.public_id)})
