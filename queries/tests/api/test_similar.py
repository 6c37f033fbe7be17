"""Earlier requests like the one that is typed: what came of them, and only those that the reader may see."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from pods.models import Target
from queries import services
from queries.tests.views.conftest import SignedIn
from queries.tests.world import World

BODY = {"pod": "payments", "target": "orders", "language": "sql", "access": "read", "reason": "x"}


def similar(client_of: SignedIn, user: User, statement: str, **fields: str) -> list[dict[str, Any]]:
    body = {**BODY, "statement": statement, **fields}
    answer = client_of(user).post("/api/v1/queries/check/", body, content_type="application/json")
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["similar"]
    return found


def test_outcome_rows_and_time_are_told_newest_first(world: World, client_of: SignedIn) -> None:
    ran = world.executed("SELECT generate_series(1, 3) AS n", reason="Three rows")
    failed = world.executed("SELECT generate_series(1, 10 / 0) AS n", reason="Never")
    waits = world.submitted("SELECT generate_series(2, 9) AS n -- again", reason="Waits")
    assert failed.status == "FAILED"
    found = similar(client_of, world.colleague, "select generate_series(5, 6) as n")
    assert [one["number"] for one in found] == [waits.number, ran.number]
    assert [one["rows"] for one in found] == [None, 3]
    assert [one["outcome"] for one in found] == ["Waiting for approval", "Finished"]
    assert found[0]["duration_ms"] is None
    assert found[1]["duration_ms"] > 0
    assert found[1]["title"] == "Three rows"


def test_a_write_tells_what_it_changed(world: World, client_of: SignedIn) -> None:
    query = world.approved(world.insert("similar"))
    assert query.status == "EXECUTED"
    found = similar(client_of, world.author, "INSERT INTO effects (tag) VALUES ('other')", access="write")
    assert [one["rows"] for one in found] == [1]


def test_at_most_three_are_told(world: World, client_of: SignedIn) -> None:
    for _ in range(4):
        world.submitted("SELECT 1 AS one")
    assert len(similar(client_of, world.author, "SELECT 2 AS one")) == 3


def test_other_targets_and_other_pods_are_not_told(world: World, client_of: SignedIn) -> None:
    world.submitted("SELECT 1 AS one")
    twin = Target.objects.get(pk=world.target.pk)
    twin.pk, twin.name, twin.slug, twin.pod = None, "Twin", "twin", world.other_pod
    twin.save()
    assert similar(client_of, world.outsider, "SELECT 1 AS one", pod="research", target="twin") == []
    draft = services.Draft(
        pod="research", target="twin", language="sql", statement="SELECT 1 AS one", access="read", reason="x"
    )
    services.submit(actor=world.outsider, draft=draft)
    assert len(similar(client_of, world.outsider, "SELECT 1 AS one", pod="research", target="twin")) == 1
    assert len(similar(client_of, world.author, "SELECT 1 AS one")) == 1


@pytest.mark.parametrize("statement", ["SELEC 1", ""])
def test_a_text_that_cannot_be_read_is_like_no_other(statement: str, world: World, client_of: SignedIn) -> None:
    world.submitted("SELECT 1 AS one")
    assert similar(client_of, world.author, statement) == []


def test_a_draft_that_is_like_nothing_costs_few_statements(world: World, client_of: SignedIn) -> None:
    """It is asked each time its author pauses while typing: session, person, rate, target, right, anything alike."""
    client = client_of(world.author)
    body = {**BODY, "statement": "SELECT 'nothing is like it'"}
    client.post("/api/v1/queries/check/", body, content_type="application/json")
    with CaptureQueriesContext(connection) as asked:
        answer = client.post("/api/v1/queries/check/", body, content_type="application/json")
    assert answer.json()["similar"] == []
    assert len(asked) <= 6, "\n".join(found["sql"] for found in asked)
