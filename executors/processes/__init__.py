"""Running on targets from a web worker: a few functions in front of a pool of helper processes.

Importing this is cheap: no driver, no process. Helpers start with the first call in each process.
"""

from __future__ import annotations

import atexit
import os
import threading
from typing import Final, cast

from executors.base import (
    Activity,
    CommitStatus,
    Control,
    End,
    ExecutionError,
    Job,
    Outcome,
    RehearsalOutcome,
    RowSink,
    Table,
    Target,
)
from executors.processes import scripts
from executors.processes.messages import to_activity, to_tables
from executors.processes.pool import Pool

# A person waits for the page that shows it.
ACTIVITY_SECONDS: Final = 2.0

_pools: dict[int, Pool] = {}
_lock = threading.Lock()


def run(job: Job, sink: RowSink, control: Control) -> Outcome:
    """Run `job` in a helper process. `sink` and `control` are called on this thread. Raises `ExecutionError`."""
    return cast("Outcome", _run(job, sink, control))


def rehearse(job: Job, sink: RowSink, control: Control) -> RehearsalOutcome:
    """Run a job whose purpose is `Rehearsing`, and roll it back whatever happens. Raises `ExecutionError`."""
    return cast("RehearsalOutcome", _run(job, sink, control))


def _run(job: Job, sink: RowSink, control: Control) -> End:
    with _pool().helper(job.target) as helper, scripts.child_for(job) as child:
        return helper.run(job, sink, control, child)


def warm_up() -> None:
    """Start a helper and the sandbox ahead of the first execution of this process; returns when they are there."""
    _pool().start_ahead()
    scripts.probe()


def introspect(target: Target) -> tuple[Table, ...]:
    """Tables and columns the target's credential may read."""
    with _pool().helper(target) as helper:
        return to_tables(helper.ask("introspect", target))


def commit_status(target: Target, transaction: str) -> CommitStatus:
    """What became of a transaction that `Control.committing` named."""
    with _pool().helper(target) as helper:
        return CommitStatus(helper.ask("commit_status", target, transaction=transaction))


def activity(target: Target, backend: str, name: str) -> Activity | None:
    """What the run of the query `name` does on its target now, as its own login may know it.

    Two seconds at most, and never a place that an execution waits for: None when the target is busy or silent, when
    nobody can tell, and when `backend` does not run that query (any more).
    """
    try:
        with _pool().helper(target, patience=0) as helper:
            return to_activity(helper.ask("activity", target, ACTIVITY_SECONDS, backend=backend, name=name))
    except ExecutionError:
        return None


def server_version(target: Target) -> str:
    """A name for people, such as `PostgreSQL 18.6`."""
    with _pool().helper(target) as helper:
        return str(helper.ask("server_version", target))


def close() -> None:
    """End the helpers of this process, and the sandbox of its scripts."""
    with _lock:
        pool = _pools.pop(os.getpid(), None)
    if pool:
        pool.close()
    scripts.close()


def _pool() -> Pool:
    """The pool of this process: a fork must not speak to its parent's helpers."""
    pid = os.getpid()
    pool = _pools.get(pid)
    if pool is None:
        with _lock:
            pool = _pools.setdefault(pid, Pool())
    return pool


def _after_fork() -> None:
    global _lock  # noqa: PLW0603  another thread of the parent may have held it
    _lock = threading.Lock()
    inherited = list(_pools.values())
    _pools.clear()
    for pool in inherited:
        pool.forget()


atexit.register(close)
os.register_at_fork(after_in_child=_after_fork)

__all__ = ["activity", "close", "commit_status", "introspect", "run", "server_version"]
