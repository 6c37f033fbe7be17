"""The API's results: pages in the order asked for, and downloads."""

from __future__ import annotations

import re
import uuid

from django.http import QueryDict, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.people import person
from executors.arranging import Arrangement, Operator
from executors.base import RowEncoding
from queries import services
from queries.api.schema import ResultShape
from queries.api.serializers import result_json
from queries.models import Execution, QueryRequest
from queries.presentation import arranging
from queries.results import download, readable, view_page
from queries.results.access import AS_IT_CAME, TRUNCATED
from queries.results.reader import columns_of
from web import paging
from web.bodies import View
from web.downloads import AnyFormat, downloaded, plain
from web.errors import BadInput, FieldError
from web.filters import FILTER_LENGTH, read_filters
from web.openapi import CURSOR_FILTER, answers, limit_filter, text_filter
from web.ratelimit import limit

RESULTS = ["results"]
CUT = OpenApiParameter(
    TRUNCATED,
    str,
    OpenApiParameter.HEADER,
    enum=["rows", "bytes"],
    description="The limit that cut the result short; not sent with a whole one. The file's name says it, too.",
    response=[200],
)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SORT = "^(-?[1-9][0-9]{0,4})?$"
CONDITION = ("on", "is", "to")


def _repeated(name: str, items: dict[str, object], most: int, description: str) -> OpenApiParameter:
    shape = {"type": "array", "items": {"type": "string", **items}, "maxItems": most}
    return OpenApiParameter(name, shape, description=description)


ARRANGING = [
    text_filter("q", "Only rows with a cell that holds this, whatever its case."),
    _repeated(
        "on",
        {"pattern": "^[1-9][0-9]{0,4}$"},
        arranging.MOST_CONDITIONS,
        "Only rows that meet a condition: the column's number, from 1. Send `is` and `to` with each.",
    ),
    _repeated(
        "is",
        {"enum": [operator.value for operator in Operator]},
        arranging.MOST_CONDITIONS,
        "How the column compares, in the order of `on`.",
    ),
    _repeated(
        "to",
        {"maxLength": FILTER_LENGTH},
        arranging.MOST_CONDITIONS,
        "What it is held against, in the order of `on`; empty where there is nothing to hold it against.",
    ),
    _repeated(
        "sort",
        {"pattern": SORT},
        arranging.MOST_ORDERS,
        "The number of a column to sort by, from 1; with a minus before it the largest come first.",
    ),
]
_NUMBER, _SIGNED = re.compile(r"[1-9][0-9]{0,4}"), re.compile(r"-?[1-9][0-9]{0,4}")
ARRANGED = ("q", *CONDITION, "sort")


def arrangement_of(sent: QueryDict, execution: Execution) -> Arrangement:
    """What is asked of a result: as on its page, but what cannot be had is an error. Raises BadInput."""
    columns = columns_of(execution)
    asked = arranging.read(sent, RowEncoding(execution.encoding), columns)
    errors = {"on" if name == "filter" else name: message for name, message in asked.errors.items()}
    if len({len(sent.getlist(name)) for name in CONDITION}) > 1:
        errors["on"] = "Send “on”, “is” and “to” equally often."
    elif not all(map(_NUMBER.fullmatch, sent.getlist("on"))):
        errors["on"] = "Name each column by its number, from 1."
    sorts = [text for text in sent.getlist("sort") if text]
    if len(asked.arrangement.order) != len(sorts) or not all(map(_SIGNED.fullmatch, sorts)):
        errors["sort"] = (
            f"Sort by up to {arranging.MOST_ORDERS} columns, each once: numbers from 1 to {len(columns)}, "
            "with a minus before one for the largest first."
        )
    if errors:
        raise BadInput({name: [FieldError(message)] for name, message in errors.items()})
    return asked.arrangement


def _asked(sent: QueryDict, reader: User, query: QueryRequest) -> Arrangement:
    if not any(sent.get(name) for name in ARRANGED):
        return AS_IT_CAME
    return arrangement_of(sent, readable(actor=reader, query=query))


