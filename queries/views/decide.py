"""The verbs of a request. A refused one shows the request again, with the reason and everything that was typed."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode

from accounts.models import User
from accounts.people import person
from queries import bounds, policies, risks, running, services
from queries.forms import read_rows
from queries.lifecycle import Status, Verb
from queries.models import QueryRequest, Verdict
from queries.views.detail import Remark, effect_parts, progress_of, request_page
from queries.words import CLOSED, STILL_RUNS, of
from web.errors import BadInput, FieldError, NotFound, PortalError
from web.ratelimit import limit
from web.verbs import post_only

# A page's script asks for the parts that a rehearsal changes, instead of the page.
PART_HEADER = "X-Part"
LINE_DIGITS = 9
Act = Callable[[User, QueryRequest, str], QueryRequest]
Told = Callable[[QueryRequest], str]


@post_only
def approve(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Approve what was shown; the last approval needed runs it before this answers."""
    digest = request.POST.get("digest", "")

    def act(actor: User, query: QueryRequest, comment: str) -> QueryRequest:
        bound = read_rows(request.POST.get("bound", ""), "bound")
        return services.approve(
            actor=actor,
            query_id=query.pk,
            digest=digest,
            comment=comment,
            bound=bound,
            as_rehearsed=_as_rehearsed(request),
        )

    return _question(request, public_id) or _perform(request, public_id, act, told=_approved)


def _approved(query: QueryRequest) -> str:
    """What is told whoever approved; of what goes on running, that it does."""
    return STILL_RUNS if query.state is Status.EXECUTING and not query.is_being_found_out else of(query).told


def _closed(query: QueryRequest) -> str:  # noqa: ARG001 -- as `_perform` asks
    return CLOSED


def _as_rehearsed(request: HttpRequest) -> bool:
    """Whether the bound is the one that the page took over from the rehearsal it showed."""
    sent = request.POST
    return sent.get("origin") == bounds.Origin.REHEARSAL and sent.get("bound") == sent.get("proposed")


def _question(request: HttpRequest, public_id: UUID) -> HttpResponse | None:
    """The page that asks once more before a write runs, unless that was answered or somebody else has to."""
    query = services.visible_query(actor=person(request), public_id=public_id)
    given = sum(decision.verdict == Verdict.APPROVE for decision in query.decisions.all())
    may = Verb.APPROVE in policies.allowed(person(request), query) and request.POST.get("digest") == query.digest
    if not may or given + 1 < query.approvals_needed:
        return None
    rehearsal = running.seen(query)
    sight = bounds.Sight.of(rehearsal) if rehearsal is not None else None
    asked = risks.confirmation(query, sight)
    answer = request.POST.get("confirmed", "")
    if asked is None or asked.given(answer):
        return None
    context = {
        "query": query,
        "rehearsal": rehearsal,
        "confirmation": asked,
        "answer": answer,
        "risks": [risks.WORDS[risk] for risk in risks.risks(query, sight)],
        "counted": bounds.counted(query, sight),
        "comment": request.POST.get("comment", ""),
        "bound_typed": request.POST.get("bound", ""),
        "proposed": bounds.proposed(query, rehearsal),
        "sent": {name: request.POST.get(name, "") for name in ("proposed", "origin")},
        **progress_of(query, person(request)),
    }
    return render(request, "queries/confirm.html", context, status=BadInput.status if answer else 200)


