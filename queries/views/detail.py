"""The page of one request: what it would do, what was decided, how it ended; and the part of it that is polled."""

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET, require_safe

from accounts.models import User
from accounts.people import person
from audit import keys
from executors.base import Effect, Language, RowEncoding
from pods.absences import deciders
from queries import bounds, policies, risks, running, services
from queries import evidence as evidences
from queries.lifecycle import Status
from queries.models import Execution, QueryRequest, Rehearsal, Schema, Verdict
from queries.presentation import pages, parameters, traces
from queries.presentation.checks import passed
from queries.presentation.effect import lasting, show
from queries.presentation.noticed import noticed
from queries.presentation.pages import ShownPage
from queries.presentation.parts import parts
from queries.presentation.states import advice, is_overdue, meaning
from queries.presentation.timeline import timeline
from queries.presentation.values import cell
from queries.results import Window, record_trace_view, rehearsals, show_page
from queries.results import undo as undos
from queries.running import places
from queries.running.activity import activity
from queries.running.ending import HOPE
from queries.running.monitor import LOG_BYTES_KEPT
from queries.views.plan import beside
from queries.views.statements import failure_parts, statement_parts
from web.errors import NotFound, PortalError
from web.ratelimit import limit

INLINE_ROWS = 50
# What all parameters together take of the page.
PARAMETERS_BYTES = 200_000
INLINE_BYTES = 300_000
INLINE_CALLS = 20
INLINE_LINES = 40
NEIGHBOURS = 200
ROWS_CHANGED = 20
SEEN = re.compile(r"[0-9]{1,4}")


@require_safe
def detail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One request, as far as the reader may see it; opening it reads what the bell told of it."""
    query = services.visible_query(actor=person(request), public_id=public_id)
    page = request_page(request, query)
    services.note_opened(actor=person(request), query=query)
    return page


@require_safe
def status(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The part of the page that changes while it runs, the same partial as in the page; 204 where nothing has changed.

    A page says in `seen` how many approvals it shows: whoever waits looks often, and mostly nothing has come of it.
    """
    if _still_waits(request, public_id):
        return HttpResponse(status=204)
    query = services.visible_query(actor=person(request), public_id=public_id)
    response = render(request, "queries/_progress.html", progress_of(query, person(request)))
    response["X-Query-Status"] = query.status
    return response


def _still_waits(request: HttpRequest, public_id: UUID) -> bool:
    """Whether the request waits for a decision as the page shows it, and not for a place to run in."""
    seen = request.GET.get("seen", "")
    if not SEEN.fullmatch(seen):
        return False
    shown = QueryRequest.objects.visible_to(person(request)).filter(public_id=public_id).waiting_with(int(seen))
    query = shown.select_related("target", "pod").defer("statement", "parameters").first()
    return query is not None and not (is_overdue(query) or places.waits_for(query))


