"""Every error as a page and as JSON: the same mapping for both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.test import Client as DjangoClient
from django.test import RequestFactory
from rest_framework import exceptions as rest

from accounts.models import User
from accounts.signin import WrongCredentials
from portal.errors import answer_for, api_exception_handler, broken, csrf_failure, respond
from portal.middleware import ErrorMiddleware
from queries.models import KeptDraft
from queries.services import InTheWay
from web.errors import (
    BadInput,
    FieldError,
    NotAllowed,
    NotFound,
    NotNow,
    PortalError,
    TooManyRequests,
    Unavailable,
)

CASES: list[tuple[Exception, int, str]] = [
    (BadInput({"reason": [FieldError("Say why.", "required")]}), 400, "bad_input"),
    (NotAllowed("No."), 403, "not_allowed"),
    (NotFound("No."), 404, "not_found"),
    (NotNow("Later.", code="expired", state="PENDING"), 409, "expired"),
    (InTheWay("Later.", KeptDraft()), 409, "draft_in_the_way"),
    (TooManyRequests("Slower.", retry_after=7), 429, "too_many_requests"),
    (Unavailable("Away."), 503, "unavailable"),
    (WrongCredentials("Wrong."), 401, "wrong_credentials"),
    (Http404(), 404, "not_found"),
    (PermissionDenied(), 403, "not_allowed"),
    (SuspiciousOperation(), 400, "bad_request"),
    (RequestDataTooBig(), 413, "too_large"),
    (OperationalError("secret host"), 503, "unavailable"),
    (InterfaceError("secret host"), 503, "unavailable"),
]
IDS = [type(error).__name__ for error, _, _ in CASES]


def request_for(path: str, user: User) -> HttpRequest:
    request = RequestFactory().get(path)
    request.user = user
    request.request_id = "number-of-this-one"  # type: ignore[attr-defined]
    return request


def subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


def test_every_error_of_the_portal_is_a_case() -> None:
    assert set(subclasses(PortalError)) == {type(error) for error, _, _ in CASES if isinstance(error, PortalError)}


@pytest.mark.parametrize(("error", "status", "code"), CASES, ids=IDS)
def test_json(error: Exception, status: int, code: str) -> None:
    answer = api_exception_handler(error, {})
    assert answer is not None
    assert (answer.status_code, answer.data["error"]["code"]) == (status, code)
    assert "secret" not in answer.data["error"]["message"]


@pytest.mark.django_db
@pytest.mark.parametrize(("error", "status", "code"), CASES, ids=IDS)
def test_page(error: Exception, status: int, code: str, author: User) -> None:
    middleware = ErrorMiddleware(lambda _request: pytest.fail("not called"))
    answer: Any = middleware.process_exception(request_for("/queries/", author), error)
    assert (answer.status_code, answer["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert "number-of-this-one" in answer.content.decode()
    assert "secret" not in answer.content.decode()


def test_what_nobody_foresaw_goes_on() -> None:
    assert answer_for(ZeroDivisionError()) is None
    assert api_exception_handler(ZeroDivisionError(), {}) is None


@pytest.mark.django_db
def test_too_many_requests_says_when(author: User) -> None:
    answer = answer_for(TooManyRequests("Slower.", retry_after=7))
    assert answer is not None
    for path in ("/queries/", "/api/v1/queries/"):
        assert respond(request_for(path, author), answer)["Retry-After"] == "7"


def test_not_now_tells_the_state() -> None:
    answer = answer_for(NotNow("Later.", state="EXECUTED"))
    assert answer is not None
    assert answer.json()["error"] == {"code": "not_now", "message": "Later.", "state": "EXECUTED"}


def test_nested_details_are_flattened_and_counted() -> None:
    detail: Any = {"parameters": {2: ["Too large."]}, "non_field_errors": ["No object."]}
    answer = api_exception_handler(rest.ValidationError(detail), {})
    assert answer is not None
    assert answer.data["error"]["fields"] == {
        "parameters": [{"message": "Item 3: Too large.", "code": "invalid"}],
        "body": [{"message": "No object.", "code": "invalid"}],
    }


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (rest.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (rest.UnsupportedMediaType("text/plain"), 415, "unsupported_media_type"),
        (rest.NotAcceptable(), 406, "not_acceptable"),
        (rest.Throttled(wait=3), 429, "too_many_requests"),
        (rest.ParseError(), 400, "malformed_json"),
    ],
)
def test_the_frameworks_own_errors_have_the_same_shape(error: Exception, status: int, code: str) -> None:
    answer = api_exception_handler(error, {})
    assert answer is not None
    assert (answer.status_code, sorted(answer.data["error"]), answer.data["error"]["code"]) == (
        status,
        ["code", "message"],
        code,
    )


def answered_while(error: Exception, request: HttpRequest) -> HttpResponse:
    """What Django's last handler answers while `error` is being handled."""
    try:
        raise error
    except type(error):
        return broken(request)


@pytest.mark.django_db
def test_a_failure_of_ours_hides_what_failed(author: User) -> None:
    page = answered_while(ZeroDivisionError("secret"), request_for("/", author))
    data = answered_while(ZeroDivisionError("secret"), request_for("/api/v1/me/", author))
    assert (page.status_code, data.status_code) == (500, 500)
    assert b"secret" not in page.content + data.content


@pytest.mark.django_db
def test_a_database_that_is_away_before_the_view_is_unavailable(author: User) -> None:
    answer = answered_while(OperationalError("secret"), request_for("/", author))
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")


@pytest.mark.django_db
def test_a_stale_form_says_what_to_do(author: User) -> None:
    answer = csrf_failure(request_for("/queries/new/", author), "token missing")
    assert answer.status_code == 403
    assert "reload" in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("path", ["/api/", "/api", "/api/v1/nothing/", "/api/v1/me", "/api/v2/"])
def test_nothing_below_api_is_a_page(path: str, method: str, client: DjangoClient) -> None:
    answer = getattr(client, method)(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/v1/queries/check/", "/queries/new/"])
def test_an_oversized_body_is_refused_unread(path: str, client: DjangoClient) -> None:
    answer = client.post(path, b"x" * (8 * 1024 * 1024 + 1), content_type="application/json")
    assert answer.status_code == 413
