"""The rows of a result: kept in compressed, encrypted chunks, read back by the page, streamed out in three formats."""

from queries.results.access import (
    Download,
    comparable,
    copy_rows,
    download,
    ended,
    readable,
    record_trace_view,
    show_difference,
    show_page,
    view_cell,
    view_page,
    view_trace,
    view_value,
)
from queries.results.windows import ResultPage, Room, Window
from queries.results.writer import ChunkWriter

__all__ = [
    "ChunkWriter",
    "Download",
    "ResultPage",
    "Room",
    "Window",
    "comparable",
    "copy_rows",
    "download",
    "ended",
    "readable",
    "record_trace_view",
    "show_difference",
    "show_page",
    "view_cell",
    "view_page",
    "view_trace",
    "view_value",
]
