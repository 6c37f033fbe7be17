"""Runs a script: a confined child evaluates it, this side runs its database calls in one transaction.

The child is hostile: it can ask for database calls, log and return a value, and each of the three is bounded here.
Whoever started the child kills it when `run` returns, and at the deadline.
"""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress

from executors.base import (
    Access,
    Cancelled,
    Control,
    Effect,
    End,
    Job,
    Rehearsing,
    RowSink,
    Running,
    ScriptDatabase,
    ScriptEngine,
    ScriptOutcome,
    TimedOut,
)
from executors.concluding import conclude, rehearsed
from executors.script import handover, modules
from executors.script.conversation import Conversation
from executors.script.wire import Channel, ChildEnded

_SECRET_BYTES = 16


class ScriptRunner:
    """`engine` has the database that the calls run on; `receive_child` gives the channel of a fresh child."""

    def __init__(self, engine: ScriptEngine, receive_child: Callable[[], int] = handover.receive) -> None:
        self._engine = engine
        self._receive_child = receive_child

    def run(self, job: Job, sink: RowSink, control: Control) -> End:
        """Run the script of `job`; its value becomes rows. Commits when it returns, else rolls everything back."""
        deadline = time.monotonic() + job.limits.seconds
        secret = secrets.token_hex(_SECRET_BYTES)
        child = socket.socket(fileno=self._receive_child())
        channel = Channel(child, secret.encode(), lambda: _watch(job, deadline, control))
        try:
            with suppress(ChildEnded):  # receiving will say so
                channel.send(_introduction(job, secret, self._engine))
            return self._converse(channel, job, sink, control)
        finally:
            channel.close()

    def _converse(self, channel: Channel, job: Job, sink: RowSink, control: Control) -> End:
        database = self._engine.open_for_script(job, control)
        clean = False
        try:
            conversation = Conversation(channel, database, job.limits, sink, control)
            truncated = conversation.serve()
            rehearsal = rehearsed(job.purpose, database) if isinstance(job.purpose, Rehearsing) else None
            effect = None if isinstance(job.purpose, Rehearsing) else _end(job, job.purpose, database, control)
            clean = True
        finally:
            database.close(clean=clean)
        if rehearsal is not None:
            return rehearsal
        return ScriptOutcome(
            conversation.row_count,
            database.rows_affected if database.affected_known else None,
            conversation.calls,
            truncated,
            database.affected_known,
            database.settings,
            effect,
        )


def _end(job: Job, purpose: Running, database: ScriptDatabase, control: Control) -> Effect | None:
    """End the script's transaction; what it changed, None for a read."""
    if job.target.access is Access.READ:
        database.commit()
        return None
    return conclude(purpose, database, control)


def _watch(job: Job, deadline: float, control: Control) -> None:
    """Asked ten times a second while the script computes."""
    if time.monotonic() >= deadline:
        raise TimedOut(f"The script ran longer than {job.limits.seconds:g} seconds.")
    if control.cancelled():
        raise Cancelled("The script was stopped.")


def _introduction(job: Job, secret: str, engine: ScriptEngine) -> dict[str, object]:
    """The first frame a child gets."""
    allowed = [name for name in modules.available() if name in job.target.script_modules]
    return {
        "secret": secret,
        "text": job.statement,
        "prelude": engine.prelude,
        "parameters": engine.script_parameters(job.parameters),
        "modules": modules.sources_for(job.statement, allowed),
        "allowed": dict.fromkeys(allowed, True),
        "limits": {"rows": job.limits.rows, "bytes": job.limits.bytes},
    }
