"""PostgreSQL: opens sessions, lists what a credential can read, answers for a lost transaction."""

from __future__ import annotations

from pathlib import Path

from executors.base import (
    Activity,
    CommitStatus,
    Control,
    Job,
    Limits,
    Table,
    Target,
)
from executors.postgresql import activity, catalogue, commits
from executors.postgresql.connections import Connections
from executors.postgresql.options import connection_key
from executors.postgresql.scripting import PostgreSQLScript
from executors.postgresql.session import PostgreSQLSession
from executors.postgresql.wire import Watch, Wire

_PRELUDE = Path(__file__).with_name("prelude.js")

_ASIDE = Limits(seconds=15, rows=1, bytes=1)

# For what somebody watches: gone before its answer would be late.
_GLANCE = Limits(seconds=1.5, rows=1, bytes=1, lock_seconds=1)


class _Uncancelled:
    """The control of our own short questions: nobody can stop them, and they tell nobody anything."""

    def cancelled(self) -> bool:
        return False


class PostgreSQLEngine:
    """The engine; keeps warm connections for the process it lives in."""

    def __init__(self) -> None:
        self._connections = Connections()

    def open(self, job: Job, control: Control) -> PostgreSQLSession:
        """A session for one execution; the query's public id shows in the server's activity and logs."""
        return PostgreSQLSession(self._connections, job, control)

    @property
    def prelude(self) -> str:
        """The JavaScript that makes a script's `db`."""
        return _PRELUDE.read_text("utf-8")

    def open_for_script(self, job: Job, control: Control) -> PostgreSQLScript:
        """A session that a script's calls run on."""
        return PostgreSQLScript(self.open(job, control))

    def expire(self) -> None:
        """Close connections that have been idle for long."""
        self._connections.expire()

    def close(self) -> None:
        """Close every idle connection."""
        self._connections.close()

    def introspect(self, target: Target) -> tuple[Table, ...]:
        """Tables and views the credential may SELECT from, search path first, system schemas left out."""
        with _Aside(self._connections, target) as wire:
            return catalogue.tables(wire, target)

    def commit_status(self, target: Target, transaction: str) -> CommitStatus:
        """What the server says, as far as it can prove that it speaks of this transaction (`proof`)."""
        with _Aside(self._connections, target) as wire:
            return commits.status(wire, transaction)

    def activity(self, target: Target, backend: str, name: str) -> Activity | None:
        """What pg_stat_activity tells this login of the run, and who blocks it."""
        if not backend.isdecimal():
            return None
        with _Aside(self._connections, target, _GLANCE) as wire:
            return activity.of(wire, backend, name)

    def server_version(self, target: Target) -> str:
        """Such as `PostgreSQL 18.6`."""
        with _Aside(self._connections, target) as wire:
            said = wire.simple(b"SHOW server_version").get_value(0, 0) or b""
            return f"PostgreSQL {said.decode().split(' ')[0]}"


class _Aside:
    """A short connection for our own questions, outside any execution."""

    def __init__(self, connections: Connections, target: Target, limits: Limits = _ASIDE) -> None:
        self._connections = connections
        self._seconds = limits.seconds
        self._key = connection_key(target, limits)

    def __enter__(self) -> Wire:
        self._wire = self._connections.open(self._key, Watch(self._seconds, _Uncancelled()))
        return self._wire

    def __exit__(self, *_: object) -> None:
        self._wire.close()
