"""Five wrong passwords lock the pair of user and address, at the token endpoint as at the page."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from audit.models import AuditLog
from portal.tests.people import PASSWORD

pytestmark = pytest.mark.django_db

TOKEN = "/api/v1/auth/token/"


@pytest.fixture
def client() -> APIClient:
    return APIClient(raise_request_exception=False)


def attempts(client: APIClient, user: User, count: int, address: str = "127.0.0.1") -> list[int]:
    body = {"username": user.username, "password": "wrong"}
    return [client.post(TOKEN, body, format="json", REMOTE_ADDR=address).status_code for _ in range(count)]


def test_the_fifth_wrong_password_locks(client: APIClient, author: User) -> None:
    assert attempts(client, author, 6) == [401, 401, 401, 401, 429, 429]


def test_the_right_password_does_not_open_a_lock(client: APIClient, author: User) -> None:
    attempts(client, author, 5)
    answer = client.post(TOKEN, {"username": author.username, "password": PASSWORD}, format="json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "too_many_requests")
    assert int(answer["Retry-After"]) == 15 * 60


def test_others_and_other_addresses_stay_open(client: APIClient, author: User, reviewer: User) -> None:
    attempts(client, author, 5)
    assert attempts(client, reviewer, 1) == [401]
    assert attempts(client, author, 1, address="192.0.2.7") == [401]


def test_a_right_password_forgets_wrong_ones(client: APIClient, author: User) -> None:
    attempts(client, author, 4)
    assert client.post(TOKEN, {"username": author.username, "password": PASSWORD}, format="json").status_code == 200
    assert attempts(client, author, 4) == [401] * 4


def test_each_failure_is_recorded_without_the_password(client: APIClient, author: User) -> None:
    attempts(client, author, 3)
    entries = AuditLog.objects.filter(action="user.sign_in_failed")
    assert [entry.subject_label for entry in entries] == ["author"] * 3
    assert not any("wrong" in entry.data for entry in entries)
