"""A small real engine on SQLite: everything the seam asks of one, and nothing else."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence

from executors.base import (
    Access,
    Activity,
    Asked,
    Cancelled,
    Column,
    CommitStatus,
    Control,
    Effect,
    Examined,
    ExecutionError,
    Finding,
    FindingCode,
    Gap,
    Images,
    Job,
    Parameter,
    Plan,
    PlanStep,
    Ran,
    Refused,
    RowEncoding,
    RowSink,
    Severity,
    StatementFailed,
    Table,
    TableEffect,
    Target,
    TimedOut,
    Told,
    Truncation,
    Unreachable,
)
from executors.budget import Budget
from executors.copytext import encode_copy_row
from executors.tests.toy.reading import analyse
from executors.text import position

SCHEME = "toy://"
_INSTRUCTIONS = 10_000
_KINDS = ("INSERT", "UPDATE", "DELETE")


class ToySession:
    """One execution on a connection of its own; SQLite calls `_watch` while it works."""

    def __init__(self, job: Job, control: Control) -> None:
        self._job = job
        self._control = control
        self._stopped: ExecutionError | None = None
        self._effect = Effect()
        self._deadline = time.monotonic() + job.limits.seconds
        self._connection = connect(job.target)
        self._connection.execute("BEGIN")
        self._connection.set_progress_handler(self._watch, _INSTRUCTIONS)
        control.started("toy")

    @property
    def settings(self) -> Mapping[str, str]:
        """None: SQLite reads no text as a date."""
        return {}

    def execute(self, statement: str, parameters: Sequence[Parameter], sink: RowSink) -> list[Ran]:
        """Check and run one statement."""
        target = self._job.target
        found = analyse(target.engine, statement, parameters, target.access)
        for finding in found.findings:
            if finding.severity is Severity.ERROR:
                raise Refused(finding.message)
        try:
            cursor = self._connection.execute(statement, parameters)
            rows, truncated = self._send(cursor, sink)
        except sqlite3.Error as error:
            raise self._stopped or _failed(error, statement) from None
        writes = found.access is Access.WRITE
        if writes and cursor.rowcount > 0:
            added, changed, gone = (cursor.rowcount * (found.kinds[0] == kind) for kind in _KINDS)
            table = TableEffect("notes", added, changed, gone, complete=False, gap=Gap.NO_KEY)
            self._effect = Effect((table,))
        affected = cursor.rowcount if writes else None
        return [Ran(found.kinds[0], rows, affected, truncated, returns_rows=rows > 0, writes=writes)]

    def effect(self, sample: int, seconds: float) -> Effect:
        """Counts alone: no row is shown."""
        return self._effect

    def structure(self, tables: Sequence[str]) -> str:
        """What SQLite says that made the tables."""
        return _structure(self._connection, tables)

    def images(self) -> Iterator[Images]:
        """None: no row can be put back."""
        return iter(())

    def commit(self) -> None:
        """Ask, then commit."""
        self._control.committing("1")
        self._connection.commit()

    def close(self, *, clean: bool) -> None:
        """SQLite rolls back what is open."""
        self._connection.close()

    def _send(self, cursor: sqlite3.Cursor, sink: RowSink) -> tuple[int, Truncation]:
        if cursor.description is None:
            return 0, ""
        sink.columns([Column(column[0], "any") for column in cursor.description], RowEncoding.COPY)
        budget = Budget.of(self._job.limits)
        for row in cursor:
            line = encode_copy_row([None if value is None else str(value).encode() for value in row])
            if not budget.admit(len(line)):
                break
            sink.rows(line, 1)
        return budget.rows, budget.truncated

    def _watch(self) -> bool:
        if time.monotonic() >= self._deadline:
            self._stopped = TimedOut("The request reached its time limit.")
        elif self._control.cancelled():
            self._stopped = Cancelled("The request was cancelled.")
        return self._stopped is not None


class ToyEngine:
    """Databases are files; the path stands in the URL."""

    def open(self, job: Job, control: Control) -> ToySession:
        return ToySession(job, control)

    def expire(self) -> None: ...

    def close(self) -> None: ...

    def check(self, target: Target, asked: Sequence[Asked], access: Access) -> list[Told]:
        with connect(target) as connection:
            return [_told(connection, item.text) for item in asked]

    def plan(self, target: Target, asked: Sequence[Asked]) -> list[Plan]:
        with connect(target) as connection:
            return [_planned(connection, item.text, item.parameters) for item in asked]

    def structure(self, target: Target, tables: Sequence[str]) -> str:
        with connect(target) as connection:
            return _structure(connection, tables)

    def introspect(self, target: Target) -> tuple[Table, ...]:
        with connect(target) as connection:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return tuple(Table("main", name, "table", ()) for (name,) in names)

    def commit_status(self, target: Target, transaction: str) -> CommitStatus:
        return CommitStatus.UNKNOWN

    def activity(self, target: Target, backend: str, name: str) -> Activity | None:
        return None

    def connection_limit(self, target: Target) -> None:
        """Nothing limits a login."""

    def examine(self, target: Target) -> Examined:
        with connect(target):
            return Examined("", "main", target.url)

    def server_version(self, target: Target) -> str:
        return f"Toy {sqlite3.sqlite_version}"


def connect(target: Target) -> sqlite3.Connection:
    """A connection that can do what the target's access allows. Raises `Unreachable`."""
    mode = "ro" if target.access is Access.READ else "rw"
    try:
        return sqlite3.connect(f"file:{target.url.removeprefix(SCHEME)}?mode={mode}", uri=True, isolation_level=None)
    except sqlite3.Error:
        message = f"The target {target.key} cannot be reached."
        raise Unreachable(message) from None


def _told(connection: sqlite3.Connection, statement: str) -> Told:
    """SQLite understands a statement when it is asked to explain it, and runs nothing."""
    try:
        connection.execute(f"EXPLAIN {statement}").close()
    except sqlite3.ProgrammingError:
        return Told(complete=False)  # its parameters are not there
    except sqlite3.Error as error:
        failed = _failed(error, statement)
        place = (int(failed.detail["line"]), int(failed.detail["column"])) if failed.detail else (None, None)
        return Told((Finding(FindingCode.UNKNOWN_NAME, Severity.ERROR, f"{error}.", *place),))
    return Told()


def _planned(connection: sqlite3.Connection, statement: str, parameters: Sequence[Parameter]) -> Plan:
    """SQLite's own words for each step; it tells no numbers."""
    try:
        steps = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
    except sqlite3.Error as error:
        return Plan.without(f"{error}.")
    depths = {0: -1}
    for number, parent, *_ in steps:
        depths[number] = depths.get(parent, -1) + 1
    return Plan(tuple(PlanStep(depths[number], what) for number, _, _, what in steps))


def _failed(error: sqlite3.Error, statement: str) -> StatementFailed:
    """SQLite names what it did not find, not where: that is looked up."""
    at = statement.rfind(str(error).rpartition(" ")[2])
    place = {}
    if at >= 0:
        line, column = position(statement, at)
        place = {"line": str(line), "column": str(column)}
    return StatementFailed(str(error), detail=place)


def _structure(connection: sqlite3.Connection, tables: Sequence[str]) -> str:
    made = connection.execute("SELECT tbl_name, sql FROM sqlite_master ORDER BY tbl_name, name").fetchall()
    return repr([row for row in made if row[0] in tables])
