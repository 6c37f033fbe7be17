"""A real sandbox for a whole session of tests, and scripts run in it against a database that only echoes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from executors.base import (
    Access,
    Call,
    Column,
    EngineKind,
    Job,
    Language,
    Limits,
    RowEncoding,
    ScriptOutcome,
    StatementFailed,
    Target,
)
from executors.sandbox.client import SpawnerClient
from executors.script.database import Answer, Request
from executors.script.runner import ScriptRunner

MODULES = ("date-fns", "lodash", "decimal.js", "zod")


@dataclass
class Recorder:
    """A sink and a control that remember what they were told."""

    columns_seen: list[Column] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    log: list[tuple[str, str]] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)
    stop: bool = False

    def columns(self, columns: Any, encoding: RowEncoding) -> None:
        assert encoding is RowEncoding.JSON
        self.columns_seen = list(columns)

    def all_columns(self, columns: Sequence[Column]) -> None:
        """A script knows its columns before its rows."""
        raise AssertionError(columns)

    def rows(self, data: bytes, count: int) -> None:
        lines = data.splitlines()
        assert len(lines) == count
        self.lines += lines

    def started(self, backend: str) -> None: ...

    def committing(self, transaction: str) -> None:
        self.commits.append(transaction)

    def cancelled(self) -> bool:
        return self.stop

    def called(self, call: Call) -> None:
        self.calls.append(call)

    def logged(self, level: str, text: str) -> None:
        self.log.append((level, text))


@dataclass
class EchoDatabase:
    """Answers each call with the text it was asked, so that the sandbox is tested without a server."""

    rows_affected: int | None = None
    affected_known: bool = True
    settings: dict[str, str] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)

    def describe(self, operation: str, payload: dict[str, Any]) -> Request:
        return Request(operation, payload, str(payload.get("text")), "")

    def call(self, request: Request) -> Answer:
        if request.statement == "fail":
            raise StatementFailed("it failed", detail={"sqlstate": "22012"})
        columns = [{"name": "text", "type": "text", "kind": "text"}]
        return Answer({"columns": columns, "rows": [[request.statement]], "rowCount": 1}, 1)

    def commit(self) -> None:
        self.ended.append("commit")

    def close(self, *, clean: bool) -> None:
        self.ended.append("clean" if clean else "rolled back")


@dataclass
class Run:
    """What a script did."""

    outcome: ScriptOutcome
    seen: Recorder
    database: EchoDatabase

    @property
    def value(self) -> str:
        """The single row, as JSON text."""
        assert len(self.seen.lines) == 1, self.seen.lines
        return self.seen.lines[0].decode()


RunScript = Callable[..., Run]


def make_job(text: str, *, seconds: float = 20, rows: int = 1000, size: int = 1_000_000) -> Job:
    target = Target("t", EngineKind.POSTGRESQL, Access.READ, "unused", script_modules=MODULES)
    return Job("job", target, Language.SCRIPT, text, Limits(seconds, rows, size))


@pytest.fixture(scope="session")
def sandbox() -> Iterator[SpawnerClient]:
    with SpawnerClient() as client:
        yield client


@pytest.fixture
def run_script(sandbox: SpawnerClient) -> RunScript:
    """Run a script in the real sandbox; raises what the runner raises."""

    def run(text: str, *, seen: Recorder | None = None, database: EchoDatabase | None = None, **limits: Any) -> Run:
        child = sandbox.take(limits.get("seconds", 20))
        seen, database = seen or Recorder(), database or EchoDatabase()
        try:
            runner = ScriptRunner(take=lambda: child.channel, connect=lambda *_: database)
            return Run(runner.run(make_job(text, **limits), seen, seen), seen, database)
        finally:
            sandbox.kill(child)

    return run
