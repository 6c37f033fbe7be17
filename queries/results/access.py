"""Who reads a result: the policy is asked and the reading recorded for every page and every download."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TypeVar

from django.db import transaction

from accounts.models import User
from audit import log
from executors.arranging import Arrangement
from executors.base import Column, RowEncoding
from executors.cells import Cell, picker, value_text
from queries import policies
from queries.lifecycle import FINAL, Status
from queries.models import Execution, QueryRequest
from queries.results.copies import MOST_ROWS, Form, copied
from queries.results.differences import Change, Compared, compared
from queries.results.export import CONTENT_TYPES, USUAL, Shape, export, formats
from queries.results.orders import ordered
from queries.results.reader import columns_of, rows_at, rows_from
from queries.results.windows import Page, ResultPage, Window, answered
from queries.transitions import subject
from queries.vault import Unreadable
from web.errors import NotAllowed, NotFound, NotNow, Unavailable

PAGE_ROWS = 200
# Texts of a database call of a script.
CALL_PARTS = frozenset({"statement", "parameters", "failure"})
# The header of a download that says by which limit the result was cut.
TRUNCATED = "X-Result-Truncated"

# All rows, in the order they came in.
AS_IT_CAME = Arrangement()

# So many of the latest requests like one are looked through for the same statement; so many of them are offered.
NEAREST = 500
COMPARED = 20

Made = TypeVar("Made", bound=Page)
Drawn = TypeVar("Drawn", bound=Page)


@dataclass(frozen=True, slots=True)
class Download:
    """A whole result as a stream, which has been read as far as its first bytes. `truncated` as in the execution."""

    filename: str
    content_type: str
    stream: Iterator[bytes]
    truncated: str

    @property
    def headers(self) -> dict[str, str]:
        """What the response says of the file: its name, and which limit cut the result, if one did."""
        headers = {"Content-Disposition": f'attachment; filename="{self.filename}"'}
        return {**headers, TRUNCATED: self.truncated} if self.truncated else headers


def view_page(
    *,
    actor: User,
    query: QueryRequest,
    first_row: int = 0,
    limit: int = PAGE_ROWS,
    arrangement: Arrangement = AS_IT_CAME,
) -> ResultPage:
    """Some rows as the API answers them.

    Raises NotAllowed, NotFound (no rows, deleted), NotNow (not run yet) or Unavailable.
    """
    return show_page(actor=actor, query=query, made=answered, first_row=first_row, limit=limit, arrangement=arrangement)


def show_page(
    *,
    actor: User,
    query: QueryRequest,
    made: Callable[[Window], Made],
    first_row: int = 0,
    limit: int = PAGE_ROWS,
    arrangement: Arrangement = AS_IT_CAME,
) -> Made:
    """What `made` makes of the rows asked for, from the place `first_row` on, `limit` at most.

    Raises as `view_page`, and Unavailable where they cannot be put in that order.
    """
    execution = readable(actor=actor, query=query)
    try:
        page = made(_window(execution, first_row, limit, arrangement))
    except Unreadable as error:
        raise _unreadable(query, error) from error
    data = {"first_row": first_row, "rows": page.count, **_told(arrangement)}
    _record(log.Action.RESULT_VIEW, actor, query, data)
    return page


def view_value(*, actor: User, query: QueryRequest, row: int, column: int | None) -> str:
    """The whole text of one cell, or of a row's document without a column. Raises as `view_page`."""
    execution = readable(actor=actor, query=query)
    window = _window(execution, row, 1, AS_IT_CAME)
    try:
        found = next(window.rows, None)
    except Unreadable as error:
        raise _unreadable(query, error) from error
    text = None if found is None else value_text(window.encoding, window.columns, found[1], column)
    if text is None:
        raise NotFound(f"There is no such value in the result of {query.number}.")
    _record(log.Action.RESULT_VIEW, actor, query, {"first_row": row, "rows": 1, "column": column})
    return text


