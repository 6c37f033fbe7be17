"""How an execution ended: two closed families, outcomes and errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Literal, TypeAlias

from executors.base.effects import Effect, Structure

Truncation: TypeAlias = Literal["", "rows", "bytes"]


@dataclass(frozen=True, slots=True)
class Ran:
    """What one statement did on a session.

    `rows_affected` is None for a statement that changes no rows; `writes` says whether it may have changed anything,
    `counted` is False when it changed rows and the server does not tell how many.
    """

    kind: str
    row_count: int = 0
    rows_affected: int | None = None
    truncated: Truncation = ""
    returns_rows: bool = False
    writes: bool = False
    counted: bool = True


@dataclass(frozen=True, slots=True)
class StatementResult:
    """What one statement of several did. `rows_affected` is None for one that changes no rows, or does not tell."""

    kind: str
    rows_affected: int | None


@dataclass(frozen=True, slots=True)
class ReadOutcome:
    """A read that ended as expected and was rolled back. `truncated` names the limit that cut the rows short.

    `settings` are those of the session that decide how text is read as a value: `time_zone`, `date_order` …
    """

    row_count: int
    truncated: Truncation = ""
    settings: Mapping[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """A write that was committed. `row_count` counts the rows it returned (RETURNING), not those it changed.

    `effect` is None where what the whole transaction changed cannot be told.
    `affected_known` is False when it changed rows and the server does not tell how many (`$out`, `$merge`).
    """

    rows_affected: int | None
    row_count: int = 0
    truncated: Truncation = ""
    statements: tuple[StatementResult, ...] = ()
    affected_known: bool = True
    settings: Mapping[str, str] = field(default_factory=dict, compare=False)
    effect: Effect | None = None


@dataclass(frozen=True, slots=True)
class ScriptOutcome:
    """A script that returned; its writes, if it had write access, were committed."""

    row_count: int
    rows_affected: int | None
    calls: int
    truncated: Truncation = ""
    affected_known: bool = True
    settings: Mapping[str, str] = field(default_factory=dict, compare=False)
    effect: Effect | None = None


@dataclass(frozen=True, slots=True)
class RehearsalOutcome:
    """A write that ran to its end and was rolled back. `structure` is that of the tables it changed and names."""

    effect: Effect
    structure: Structure
    statements: tuple[StatementResult, ...] = ()


Outcome: TypeAlias = ReadOutcome | WriteOutcome | ScriptOutcome
# How any job ends, by its purpose.
End: TypeAlias = Outcome | RehearsalOutcome


class FailureCode(StrEnum):
    """Why an execution failed. The one list: each has its `ExecutionError`; the portal's own codes take up all."""

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
    (counted from 1 in the author's text), `position` (characters from 1), as text; of a text of several statements
    which of them failed: `statement` of `statements` (from 1), the beginning of its `text`; what the failure is about:
    `constraint`, `schema`, `table`, `of_column` (PostgreSQL), `code`, `codeName`, and as Extended JSON `keyPattern` and
    `keyValue` (MongoDB); `repair`, the statement that finishes or removes what maintenance left behind.
    """

    code: ClassVar[FailureCode]

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


# The family, each by its code.
ERRORS: Mapping[FailureCode, type[ExecutionError]] = {kind.code: kind for kind in ExecutionError.__subclasses__()}


class CommitStatus(StrEnum):
    """What a target says of a transaction, or of maintenance, whose end the portal did not see.

    PARTLY: of what runs outside a transaction a part lasts, or was left behind. UNKNOWN: it cannot know, however often
    it is asked. UNANSWERED: nobody was reached who might know; later, perhaps.
    """

    COMMITTED = "committed"
    PARTLY = "partly"
    ABORTED = "aborted"
    IN_PROGRESS = "in progress"
    UNKNOWN = "unknown"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What the catalogue of a target says of a statement that ran outside a transaction.

    `said` are sentences for people, "" where there is nothing to say; `repair` is the statement that finishes or
    removes what was left behind, "" where nothing was.
    """

    status: CommitStatus
    said: str = ""
    repair: str = ""
