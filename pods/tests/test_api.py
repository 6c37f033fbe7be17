"""Who I am, what I may reach, and what a target holds."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from pods.models import Pod, Target
from portal.tests.people import READ, Client, Orders

pytestmark = pytest.mark.django_db

ME, PODS, TARGETS = "/api/v1/me/", "/api/v1/pods/", "/api/v1/targets/"
SCHEMA = "/api/v1/targets/orders/schema/"


@pytest.mark.parametrize(
    ("person", "submit", "review", "pods"),
    [
        ("author", True, False, ["shop"]),
        ("reviewer", True, True, ["shop"]),
        ("outsider", True, True, ["elsewhere"]),
        ("auditor", False, False, ["elsewhere", "shop"]),
        ("admin", False, False, ["elsewhere", "shop"]),
    ],
)
def test_me(
    person: str, submit: bool, review: bool, pods: list[str], api: Client, other_target: Target, request: Any
) -> None:
    answer = api(request.getfixturevalue(person)).get(ME).json()
    assert (answer["username"], answer["may_submit"], answer["may_review"]) == (person, submit, review)
    assert [pod["slug"] for pod in answer["pods"]] == pods


def test_a_developer_among_managers_may_not_review(api: Client, author: User, pod: Pod) -> None:
    author.groups.add(pod.managers)
    assert api(author).get(ME).json()["may_review"] is False


def test_pods_cost_the_same_however_many(api: Client, admin: User, pod: Pod, other_target: Target) -> None:
    with CaptureQueriesContext(connection) as asked:
        pods = api(admin).get(PODS).json()["results"]
    assert [pod["targets"] for pod in pods] == [["theirs"], ["orders"]]
    assert len(asked) <= 5


def test_only_targets_of_ones_own_pods(api: Client, author: User, other_target: Target) -> None:
    found = api(author).get(TARGETS).json()["results"]
    assert [target["slug"] for target in found] == ["orders"]
    assert (found[0]["access"], found[0]["languages"], found[0]["may_submit"]) == (["read", "write"], ["sql"], True)


def test_a_missing_variable_is_named_and_no_value_shown(
    api: Client, author: User, target: Target, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(READ)
    answer = api(author).get(TARGETS)
    assert answer.json()["results"][0]["missing_variables"] == [READ]
    assert orders.write not in answer.content.decode()


def test_schema_lists_tables_and_columns(api: Client, author: User, target: Target) -> None:
    Target.objects.filter(pk=target.pk).update(personal_columns=["orders.total"])
    answer = api(author).get(SCHEMA).json()
    tables = {table["name"]: table for table in answer["tables"]}
    assert {"name": "total", "type": "numeric(12,2)", "personal": True} in tables["orders"]["columns"]
    assert [column["name"] for column in tables["orders"]["columns"] if column["personal"]] == ["total"]
    assert answer["search_path"] == ["public"]


def test_schema_is_asked_for_once(api: Client, author: User, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    first = api(author).get(SCHEMA).json()
    monkeypatch.delenv(READ)
    assert api(author).get(SCHEMA).json() == first


def test_schema_of_others_is_not_found(api: Client, outsider: User, auditor: User, target: Target) -> None:
    for person in (outsider, auditor):
        assert api(person).get(SCHEMA).status_code == 404


def test_schema_without_a_credential_names_the_variable(
    api: Client, author: User, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(READ)
    answer = api(author).get(SCHEMA)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "credential_missing")
    assert READ in answer.json()["error"]["message"]


def test_schema_of_a_target_that_is_down_says_so_soon(
    api: Client, author: User, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(READ, "postgresql://somebody:secretword@127.0.0.1:1/orders")
    started = time.monotonic()
    answer = api(author).get(SCHEMA)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unreachable")
    assert "secretword" not in answer.content.decode()
    assert time.monotonic() - started < 10
