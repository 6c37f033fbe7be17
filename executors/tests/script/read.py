"""A script read for one engine, and what is found in it."""

from __future__ import annotations

from executors.analysis import analyse
from executors.base import Access, Analysis, EngineKind, Language


def read(text: str, engine: EngineKind, access: Access = Access.WRITE) -> Analysis:
    return analyse(Language.SCRIPT, engine, text, (), access)


def sql(text: str, access: Access = Access.WRITE) -> Analysis:
    return read(text, EngineKind.POSTGRESQL, access)


def mongo(text: str, access: Access = Access.WRITE) -> Analysis:
    return read(text, EngineKind.MONGODB, access)


def codes(analysis: Analysis) -> list[str]:
    return [finding.code.value for finding in analysis.findings]
