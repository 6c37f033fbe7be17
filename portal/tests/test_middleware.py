"""Request numbers and headers."""

from __future__ import annotations

import gzip

import pytest
from django.http import HttpRequest, StreamingHttpResponse
from django.test import Client as DjangoClient
from django.test import RequestFactory

from accounts.models import User
from audit.models import AuditLog
from portal.middleware import CompressionMiddleware
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


def test_a_page_is_compressed_for_whom_takes_it(client: DjangoClient) -> None:
    plain = client.get("/accounts/login/")
    packed = [client.get("/accounts/login/", headers={"Accept-Encoding": "gzip"}) for _ in range(12)]
    assert "Content-Encoding" not in plain.headers
    assert {answer["Content-Encoding"] for answer in packed} == {"gzip"}
    assert "Accept-Encoding" in plain["Vary"]
    assert "Accept-Encoding" in packed[0]["Vary"]
    assert all(int(answer["Content-Length"]) == len(answer.content) < len(plain.content) for answer in packed)
    assert b'name="username"' in gzip.decompress(packed[0].content)
    # Its length tells nothing: it is another one each time.
    assert len({len(answer.content) for answer in packed}) > 6


def test_a_stream_is_left_as_it_comes() -> None:
    def view(_request: HttpRequest) -> StreamingHttpResponse:
        return StreamingHttpResponse(iter([b"a" * 1000, b"b" * 1000]), content_type="text/csv")

    request = RequestFactory().get("/", headers={"Accept-Encoding": "gzip"})
    answer = CompressionMiddleware(view)(request)
    assert isinstance(answer, StreamingHttpResponse)
    assert "Content-Encoding" not in answer.headers
    assert list(answer) == [b"a" * 1000, b"b" * 1000]


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/me/", "/accounts/login/", "/nothing/"])
def test_nothing_stays_in_a_cache(path: str, client: DjangoClient) -> None:
    answer = client.get(path)
    assert "no-store" in answer["Cache-Control"]
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]
    assert "default-src 'none'" in answer["Content-Security-Policy"]