@post_only
def rehearse(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Run the write that was shown and roll it back; the page that follows shows what it would change."""
    query = services.visible_query(actor=person(request), public_id=public_id)
    part = request.headers.get(PART_HEADER) == "effect"
    try:
        limit(request, "rehearse")
        services.rehearse(actor=person(request), query_id=query.pk, digest=request.POST.get("digest", ""))
    except PortalError as error:
        if part:
            return error.on(effect_parts(request, query, error))
        return _refused(request, public_id, error)
    seen = services.visible_query(actor=person(request), public_id=public_id)
    if part:
        return effect_parts(request, seen)
    comment, bound = request.POST.get("comment", ""), request.POST.get("bound", "")
    if comment or bound != request.POST.get("proposed", ""):
        typed = bound if bound != request.POST.get("proposed", "") else ""
        return request_page(request, seen, comment=comment, bound=typed)
    return redirect(f"{reverse('queries:detail', args=[public_id])}#effect")


@post_only
def undo(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Prepare the request that takes an executed write back, and show it; nothing is changed by that."""
    query = services.visible_query(actor=person(request), public_id=public_id)
    reason = request.POST.get("reason", "")
    try:
        limit(request, "submit")
        prepared = services.undo(actor=person(request), query_id=query.pk, reason=reason)
    except PortalError as error:
        return _refused(request, public_id, error)
    messages.success(request, f"{prepared.number} would put back what {query.number} changed, once it is approved.")
    return redirect("queries:detail", prepared.public_id)


@post_only
def reject(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Reject, or ask for changes: both need words, and comments made before are words that ask for changes."""
    digest = request.POST.get("digest", "")
    changes = request.POST.get("decision") == "changes"

    def act(actor: User, query: QueryRequest, comment: str) -> QueryRequest:
        if not changes:
            services.require_words(comment)
        return services.reject(actor=actor, query_id=query.pk, digest=digest, comment=comment, ask_for_changes=changes)

    return _perform(request, public_id, act)


@post_only
def comment(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Say something without deciding: about the whole, or about a line."""
    query = services.visible_query(actor=person(request), public_id=public_id)
    text, line = request.POST.get("text", ""), request.POST.get("line", "").strip()
    try:
        limit(request, "decide")
        services.comment(actor=person(request), query_id=query.pk, text=text, line=_line(line))
    except NotFound:
        raise
    except PortalError as error:
        return error.on(request_page(request, query, remark=Remark(text, line, error)))
    messages.success(request, f"Your comment on {query.number} was added.")
    return redirect(f"{reverse('queries:detail', args=[public_id])}#activity")


def _line(typed: str) -> int | None:
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit() and len(typed) <= LINE_DIGITS):
        raise BadInput({"line": [FieldError("Type the number of a line, or leave it empty.", "invalid")]})
    return int(typed)


@post_only
def withdraw(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Take one's own request back."""

    def act(actor: User, query: QueryRequest, comment: str) -> QueryRequest:
        return services.withdraw(actor=actor, query_id=query.pk, comment=comment)

    return _perform(request, public_id, act)


@post_only
def cancel(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Ask a run to stop; the page that follows shows whether it did."""

    def act(actor: User, query: QueryRequest, comment: str) -> QueryRequest:
        return services.cancel(actor=actor, query_id=query.pk, comment=comment)

    return _perform(request, public_id, act)


@post_only
def close(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Close what nobody can find out, with what a look at the target has shown."""

    def act(actor: User, query: QueryRequest, comment: str) -> QueryRequest:
        return services.close(actor=actor, query_id=query.pk, comment=comment)

    return _perform(request, public_id, act, told=_closed)


@post_only
def revise(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Start a new request from this one; nothing is stored before it is sent."""
    query = services.visible_query(actor=person(request), public_id=public_id)
    return redirect(f"{reverse('queries:new')}?{urlencode({'revises': str(query.public_id)})}")


def _told(query: QueryRequest) -> str:
    return of(query).told


def _perform(request: HttpRequest, public_id: UUID, act: Act, told: Told = _told) -> HttpResponse:
    query = services.visible_query(actor=person(request), public_id=public_id)
    comment = request.POST.get("comment", "")
    try:
        limit(request, "decide")
        changed = act(person(request), query, comment)
    except NotFound:
        raise
    except PortalError as error:
        return _refused(request, public_id, error)
    messages.success(request, told(changed).format(number=changed.number))
    return redirect("queries:detail", public_id)


def _refused(request: HttpRequest, public_id: UUID, error: PortalError) -> HttpResponse:
    if isinstance(error, BadInput):
        error.message = " ".join(problem.message for problems in error.fields.values() for problem in problems)
    query = services.visible_query(actor=person(request), public_id=public_id)
    comment = request.POST.get("comment", "") or request.POST.get("reason", "")
    bound = request.POST.get("bound", "")
    return error.on(request_page(request, query, error=error, comment=comment, bound=bound))
