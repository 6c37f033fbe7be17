"""Runs statements that an engine's session executes as they are: SQL, mongosh."""

from __future__ import annotations

from collections.abc import Sequence

from executors.base import (
    Column,
    Control,
    End,
    Engine,
    Job,
    MaintenanceEngine,
    Ran,
    ReadOutcome,
    Refused,
    Rehearsing,
    RowEncoding,
    RowSink,
    Session,
    StatementResult,
    Truncation,
    WriteOutcome,
)
from executors.concluding import conclude, rehearsed
from executors.copytext import decode_copy_row

_REFUSALS_NAMED = 10


class StatementRunner:
    """One text, one transaction: read and rolled back, or written and committed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def run(self, job: Job, sink: RowSink, control: Control) -> End:
        """Run `job`; rows go to `sink`. Raises `ExecutionError`."""
        session = self._engine.open(job, control)
        clean = False
        try:
            outcome = _outcome(session, job, sink, control)
            clean = True
        finally:
            session.close(clean=clean)
        return outcome


class MaintenanceRunner:
    """One statement outside a transaction."""

    def __init__(self, engine: MaintenanceEngine) -> None:
        self._engine = engine

    def run(self, job: Job, sink: RowSink, control: Control) -> End:  # noqa: ARG002 -- it returns no rows
        """Run `job`. Raises `ExecutionError`."""
        return self._engine.maintain(job, control)


def _outcome(session: Session, job: Job, sink: RowSink, control: Control) -> End:
    refusals = _Refusals()
    done = session.execute(job.statement, job.parameters, refusals if job.purpose.all_or_nothing else sink)
    refusals.check()
    rows, truncated = _last_rows(done)
    results = tuple(StatementResult(ran.kind, ran.rows_affected) for ran in done)
    if isinstance(job.purpose, Rehearsing):
        return rehearsed(job.purpose, session, results)
    if not any(ran.writes for ran in done):
        return ReadOutcome(rows, truncated, session.settings)
    effect = conclude(job.purpose, session, control)
    counted = [ran.rows_affected for ran in done if ran.rows_affected is not None]
    known = all(ran.counted for ran in done)
    affected = sum(counted) if counted and known else None
    return WriteOutcome(affected, rows, truncated, results, known, session.settings, effect)


def _last_rows(done: Sequence[Ran]) -> tuple[int, Truncation]:
    """Of several statements the last that returned a result set is the one the sink kept."""
    for ran in reversed(done):
        if ran.returns_rows:
            return ran.row_count, ran.truncated
    return 0, ""


class _Refusals:
    """The sink of a statement whose rows say what could not be changed as meant: each its one column of text."""

    def __init__(self) -> None:
        self._named: list[str] = []
        self._count = 0

    def columns(self, columns: Sequence[Column], encoding: RowEncoding) -> None:  # noqa: ARG002 - a sink's signature
        """The rows that follow are those of the last statement."""
        self._named.clear()
        self._count = 0

    def all_columns(self, columns: Sequence[Column]) -> None:
        """One column of text it is."""

    def rows(self, data: bytes, count: int) -> None:
        """Count them, and keep the first."""
        if not self._named:
            lines = [str(decode_copy_row(line)[0]) for line in data.splitlines()[:_REFUSALS_NAMED]]
            self._named = list(dict.fromkeys(lines))
        self._count += count

    def check(self) -> None:
        """Raise `Refused` if there was any."""
        if self._count:
            named = ", ".join(self._named) + (" …" if self._count > _REFUSALS_NAMED else "")
            rows = "1 row" if self._count == 1 else f"{self._count:,} rows"
            message = (
                f"{rows} cannot be put back exactly ({named}): changed or taken since, or changed by a trigger on the "
                "way. Nothing was put back."
            )
            raise Refused(message)
