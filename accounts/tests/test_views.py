"""Signing in and out, and one's own profile."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from accounts.models import Role, User
from audit.models import AuditLog

PASSWORD = "correct horse battery"


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user("ada", password=PASSWORD, role=Role.DEVELOPER)


@pytest.fixture
def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def actions() -> list[str]:
    return list(AuditLog.objects.order_by("seq").values_list("action", flat=True))


def test_signing_in_and_out_is_recorded(user: User) -> None:
    client = Client()
    response = client.post(
        "/accounts/login/?next=/review/", {"username": "ada", "password": PASSWORD, "next": "/review/"}
    )
    assert response["Location"] == "/review/"
    assert client.post("/accounts/logout/")["Location"] == "/accounts/login/"
    assert actions() == ["user.sign_in", "user.sign_out"]


@pytest.mark.parametrize(
    "wanted", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", "no-view", "-1"]
)
def test_signing_in_never_leads_elsewhere(wanted: str, user: User) -> None:
    response = Client().post("/accounts/login/", {"username": "ada", "password": PASSWORD, "next": wanted})
    assert response["Location"] == "/"


def test_wrong_password_keeps_the_name_and_never_the_password(user: User) -> None:
    response = Client().post("/accounts/login/", {"username": "ada", "password": "not this one"})
    assert response.status_code == 401
    assert 'value="ada"' in response.content.decode()
    assert "not this one" not in response.content.decode()
    assert actions() == ["user.sign_in_failed"]


def test_empty_form_is_answered_in_words(db: None) -> None:
    response = Client().post("/accounts/login/", {})
    assert (response.status_code, "Type your user name" in response.content.decode()) == (400, True)


def test_profile_change_is_recorded_by_field(user: User, signed_in: Client) -> None:
    body = {"first_name": "Ada", "last_name": "L", "email": "ada@example.com", "theme": "dark", "notify_by_email": "on"}
    assert signed_in.post("/accounts/profile/", body).status_code == 302
    entry = AuditLog.objects.get(action="user.profile_change")
    assert json.loads(entry.data)["fields"] == ["first_name", "last_name", "email", "notify_by_email", "theme"]
    assert 'data-theme="dark"' in signed_in.get("/").content.decode()


def test_role_is_not_part_of_the_profile(user: User, signed_in: Client) -> None:
    signed_in.post("/accounts/profile/", {"theme": "dark", "role": "ADMIN", "can_read_audit": "on", "is_staff": "on"})
    user.refresh_from_db()
    assert (user.theme, user.role, user.can_read_audit, user.is_staff) == ("dark", "DEVELOPER", False, False)


def test_password_change_keeps_this_session_and_is_recorded(user: User, signed_in: Client) -> None:
    body = {"old_password": PASSWORD, "new_password1": "another long one 7", "new_password2": "another long one 7"}
    user.set_password(PASSWORD)
    assert signed_in.post("/accounts/password/", body).status_code == 302
    assert signed_in.get("/").status_code == 200
    entry = AuditLog.objects.get(action="user.profile_change")
    assert json.loads(entry.data)["fields"] == ["password"]
    assert "another long one" not in entry.data


def test_times_are_shown_where_their_reader_is(signed_in: Client, user: User) -> None:
    signed_in.post("/accounts/profile/", {"first_name": "Ada", "theme": "system", "time_zone": "Asia/Kolkata"})
    user.refresh_from_db()
    assert (user.time_zone, user.zone.key) == ("Asia/Kolkata", "Asia/Kolkata")
    assert '<option value="Asia/Kolkata" selected>' in signed_in.get("/accounts/profile/").content.decode()


@pytest.mark.parametrize("zone", ["Nowhere/Land", "../../etc/passwd", "Etc/GMT+3"])
def test_a_zone_is_one_of_the_list(zone: str, signed_in: Client, user: User) -> None:
    answer = signed_in.post("/accounts/profile/", {"first_name": "Ada", "theme": "system", "time_zone": zone})
    user.refresh_from_db()
    assert (answer.status_code, user.time_zone) == (400, "UTC")


@pytest.mark.parametrize("zone", ["Gone/Away", "", "/etc/passwd", "x" * 60])
def test_a_zone_that_is_no_more_is_utc(zone: str) -> None:
    assert User(time_zone=zone).zone.key == "UTC"
