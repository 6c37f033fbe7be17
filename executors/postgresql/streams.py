"""Rows from the server to a sink, as COPY text, within the limits: three ways of asking for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from psycopg import pq
from psycopg.pq.abc import PGconn, PGresult

from executors.base import Limits, NamedParameter, Parameter, ParameterType, Refused, RowEncoding, RowSink, Truncation
from executors.budget import Budget
from executors.copytext import encode_copy_row
from executors.postgresql import types
from executors.postgresql.errors import Place
from executors.postgresql.reading.parse import Statement
from executors.postgresql.wire import Wire

_BLOCK_BYTES = 128 * 1024
_BLOCK_ROWS = 50_000
_CHUNK_ROWS = 100
_FETCH_FIRST = 100
_FETCH_MOST = 10_000
_COPY = b"COPY ("
_COPIES = frozenset({pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH})
_CHANGING = frozenset({b"INSERT", b"UPDATE", b"DELETE", b"MERGE"})


@dataclass(frozen=True, slots=True)
class Done:
    """What one statement gave: rows sent to the sink, rows changed (None if it changes none), and what cut it short."""

    rows: int
    affected: int | None = None
    truncated: Truncation = ""


class _Blocks:
    """Gathers the encoded rows of one result into blocks, as far as its budget goes."""

    def __init__(self, sink: RowSink, limits: Limits) -> None:
        self._sink = sink
        self._block = bytearray()
        self._in_block = 0
        self.budget = Budget.of(limits)

    def add(self, line: bytes | memoryview) -> bool:
        """Keep one row; False once a limit is reached (the row is then left out)."""
        if not self.budget.admit(len(line)):
            return False
        self._block += line
        self._in_block += 1
        if len(self._block) >= _BLOCK_BYTES or self._in_block >= _BLOCK_ROWS:
            self.flush()
        return True

    def add_all(self, lines: Sequence[bytes | memoryview]) -> bool:
        """Keep some rows; False once a limit is reached (what goes beyond is left out)."""
        if not self.budget.admit_all(len(lines), sum(map(len, lines))):
            return all(map(self.add, lines))
        self._block += b"".join(lines)
        self._in_block += len(lines)
        if len(self._block) >= _BLOCK_BYTES or self._in_block >= _BLOCK_ROWS:
            self.flush()
        return True

    def flush(self) -> None:
        """Hand over what is gathered."""
        if self._in_block:
            self._sink.rows(bytes(self._block), self._in_block)
            self._block.clear()
            self._in_block = 0


class Stream:
    """Runs statements of one text on a wire and streams their rows. `text` is the author's, to place errors in it."""

    def __init__(self, wire: Wire, sink: RowSink, limits: Limits, text: str) -> None:
        self._wire = wire
        self._sink = sink
        self._limits = limits
        self.text = text
        self._prepared = 0

    def describe(self, item: Statement, text: str = "") -> PGresult:
        """Have the server parse the statement (the extended protocol takes exactly one) and say its columns.

        `text` is sent in its place, where it is given: the server may refuse that, and the transaction goes on.
        """
        done = self._name if self._prepared else b""
        self._prepared += 1
        sent, place = (text or item.text).encode(), Place(self.text, item.offset)
        return self._wire.prepare(self._name, sent, place, item.types, closing=done, aside=bool(text))

    @property
    def _name(self) -> bytes:
        """Named, because our own questions in between would replace the unnamed statement."""
        return b"portal_%d" % self._prepared

    def copy(self, item: Statement, described: PGresult) -> Done:
        """A SELECT without parameters, as COPY: the server's text goes through untouched."""
        blocks = self._announce(described)
        sql = _COPY + item.text.encode() + b"\n) TO STDOUT"
        place = Place(self.text, item.offset, len(_COPY))
        for result in self._wire.results(lambda: self._wire.pgconn.send_query_params(sql, None), place):
            self._expect(result, pq.ExecStatus.COPY_OUT)
        self._gather_copy(blocks)
        if blocks.budget.truncated:
            self._abandon()
        else:
            self._finish(place)
        blocks.flush()
        return Done(blocks.budget.rows, truncated=blocks.budget.truncated)

    def cursor(self, item: Statement, values: list[bytes | None], described: PGresult) -> Done:
        """A SELECT with parameters, which COPY does not take: a cursor, fetched in batches of about a block."""
        blocks = self._announce(described)
        prefix = b"DECLARE portal_rows NO SCROLL CURSOR FOR "
        sql = prefix + item.text.encode()
        place = Place(self.text, item.offset, len(prefix))
        types = item.types or None
        for _ in self._wire.results(lambda: self._wire.pgconn.send_query_params(sql, values, types), place):
            pass
        batch = _FETCH_FIRST
        while True:
            wanted = min(batch, self._limits.rows - blocks.budget.rows + 1)
            before = blocks.budget.bytes
            fetched = self._fetch(item, wanted, blocks)
            if fetched < wanted or blocks.budget.truncated:
                break
            average = max(1, (blocks.budget.bytes - before) // max(1, fetched))
            batch = max(1, min(_FETCH_MOST, _BLOCK_BYTES * 4 // average))
            self._wire.check()
        blocks.flush()
        return Done(blocks.budget.rows, truncated=blocks.budget.truncated)

    def execute(self, item: Statement, values: list[bytes | None], described: PGresult) -> Done:
        """Any other statement. Rows past a limit are dropped, never the statement: a write must run to its end."""
        blocks = self._announce(described) if described.nfields else _Blocks(self._sink, self._limits)
        last = None
        for result in self._results(item, lambda pgconn: pgconn.send_query_prepared(self._name, values or None)):
            # The tag comes with the last piece of a chunked result, or with an empty one after it.
            last = result if result.command_status else last
            self._gather(result, blocks)
        blocks.flush()
        return Done(blocks.budget.rows, affected_rows(last), blocks.budget.truncated)

    def execute_told(self, item: Statement, values: list[bytes | None], told: Callable[[PGresult], None]) -> int | None:
        """A statement described with a text that makes it tell its rows: to `told`, not to the sink. Rows changed."""
        last = None
        for result in self._results(item, lambda pgconn: pgconn.send_query_prepared(self._name, values or None)):
            last = result if result.command_status else last
            told(result)
        return affected_rows(last)

    def _announce(self, described: PGresult) -> _Blocks:
        self._sink.columns(types.columns(self._wire, described), RowEncoding.COPY)
        return _Blocks(self._sink, self._limits)

    def _gather_copy(self, blocks: _Blocks) -> None:
        for lines in self._wire.copy_rows():
            if not blocks.add_all(lines):
                return
            self._wire.check()

    def _finish(self, place: Place) -> None:
        """Read the end of a COPY: an error in a late row arrives here."""
        for _ in self._wire.answers(place):
            pass

    def _abandon(self) -> None:
        """Enough rows: have the server stop, and give the connection up rather than read the rest."""
        self._wire.cancel()
        self._wire.close()

    def _fetch(self, item: Statement, wanted: int, blocks: _Blocks) -> int:
        sql = f"FETCH {wanted} FROM portal_rows".encode()
        fetched = 0
        for result in self._results(item, lambda pgconn: pgconn.send_query_params(sql, None)):
            fetched += result.ntuples
            self._gather(result, blocks)
        return fetched

    def _gather(self, result: PGresult, blocks: _Blocks) -> None:
        width = range(result.nfields)
        value = result.get_value
        for row in range(result.ntuples):
            if blocks.budget.truncated or not blocks.add(encode_copy_row([value(row, i) for i in width])):
                return

    def _results(self, item: Statement, send: Callable[[PGconn], None]) -> Iterator[PGresult]:
        return results(self._wire, send, Place(self.text, item.offset))

    def _expect(self, result: PGresult, status: pq.ExecStatus) -> None:
        if result.status != status:
            self._wire.close()
            message = "The server answered this read in a way a read is never answered."
            raise Refused(message)


def bind(parameters: Sequence[Parameter]) -> list[bytes | None]:
    """Parameters as text: of unknown type, so that the server gives each the type its place asks for, unless a
    statement tells its `types`."""
    try:
        return [_text(value) for value in parameters]
    except UnicodeEncodeError:
        message = "A parameter holds half of a surrogate pair, which is not text."
        raise Refused(message) from None


def _text(value: Parameter) -> bytes | None:
    if value is None or (isinstance(value, NamedParameter) and value.value is None):
        return None
    if isinstance(value, bool):
        return b"true" if value else b"false"
    text = (_written(value) if isinstance(value, NamedParameter) else str(value)).encode()
    if b"\0" in text:
        # The protocol would end the text there.
        raise Refused("A parameter holds a NUL character, which PostgreSQL has no text for.")
    return text


def _written(value: NamedParameter) -> str:
    if value.type is not ParameterType.LIST:
        return value.texts[0]
    quoted = (text.replace("\\", "\\\\").replace('"', '\\"') for text in value.texts)
    return "{" + ",".join(f'"{text}"' for text in quoted) + "}"


def results(wire: Wire, send: Callable[[PGconn], None], place: Place) -> Iterator[PGresult]:
    """Send one statement; its results in pieces, so that memory does not grow with them. COPY closes the connection."""

    for result in wire.results(lambda: send(wire.pgconn), place, pieces=_CHUNK_ROWS):
        if result.status in _COPIES:
            wire.close()
            message = "COPY is not allowed."
            raise Refused(message)
        yield result


def affected_rows(last: PGresult | None) -> int | None:
    """How many rows the command tag in `last` counts as changed; None for a statement that changes none."""
    if last is None or (last.command_status or b"").split(b" ")[0] not in _CHANGING:
        return None
    return last.command_tuples or 0
