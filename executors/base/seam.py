"""The seam itself: what an engine, its sessions and a language's runner promise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from executors.base.asking import Asked, Told
from executors.base.control import Control
from executors.base.effects import Effect, Images
from executors.base.findings import Analysis
from executors.base.flaws import Examined
from executors.base.holdings import Table
from executors.base.outcomes import Aftermath, CommitStatus, End, Ran, WriteOutcome
from executors.base.parameters import Parameter
from executors.base.planning import Plan
from executors.base.rows import RowSink
from executors.base.scripting import ScriptDatabase
from executors.base.statements import Access, EngineKind, Job, Target
from executors.base.watching import Activity, ConnectionLimit


class Session(Protocol):
    """One execution on one connection: one transaction, limits set on the server, and a deadline kept on our side.

    Every method is called on the thread that opened it, and raises `ExecutionError`.
    """

    @property
    def settings(self) -> Mapping[str, str]:
        """What the session holds that decides how text is read as a value: `time_zone`, `date_order` …"""

    def execute(self, statement: str, parameters: Sequence[Parameter], sink: RowSink) -> Sequence[Ran]:
        """Check a text against the target's access, then run it; rows go to `sink`. What each statement did, in order.

        The check belongs here, beside the connection, so that no caller can leave it out.
        """

    def effect(self, sample: int, seconds: float) -> Effect:
        """What this open transaction has changed so far, by whatever means: also triggers, cascades, functions.

        `sample` rows of each table are shown; `seconds` at most are spent on finding them. Asked once, at the end.
        """

    def structure(self, tables: Sequence[str]) -> str:
        """How tables of these names are built, as a digest, without what this transaction itself changed of that.

        Asked once, at the end of a rehearsal; `Engine.structure` gives the same as long as nobody changes them.
        """

    def images(self) -> Iterator[Images]:
        """Every row that `effect` found, whole: only when the job asked to keep them and the effect is reversible."""

    def commit(self) -> None:
        """Keep the changes, after `Control.committing` allowed it. The transaction is over whatever happens."""

    def close(self, *, clean: bool) -> None:
        """Roll back whatever is open. The connection is used again only when `clean`: the run ended as expected."""


class Engine(Protocol):
    """A database product: opens sessions, lists what is there, answers for a lost transaction.

    One object a process. Questions raise `ExecutionError`.
    """

    def open(self, job: Job, control: Control) -> Session:
        """A session for one execution, named to `Control.started`. Raises `Unreachable` or `Refused`."""

    def expire(self) -> None:
        """Close connections that have been idle for long: called about once a minute while nothing runs."""

    def close(self) -> None:
        """Close every idle connection."""

    def introspect(self, target: Target) -> tuple[Table, ...]:
        """Tables and columns the target's credential may see."""

    def check(self, target: Target, asked: Sequence[Asked], access: Access) -> Sequence[Told]:
        """What `target`, with its read credential, says of statements that would run in this order as `access`.

        They are understood and never run. Within two seconds, or eight for a long text.
        """

    def plan(self, target: Target, asked: Sequence[Asked]) -> Sequence[Plan]:
        """How `target`, with the credential that would run them, would go about each statement; nothing is run.

        Within two seconds in all; raises `ExecutionError` when the target does not answer, while a statement that has
        no plan says so in its notes.
        """

    def structure(self, target: Target, tables: Sequence[str]) -> str:
        """How tables of these names are built now, as a digest (`Session.structure`). Within two seconds."""

    def commit_status(self, target: Target, transaction: str) -> CommitStatus:
        """What became of a transaction that `Control.committing` named: only what the server can prove of that one."""

    def activity(self, target: Target, backend: str, name: str) -> Activity | None:
        """What the run of the query `name` does now; None when `backend` (as told to `Control.started`) is not it."""

    def server_version(self, target: Target) -> str:
        """A name for people, such as `PostgreSQL 18.6`."""

    def connection_limit(self, target: Target) -> ConnectionLimit | None:
        """How many connections the target's login may have at once; None where nothing limits a login."""

    def examine(self, target: Target) -> Examined:
        """What is wrong with the target's login, and with its server as far as it may ask; nothing is changed."""


class ScriptEngine(Protocol):
    """What an engine has besides when scripts can use its databases."""

    @property
    def prelude(self) -> str:
        """JavaScript, the body of a function: returns what makes a script's globals of its `script_parameters`."""

    def script_parameters(self, parameters: Sequence[Parameter]) -> Any:
        """The parameters as JSON, for the prelude to make `params` of. Raises `Refused`."""

    def open_for_script(self, job: Job, control: Control) -> ScriptDatabase:
        """`Engine.open` for a script: a session that runs one call after the other."""


class MaintenanceEngine(Protocol):
    """What an engine has besides when its databases take statements that cannot run in a transaction."""

    def maintain(self, job: Job, control: Control) -> WriteOutcome:
        """Run the one statement of `job` outside a transaction, after `Control.committing` allowed it.

        An `ExecutionError` says what the catalogue says was left behind; `OutcomeUnknown` where it could not be asked.
        """

    def aftermath(self, target: Target, transaction: str) -> Aftermath:
        """What became of a statement that `Control.committing` named; IN_PROGRESS while its session still runs it."""


class Runner(Protocol):
    """Runs the statements of one language on an engine's sessions."""

    def run(self, job: Job, sink: RowSink, control: Control) -> End:
        """Run `job`; rows go to `sink`. Raises `ExecutionError`."""


class Analyser(Protocol):
    """Reads statements of one language. `statement` is normalised; nothing is run and no connection is made.

    Never raises: what is wrong with a statement is a finding.
    """

    def __call__(
        self, engine: EngineKind, statement: str, parameters: Sequence[Parameter], access: Access
    ) -> Analysis: ...
