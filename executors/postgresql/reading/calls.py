"""The calls of a script's `db` on PostgreSQL, read by the analysis of SQL."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from executors.base import (
    Access,
    Asked,
    DatabaseCall,
    EngineKind,
    Finding,
    FindingCode,
    Leads,
    NamedParameter,
    Severity,
    Step,
    Verified,
    WrittenCall,
)
from executors.postgresql.reading.analysis import analyse

_METHODS = ("query", "one", "iterate", "attempt")
_OF_ITERATION = frozenset({"next", "return", "throw"})
_WRITE_OUT = 'Write the statement out and pass values as parameters: db.query("… $1", [value]).'
_SHOWN = 500
_VALUES_AND_OPTIONS = 2
# What every object has.
_OF_ANY = frozenset({"toString", "valueOf", "hasOwnProperty", "constructor"})


class SQLCalls:
    """The `CallReader` of PostgreSQL."""

    def leads(self, steps: Sequence[Step]) -> Leads:
        """`query` and `one` answer, as `attempt` does, `iterate` gives rows."""
        first, last = steps[0], steps[-1]
        if len(steps) == 1:
            if first.name not in _METHODS:
                return Leads.VALUE if first.name in _OF_ANY else Leads.NOTHING
            if not first.called:
                return Leads.DATABASE
            return Leads.ROWS if first.name == "iterate" else Leads.PROMISE
        if first.called and last.name in _OF_ITERATION:
            return Leads.PROMISE if last.called else Leads.ROWS
        return Leads.VALUE if last.name in _OF_ANY else Leads.NOTHING

    def missing(self, steps: Sequence[Step]) -> tuple[str, str]:
        """What there is instead."""
        name = steps[-1].name[:40]
        if len(steps) > 1:
            return f"{steps[0].name} has no {name}.", "Iterate: for await (const row of db.iterate(…))."
        if name in {"transaction", "begin", "savepoint", "tx"}:
            return (
                f"db has no {name}.",
                "The whole script is one transaction; db.attempt(async () => { … }) is a savepoint.",
            )
        near = difflib.get_close_matches(name, _METHODS, n=1)
        return f"db has no {name}.", f"Did you mean {near[0]}?" if near else f"There is {', '.join(_METHODS)}."

    def refuses(self, parameter: NamedParameter) -> str:  # noqa: ARG002 - another engine's is asked alike
        """Nothing: every value is a text."""
        return ""

    def read(self, call: WrittenCall, access: Access) -> DatabaseCall | None:
        """What the statement of `db.query("…", […])` tells."""
        if call.steps[0].name == "attempt":
            return None  # what it does stands in its function
        arguments = call.steps[0].arguments or ()
        text = arguments[0].text if arguments else None
        if text is None:
            return DatabaseCall(("query",), (), None, (_unknown(call),), read=False)
        more = arguments[1:]  # the values, and the options
        count = 0 if not more else None if len(more) > _VALUES_AND_OPTIONS or more[0].spread else more[0].elements
        reading = analyse(EngineKind.POSTGRESQL, text, [""] * (count or 0), access)
        findings = [
            finding
            for finding in reading.findings
            # The script as a whole is what asks for an access.
            if finding.code is not FindingCode.READ_IN_WRITE
            and not (finding.code is FindingCode.PARAMETERS_MISMATCH and count is None)
        ]
        several = () if len(reading.kinds) <= 1 else (_one_statement(call),)
        sets = any(finding.code is FindingCode.SETS_LOCAL for finding in reading.findings)
        several = (*several, *([_no_setting(call)] if sets else []))
        built = (_built(call, text),) if arguments[0].built else ()
        return DatabaseCall(
            reading.kinds,
            reading.tables,
            reading.access,
            (*built, *(_at(call, finding, reading.kinds) for finding in findings), *several),
            tuple(found for found in reading.verified if found not in _OF_TEXT),
            read=not built,
            asks=Asked(text, reading.tables, given=False),
        )


# What the script's own text is asked for.
_OF_TEXT = frozenset({Verified.NO_HIDDEN_CHARACTERS, Verified.NO_LOOKALIKE_NAMES})


_SAVEPOINT = "The whole script is one transaction; await db.attempt(async () => { … }) takes back only what is in it."


def _at(call: WrittenCall, finding: Finding, kinds: Sequence[str]) -> Finding:
    controls = finding.code is FindingCode.REFUSED_STATEMENT and "TRANSACTION" in kinds
    message, hint = finding.message, _SAVEPOINT if controls else finding.hint
    if finding.code is FindingCode.PARAMETER_MISSING:
        message = f":{finding.parameter} is no parameter of a statement in a script."
        hint = f'Write $1, and pass the value: db.query("… $1", [params.{finding.parameter}]).'
    return Finding(finding.code, finding.severity, message, call.line, call.column, hint)


def _unknown(call: WrittenCall) -> Finding:
    """A statement that is put together when the script runs, which is how values become code."""
    message = "The text of this statement is only known when the script runs: nobody can read it here."
    return Finding(FindingCode.BUILT_STATEMENT, Severity.WARNING, message, call.line, call.column, _WRITE_OUT)


def _built(call: WrittenCall, text: str) -> Finding:
    """A statement whose pieces are all written out, but which stands nowhere as it will run."""
    shown = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
    message = f"The text of this statement is put together when the script runs; its pieces give: {shown}"
    return Finding(FindingCode.BUILT_STATEMENT, Severity.WARNING, message, call.line, call.column, _WRITE_OUT)


def _no_setting(call: WrittenCall) -> Finding:
    message, hint = "A call of a script changes no setting.", "Leave SET out."
    return Finding(FindingCode.REFUSED_STATEMENT, Severity.ERROR, message, call.line, call.column, hint)


def _one_statement(call: WrittenCall) -> Finding:
    message, hint = "One call runs one statement.", "Make a call for each."
    return Finding(FindingCode.SEVERAL_STATEMENTS, Severity.ERROR, message, call.line, call.column, hint)
