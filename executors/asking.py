"""What a target says of a statement before anybody approves it: the one door for every language. Nothing is run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from executors import registry
from executors.base import (
    Access,
    Asked,
    Finding,
    FindingCode,
    Language,
    Parameter,
    Plan,
    Severity,
    Target,
    Told,
    Verified,
    Word,
    WrittenCall,
)
from executors.base.planning import together
from executors.script.analysis import calls_in


def ask(
    target: Target,
    language: Language,
    statement: str,
    parameters: Sequence[Parameter],
    tables: Sequence[str],
    access: Access,
) -> Word:
    """What `target` says of a statement that reading found valid, and found to name `tables`.

    `target` comes with its read credential, whatever `access` is asked for. Raises `ExecutionError` when it does not
    answer.
    """
    if language is Language.SCRIPT:
        return _ask_for_calls(target, statement, access)
    asked = Asked(statement, tuple(tables), parameters=tuple(parameters))
    answers = registry.engine(target.engine).check(target, [asked], access)
    return _word(answers, answers[0].findings, answers[0].noticed)


def plan(target: Target, language: Language, statement: str, parameters: Sequence[Parameter]) -> Plan:
    """How `target`, with the credential that would run it, would go about a statement that reading found valid.

    Of a script each call whose text is known. Raises `ExecutionError` when the target does not answer.
    """
    if language is Language.SCRIPT:
        return _plan_calls(target, statement)
    (answer,) = registry.engine(target.engine).plan(target, [Asked(statement, parameters=tuple(parameters))])
    return answer


def _plan_calls(target: Target, statement: str) -> Plan:
    calls = calls_in(statement, registry.call_reader(target.engine), target.access)
    asked = [told.asks for _, told in calls if told.asks is not None]
    answers = iter(registry.engine(target.engine).plan(target, asked) if asked else ())
    plans = [Plan.without(_UNKNOWN_TEXT) if told.asks is None else next(answers) for _, told in calls]
    whole = together(plans, [call.line for call, _ in calls], counted=False)
    return replace(whole, notes=(*whole.notes, _OF_CALLS if calls else _NO_CALLS))


_UNKNOWN_TEXT = "what this call sends is only known when the script runs."
_OF_CALLS = "A script decides while it runs which of its calls it makes, and how often."
_NO_CALLS = "No call of the database is written out in the script."


def _ask_for_calls(target: Target, statement: str, access: Access) -> Word:
    calls = calls_in(statement, registry.call_reader(target.engine), access)
    asked = [(call, told.asks) for call, told in calls if told.asks is not None]
    answers = registry.engine(target.engine).check(target, [asks for _, asks in asked], access) if asked else ()
    told = [(call, answer) for (call, _), answer in zip(asked, answers, strict=True)]
    findings = [_placed(finding, call) for call, answer in told for finding in answer.findings]
    return _word(answers, findings, [_placed(finding, call) for call, answer in told for finding in answer.noticed])


def _placed(finding: Finding, call: WrittenCall) -> Finding:
    return replace(finding, line=call.line, column=call.column)


def _word(answers: Sequence[Told], findings: Iterable[Finding], noticed: Iterable[Finding]) -> Word:
    found, besides = tuple(findings), tuple(noticed)
    if not all(answer.complete for answer in answers):
        message = "The target could not tell of every name in the statement; those were not checked."
        return Word((*found, *besides, Finding(FindingCode.NAMES_NOT_CHECKED, Severity.INFO, message)))
    settled = frozenset.intersection(*(frozenset(answer.settles) for answer in answers)) if answers else frozenset()
    wrong = any(finding.code not in settled for finding in found)
    return Word((*found, *besides), (Verified.NAMES_KNOWN,) if answers and not wrong else (), tuple(sorted(settled)))
