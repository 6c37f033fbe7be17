"""Runs SQL on the session of an engine that speaks it."""

from __future__ import annotations

from typing import cast

from executors.base import (
    Access,
    Control,
    Job,
    Outcome,
    ReadOutcome,
    RowSink,
    StatementResult,
    Truncation,
    WriteOutcome,
)
from executors.postgresql.engine import PostgreSQLEngine
from executors.postgresql.session import PostgreSQLSession, Ran
from executors.registry import engine


class SQLRunner:
    """One SQL text, one transaction: read and rolled back, or written and committed."""

    def run(self, job: Job, sink: RowSink, control: Control) -> Outcome:
        """Run `job`; rows go to `sink`. Raises `ExecutionError`."""
        product = cast("PostgreSQLEngine", engine(job.target.engine))
        session = product.open(job.target, job.limits, job.id, control)
        clean = False
        try:
            outcome = _run(session, job, sink)
            clean = True
        finally:
            session.close(clean=clean)
        return outcome


def _run(session: PostgreSQLSession, job: Job, sink: RowSink) -> Outcome:
    done = session.run(job.statement, job.parameters, sink)
    if job.target.access is Access.READ:
        return ReadOutcome(done[0].row_count, done[0].truncated, session.settings)
    session.commit()
    counted = [ran.rows_affected for ran in done if ran.rows_affected is not None]
    rows, truncated = _last_rows(done)
    results = tuple(StatementResult(ran.kind, ran.rows_affected) for ran in done)
    return WriteOutcome(sum(counted) if counted else None, rows, truncated, results, settings=session.settings)


def _last_rows(done: list[Ran]) -> tuple[int, Truncation]:
    """Of several statements the last that returned a result set is the one the sink kept."""
    for ran in reversed(done):
        if ran.returns_rows:
            return ran.row_count, ran.truncated
    return 0, ""
