"""The small interface between the portal and the databases it runs statements on.

Everything here is plain data: the portal describes a `Job`, hands over a `RowSink` and a `Control`,
and gets back one of the closed family of outcomes, or one of the closed family of `ExecutionError`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol, TypeAlias

# A bound parameter of a statement. Numbers wider than a double travel as text.
Parameter: TypeAlias = str | int | float | bool | None


class EngineKind(StrEnum):
    """A database product the portal can reach."""

    POSTGRESQL = "postgresql"
    MONGODB = "mongodb"


class Language(StrEnum):
    """What a statement is written in."""

    SQL = "sql"
    MONGO = "mongo"
    SCRIPT = "script"


class Access(StrEnum):
    """What the author asks for and what the run is held to."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Target:
    """One database, with the credential of one access. Its repr never shows the URL."""

    key: str
    engine: EngineKind
    access: Access
    url: str = field(repr=False)
    search_path: tuple[str, ...] = ()
    script_modules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What one execution may use, whatever its statement says."""

    seconds: float
    rows: int
    bytes: int
    lock_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Job:
    """One statement to run on one target. `id` is the public id of the query, carried to the server's own logs."""

    id: str
    target: Target
    language: Language
    statement: str
    limits: Limits
    parameters: tuple[Parameter, ...] = ()


# --- what was noticed about a statement ------------------------------------------------------------


class Severity(StrEnum):
    """How much a finding matters. An `ERROR` refuses the statement; the others only inform."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something noticed about a statement. `line` and `column` count from 1, columns in characters.

    `message` says what is wrong in one sentence, `hint` what to do about it. `code` is stable (snake_case).
    """

    code: str
    severity: Severity
    message: str
    line: int | None = None
    column: int | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Analysis:
    """What reading a statement tells, before anything runs.

    `access` is what the statement needs (READ or WRITE); `kinds` names each statement in order
    (`SELECT`, `UPDATE`, `find`, `script` …); `tables` are the tables or collections it names, as written, sorted.
    """

    access: Access
    kinds: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether the statement may be submitted."""
        return all(finding.severity is not Severity.ERROR for finding in self.findings)


# --- rows ------------------------------------------------------------------------------------------


class RowEncoding(StrEnum):
    """How the rows of a result are encoded, as they left the server (`executors.rows` decodes them).

    COPY: PostgreSQL's COPY text format, one line a row.
    BSON: concatenated BSON documents.
    JSON: one JSON array a line, a value for each column (what a script returned).
    """

    COPY = "copy"
    BSON = "bson"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result: its name and the server's own name of its type (`numeric(10,2)`, `timestamptz`)."""

    name: str
    type: str


class RowSink(Protocol):
    """Where rows go while they stream. A second `columns` call starts the result anew: the last result set is kept."""

    def columns(self, columns: Sequence[Column], encoding: RowEncoding) -> None:
        """Announce a result set."""

    def rows(self, data: bytes, count: int) -> None:
        """Take a block of `count` whole encoded rows, of about 64 KiB to 256 KiB unless one row is larger."""


@dataclass(frozen=True, slots=True)
class Call:
    """One database call made by a script, as it really happened. `failure` is empty when it succeeded."""

    number: int
    statement: str
    parameters: str
    rows: int
    milliseconds: float
    failure: str = ""


class Control(Protocol):
    """What a running execution asks of, and tells, the portal. Called on the thread that called `run`."""

    def started(self, backend: str) -> None:
        """The session is open, nothing of the author's was sent yet; `backend` names it on the server (a pid)."""

    def committing(self, transaction: str) -> None:
        """COMMIT comes next. Must be durable when it returns; an exception forbids the commit.

        `transaction` is what the server can be asked about afterwards (PostgreSQL: `pg_current_xact_id()`), or "".
        """

    def cancelled(self) -> bool:
        """Whether somebody asked to stop; asked about twice a second while waiting."""

    def called(self, call: Call) -> None:
        """A script made a database call."""

    def logged(self, level: str, text: str) -> None:
        """A script wrote to its console."""


# --- how it ended ----------------------------------------------------------------------------------

Truncation: TypeAlias = Literal["", "rows", "bytes"]


@dataclass(frozen=True, slots=True)
class StatementResult:
    """What one statement of several did. `rows_affected` is None for a statement that changes no rows."""

    kind: str
    rows_affected: int | None


@dataclass(frozen=True, slots=True)
class ReadOutcome:
    """A read that ended as expected and was rolled back. `truncated` names the limit that cut the rows short."""

    row_count: int
    truncated: Truncation = ""


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """A write that was committed. `row_count` counts the rows it returned (RETURNING), not those it changed."""

    rows_affected: int | None
    row_count: int = 0
    truncated: Truncation = ""
    statements: tuple[StatementResult, ...] = ()


