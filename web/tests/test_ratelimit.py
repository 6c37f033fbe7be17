"""Rates: counted atomically, per person or address, answered with 429 as JSON and as a page."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection
from django.test import RequestFactory
from rest_framework.test import APIClient

from accounts.models import User
from portal.tests.people import Client
from web import ratelimit
from web.errors import TooManyRequests


@pytest.mark.django_db
def test_the_call_after_the_last_one_is_refused(api: Client, author: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ratelimit.RATES, "check", ("2/h", "person"))
    client = api(author)
    answers = [client.post("/api/v1/queries/check/", {}, format="json") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [400, 400, 429]
    assert 1 <= int(answers[2]["Retry-After"]) <= 3600
    assert answers[2].json()["error"]["code"] == "too_many_requests"


@pytest.mark.django_db
def test_each_person_is_counted_apart(
    api: Client, author: User, reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ratelimit.RATES, "check", ("1/h", "person"))
    answers = [api(user).post("/api/v1/queries/check/", {}, format="json") for user in (author, reviewer)]
    assert [answer.status_code for answer in answers] == [400, 400]


@pytest.mark.django_db
def test_addresses_are_counted_where_nobody_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ratelimit.RATES, "token", ("1/h", "address"))
    client = APIClient(raise_request_exception=False)
    addresses = ("192.0.2.1", "192.0.2.1", "192.0.2.2")
    codes = [client.post("/api/v1/auth/token/", {}, format="json", REMOTE_ADDR=one).status_code for one in addresses]
    assert codes == [400, 429, 400]


@pytest.mark.django_db
def test_limits_can_be_switched_off(settings: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.conf.settings.PORTAL_RATE_LIMITS", False)
    monkeypatch.setitem(ratelimit.RATES, "token", ("0/h", "address"))
    ratelimit.limit(RequestFactory().post("/"), "token")


@pytest.mark.django_db
def test_a_rate_of_none_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ratelimit.RATES, "token", ("0/h", "address"))
    with pytest.raises(TooManyRequests):
        ratelimit.limit(RequestFactory().post("/"), "token")


def test_calls_at_once_are_all_counted(own_database: None) -> None:
    counters = caches["ratelimit"]
    counters.add("together", 0, 60)

    def count(_: int) -> None:
        try:
            counters.incr("together")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(100)))
    assert counters.get("together") == 100


@pytest.mark.django_db
def test_a_counter_that_has_expired_starts_anew() -> None:
    counters = caches["ratelimit"]
    assert counters.add("short", 7, 0)
    assert counters.get("short") is None
    assert counters.add("short", 1, 60)
    assert not counters.add("short", 1, 60)
    assert counters.incr("short") == 2


@pytest.mark.django_db
def test_a_call_costs_one_statement_once_its_counter_was_seen(django_assert_num_queries: Any) -> None:
    counters = caches["ratelimit"]
    assert counters.add("seen", 1, 60)
    with django_assert_num_queries(1):
        assert not counters.add("seen", 1, 60)
        assert counters.incr("seen") == 2


@pytest.mark.django_db
def test_a_counter_that_was_lost_begins_again_and_counts() -> None:
    counters = caches["ratelimit"]
    counters.add("lost", 1, 60)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM rate_counters")
    assert not counters.add("lost", 1, 60)
    assert [counters.incr("lost"), counters.incr("lost")] == [1, 2]
    with pytest.raises(ValueError, match="never"):
        counters.incr("never")
