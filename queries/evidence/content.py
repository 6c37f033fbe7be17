"""What evidence says of a request: the same to everybody, but for what only some may see. No row of any database."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from accounts.models import User
from audit import log
from audit.models import AuditLog
from queries import bounds, policies
from queries.digest import digest
from queries.models import Comment, Decision, Execution, QueryRequest, Rehearsal, TemplateUse
from queries.running.planning import known_plan
from queries.transitions import ACTIONS, subject

NO_PLAN = "No plan is kept: it is asked of the target while a reviewer looks, and forgotten after some minutes."
NO_FORM = "What the digest covers cannot be put together any more: the target was changed since, and that was not kept."


def content_of(query: QueryRequest, reader: User) -> dict[str, object]:
    """The request as it is now, its row locked, as plain JSON."""
    entries = _entries(query)
    return {
        **_asked(query),
        **_digest(query, entries),
        **_plan(query, reader),
        **_rehearsals(query, reader),
        "status": query.status,
        "code": query.code,
        "decisions": [_decision(decision) for decision in query.decisions.select_related("reviewer").order_by("pk")],
        "comments": [_comment(comment) for comment in query.comments.select_related("author").order_by("pk")],
        "approvals_required": query.approvals_needed,
        "bound": bounds.in_force(query),
        "execution": _execution(query, entries),
    }


def _asked(query: QueryRequest) -> dict[str, object]:
    return {
        "id": str(query.public_id),
        "number": query.number,
        "pod": query.pod.slug,
        "target_name": query.target.name,
        "author": query.author.username,
        "author_id": str(query.author_id),
        "submitted_at": moment(query.submitted_at),
        "expires_at": moment(query.expires_at),
        "reason": query.reason,
        "ticket": query.ticket,
        "language": query.language,
        "access": query.access,
        "statement": query.statement,
        "parameters": query.parameters,
        "limits": asdict(query.limits),
        "expects": query.expects,
        "revises": str(query.revises.public_id) if query.revises is not None else None,
        "template": _template(query),
        "undoes": str(query.undoes.public_id) if query.undoes is not None else None,
        "kinds": list(query.kinds),
        "tables": list(query.tables),
        "findings": query.findings,
        "verified": query.verified,
    }


def _template(query: QueryRequest) -> dict[str, object] | None:
    """The version of a template that it was made of, and the approval in advance on which it ran."""
    use: TemplateUse | None = getattr(query, "template_use", None)
    if use is None:
        return None
    version, grant = use.version, use.grant
    return {
        "id": str(version.template.public_id),
        "name": version.template.name,
        "version": version.number,
        "digest": version.digest,
        "grant": str(grant.public_id) if grant is not None else None,
        "granted_by": grant.approver.username if grant is not None else None,
        "granted_at": moment(grant.granted_at) if grant is not None else None,
    }


def _digest(query: QueryRequest, entries: Sequence[tuple[log.Action, Mapping[str, Any]]]) -> dict[str, object]:
    """The digest and what it covers: with the target as it was at submission, or as it is if that comes to the same."""
    now = query.target_identity()
    then = [now | data.get("identity", {}) for action, data in entries if action is log.Action.QUERY_SUBMIT]
    for target in (*then, now):
        form = query.digest_form(target)
        if digest(form) == query.digest:
            return {"digest": query.digest, "digest_form": form, "target": target}
    return {"digest": query.digest, "digest_form": None, "digest_note": NO_FORM, "target": {"slug": query.target.slug}}


def _plan(query: QueryRequest, reader: User) -> dict[str, object]:
    if why := policies.cannot_see_plan(reader, query):
        return {"plan": None, "plan_note": why}
    plan = known_plan(query)
    return {"plan": None, "plan_note": NO_PLAN} if plan is None else {"plan": asdict(plan)}


def _rehearsals(query: QueryRequest, reader: User) -> dict[str, object]:
    if not query.writes:
        return {"rehearsals": []}
    if why := policies.cannot_see_rehearsal(reader, query):
        return {"rehearsals": None, "rehearsals_note": why}
    found = Rehearsal.objects.filter(query=query).select_related("by").defer("data").order_by("pk")
    return {"rehearsals": [_rehearsal(rehearsal) for rehearsal in found]}


def _rehearsal(rehearsal: Rehearsal) -> dict[str, object]:
    return {
        "at": moment(rehearsal.at),
        "by": rehearsal.by.username,
        "digest": rehearsal.digest,
        "duration_ms": rehearsal.duration_ms,
        "effect": rehearsal.effect,
        "failure": rehearsal.failure_code or None,
    }


def _decision(decision: Decision) -> dict[str, object]:
    """What a reviewer decided on what they saw."""
    return {
        "reviewer": decision.reviewer.username,
        "reviewer_id": str(decision.reviewer_id),
        "verdict": decision.verdict,
        "comment": decision.comment,
        "digest": decision.digest,
        "bound": decision.bound,
        "at": moment(decision.at),
    }


def _comment(comment: Comment) -> dict[str, object]:
    return {
        "author": comment.author.username,
        "author_id": str(comment.author_id),
        "text": comment.text,
        "line": comment.line,
        "at": moment(comment.at),
    }


def _execution(
    query: QueryRequest, entries: Sequence[tuple[log.Action, Mapping[str, Any]]]
) -> dict[str, object] | None:
    """The run: codes and counts. The server's words may quote data, and are not in it."""
    execution: Execution | None = getattr(query, "execution", None)
    if execution is None:
        return None
    digests = [data.get("result") for action, data in entries if action is log.Action.QUERY_COMPLETE]
    return {
        "started_at": moment(execution.started_at),
        "finished_at": moment(execution.finished_at),
        "duration_ms": execution.duration_ms,
        "limits": execution.limits,
        "failure": execution.failure_code or None,
        "sqlstate": execution.sqlstate or None,
        "row_count": execution.row_count,
        "rows_affected": execution.rows_affected,
        "affected_known": execution.affected_known,
        "effect": execution.effect,
        "truncated_by": execution.truncated or None,
        "calls_made": execution.calls_made,
        "console_lines": execution.lines_written,
        "result_digest": digests[-1] if digests else None,
    }


def _entries(query: QueryRequest) -> list[tuple[log.Action, Mapping[str, Any]]]:
    """The acts that took the request where it is, oldest first."""
    about = subject(query)
    steps = [log.Action.QUERY_SUBMIT, *ACTIONS.values()]
    rows = AuditLog.objects.filter(subject_kind=about.kind, subject_id=about.id, action__in=steps).order_by("seq")
    return [(log.Action(action), json.loads(data)) for action, data in rows.values_list("action", "data")]


def moment(at: dt.datetime | None) -> str | None:
    """A time as the audit log writes it."""
    return None if at is None else at.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
