"""One execution on one PostgreSQL connection: one transaction, guarded, bounded, and closed or clean afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace

from psycopg import pq
from psycopg.pq.abc import PGconn, PGresult

from executors.base import (
    Access,
    Control,
    Effect,
    ExecutionError,
    Images,
    Interrupted,
    Job,
    Parameter,
    Ran,
    Refused,
    Rehearsing,
    RowSink,
    Running,
    Severity,
)
from executors.postgresql import commits, errors, restored, streams, structure
from executors.postgresql.connections import Connections, describe_failure
from executors.postgresql.dependencies import Dependencies, text_array
from executors.postgresql.effect.capture import Asked
from executors.postgresql.effect.observer import TOLD_ROWS, Mark, Observer
from executors.postgresql.errors import Place
from executors.postgresql.options import application_name, connection_key, own_settings
from executors.postgresql.planning.asking import estimate
from executors.postgresql.progress import Progress
from executors.postgresql.reading.analysis import Reading, read
from executors.postgresql.reading.facts import Facts
from executors.postgresql.reading.parse import Statement
from executors.postgresql.reading.rules import kind
from executors.postgresql.reading.settings import Setting
from executors.postgresql.settings import apply
from executors.postgresql.wire import Watch, Wire

_BEGIN = {Access.READ: b"BEGIN READ ONLY", Access.WRITE: b"BEGIN READ WRITE"}
_COMMIT_SECONDS = 10.0
# A second connection only reads; what it must wait for is held by the first, which waits for it.
_LOOK_LOCK_SECONDS = 0.2
_STRUCTURE_SECONDS = 2.0
# Dates come out as year, month, day and times with their offset. How they are read stays the database's own: the order
# of day and month is kept when only the style is set, the zone is not touched.
_UNAMBIGUOUS = ", pg_catalog.set_config('DateStyle', 'ISO', true)"

# What a connection was opened with is what RESET goes back to.
_CHANGED_SETTINGS = b"""
SELECT pg_catalog.string_agg(s.name, ', ' ORDER BY s.name) FROM pg_catalog.pg_settings s
LEFT JOIN ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) AS ours (name, setting) USING (name)
WHERE s.setting IS DISTINCT FROM coalesce(ours.setting, s.reset_val) AND s.name IN (
  'statement_timeout', 'lock_timeout', 'transaction_timeout',
  'idle_in_transaction_session_timeout', 'search_path', 'role', 'session_authorization', 'session_replication_role',
  'row_security')
