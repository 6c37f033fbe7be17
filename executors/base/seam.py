"""The seam itself: what an engine, its sessions and a language's runner promise."""

from __future__ import annotations

from typing import Protocol

from executors.base.control import Control
from executors.base.holdings import Table
from executors.base.outcomes import CommitStatus, Outcome
from executors.base.rows import RowSink
from executors.base.statements import Job, Target
from executors.base.watching import Activity


class Session(Protocol):
    """One execution on one connection: one transaction, limits set on the server, and a deadline kept on our side."""

    def commit(self) -> None:
        """End the transaction, keeping its changes (write access only), after `Control.committing` allowed it."""

    def close(self, *, clean: bool) -> None:
        """Roll back whatever is open. The connection is reused only when `clean` and the run ended as expected."""


class Engine(Protocol):
    """A database product: opens sessions, lists what is there, answers for a lost transaction."""

    def introspect(self, target: Target) -> tuple[Table, ...]:
        """Tables and columns the target's credential may see."""

    def commit_status(self, target: Target, transaction: str) -> CommitStatus:
        """What became of a transaction that `Control.committing` named: only what the server can prove of that one."""

    def activity(self, target: Target, backend: str, name: str) -> Activity | None:
        """What the run of the query `name` does now; None when `backend` (as told to `Control.started`) is not it."""

    def server_version(self, target: Target) -> str:
        """A name for people, such as `PostgreSQL 18.6`."""


class Runner(Protocol):
    """Runs the statements of one language on an engine's session."""

    def run(self, job: Job, sink: RowSink, control: Control) -> Outcome:
        """Run `job`; rows go to `sink`. Raises `ExecutionError`."""
