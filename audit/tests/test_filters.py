"""The page and the API offer the same filters, with the same meaning."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.test import Client as DjangoClient

from audit import log
from audit.models import AuditLog
from audit.reading import FILTERS
from portal.tests.people import Client, Submit

Door = Callable[[dict[str, str]], list[int]]


@pytest.fixture
def page(auditor: Any) -> Door:
    client = DjangoClient()
    client.force_login(auditor, backend="django.contrib.auth.backends.ModelBackend")

    def read(filters: dict[str, str]) -> list[int]:
        body = client.get("/audit/", filters).content.decode()
        return [int(seq) for seq in re.findall(r'log__seq num">(\d+)<', body)]

    return read


@pytest.fixture
def calls(auditor: Any, api: Client) -> Door:
    def read(filters: dict[str, str]) -> list[int]:
        return [entry["seq"] for entry in api(auditor).get("/api/v1/audit/", filters).json()["results"]]

    return read


@pytest.fixture
def entries(submitted: Submit, author: Any) -> dict[str, str]:
    """Names that filters are written with; a person whose shown name is not their user name has acted."""
    author.first_name, author.last_name = "Ada", "Author"
    author.save()
    query = submitted()
    with transaction.atomic():
        log.append(log.Action.MEMBERS_CHANGE, actor=author, subject=log.Subject("pod", "a:b", "Team: A"))
    return {"id": str(query.public_id), "number": query.number, "day": f"{AuditLog.objects.earliest('at').at:%Y-%m-%d}"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({}, 2),
        ({"action": "query.submit"}, 1),
        ({"actor": "author"}, 2),
        ({"actor": "ada author"}, 2),
        ({"actor": "nobody"}, 0),
        ({"subject": "{id}"}, 1),
        ({"subject": "query:{id}"}, 1),
        ({"subject": "pod:{id}"}, 0),
        ({"subject": "{number}"}, 1),
        ({"subject": "a:b"}, 1),
        ({"subject": "pod:a:b"}, 1),
        ({"subject": "team: a"}, 1),
        ({"subject": " team: a "}, 1),
        ({"since": "{day}"}, 2),
        ({"until": "{day}"}, 2),
        ({"since": "{day}", "until": "2000-01-01"}, 0),
        ({"until": "9999-12-31"}, 2),
        ({"actor": "author", "action": "pod.members_change"}, 1),
    ],
)
def test_both_doors_find_the_same(
    filters: dict[str, str], count: int, entries: dict[str, str], page: Door, calls: Door
) -> None:
    sent = {name: value.format(**entries) for name, value in filters.items()}
    found = page(sent)
    assert found == calls(sent)
    assert AuditLog.objects.filter(seq__in=found, actor__username="author").count() == count


@pytest.mark.django_db
@pytest.mark.parametrize(
    "filters",
    [
        {"since": "01.02.2026"},
        {"until": "2026-13-01"},
        {"action": "x"},
        {"cursor": "17"},
        {"limit": "x"},
        {"before": "1"},
    ],
)
def test_both_doors_refuse_the_same(filters: dict[str, str], auditor: Any, api: Client, client: DjangoClient) -> None:
    client.force_login(auditor, backend="django.contrib.auth.backends.ModelBackend")
    answer = api(auditor).get("/api/v1/audit/", filters)
    assert (answer.status_code, client.get("/audit/", filters).status_code) == (400, 400)
    assert list(answer.json()["error"]["fields"]) == list(filters)


@pytest.mark.django_db
def test_the_form_offers_every_filter(auditor: Any, client: DjangoClient) -> None:
    client.force_login(auditor, backend="django.contrib.auth.backends.ModelBackend")
    fields = set(re.findall(r'id="a-[a-z]+" name="([a-z]+)"', client.get("/audit/").content.decode()))
    assert fields == set(FILTERS) - {"cursor", "limit"}
