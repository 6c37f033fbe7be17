"""The calls of a script's `db` on PostgreSQL, read by the analysis of SQL."""

from __future__ import annotations

from executors.base import (
    Access,
    Argument,
    Asked,
    DatabaseCall,
    EngineKind,
    Finding,
    FindingCode,
    Severity,
    WrittenCall,
)
from executors.postgresql.reading.analysis import analyse

_METHODS = frozenset({"query", "one", "iterate"})


def read_call(call: WrittenCall, access: Access) -> DatabaseCall | None:
    """What `db.query("…", […])` and its like tell; None for anything else."""
    if len(call.steps) != 1 or call.steps[0].method not in _METHODS:
        return None
    arguments = call.steps[0].arguments
    text = arguments[0].literal if arguments else None
    if text is None:
        return DatabaseCall(("query",), (), None, _built(call, arguments))
    count = arguments[1].elements if len(arguments) > 1 else 0
    reading = analyse(EngineKind.POSTGRESQL, text, [""] * (count or 0), access)
    findings = tuple(
        Finding(finding.code, finding.severity, finding.message, call.line, call.column, finding.hint)
        for finding in reading.findings
        if not (finding.code == FindingCode.PARAMETERS_MISMATCH and count is None)
    )
    return DatabaseCall(reading.kinds, reading.tables, reading.access, findings, Asked(text, reading.tables))


def _built(call: WrittenCall, arguments: tuple[Argument, ...]) -> tuple[Finding, ...]:
    """A warning when a statement is put together from pieces, which is how values become code."""
    if not arguments or not arguments[0].built:
        return ()
    message = "This statement is put together from text, so a reviewer cannot see what will run."
    hint = 'Write the statement out and pass values as parameters: db.query("… $1", [value]).'
    return (Finding(FindingCode.BUILT_STATEMENT, Severity.WARNING, message, call.line, call.column, hint),)
