"""Every error as one answer: a page for people, one JSON shape for programs. Mapped here and nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from rest_framework import exceptions as rest
from rest_framework.response import Response
from rest_framework.status import HTTP_401_UNAUTHORIZED
from rest_framework.views import set_rollback

from web.errors import BadInput, FieldError, NotNow, PortalError

API_PREFIX = "/api/"
RETRY_SECONDS = 10
BODY = "body"

TITLES = {
    400: "That cannot be taken",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Not possible here",
    406: "Not available in that format",
    409: "Not now",
    413: "Too large",
    415: "Not in that format",
    429: "Too many requests",
    500: "A fault in the portal",
    503: "Not available",
}
NOT_FOUND = "There is nothing at this address."
NOT_ALLOWED = "You may not do this."
DATABASE_AWAY = "The portal's own database does not answer. Nothing was changed; try again in a moment."
DATABASE_READ_ONLY = (
    "The portal's own database takes no changes now: it is read only. Nothing was changed; try again in a moment, or "
    "tell an admin."
)
# Of PostgreSQL: read_only_sql_transaction.
READ_ONLY_STATE = "25006"
BROKEN = "The portal has a fault, and it has been recorded. Try again, or tell an admin the number below."


@dataclass(frozen=True, slots=True)
class Answer:
    """What a failed request is answered with. `retry_after` in seconds, 0 for none."""

    status: int
    code: str
    message: str
    fields: Mapping[str, Sequence[FieldError]] = field(default_factory=dict)
    state: str = ""
    retry_after: int = 0

    def json(self) -> dict[str, object]:
        """The one shape: `{error: {code, message, fields?, state?}}`."""
        error: dict[str, object] = {"code": self.code, "message": self.message}
        if self.fields:
            error["fields"] = {name: [_field_json(item) for item in items] for name, items in self.fields.items()}
        if self.state:
            error["state"] = self.state
        return {"error": error}

    @property
    def headers(self) -> dict[str, str]:
        """Headers that belong to the status."""
        headers = {}
        if self.retry_after:
            headers["Retry-After"] = str(self.retry_after)
        if self.status == HTTP_401_UNAUTHORIZED:
            headers["WWW-Authenticate"] = 'Bearer realm="api"'
        return headers


NOT_POSSIBLE = Answer(405, "method_not_allowed", "This address cannot be used like that. Go back and try again.")
TOO_LARGE = Answer(413, "too_large", "What was sent is too large; at most 8 MB are read.")
# What Django itself raises; the first that fits.
FORESEEN: tuple[tuple[tuple[type[Exception], ...], Answer], ...] = (
    ((RequestDataTooBig,), TOO_LARGE),
    ((SuspiciousOperation, BadRequest), Answer(400, "bad_request", "The request could not be read.")),
    ((Http404,), Answer(404, "not_found", NOT_FOUND)),
    ((PermissionDenied,), Answer(403, "not_allowed", NOT_ALLOWED)),
    ((OperationalError, InterfaceError), Answer(503, "unavailable", DATABASE_AWAY, retry_after=RETRY_SECONDS)),
)


def answer_for(error: BaseException | None) -> Answer | None:
    """The answer an error stands for, None for one that nobody foresaw."""
    if isinstance(error, PortalError):
        return _portal_answer(error)
    if _is_read_only(error):
        return Answer(503, "unavailable", DATABASE_READ_ONLY, retry_after=RETRY_SECONDS)
    return next((answer for kinds, answer in FORESEEN if isinstance(error, kinds)), None)


def respond(request: HttpRequest, answer: Answer) -> HttpResponse:
    """The answer as JSON below `/api/`, as a page elsewhere."""
    if f"{request.path_info}/".startswith(API_PREFIX):
        return JsonResponse(answer.json(), status=answer.status, headers=answer.headers)
    return HttpResponse(_page(request, answer), status=answer.status, headers=answer.headers)


def api_exception_handler(error: Exception, _context: Mapping[str, object]) -> Response | None:
    """The REST framework's hook: every exception of an API view in the one shape."""
    answer = _rest_answer(error) if isinstance(error, rest.APIException) else answer_for(error)
    if answer is None:
        return None
    set_rollback()
    return Response(answer.json(), status=answer.status, headers=answer.headers)


