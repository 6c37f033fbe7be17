"""What every request gets: a number, the headers that keep browsers careful, and one way for errors to come out."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils import timezone

from accounts.models import User
from accounts.zones import zone_shown
from audit import refusals
from audit.context import request_facts
from audit.log import Action, Subject
from portal import logs, tracing
from portal.errors import API_PREFIX, NOT_POSSIBLE, TOO_LARGE, answer_for, respond
from web.addresses import client_address

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponseBase]

REQUEST_ID = re.compile(r"\A[A-Za-z0-9._-]{8,64}\Z")
SAFE = ("GET", "HEAD", "OPTIONS")
PATH_LENGTH = 500
PERMISSIONS = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"


class CompressionMiddleware(GZipMiddleware):
    """Compresses pages and JSON, padded at random so that their length tells nothing of what is secret in them.

    A stream goes out as it comes: it would wait for a full buffer, and costs more to compress than to send. Static
    files have been compressed when they were collected.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The answer, compressed where its reader takes that and it is worth it."""
        return response if response.streaming else super().process_response(request, response)


class RequestContextMiddleware:
    """Number each request (`request.request_id`, `X-Request-ID`) and put number and address into its audit entries."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Take a sane number from a proxy, or make one."""
        offered = request.headers.get("X-Request-ID", "")
        request_id = offered if REQUEST_ID.match(offered) else uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]  # read by error pages
        logs.forget()
        began = time.monotonic()
        with request_facts(request=request_id, address=client_address(request)), tracing.request(request) as told:
            response = self.get_response(request)
            told(response.status_code)
            if settings.PORTAL_LOG_REQUESTS:
                _log(request, response, time.monotonic() - began)
        response["X-Request-ID"] = request_id
        return response

    def process_view(self, _request: HttpRequest, _view: object, _args: object, values: dict[str, object]) -> None:
        """Which request of a person's an address is about stands beside every event."""
        if "public_id" in values:
            logs.about(query_id=str(values["public_id"]))


def _log(request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    """The route instead of the address: what people search for stands in addresses."""
    took = round(seconds * 1000)
    logger.info("%s %s %s %d ms", request.method, tracing.route_of(request), response.status_code, took)


class RefusalsMiddleware:
    """Whoever is signed in and refused leaves an entry, whichever page or call it was, unless it has one already."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer as it is."""
        with refusals.one_request():
            response = self.get_response(request)
            if _is_refusal(request, response) and not refusals.recorded():
                _record_refusal(request, response.status_code)
        return response


def _is_refusal(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Not allowed; or an act on what is not there for this person. Of pages that are not there nothing is told."""
    acts = request.method not in SAFE and getattr(request, "resolver_match", None) is not None
    return response.status_code == HTTPStatus.FORBIDDEN or (acts and response.status_code == HTTPStatus.NOT_FOUND)


def _record_refusal(request: HttpRequest, status: int) -> None:
    person = getattr(request, "user", None)
    if not isinstance(person, User):
        return
    path = request.path_info[:PATH_LENGTH]
    data = {"method": str(request.method), "status": status}
    try:
        refusals.record(Action.ACCESS_REFUSED, actor=person, subject=Subject("address", path, path), data=data)
    except DatabaseError:
        # It stays refused all the same.
        logger.exception("a refusal could not be recorded: %s %s", data["method"], path)


class ResponseHeadersMiddleware:
    """Headers beside the Content-Security-Policy. Nothing served here may stay in a cache unless it says so itself."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Add the headers a view did not set."""
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class TimeZoneMiddleware:
    """Pages show times in the zone of who reads them; what programs are answered stays in UTC."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Choose the zone for this request alone."""
        person = None if request.path_info.startswith(API_PREFIX) else getattr(request, "user", None)
        if not isinstance(person, User):
            return self.get_response(request)
        with timezone.override(zone_shown(request, person)):
            return self.get_response(request)


def _with_words(request: HttpRequest, bare: HttpResponseNotAllowed) -> HttpResponse:
    """A method that an address does not take, as a page or JSON instead of nothing."""
    response = respond(request, NOT_POSSIBLE)
    response["Allow"] = bare["Allow"]
    return response


class ErrorMiddleware:
    """Turn the errors of a view into their page or JSON."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Refuse an oversized body before anything reads it: not every reader of bodies looks at Django's limit."""
        length = str(request.META.get("CONTENT_LENGTH") or "0")
        if length.isdigit() and int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return respond(request, TOO_LARGE)
        response = self.get_response(request)
        return _with_words(request, response) if isinstance(response, HttpResponseNotAllowed) else response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """Answer what was foreseen; anything else goes on to Django, which logs it."""
        answer = answer_for(exception)
        return None if answer is None else respond(request, answer)
