"""One script's conversation: what its child asks, logs and returns, answered and bounded until it has finished."""

from __future__ import annotations

import time
from typing import Any

from executors.base import (
    Answer,
    Call,
    Cancelled,
    Column,
    Control,
    ExecutionError,
    Interrupted,
    Limits,
    Refused,
    Request,
    RowEncoding,
    RowSink,
    ScriptDatabase,
    StatementFailed,
    TimedOut,
    TooLarge,
    Truncation,
)
from executors.base.scripting import bounded
from executors.budget import Budget
from executors.script.characters import storable, whole_characters
from executors.script.wire import MAX_DEPTH, Channel, ChildEnded, Message, ProtocolError, TooDeep, strict_json

MAX_CALLS = 10_000
MAX_LOG_BYTES = 1024 * 1024
MAX_LOG_LINES = 5001
MAX_COLUMNS = 1000
_LOG_LEVELS = frozenset({"debug", "info", "warn", "error"})
_MESSAGE = 8000
_FARTHEST = 1_000_000

# After these there is nothing left for the script to catch: its transaction or its time is gone.
_FINAL = (TimedOut, Cancelled, Interrupted, TooLarge)


class Conversation:
    """Drives one child from its first call to its value or its error."""

    def __init__(
        self, channel: Channel, database: ScriptDatabase, limits: Limits, sink: RowSink, control: Control
    ) -> None:
        self._channel = channel
        self._database = database
        self._sink = sink
        self._control = control
        self._failure: ExecutionError | None = None
        self._columns = -1
        self._budget = Budget.of(limits)
        self._logged_bytes = 0
        self._logged_lines = 0
        self.calls = 0

    @property
    def row_count(self) -> int:
        """Rows of the script's value that were kept."""
        return self._budget.rows

    def serve(self) -> Truncation:
        """Serve the child until its script has returned. Raises `ExecutionError` however else it ends."""
        try:
            while (message := self._channel.receive()).get("type") != "done":
                self._serve(message)
        except ChildEnded as error:
            raise StatementFailed(
                "The script's process ended before the script did: it used more memory or processor time than allowed."
            ) from error
        except ProtocolError as error:
            raise Refused(f"The script tampered with its channel to the portal ({error}) and was stopped.") from error
        return self._done(message)

    def _serve(self, message: Message) -> None:
        """What the child wants of us. Raises the exception the script did not catch."""
        match message.get("type"):
            case "call":
                self._call(message)
            case "log":
                self._log(message)
            case "columns":
                self._announce(message)
            case "rows":
                self._rows(message)
            case "returned":
                # Our word comes after everything that the script had left to do at once.
                self._channel.send({})
            case "error":
                raise self._error(message)
            case _:
                raise ProtocolError("an unknown kind of frame")

    # --- calls ---

    def _call(self, message: Message) -> None:
        """Run one call and answer it; the script sees a failure as an exception it may catch."""
        self.calls += 1
        if self.calls > MAX_CALLS:
            raise Refused(f"A script may make at most {MAX_CALLS:,} database calls.")
        payload = message.get("payload")
        if not isinstance(payload, dict) or not isinstance(message.get("operation"), str):
            raise ProtocolError("a call without a payload")
        request = self._database.describe(message["operation"], payload)
        started = time.monotonic()
        try:
            answer = self._database.call(request)
        except ExecutionError as error:
            self._record(request, _since(started), 0, error.public_message)
            self._answer_failure(error)
            return
        except BaseException:
            self._record(request, _since(started), 0, "The call did not end.")
            raise
        milliseconds = _since(started)
        try:
            # The script goes on while the call is written down.
            self._answer(answer)
        finally:
            self._record(request, milliseconds, answer.rows, "")

    def _answer(self, answer: Answer) -> None:
        self._channel.send({"value": answer.value})

    def _answer_failure(self, error: ExecutionError) -> None:
        if isinstance(error, _FINAL):
            raise error
        self._failure = error
        self._channel.send({"error": {"message": storable(error.public_message), **_fields(error)}})

    def _record(self, request: Request, milliseconds: float, rows: int, failure: str) -> None:
        self._control.called(
            Call(
                self.calls,
                storable(request.statement),
                storable(bounded(request.parameters)),
                rows,
                round(milliseconds, 3),
                storable(failure),
            )
        )

    # --- console ---

    def _log(self, message: Message) -> None:
        level, text = message.get("level"), message.get("text")
        if level not in _LOG_LEVELS or not isinstance(text, str):
            raise ProtocolError("a log line that is none")
        self._logged_lines += 1
        self._logged_bytes += len(text)
        if self._logged_lines <= MAX_LOG_LINES and self._logged_bytes <= MAX_LOG_BYTES:
            self._control.logged(str(level), storable(text))

    # --- the value ---

    def _announce(self, message: Message) -> None:
        pairs = message.get("columns")
        if self._columns >= 0 or not isinstance(pairs, list) or len(pairs) > MAX_COLUMNS:
            raise ProtocolError("columns that are none")
        if not all(isinstance(pair, list) and [type(part) for part in pair] == [str, str] for pair in pairs):
            raise ProtocolError("columns that are none")
        self._columns = len(pairs)
        self._sink.columns([Column(storable(name), storable(kind)) for name, kind in pairs], RowEncoding.JSON)

    def _rows(self, message: Message) -> None:
        """Take a block of rows: each line is a JSON array with one value a column."""
        lines = message.get("lines")
        if self._columns < 0 or not isinstance(lines, list) or not _texts(lines):
            raise ProtocolError("rows that are none")
        kept: list[bytes] = []
        for line in lines:
            encoded = _row(line, self._columns)
            if not self._budget.admit(len(encoded)):
                break
            kept.append(encoded)
        if kept:
            self._sink.rows(b"".join(kept), len(kept))

    def _done(self, message: Message) -> Truncation:
        """What cut the value short: our own count, or the child's, which sends no more than it may."""
        claimed = message.get("truncated")
        if not self._budget.truncated and claimed in {"rows", "bytes"}:
            self._budget.end_early(claimed)
        return self._budget.truncated

    # --- errors ---

    def _error(self, message: Message) -> ExecutionError:
        """The exception the script did not catch, with its place in the author's text."""
        name = storable(str(message.get("name", "Error")))[:200]
        text = storable(str(message.get("message", "")))[:_MESSAGE]
        place = _place(message)
        failure = self._failure
        if failure is not None and name == "DatabaseError" and text == storable(failure.public_message)[:_MESSAGE]:
            own = {
                f"statement_{key}" if key in {"line", "column"} else key: value for key, value in failure.detail.items()
            }
            return type(failure)(storable(failure.public_message), detail={**own, **place})
        return StatementFailed(": ".join(filter(None, (name, text))), detail=place)


