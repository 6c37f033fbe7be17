"""The plan of a request: asked for beside its page, kept for a while, and told to those who may decide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.urls import reverse
from pymongo.database import Database

from executors import processes
from queries.models import QueryRequest
from queries.tests.views.conftest import SignedIn
from queries.tests.world import READ_VARIABLE, TargetDatabase, World


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def large(target_database: TargetDatabase) -> Iterator[None]:
    """A table of 2,000 rows."""
    with target_database.connect() as connection:
        connection.execute("CREATE TABLE big AS SELECT n, n % 10 AS part FROM generate_series(1, 2000) n")
        connection.execute("GRANT SELECT ON big TO PUBLIC; GRANT UPDATE ON big TO PUBLIC; ANALYZE big")
        yield
        connection.execute("DROP TABLE big")


def page(query: QueryRequest, name: str = "plan") -> str:
    return reverse(f"queries:{name}", args=[query.public_id])


def api(query: QueryRequest) -> str:
    return reverse("api:query_plan", args=[query.public_id])


def test_page_of_a_request_asks_nobody_and_leads_to_its_plan(
    world: World, client_of: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(processes, "plan", asked)
    query = world.submitted("SELECT * FROM items")
    body = client_of(world.reviewer).get(page(query, "detail")).content.decode()
    assert f'data-plan="{page(query)}"' in body
    assert f'<a href="{page(query)}">' in body
    assert page(query) not in client_of(world.author).get(page(query, "detail")).content.decode()


@pytest.mark.usefixtures("large")
def test_plan_shows_steps_and_what_is_read_wholly(world: World, client_of: SignedIn) -> None:
    world.change_target(large_table_rows=1000)
    query = world.submitted("SELECT part, count(*) FROM big GROUP BY part")
    body = client_of(world.reviewer).get(page(query)).content.decode()
    assert "Reads the whole table" in body
    assert "<meter " in body
    assert "about 2,000 rows" in body
    assert 'data-estimated="about 10 rows"' in body


@pytest.mark.usefixtures("large")
def test_table_is_not_large_below_the_threshold(world: World, client_of: SignedIn) -> None:
    world.change_target(large_table_rows=2000)
    query = world.submitted("SELECT * FROM big")
    body = client_of(world.reviewer).get(page(query)).content.decode()
    assert "notice--warn" not in body
    (step,) = client_of(world.reviewer).get(api(query)).json()["steps"]
    assert (step["reads_all"], step["large"]) == (2000, False)


@pytest.mark.usefixtures("large")
def test_estimate_of_a_write_stands_beside_what_its_author_expects(world: World, client_of: SignedIn) -> None:
    query = world.submitted("UPDATE big SET part = 0 WHERE part = 1", access="write", expects=7)
    reviewer = client_of(world.reviewer)
    before = reviewer.get(page(query, "detail")).content.decode()
    assert "data-estimate hidden" in before
    assert reviewer.get(page(query)).status_code == 200
    after = reviewer.get(page(query, "detail")).content.decode()
    assert "data-estimate hidden" not in after
    assert "<dt>Author expects</dt><dd>7 rows</dd>" in after
    assert "<dt>Estimated</dt><dd>about 200 rows</dd>" in after
    assert "data-plan=" not in after


def test_what_was_asked_lately_is_not_asked_again(
    world: World, client_of: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    ask = processes.plan

    def count(*arguments: Any) -> object:
        asked.append(arguments)
        return ask(*arguments)

    monkeypatch.setattr(processes, "plan", count)
    query = world.submitted("SELECT * FROM items")
    answers = [client_of(who).get(api(query)) for who in (world.reviewer, world.second_reviewer)]
    assert [answer.json()["estimated_rows"] for answer in answers] == [answers[0].json()["estimated_rows"]] * 2
    assert len(asked) == 1


def test_nothing_of_a_write_is_run(world: World, client_of: SignedIn, target_database: TargetDatabase) -> None:
    query = world.insert("planned")
    answer = client_of(world.reviewer).get(api(query))
    assert answer.json()["estimated_rows"] == 1
    assert target_database.effects("planned") == 0


def test_documents_are_planned_as_well(world: World, client_of: SignedIn, on_mongo: Database[dict[str, Any]]) -> None:
    on_mongo.things.insert_many([{"a": n % 2} for n in range(10)])
    query = world.submitted("db.things.find({a: 1})", language="mongo")
    body = client_of(world.reviewer).get(page(query)).content.decode()
    assert "Reads the whole collection" in body
    assert 'data-estimated="about 5 documents"' in body


def test_target_that_cannot_be_asked_is_no_failure_of_the_page(
    world: World, client_of: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = world.submitted()
    monkeypatch.delenv(READ_VARIABLE)
    answer = client_of(world.reviewer).get(page(query))
    assert answer.status_code == 200
    assert "There is no plan now." in answer.content.decode()
    assert client_of(world.reviewer).get(api(query)).json()["error"]["code"] == "credential_missing"


@pytest.mark.parametrize("name", ["author", "colleague", "auditor", "admin"])
def test_only_who_may_decide_is_told(name: str, world: World, client_of: SignedIn) -> None:
    query = world.submitted()
    assert client_of(getattr(world, name)).get(api(query)).status_code == 403


def test_decided_request_is_not_planned(world: World, client_of: SignedIn) -> None:
    query = world.executed()
    answer = client_of(world.reviewer).get(api(query))
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_now")
    assert "data-plan" not in client_of(world.reviewer).get(page(query, "detail")).content.decode()


def test_target_that_was_switched_off_is_not_asked(world: World, client_of: SignedIn) -> None:
    query = world.submitted()
    world.change_target(active=False)
    answer = client_of(world.reviewer).get(api(query))
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "target_inactive")
