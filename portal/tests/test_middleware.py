"""Request numbers and headers."""

from __future__ import annotations

import pytest
from django.test import Client as DjangoClient

from accounts.models import User
from audit.models import AuditLog
from portal.tests.people import PASSWORD

pytestmark = pytest.mark.django_db


def test_a_sane_number_from_outside_is_kept(client: DjangoClient) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": "proxy-1234.5"})["X-Request-ID"] == "proxy-1234.5"


@pytest.mark.parametrize("offered", ["", "short", "x" * 65, "<script>alert(1)", "a b c d e f", "ünïcödé-12"])
def test_anything_else_is_replaced(offered: str, client: DjangoClient) -> None:
    number = client.get("/healthz", HTTP_X_REQUEST_ID=offered)["X-Request-ID"]
    assert number != offered
    assert len(number) == 32


def test_number_and_address_are_in_the_audit_log(client: DjangoClient, author: User) -> None:
    body = {"username": author.username, "password": PASSWORD}
    client.post("/api/v1/auth/token/", body, content_type="application/json", HTTP_X_REQUEST_ID="number-99")
    assert (
        '"address":"127.0.0.1","door":"api","request":"number-99"' in AuditLog.objects.get(action="user.sign_in").data
    )


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/me/", "/accounts/login/", "/nothing/"])
def test_nothing_stays_in_a_cache(path: str, client: DjangoClient) -> None:
    answer = client.get(path)
    assert "no-store" in answer["Cache-Control"]
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]
    assert "default-src 'none'" in answer["Content-Security-Policy"]
