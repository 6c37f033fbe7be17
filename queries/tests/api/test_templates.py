"""Templates over the API: kept, asked with, approved in advance, changed and retired."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from accounts.models import User
from pods.models import Target
from portal.tests.people import Client
from queries import grants
from queries.models import Template

pytestmark = pytest.mark.django_db
BODY = {
    "pod": "shop",
    "name": "Orders of a customer",
    "language": "sql",
    "access": "read",
    "statement": "SELECT id FROM orders WHERE customer = :customer AND id = ANY(:ids)",
    "targets": ["orders"],
    "parameters": [
        {"name": "customer", "type": "text", "usual": "customer 1"},
        {"name": "ids", "type": "list", "of": "integer"},
    ],
}
VALUES = {"customer": "customer 7", "ids": [7, 8]}


def post(api: Client, user: User, path: str, body: dict[str, Any]) -> Any:
    return api(user).post(f"/api/v1/templates/{path}", body, format="json")


@pytest.fixture
def kept(api: Client, author: User, target: Target) -> dict[str, Any]:
    """A template of the author's, as the API answers it."""
    answer = post(api, author, "", BODY)
    assert answer.status_code == 201
    made: dict[str, Any] = answer.json()
    assert answer["Location"] == f"/api/v1/templates/{made['id']}/"
    return made


def given(api: Client, reviewer: User, kept: dict[str, Any], **fields: Any) -> Any:
    until = (grants.today() + dt.timedelta(days=1)).isoformat()
    body = {"digest": kept["digest"], "target": "orders", "until": until, "runs_a_day": 2, "runs_a_person": 1}
    return post(api, reviewer, f"{kept['id']}/grant/", body | {"people": None} | fields)


def asked(api: Client, user: User, kept: dict[str, Any], **fields: Any) -> Any:
    body = {"digest": kept["digest"], "target": "orders", "values": VALUES, "reason": "to look"}
    return post(api, user, f"{kept['id']}/ask/", body | fields)


def test_it_is_answered_as_it_is_kept(api: Client, reviewer: User, kept: dict[str, Any]) -> None:
    shown = api(reviewer).get(f"/api/v1/templates/{kept['id']}/").json()
    assert shown["parameters"] == BODY["parameters"]
    assert (shown["version"], shown["owner"], shown["engine"]) == (1, "author", "postgresql")
    assert shown["allowed"] == ["ask", "change", "retire", "grant", "withdraw"]
    assert [one["id"] for one in api(reviewer).get("/api/v1/templates/?q=customer").json()["results"]] == [kept["id"]]
    assert api(reviewer).get("/api/v1/templates/?pod=elsewhere").json()["results"] == []


def test_asking_answers_the_request(api: Client, author: User, kept: dict[str, Any]) -> None:
    answer = asked(api, author, kept)
    query = answer.json()
    assert (answer.status_code, query["status"]) == (201, "PENDING")
    expected = {"id": kept["id"], "name": kept["name"], "version": 1, "digest": kept["digest"]}
    assert query["template"] == expected | {"grant": None, "ordinary": ""}
    assert query["parameters"][1] == {"name": "ids", "type": "list", "of": "integer", "value": ["7", "8"]}
    listed = api(author).get("/api/v1/queries/").json()["results"][0]
    assert listed["template"] == query["template"]


def test_approved_in_advance_it_ran_when_this_answers(
    api: Client, author: User, reviewer: User, kept: dict[str, Any]
) -> None:
    grant = given(api, reviewer, kept).json()["grants"][0]
    assert (grant["holds"], grant["people"], grant["used_today"]) == (True, None, 0)
    query = asked(api, author, kept).json()
    assert (query["status"], query["template"]["grant"]) == ("EXECUTED", grant["id"])
    assert query["decisions"][0]["reviewer"] == "reviewer"
    again = asked(api, author, kept).json()
    assert (again["status"], again["template"]["grant"]) == ("PENDING", None)
    assert "runs of today" in again["template"]["ordinary"]
    ended = post(api, reviewer, f"{kept['id']}/withdraw/", {"target": "orders"}).json()["grants"][0]
    assert (ended["holds"], ended["ended"], ended["used_today"]) == (False, "withdrawn", 1)
    assert post(api, reviewer, f"{kept['id']}/withdraw/", {"target": "orders"}).status_code == 404


def test_a_digest_that_is_not_what_it_says_now_is_a_409(api: Client, author: User, kept: dict[str, Any]) -> None:
    body = {name: value for name, value in BODY.items() if name != "pod"}
    body["statement"] = "SELECT total FROM orders WHERE customer = :customer AND id = ANY(:ids)"
    changed = post(api, author, f"{kept['id']}/change/", body | {"digest": kept["digest"]})
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    for answer in (
        asked(api, author, kept),
        post(api, author, f"{kept['id']}/retire/", {"digest": kept["digest"]}),
        post(api, author, f"{kept['id']}/change/", body | {"digest": kept["digest"]}),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "digest_differs")
    assert Template.objects.get().now.number == 2


def test_who_may_not_is_told_what_that_is(
    api: Client, author: User, outsider: User, admin: User, kept: dict[str, Any], other_target: Target
) -> None:
    assert given(api, author, kept).status_code == 403
    assert given(api, admin, kept).status_code == 403
    for answer in (given(api, outsider, kept), asked(api, outsider, kept)):
        assert answer.status_code == 404
    assert post(api, outsider, "", BODY).json()["error"]["fields"].keys() == {"pod"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"values": {"customer": "x"}}, "parameters.ids"),
        ({"values": {**VALUES, "more": 1}}, "parameters"),
        ({"values": {**VALUES, "ids": [1.5]}}, "parameters.ids"),
        ({"values": []}, "values"),
        ({"target": "theirs"}, "target"),
        ({"more": 1}, "more"),
    ],
    ids=["missing", "one more", "mistyped", "a list", "no target of it", "no field"],
)
def test_what_cannot_be_taken_is_named(
    body: dict[str, Any], field: str, api: Client, author: User, kept: dict[str, Any]
) -> None:
    answer = asked(api, author, kept, **body)
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [field])
