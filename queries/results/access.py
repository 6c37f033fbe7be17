"""Who reads a result: the policy is asked and the reading recorded for every page and every download."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction

from accounts.models import User
from audit import log
from executors.base import Column, RowEncoding
from queries import policies
from queries.lifecycle import FINAL, Status
from queries.models import Execution, QueryRequest
from queries.results.cells import Cell, cells, documents
from queries.results.export import CONTENT_TYPES, export
from queries.results.reader import window
from queries.transitions import subject
from queries.vault import Unreadable
from web.errors import NotAllowed, NotFound, NotNow, Unavailable

PAGE_ROWS = 200


@dataclass(frozen=True, slots=True)
class ResultPage:
    """Some rows of a result. Cells are the server's own text, None for NULL; `next` is where the next page starts."""

    columns: list[Column]
    rows: list[list[Cell]]
    documents: list[str] | None
    first_row: int
    row_count: int
    truncated: str
    next: int | None


@dataclass(frozen=True, slots=True)
class Download:
    """A whole result as a stream."""

    filename: str
    content_type: str
    stream: Iterator[bytes]


def view_page(*, actor: User, query: QueryRequest, first_row: int = 0, limit: int = PAGE_ROWS) -> ResultPage:
    """A window of the rows. Raises NotAllowed, NotFound (no rows, deleted) or NotNow (not run yet)."""
    execution = _readable(actor, query)
    encoding = RowEncoding(execution.encoding)
    columns = [Column(**column) for column in execution.columns]
    try:
        rows = window(execution, first_row, limit)
    except Unreadable as error:
        raise Unavailable(f"The stored result of {query.number} cannot be read: {error} Tell an admin.") from error
    end = first_row + len(rows)
    _record(log.Action.RESULT_VIEW, actor, query, {"first_row": first_row, "rows": len(rows)})
    return ResultPage(
        columns=columns,
        rows=cells(encoding, columns, rows),
        documents=documents(encoding, rows),
        first_row=first_row,
        row_count=execution.row_count,
        truncated=execution.truncated,
        next=end if rows and end < execution.row_count else None,
    )


def record_trace_view(*, actor: User, query: QueryRequest, part: str) -> None:
    """Record that somebody reads what a script called or wrote, which may quote the data. Raises as `ended`."""
    ended(actor=actor, query=query)
    _record(log.Action.RESULT_VIEW, actor, query, {"part": part})


def download(*, actor: User, query: QueryRequest, format: str) -> Download:  # noqa: A002 -- the word people use
    """The whole result. Raises as `view_page`, and NotFound for an unknown format."""
    if format not in CONTENT_TYPES:
        raise NotFound(f"Results come as {', '.join(CONTENT_TYPES)}.")
    execution = _readable(actor, query)
    _record(log.Action.RESULT_DOWNLOAD, actor, query, {"format": format, "rows": execution.row_count})
    at = (execution.finished_at or execution.started_at).strftime("%Y%m%dT%H%M%SZ")
    filename = f"{query.number}_{query.target.slug}_{at}.{format}"
    return Download(filename, CONTENT_TYPES[format], export(execution, format))


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


def _readable(actor: User, query: QueryRequest) -> Execution:
    execution = ended(actor=actor, query=query)
    if execution.has_result:
        return execution
    if execution.result_deleted_at is not None:
        raise NotFound(f"The result of {query.number} was deleted after its retention time.")
    if execution.result_lost:
        raise NotFound(f"The result of {query.number} could not be kept: {execution.result_lost}")
    if query.state is Status.FAILED:
        raise NotFound(f"{query.number} failed, so there is no result.")
    if not execution.affected_known:
        raise NotFound(f"{query.number} has no result: how much it changed is not known, the database did not say.")
    raise NotFound(f"{query.number} returned no rows.")


def _record(action: log.Action, actor: User, query: QueryRequest, data: dict[str, object]) -> None:
    with transaction.atomic():
        log.append(action, actor=actor, subject=subject(query), data=data)
