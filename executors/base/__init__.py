"""The small interface between the portal and the databases it runs statements on.

Everything here is plain data: the portal describes a `Job`, hands over a `RowSink` and a `Control`,
and gets back one of the closed family of outcomes, or one of the closed family of `ExecutionError`.
"""

from executors.base.control import Call, Control
from executors.base.findings import Analysis, Finding, FindingCode, Severity, Verified
from executors.base.holdings import Table
from executors.base.outcomes import (
    Cancelled,
    CommitStatus,
    ExecutionError,
    FailureCode,
    Interrupted,
    Outcome,
    OutcomeUnknown,
    ReadOutcome,
    Refused,
    RowBound,
    ScriptOutcome,
    StatementFailed,
    StatementResult,
    TimedOut,
    TooLarge,
    Truncation,
    Unreachable,
    WriteOutcome,
)
from executors.base.rows import Column, RowEncoding, RowSink
from executors.base.seam import Engine, Runner, Session
from executors.base.statements import Access, EngineKind, Job, Language, Limits, Parameter, Target
from executors.base.watching import Activity, Blocker

__all__ = [
    "Access",
    "Activity",
    "Analysis",
    "Blocker",
    "Call",
    "Cancelled",
    "Column",
    "CommitStatus",
    "Control",
    "Engine",
    "EngineKind",
    "ExecutionError",
    "FailureCode",
    "Finding",
    "FindingCode",
    "Interrupted",
    "Job",
    "Language",
    "Limits",
    "Outcome",
    "OutcomeUnknown",
    "Parameter",
    "ReadOutcome",
    "Refused",
    "RowBound",
    "RowEncoding",
    "RowSink",
    "Runner",
    "ScriptOutcome",
    "Session",
    "Severity",
    "StatementFailed",
    "StatementResult",
    "Table",
    "Target",
    "TimedOut",
    "TooLarge",
    "Truncation",
    "Unreachable",
    "Verified",
    "WriteOutcome",
]
