"""What is to be run, where and within which limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from executors.base.effects import Purpose, Running
from executors.base.parameters import Parameter


class EngineKind(StrEnum):
    """A database product the portal can reach."""

    POSTGRESQL = "postgresql"
    MONGODB = "mongodb"


class Language(StrEnum):
    """What a statement is written in."""

    SQL = "sql"
    MONGO = "mongo"
    SCRIPT = "script"


class Access(StrEnum):
    """What the author asks for and what the run is held to.

    MAINTENANCE is for what cannot be done in a transaction: no effect is counted, no bound holds it, nothing is undone.
    """

    READ = "read"
    WRITE = "write"
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True)
class Target:
    """One database, with the credential of one access. Its repr never shows the URL.

    `large_rows` is from how many rows on a table counts as large; `personal` are the columns with personal data, as
    `table.column` or `schema.table.column`. `seconds` and `lock_seconds` are its limits, 0 where nobody said.
    """

    key: str
    engine: EngineKind
    access: Access
    url: str = field(repr=False)
    search_path: tuple[str, ...] = ()
    script_modules: tuple[str, ...] = ()
    large_rows: int = 100_000
    personal: tuple[str, ...] = ()
    seconds: float = 0
    lock_seconds: float = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """What one execution may use, whatever its statement says."""

    seconds: float
    rows: int
    bytes: int
    lock_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Job:
    """One statement to run on one target, and what for.

    `id` is the public id of the query, carried to the server's own logs. `purpose` is of a write: a read has no effect.
    """

    id: str
    target: Target
    language: Language
    statement: str
    limits: Limits
    parameters: tuple[Parameter, ...] = ()
    purpose: Purpose = field(default_factory=Running)
