"""What reading a statement tells before anything runs: the one door for every language."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast

from executors.base import Access, Analysis, EngineKind, Finding, FindingCode, Language, Parameter, Severity
from executors.registry import LANGUAGES


class Analyser(Protocol):
    """Reads statements of one language. `statement` is normalised; nothing is run and no connection is made."""

    def __call__(
        self, engine: EngineKind, statement: str, parameters: Sequence[Parameter], access: Access
    ) -> Analysis: ...


# language → module holding a function `analyse(engine, statement, parameters, access)`.
ANALYSERS: dict[Language, str] = {
    Language.SQL: "executors.postgresql.reading.analysis",
    Language.MONGO: "executors.mongodb.reading.analysis",
    Language.SCRIPT: "executors.script.analysis",
}


def analyse(
    language: Language, engine: EngineKind, statement: str, parameters: Sequence[Parameter], access: Access
) -> Analysis:
    """What `statement` is and whether it may be submitted as `access` to a database of `engine`."""
    if language not in LANGUAGES[engine]:
        message = f"A {engine.value} target cannot run {language.value}."
        return Analysis(access, findings=(Finding(FindingCode.WRONG_LANGUAGE, Severity.ERROR, message),))
    analyser = cast("Analyser", import_module(ANALYSERS[language]).analyse)
    return analyser(engine, statement, parameters, access)
