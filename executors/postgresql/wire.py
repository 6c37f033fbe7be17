"""One connection, spoken to without ever blocking past the deadline.

libpq is driven here on one thread: send, wait for the socket a moment at a time, look at the clock and at the cancel
flag, read. That makes the deadline hold without a second thread and a result cost no Python object a value.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Protocol

import psycopg
from psycopg import pq
from psycopg.pq.abc import PGresult

from executors.base import Cancelled, ExecutionError, TimedOut
from executors.postgresql import cancelling, errors
from executors.postgresql.errors import NOWHERE, Place

_TICK_SECONDS = 0.2
_WRITABLE = select.POLLIN | select.POLLOUT
# What is taken of a COPY before it is looked at: counting rows one by one costs more than reading them.
_GATHERED_BYTES = 128 * 1024
_GATHERED_ROWS = 1000

# The first libpq that asks to forget a prepared statement.
_CLOSES = 170000
# The first that gives rows in pieces.
_COUNTS = 170000
_FAILED = {pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE, pq.ExecStatus.PIPELINE_ABORTED}
_COPY = {pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH}


def _nothing() -> None:
    """Nothing to send: the answer is already on its way."""


class Stoppable(Protocol):
    """The part of a control that a watch asks."""

    def cancelled(self) -> bool:
        """Whether somebody asked to stop."""


class Watch:
    """The deadline of one execution and whether somebody asked to stop it."""

    def __init__(self, seconds: float, control: Stoppable) -> None:
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._control = control
        self._asked = 0.0

    def reason(self) -> ExecutionError | None:
        """Why the execution must stop now, if it must."""
        now = time.monotonic()
        if now >= self._deadline:
            return TimedOut(f"The request reached its time limit of {self._seconds:g} s and was rolled back.")
        if now - self._asked >= _TICK_SECONDS:
            self._asked = now
            if self._control.cancelled():
                return Cancelled("The request was cancelled and rolled back.")
        return None

    def remaining(self) -> float:
        """Seconds until the deadline, never negative."""
        return max(0.0, self._deadline - time.monotonic())

    def extend(self, seconds: float) -> None:
        """Give at least `seconds` more: a COMMIT under way must not be taken for a slow statement."""
        self._deadline = max(self._deadline, time.monotonic() + seconds)


class Wire:
    """A connection and the watch of the execution that uses it now."""

    def __init__(self, connection: psycopg.Connection[object]) -> None:
        self.connection = connection
        self.pgconn = connection.pgconn
        self.pgconn.nonblocking = 1
        self._poll = select.poll()
        self._poll.register(self.pgconn.socket, select.POLLIN)
        self._watch: Watch | None = None
        self._stopping: ExecutionError | None = None
        self._stop_by = 0.0

    def begin(self, watch: Watch) -> None:
        """Start an execution under `watch`."""
        self._watch = watch
        self._stopping = None

    @property
    def broken(self) -> bool:
        """Whether the connection is gone."""
        return self.pgconn.status != pq.ConnStatus.OK

    def close(self) -> None:
        """Close the socket; the server rolls back."""
        with suppress(psycopg.Error):
            self.connection.close()

    def call(self, send: Callable[[], None]) -> PGresult:
        """Send, and return the last result. Raises the mapped `ExecutionError` of a failed one."""
        last: PGresult | None = None
        for result in self.results(send):
            last = result
        if last is None:
            raise errors.lost()
        return last

    def ask(self, sql: bytes, values: Sequence[bytes]) -> PGresult:
        """Run our own words with these values, as text."""
        return self.call(lambda: self.pgconn.send_query_params(sql, list(values)))

    def simple(self, command: bytes) -> PGresult:
        """Run our own words (never the author's)."""
        return self.call(lambda: self.pgconn.send_query(command))

    def results(self, send: Callable[[], None], place: Place = NOWHERE, *, pieces: int = 0) -> Iterator[PGresult]:
        """Send, then yield each result as it arrives, `pieces` rows at most. The first failed one raises.

        By then the rest of its answer was read: else the next command, a ROLLBACK TO, would be refused for it.
        """
        try:
            send()
            if pieces:
                self._in_pieces(pieces)
            self._flush()
            while (result := self._next()) is not None:
                if result.status in _FAILED:
                    failure = self._stopping or errors.from_result(result, place)
                    while not self.broken and self._next() is not None:
                        pass
                    raise failure
                yield result
                if result.status in _COPY:
                    return
        except psycopg.Error as error:
            raise self._driver_error(error) from None
        except MemoryError:
            self.close()
            raise errors.too_large() from None

    def _in_pieces(self, rows: int) -> None:
        """Have the result under way come so many rows at a time, or one where libpq cannot count."""
        if pq.version() >= _COUNTS:
            self.pgconn.set_chunked_rows_mode(rows)
        else:
            self.pgconn.set_single_row_mode()

    def answers(self, place: Place = NOWHERE) -> Iterator[PGresult]:
        """The results still on their way."""
        return self.results(_nothing, place)

    def drain(self) -> None:
        """Read what is left of a failed statement's answer, so that the next is not refused for it."""
        if not self.broken:
            with suppress(ExecutionError):
                for _ in self.answers():
                    pass

    def prepare(
        self,
        name: bytes,
        sql: bytes,
        place: Place = NOWHERE,
        types: Sequence[int] = (),
        *,
        closing: bytes = b"",
        aside: bool = False,
    ) -> PGresult:
        """Have the server parse one statement and describe it, in one round trip. Returns the description.

        `types` are those of its parameters, as the server's oids; it decides where one is 0 or none is given. `closing`
        is a prepared statement that is not needed any more. What is asked `aside` may fail: the transaction goes on.
        """
        pgconn = self.pgconn
        pgconn.enter_pipeline_mode()
        try:
            if closing and pq.version() >= _CLOSES:
                pgconn.send_close_prepared(closing)
            if aside:
                pgconn.send_query_params(b"SAVEPOINT portal_ask", None)
            pgconn.send_prepare(name, sql, types or None)
            pgconn.send_describe_prepared(name)
            pgconn.pipeline_sync()
            if aside:
                # What was prepared stays: it is no part of the transaction.
                pgconn.send_query_params(b"ROLLBACK TO portal_ask", None)
                pgconn.send_query_params(b"RELEASE portal_ask", None)
                pgconn.pipeline_sync()
            self._flush()
            answers = self._until_synced()
            if aside:
                self._until_synced()
            pgconn.exit_pipeline_mode()
        except psycopg.Error as error:
            raise self._driver_error(error) from None
        except MemoryError:
            self.close()
            raise errors.too_large() from None
        for result in answers:
            if result.status == pq.ExecStatus.FATAL_ERROR:
                raise self._stopping or errors.from_result(result, place)
        return answers[-2]

    def _until_synced(self) -> list[PGresult]:
        """What is answered up to the next mark of a pipeline, and the mark."""
        answers: list[PGresult] = []
        while not answers or answers[-1].status != pq.ExecStatus.PIPELINE_SYNC:
            if result := self._next():
                answers.append(result)
            elif self.broken:
                raise self._stopping or errors.lost()
        return answers

    def parse_each(self, statements: Sequence[tuple[bytes, Sequence[int], Place]]) -> list[ExecutionError | None]:
        """Have the server parse each statement by itself and keep none, in one round trip: what is wrong with each.

        Outside a transaction: a failed one must not take the others with it.
        """
        pgconn = self.pgconn
        pgconn.enter_pipeline_mode()
        try:
            for sql, types, _ in statements:
                pgconn.send_prepare(b"", sql, types or None)
                pgconn.pipeline_sync()
            self._flush()
            found = [self._parsed(place) for _, _, place in statements]
            pgconn.exit_pipeline_mode()
        except psycopg.Error as error:
            raise self._driver_error(error) from None
        except MemoryError:
            self.close()
            raise errors.too_large() from None
        return found

    def _parsed(self, place: Place) -> ExecutionError | None:
        """The error of one statement, once its end was seen."""
        found: ExecutionError | None = None
        while True:
            result = self._next()
            if result is None:
                if self.broken:
                    raise self._stopping or errors.lost()
            elif result.status == pq.ExecStatus.PIPELINE_SYNC:
                return found
            elif result.status in _FAILED:
                if self._stopping:
                    raise self._stopping
                found = errors.from_result(result, place)

    def send_ahead(self, command: bytes) -> None:
        """Send our own words without waiting; `settle` reads the answer before the connection is used again."""
        try:
            self.pgconn.send_query(command)
            self._flush()
        except psycopg.Error as error:
            raise self._driver_error(error) from None

    def settle(self) -> bool:
        """Whether what was sent ahead succeeded and left the session idle."""
        try:
            for _ in self.answers():
                pass
        except ExecutionError:
            return False
        return self.pgconn.transaction_status == pq.TransactionStatus.IDLE

    def copy_rows(self) -> Iterator[list[memoryview]]:
        """The rows of a COPY TO STDOUT under way, each a line of COPY text, some thousand or some 100 kB at a time."""
        get = self.pgconn.get_copy_data
        lines: list[memoryview] = []
        gathered = 0
        try:
            while True:
                size, data = get(1)
                if size > 0:
                    lines.append(data)
                    gathered += size
                    if gathered >= _GATHERED_BYTES or len(lines) >= _GATHERED_ROWS:
                        yield lines
                        lines, gathered = [], 0
                elif size == 0:
                    self._wait(select.POLLIN)
                    self.pgconn.consume_input()
                else:
                    break
            if lines:
                yield lines
        except psycopg.Error as error:
            raise self._driver_error(error) from None
        except MemoryError:
            self.close()
            raise errors.too_large() from None

    def check(self) -> None:
        """Raise if the execution must stop: for loops that seldom wait."""
        reason = self._stopping or (self._watch.reason() if self._watch else None)
        if reason:
            self._stop(reason)
            raise reason

    def cancel(self) -> None:
        """Ask the server to stop what runs on this connection."""
        cancelling.ask(self.connection)

    def _next(self) -> PGresult | None:
        while self.pgconn.is_busy():
            self._wait(select.POLLIN)
            self.pgconn.consume_input()
        return self.pgconn.get_result()

    def _flush(self) -> None:
        while self.pgconn.flush():
            if self._wait(_WRITABLE) & select.POLLIN:
                self.pgconn.consume_input()

    def _wait(self, events: int) -> int:
        if events != select.POLLIN:
            self._poll.modify(self.pgconn.socket, events)
        try:
            while True:
                if ready := self._poll.poll(self._patience()):
                    return ready[0][1]
                self._look_at_the_clock()
        finally:
            if events != select.POLLIN:
                self._poll.modify(self.pgconn.socket, select.POLLIN)

    def _patience(self) -> float:
        """Milliseconds to wait before looking at the clock again."""
        if self._watch is None or self._stopping:
            return _TICK_SECONDS * 250
        return min(_TICK_SECONDS, self._watch.remaining()) * 1000 + 1

    def _look_at_the_clock(self) -> None:
        if self._stopping:
            if time.monotonic() >= self._stop_by:
                self.close()
                raise self._stopping
        elif self._watch and (reason := self._watch.reason()):
            self._stop(reason)

    def _stop(self, reason: ExecutionError) -> None:
        if not self._stopping:
            self._stopping = reason
            self._stop_by = time.monotonic() + cancelling.GRACE_SECONDS
            self.cancel()

    def _driver_error(self, error: psycopg.Error) -> ExecutionError:
        said = str(error)
        self.close()
        return self._stopping or (errors.too_large() if "memory" in said else errors.lost())
