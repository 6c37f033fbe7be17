"""The result of a request: pages of rows, what a script did, and downloads."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_safe

from accounts.people import person
from queries import policies, services
from queries.lifecycle import FINAL
from queries.models import Execution, QueryRequest
from queries.results import ResultPage, download, record_trace_view, view_page
from queries.running.monitor import LOG_BYTES_KEPT
from web.errors import NotAllowed, NotNow
from web.ratelimit import limit

PAGE_ROWS = 200
CALLS_SHOWN = 500
LINES_SHOWN = 2000
ROW_DIGITS = 12
TRACES = ("calls", "console")
VIEWS = ("table", "documents", *TRACES)


@require_safe
def result(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """A page of the result, or what the script called and wrote."""
    query = services.visible_query(actor=person(request), public_id=public_id)
    execution = _ended(request, query)
    view = request.GET.get("view", "")
    page = None
    if view in TRACES:
        record_trace_view(actor=person(request), query=query, part=view)
    else:
        page = _rows(request, query, execution)
    context: dict[str, Any] = {
        "nav": "mine" if query.author_id == request.user.pk else "review",
        "query": query,
        "execution": execution,
        "page": page,
        "view": _view(view, page),
        "previous": _previous(page),
        "calls": execution.calls.all()[:CALLS_SHOWN],
        "calls_total": execution.calls.count(),
        "log_lines": execution.log_lines.all()[:LINES_SHOWN],
        "lines_total": execution.log_lines.count(),
        "console_kept": LOG_BYTES_KEPT,
        "decisions": query.decisions.all(),
    }
    return render(request, "queries/result.html", context)


@require_GET
def download_result(request: HttpRequest, public_id: UUID, format: str) -> StreamingHttpResponse:  # noqa: A002 -- the URL's word
    """The whole result as a file."""
    limit(request, "download")
    query = services.visible_query(actor=person(request), public_id=public_id)
    file = download(actor=person(request), query=query, format=format)
    headers = {"Content-Disposition": f'attachment; filename="{file.filename}"'}
    return StreamingHttpResponse(file.stream, content_type=file.content_type, headers=headers)


def _ended(request: HttpRequest, query: QueryRequest) -> Execution:
    """The execution, once it is over, for those who may see what it brought."""
    reason = policies.cannot_see_result(person(request), query)
    if reason:
        raise NotAllowed(reason)
    execution: Execution | None = getattr(query, "execution", None)
    if execution is None or query.state not in FINAL:
        raise NotNow(f"{query.number} has not run to its end; there is no result.", state=query.status)
    return execution


def _rows(request: HttpRequest, query: QueryRequest, execution: Execution) -> ResultPage | None:
    if not execution.has_result:
        return None
    text = request.GET.get("row", "")
    first = int(text) if text.isascii() and text.isdigit() and len(text) < ROW_DIGITS else 0
    return view_page(actor=person(request), query=query, first_row=first, limit=PAGE_ROWS)


def _view(view: str, page: ResultPage | None) -> str:
    if view in TRACES:
        return view
    if page is not None and page.documents is not None:
        return view if view in VIEWS else "documents"
    return "table"


def _previous(page: ResultPage | None) -> int | None:
    return max(page.first_row - PAGE_ROWS, 0) if page and page.first_row > 0 else None
