"""Running on targets from a web worker: a few functions in front of a pool of helper processes.

Importing this is cheap: no driver, no process. Helpers start with the first call in each process.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Sequence
from typing import Final, cast

from executors.base import (
    Access,
    Activity,
    Aftermath,
    Analysis,
    CommitStatus,
    ConnectionLimit,
    Control,
    End,
    EngineKind,
    Examined,
    ExecutionError,
    Job,
    Language,
    Outcome,
    Parameter,
    Plan,
    RehearsalOutcome,
    RowSink,
    Table,
    Target,
    Word,
)
from executors.processes import parsing, scripts
from executors.processes.messages import (
    from_parameters,
    to_activity,
    to_aftermath,
    to_examined,
    to_limit,
    to_plan,
    to_tables,
    to_word,
)
from executors.processes.pool import Pool
from executors.processes.readers import SHORT_CHARACTERS, Readers

# A person waits for the page that shows it.
ACTIVITY_SECONDS: Final = 2.0
COMMIT_STATUS_SECONDS: Final = 45.0
# What the engines take, and the start of a process.
WORD_SECONDS: Final = 3.0
LONG_WORD_SECONDS: Final = 10.0
BUSY_SECONDS: Final = 1.0
# The two seconds of the target, reaching it, and the start of a process on a busy machine.
PLAN_SECONDS: Final = 5.0
EXAMINED_SECONDS: Final = 25.0


class _Processes:
    """All that one web worker keeps running."""

    def __init__(self) -> None:
        self.helpers = Pool()
        self.readers = Readers()
        # Apart from those that run: a question waits for no execution, and takes no place of one.
        self.askers = Pool(at_once=2, most=4, kept=2)

    def close(self) -> None:
        self.helpers.close()
        self.readers.close()
        self.askers.close()

    def forget(self) -> None:
        self.helpers.forget()
        self.readers.forget()
        self.askers.forget()


_processes: dict[int, _Processes] = {}
_lock = threading.Lock()


def run(job: Job, sink: RowSink, control: Control) -> Outcome:
    """Run `job` in a helper process. `sink` and `control` are called on this thread. Raises `ExecutionError`."""
    return cast("Outcome", _run(job, sink, control))


def rehearse(job: Job, sink: RowSink, control: Control) -> RehearsalOutcome:
    """Run a job whose purpose is `Rehearsing`, and roll it back whatever happens. Raises `ExecutionError`."""
    return cast("RehearsalOutcome", _run(job, sink, control))


def _run(job: Job, sink: RowSink, control: Control) -> End:
    with _ours().helpers.helper(job.target) as helper, scripts.child_for(job) as child:
        return helper.run(job, sink, control, child)


def read(
    language: Language, engine: EngineKind, statement: str, parameters: Sequence[Parameter], access: Access
) -> Analysis:
    """What a (normalised) statement is and whether it may be submitted as `access`, read outside this process.

    Two seconds at most, ten for more than 100,000 characters; as much again for V8's word on a script. Never raises:
    what could not be read is an error found.
    """
    analysis = _ours().readers.read(language, engine, statement, parameters, access)
    return parsing.judged(statement, analysis) if language is Language.SCRIPT and analysis.valid else analysis


def check(
    target: Target,
    language: Language,
    statement: str,
    access: Access,
    analysis: Analysis,
    parameters: Sequence[Parameter] = (),
) -> Analysis:
    """`analysis`, what `read` told of a statement, with what `target` (and its read credential) says of the statement.

    The target has two seconds, eight for a long statement. Never raises: that it did not answer is noted.
    """
    if not analysis.valid:
        return analysis
    question = {
        "language": language,
        "statement": statement,
        "parameters": from_parameters(parameters),
        "tables": analysis.tables,
        "access": access,
    }
    seconds = LONG_WORD_SECONDS if len(statement) > SHORT_CHARACTERS else WORD_SECONDS
    try:
        with _ours().askers.helper(target, patience=BUSY_SECONDS) as asker:
            word = to_word(asker.ask("word", target, seconds, **question))
    except ExecutionError as error:
        word = Word.missing(error.public_message)
    return word.beside(analysis, language)


def plan(target: Target, language: Language, statement: str, parameters: Sequence[Parameter]) -> Plan:
    """How `target` (with the credential that would run it) would go about a statement that `read` found valid.

    Nothing is run, and no execution is waited for. The target has two seconds. Raises `ExecutionError`.
    """
    question = {"language": language, "statement": statement, "parameters": from_parameters(parameters)}
    with _ours().askers.helper(target, patience=BUSY_SECONDS) as asker:
        return to_plan(asker.ask("plan", target, PLAN_SECONDS, **question))


def structure(target: Target, tables: Sequence[str]) -> str:
    """How tables of these names are built now (`Structure.digest`), for `target` with the credential that rehearsed.

    No execution is waited for. The target has two seconds. Raises `ExecutionError`.
    """
    with _ours().askers.helper(target, patience=BUSY_SECONDS) as asker:
        return str(asker.ask("structure", target, PLAN_SECONDS, tables=list(tables)))


def warm_up() -> None:
    """Start a reader, a helper and the sandbox ahead of the first request of this process; returns with the sandbox."""
    _ours().readers.start_ahead()
    _ours().helpers.start_ahead()
    scripts.probe()


def introspect(target: Target) -> tuple[Table, ...]:
    """Tables and columns the target's credential may read."""
    with _ours().helpers.helper(target) as helper:
        return to_tables(helper.ask("introspect", target))


