"""Warm connections to targets, and the checks a new one must pass.

A helper process runs one execution at a time, so the queue and the worker threads of `psycopg_pool` would have nothing
to do here: what is needed is "the same connection again, if it was left clean". The number of sessions on a target is
bounded one level up, where all helpers are seen (`executors.processes.pool`).
"""

from __future__ import annotations

import time

import psycopg

from executors.base import Refused, Target, Unreachable
from executors.postgresql import errors
from executors.postgresql.options import NEW_SETTINGS, ConnectionKey, conninfo
from executors.postgresql.wire import Watch, Wire

_KEPT = 4
_IDLE_SECONDS = 300.0

# Everything the login may become, in one round trip. A member of a stronger role could turn itself into it.
_TOO_STRONG = b"""
SELECT string_agg(r.rolname, ', ' ORDER BY r.rolname) FROM pg_catalog.pg_roles r
WHERE pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER') AND (r.rolsuper OR r.rolreplication OR r.rolname IN
  ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program'))
"""


class Connections:
    """Connections left clean by earlier executions, at most one a key."""

    def __init__(self) -> None:
        self._idle: dict[ConnectionKey, tuple[Wire, float]] = {}
        # target URL → settings its server does not know.
        self._unknown: dict[str, frozenset[str]] = {}

    def reuse(self, key: ConnectionKey, watch: Watch) -> Wire | None:
        """A warm connection whose reset succeeded, no longer kept here."""
        self.expire()
        wire, _ = self._idle.pop(key, (None, 0.0))
        if wire is None:
            return None
        wire.begin(watch)
        if wire.settle():
            return wire
        wire.close()
        return None

    def keep(self, key: ConnectionKey, wire: Wire) -> None:
        """Keep a connection that was rolled back and asked to reset itself."""
        self._idle[key] = (wire, time.monotonic())
        while len(self._idle) > _KEPT:
            oldest = next(iter(self._idle))
            self._idle.pop(oldest)[0].close()

    def expire(self) -> None:
        """Close what has been idle for long."""
        too_old = time.monotonic() - _IDLE_SECONDS
        for key in [key for key, (_, used) in self._idle.items() if used < too_old]:
            self._idle.pop(key)[0].close()

    def close(self) -> None:
        """Close everything."""
        while self._idle:
            self._idle.popitem()[1][0].close()

    def open(self, key: ConnectionKey, watch: Watch) -> Wire:
        """A new connection. Raises `Unreachable`, or `Refused` when its role is too strong to be used here."""
        wire = self.open_unjudged(key, watch)
        try:
            self._check_role(wire, key.target)
        except BaseException:
            wire.close()
            raise
        return wire

    def open_unjudged(self, key: ConnectionKey, watch: Watch) -> Wire:
        """A new connection whose role nobody looked at, for whoever looks at that. Raises `Unreachable`."""
        wire = Wire(self._connect(key))
        wire.begin(watch)
        return wire

    def _connect(self, key: ConnectionKey) -> psycopg.Connection[object]:
        unknown = self._unknown.get(key.target.url, frozenset())
        while True:
            try:
                connection = psycopg.connect(conninfo(key, unknown), autocommit=True, prepare_threshold=None)
            except psycopg.OperationalError as error:
                named = {name for name in NEW_SETTINGS if name in str(error)} - unknown
                if not named:
                    raise errors.unreachable(key.target, error) from None
                unknown |= named
            except (psycopg.Error, ValueError) as error:
                raise errors.unreachable(key.target, error) from None
            else:
                self._unknown[key.target.url] = unknown
                return connection

    def _check_role(self, wire: Wire, target: Target) -> None:
        roles = wire.simple(_TOO_STRONG).get_value(0, 0)
        if roles is None:
            return
        message = (
            f"The {_credential(target)} of the target {target.key} is too strong: a superuser, a replication role or "
            f"one that may read or write the server's files is never used. Ask an administrator for a plain role."
        )
        raise Refused(message)


def _credential(target: Target) -> str:
    return f"{target.access} credential"


def describe_failure(target: Target) -> Unreachable:
    """A session that could be opened but not begun."""
    return Unreachable(f"The target {target.key} closed the connection before anything was sent. Try again.")
