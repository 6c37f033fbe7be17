"""clear-03: claims that no token of ours has, signed with the real key: 401, never more and never less."""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken
from rest_framework_simplejwt.utils import get_md5_hash_password

from accounts.models import User
from accounts.refresh import fingerprint

USER_IDS: list[Any] = [
    "admin", "", " 1", "1 ", "1\0", "\0", "-1", "+1", "1.0", "1e3", "0x1", "٣", "9" * 18, "9" * 19, "9" * 5000, "1; --",
    [1], ["1"], [], {"id": 1}, {}, None, True, False, 1.5, 10**18, 10**30, -1, "\ud800",
]  # fmt: skip
OTHER_CLAIMS: list[tuple[str, Any]] = [
    ("exp", [1]), ("exp", {"a": 1}), ("exp", "soon"), ("exp", 10**30), ("exp", None), ("exp", True), ("exp", -1),
    ("iat", [1]), ("iat", "then"), ("nbf", {"a": 1}), ("nbf", 10**30), ("iss", ["query-portal"]), ("iss", None),
    ("jti", ["x"]), ("jti", None), ("jti", "\0"), ("jti", "x" * 5000), ("jti", {"a": 1}), ("token_type", ["access"]),
    ("token_type", None), ("token_type", "sliding"), ("hash_password", ["x"]), ("hash_password", None),
]  # fmt: skip


def claims(user: User, kind: str) -> dict[str, Any]:
    now = int(time.time())
    return {
        "token_type": kind,
        "exp": now + 600,
        "iat": now,
        "jti": uuid.uuid4().hex,
        "user_id": str(user.pk),
        "iss": "query-portal",
        "hash_password": get_md5_hash_password(user.password),
    }


def signed(payload: dict[str, Any]) -> str:
    # Not by `jwt.encode` itself, which looks at some claims before it signs them.
    return jwt.PyJWS().encode(json.dumps(payload).encode(), settings.SECRET_KEY, "HS256")


def as_bearer(payload: dict[str, Any]) -> Response:
    client = APIClient(raise_request_exception=True)
    return client.get("/api/v1/me/", HTTP_AUTHORIZATION=f"Bearer {signed(payload)}")


def as_refresh(payload: dict[str, Any]) -> Response:
    """Sent as if the portal had given it out: it has its row, where a row can have such an id."""
    client, text = APIClient(raise_request_exception=True), signed(payload)
    name = payload["jti"]
    if isinstance(name, str) and name.isalnum() and len(name) < 255:
        soon = datetime.now(UTC) + timedelta(hours=1)
        OutstandingToken.objects.create(jti=name, token=fingerprint(text), expires_at=soon)
    return client.post("/api/v1/auth/token/refresh/", {"refresh": text}, format="json")


@pytest.mark.django_db
def test_what_is_forged_below_would_be_good_if_it_were_sane(author: User) -> None:
    assert as_bearer(claims(author, "access")).status_code == 200
    assert as_refresh(claims(author, "refresh")).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("user_id", USER_IDS, ids=lambda value: f"clear-03 {value!r:.20}")
def test_a_user_id_that_is_none(user_id: Any, author: User) -> None:
    assert as_bearer({**claims(author, "access"), "user_id": user_id}).status_code == 401
    assert as_refresh({**claims(author, "refresh"), "user_id": user_id}).status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["user_id", "exp", "token_type", "hash_password", "iss"])
def test_a_claim_that_is_missing(name: str, author: User) -> None:
    for kind, send in (("access", as_bearer), ("refresh", as_refresh)):
        payload = claims(author, kind)
        del payload[name]
        assert send(payload).status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "value"), OTHER_CLAIMS, ids=lambda value: f"{value!r:.20}")
def test_a_claim_of_the_wrong_kind_never_breaks_anything(name: str, value: Any, author: User) -> None:
    """What is no claim of ours is refused; of one that nothing depends on, any value is as good as another."""
    bearer = as_bearer({**claims(author, "access"), name: value})
    refresh = as_refresh({**claims(author, "refresh"), name: value})
    assert bearer.status_code in ({200, 401} if name in {"jti", "iat", "nbf"} else {401})
    assert refresh.status_code in ({200, 401} if name in {"jti", "iat", "nbf"} else {401})


@pytest.mark.django_db
@pytest.mark.parametrize("body", [b"[]", b"1", b"null", b'"text"', b"{", b"", b"\xff", b"[" * 5000])
def test_a_payload_that_is_no_object(body: bytes) -> None:
    token = jwt.PyJWS().encode(body, settings.SECRET_KEY, "HS256")
    assert APIClient().get("/api/v1/me/", HTTP_AUTHORIZATION=f"Bearer {token}").status_code == 401
