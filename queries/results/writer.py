"""Takes rows as they stream from a target and keeps them in sealed chunks, never more than one chunk in memory."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

from django.db import Error, connection

from audit.log import SOURCE, Act
from executors.base import Column, RowEncoding
from queries import vault

CHUNK_BYTES = 256 * 1024

INSERT = """
INSERT INTO result_chunks (execution_id, number, first_row, row_count, key_id, data)
SELECT %s, %s, %s, %s, %s, %b {source} RETURNING execution_id
"""
# Losing a chunk in a crash is harmless before the settling transaction, whose own commit flushes everything before it.
UNFLUSHED = "FROM set_config('synchronous_commit', 'off', true)"


class ChunkWriter:
    """A `RowSink`. Chunks but the last are written as they fill, the last as an act of the settling statement."""

    def __init__(self, execution_id: int) -> None:
        self._execution_id = execution_id
        self._blocks: list[bytes] = []
        self._size = 0
        self._rows_in_chunk = 0
        self._number = 0
        self._first_row = 0
        self._stored_bytes = 0
        # Whether any chunk was ever sent to the database, be it of a result set that was dropped since.
        self.sent = False
        self._digest = sha256()
        self.column_list: list[Column] = []
        self.encoding: RowEncoding | None = None
        # Why the rows could not be kept; the run goes on without them, for a write must not depend on it.
        self.lost = ""

    @property
    def byte_count(self) -> int:
        """Bytes of the encoded rows."""
        return self._stored_bytes + self._size

    @property
    def digest(self) -> str:
        """SHA-256 of the rows as they are encoded, before compression and sealing; "" where none are kept."""
        return self._digest.hexdigest() if self.encoding is not None and not self.lost else ""

    def columns(self, columns: Sequence[Column], encoding: RowEncoding) -> None:
        """Begin a result set; an earlier one is dropped, for the last one is kept."""
        if self._number:
            self._or_lose(self.forget)
        self._clear()
        self.column_list, self.encoding = list(columns), encoding

    def all_columns(self, columns: Sequence[Column]) -> None:
        """Keep the columns of the whole result set."""
        self.column_list = list(columns)

    def rows(self, data: bytes, count: int) -> None:
        """Take a block of whole rows."""
        if self.lost:
            return
        self._digest.update(data)
        self._blocks.append(data)
        self._size += len(data)
        self._rows_in_chunk += count
        if self._size >= CHUNK_BYTES:
            self._or_lose(self._store)

    def missing(self) -> str:
        """Why the chunks sent so far are not all there, "" when they are: unflushed, they do not survive a crash."""
        if not self._number:
            return ""
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM result_chunks WHERE execution_id = %s", [self._execution_id])
            stored = cursor.fetchone()[0]
        return "" if stored == self._number else "The portal's database lost a part of the result in a crash."

    def last(self) -> Sequence[Act]:
        """What writes what is left, if anything: in the settling transaction, and again in the next if that is lost."""
        return [Act("kept", INSERT, self._sealed())] if self._rows_in_chunk else []

    def finish(self) -> None:
        """Write what is left, where nothing else is written with it."""
        if self._rows_in_chunk:
            self._insert("")

    def discard(self) -> None:
        """Forget everything, also what was written: the run failed."""
        if self.sent:
            self.forget()
        self._clear()
        self.encoding, self.column_list = None, []

    def forget(self) -> None:
        """Delete the chunks that were written."""
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM result_chunks WHERE execution_id = %s", [self._execution_id])

    def _store(self) -> None:
        self.sent = True
        self._insert(UNFLUSHED)
        self._number += 1
        self._first_row += self._rows_in_chunk
        self._stored_bytes += self._size
        self._blocks, self._size, self._rows_in_chunk = [], 0, 0

    def _insert(self, source: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(INSERT.replace(SOURCE, source), self._sealed())

    def _sealed(self) -> tuple[Any, ...]:
        place = (self._execution_id, self._number, self._first_row, self._rows_in_chunk)
        return (*place, *vault.seal(b"".join(self._blocks), vault.place("result", *place)))

    def _clear(self) -> None:
        self._blocks, self._size, self._rows_in_chunk = [], 0, 0
        self._number = self._first_row = self._stored_bytes = 0
        self._digest = sha256()

    def _or_lose(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Error as error:
            self.lost = f"The result could not be stored ({type(error).__name__})."
            self._blocks = []
