"""What reading a statement tells before anything runs: the one door for every language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from executors import registry
from executors.base import Access, Analysis, EngineKind, Finding, FindingCode, Language, Parameter, Severity
from executors.fingerprints import fingerprint

# More than anybody reads; a text of two megabytes can hold a hundred thousand.
_MOST_FINDINGS = 200
_GRAVITY = (Severity.ERROR, Severity.WARNING, Severity.INFO)


def analyse(
    language: Language, engine: EngineKind, statement: str, parameters: Sequence[Parameter], access: Access
) -> Analysis:
    """What `statement` is and whether it may be submitted as `access` to a database of `engine`."""
    if language not in registry.languages(engine):
        message = f"A {engine.value} target cannot run {language.value}."
        return Analysis(access, findings=(Finding(FindingCode.WRONG_LANGUAGE, Severity.ERROR, message),))
    found = _bounded(registry.analyser(language, engine)(engine, statement, parameters, access))
    return replace(found, fingerprint=fingerprint(language, statement, parameters)) if found.valid else found


def _bounded(analysis: Analysis) -> Analysis:
    """At most so many findings, the gravest of them, in their order; the last then says how many more there are."""
    more = len(analysis.findings) - _MOST_FINDINGS
    if more <= 0:
        return analysis
    gravest = sorted(range(len(analysis.findings)), key=lambda i: _GRAVITY.index(analysis.findings[i].severity))
    kept = [analysis.findings[i] for i in sorted(gravest[:_MOST_FINDINGS])]
    rest = Finding(FindingCode.MORE_FINDINGS, Severity.INFO, f"There are {more:,} more findings; they are not shown.")
    return replace(analysis, findings=(*kept, rest))
