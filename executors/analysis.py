"""What reading a statement tells before anything runs: the one door for every language."""

from __future__ import annotations

from collections.abc import Sequence

from executors import registry
from executors.base import Access, Analysis, EngineKind, Finding, FindingCode, Language, Parameter, Severity


def analyse(
    language: Language, engine: EngineKind, statement: str, parameters: Sequence[Parameter], access: Access
) -> Analysis:
    """What `statement` is and whether it may be submitted as `access` to a database of `engine`."""
    if language not in registry.languages(engine):
        message = f"A {engine.value} target cannot run {language.value}."
        return Analysis(access, findings=(Finding(FindingCode.WRONG_LANGUAGE, Severity.ERROR, message),))
    return registry.analyser(language, engine)(engine, statement, parameters, access)