"""


_NOW = b"SELECT name, setting FROM pg_catalog.pg_settings WHERE pg_catalog.lower(name) = ANY ($1::text[])"


class PostgreSQLSession:
    """An open transaction held to a target's access, until `commit` or `close`."""

    def __init__(self, connections: Connections, job: Job, control: Control) -> None:
        if job.target.access not in _BEGIN:
            message = "Maintenance runs outside a transaction, and so on no session."
            raise Refused(message)
        self.target = job.target
        self._limits = job.limits
        self._control = control
        self._connections = connections
        self._key = connection_key(job.target, job.limits)
        self._watch = Watch(job.limits.seconds, control)
        self.settings: Mapping[str, str] = {}
        self._ours: dict[str, str] = {}
        self._wire = self._open(job.id)
        self._dependencies = Dependencies(self._wire, job.target.access)
        self._observer: Observer | None = None
        self._rehearses = isinstance(job.purpose, Rehearsing)
        self._all_or_nothing = job.purpose.all_or_nothing
        if job.target.access is Access.WRITE:
            keep = job.purpose.keep if isinstance(job.purpose, Running) else None
            asks = keep is not None or self._rehearses
            self._observer = Observer(self._wire, self._second, keep, asks=asks)
        try:
            control.started(str(self._wire.pgconn.backend_pid))
        except BaseException:
            self._wire.close()
            raise

    @property
    def transaction_status(self) -> pq.TransactionStatus:
        """INTRANS while statements succeed, INERROR once one failed: the server then refuses all that follow."""
        return pq.TransactionStatus(self._wire.pgconn.transaction_status)

    def execute(self, statement: str, parameters: Sequence[Parameter], sink: RowSink) -> list[Ran]:
        """Check and run a text: one statement for a read, one or more for a write. Rows go to `sink`."""
        reading = self.check(statement, parameters)
        self._set(reading.settings)
        stream = streams.Stream(self._wire, sink, self._limits, reading.text)
        progress = Progress(reading.text, reading.statements, self._control)
        done = []
        for item, facts in zip(reading.statements, reading.facts, strict=True):
            with progress.running(item):
                done.append(self._execute_one(item, facts, reading.values, stream))
        return done

    def check(self, statement: str, parameters: Sequence[Parameter]) -> Reading:
        """A text that the target's access allows, taken apart. Raises `Refused` or `StatementFailed`."""
        reading = read(statement, parameters, self.target.access, informing=False)
        for finding in reading.analysis.findings:
            if finding.severity is Severity.ERROR:
                raise errors.from_finding(finding)
        return reading

    def expect(self, item: Statement, facts: Facts, text: str) -> None:
        """A statement of `text` that `check` allowed comes next. Raises `Refused` for what the server finds in it."""
        self._dependencies.check(item, facts, text)
        if self._observer:
            self._observer.expect(item)

    def prepare(self, name: bytes, statement: Statement, place: Place) -> PGresult:
        """Have the server parse a statement that `check` allowed, to be sent by its `name` from then on.

        Returns its description.
        """
        return self._wire.prepare(name, statement.text.encode(), place, statement.types)

    def results(self, send: Callable[[PGconn], None], place: Place) -> Iterator[PGresult]:
        """Send a statement that `check` allowed; its results in pieces, so that dropping rows costs no memory.

        What is left of a failed statement's answer is read, so that the next one is not refused for it.
        """
        try:
            yield from streams.results(self._wire, send, place)
        except ExecutionError:
            self._wire.drain()
            raise

    def note(self, item: Statement, affected: int | None) -> None:
        """It ran, and says itself that it changed `affected` rows."""
        if self._observer:
            self._observer.ran(item, affected)

    def set_savepoint(self, name: str) -> Mark | None:
        """Set a savepoint that nothing of the author's can name; what a write had changed by then."""
        mark = self._observer.mark() if self._observer else None
        self._wire.simple(f"SAVEPOINT {name}".encode())
        return mark

    def release_savepoint(self, name: str) -> None:
        """Keep what was done since the savepoint."""
        self._wire.simple(f"RELEASE {name}".encode())

    def take_back(self, name: str, mark: Mark | None) -> None:
        """Go back to a savepoint, and forget what was told of it since."""
        self._wire.simple(f"ROLLBACK TO {name}; RELEASE {name}".encode())
        if self._observer and mark is not None:
            self._observer.took_back(mark)

    def effect(self, sample: int, seconds: float) -> Effect:
        """What this transaction has changed so far, as the server tells of it. A read has no effect."""
        return self._observer.effect(sample, seconds) if self._observer else Effect()

    def structure(self, tables: Sequence[str]) -> str:
        """How tables are built, as everybody else sees it: what this transaction altered of them is not there.

        As long as it is open nobody else can alter what it changed rows of.
        """
        with closing(self._second(_STRUCTURE_SECONDS)) as wire:
            return structure.digest(wire, tables)

    def images(self) -> Iterator[Images]:
        """Every row that `effect` found, whole."""
        return self._observer.images() if self._observer else iter(())

    def commit(self) -> None:
        """Ask the portal, then commit. Whatever happens the transaction is over and the connection closed."""
        if self.target.access is not Access.WRITE:
            message = "A read is never committed."
            raise Refused(message)
        self._wire.check()
        self._look_at_the_settings()
        self._control.committing(commits.witness(self._wire))
        self._watch.extend(_COMMIT_SECONDS)
        commits.commit(self._wire)

    def close(self, *, clean: bool) -> None:
        """Roll back, and keep the connection only after a read that ended as expected."""
        reusable = clean and self.target.access is Access.READ and not self._wire.broken
        if reusable and self._reset():
            self._connections.keep(self._key, self._wire)
        else:
            self._wire.close()

    def _execute_one(
        self, item: Statement, facts: Facts, parameters: Sequence[Parameter], stream: streams.Stream
    ) -> Ran:
        self.expect(item, facts, stream.text)
        values = streams.bind(parameters[: facts.parameters])
        if self._observer:
            return self._observed(item, values, stream, self._observer)
        described = stream.describe(item)
        if item.type == "SelectStmt":
            done = stream.cursor(item, values, described) if values else stream.copy(item, described)
        else:
            done = stream.execute(item, values, described)
        # A read has a result set even where it has no columns.
        return Ran(kind(item), done.rows, done.affected, done.truncated, returns_rows=True)

    def _observed(self, item: Statement, values: list[bytes | None], stream: streams.Stream, observer: Observer) -> Ran:
        """A statement of a write: with write access a SELECT, too, may call what writes."""
        asked = observer.ask(item)
        if asked and self._can_be_asked(item, asked, values, stream):
            affected = stream.execute_told(item, values, lambda result: observer.told(asked, result))
            observer.ran(item, affected)
            return Ran(kind(item), rows_affected=affected, writes=True)
        described = stream.describe(item)
        done = stream.execute(item, values, described)
        observer.ran(item, done.affected)
        # A row it returned refuses it anyway, and says more.
        if self._all_or_nothing and not done.rows:
            restored.check(self._wire, item, values)
        return Ran(kind(item), done.rows, done.affected, done.truncated, described.nfields > 0, writes=True)

    def _can_be_asked(self, item: Statement, asked: Asked, values: list[bytes | None], stream: streams.Stream) -> bool:
        """Whether the server takes the statement with a RETURNING of ours; without one it is told what is wrong.

        For a sample it is not worth it where so many rows would come that they are not looked at in the end.
        """
        try:
            if self._rehearses and estimate(self._wire, item, values) > TOLD_ROWS:
                return False
            stream.describe(item, asked.text)
        except ExecutionError:
            self._wire.check()
            return False
        return True

    def _second(self, seconds: float) -> Wire:
        """Another connection to the same database, to look at what is committed there."""
        key = replace(self._key, seconds=seconds, lock_seconds=_LOOK_LOCK_SECONDS)
        wire = self._connections.open(key, Watch(min(seconds, self._watch.remaining()), self._control))
        wire.simple(b"SELECT pg_catalog.set_config('DateStyle', 'ISO', false)")
        return wire

    def _open(self, name: str) -> Wire:
        """A connection with its transaction begun and pinned. A warm one that turns out dead is replaced, once."""
        wire = self._connections.reuse(self._key, self._watch)
        if wire is not None:
            try:
                return self._begin(wire, name)
            except Interrupted:
                wire.close()  # it died while idle; nothing of the author's was sent on it
        wire = self._connections.open(self._key, self._watch)
        try:
            return self._begin(wire, name)
        except Interrupted:
            wire.close()
            raise describe_failure(self.target) from None

    def _begin(self, wire: Wire, name: str) -> Wire:
        """Begin and take the first snapshot in one round trip: after it the server refuses to leave READ ONLY."""
        pin = f"; SELECT pg_catalog.set_config('application_name', '{application_name(name)}', true){_UNAMBIGUOUS}"
        wire.simple(_BEGIN[self.target.access] + pin.encode())
        self.settings = own_settings(wire.pgconn.parameter_status)
        return wire

    def _set(self, settings: Sequence[Setting]) -> None:
        """Set for this transaction what the text sets in front of its statements, never above the limits of the run."""
        apply(self._wire, settings, self.target, self._limits, local=True)
        if settings:
            names = [text_array([one.name for one in settings])]
            found = self._wire.ask(_NOW, names)
            rows = [[(found.get_value(row, at) or b"").decode() for at in (0, 1)] for row in range(found.ntuples)]
            self._ours = dict(rows)
            self.settings = own_settings(self._wire.pgconn.parameter_status)

    def _look_at_the_settings(self) -> None:
        """Commit nothing that ran under other settings than were reviewed: a function may have changed them unseen."""
        ours = [text_array(list(self._ours)), text_array(list(self._ours.values()))]
        changed = self._wire.ask(_CHANGED_SETTINGS, ours).get_value(0, 0)
        if changed:
            message = (
                f"Settings of the session were changed while it ran ({changed.decode()}), so nothing was committed."
            )
            raise Refused(message, detail={"hint": "A function or a trigger of the database did it; ask its owner."})

    def _reset(self) -> bool:
        try:
            self._wire.simple(b"ROLLBACK")
            if self._wire.pgconn.transaction_status != pq.TransactionStatus.IDLE:
                return False
            self._wire.send_ahead(b"DISCARD ALL")
        except ExecutionError:
            return False
        return True
