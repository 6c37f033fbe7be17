"""The result of a request: pages of rows, what a script did, and downloads."""

from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_safe

from accounts.people import person
from executors.base import RowEncoding
from queries import services
from queries.models import Execution, QueryRequest
from queries.presentation import pages, traces
from queries.presentation.pages import ShownPage
from queries.results import download, ended, record_trace_view, show_page, view_trace, view_value
from queries.running.monitor import LOG_BYTES_KEPT
from web.errors import NotFound
from web.ratelimit import limit

PAGE_ROWS = 200
ROW_DIGITS = 12
# Characters of a value that are sent at once.
PIECE = 64 * 1024
TRACES = ("calls", "console")
VIEWS = ("table", "documents", *TRACES)


@require_safe
def result(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """A page of the result, or what the script called and wrote. Where there is none: 404, as in the API, and why."""
    query = services.visible_query(actor=person(request), public_id=public_id)
    execution = ended(actor=person(request), query=query)
    view = _view(request.GET.get("view", ""), execution)
    page, missing = None, None
    if view in TRACES:
        record_trace_view(actor=person(request), query=query, part=view)
    else:
        try:
            page = _rows(request, query, view)
        except NotFound as error:
            missing = error
    context: dict[str, Any] = {
        "nav": "mine" if query.author_id == request.user.pk else "review",
        "query": query,
        "execution": execution,
        "page": page,
        "missing": missing,
        "view": view,
        "previous": _previous(page),
        **_trace(request, query, execution, view),
        "console_kept": LOG_BYTES_KEPT,
        "decisions": query.decisions.all(),
    }
    response = render(request, "queries/result.html", context)
    return response if missing is None else missing.on(response)


@require_GET
def download_result(request: HttpRequest, public_id: UUID, format: str) -> StreamingHttpResponse:  # noqa: A002 -- the URL's word
    """The whole result as a file."""
    limit(request, "download")
    query = services.visible_query(actor=person(request), public_id=public_id)
    file = download(actor=person(request), query=query, format=format)
    return StreamingHttpResponse(file.stream, content_type=file.content_type, headers=file.headers)


@require_safe
def value(request: HttpRequest, public_id: UUID) -> StreamingHttpResponse:
    """One text, plain and whole: a value, a document, or what a script called or wrote. A page may cut it short."""
    query = services.visible_query(actor=person(request), public_id=public_id)
    text = _value(request, query)
    pieces = (text[start : start + PIECE].encode(errors="replace") for start in range(0, len(text), PIECE))
    return StreamingHttpResponse(pieces, content_type="text/plain; charset=utf-8")


def _value(request: HttpRequest, query: QueryRequest) -> str:
    actor = person(request)
    if "line" in request.GET:
        return view_trace(actor=actor, query=query, part="console", number=_number(request, "line"))
    if "call" in request.GET:
        part = request.GET.get("part", "statement")
        return view_trace(actor=actor, query=query, part=part, number=_number(request, "call"))
    column = _number(request, "column") if request.GET.get("column") else None
    return view_value(actor=actor, query=query, row=_number(request, "row"), column=column)


def _trace(request: HttpRequest, query: QueryRequest, execution: Execution, view: str) -> dict[str, Any]:
    """How much there is of what the script called and wrote; and of the one that is looked at, some."""
    address, first = reverse("queries:value", args=[query.public_id]), _number(request, "from")
    return {
        "calls": traces.calls(execution, address, first=first) if view == "calls" else None,
        "calls_total": execution.calls.count(),
        "log_lines": traces.lines(execution, address, first=first) if view == "console" else None,
        "lines_total": execution.log_lines.count(),
    }


def _rows(request: HttpRequest, query: QueryRequest, view: str) -> ShownPage:
    draw = pages.documents if view == "documents" else pages.table
    made = partial(draw, address=reverse("queries:value", args=[query.public_id]))
    first = _number(request, "row")
    return show_page(actor=person(request), query=query, made=made, first_row=first, limit=PAGE_ROWS)


def _number(request: HttpRequest, name: str) -> int:
    """A row's number, or that of the first where the address has none."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < ROW_DIGITS else 0


def _view(view: str, execution: Execution) -> str:
    if view in TRACES:
        return view
    if execution.encoding == RowEncoding.BSON:
        return view if view in VIEWS else "documents"
    return "table"


def _previous(page: ShownPage | None) -> int | None:
    return max(page.first_row - PAGE_ROWS, 0) if page and page.first_row > 0 else None
