"""Every call of the API against every kind of person, and a test that no route is missing."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.urls import URLPattern, get_resolver, reverse
from rest_framework.test import APIClient

from accounts.models import User
from pods.models import Pod
from portal.tests.people import Client, Submit
from queries.models import QueryRequest, Template
from queries.services import TemplateDraft, create_template

pytestmark = pytest.mark.django_db

PEOPLE = ("author", "reviewer", "outsider", "auditor", "admin")
# name: (method, answers to PEOPLE) with an empty body, on a request that is pending.
EXPECTED: dict[str, tuple[str, tuple[int, int, int, int, int]]] = {
    "token": ("post", (400, 400, 400, 400, 400)),
    "token_refresh": ("post", (400, 400, 400, 400, 400)),
    "absence": ("get", (200, 200, 200, 200, 200)),
    "me": ("get", (200, 200, 200, 200, 200)),
    "pods": ("get", (200, 200, 200, 200, 200)),
    "targets": ("get", (200, 200, 200, 200, 200)),
    "target_schema": ("get", (200, 200, 404, 404, 404)),
    "queries": ("get", (200, 200, 200, 200, 200)),
    "query_check": ("post", (400, 400, 400, 400, 400)),
    "query": ("get", (200, 200, 404, 200, 200)),
    "query_comments": ("get", (200, 200, 404, 200, 200)),
    "query_approve": ("post", (400, 400, 404, 400, 400)),
    "query_rehearse": ("post", (400, 400, 404, 400, 400)),
    "query_undo": ("post", (409, 409, 404, 403, 403)),
    "query_plan": ("get", (403, 200, 404, 403, 403)),
    "query_reject": ("post", (403, 200, 404, 403, 403)),
    "query_withdraw": ("post", (200, 403, 404, 403, 403)),
    "query_cancel": ("post", (409, 409, 404, 403, 403)),
    "query_close": ("post", (400, 400, 404, 400, 400)),
    "query_result": ("get", (409, 409, 404, 403, 403)),
    "query_result_csv": ("get", (409, 409, 404, 403, 403)),
    "query_result_jsonl": ("get", (409, 409, 404, 403, 403)),
    "query_evidence": ("get", (200, 200, 404, 200, 200)),
    "query_result_xlsx": ("get", (409, 409, 404, 403, 403)),
    "query_result_parquet": ("get", (409, 409, 404, 403, 403)),
    "templates": ("get", (200, 200, 200, 200, 200)),
    "template": ("get", (200, 200, 404, 200, 200)),
    "template_change": ("post", (400, 400, 404, 400, 400)),
    "template_retire": ("post", (400, 400, 404, 400, 400)),
    "template_ask": ("post", (400, 400, 404, 400, 400)),
    "template_grant": ("post", (400, 400, 404, 400, 400)),
    "template_withdraw": ("post", (400, 400, 404, 400, 400)),
    "audit": ("get", (403, 403, 403, 200, 200)),
    "audit_log": ("get", (403, 403, 403, 200, 200)),
    "audit_entries_csv": ("get", (403, 403, 403, 200, 200)),
    "audit_entries_jsonl": ("get", (403, 403, 403, 200, 200)),
    # Who may, is tried in audit/tests: it reads one snapshot, which only a transaction of its own can give.
    "audit_verify": ("post", (403, 403, 403, 200, 200)),
}
ELSEWHERE = {"audit_verify"}
OPEN = {"token", "token_refresh"}


def routes() -> dict[str, URLPattern]:
    v1: Any = next(part for part in get_resolver().url_patterns if str(part.pattern) == "api/v1/")
    flat = [route for part in v1.url_patterns for route in getattr(part, "url_patterns", [part])]
    return {route.name: route for route in flat}


def address(name: str, public_id: object) -> str:
    values = {"public_id": public_id, "slug": "orders"}
    wanted = routes()[name].pattern.converters
    return reverse(f"api:{name}", kwargs={key: values[key] for key in wanted})


def template_of(query: QueryRequest) -> Template:
    """A template of the request's author, in its pod."""
    draft = TemplateDraft(query.pod.slug, "One", "sql", "read", "SELECT 1", (query.target.slug,))
    return create_template(actor=query.author, draft=draft)


def test_no_route_is_missing_here() -> None:
    assert set(routes()) == set(EXPECTED)


@pytest.mark.parametrize("number", range(len(PEOPLE)), ids=PEOPLE)
@pytest.mark.parametrize("name", sorted(EXPECTED.keys() - ELSEWHERE))
def test_what_each_person_is_answered(
    name: str, number: int, api: Client, other_pod: Pod, submitted: Submit, request: pytest.FixtureRequest
) -> None:
    method, answers = EXPECTED[name]
    user: User = request.getfixturevalue(PEOPLE[number])
    query = submitted()
    path = address(name, template_of(query).public_id if name.startswith("template") else query.public_id)
    answer = api(user).generic(method.upper(), path, "{}" if method == "post" else "", content_type="application/json")
    assert answer.status_code == answers[number]


@pytest.mark.parametrize("name", sorted(EXPECTED.keys() - OPEN))
def test_nobody_is_answered_nothing(name: str) -> None:
    client, path = APIClient(), address(name, uuid.uuid4())
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        answer = client.generic(method, path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_authenticated")
