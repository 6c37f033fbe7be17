"""The result of a request: pages of rows, what a script did, and downloads."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_safe

from accounts.people import person
from queries import services
from queries.results import ResultPage, download, ended, record_trace_view, view_page
from queries.running.monitor import LOG_BYTES_KEPT
from web.errors import NotFound
from web.ratelimit import limit

PAGE_ROWS = 200
CALLS_SHOWN = 500
LINES_SHOWN = 2000
ROW_DIGITS = 12
TRACES = ("calls", "console")
VIEWS = ("table", "documents", *TRACES)


@require_safe
def result(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """A page of the result, or what the script called and wrote. Where there is none: 404, as in the API, and why."""
    query = services.visible_query(actor=person(request), public_id=public_id)
    execution = ended(actor=person(request), query=query)
    view = request.GET.get("view", "")
    page, missing = None, None
    if view in TRACES:
        record_trace_view(actor=person(request), query=query, part=view)
    else:
        try:
            page = view_page(actor=person(request), query=query, first_row=_first_row(request), limit=PAGE_ROWS)
        except NotFound as error:
            missing = error
    context: dict[str, Any] = {
        "nav": "mine" if query.author_id == request.user.pk else "review",
        "query": query,
        "execution": execution,
        "page": page,
        "missing": missing,
        "view": _view(view, page),
        "previous": _previous(page),
        "calls": execution.calls.all()[:CALLS_SHOWN],
        "calls_total": execution.calls.count(),
        "log_lines": execution.log_lines.all()[:LINES_SHOWN],
        "lines_total": execution.log_lines.count(),
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
    headers = {"Content-Disposition": f'attachment; filename="{file.filename}"'}
    return StreamingHttpResponse(file.stream, content_type=file.content_type, headers=headers)


def _first_row(request: HttpRequest) -> int:
    text = request.GET.get("row", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < ROW_DIGITS else 0


def _view(view: str, page: ResultPage | None) -> str:
    if view in TRACES:
        return view
    if page is not None and page.documents is not None:
        return view if view in VIEWS else "documents"
    return "table"


def _previous(page: ResultPage | None) -> int | None:
    return max(page.first_row - PAGE_ROWS, 0) if page and page.first_row > 0 else None
