"""Runs one command on a wire, and streams its documents within the limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from executors.base import (
    Access,
    Column,
    Limits,
    Ran,
    Refused,
    RowEncoding,
    RowSink,
    Severity,
    StatementFailed,
    Truncation,
)
from executors.mongodb import raw
from executors.mongodb.fields import Fields
from executors.mongodb.plan import Plan, Run, Stream
from executors.mongodb.reading.analysis import analyse_command
from executors.mongodb.reading.command import Command
from executors.mongodb.reading.parse import parse
from executors.mongodb.reading.source import Unreadable
from executors.mongodb.wire import Wire

# Blocks handed to the sink are cut at the first document that reaches this many bytes.
_BLOCK: Final = 160 * 1024
_NOTHING_KEPT: Final = (
    "Nothing was kept, although the write says ordered: false: the portal runs a write as one transaction, and mongosh "
    "would have kept the documents that did not fail."
)


class Bounded:
    """Passes whole documents on until the row or the byte limit is reached, and says which one it was."""

    def __init__(self, sink: RowSink, limits: Limits) -> None:
        self._sink = sink
        self._limits = limits
        self._fields = Fields()
        self._announced: Sequence[Column] | None = None
        self.count = 0
        self._size = 0
        self.truncated: Truncation = ""

    def feed(self, batch: bytes) -> bool:
        """Take a batch of documents. False when nothing more can be taken."""
        for block, count in raw.blocks(batch, _BLOCK):
            fits = self.count + count <= self._limits.rows and self._size + len(block) <= self._limits.bytes
            self._pass_on(*((block, count) if fits else self._cut(block, count)))
            if not fits:
                return False
        return True

    def finish(self) -> None:
        """Announce the columns: of no rows, or all of them where a later document had more than the first."""
        columns = self._fields.columns
        if self._announced is None:
            self._sink.columns(columns, RowEncoding.BSON)
        elif columns != self._announced:
            self._sink.all_columns(columns)

    @property
    def rows_to_ask_for(self) -> int:
        """One more than may be kept, to learn whether there are more."""
        return self._limits.rows + 1

    def _cut(self, block: bytes, count: int) -> tuple[bytes, int]:
        rows = self._limits.rows - self.count
        kept, kept_count = raw.first_within(raw.first(block, min(rows, count)), self._limits.bytes - self._size)
        self.truncated = "bytes" if kept_count < min(rows, count) else "rows"
        return kept, kept_count

    def _pass_on(self, block: bytes, count: int) -> None:
        if count:
            self._fields.see(block)
            if self._announced is None:
                self._announced = self._fields.columns
                self._sink.columns(self._announced, RowEncoding.BSON)
            self._sink.rows(block, count)
            self.count += count
            self._size += len(block)


def read_command(statement: str) -> Command:
    """The command of a statement. Raises `Refused` when it cannot be read."""
    try:
        return parse(statement)
    except Unreadable as unreadable:
        raise Refused(unreadable.finding.message) from None


def require_allowed(command: Command, access: Access) -> None:
    """Raise `Refused` when a command may not run with `access`."""
    for finding in analyse_command(command, access).findings:
        if finding.severity is Severity.ERROR:
            raise Refused(finding.message)


def send(wire: Wire, method: str, prepared: Plan, sink: RowSink, limits: Limits) -> Ran:
    """Send what was planned for a command that is allowed, and stream its rows.

    The time limit of the wire holds; the command's own `maxTimeMS` can only shorten it. Raises `ExecutionError`.
    """
    bounded = Bounded(sink, limits)
    seconds = prepared.milliseconds / 1000 if prepared.milliseconds else None
    if isinstance(prepared, Stream):
        _stream(wire, prepared, bounded, seconds)
        if prepared.writes:
            return Ran(method, bounded.count, None, bounded.truncated, writes=True, counted=False)
        affected = None
    else:
        affected = _answer(wire, prepared, bounded, seconds)
    bounded.finish()
    return Ran(method, bounded.count, affected, bounded.truncated, returns_rows=True, writes=prepared.writes)


def _stream(wire: Wire, prepared: Stream, bounded: Bounded, seconds: float | None) -> None:
    batches = wire.stream(prepared, seconds=seconds, most=bounded.rows_to_ask_for)
    try:
        for batch in batches:
            if not bounded.feed(batch):
                break
    finally:
        batches.close()


def _answer(wire: Wire, prepared: Run, bounded: Bounded, seconds: float | None) -> int | None:
    try:
        replies = [
            wire.command(body, writes=prepared.writes, comment=prepared.comment, seconds=seconds)
            for body in prepared.bodies
        ]
    except StatementFailed as failure:
        raise _nothing_kept(failure) if prepared.unordered and wire.in_transaction else failure from None
    answer = prepared.answer(replies)
    bounded.feed(b"".join(answer.rows))
    return (answer.affected or 0) if prepared.writes and answer.affected is not None else None


def _nothing_kept(failure: StatementFailed) -> StatementFailed:
    """The error of a write with `ordered: false`, of which mongosh would have kept the rest."""
    return StatementFailed(f"{failure.public_message} {_NOTHING_KEPT}", detail=failure.detail)


def in_transaction(prepared: Plan) -> bool:
    """Whether a plan writes, and in a way that a transaction can hold."""
    return prepared.writes and isinstance(prepared, Run) and prepared.transactional