def view_cell(*, actor: User, query: QueryRequest, row: int, column: int) -> tuple[Column, Cell]:
    """One cell whole, and its column; both from 0. Raises as `view_page`, and NotFound where there is no such cell."""
    window = _window(readable(actor=actor, query=query), row, 1, AS_IT_CAME)
    try:
        found = next(window.rows, None)
    except Unreadable as error:
        raise _unreadable(query, error) from error
    if found is None or column >= len(window.columns):
        raise NotFound(f"There is no such value in the result of {query.number}.")
    (cell,) = picker(window.encoding, window.columns, [column])(found[1])
    _record(log.Action.RESULT_VIEW, actor, query, {"first_row": row, "rows": 1, "column": column})
    return window.columns[column], cell


def copy_rows(
    *,
    actor: User,
    query: QueryRequest,
    form: Form,
    arrangement: Arrangement = AS_IT_CAME,
    first_row: int = 0,
    limit: int = PAGE_ROWS,
    places: Sequence[int] | None = None,
) -> str:
    """Rows from the place `first_row` on and their columns `places` (all when None) as text for a clipboard.

    Raises as `show_page`, and BadInput for more than can be copied.
    """
    execution = readable(actor=actor, query=query)
    table = query.tables[0] if len(query.tables) == 1 else "table_name"
    try:
        window = _window(execution, first_row, min(limit, MOST_ROWS), arrangement)
        made = copied(window, form, places, table)
    except Unreadable as error:
        raise _unreadable(query, error) from error
    data = {"first_row": first_row, "rows": made.count, "copied_as": form.value, **_told(arrangement)}
    _record(log.Action.RESULT_VIEW, actor, query, data)
    return made.text


def comparable(*, actor: User, query: QueryRequest) -> list[QueryRequest]:
    """Other requests of the same statement on the same target whose results `actor` may read, the newest first."""
    nearest = QueryRequest.objects.filter(target=query.target_id, fingerprint=query.fingerprint).values("pk")
    found = QueryRequest.objects.filter(pk__in=list(nearest.values_list("pk", flat=True)[:NEAREST]))
    found = found.filter(statement=query.statement, language=query.language, execution__finished_at__isnull=False)
    others = found.exclude(pk=query.pk).select_related("execution", "pod", "author", "target")
    return [
        other
        for other in others.order_by("-pk")
        if other.execution.has_result and not policies.cannot_see_result(actor, other)
    ][:COMPARED]


def show_difference(
    *,
    actor: User,
    query: QueryRequest,
    other: QueryRequest,
    key: Sequence[int],
    change: Change,
    made: Callable[[Compared], Drawn],
) -> Drawn:
    """What `made` makes of the difference between two results, whichever was asked for first being the earlier one.

    Raises as `view_page` for either, and as `compared`. A look at both is recorded.
    """
    first, second = sorted((query, other), key=lambda one: one.pk)
    earlier, later = readable(actor=actor, query=first), readable(actor=actor, query=second)
    try:
        drawn = made(compared(earlier, later, key))
    except Unreadable as error:
        raise _unreadable(second, error) from error
    for one, against in ((first, second), (second, first)):
        data = {"compared_with": against.number, "rows": drawn.count, "change": change.value}
        _record(log.Action.RESULT_VIEW, actor, one, data)
    return drawn


def view_trace(*, actor: User, query: QueryRequest, part: str, number: int) -> str:
    """The whole of a text of a script's run: a line of the console, or the statement, parameters or failure of a call.

    Raises as `view_page`.
    """
    execution = ended(actor=actor, query=query)
    if part == "console":
        line = execution.log_lines.filter(number=number).first()
        text = line.text if line else None
    elif part in CALL_PARTS:
        call = execution.calls.filter(number=number).first()
        text = str(getattr(call, part)) if call else None
    else:
        text = None
    if text is None:
        raise NotFound(f"There is no such text in the run of {query.number}.")
    record_trace_view(actor=actor, query=query, part=part)
    return text


def record_trace_view(*, actor: User, query: QueryRequest, part: str) -> None:
    """Record that somebody reads what a script called or wrote, which may quote the data. Raises as `ended`."""
    ended(actor=actor, query=query)
    _record(log.Action.RESULT_VIEW, actor, query, {"part": part})


