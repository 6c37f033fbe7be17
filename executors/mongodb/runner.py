"""Runs one command on a wire, and streams its documents within the limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from itertools import takewhile
from typing import Final

from executors.base import (
    Access,
    Column,
    Parameter,
    Ran,
    Refused,
    RowEncoding,
    RowSink,
    Severity,
    StatementFailed,
    TooLarge,
)
from executors.budget import Budget
from executors.mongodb import raw
from executors.mongodb.answers import decode
from executors.mongodb.effect import Watcher
from executors.mongodb.fields import Fields
from executors.mongodb.reading.analysis import analyse_command
from executors.mongodb.reading.command import Command
from executors.mongodb.reading.parse import parse
from executors.mongodb.reading.source import Unreadable
from executors.mongodb.sent import Body, Plan, Run, Stream, written_collection
from executors.mongodb.wire import Wire

# Blocks handed to the sink are cut at the first document that reaches this many bytes.
_BLOCK: Final = 160 * 1024
_NOTHING_KEPT: Final = (
    "Nothing was kept, although the write says ordered: false: the portal runs a write as one transaction, and mongosh "
    "would have kept the documents that did not fail."
)


class Bounded:
    """Passes whole documents on as far as the budget goes."""

    def __init__(self, sink: RowSink, budget: Budget) -> None:
        self._sink = sink
        self.budget = budget
        self._fields = Fields()
        self._announced: Sequence[Column] | None = None

    def feed(self, batch: bytes) -> bool:
        """Pass a batch of documents on. False when nothing more can be taken."""
        for block, count in raw.blocks(batch, _BLOCK):
            if not self.budget.admit_all(count, len(block)):
                self._cut(block)
                return False
            self._pass_on(block, count)
        return True

    def finish(self) -> None:
        """Announce the columns: of no rows, or all of them where a later document had more than the first."""
        columns = self._fields.columns
        if self._announced is None:
            self._sink.columns(columns, RowEncoding.BSON)
        elif columns != self._announced:
            self._sink.all_columns(columns)

    def _pass_on(self, block: bytes, count: int) -> None:
        self._fields.see(block)
        if self._announced is None:
            self._announced = self._fields.columns
            self._sink.columns(self._announced, RowEncoding.BSON)
        self._sink.rows(block, count)

    def _cut(self, block: bytes) -> None:
        """Pass on what still fits of a block that does not fit as a whole."""
        kept = list(takewhile(lambda document: self.budget.admit(len(document)), raw.documents(block)))
        if kept:
            self._pass_on(b"".join(kept), len(kept))


def read_command(statement: str, parameters: Sequence[Parameter] = ()) -> Command:
    """The command of a statement. Raises `Refused` when it cannot be read, or has not the parameters it names."""
    try:
        command = parse(statement, parameters=parameters)
    except Unreadable as unreadable:
        raise Refused(unreadable.finding.message) from None
    if command.wrong:
        raise Refused(command.wrong[0].message)
    return command


def require_allowed(command: Command, access: Access) -> None:
    """Raise `Refused` when a command may not run with `access`."""
    for finding in analyse_command(command, access).findings:
        if finding.severity is Severity.ERROR:
            raise Refused(finding.message)


def send(wire: Wire, method: str, prepared: Plan, sink: RowSink, budget: Budget, watcher: Watcher | None = None) -> Ran:
    """Send what was planned for a command that is allowed, and stream its rows. `watcher` is told of its writes.

    The time limit of the wire holds; the command's own `maxTimeMS` can only shorten it. Raises `ExecutionError`.
    """
    bounded = Bounded(sink, budget)
    seconds = prepared.milliseconds / 1000 if prepared.milliseconds else None
    if isinstance(prepared, Stream):
        _stream(wire, prepared, bounded, seconds)
        if prepared.writes:
            if watcher:
                watcher.uncounted(written_collection(prepared))
            return Ran(method, budget.rows, None, budget.truncated, writes=True, counted=False)
        affected = None
    else:
        affected = _answer(wire, prepared, bounded, seconds, watcher)
    bounded.finish()
    return Ran(method, budget.rows, affected, budget.truncated, returns_rows=True, writes=prepared.writes)


def _stream(wire: Wire, prepared: Stream, bounded: Bounded, seconds: float | None) -> None:
    one_more = bounded.budget.most_rows + 1  # to learn whether there are more
    batches = wire.stream(prepared, seconds=seconds, most=one_more)
    try:
        for batch in batches:
            if not bounded.feed(batch):
                break
    finally:
        batches.close()


def _answer(wire: Wire, prepared: Run, bounded: Bounded, seconds: float | None, watcher: Watcher | None) -> int | None:
    def reply(body: Body) -> bytes:
        return wire.command(body, writes=prepared.writes, comment=prepared.comment, seconds=seconds)

    watched = watcher if prepared.writes else None

    def run(body: Body) -> bytes:
        return watched.command(body, reply) if watched else reply(body)

    if prepared.unordered and not wire.in_transaction:
        replies = _each(prepared.bodies, run)
    else:
        try:
            replies = list(map(run, prepared.bodies))
        except StatementFailed as failure:
            raise _nothing_kept(failure) if prepared.unordered else failure from None
    answer = prepared.answer(replies)
    # What a write answers is cut rather than refused where the write lasts already.
    lasts = prepared.writes and not wire.in_transaction
    with suppress(TooLarge) if lasts else nullcontext():
        bounded.feed(b"".join(answer.rows))
    return (answer.affected or 0) if prepared.writes and answer.affected is not None else None


def _each(bodies: Sequence[Body], run: Callable[[Body], bytes]) -> list[bytes]:
    """The replies to commands of which each is run whatever became of those before it, as mongosh does it unordered."""
    replies, failures = list[bytes](), list[StatementFailed]()
    for body in bodies:
        try:
            replies.append(run(body))
        except StatementFailed as failure:
            failures.append(failure)
    if failures and replies:
        changed = sum(int(decode(reply).get("n", 0)) for reply in replies)
        raise StatementFailed(
            f"{failures[0].public_message} Its other commands changed {changed:,} documents, which stay.",
            detail=failures[0].detail,
        )
    if failures:
        raise failures[0]
    return replies


def _nothing_kept(failure: StatementFailed) -> StatementFailed:
    """The error of a write with `ordered: false`, of which mongosh would have kept the rest."""
    return StatementFailed(f"{failure.public_message} {_NOTHING_KEPT}", detail=failure.detail)


def in_transaction(prepared: Plan) -> bool:
    """Whether a plan writes, and in a way that a transaction can hold."""
    return prepared.writes and isinstance(prepared, Run) and prepared.transactional