@require_safe
def statement(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The whole statement, to the character, as plain text."""
    query = services.visible_query(actor=person(request), public_id=public_id)
    return HttpResponse(query.statement, content_type="text/plain; charset=utf-8")


@require_safe
def parameter(request: HttpRequest, public_id: UUID, number: int) -> HttpResponse:
    """The whole value of one parameter, counted from 1, to the character, as plain text."""
    query = services.visible_query(actor=person(request), public_id=public_id)
    rows = [] if query.undoes_id is not None else parameters.shown(query.values(), query.language)
    text = rows[number - 1].text if 0 < number <= len(rows) else None
    if text is None:
        raise NotFound("There is no such value.")
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@require_GET
def evidence(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Everything about the request in one file that is verified offline. Taking it is recorded."""
    limit(request, "download")
    query = services.visible_query(actor=person(request), public_id=public_id)
    file = evidences.evidence(actor=person(request), query=query)
    return HttpResponse(file.content, content_type=evidences.MEDIA_TYPE, headers=file.headers)


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment that was refused: what was typed, and why it was not taken."""

    text: str = ""
    line: str = ""
    error: PortalError | None = None


def request_page(
    request: HttpRequest,
    query: QueryRequest,
    *,
    error: PortalError | None = None,
    comment: str = "",
    bound: str = "",
    remark: Remark | None = None,
) -> HttpResponse:
    """The page, after a refused act too: with the reason, and what was typed."""
    user = person(request)
    execution = _execution(query)
    prefetch_related_objects([query], "comments__author")
    context = {
        "nav": "review" if user.may_review_somewhere and query.author_id != user.pk else "mine",
        "query": query,
        "error": error,
        "comment": comment,
        "bound_typed": bound,
        "noticed": noticed(query.findings),
        "passed": passed(query.verified),
        "gives_evidence": keys.signing_key() is not None,
        "parts": parts(query, execution),
        "remark": remark or Remark(),
        "may_comment": not policies.cannot_comment(user, query),
        "my_comments": sum(said.author_id == user.pk for said in query.comments.all()),
        "earlier_is_known": _knows(user, query.revises),
        "undone_is_known": _knows(user, query.undoes),
        "rest_of_reason": _rest(query.reason, query.title),
        "parameters": _parameters(query),
        "made_of": getattr(query, "template_use", None),
        "keeps_templates": query.undoes_id is None and policies.can_submit(user, query.pod),
        "events": timeline(query, execution),
        **_inline_result(user, query, execution),
        **_script_run(user, query, execution),
        **_maintained(user, query, execution),
        "cannot_see_result": policies.cannot_see_result(user, query),
        **progress_of(query, user),
        **_decision(query, user),
        **_effect(query, user, execution),
        **beside(query, user),
        **statement_parts(request, query, execution),
        **_neighbours(query, user),
    }
    return render(request, "queries/detail.html", context)


def effect_parts(request: HttpRequest, query: QueryRequest, refusal: PortalError | None = None) -> HttpResponse:
    """The parts of the page that a rehearsal changes: the box and the dialog, the same partials as in the page."""
    user = person(request)
    context = {"query": query, "refusal": refusal, "allowed": policies.allowed(user, query), **_decision(query, user)}
    context |= {**_effect(query, user, _execution(query)), **beside(query, user)}
    return render(request, "queries/_rehearsed.html", context)


def progress_of(query: QueryRequest, user: User) -> dict[str, Any]:
    execution = _execution(query)
    code = execution.failure_code if execution else query.code
    return {
        "query": query,
        "execution": execution,
        "failure": failure_parts(user, query, execution),
        "allowed": policies.allowed(user, query),
        "running": query.state in {Status.APPROVED, Status.EXECUTING},
        "found_out_until": _found_out_until(execution),
        "elapsed": int((timezone.now() - execution.started_at).total_seconds()) if execution else 0,
        "activity": activity(query),
        "waits_for": places.waits_for(query) if query.state is Status.PENDING else "",
        "wait_seconds": int(places.WAIT_SECONDS),
        "given": sum(decision.verdict == Verdict.APPROVE for decision in query.decisions.all()),
        "meaning": meaning(query, code),
        "next_step": advice(query, code),
    }


def _found_out_until(execution: Execution | None) -> dt.datetime | None:
    """Until when a target that gives no answer is asked again; None when there is nothing to find out."""
    if execution is None or not execution.is_being_found_out or execution.committing_at is None:
        return None
    return execution.committing_at + HOPE


def _knows(user: User, query: QueryRequest | None) -> bool:
    """Whether the reader may know of a request that this one names: it may be of a pod that they are not in."""
    return query is not None and QueryRequest.objects.visible_to(user).filter(pk=query.pk).exists()


def _execution(query: QueryRequest) -> Execution | None:
    return getattr(query, "execution", None)


def _decision(query: QueryRequest, user: User) -> dict[str, Any]:
    overdue = is_overdue(query)
    decisions = list(query.decisions.all())
    given = sum(decision.verdict == Verdict.APPROVE for decision in decisions)
    done = {decision.reviewer_id for decision in decisions}
    return {
        "overdue": overdue,
        "decisions": decisions,
        "given": given,
        "last_approval": given + 1 >= query.approvals_needed,
        "may_decide": "reject" in policies.allowed(user, query) and not overdue,
        "obstacle": policies.obstacle(query) if query.state is Status.PENDING else None,
        "cannot_decide": policies.cannot_decide(user, query),
        "already_decided": user.pk in done,
        "can_decide": [found for found in deciders(query.pod, beside=query.author_id) if found.person.pk not in done],
        "is_author": query.author_id == user.pk,
        "next_waiting": _next_waiting(query, user),
    }


def _effect(query: QueryRequest, user: User, execution: Execution | None) -> dict[str, Any]:
    """What the write would change as far as it was seen, and what it changed once it ran."""
    if not query.writes:
        return {}
    unseen = policies.cannot_see_rehearsal(user, query)
    rehearsal = None if unseen else running.seen(query)
    seen = rehearsals.effect(rehearsal) if rehearsal else None
    if seen is not None and policies.cannot_see_result(user, query):
        seen = _counts_alone(seen)
    ran = undos.changed(execution, ROWS_CHANGED) if execution is not None else None
    if ran is not None and policies.cannot_see_result(user, query):
        ran = _counts_alone(ran)
    if ran is not None and any(table.changes for table in ran.tables):
        record_trace_view(actor=user, query=query, part="changes")
    named = query.tables if query.language != Language.SCRIPT else ()
    return {
        "rehearsal": rehearsal,
        "cannot_see_rehearsal": unseen,
        "rehearsed": show(seen, would=True, personal=query.target.personal_columns, named=named) if seen else None,
        "rehearsal_failure": rehearsals.words(rehearsal) if rehearsal else None,
        "stale": bounds.staleness(query, rehearsal) if rehearsal else None,
        "schema_unknown": rehearsal and query.state is Status.PENDING and rehearsal.schema is Schema.UNKNOWN,
        "changed_rows": show(ran, would=False, personal=query.target.personal_columns, named=named) if ran else None,
        "cannot_undo": _cannot_undo(query, user),
        "undos": query.undos.select_related("target", "execution").order_by("pk"),
        "lasting": lasting(query),
        "proposed": bounds.proposed(query, rehearsal),
        "bound": bounds.in_force(query),
        **_risks(query, rehearsal),
        "unlike": _unlike(query, rehearsal),
    }


def _risks(query: QueryRequest, rehearsal: Rehearsal | None) -> dict[str, Any]:
    sight = bounds.Sight.of(rehearsal) if rehearsal is not None else None
    words = [risks.WORDS[risk] for risk in risks.risks(query, sight)]
    return {"risks": words, "confirmation": risks.confirmation(query, sight)}


def _counts_alone(effect: Effect) -> Effect:
    """Without its rows."""
    return replace(effect, tables=tuple(replace(table, changes=()) for table in effect.tables))


def _cannot_undo(query: QueryRequest, user: User) -> str:
    """Why a write that ran cannot be taken back, for those who could ask for it."""
    if query.state is not Status.EXECUTED or policies.cannot_undo(user, query):
        return ""
    stands = policies.cannot_be_undone(query)
    return stands.message if stands else ""


def _unlike(query: QueryRequest, rehearsal: Rehearsal | None) -> bool:
    """Whether the rehearsal counted something else than the author expects."""
    counted = rehearsal.effect["total"] if rehearsal is not None and rehearsal.effect else None
    return None not in (query.expects, counted) and query.expects != counted


def _next_waiting(query: QueryRequest, user: User) -> QueryRequest | None:
    """What a reviewer can decide on next, once this one needs nothing more of them."""
    if not user.may_review_somewhere or query.author_id == user.pk or "approve" in policies.allowed(user, query):
        return None
    return QueryRequest.objects.awaiting(user).in_queue_order().first()


def _parameters(query: QueryRequest) -> list[tuple[parameters.Shown, SafeString]]:
    """Each parameter, with as much of its value as there is room for."""
    rows = [] if query.undoes_id is not None else parameters.shown(query.values(), query.language)
    room = PARAMETERS_BYTES // max(1, len(rows))
    places = (reverse("queries:parameter", args=[query.public_id, number]) for number in range(1, len(rows) + 1))
    return [
        (row, pages.fitting_text(row.text or "", place, room, cell)) for row, place in zip(rows, places, strict=True)
    ]


def _inline_result(user: User, query: QueryRequest, execution: Execution | None) -> dict[str, Any]:
    """The first rows, for those who may see them; a result that cannot be read must not take the page with it."""
    if execution is None or execution.finished_at is None or not execution.has_result:
        return {}
    if policies.cannot_see_result(user, query):
        return {}
    try:
        return {"result": show_page(actor=user, query=query, made=_drawn(query, execution), limit=INLINE_ROWS)}
    except PortalError as error:
        return {"result_error": error.message}


def _drawn(query: QueryRequest, execution: Execution) -> Callable[[Window], ShownPage]:
    draw = pages.documents if execution.encoding == RowEncoding.BSON else pages.table
    return partial(draw, address=reverse("queries:value", args=[query.public_id]), room=INLINE_BYTES)


def _script_run(user: User, query: QueryRequest, execution: Execution | None) -> dict[str, Any]:
    """What a script called and wrote, also when it failed: the first of both."""
    if query.language != Language.SCRIPT or execution is None or execution.finished_at is None:
        return {"calls": None}
    if policies.cannot_see_result(user, query):
        return {"calls": None}
    address = reverse("queries:value", args=[query.public_id])
    calls = traces.calls(execution, address, most=INLINE_CALLS, room=traces.INLINE_BYTES)
    lines = traces.lines(execution, address, most=INLINE_LINES, room=traces.INLINE_BYTES)
    return {
        "calls": calls,
        "calls_total": calls.total,
        "log_lines": lines,
        "lines_total": lines.total,
        "console_kept": LOG_BYTES_KEPT,
    }


def _maintained(user: User, query: QueryRequest, execution: Execution | None) -> dict[str, Any]:
    """What the server said while maintenance ran, and its catalogue afterwards: the first of it."""
    if not query.maintains or execution is None or execution.finished_at is None:
        return {}
    if policies.cannot_see_result(user, query):
        return {}
    address = reverse("queries:value", args=[query.public_id])
    lines = traces.lines(execution, address, most=INLINE_LINES, room=traces.INLINE_BYTES)
    return {"log_lines": lines, "lines_total": lines.total, "console_kept": LOG_BYTES_KEPT}


def _rest(reason: str, title: str) -> str:
    """The reason without its first line when that is the title already."""
    first, _, rest = reason.strip().partition("\n")
    return rest.strip() if first.strip() == title else reason


def _neighbours(query: QueryRequest, user: User) -> dict[str, Any]:
    """The requests before and after this one among those that wait for the reader."""
    if query.state is not Status.PENDING:
        return {}
    waiting: Sequence[UUID] = list(
        QueryRequest.objects.awaiting(user).in_queue_order().values_list("public_id", flat=True)[:NEIGHBOURS]
    )
    if query.public_id not in waiting:
        return {}
    place = waiting.index(query.public_id)
    return {
        "place": place + 1,
        "waiting_total": len(waiting),
        "previous_id": waiting[place - 1] if place else None,
        "next_id": waiting[place + 1] if place + 1 < len(waiting) else None,
    }
