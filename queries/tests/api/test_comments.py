"""Comments over the API: who reads and writes them, and what is refused with its field."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from queries.models import QueryRequest
from queries.tests.world import World


def call(person: User, query: QueryRequest, body: object = None) -> Any:
    client = APIClient()
    client.force_authenticate(person)
    address = f"/api/v1/queries/{query.public_id}/comments/"
    return client.get(address) if body is None else client.post(address, body, format="json")


def test_a_comment_is_answered_and_listed(world: World) -> None:
    query = world.submitted()
    answer = call(world.reviewer, query, {"text": "Why?", "line": 1})
    assert (answer.status_code, answer.json()["author"], answer.json()["line"]) == (201, "reviewer", 1)
    assert call(world.colleague, query).json() == {"results": [answer.json()]}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "text"),
        ({"text": ""}, "text"),
        ({"text": "x" * 4001}, "text"),
        ({"text": "Why?", "line": 2}, "line"),
        ({"text": "Why?", "line": 0}, "line"),
        ({"text": "Why?", "line": "1"}, "line"),
        ({"text": "Why?", "line": True}, "line"),
        ({"text": "Why?", "other": 1}, "other"),
    ],
)
def test_what_is_refused_names_its_field(body: dict[str, object], field: str, world: World) -> None:
    answer = call(world.reviewer, world.submitted(), body)
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [field])


@pytest.mark.parametrize(("name", "status"), [("colleague", 403), ("auditor", 403), ("outsider", 404)])
def test_others_write_none(name: str, status: int, world: World) -> None:
    assert call(getattr(world, name), world.submitted(), {"text": "Hi"}).status_code == status
