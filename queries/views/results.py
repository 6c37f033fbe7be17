"""The result of a request: pages of rows, what a script did, and downloads."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_safe

from accounts.people import person
from executors.base import RowEncoding
from pods.models import Target
from queries import services
from queries.models import Execution, QueryRequest
from queries.presentation import arranging, charting, pages, traces
from queries.presentation.arranging import Asked, columns_named
from queries.presentation.cell import shown
from queries.presentation.chart import Chart, most_rows
from queries.presentation.chart import chart as chart_of
from queries.presentation.charting import Drawable, Plotted, drawable, plotted
from queries.presentation.pages import Columns, ShownPage
from queries.results import copy_rows, download, ended, record_trace_view, show_page, view_cell, view_trace, view_value
from queries.results.copies import Form, forms
from queries.results.export import SEPARATORS, USUAL, Shape
from queries.results.reader import columns_of
from queries.running.monitor import LOG_BYTES_KEPT
from web.errors import BadInput, FieldError, NotFound, PortalError, Unavailable
from web.ratelimit import limit

PAGE_ROWS = 200
ROW_DIGITS = 12
# Characters of a value that are sent at once.
PIECE = 64 * 1024
Made = TypeVar("Made")
TRACES = ("calls", "console")
VIEWS = ("table", "documents", "record", "chart", *TRACES)


@require_safe
def result(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """A page of the result, or what the script called and wrote. Where there is none: 404, as in the API, and why."""
    query = services.visible_query(actor=person(request), public_id=public_id)
    execution = ended(actor=person(request), query=query)
    view = _view(request.GET.get("view", ""), execution)
    if view in TRACES:
        return _traced(request, query, execution, view)
    asked = _asked(request, execution)
    if view == "chart":
        return _charted(request, query, execution, asked)
    first = _first(request)
    if "form" in request.GET and not asked.errors:
        return redirect(f"{request.path}{asked.address(view=view, row=first or None)}")
    page, missing = _shown(request, query, view, asked, first)
    context = {
        **_common(request, query, execution, view),
        **_arranged(execution, asked),
        "page": page,
        "missing": missing,
        "links": {"chart": asked.address(view="chart"), **_links(asked, request.GET.get("view", ""), page)},
    }
    response = render(request, "queries/result.html", context, status=400 if asked.errors else 200)
    return response if missing is None else missing.on(response)


def _charted(request: HttpRequest, query: QueryRequest, execution: Execution, asked: Asked) -> HttpResponse:
    """The first rows asked for as a chart, and as the table beside it."""
    found = drawable(execution)
    plot = plotted(request.GET, found) if found else None
    if plot is not None:
        asked = replace(asked, errors={**asked.errors, **plot.errors})
        if "form" in request.GET and not asked.errors:
            return redirect(f"{request.path}{asked.address(view='chart')}&{urlencode(plot.fields)}")
    drawn, missing = _of_rows(partial(_drawn, request, query, asked, plot), asked)
    context = {
        **_common(request, query, execution, "chart"),
        **_arranged(execution, asked),
        **_plot_choices(execution, found, plot),
        "page": drawn and drawn.table,
        "chart": drawn,
        "missing": missing,
        "links": {"chart": asked.address(view="chart"), "table": asked.address(view="table")},
    }
    response = render(request, "queries/result.html", context, status=400 if asked.errors else 200)
    return response if missing is None else missing.on(response)


def _drawn(request: HttpRequest, query: QueryRequest, asked: Asked, plot: Plotted | None) -> Chart | None:
    if asked.errors:
        return None
    if plot is None:
        raise NotFound("There is no chart of this result: it takes a column of times or names, and one of numbers.")
    order = asked.arrangement.order
    address = reverse("queries:value", args=[query.public_id])
    columns = Columns(plot.places, 0, order[0] if order else None)
    return show_page(
        actor=person(request),
        query=query,
        made=partial(chart_of, address=address, asked=plot, columns=columns),
        limit=most_rows(plot),
        arrangement=asked.arrangement,
    )


def _plot_choices(execution: Execution, found: Drawable, plot: Plotted | None) -> dict[str, Any]:
    """What can be chosen for the chart, and what is."""
    if plot is None:
        return {}
    columns = columns_of(execution)
    return {
        "plot": plot,
        "axes": charting.choices(columns, found.axes, [plot.axis]),
        "values": charting.choices(columns, found.numbers, plot.values),
    }


def _arranged(execution: Execution, asked: Asked) -> dict[str, Any]:
    """What the forms above the rows need."""
    return {
        "asked": asked,
        "operators": [(operator.value, words) for operator, words in arranging.OPERATORS.items()],
        "choices": asked.choices(columns_of(execution)),
        "column_count": len(execution.columns),
        "copies": forms(_encoding(execution)),
    }


@require_GET
def download_result(request: HttpRequest, public_id: UUID, format: str) -> StreamingHttpResponse:  # noqa: A002 -- the URL's word
    """The whole result as a file."""
    limit(request, "download")
    query = services.visible_query(actor=person(request), public_id=public_id)
    file = download(actor=person(request), query=query, format=format, shape=_shape(request))
    return StreamingHttpResponse(file.stream, content_type=file.content_type, headers=file.headers)


@require_safe
def copy(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Some rows as plain text, `as` a form of copies: from the place `row`, from 0, on; `rows` of them.

    `column` names their columns, as `col` does; without it they are those of the page.
    """
    query = services.visible_query(actor=person(request), public_id=public_id)
    execution = ended(actor=person(request), query=query)
    asked = _asked(request, execution)
    form = request.GET.get("as", "")
    if asked.errors or form not in set(Form):
        wrong = asked.errors or {"as": f"Rows are copied as {', '.join(Form)}."}
        raise BadInput({name: [FieldError(message)] for name, message in wrong.items()})
    text = copy_rows(
        actor=person(request),
        query=query,
        form=Form(form),
        arrangement=asked.arrangement,
        first_row=_number(request, "row"),
        limit=_number(request, "rows") or PAGE_ROWS,
        places=list(columns_named(request.GET.getlist("column"), len(execution.columns))) or asked.places,
    )
    return HttpResponse(text.encode(errors="replace"), content_type="text/plain; charset=utf-8")


