"""One statement outside a transaction, on a connection of its own that is closed afterwards.

Nothing takes it back, so it is named to the portal before it is sent, and whatever its end was, the catalogue is asked
what is there now: of a failed index, what was left behind; of one that went well, whether it is there and valid.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

from psycopg import pq
from psycopg.pq.abc import PGresult

from executors.base import (
    Access,
    Aftermath,
    Cancelled,
    CommitStatus,
    Control,
    ExecutionError,
    Interrupted,
    Job,
    OutcomeUnknown,
    Refused,
    Severity,
    StatementFailed,
    StatementResult,
    TimedOut,
    WriteOutcome,
)
from executors.postgresql import commits
from executors.postgresql.connections import Connections
from executors.postgresql.dependencies import Dependencies
from executors.postgresql.errors import Place, from_finding
from executors.postgresql.maintenance import evidence
from executors.postgresql.options import application_name, connection_key, own_settings
from executors.postgresql.reading.analysis import Reading, read
from executors.postgresql.reading.outside import Kind, kind_of
from executors.postgresql.reading.parse import Statement
from executors.postgresql.reading.rules import kind
from executors.postgresql.settings import apply
from executors.postgresql.wire import Watch, Wire

# A session that was told to stop may need a moment to be gone, and is asked about that long.
_ENDING_SECONDS: Final = 8.0
_PAUSE_SECONDS: Final = 0.25
_COMMIT_SECONDS: Final = 10.0
_SET: Final = b"SELECT pg_catalog.set_config($1, $2, false)"
_LOCK_NOT_AVAILABLE: Final = "55P03"
_SERVER_SAID: Final = ("sqlstate", "hint", "detail", "line", "column", "position", "constraint", "schema", "table")
# Of what a command tells on its way so many lines are kept.
_LINES_KEPT: Final = 2000


class _Unstopped:
    """Watches questions of our own, which are short and nobody stops."""

    def cancelled(self) -> bool:
        return False


class Maintenance:
    """One run: `run` is called once."""

    def __init__(self, connections: Connections, job: Job, control: Control) -> None:
        self._connections = connections
        self._job = job
        self._control = control
        self._key = connection_key(job.target, job.limits)
        self._watch = Watch(job.limits.seconds, control)
        self._named = ""

    def run(self) -> WriteOutcome:
        """Run the statement, and say what the catalogue says of it. Raises `ExecutionError`."""
        reading = _allowed(read(self._job.statement, self._job.parameters, Access.MAINTENANCE))
        (item,) = reading.statements
        with closing(self._connections.open(self._key, self._watch)) as wire:
            self._prepare(wire, reading)
            run = self._within if kind_of(item) is Kind.REFRESH else self._outside
            with _heard(wire, self._control):
                run(wire, item)
            settings = own_settings(wire.pgconn.parameter_status)
        return WriteOutcome(None, statements=(StatementResult(kind(item), None),), settings=settings)

    def _prepare(self, wire: Wire, reading: Reading) -> None:
        """Everything that is asked and set before the statement; nothing of it lasts longer than the connection."""
        for setting in (("application_name", application_name(self._job.id)), ("client_min_messages", "warning")):
            wire.ask(_SET, [part.encode() for part in setting])
        self._control.started(str(wire.pgconn.backend_pid))
        wire.simple(b"BEGIN READ ONLY")
        for item, facts in zip(reading.statements, reading.facts, strict=True):
            Dependencies(wire, Access.MAINTENANCE).check(item, facts, self._job.statement)
        wire.simple(b"ROLLBACK")
        apply(wire, reading.settings, self._job.target, self._job.limits, local=False)

    def _outside(self, wire: Wire, item: Statement) -> None:
        self._named = evidence.witness(wire, item)
        wire.check()
        self._control.committing(self._named)
        try:
            self._send(wire, item)
        except ExecutionError as error:
            raise self._told(wire, error) from None
        self._look(wire)

    def _within(self, wire: Wire, item: Statement) -> None:
        """In a transaction of its own, where that can be: then its end is that of the transaction."""
        wire.simple(b"BEGIN READ WRITE")
        self._send(wire, item)
        self._control.committing(commits.witness(wire))
        self._watch.extend(_COMMIT_SECONDS)
        commits.commit(wire)

    def _send(self, wire: Wire, item: Statement) -> None:
        """By the extended protocol, which takes exactly one statement."""
        place = Place(self._job.statement, item.offset)
        for _ in wire.results(lambda: wire.pgconn.send_query_params(item.text.encode(), None), place):
            pass

    def _look(self, wire: Wire) -> None:
        """Hold the server's word against its catalogue: it passes over what a login may not do with a warning."""
        wire.begin(Watch(_ENDING_SECONDS, _Unstopped()))
        try:
            found = evidence.left(wire, self._named)
        except ExecutionError:
            return
        if found.status in {CommitStatus.ABORTED, CommitStatus.PARTLY}:
            message = f"The server took the statement and did not do all of it. {found.said}"
            raise StatementFailed(message, detail=_repair(found))
        self._say(found)

    def _say(self, found: Aftermath) -> None:
        if found.said:
            self._control.logged("info", found.said)

    def _told(self, wire: Wire, error: ExecutionError) -> ExecutionError:
        """The error with what the catalogue says was left; `OutcomeUnknown` where that is to be asked later."""
        found = None if isinstance(error, Interrupted) else self._found(wire)
        if found is None:
            message = f"{_worded(error, self._job)} What it did until then is not known yet."
            return OutcomeUnknown(message)
        message = f"{_worded(error, self._job)} {found.said}".strip()
        kept = {name: value for name, value in error.detail.items() if name in _SERVER_SAID}
        return type(error)(message, detail={**kept, **_repair(found)})

    def _found(self, wire: Wire) -> Aftermath | None:
        by = time.monotonic() + _ENDING_SECONDS
        while True:
            try:
                if not wire.broken:
                    wire.begin(Watch(_ENDING_SECONDS, _Unstopped()))
                    return evidence.left(wire, self._named)
                with closing(self._connections.open(self._key, Watch(_ENDING_SECONDS, _Unstopped()))) as other:
                    found = evidence.aftermath(other, self._named)
            except StatementFailed:
                return Aftermath(CommitStatus.UNKNOWN)  # a server too old for the question
            except ExecutionError:
                found = Aftermath(CommitStatus.UNANSWERED)
            if found.status not in {CommitStatus.IN_PROGRESS, CommitStatus.UNANSWERED}:
                return found
            if time.monotonic() >= by:
                return None
            time.sleep(_PAUSE_SECONDS)


