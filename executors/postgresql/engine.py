"""PostgreSQL: opens sessions, lists what a credential can read, answers for a lost transaction."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from executors.base import (
    Access,
    Activity,
    Aftermath,
    Asked,
    CommitStatus,
    ConnectionLimit,
    Control,
    Examined,
    Interrupted,
    Job,
    Limits,
    Parameter,
    Plan,
    Table,
    Target,
    Told,
    WriteOutcome,
)
from executors.base.parameters import named, to_json
from executors.postgresql import activity, catalogue, commits, structure
from executors.postgresql.checking import Check
from executors.postgresql.connections import Connections
from executors.postgresql.examining import asking as examining
from executors.postgresql.maintenance import evidence
from executors.postgresql.maintenance.running import Maintenance
from executors.postgresql.options import ConnectionKey, connection_key
from executors.postgresql.planning.asking import Planner
from executors.postgresql.scripting import PostgreSQLScript
from executors.postgresql.session import PostgreSQLSession
from executors.postgresql.wire import Watch, Wire

_PRELUDE = Path(__file__).with_name("prelude.js")

_ASIDE = Limits(seconds=15, rows=1, bytes=1)

# For what somebody watches: gone before its answer would be late.
_GLANCE = Limits(seconds=1.5, rows=1, bytes=1, lock_seconds=1)

# For what somebody waits for while they type. A lock that another session holds is not waited for long.
_CHECK = Limits(seconds=2, rows=1, bytes=1, lock_seconds=1)
# For what somebody waits for while they review; planning takes a lock that only a change of the schema keeps from it.
_PLAN = Limits(seconds=2, rows=1, bytes=1, lock_seconds=0.5)
_LONG_CHECK_SECONDS = 8.0
_LONG_CHARACTERS = 100_000


_LIMIT = b"""
SELECT most, setting FROM (
    SELECT rolconnlimit, 'the CONNECTION LIMIT of the login ' || rolname FROM pg_catalog.pg_roles
        WHERE rolname = session_user AND rolconnlimit >= 0
    UNION ALL SELECT datconnlimit, 'the CONNECTION LIMIT of the database ' || datname FROM pg_catalog.pg_database
        WHERE datname = pg_catalog.current_database() AND datconnlimit >= 0
    UNION ALL SELECT pg_catalog.current_setting('max_connections')::int
        - pg_catalog.current_setting('superuser_reserved_connections')::int
        - coalesce(pg_catalog.current_setting('reserved_connections', true)::int, 0),
        'max_connections of the server, less what it reserves'
) AS limits (most, setting) ORDER BY most LIMIT 1
"""


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

    @cached_property
    def prelude(self) -> str:
        """The JavaScript that makes a script's `db`."""
        return _PRELUDE.read_text("utf-8")

    def script_parameters(self, parameters: Sequence[Parameter]) -> list[Any]:
        """As they are stored."""
        return list(map(to_json, named(parameters)))

    def open_for_script(self, job: Job, control: Control) -> PostgreSQLScript:
        """A session that a script's calls run on."""
        return PostgreSQLScript(self.open(job, control))

    def maintain(self, job: Job, control: Control) -> WriteOutcome:
        """Run a statement outside a transaction, on a connection of its own."""
        return Maintenance(self._connections, job, control).run()

    def aftermath(self, target: Target, transaction: str) -> Aftermath:
        """What the catalogue says of it; of what ran in a transaction of its own, what became of that."""
        with _Aside(self._connections, target) as wire:
            if evidence.is_witness(transaction):
                return evidence.aftermath(wire, transaction)
            return Aftermath(commits.status(wire, transaction))

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

    def check(self, target: Target, asked: Sequence[Asked], access: Access) -> list[Told]:
        """What the server says of each statement when it parses it, and of the names in those it only parses."""
        is_long = sum(len(item.text) for item in asked) > _LONG_CHARACTERS
        key = connection_key(target, _CHECK)
        watch = Watch(_LONG_CHECK_SECONDS if is_long else _CHECK.seconds, _Uncancelled())
        wire = self._connections.reuse(key, watch)
        if wire is not None:
            with suppress(Interrupted):  # it died while idle
                return self._check(key, wire, asked, access)
        return self._check(key, self._connections.open(key, watch), asked, access)

    def _check(self, key: ConnectionKey, wire: Wire, asked: Sequence[Asked], access: Access) -> list[Told]:
        try:
            answers = Check(wire, key.target, access).answers(asked)
        except BaseException:
            wire.close()
            raise
        if not wire.broken:
            self._connections.keep(key, wire)
        return answers

    def plan(self, target: Target, asked: Sequence[Asked]) -> list[Plan]:
        """EXPLAIN of each statement of each text, in a transaction that cannot write."""
        key = connection_key(target, _PLAN)
        watch = Watch(_PLAN.seconds, _Uncancelled())
        wire = self._connections.reuse(key, watch)
        if wire is not None:
            with suppress(Interrupted):  # it died while idle
                return self._plan(key, wire, asked)
        return self._plan(key, self._connections.open(key, watch), asked)

    def _plan(self, key: ConnectionKey, wire: Wire, asked: Sequence[Asked]) -> list[Plan]:
        """A connection with the write login is not kept, as after a write."""
        try:
            plans = Planner(wire, key.target.access).plans(asked)
            wire.simple(b"ROLLBACK")
            if key.target.access is not Access.READ:
                wire.close()
            else:
                wire.send_ahead(b"DISCARD ALL")
                self._connections.keep(key, wire)
        except BaseException:
            wire.close()
            raise
        return plans

    def structure(self, target: Target, tables: Sequence[str]) -> str:
        """A digest over the catalogue's rows of these tables."""
        with _Aside(self._connections, target, _PLAN) as wire:
            return structure.digest(wire, tables)

    def commit_status(self, target: Target, transaction: str) -> CommitStatus:
        """What the server says, as far as it can prove that it speaks of this transaction (`proof`)."""
        with _Aside(self._connections, target) as wire:
            return commits.status(wire, transaction)

    def activity(self, target: Target, backend: str, name: str) -> Activity | None:
        """What pg_stat_activity tells this login of the run, and who blocks it."""
        if not backend.isdecimal():
            return None
        with _Aside(self._connections, target, _GLANCE) as wire:
            return activity.of(wire, backend, name, target.access)

    def server_version(self, target: Target) -> str:
        """Such as `PostgreSQL 18.6`."""
        with _Aside(self._connections, target) as wire:
            said = wire.simple(b"SHOW server_version").get_value(0, 0) or b""
            return f"PostgreSQL {said.decode().split(' ')[0]}"

    def connection_limit(self, target: Target) -> ConnectionLimit:
        """The least of the login's, the database's and the server's own."""
        with _Aside(self._connections, target) as wire:
            found = wire.simple(_LIMIT)
            return ConnectionLimit(int(found.get_value(0, 0) or b"0"), (found.get_value(0, 1) or b"").decode())

    def examine(self, target: Target) -> Examined:
        """What its login may do, and how its server is set, held against what a run needs and what none should have."""
        key = connection_key(target, _ASIDE)
        with closing(self._connections.open_unjudged(key, Watch(_ASIDE.seconds, _Uncancelled()))) as wire:
            return examining.examine(wire, key)


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
