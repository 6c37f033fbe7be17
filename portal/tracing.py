"""Traces by OpenTelemetry, where an operator says where to: one span a request, continued from a proxy's.

The packages are in requirements-tracing.txt; without `PORTAL_OTLP_ENDPOINT` they are not looked for. A span holds the
route, never an address, a statement or a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

NAME = "query-portal"
FAULT = 500


def route_of(request: HttpRequest) -> str:
    """The pattern that an address fits; "-" where none does."""
    match = request.resolver_match
    return f"/{match.route}" if match is not None else "-"


@contextmanager
def request(asked: HttpRequest) -> Iterator[Callable[[int], None]]:
    """A span around the answer, which is told the answer's status."""
    if not settings.PORTAL_OTLP_ENDPOINT:
        yield lambda _status: None
        return
    from opentelemetry import propagate, trace  # noqa: PLC0415 -- an extra, looked for only where it is wanted

    context = propagate.extract({name.lower(): value for name, value in asked.headers.items()})
    with provider().get_tracer(NAME).start_as_current_span(str(asked.method), context, trace.SpanKind.SERVER) as span:

        def told(status: int) -> None:
            route = route_of(asked)
            span.update_name(f"{asked.method} {route}")
            span.set_attribute("http.request.method", str(asked.method))
            span.set_attribute("http.route", route)
            span.set_attribute("http.response.status_code", status)
            span.set_attribute("portal.request_id", str(getattr(asked, "request_id", "")))
            if asked.resolver_match is not None and "public_id" in asked.resolver_match.kwargs:
                span.set_attribute("portal.query_id", str(asked.resolver_match.kwargs["public_id"]))
            if status >= FAULT:
                span.set_status(trace.StatusCode.ERROR)

        yield told


def require() -> None:
    """Raises ImproperlyConfigured where traces are to be sent and the packages for it are not there."""
    if not settings.PORTAL_OTLP_ENDPOINT:
        return
    try:
        import opentelemetry.exporter.otlp.proto.http  # noqa: F401, PLC0415 -- an extra
    except ImportError as error:
        raise ImproperlyConfigured(
            "PORTAL_OTLP_ENDPOINT is set, and OpenTelemetry is not installed: pip install -r requirements-tracing.txt"
        ) from error


@cache
def provider() -> TracerProvider:
    """Of this process: made at its first request, for threads do not survive a fork."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 -- an extra
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 -- the same
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 -- the same
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 -- the same

    made = TracerProvider(resource=Resource.create({"service.name": NAME}))
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{settings.PORTAL_OTLP_ENDPOINT}/v1/traces")))
    return made
