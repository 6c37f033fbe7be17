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
    Parameter,
    Ran,
    Refused,
    Rehearsing,
    RowEncoding,
    RowSink,
    Running,
    StatementFailed,
)
from executors.base.parameters import named
from executors.budget import Budget
from executors.mongodb.clients import Connected
from executors.mongodb.effect import Watcher
from executors.mongodb.plan import plan
from executors.mongodb.reading.command import Command
from executors.mongodb.reading.methods import PUT_BACK
from executors.mongodb.runner import in_transaction, read_command, require_allowed, send
from executors.mongodb.sent import Plan, Stream
from executors.mongodb.turns import Turns
from executors.mongodb.undo import parts
from executors.mongodb.undo.putting import put_back
from executors.mongodb.wire import Wire

T = TypeVar("T")


class MongoDBSession:
    """An execution held to a target's access. The driver blocks: each step runs beside the thread that watches it."""

    def __init__(self, connected: Connected, job: Job, control: Control) -> None:
        self.target = job.target
        self._database = connected.database.name
        self._limits = job.limits
        self._control = control
        self._wire = Wire(connected, job.target, job.id, job.limits.seconds)
        self._announced = False
        self._purpose = job.purpose
        self._watcher: Watcher | None = None
        if job.target.access is Access.WRITE:
            running = job.purpose if isinstance(job.purpose, Running) else Running()
            self._watcher = Watcher(self._wire, running.keep, running.bound)
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
        command = read_command(statement, parameters)
        if command.database not in {"", self._database}:
            raise Refused(f"This target is the database {self._database}, not {command.database[:60]}.")
        if command.method == PUT_BACK:
            return [self._put_back(command, parameters)]
        if len(named(parameters)) < len(parameters):
            raise Refused("A MongoDB query takes parameters by name.")
        try:
            return [self.run_command(command, self.check(command), sink, Budget.of(self._limits))]
        except StatementFailed as failure:
            raise _placed(failure, command) from None

    def _put_back(self, command: Command, parameters: Sequence[Parameter]) -> Ran:
        require_allowed(command, self.target.access)
        named = [part["collection"] for part in command.args[0]]
        if len(named) != len(parameters) or self._watcher is None:
            raise Refused(f"The statement uses {len(named)} parameter(s), {len(parameters)} given.")
        if not self.transactional:
            raise Refused("This server has no transactions, so nothing can be put back all or nothing.")
        watcher, carried = self._watcher, parts.read(named, parameters)
        self.begin()
        count = self.aside(lambda: put_back(self._wire, watcher, carried))
        return Ran(command.method, 0, count, writes=True)

    def check(self, command: Command) -> Plan:
        """What is to be sent for a command that the target's access allows. Raises `Refused`."""
        require_allowed(command, self.target.access)
        return plan(command)

    def run_command(self, command: Command, prepared: Plan, sink: RowSink, budget: Budget) -> Ran:
        """Run a command that `check` allowed; its documents go to `sink`."""
        self._prepare_for(prepared)
        turns = Turns()
        handed = _Handed(sink, turns)
        return turns.beside(
            lambda: send(self._wire, command.method, prepared, handed, budget, self._watcher),
            self._control,
            self._wire.cancel,
        )

    def iterate(self, prepared: Stream) -> Generator[bytes, None, None]:
        """The batches of a cursor that `check` allowed, each to be taken `aside`."""
        self._prepare_for(prepared)
        seconds = prepared.milliseconds / 1000 if prepared.milliseconds else None
        return self._wire.stream(prepared, seconds=seconds, most=prepared.limit)

    def aside(self, work: Callable[[], T]) -> T:
        """Do what blocks on a thread of its own, while this one watches the control."""
        return Turns().beside(work, self._control, self._wire.cancel)

    def effect(self, sample: int, seconds: float) -> Effect:  # noqa: ARG002 - each write was looked at as it ran
        """What has changed so far."""
        return self._watcher.effect(sample) if self._watcher else Effect()

    def structure(self, tables: Sequence[str]) -> str:
        """How collections are built, as it is outside of the transaction, in which nothing of that can be changed."""
        return self._wire.structure(tables)

    def images(self) -> Iterator[Images]:
        """Every changed document, whole."""
        return self._watcher.images() if self._watcher else iter(())

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
            return
        self._require_lasting(prepared)
        if not self._announced:
            self._control.committing("")
            self._announced = True

    def _require_lasting(self, prepared: Plan) -> None:
        """Refuse what no transaction can take back where it would have to be."""
        if isinstance(self._purpose, Rehearsing):
            raise Refused("It cannot be rehearsed: it would last, for no transaction can hold it.")
        if self._purpose.bound is not None and isinstance(prepared, Stream):
            raise Refused("$out and $merge cannot be held to a number of documents; approve it without a bound.")


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
