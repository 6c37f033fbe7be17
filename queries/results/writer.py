"""Takes rows as they stream from a target and keeps them in sealed chunks, never more than one chunk in memory."""

from collections.abc import Sequence

from django.db import DatabaseError, connection

from executors.base import Column, RowEncoding
from queries.results import vault

CHUNK_BYTES = 256 * 1024

INSERT = """
INSERT INTO result_chunks (execution_id, number, first_row, row_count, key_id, data)
SELECT %s, %s, %s, %s, %s, %s
"""
# Losing a chunk in a crash is harmless before the settling transaction, whose own commit flushes everything before it.
UNFLUSHED = "FROM set_config('synchronous_commit', 'off', true)"


class ChunkWriter:
    """A `RowSink`. Chunks but the last are written as they fill, the last by `finish`, in the settling transaction."""

    def __init__(self, execution_id: int) -> None:
        self._execution_id = execution_id
        self._blocks: list[bytes] = []
        self._size = 0
        self._rows_in_chunk = 0
        self._number = 0
        self.column_list: list[Column] = []
        self.encoding: RowEncoding | None = None
        self.row_count = 0
        self.byte_count = 0
        # Why the rows could not be kept; the run goes on without them, for a write must not depend on it.
        self.lost = ""

    def columns(self, columns: Sequence[Column], encoding: RowEncoding) -> None:
        """Begin a result set; an earlier one is dropped, for the last one is kept."""
        if self._number:
            self.forget()
        self._blocks, self._size, self._rows_in_chunk, self._number = [], 0, 0, 0
        self.row_count = self.byte_count = 0
        self.column_list, self.encoding = list(columns), encoding

    def rows(self, data: bytes, count: int) -> None:
        """Take a block of whole rows."""
        if self.lost:
            return
        self._blocks.append(data)
        self._size += len(data)
        self._rows_in_chunk += count
        if self._size >= CHUNK_BYTES:
            self._write_or_lose()

    def finish(self) -> None:
        """Write what is left. Call it inside the settling transaction."""
        if self._rows_in_chunk:
            self._write(final=True)

    def discard(self) -> None:
        """Forget everything, also what was written: the run failed."""
        if self._number:
            self.forget()
        self.encoding, self.column_list, self._blocks = None, [], []
        self._rows_in_chunk = self._number = self.row_count = self.byte_count = 0

    def _write(self, *, final: bool) -> None:
        data = b"".join(self._blocks)
        first, count = self.row_count, self._rows_in_chunk
        key_id, sealed = vault.seal(data, vault.place(self._execution_id, self._number, first, count))
        with connection.cursor() as cursor:
            values = (self._execution_id, self._number, first, count, key_id, sealed)
            cursor.execute(INSERT if final else INSERT + UNFLUSHED, values)
        self._number += 1
        self.row_count += count
        self.byte_count += len(data)
        self._blocks, self._size, self._rows_in_chunk = [], 0, 0

    def _write_or_lose(self) -> None:
        try:
            self._write(final=False)
        except DatabaseError as error:
            self.lost = f"The result could not be stored ({type(error).__name__})."
            self._blocks = []

    def forget(self) -> None:
        """Delete the chunks that were written."""
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM result_chunks WHERE execution_id = %s", [self._execution_id])
