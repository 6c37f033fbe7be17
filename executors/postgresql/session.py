"""One execution on one PostgreSQL connection: one transaction, guarded, bounded, and closed or clean afterwards."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import pq

from executors.base import (
    Access,
    Control,
    ExecutionError,
    FindingCode,
    Interrupted,
    Limits,
    OutcomeUnknown,
    Parameter,
    Refused,
    RowSink,
    Severity,
    StatementFailed,
    Target,
    Truncation,
)
from executors.postgresql import commits, streams
from executors.postgresql.connections import Connections, describe_failure
from executors.postgresql.dependencies import Dependencies
from executors.postgresql.options import application_name, connection_key, own_settings
from executors.postgresql.reading.analysis import Reading, read
from executors.postgresql.reading.facts import Facts
from executors.postgresql.reading.parse import Statement
from executors.postgresql.reading.rules import kind
from executors.postgresql.wire import Watch, Wire

_BEGIN = {Access.READ: b"BEGIN READ ONLY", Access.WRITE: b"BEGIN READ WRITE"}
_COMMIT_SECONDS = 10.0
# Dates come out as year, month, day and times with their offset. How they are read stays the database's own: the order
# of day and month is kept when only the style is set, the zone is not touched.
_UNAMBIGUOUS = ", pg_catalog.set_config('DateStyle', 'ISO', true)"

# What a connection was opened with is what RESET goes back to.
_CHANGED_SETTINGS = b"""
SELECT pg_catalog.string_agg(name, ', ' ORDER BY name) FROM pg_catalog.pg_settings
WHERE setting IS DISTINCT FROM reset_val AND name IN ('statement_timeout', 'lock_timeout', 'transaction_timeout',
  'idle_in_transaction_session_timeout', 'search_path', 'role', 'session_authorization', 'session_replication_role',
  'row_security')
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """What one statement did."""

    kind: str
    row_count: int = 0
    rows_affected: int | None = None
    truncated: Truncation = ""
    returns_rows: bool = False


class PostgreSQLSession:
    """An open transaction held to a target's access. `run` may be called again and again until `commit` or `close`."""

    def __init__(self, connections: Connections, target: Target, limits: Limits, name: str, control: Control) -> None:
        self.target = target
        self.limits = limits
        self._control = control
        self._connections = connections
        self._key = connection_key(target, limits)
        self._watch = Watch(limits.seconds, control)
        self.settings: dict[str, str] = {}
        self.wire = self._open(name)
        self.dependencies = Dependencies(self.wire, target.access)
        self.backend = str(self.wire.pgconn.backend_pid)
        try:
            control.started(self.backend)
        except BaseException:
            self.wire.close()
            raise

    def run(
        self, statement: str, parameters: Sequence[Parameter], sink: RowSink, limits: Limits | None = None
    ) -> list[Ran]:
        """Check and run a text: one statement for a read, one or more for a write. Rows go to `sink`.

        The check is done here, beside the connection, so that no caller can leave it out.
        """
        reading = self._check(statement, parameters)
        stream = streams.Stream(self.wire, sink, limits or self.limits, statement)
        return [
            self._run_one(item, facts, parameters, stream)
            for item, facts in zip(reading.statements, reading.facts, strict=True)
        ]

    def commit(self) -> None:
        """Ask the portal, then commit. Whatever happens the transaction is over and the connection closed."""
        if self.target.access is not Access.WRITE:
            message = "A read is never committed."
            raise Refused(message)
        self.wire.check()
        self._look_at_the_settings()
        self._control.committing(commits.witness(self.wire))
        self._watch.extend(_COMMIT_SECONDS)
        self._commit()

    def close(self, *, clean: bool) -> None:
        """Roll back, and keep the connection only after a read that ended as expected."""
        reusable = clean and self.target.access is Access.READ and not self.wire.broken
        if reusable and self._reset():
            self._connections.give(self._key, self.wire)
        else:
            self.wire.close()

    def _check(self, statement: str, parameters: Sequence[Parameter]) -> Reading:
        reading = read(statement, parameters, self.target.access)
        for finding in reading.analysis.findings:
            if finding.severity is Severity.ERROR:
                place = {"line": str(finding.line), "column": str(finding.column)} if finding.line else {}
                error = StatementFailed if finding.code == FindingCode.SYNTAX_ERROR else Refused
                hint = {"hint": finding.hint} if finding.hint else {}
                raise error(finding.message, detail={**place, **hint})
        return reading

    def _run_one(self, item: Statement, facts: Facts, parameters: Sequence[Parameter], stream: streams.Stream) -> Ran:
        self.dependencies.check(item, facts, stream.text)
        kind_name, values = kind(item), streams.bind(parameters)
        described = stream.describe(item)
        if self.target.access is Access.READ and item.type == "SelectStmt":
            done = stream.cursor(item, values, described) if values else stream.copy(item, described)
        else:
            done = stream.execute(item, values, described)
        return Ran(kind_name, done.rows, done.affected, done.truncated, described.nfields > 0)

    def _open(self, name: str) -> Wire:
        """A connection with its transaction begun and pinned. A warm one that turns out dead is replaced, once."""
        wire = self._connections.take(self._key, self._watch)
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

    def _look_at_the_settings(self) -> None:
        """Commit nothing that ran under other settings than were reviewed: a function may have changed them unseen."""
        changed = self.wire.simple(_CHANGED_SETTINGS).get_value(0, 0)
        if changed:
            message = (
                f"Settings of the session were changed while it ran ({changed.decode()}), so nothing was committed."
            )
            raise Refused(message, detail={"hint": "A function or a trigger of the database did it; ask its owner."})

    def _commit(self) -> None:
        sent = time.monotonic()
        try:
            result = self.wire.simple(b"COMMIT")
        except StatementFailed:
            raise
        except ExecutionError as error:
            state = error.detail.get("sqlstate", "")
            if state and not state.startswith(("57P", "08")):
                raise
            waited = time.monotonic() - sent
            message = f"COMMIT was sent, and no answer came ({waited:.1f} s). The changes may or may not be there."
            raise OutcomeUnknown(message) from None
        if result.command_status != b"COMMIT":
            message = "The server rolled the transaction back instead of committing it."
            raise StatementFailed(message)

    def _reset(self) -> bool:
        try:
            self.wire.simple(b"ROLLBACK")
            if self.wire.pgconn.transaction_status != pq.TransactionStatus.IDLE:
                return False
            self.wire.send_ahead(b"DISCARD ALL")
        except ExecutionError:
            return False
        return True
