"""Where an endpoint is named, each request is a span there; it holds the route and no value."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider

from accounts.models import User
from portal import tracing
from portal.tests.people import Client, Submit

SECRET = "value-of-a-person"
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def collector(settings: Any) -> Iterator[list[bytes]]:
    """A collector of traces, to which the portal sends: what it was sent."""
    sent: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sent.append(body if self.path == "/v1/traces" else b"")
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        settings.PORTAL_OTLP_ENDPOINT = f"http://127.0.0.1:{server.server_port}"
        tracing.provider.cache_clear()
        yield sent
        tracing.provider.cache_clear()
        server.shutdown()
        thread.join()


@pytest.mark.django_db
def test_a_request_is_a_span_of_the_proxys_trace(
    collector: list[bytes], submitted: Submit, author: User, api: Client
) -> None:
    query = submitted(f"select '{SECRET}'")
    parent = f"00-{TRACE}-b7ad6b7169203331-01"
    answer = api(author).get(f"/api/v1/queries/{query.public_id}/?x={SECRET}", HTTP_TRACEPARENT=parent)
    assert answer.status_code == 200
    provider = tracing.provider()
    assert isinstance(provider, TracerProvider)
    provider.shutdown()
    (body,) = collector
    (spans,) = ExportTraceServiceRequest.FromString(body).resource_spans
    (span,) = spans.scope_spans[0].spans
    told = {pair.key: pair.value.string_value or pair.value.int_value for pair in span.attributes}
    assert span.trace_id.hex() == TRACE
    assert span.name == "GET /api/v1/queries/<uuid:public_id>/"
    assert told["portal.query_id"] == str(query.public_id)
    assert told["portal.request_id"] == answer["X-Request-ID"]
    assert told["http.response.status_code"] == 200
    assert SECRET.encode() not in body


def test_without_an_endpoint_nothing_is_looked_for(settings: Any, rf: Any) -> None:
    settings.PORTAL_OTLP_ENDPOINT = ""
    with tracing.request(rf.get("/")) as told:
        told(200)
    assert tracing.provider.cache_info().currsize == 0


def test_missing_packages_stop_the_start_with_a_sentence(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PORTAL_OTLP_ENDPOINT = "http://collector:4318"
    tracing.require()
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http", None)
    with pytest.raises(ImproperlyConfigured, match=r"pip install -r requirements-tracing\.txt"):
        tracing.require()
