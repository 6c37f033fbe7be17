"""The calls of a script's `db` on MongoDB, read by the table of methods that the mongo language has."""

from __future__ import annotations

from executors.base import Access, Asked, DatabaseCall, Finding, FindingCode, Severity, WrittenCall
from executors.mongodb.reading.methods import METHODS

_COLLECTION_METHODS = frozenset({"collection", "getCollection"})
_STEPS = 2


def read_call(call: WrittenCall, access: Access) -> DatabaseCall | None:
    """What `db.collection("…").find(…)` and its like tell; None for anything else."""
    if len(call.steps) != _STEPS or call.steps[0].method not in _COLLECTION_METHODS:
        return None
    named, method = call.steps[0].arguments, call.steps[1].method
    name = named[0].literal if named else None
    tables = (name,) if name else ()
    known = METHODS.get(method)
    if known is None:
        message = f"Collections have no method {method[:40]} in a script."
        unknown = Finding(FindingCode.MONGO_METHOD, Severity.ERROR, message, call.line, call.column)
        return DatabaseCall((method,), tables, None, (unknown,))
    findings: tuple[Finding, ...] = ()
    if known.access is Access.WRITE and access is Access.READ:
        message, hint = f"{method} is not a read.", "Ask for write access."
        findings = (Finding(FindingCode.WRITE_IN_READ, Severity.ERROR, message, call.line, call.column, hint),)
    return DatabaseCall((method,), tables, known.access, findings, Asked("", tables))
