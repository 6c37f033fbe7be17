"""One execution on a MongoDB target: its commands checked, in one transaction where they write."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from executors.base import (
    Access,
    Column,
    Control,
    Effect,
    Images,
    Job,
    Limits,
    Parameter,
    Ran,
    Refused,
    RowEncoding,
    RowSink,
    StatementFailed,
)
from executors.mongodb.clients import Connected
from executors.mongodb.plan import Plan, Stream, plan
from executors.mongodb.reading.command import Command
from executors.mongodb.runner import in_transaction, read_command, require_allowed, send
from executors.mongodb.turns import Turns
from executors.mongodb.wire import Wire

T = TypeVar("T")


class MongoDBSession:
    """An execution held to a target's access. The driver blocks: each step runs beside the thread that watches it."""

    def __init__(self, connected: Connected, job: Job, control: Control) -> None:
        self.target = job.target
        self._limits = job.limits
        self._control = control
        self._wire = Wire(connected, job.target, job.id, job.limits.seconds)
        self._announced = False
        try:
            control.started(self._wire.backend)
        except BaseException:
            self.close(clean=False)
            raise

    @property
    def settings(self) -> Mapping[str, str]:
        """None: MongoDB reads no text as a date."""
        return {}

    @property
    def transactional(self) -> bool:
        """Whether the deployment has transactions."""
        return self._wire.transactional

    def begin(self) -> None:
        """Open the transaction now, if the deployment has them: what is read belongs to it, too."""
        self.aside(self._wire.begin)

    def execute(self, statement: str, parameters: Sequence[Parameter], sink: RowSink) -> list[Ran]:
        """Check and run one mongosh expression; its documents go to `sink` as BSON."""
        if parameters:
            raise Refused("A MongoDB query takes no parameters.")
        command = read_command(statement)
        try:
            return [self.run_command(command, self.check(command), sink, self._limits)]
        except StatementFailed as failure:
            raise _placed(failure, command) from None

    def check(self, command: Command) -> Plan:
        """What is to be sent for a command that the target's access allows. Raises `Refused`."""
        require_allowed(command, self.target.access)
        return plan(command)

    def run_command(self, command: Command, prepared: Plan, sink: RowSink, limits: Limits) -> Ran:
        """Run a command that `check` allowed; its documents go to `sink`."""
        self._prepare_for(prepared)
        turns = Turns()
        handed = _Handed(sink, turns)
        return turns.run(
            lambda: send(self._wire, command.method, prepared, handed, limits), self._control, self._wire.cancel
        )

    def iterate(self, prepared: Stream) -> Generator[bytes, None, None]:
        """The batches of a cursor that `check` allowed, each to be taken `aside`."""
        self._prepare_for(prepared)
        seconds = prepared.milliseconds / 1000 if prepared.milliseconds else None
        return self._wire.stream(prepared, seconds=seconds, most=prepared.limit)

    def aside(self, work: Callable[[], T]) -> T:
        """Do what blocks on a thread of its own, while this one watches the control."""
        return Turns().run(work, self._control, self._wire.cancel)

    def effect(self, sample: int, seconds: float) -> Effect:  # noqa: ARG002 - nothing is looked at
        """Not counted."""
        return Effect(exact=False, counted=False)

    def images(self) -> Iterator[Images]:
        """None are kept."""
        return iter(())

    def commit(self) -> None:
        """Ask the portal, then commit. What is in no transaction was announced before it was sent, and lasts."""
        if self.target.access is not Access.WRITE:
            raise Refused("A read is never committed.")
        if transaction := self._wire.transaction:
            self._control.committing(transaction)
            self.aside(self._wire.commit)

    def close(self, *, clean: bool) -> None:  # noqa: ARG002 - the driver itself drops connections in doubt
        """Abort what is open and give the driver's session back."""
        self._wire.close()

    def _prepare_for(self, prepared: Plan) -> None:
        """Before a write: a transaction, or where there can be none the portal's leave, for it lasts at once."""
        if not prepared.writes:
            return
        if self.transactional and in_transaction(prepared):
            self._wire.begin()
        elif not self._announced:
            self._control.committing("")
            self._announced = True


def _placed(failure: StatementFailed, command: Command) -> StatementFailed:
    """The server's error with the place of the method: the server itself knows of none."""
    place = {"line": str(command.position.line), "column": str(command.position.column)}
    return StatementFailed(failure.public_message, detail={**place, **failure.detail})


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
