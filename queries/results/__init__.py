"""The rows of a result: kept in compressed, encrypted chunks, read back by the page, streamed out in three formats."""

from queries.results.access import Download, ResultPage, download, ended, record_trace_view, view_page
from queries.results.writer import ChunkWriter

__all__ = ["ChunkWriter", "Download", "ResultPage", "download", "ended", "record_trace_view", "view_page"]