@dataclass(frozen=True, slots=True)
class ScriptOutcome:
    """A script that returned; its writes, if it had write access, were committed."""

    row_count: int
    rows_affected: int | None
    calls: int
    truncated: Truncation = ""


Outcome: TypeAlias = ReadOutcome | WriteOutcome | ScriptOutcome


class FailureCode(StrEnum):
    """Why an execution failed: the codes of design §4 that an executor can tell."""

    ERROR = "ERROR"
    TIMEOUT = "TIMEOUT"
    CANCELLED = "CANCELLED"
    REFUSED = "REFUSED"
    ROW_BOUND = "ROW_BOUND"
    TOO_LARGE = "TOO_LARGE"
    UNREACHABLE = "UNREACHABLE"
    INTERRUPTED = "INTERRUPTED"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"


class ExecutionError(Exception):
    """A run that did not end as asked. `public_message` holds no secret and is bounded to 8 kB.

    `detail` holds what the server said beside its message: `sqlstate`, `hint`, `detail`, `line`, `column`
    (counted from 1 in the author's text), `position` (characters from 1), as text.
    """

    code: FailureCode = FailureCode.ERROR

    def __init__(self, public_message: str, *, detail: Mapping[str, str] | None = None) -> None:
        super().__init__(public_message)
        self.public_message = public_message
        self.detail: Mapping[str, str] = detail or {}


class StatementFailed(ExecutionError):
    """The server, or the script, raised an error; everything was rolled back."""

    code = FailureCode.ERROR


class TimedOut(ExecutionError):
    """The time limit (or the lock limit) was reached; everything was rolled back."""

    code = FailureCode.TIMEOUT


class Cancelled(ExecutionError):
    """Somebody stopped it; everything was rolled back."""

    code = FailureCode.CANCELLED


class Refused(ExecutionError):
    """A guard said no; nothing of it was committed."""

    code = FailureCode.REFUSED


class RowBound(ExecutionError):
    """A write touched more rows than its bound; rolled back."""

    code = FailureCode.ROW_BOUND


class TooLarge(ExecutionError):
    """One value, message or document did not fit the memory an execution may use; rolled back."""

    code = FailureCode.TOO_LARGE


class Unreachable(ExecutionError):
    """No connection could be had; nothing was sent."""

    code = FailureCode.UNREACHABLE


class Interrupted(ExecutionError):
    """The run ended before anything could have been committed (connection or process lost)."""

    code = FailureCode.INTERRUPTED


class OutcomeUnknown(ExecutionError):
    """COMMIT was sent and its answer never came."""

    code = FailureCode.OUTCOME_UNKNOWN


class CommitStatus(StrEnum):
    """What a target says of a transaction whose end the portal did not see."""

    COMMITTED = "committed"
    ABORTED = "aborted"
    IN_PROGRESS = "in progress"
    UNKNOWN = "unknown"


# --- what a run is doing now -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session that a run waits for. `state` and `seconds` are unknown ("" and None) where the login may not see them.

    `pid` is 0 for a prepared transaction, which no session holds. `seconds` is how long its transaction is open.
    """

    pid: int
    application: str
    user: str
    state: str
    seconds: int | None


@dataclass(frozen=True, slots=True)
class Activity:
    """What a run does on its target at this moment, as its own login may know it; never anybody's statement.

    `state` is the server's own word; `waiting_for` says in a few words what for, "" when it waits for nothing.
    """

    elapsed_ms: int
    state: str
    waiting_for: str = ""
    blocked_by: tuple[Blocker, ...] = ()


# --- what a target holds ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Table:
    """A table, view or collection. `estimated_rows` is the server's estimate, None when it has none."""

    schema: str
    name: str
    kind: str
    columns: tuple[Column, ...]
    estimated_rows: int | None = None


# --- the seam --------------------------------------------------------------------------------------


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
        """What became of a transaction. Source for PostgreSQL: `pg_xact_status`."""

    def activity(self, target: Target, backend: str, name: str) -> Activity | None:
        """What the run of the query `name` does now; None when `backend` (as told to `Control.started`) is not it."""

    def server_version(self, target: Target) -> str:
        """A name for people, such as `PostgreSQL 18.6`."""


class Runner(Protocol):
    """Runs the statements of one language on an engine's session."""

    def run(self, job: Job, sink: RowSink, control: Control) -> Outcome:
        """Run `job`; rows go to `sink`. Raises `ExecutionError`."""
