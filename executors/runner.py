"""Runs statements that an engine's session executes as they are: SQL, mongosh."""

from __future__ import annotations

from collections.abc import Sequence

from executors.base import (
    Control,
    Engine,
    Job,
    Outcome,
    Ran,
    ReadOutcome,
    RowSink,
    Session,
    StatementResult,
    Truncation,
    WriteOutcome,
)


class StatementRunner:
    """One text, one transaction: read and rolled back, or written and committed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def run(self, job: Job, sink: RowSink, control: Control) -> Outcome:
        """Run `job`; rows go to `sink`. Raises `ExecutionError`."""
        session = self._engine.open(job, control)
        clean = False
        try:
            outcome = _outcome(session, job, sink)
            clean = True
        finally:
            session.close(clean=clean)
        return outcome


def _outcome(session: Session, job: Job, sink: RowSink) -> Outcome:
    done = session.execute(job.statement, job.parameters, sink)
    rows, truncated = _last_rows(done)
    if not any(ran.writes for ran in done):
        return ReadOutcome(rows, truncated, session.settings)
    session.commit()
    counted = [ran.rows_affected for ran in done if ran.rows_affected is not None]
    known = all(ran.counted for ran in done)
    results = tuple(StatementResult(ran.kind, ran.rows_affected) for ran in done)
    affected = sum(counted) if counted and known else None
    return WriteOutcome(affected, rows, truncated, results, known, session.settings)


def _last_rows(done: Sequence[Ran]) -> tuple[int, Truncation]:
    """Of several statements the last that returned a result set is the one the sink kept."""
    for ran in reversed(done):
        if ran.returns_rows:
            return ran.row_count, ran.truncated
    return 0, ""
