"""Tokens: getting them, renewing them, and everybody they are refused to."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from audit.models import AuditLog
from portal.tests.people import PASSWORD

pytestmark = pytest.mark.django_db

TOKEN = "/api/v1/auth/token/"
REFRESH = "/api/v1/auth/token/refresh/"
ME = "/api/v1/me/"


@pytest.fixture
def client() -> APIClient:
    return APIClient(raise_request_exception=False)


def sign_in(client: APIClient, user: User, password: str = PASSWORD) -> Any:
    return client.post(TOKEN, {"username": user.username, "password": password}, format="json")


def me(client: APIClient, access: str) -> int:
    return client.get(ME, HTTP_AUTHORIZATION=f"Bearer {access}").status_code


def test_a_pair_opens_the_api_and_is_recorded(client: APIClient, author: User) -> None:
    pair = sign_in(client, author).json()
    assert me(client, pair["access"]) == 200
    assert AuditLog.objects.filter(action="user.sign_in", actor=author, data__contains='"door":"api"').exists()


def test_refresh_answers_with_a_new_pair(client: APIClient, author: User) -> None:
    pair = sign_in(client, author).json()
    fresh = client.post(REFRESH, {"refresh": pair["refresh"]}, format="json").json()
    assert me(client, fresh["access"]) == 200
    assert fresh["refresh"] != pair["refresh"]
    assert AuditLog.objects.filter(action="user.token_refresh", actor=author).exists()


def test_a_used_refresh_token_is_refused(client: APIClient, author: User) -> None:
    pair = sign_in(client, author).json()
    client.post(REFRESH, {"refresh": pair["refresh"]}, format="json")
    again = client.post(REFRESH, {"refresh": pair["refresh"]}, format="json")
    assert (again.status_code, again.json()["error"]["code"]) == (401, "token_not_valid")
    assert again["WWW-Authenticate"].startswith("Bearer")


def test_deactivation_refuses_both_tokens_at_once(client: APIClient, author: User) -> None:
    pair = sign_in(client, author).json()
    User.objects.filter(pk=author.pk).update(is_active=False)
    assert me(client, pair["access"]) == 401
    assert client.post(REFRESH, {"refresh": pair["refresh"]}, format="json").status_code == 401
    assert sign_in(client, author).status_code == 401


def test_a_new_password_refuses_old_tokens(client: APIClient, author: User) -> None:
    pair = sign_in(client, author).json()
    author.set_password("another long pass phrase")
    author.save()
    assert me(client, pair["access"]) == 401
    assert client.post(REFRESH, {"refresh": pair["refresh"]}, format="json").status_code == 401


def test_a_refresh_token_opens_nothing(client: APIClient, author: User) -> None:
    assert me(client, sign_in(client, author).json()["refresh"]) == 401


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "e30.e30."])
def test_nonsense_is_no_token(token: str, client: APIClient, db: None) -> None:
    assert me(client, token) == 401
    assert client.post(REFRESH, {"refresh": token}, format="json").status_code == 401


def test_wrong_password_and_unknown_user_answer_alike(client: APIClient, author: User) -> None:
    wrong = sign_in(client, author, "wrong")
    unknown = client.post(TOKEN, {"username": "nobody", "password": "wrong"}, format="json")
    assert (wrong.status_code, wrong.json()) == (401, unknown.json())
    assert wrong.json()["error"]["code"] == "wrong_credentials"


@pytest.mark.parametrize(
    "body", [{}, {"username": "a"}, {"username": 1, "password": "x"}, {"username": None, "password": []}]
)
def test_credentials_are_two_texts(body: dict[str, Any], client: APIClient, db: None) -> None:
    answer = client.post(TOKEN, body, format="json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_input")


@pytest.mark.parametrize("name", ["username", "password"])
def test_credentials_of_any_length_are_only_wrong(name: str, client: APIClient, author: User) -> None:
    body = {"username": author.username, "password": PASSWORD, name: "x" * 100_000}
    assert client.post(TOKEN, body, format="json").status_code == 401


@pytest.mark.parametrize("name", ["username", "password"])
def test_a_nul_byte_is_bad_input(name: str, client: APIClient, author: User) -> None:
    body = {"username": author.username, "password": PASSWORD, name: "a\0b"}
    assert client.post(TOKEN, body, format="json").json()["error"]["fields"][name][0]["code"] == "nul"


def test_nobody_is_asked_to_sign_in_as_json(client: APIClient, db: None) -> None:
    answer = client.get(ME)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_authenticated")
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_session_works_but_keeps_csrf(author: User) -> None:
    client = APIClient(raise_request_exception=False, enforce_csrf_checks=True)
    client.force_login(author, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(ME).status_code == 200
    refused = client.post("/api/v1/queries/check/", {}, format="json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "csrf_failed")