def download(
    *,
    actor: User,
    query: QueryRequest,
    format: str,  # noqa: A002 -- the word people use
    shape: Shape = USUAL,
) -> Download:
    """The whole result. Raises as `view_page`, and NotFound for an unknown format.

    Its first bytes are read here: a result that cannot be read is an error, not half a file. One that breaks later
    raises while it is streamed, and the server ends the connection without the end of the file.
    """
    if format not in formats():
        raise NotFound(f"Results come as {', '.join(formats())}.")
    execution = readable(actor=actor, query=query)
    stream = export(execution, format, shape)
    try:
        first = next(stream, b"")
    except Unreadable as error:
        raise _unreadable(query, error) from error
    data = {"format": format, "rows": execution.row_count, **shape.told}
    _record(log.Action.RESULT_DOWNLOAD, actor, query, data)
    filename = _filename(query, execution, format)
    return Download(filename, CONTENT_TYPES[format], chain([first], stream), execution.truncated)


def _window(execution: Execution, first_row: int, limit: int, arrangement: Arrangement) -> Window:
    count = execution.row_count
    rows: Iterator[tuple[int, bytes]]
    if arrangement:
        order = ordered(execution, arrangement)
        count, numbers = order.total, list(order.numbers(first_row, limit))
        rows = zip(numbers, rows_at(execution, numbers), strict=True)
    else:
        rows = enumerate(islice(rows_from(execution, first_row), limit), start=first_row)
    return Window(
        columns=columns_of(execution),
        encoding=RowEncoding(execution.encoding),
        rows=rows,
        first_row=first_row,
        row_count=count,
        whole=execution.row_count,
        truncated=execution.truncated,
    )


def _told(arrangement: Arrangement) -> dict[str, object]:
    """What the log keeps of an arrangement. Not the values that were looked for: they may quote the data."""
    if not arrangement:
        return {}
    columns = [condition.column for condition in arrangement.conditions]
    order = [-(part.column + 1) if part.descending else part.column + 1 for part in arrangement.order]
    return {"searched": bool(arrangement.search), "filtered_by": [column + 1 for column in columns], "order": order}


def _unreadable(query: QueryRequest, error: Unreadable) -> Unavailable:
    """The one answer for a stored result that no key opens, or that is broken."""
    return Unavailable(f"The stored result of {query.number} cannot be read: {error} Tell an admin.")


def _filename(query: QueryRequest, execution: Execution, extension: str) -> str:
    at = (execution.finished_at or execution.started_at).strftime("%Y%m%dT%H%M%SZ")
    cut = f"-first-{execution.row_count}-rows-cut" if execution.truncated else ""
    return f"{query.number}_{query.target.slug}_{at}{cut}.{extension}"


def ended(*, actor: User, query: QueryRequest) -> Execution:
    """The run of a request, once it is over, for those who may see what it brought.

    Raises NotAllowed, NotNow while there is still something to wait for, NotFound when it never ran and never will.
    """
    reason = policies.cannot_see_result(actor, query)
    if reason:
        raise NotAllowed(reason)
    execution = Execution.objects.filter(query=query).first()
    if execution is not None and execution.finished_at is not None:
        return execution
    if query.state in FINAL:
        raise NotFound(f"{query.number} never ran; there is no result.")
    raise NotNow(f"{query.number} has not run to its end; there is no result.", state=query.status)


def readable(*, actor: User, query: QueryRequest) -> Execution:
    """The run whose rows are there to be read, for those who may. Raises as `ended` does, and NotFound without rows."""
    execution = ended(actor=actor, query=query)
    if execution.has_result:
        return _with_columns(query, execution)
    if execution.result_deleted_at is not None:
        raise NotFound(f"The result of {query.number} was deleted after its retention time.")
    if execution.result_lost:
        raise NotFound(f"The result of {query.number} could not be kept: {execution.result_lost}")
    if query.state is Status.FAILED:
        raise NotFound(f"{query.number} failed, so there is no result.")
    if not execution.affected_known:
        raise NotFound(f"{query.number} has no result: how much it changed is not known, the database did not say.")
    raise NotFound(f"{query.number} returned no rows.")


def _with_columns(query: QueryRequest, execution: Execution) -> Execution:
    """The execution, whose columns can be read: without them its rows would say nothing."""
    if execution.data is not None:
        try:
            execution.unsealed()
        except Unreadable as error:
            raise _unreadable(query, error) from error
    return execution


def _record(action: log.Action, actor: User, query: QueryRequest, data: dict[str, object]) -> None:
    with transaction.atomic():
        log.append(action, actor=actor, subject=subject(query), data=data)
