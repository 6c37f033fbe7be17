"""How the target would go about a request: a page, and the part of it that the page of the request takes in."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.people import person
from executors.base import Plan
from queries import policies, services
from queries.models import QueryRequest
from queries.presentation.plan import Shown, show
from queries.running.planning import known_plan, plan_of
from web.errors import Unavailable


@require_safe
def plan(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The plan. A target that gives none is no failure of the page: it says so."""
    query = services.visible_query(actor=person(request), public_id=public_id)
    context: dict[str, Any] = {"nav": "review", "query": query, "sees_plan": True}
    try:
        context["plan"] = _shown(query, plan_of(actor=person(request), query=query))
    except Unavailable as error:
        context["no_plan"] = error.message
    return render(request, "queries/plan.html", context)


def beside(query: QueryRequest, user: User) -> dict[str, Any]:
    """What the page of a request shows of its plan without asking anybody for it."""
    if policies.cannot_see_plan(user, query) or policies.cannot_be_planned(query):
        return {}
    known = known_plan(query)
    return {"sees_plan": True, "plan": None if known is None else _shown(query, known)}


def _shown(query: QueryRequest, plan: Plan) -> Shown:
    return show(plan, threshold=query.target.large_table_rows)