# What of an error a script may ask for, and what it is called in the error's detail.
_FIELDS = {
    "detail": "detail",
    "hint": "hint",
    "constraint": "constraint",
    "schema": "schema",
    "table": "table",
    "column": "of_column",
    "position": "position",
    "codeName": "codeName",
    "keyPattern": "keyPattern",
    "keyValue": "keyValue",
}


def _fields(error: ExecutionError) -> dict[str, object]:
    """`code` is the SQLSTATE, or MongoDB's number, else the portal's word; the rest as the server named it."""
    detail = error.detail
    number = detail.get("code", "")
    code = int(number) if number.isdigit() else detail.get("sqlstate", error.code.value)
    return {"code": code, "fields": {name: storable(detail[key]) for name, key in _FIELDS.items() if key in detail}}


def _since(started: float) -> float:
    """Milliseconds."""
    return (time.monotonic() - started) * 1000


def _texts(values: list[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _row(line: str, columns: int) -> bytes:
    """One row, as one line of JSON that parses and has a value for each column."""
    try:
        # Only the shape matters here: no number is too long to be kept as it was written.
        values = strict_json(line, parse_int=float)
    except TooDeep as error:
        raise StatementFailed(f"The script returned a value nested more than {MAX_DEPTH} levels deep.") from error
    if not isinstance(values, list) or len(values) != columns or "\n" in line:
        raise ProtocolError("a row of another shape")
    try:
        return f"{whole_characters(line)}\n".encode()
    except UnicodeEncodeError as error:
        raise ProtocolError("text that is no text") from error


def _place(message: Message) -> dict[str, str]:
    """Line, column and stack of an error, as far as the child told them."""
    place: dict[str, str] = {}
    for name in ("line", "column"):
        value = message.get(name)
        if isinstance(value, int) and 0 < value < _FARTHEST:
            place[name] = str(value)
    stack = message.get("stack")
    if isinstance(stack, str) and stack:
        place["stack"] = storable(stack)[:4000]
    return place
