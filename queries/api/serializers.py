"""Requests and results as JSON: plain functions, for a list of 200 must not cost 200 serializers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from typing import Any

from django.db.models import Prefetch

from accounts.models import User
from executors.base import Activity, Plan
from pods.models import Pod
from queries import bounds
from queries.api.template_schema import use_json
from queries.lifecycle import Status
from queries.models import Comment, Decision, Execution, QueryRequest, Rehearsal
from queries.policies import allowed, cannot_see_parameters, cannot_see_rehearsal, cannot_see_result, failure_words
from queries.results import ResultPage, rehearsals
from queries.running.ending import HOPE
from queries.vault import Unreadable
from web.paging import ANSWER_BYTES, encode

# What maintenance says is short, but with VERBOSE.
SAID_LINES = 200

# The decisions with who made them, in one query more.
DECISIONS = Prefetch("decisions", Decision.objects.select_related("reviewer"))
RAN = frozenset({Status.EXECUTING, Status.EXECUTED, Status.FAILED})


def share_pods(queries: Iterable[QueryRequest]) -> None:
    """Give the requests of one pod one pod object that asks the database once who a reader is in it.

    For one answer only: a page of requests then costs as many questions as it has pods, not as it has rows.
    """
    pods: dict[int, Pod] = {}
    for query in queries:
        known = pods.get(query.pod_id)
        if known is None:
            known = pods[query.pod_id] = query.pod
            vars(known).update(has_manager=cache(known.has_manager), has_developer=cache(known.has_developer))
        query.pod = known


def plan_json(plan: Plan, query: QueryRequest) -> dict[str, object]:
    """A plan as it is answered; `large` where a step reads all of what the target calls a large table."""
    threshold = query.target.large_table_rows
    return {
        "steps": [
            {
                "depth": step.depth,
                "what": step.what,
                "relation": step.relation,
                "estimated_rows": step.rows,
                "cost": step.cost,
                "share": step.share,
                "reads_all": step.reads_all,
                "large": step.reads_more_than(threshold),
                "line": step.line,
            }
            for step in plan.steps
        ],
        "estimated_rows": plan.rows,
        "notes": plan.notes,
    }


def query_json(
    query: QueryRequest,
    reader: User,
    activity: Activity | None = None,
    seen: Rehearsal | None = None,
    *,
    whole: bool = True,
) -> dict[str, object]:
    """A request as design and OpenAPI schema describe it, with what its run does now if that was asked, and with its
    last rehearsal (`seen`) for those who may see it. `whole`: with the rows that an undo puts back."""
    return {
        "id": str(query.public_id),
        "number": query.number,
        "status": query.status,
        "code": query.code,
        "pod": query.pod.slug,
        "target": query.target.slug,
        "language": query.language,
        "access": query.access,
        "statement": query.statement,
        "parameters": _parameters_json(query, reader, whole=whole),
        "digest": query.digest,
        "reason": query.reason,
        "ticket": query.ticket,
        "author": query.author.username,
        "submitted_at": query.submitted_at,
        "expires_at": query.expires_at,
        "revises": str(query.revises.public_id) if query.revises is not None else None,
        "kinds": query.kinds,
        "tables": query.tables,
        "findings": query.findings,
        "verified": query.verified,
        "limits": asdict(query.limits_in_force),
        "approvals_required": query.approvals_needed,
        "decisions": [
            {
                "reviewer": decision.reviewer.username,
                "verdict": decision.verdict,
                "comment": decision.comment,
                "digest": decision.digest,
                "bound": decision.bound,
                "at": decision.at,
            }
            for decision in query.decisions.all()
        ],
        "expects": query.expects,
        "bound": bounds.in_force(query),
        "undoes": str(query.undoes.public_id) if query.undoes is not None else None,
        "rehearsal": _rehearsal_json(query, reader, seen),
        "execution": _execution_json(query, reader, activity, whole=whole),
        "template": use_json(getattr(query, "template_use", None)),
        "allowed": allowed(reader, query),
    }


def comment_json(comment: Comment) -> dict[str, object]:
    """A comment as it is answered."""
    return {"author": comment.author.username, "text": comment.text, "line": comment.line, "at": comment.at}


def result_json(page: ResultPage) -> dict[str, object]:
    """A page of a result."""
    return {
        "columns": [{"name": column.name, "type": column.type} for column in page.columns],
        "rows": [[cell if isinstance(cell, str) else None for cell in row] for row in page.rows],
        "documents": page.documents,
        "first_row": page.first_row,
        "row_count": page.row_count,
        "truncated": bool(page.truncated),
        "truncated_by": page.truncated or None,
        "cut": [asdict(cut) for cut in page.cut],
        "next": None if page.next is None else encode(page.next),
    }


def _parameters_json(query: QueryRequest, reader: User, *, whole: bool) -> list[Any] | None:
    """The parameters. Those of an undo are rows of the target: for those who may see results, as long as they are
    kept, and as many of them as an answer holds."""
    if query.undoes_id is None:
        return list(query.parameters)
    if not whole or cannot_see_parameters(reader, query):
        return None
    try:
        values = list(query.values())
    except Unreadable:
        return None
    return values if sum(len(str(value)) for value in values) <= ANSWER_BYTES else None


def _rehearsal_json(query: QueryRequest, reader: User, seen: Rehearsal | None) -> dict[str, object] | None:
    """The last rehearsal: its counts tell of data, so they are for those who may see it."""
    rehearsal = seen
    if rehearsal is None or cannot_see_rehearsal(reader, query):
        return None
    stale = bounds.staleness(query, rehearsal)
    words = rehearsals.words(rehearsal)
    return {
        "at": rehearsal.at,
        "by": rehearsal.by.username,
        "digest": rehearsal.digest,
        "duration_ms": rehearsal.duration_ms,
        "effect": rehearsal.effect,
        "failure": words and {"code": rehearsal.failure_code, **words},
        "stale": stale.value if stale else None,
        "schema": rehearsal.schema.value,
    }


def _execution_json(
    query: QueryRequest, reader: User, activity: Activity | None, *, whole: bool
) -> dict[str, object] | None:
    execution: Execution | None = getattr(query, "execution", None) if query.state in RAN else None
    if execution is None:
        return None
    failure = None
    if execution.failure_code:
        message, detail = failure_words(reader, query, execution)
        failure = {"code": execution.failure_code, "message": message, "detail": detail}
    return {
        "started_at": execution.started_at,
        "finished_at": execution.finished_at,
        "duration_ms": execution.duration_ms,
        "failure": failure,
        "row_count": execution.row_count,
        "rows_affected": execution.rows_affected,
        "affected_known": execution.affected_known,
        "effect": execution.effect,
        "settings": execution.session_settings,
        "truncated": bool(execution.truncated),
        "truncated_by": execution.truncated or None,
        "has_result": execution.has_result,
        "calls_made": execution.calls_made,
        "console_lines": execution.lines_written,
        "console_truncated": execution.console_truncated,
        "said": _said(query, execution, reader) if whole else None,
        "result_lost": execution.result_lost,
        "result_expires_at": execution.result_expires_at,
        "activity": asdict(activity) if activity else None,
        "statements": _statements_json(query, execution),
        "finding_out": _finding_out_json(execution),
        "closed": _closed_json(execution),
    }


def _statements_json(query: QueryRequest, execution: Execution) -> dict[str, object] | None:
    if query.state is not Status.EXECUTING or execution.statements_total is None:
        return None
    return {"done": execution.statements_done, "total": execution.statements_total}


def _said(query: QueryRequest, execution: Execution, reader: User) -> str | None:
    """What maintenance said on its way and afterwards."""
    if not query.maintains or execution.finished_at is None or cannot_see_result(reader, query):
        return None
    return "\n".join(line.text for line in execution.log_lines.all()[:SAID_LINES])


def _finding_out_json(execution: Execution) -> dict[str, object] | None:
    if not execution.is_being_found_out or execution.committing_at is None:
        return None
    since = execution.committing_at
    return {"since": since, "asked_at": execution.asked_at, "asks": execution.asks, "until": since + HOPE}


def _closed_json(execution: Execution) -> dict[str, object] | None:
    if execution.closed_by is None:
        return None
    return {
        "by": execution.closed_by.username,
        "at": execution.closed_at,
        "comment": execution.closing_comment,
    }