# --- Django's own handlers -------------------------------------------------------------------------


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400, and 413 for a body over the limit."""
    return respond(request, answer_for(exception) or Answer(400, "bad_request", "The request could not be read."))


def not_allowed(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403."""
    return respond(request, answer_for(exception) or Answer(403, "not_allowed", NOT_ALLOWED))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 -- Django's call
    """404; the exception would tell about our URLs."""
    return respond(request, Answer(404, "not_found", NOT_FOUND))


def broken(request: HttpRequest) -> HttpResponse:
    """500, or what the exception stands for when a middleware raised it."""
    return respond(request, answer_for(sys.exc_info()[1]) or Answer(500, "error", BROKEN))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 -- the reason is for developers
    """403 for a form whose token is missing or stale."""
    message = "This page was open for too long, or was not opened here. Go back, reload it and send it again."
    return respond(request, Answer(403, "csrf_failed", message))


# --- inside ----------------------------------------------------------------------------------------


def _is_read_only(error: BaseException | None) -> bool:
    """Whether the database refused a change as such: what raises may have made something else of it meanwhile."""
    while error is not None:
        if getattr(error, "sqlstate", "") == READ_ONLY_STATE:
            return True
        error = error.__cause__ or error.__context__
    return False


def _portal_answer(error: PortalError) -> Answer:
    return Answer(
        error.status,
        error.code,
        error.message,
        fields=error.fields if isinstance(error, BadInput) else {},
        state=error.state if isinstance(error, NotNow) else "",
        retry_after=error.retry_after,
    )


def _rest_answer(error: rest.APIException) -> Answer:
    if isinstance(error, rest.ValidationError):
        bad = BadInput(_fields(error.get_full_details()))
        return _portal_answer(bad)
    if isinstance(error, rest.ParseError):
        return Answer(400, "malformed_json", f"The body is not valid JSON. {error.detail}")
    if isinstance(error, rest.Throttled):
        return Answer(429, "too_many_requests", str(error.detail), retry_after=int(getattr(error, "wait", None) or 1))
    return Answer(error.status_code, _code(error), _sentence(error.detail))


def _code(error: rest.APIException) -> str:
    codes = error.get_codes()
    if isinstance(error, rest.PermissionDenied):
        return "csrf_failed" if str(error.detail).startswith("CSRF Failed") else "not_allowed"
    if isinstance(codes, dict):  # simplejwt answers with details
        codes = codes.get("code", error.default_code)
    return str(codes)


def _sentence(detail: object) -> str:
    text = str(detail.get("detail", "")) if isinstance(detail, dict) else str(detail)
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _fields(details: object, name: str = "") -> dict[str, list[FieldError]]:
    """Flatten the REST framework's nested details; items of a list are counted from 1 in the message."""
    if isinstance(details, dict) and set(details) == {"message", "code"}:
        return {name or BODY: [FieldError(str(details["message"]), str(details["code"]))]}
    found: dict[str, list[FieldError]] = {}
    for key, item in _parts(details):
        part = name or ("" if key == "non_field_errors" else str(key))
        for field_name, errors in _fields(item, part).items():
            place = f"Item {key + 1}: " if isinstance(key, int) else ""
            found.setdefault(field_name, []).extend(
                FieldError(f"{place}{error.message}", error.code) for error in errors
            )
    return found


def _parts(details: object) -> Iterable[tuple[object, object]]:
    if isinstance(details, dict):
        return details.items()
    return [("", item) for item in details] if isinstance(details, list) else []


def _field_json(error: FieldError) -> dict[str, object]:
    item: dict[str, object] = {"message": error.message, "code": error.code}
    if error.line is not None:
        item["line"] = error.line
    if error.column is not None:
        item["column"] = error.column
    if error.script:
        item["script"] = error.script
    return item


def _page(request: HttpRequest, answer: Answer) -> str:
    context = {
        "status": answer.status,
        "title": TITLES.get(answer.status, TITLES[500]),
        "message": answer.message,
        "code": answer.code,
        "request_id": getattr(request, "request_id", ""),
        "retry_after": answer.retry_after or None,
    }
    try:
        return render_to_string("errors/error.html", context, request)
    except DatabaseError:
        # Who is signed in cannot be looked up now; the page does without.
        return render_to_string("errors/error.html", context)
