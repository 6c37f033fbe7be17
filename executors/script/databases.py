"""Opens the session of a script on its target's product; each product is imported only when a script needs it."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from executors.base import Control, EngineKind, Job
from executors.script.database import ScriptDatabase

_DATABASES: dict[EngineKind, str] = {
    EngineKind.POSTGRESQL: "executors.postgresql.scripting",
    EngineKind.MONGODB: "executors.mongodb.scripting",
}


def open_database(job: Job, control: Control) -> ScriptDatabase:
    """The session of this execution. Raises `ExecutionError`."""
    return cast("ScriptDatabase", import_module(_DATABASES[job.target.engine]).open_database(job, control))