def commit_status(target: Target, transaction: str, *, seconds: float = COMMIT_STATUS_SECONDS) -> CommitStatus:
    """What became of a transaction that `Control.committing` named. Raises `ExecutionError` when nobody answered."""
    with _ours().helpers.helper(target) as helper:
        return CommitStatus(helper.ask("commit_status", target, seconds, transaction=transaction))


def aftermath(target: Target, transaction: str, *, seconds: float = COMMIT_STATUS_SECONDS) -> Aftermath:
    """What became of maintenance that `Control.committing` named. Raises `ExecutionError` when nobody answered."""
    with _ours().helpers.helper(target) as helper:
        return to_aftermath(helper.ask("aftermath", target, seconds, transaction=transaction))


def activity(target: Target, backend: str, name: str) -> Activity | None:
    """What the run of the query `name` does on its target now, as its own login may know it.

    Two seconds at most, and never a place that an execution waits for: None when the target is busy or silent, when
    nobody can tell, and when `backend` does not run that query (any more).
    """
    try:
        with _ours().helpers.helper(target, patience=0) as helper:
            return to_activity(helper.ask("activity", target, ACTIVITY_SECONDS, backend=backend, name=name))
    except ExecutionError:
        return None


def connection_limit(target: Target) -> ConnectionLimit | None:
    """How many connections the target's login may have at once; None where nothing limits a login."""
    with _ours().helpers.helper(target) as helper:
        return to_limit(helper.ask("connection_limit", target))


def examine(target: Target) -> Examined:
    """What is wrong with the target's login and its server. No execution is waited for. Raises `ExecutionError`."""
    with _ours().askers.helper(target, patience=BUSY_SECONDS) as asker:
        return to_examined(asker.ask("examine", target, EXAMINED_SECONDS))


def server_version(target: Target) -> str:
    """A name for people, such as `PostgreSQL 18.6`."""
    with _ours().helpers.helper(target) as helper:
        return str(helper.ask("server_version", target))


def close() -> None:
    """End the helpers and readers of this process, and the sandbox of its scripts."""
    with _lock:
        ours = _processes.pop(os.getpid(), None)
    if ours:
        ours.close()
    parsing.close()
    scripts.close()


def _ours() -> _Processes:
    """Those of this process: a fork must not speak to its parent's helpers."""
    pid = os.getpid()
    ours = _processes.get(pid)
    if ours is None:
        with _lock:
            ours = _processes.setdefault(pid, _Processes())
    return ours


def _after_fork() -> None:
    global _lock  # noqa: PLW0603  another thread of the parent may have held it
    _lock = threading.Lock()
    inherited = list(_processes.values())
    _processes.clear()
    parsing.forget()
    for processes in inherited:
        processes.forget()


atexit.register(close)
os.register_at_fork(after_in_child=_after_fork)

__all__ = [
    "activity",
    "aftermath",
    "check",
    "close",
    "commit_status",
    "connection_limit",
    "examine",
    "introspect",
    "read",
    "run",
    "server_version",
    "warm_up",
]
