"""What a statement for the toy engine is: a SELECT reads, anything else writes."""

from __future__ import annotations

from collections.abc import Sequence

from executors.base import Access, Analysis, EngineKind, Finding, FindingCode, Parameter, Severity
from executors.text import check_text

_READS = frozenset({"SELECT", "VALUES", "WITH"})


def analyse(engine: EngineKind, statement: str, parameters: Sequence[Parameter], access: Access) -> Analysis:
    """Told from the first word; the database itself holds a read to reading."""
    kind = statement.split(maxsplit=1)[0].upper() if statement.strip() else ""
    needed = Access.READ if kind in _READS else Access.WRITE
    findings = check_text(statement)
    if needed is Access.WRITE and access is Access.READ:
        message = f"{kind} is not a read."
        findings += (Finding(FindingCode.WRITE_IN_READ, Severity.ERROR, message, 1, 1, "Ask for write access."),)
    return Analysis(needed, (kind,), findings=findings)
