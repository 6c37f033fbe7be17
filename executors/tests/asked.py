"""What a live target says of a statement, where a test is not about the time that it is given for it."""

from __future__ import annotations

from collections.abc import Sequence

from executors import processes
from executors.base import Access, Analysis, Finding, FindingCode, Language, Parameter, Target

_TRIES = 6


def asked(
    target: Target,
    language: Language,
    text: str,
    access: Access,
    analysis: Analysis,
    parameters: Sequence[Parameter] = (),
) -> Analysis:
    """`processes.check`, asked again where a busy machine kept the target from answering within its two seconds."""
    for _ in range(_TRIES):
        answer = processes.check(target, language, text, access, analysis, parameters)
        if not any("did not answer" in finding.message for finding in _unchecked(answer)):
            return answer
    raise AssertionError("the target did not answer")


def _unchecked(answer: Analysis) -> list[Finding]:
    return [finding for finding in answer.findings if finding.code is FindingCode.NAMES_NOT_CHECKED]
