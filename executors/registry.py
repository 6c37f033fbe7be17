"""Which engine serves a product and which runner a language: a literal table, imported only when used.

Adding an engine is: a package, a line here, and a test class that inherits `executors.tests.contract`.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any, cast

from executors.base import Engine, EngineKind, Language, Runner

ENGINES: dict[EngineKind, str] = {
    EngineKind.POSTGRESQL: "executors.postgresql.engine:PostgreSQLEngine",
    EngineKind.MONGODB: "executors.mongodb.engine:MongoDBEngine",
}

RUNNERS: dict[Language, str] = {
    Language.SQL: "executors.postgresql.runner:SQLRunner",
    Language.MONGO: "executors.mongodb.runner:MongoRunner",
    Language.SCRIPT: "executors.script.runner:ScriptRunner",
}

# The languages a product can be asked in; anything else is refused before it reaches a runner.
LANGUAGES: dict[EngineKind, tuple[Language, ...]] = {
    EngineKind.POSTGRESQL: (Language.SQL, Language.SCRIPT),
    EngineKind.MONGODB: (Language.MONGO, Language.SCRIPT),
}


@cache
def engine(kind: EngineKind) -> Engine:
    """The engine of a product; one object a process, so that its warm connections are found again."""
    return cast("Engine", _load(ENGINES[kind])())


@cache
def runner(language: Language) -> Runner:
    """The runner of a language."""
    return cast("Runner", _load(RUNNERS[language])())


def _load(path: str) -> Any:
    module, name = path.split(":")
    return getattr(import_module(module), name)