class Result(View):
    """GET `queries/<uuid>/result/`."""

    @extend_schema(
        operation_id="query_result",
        responses=answers(ResultShape, 403, 404, 409),
        tags=RESULTS,
        parameters=[
            CURSOR_FILTER,
            limit_filter(default=paging.RESULT_PAGE, most=paging.RESULT_PAGE_MOST),
            *ARRANGING,
        ],
    )
    def get(self, request: Request, public_id: uuid.UUID) -> Response:
        """Rows of the result, a page at a time, sorted, searched and filtered as asked. Each page read is recorded in
        the audit log, without the values that were looked for."""
        reader = person(request)
        sent = read_filters(request.query_params, ("cursor", "limit", *ARRANGED))
        size = paging.page_size(sent["limit"], default=paging.RESULT_PAGE, most=paging.RESULT_PAGE_MOST)
        first = paging.decode(sent["cursor"]) if sent["cursor"] else 0
        query = services.visible_query(actor=reader, public_id=public_id)
        arrangement = _asked(request.query_params, reader, query)
        page = view_page(actor=reader, query=query, first_row=first, limit=size, arrangement=arrangement)
        return Response(result_json(page))


class ResultFile(View):
    """The base of the downloads: each is recorded in the audit log, and streamed."""

    content_negotiation_class = AnyFormat

    def respond(self, request: Request, public_id: uuid.UUID, extension: str) -> StreamingHttpResponse:
        """The whole result in one format."""
        limit(plain(request), "download")
        reader = person(request)
        query = services.visible_query(actor=reader, public_id=public_id)
        file = download(actor=reader, query=query, format=extension)
        return StreamingHttpResponse(file.stream, content_type=file.content_type, headers=file.headers)


class ResultCsv(ResultFile):
    """GET `queries/<uuid>/result.csv`."""

    @extend_schema(
        operation_id="query_result_csv",
        responses=downloaded("text/csv", OpenApiTypes.STR, 403, 404, 409, 429),
        parameters=[CUT],
        tags=RESULTS,
    )
    def get(self, request: Request, public_id: uuid.UUID) -> StreamingHttpResponse:
        """The whole result as CSV; cells cannot become formulas."""
        return self.respond(request, public_id, "csv")


class ResultJsonl(ResultFile):
    """GET `queries/<uuid>/result.jsonl`."""

    @extend_schema(
        operation_id="query_result_jsonl",
        responses=downloaded("application/jsonl", OpenApiTypes.STR, 403, 404, 409, 429),
        parameters=[CUT],
        tags=RESULTS,
    )
    def get(self, request: Request, public_id: uuid.UUID) -> StreamingHttpResponse:
        """The whole result as JSON lines."""
        return self.respond(request, public_id, "jsonl")


class ResultXlsx(ResultFile):
    """GET `queries/<uuid>/result.xlsx`."""

    @extend_schema(
        operation_id="query_result_xlsx",
        responses=downloaded(XLSX, OpenApiTypes.BINARY, 403, 404, 409, 429),
        parameters=[CUT],
        tags=RESULTS,
    )
    def get(self, request: Request, public_id: uuid.UUID) -> StreamingHttpResponse:
        """The whole result as a workbook."""
        return self.respond(request, public_id, "xlsx")


class ResultParquet(ResultFile):
    """GET `queries/<uuid>/result.parquet`."""

    @extend_schema(
        operation_id="query_result_parquet",
        responses=downloaded("application/vnd.apache.parquet", OpenApiTypes.BINARY, 403, 404, 409, 429),
        parameters=[CUT],
        tags=RESULTS,
    )
    def get(self, request: Request, public_id: uuid.UUID) -> StreamingHttpResponse:
        """The whole result as Parquet, a type where every value of a column fits it and text elsewhere; not found
        where the portal has no pyarrow."""
        return self.respond(request, public_id, "parquet")
