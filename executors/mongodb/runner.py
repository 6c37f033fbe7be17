"""Runs one mongosh expression on a MongoDB session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from executors import registry
from executors.base import (
    Access,
    Column,
    Control,
    EngineKind,
    Job,
    Limits,
    Outcome,
    ReadOutcome,
    Refused,
    RowEncoding,
    RowSink,
    Severity,
    StatementFailed,
    StatementResult,
    Truncation,
    WriteOutcome,
)
from executors.mongodb import raw
from executors.mongodb.engine import MongoDBEngine
from executors.mongodb.fields import Fields
from executors.mongodb.plan import Plan, Run, Stream, plan
from executors.mongodb.reading.analysis import analyse_command
from executors.mongodb.reading.command import Command
from executors.mongodb.reading.parse import parse
from executors.mongodb.reading.source import Unreadable
from executors.mongodb.session import MongoSession
from executors.mongodb.turns import Turns

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


@dataclass(frozen=True, slots=True)
class Ran:
    """What one command did: documents returned, documents changed (None for a read), and whether rows were cut.

    `counted` is False when it changed documents and the server does not tell how many.
    """

    rows: int
    affected: int | None
    truncated: Truncation
    counted: bool = True


def read_command(statement: str, access: Access) -> Command:
    """The command of a statement that may run. Raises `Refused` otherwise: the last check before anything is sent."""
    try:
        command = parse(statement)
    except Unreadable as unreadable:
        raise Refused(unreadable.finding.message) from None
    require_allowed(command, access)
    return command


def require_allowed(command: Command, access: Access) -> None:
    """Raise `Refused` when a command may not run with `access`."""
    for finding in analyse_command(command, access).findings:
        if finding.severity is Severity.ERROR:
            raise Refused(finding.message)


def execute(session: MongoSession, command: Command, sink: RowSink, limits: Limits) -> Ran:
    """Run one allowed command on an open session and stream its rows. Scripts use it too, command by command.

    The time limit of the session holds; the command's own `maxTimeMS` can only shorten it. Raises `ExecutionError`.
    """
    prepared = plan(command)
    bounded = Bounded(sink, limits)
    seconds = prepared.milliseconds / 1000 if prepared.milliseconds else None
    if isinstance(prepared, Stream):
        _stream(session, prepared, bounded, seconds)
        if prepared.writes:
            return Ran(bounded.count, None, bounded.truncated, counted=False)
        affected = None
    else:
        affected = _answer(session, prepared, bounded, seconds)
    bounded.finish()
    return Ran(bounded.count, affected, bounded.truncated)


def _stream(session: MongoSession, prepared: Stream, bounded: Bounded, seconds: float | None) -> None:
    batches = session.stream(prepared, seconds=seconds, most=bounded.rows_to_ask_for)
    try:
        for batch in batches:
            if not bounded.feed(batch):
                break
    finally:
        batches.close()


def _answer(session: MongoSession, prepared: Run, bounded: Bounded, seconds: float | None) -> int | None:
    try:
        replies = [
            session.command(body, writes=prepared.writes, comment=prepared.comment, seconds=seconds)
            for body in prepared.bodies
        ]
    except StatementFailed as failure:
        raise _nothing_kept(failure) if prepared.unordered and session.in_transaction else failure from None
    answer = prepared.answer(replies)
    bounded.feed(b"".join(answer.rows))
    return (answer.affected or 0) if prepared.writes and answer.affected is not None else None


def _nothing_kept(failure: StatementFailed) -> StatementFailed:
    """The error of a write with `ordered: false`, of which mongosh would have kept the rest."""
    return StatementFailed(f"{failure.public_message} {_NOTHING_KEPT}", detail=failure.detail)


def in_transaction(prepared: Plan) -> bool:
    """Whether a plan writes, and in a way that a transaction can hold."""
    return prepared.writes and isinstance(prepared, Run) and prepared.transactional


def _placed(failure: StatementFailed, command: Command) -> StatementFailed:
    """The server's error with the place of the method: the server itself knows of none."""
    place = {"line": str(command.position.line), "column": str(command.position.column)}
    return StatementFailed(failure.public_message, detail={**place, **failure.detail})


class MongoRunner:
    """Runs the `mongo` language. `run` may be called from several threads; each run has a session of its own."""

    def run(self, job: Job, sink: RowSink, control: Control) -> Outcome:
        """Run `job`; its documents go to `sink` as BSON. Raises `ExecutionError`."""
        command = read_command(job.statement, job.target.access)
        engine = registry.engine(EngineKind.MONGODB)
        assert isinstance(engine, MongoDBEngine)
        session = engine.open(job)
        turns = Turns()
        execution = _Execution(session, command, _Handed(sink, turns), job.limits)
        clean = False
        try:
            control.started(session.backend)
            outcome = turns.run(
                lambda: execution.run(lambda number: turns.ask(lambda: control.committing(number))),
                control,
                session.cancel,
            )
            clean = True
        except StatementFailed as failure:
            raise _placed(failure, command) from None
        finally:
            session.close(clean=clean)
        return outcome


@dataclass(frozen=True, slots=True)
class _Handed:
    """A sink whose calls are made on the waiting thread."""

    sink: RowSink
    turns: Turns

    def columns(self, columns: Sequence[Column], encoding: RowEncoding) -> None:
        """Announce a result set."""
        self.turns.ask(lambda: self.sink.columns(columns, encoding))

    def all_columns(self, columns: Sequence[Column]) -> None:
        """Announce all columns of the result set."""
        self.turns.ask(lambda: self.sink.all_columns(columns))

    def rows(self, data: bytes, count: int) -> None:
        """Take a block of rows."""
        self.turns.ask(lambda: self.sink.rows(data, count))


@dataclass(frozen=True, slots=True)
class _Execution:
    """One command from its first byte to its commit."""

    session: MongoSession
    command: Command
    sink: RowSink
    limits: Limits

    def run(self, committing: Callable[[str], None]) -> Outcome:
        """Run the command; ask `committing` before anything of it can last."""
        prepared = plan(self.command)
        if not prepared.writes:
            ran = execute(self.session, self.command, self.sink, self.limits)
            return ReadOutcome(ran.rows, ran.truncated)
        transactional = in_transaction(prepared) and self.session.transactional
        if transactional:
            self.session.begin()
        else:
            committing("")
        ran = execute(self.session, self.command, self.sink, self.limits)
        if transactional:
            committing(self.session.transaction)
            self.session.commit()
        result = StatementResult(self.command.method, ran.affected)
        return WriteOutcome(ran.affected, ran.rows, ran.truncated, (result,), affected_known=ran.counted)