def _allowed(reading: Reading) -> Reading:
    for finding in reading.analysis.findings:
        if finding.severity is Severity.ERROR:
            raise from_finding(finding)
    if len(reading.statements) != 1:
        message = "Maintenance is exactly one statement."
        raise Refused(message)
    return reading


def _worded(error: ExecutionError, job: Job) -> str:
    """Without the words of a transaction: nothing is rolled back here."""
    if isinstance(error, Cancelled):
        return "It was stopped while it ran."
    if isinstance(error, TimedOut) and error.detail.get("sqlstate") != _LOCK_NOT_AVAILABLE:
        return f"It reached its time limit of {job.limits.seconds:g} s and was stopped."
    if isinstance(error, Interrupted):
        return "The connection to the database was lost while it ran."
    said = error.public_message
    return said if said.endswith((".", "!", "?")) else f"{said}."


def _repair(found: Aftermath) -> dict[str, str]:
    return {"repair": found.repair} if found.repair else {}


@contextmanager
def _heard(wire: Wire, control: Control) -> Iterator[None]:
    """What the server says while it works is kept as the lines of the run."""
    left = _LINES_KEPT

    def take(result: PGresult) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            level = (result.error_field(pq.DiagnosticField.SEVERITY_NONLOCALIZED) or b"info").decode().lower()
            said = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b""
            more = result.error_field(pq.DiagnosticField.MESSAGE_DETAIL) or b""
            control.logged(level, b"\n".join(filter(None, (said, more))).decode("utf-8", "replace"))

    before = wire.pgconn.notice_handler
    wire.pgconn.notice_handler = take
    try:
        yield
    finally:
        wire.pgconn.notice_handler = before
