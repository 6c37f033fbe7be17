"""What happened to a request, newest first, as sentences."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from accounts.models import SYSTEM, Actor
from audit.log import Action
from audit.models import AuditLog
from queries.lifecycle import Status, Verb
from queries.models import Code, Decision, Execution, QueryRequest, TemplateUse, Verdict
from queries.words import APPROVED_IN_ADVANCE, ASKED_FOR_CHANGES, DID, failed

# Where no time is written down, it was what ended the request.
UNKNOWN = dt.datetime.max.replace(tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: who did what when, and what they said."""

    who: Actor
    did: str
    at: dt.datetime | None
    icon: str
    tone: str = ""
    comment: str = ""
    line: int | None = None


def timeline(query: QueryRequest, execution: Execution | None) -> list[Event]:
    """The events of a request, newest first."""
    happened = [*_ending(query, execution), *_run(execution), *_decided(query), _asked(query)]
    return sorted([*happened, *_commented(query)], key=lambda event: event.at or UNKNOWN, reverse=True)


def _asked(query: QueryRequest) -> Event:
    did = f"asked for this for the pod {query.pod.name}"
    if query.revises is not None:
        did += f", revising {query.revises.number}; approvals of that one do not count here"
    return Event(query.author, did, query.submitted_at, "plus")


def _decided(query: QueryRequest) -> Iterator[Event]:
    for decision in reversed(list(query.decisions.all())):
        yield _decision(query, decision)


def _decision(query: QueryRequest, decision: Decision) -> Event:
    if decision.verdict == Verdict.APPROVE and _in_advance(query):
        return Event(decision.reviewer, APPROVED_IN_ADVANCE, decision.at, "check", "ok")
    if decision.verdict == Verdict.APPROVE:
        did, icon, tone = DID[Verb.APPROVE], "check", "ok"
    elif query.code == Code.CHANGES_REQUESTED:
        did, icon, tone = ASKED_FOR_CHANGES, "pencil", "warn"
    else:
        did, icon, tone = DID[Verb.REJECT], "x", "bad"
    return Event(decision.reviewer, did, decision.at, icon, tone, decision.comment)


def _in_advance(query: QueryRequest) -> bool:
    """Whether it ran on what somebody approved before it was asked."""
    use: TemplateUse | None = getattr(query, "template_use", None)
    return use is not None and use.grant_id is not None


def _commented(query: QueryRequest) -> Iterator[Event]:
    for said in query.comments.all():
        yield Event(said.author, "commented", said.at, "message-square", comment=said.text, line=said.line)


def _run(execution: Execution | None) -> Iterator[Event]:
    if execution is None:
        return
    if execution.cancel_requested_at and execution.cancel_requested_by:
        yield Event(execution.cancel_requested_by, "asked to stop the run", execution.cancel_requested_at, "x", "warn")
    yield Event(SYSTEM, DID[Verb.CLAIM], execution.started_at, "play")


def _ending(query: QueryRequest, execution: Execution | None) -> Iterator[Event]:
    if query.state is Status.WITHDRAWN:
        if query.code == Code.EXPIRED:
            yield Event(SYSTEM, DID[Verb.EXPIRE], query.expires_at, "clock")
        else:
            yield Event(query.author, DID[Verb.WITHDRAW], _withdrawn_at(query), "undo-2")
    elif execution is not None and execution.finished_at:
        if execution.closed_at and execution.closed_by:
            comment = execution.closing_comment
            yield Event(execution.closed_by, DID[Verb.CLOSE], execution.closed_at, "check", "warn", comment)
        if query.state is Status.EXECUTED:
            yield Event(SYSTEM, DID[Verb.COMPLETE], execution.finished_at, "check", "ok")
        elif query.state is Status.FAILED:
            yield Event(SYSTEM, failed(DID[Verb.FAIL], query.code), execution.finished_at, "circle-x", "bad")


def _withdrawn_at(query: QueryRequest) -> dt.datetime | None:
    """A withdrawal is written down in the audit log alone."""
    entries = AuditLog.objects.filter(
        subject_kind="query", subject_id=str(query.public_id), action=Action.QUERY_WITHDRAW
    )
    return entries.values_list("at", flat=True).first()
