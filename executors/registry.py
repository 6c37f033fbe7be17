"""Which engine serves a product and which runner a language: two literal tables, whose parts are imported when used.

CONTRIBUTING.md lists every edit that another engine needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

from executors.base import (
    Access,
    Analyser,
    CallReader,
    Engine,
    EngineKind,
    KeptRows,
    Language,
    MaintenanceEngine,
    Reverser,
    Runner,
)


@dataclass(frozen=True, slots=True)
class Product:
    """A database product: its name for people, and where its parts are (`module:name`).

    `analysers` has a reader for each language of its own; `script_calls` reads the calls of a script's `db`, and is ""
    for an engine that is no `ScriptEngine`; `undo` makes the statement that takes a write back, "" where none does;
    `kept` tells rows that are kept for it as people read them, "" where they are kept so; `shell` names the methods of
    its own language by what they are called on, "" where it has none; `maintains` is the language of what runs outside
    a transaction, None for an engine that is no `MaintenanceEngine`.
    """

    name: str
    engine: str
    analysers: Mapping[Language, str]
    script_calls: str = ""
    undo: str = ""
    kept: str = ""
    shell: str = ""
    maintains: Language | None = None

    @property
    def languages(self) -> tuple[Language, ...]:
        """What its databases can be asked in, its own language first."""
        return (*self.analysers, Language.SCRIPT) if self.script_calls else tuple(self.analysers)


PRODUCTS: dict[EngineKind, Product] = {
    EngineKind.POSTGRESQL: Product(
        "PostgreSQL",
        "executors.postgresql.engine:PostgreSQLEngine",
        {Language.SQL: "executors.postgresql.reading.analysis:analyse"},
        "executors.postgresql.reading.calls:SQLCalls",
        "executors.postgresql.undo:reverse",
        maintains=Language.SQL,
    ),
    EngineKind.MONGODB: Product(
        "MongoDB",
        "executors.mongodb.engine:MongoDBEngine",
        {Language.MONGO: "executors.mongodb.reading.analysis:analyse"},
        "executors.mongodb.reading.calls:MongoCalls",
        "executors.mongodb.undo.reversing:reverse",
        "executors.mongodb.undo.reversing:shown",
        "executors.mongodb.reading.methods:SHELL",
    ),
}

RUNNERS: dict[Language, str] = {
    Language.SQL: "executors.runner:StatementRunner",
    Language.MONGO: "executors.runner:StatementRunner",
    Language.SCRIPT: "executors.script.runner:ScriptRunner",
}

_MAINTENANCE_RUNNER = "executors.runner:MaintenanceRunner"
_SCRIPT_ANALYSER = "executors.script.analysis:analyse"

_engines: dict[EngineKind, Engine] = {}


def languages(kind: EngineKind) -> tuple[Language, ...]:
    """The languages a product can be asked in; anything else is refused before it reaches a runner."""
    return PRODUCTS[kind].languages


def engine(kind: EngineKind) -> Engine:
    """The engine of a product; one object a process, so that its warm connections are found again."""
    if kind not in _engines:
        _engines[kind] = _load(PRODUCTS[kind].engine)()
    return _engines[kind]


def engines_in_use() -> Iterable[Engine]:
    """The engines this process has used so far."""
    return tuple(_engines.values())


def runner(language: Language, kind: EngineKind, access: Access = Access.WRITE) -> Runner:
    """The runner of a language on a product that can be asked in it with that access."""
    path = _MAINTENANCE_RUNNER if access is Access.MAINTENANCE else RUNNERS[language]
    made: Runner = _load(path)(engine(kind))
    return made


def offers(language: Language, kind: EngineKind, access: Access) -> bool:
    """Whether a product can be asked in a language with that access."""
    return language in languages(kind) and (access is not Access.MAINTENANCE or PRODUCTS[kind].maintains is language)


def maintenance(kind: EngineKind) -> MaintenanceEngine:
    """The engine of a product that runs statements outside a transaction."""
    made: Any = engine(kind)
    found: MaintenanceEngine = made
    return found


def analyser(language: Language, kind: EngineKind) -> Analyser:
    """The reader of a language, for a product that can be asked in it."""
    if language is Language.SCRIPT:
        return partial(_load(_SCRIPT_ANALYSER), calls=call_reader(kind))
    found: Analyser = _load(PRODUCTS[kind].analysers[language])
    return found


def shell_methods(kind: EngineKind) -> Mapping[str, Sequence[str]]:
    """The methods of a product's own language by what they are called on: `database`, `collection`. Empty without."""
    path = PRODUCTS[kind].shell
    methods: Mapping[str, Sequence[str]] = _load(path) if path else {}
    return methods


def call_reader(kind: EngineKind) -> CallReader:
    """The reader of the calls of a script's `db`, for a product that scripts can use."""
    found: CallReader = _load(PRODUCTS[kind].script_calls)()
    return found


def reverser(kind: EngineKind) -> Reverser | None:
    """What makes the statement that takes a write on a product back; None where nothing does."""
    path = PRODUCTS[kind].undo
    return _load(path) if path else None


def kept_rows(kind: EngineKind) -> KeptRows | None:
    """What tells kept rows of a product as people read them; None where they are kept so."""
    path = PRODUCTS[kind].kept
    return _load(path) if path else None


def _load(path: str) -> Any:
    module, name = path.split(":")
    return getattr(import_module(module), name)
