"""Who reads the portal's tables, or a backup of them, finds nothing to sign in with."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken as StockRefreshToken

from accounts.models import Role, User
from accounts.sessions import SessionStore, stored_key
from audit.models import AuditLog
from portal.tests.people import PASSWORD, make_user

pytestmark = pytest.mark.django_db

LOGIN = "/accounts/login/"
TOKEN = "/api/v1/auth/token/"
REFRESH = "/api/v1/auth/token/refresh/"


def everything_stored() -> str:
    """Every text in every table but the password hashes."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" AS t')
            found += [row[0] for row in cursor.fetchall()]
    return "\n".join(found)


def signed_in(user: User, settings: Any) -> tuple[Client, str]:
    client = Client()
    assert client.post(LOGIN, {"username": user.username, "password": PASSWORD}).status_code == 302
    return client, client.cookies[settings.SESSION_COOKIE_NAME].value


def is_in(client: Client) -> bool:
    return client.get("/").status_code == 200


# --- sessions --------------------------------------------------------------------------------------


def test_clear_02_key_of_a_session_is_stored_nowhere(author: User, settings: Any) -> None:
    client, key = signed_in(author, settings)
    assert is_in(client)
    assert key not in everything_stored()
    assert Session.objects.get().session_key == stored_key(key)


def test_clear_02_what_is_stored_opens_nothing(author: User, settings: Any) -> None:
    signed_in(author, settings)
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = Session.objects.get().session_key
    assert not is_in(thief)
    assert Session.objects.count() == 1


def test_sign_out_ends_the_row(author: User, settings: Any) -> None:
    client, key = signed_in(author, settings)
    client.post("/accounts/logout/")
    assert not Session.objects.filter(session_key=stored_key(key)).exists()
    client.cookies[settings.SESSION_COOKIE_NAME] = key
    assert not is_in(client)


def test_new_password_keeps_this_session_under_a_new_key_and_ends_the_others(author: User, settings: Any) -> None:
    here, key = signed_in(author, settings)
    elsewhere, _ = signed_in(author, settings)
    new = "another long pass phrase"
    sent = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert here.post("/accounts/password/", sent).status_code == 302
    assert is_in(here)
    assert here.cookies[settings.SESSION_COOKIE_NAME].value != key
    assert not SessionStore().exists(key)
    assert not is_in(elsewhere)


def test_signing_in_again_changes_the_key(author: User, settings: Any) -> None:
    client, key = signed_in(author, settings)
    client.post("/accounts/logout/")
    client.post(LOGIN, {"username": author.username, "password": PASSWORD})
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != key


def test_expired_sessions_are_cleared(author: User, settings: Any) -> None:
    client, _ = signed_in(author, settings)
    Session.objects.update(expire_date="2000-01-01T00:00:00Z")
    assert not is_in(client)
    call_command("clearsessions")
    assert not Session.objects.exists()


# --- refresh tokens --------------------------------------------------------------------------------


def pair(user: User) -> Any:
    return APIClient().post(TOKEN, {"username": user.username, "password": PASSWORD}, format="json").json()


def renewed(refresh: str) -> Any:
    return APIClient().post(REFRESH, {"refresh": refresh}, format="json")


def test_clear_02_no_token_is_stored(author: User) -> None:
    tokens = pair(author)
    fresh = renewed(tokens["refresh"]).json()
    stored = everything_stored()
    for text in (*tokens.values(), *fresh.values()):
        assert text not in stored
        assert text.rpartition(".")[2] not in stored


def test_clear_02_what_is_stored_gets_no_tokens(author: User) -> None:
    pair(author)
    row = OutstandingToken.objects.get()
    assert renewed(row.token).status_code == renewed(row.jti).status_code == 401


def test_token_without_its_row_is_refused(author: User) -> None:
    tokens = pair(author)
    OutstandingToken.objects.all().delete()
    assert renewed(tokens["refresh"]).status_code == 401
    assert not OutstandingToken.objects.exists()


def test_token_is_good_once(author: User) -> None:
    tokens = pair(author)
    assert [renewed(tokens["refresh"]).status_code for _ in range(2)] == [200, 401]
    assert BlacklistedToken.objects.count() == 1


def test_token_of_another_text_is_not_the_one_given_out(author: User) -> None:
    token = pair(author)["refresh"]
    row = OutstandingToken.objects.get()
    row.token = "0" * 64
    row.save()
    assert renewed(token).status_code == 401


# --- what stood there before -----------------------------------------------------------------------


def test_clear_02_migration_forgets_what_stood_in_the_clear(author: User) -> None:
    StockRefreshToken.for_user(author)
    Session.objects.create(session_key="k" * 32, session_data="x", expire_date="2999-01-01T00:00:00Z")
    AccessAttempt.objects.create(username="hunter2", post_data="", get_data="", failures_since_start=1)
    import_module("accounts.migrations.0003_only_hashes").forget(apps, None)
    for model in (Session, OutstandingToken, BlacklistedToken, AccessAttempt, AccessFailureLog, AccessLog):
        assert not model.objects.exists()


# --- a password in the wrong field -----------------------------------------------------------------


@pytest.mark.parametrize("door", ["page", "api"])
@pytest.mark.parametrize("typed", ["correct horse battery", "hunter2-hunter2", "AUTHOR", "x" * 149, "пароль-пароль"])
def test_password_typed_as_a_user_name_is_kept_nowhere(author: User, door: str, typed: str) -> None:
    for _ in range(2):
        if door == "api":
            APIClient().post(TOKEN, {"username": typed, "password": "wrong"}, format="json")
        else:
            Client().post(f"{LOGIN}?next={typed}&u={typed}", {"username": typed, "password": typed, "again": typed})
    assert typed not in everything_stored()
    entries = AuditLog.objects.filter(action="user.sign_in_failed")
    assert {entry.subject_label for entry in entries} == {f"an unknown name, {len(typed)} characters"}
    # The same name is told by its hash.
    assert [entry.subject_id for entry in entries] == [entries[0].subject_id] * 2
    assert AccessAttempt.objects.get().failures_since_start == 2


def test_name_that_is_somebodys_is_kept(author: User) -> None:
    APIClient().post(TOKEN, {"username": "author", "password": "wrong"}, format="json")
    entry = AuditLog.objects.get(action="user.sign_in_failed")
    assert (entry.subject_id, entry.subject_label) == (str(author.pk), "author")
    assert AccessAttempt.objects.get().username == "author"
    assert (AccessAttempt.objects.get().get_data, AccessAttempt.objects.get().post_data) == ("", "")


def test_unknown_names_lock_out_by_name_and_address(author: User) -> None:
    def tries(name: str, count: int, address: str = "127.0.0.1") -> list[int]:
        body = {"username": name, "password": "wrong"}
        client = APIClient()
        return [client.post(TOKEN, body, format="json", REMOTE_ADDR=address).status_code for _ in range(count)]

    assert tries("nobody", 6) == [401, 401, 401, 401, 429, 429]
    assert tries("nobody else", 1) == tries("nobody", 1, address="192.0.2.9") == [401]


def test_log_shows_an_unknown_name_readably(author: User, caplog: pytest.LogCaptureFixture) -> None:
    APIClient().post(TOKEN, {"username": "hunter2-hunter2", "password": "wrong"}, format="json")
    client = Client()
    client.force_login(make_user("auditor", Role.DEVELOPER, can_read_audit=True))
    body = client.get("/audit/").content.decode()
    assert "an unknown name, 15 characters</strong> failed to sign in" in body
    assert "hunter2" not in body + caplog.text