@require_safe
def cell(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One value by itself. `row` and `column` count from 1."""
    query = services.visible_query(actor=person(request), public_id=public_id)
    row, place = (max(_number(request, name) - 1, 0) for name in ("row", "column"))
    column, found = view_cell(actor=person(request), query=query, row=row, column=place)
    plain = f"{reverse('queries:value', args=[query.public_id])}?row={row}&column={place}"
    context = {
        "nav": "mine" if query.author_id == request.user.pk else "review",
        "query": query,
        "cell": shown(column, found),
        "row": row + 1,
        "plain": plain if isinstance(found, str) and found else "",
    }
    return render(request, "queries/cell.html", context)


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


def _traced(request: HttpRequest, query: QueryRequest, execution: Execution, view: str) -> HttpResponse:
    """What the script called, or wrote."""
    record_trace_view(actor=person(request), query=query, part=view)
    address, first = reverse("queries:value", args=[query.public_id]), _number(request, "from")
    context = {
        **_common(request, query, execution, view),
        "calls": traces.calls(execution, address, first=first) if view == "calls" else None,
        "log_lines": traces.lines(execution, address, first=first) if view == "console" else None,
        "console_kept": LOG_BYTES_KEPT,
        "links": {"chart": "?view=chart"},
    }
    return render(request, "queries/result.html", context)


def _common(request: HttpRequest, query: QueryRequest, execution: Execution, view: str) -> dict[str, Any]:
    held_to, now = query.limits_in_force, query.target.limits
    return {
        "again": _again(request, query),
        "is_lifted": now.rows > held_to.rows if execution.truncated == "rows" else now.bytes > held_to.bytes,
        "nav": "mine" if query.author_id == request.user.pk else "review",
        "query": query,
        "execution": execution,
        "view": view,
        "has_chart": bool(drawable(execution)),
        "calls_total": execution.calls.count(),
        "lines_total": execution.log_lines.count(),
        "decisions": query.decisions.all(),
    }


def _again(request: HttpRequest, query: QueryRequest) -> str:
    """Where the same is asked for again, "" for who may not ask. An undo puts back what was found only once."""
    if query.undoes_id is not None or not Target.objects.usable_by(person(request)).filter(pk=query.target_id).exists():
        return ""
    return f"{reverse('queries:new')}?again={query.public_id}"


def _shown(
    request: HttpRequest, query: QueryRequest, view: str, asked: Asked, first: int
) -> tuple[ShownPage | None, PortalError | None]:
    return _of_rows(partial(_rows, request, query, view, asked, first), asked)


def _of_rows(made: Callable[[], Made | None], asked: Asked) -> tuple[Made | None, PortalError | None]:
    """What is made of the rows asked for, or why there are none. What a filter cannot mean shows none: not all."""
    try:
        return made(), None
    except NotFound as error:
        return None, error
    except Unavailable as error:
        if not asked.arrangement:
            raise
        return None, error


def _rows(request: HttpRequest, query: QueryRequest, view: str, asked: Asked, first: int) -> ShownPage | None:
    if asked.errors:
        return None
    address = reverse("queries:value", args=[query.public_id])
    if view == "documents":
        made = partial(pages.documents, address=address)
    else:
        order = asked.arrangement.order
        columns = Columns(asked.places, asked.pinned, order[0] if order else None)
        made = partial(pages.table, address=address, columns=columns)
    return show_page(
        actor=person(request),
        query=query,
        made=made,
        first_row=first,
        limit=_step(view),
        arrangement=asked.arrangement,
    )


def _links(asked: Asked, view: str, page: ShownPage | None) -> dict[str, str]:
    """The addresses of the pages around this one, where there are such."""
    if page is None:
        return {}
    before, step = page.first_row, _step(view)
    links = {"table": asked.address(row=before // PAGE_ROWS * PAGE_ROWS or None)}
    if before > 0:
        links["previous"] = asked.address(view=view, row=max(before - step, 0) or None)
    if page.next is not None:
        links["next"] = asked.address(view=view, row=page.next)
    return links


def _step(view: str) -> int:
    """How many rows a page has."""
    return 1 if view == "record" else PAGE_ROWS


def _asked(request: HttpRequest, execution: Execution) -> Asked:
    return arranging.read(request.GET, _encoding(execution), columns_of(execution))


def _encoding(execution: Execution) -> RowEncoding:
    """The encoding of the rows; of no rows any will do."""
    return RowEncoding(execution.encoding or RowEncoding.JSON)


def _shape(request: HttpRequest) -> Shape:
    """How a download is to be written. Raises BadInput."""
    given = request.GET
    separator, typed = given.get("separator", USUAL.separator), given.get("typed", "")
    if separator not in SEPARATORS:
        raise BadInput({"separator": [FieldError(f"Values are separated by {', '.join(SEPARATORS)}.")]})
    if typed not in ("", "0", "1"):
        raise BadInput({"typed": [FieldError("It is 1 or 0.")]})
    return Shape(separator, given.get("mark", "") == "1", bool(int(typed)) if typed else None)


def _first(request: HttpRequest) -> int:
    """The place of the first row, from 0: the one somebody goes to (`at`, from 1), else that of the address."""
    at = arranging.number(request.GET.get("at", ""))
    return max(at - 1, 0) if at is not None else _number(request, "row")


def _number(request: HttpRequest, name: str) -> int:
    """A row's number, or that of the first where the address has none."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < ROW_DIGITS else 0


def _view(view: str, execution: Execution) -> str:
    if view in (*TRACES, "record", "chart"):
        return view
    if execution.encoding == RowEncoding.BSON:
        return view if view in VIEWS else "documents"
    return "table"
