"""A real sandbox for a whole session of tests, and scripts run in it against a database that only echoes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

import psycopg
import pytest
from pymongo import MongoClient

from executors import processes
from executors.base import (
    Access,
    Answer,
    Call,
    Column,
    Control,
    Effect,
    EngineKind,
    Images,
    Job,
    Language,
    Limits,
    Parameter,
    Request,
    RowEncoding,
    ScriptOutcome,
    StatementFailed,
    Target,
)
from executors.postgresql.engine import PostgreSQLEngine
from executors.sandbox.client import SpawnerClient
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
    images: list[Images] = field(default_factory=list)
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

    def kept(self, images: Images) -> None:
        """Keep what an undo would need."""
        self.images.append(images)

    def cancelled(self) -> bool:
        return self.stop

    def progressed(self, done: int, total: int) -> None: ...

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

    def effect(self, sample: int, seconds: float) -> Effect:
        return Effect()

    def structure(self, tables: Sequence[str]) -> str:
        return ""

    def images(self) -> Iterator[Images]:
        return iter(())

    def commit(self) -> None:
        self.ended.append("commit")

    def close(self, *, clean: bool) -> None:
        self.ended.append("clean" if clean else "rolled back")


@dataclass
class Echo:
    """An engine whose `db` is PostgreSQL's, and whose sessions all are one echo."""

    database: EchoDatabase
    prelude: str = PostgreSQLEngine().prelude

    def script_parameters(self, parameters: Sequence[Parameter]) -> Any:
        return PostgreSQLEngine().script_parameters(parameters)

    def open_for_script(self, job: Job, control: Control) -> EchoDatabase:
        return self.database


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
RunSQL = Callable[..., Recorder]
RunMongo = Callable[..., Recorder]


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
        child = sandbox.acquire(limits.get("seconds", 20))
        seen, database = seen or Recorder(), database or EchoDatabase()
        try:
            runner = ScriptRunner(Echo(database), lambda: child.channel)
            return Run(cast("ScriptOutcome", runner.run(make_job(text, **limits), seen, seen)), seen, database)
        finally:
            sandbox.kill(child)

    return run


def values(seen: Recorder) -> list[object]:
    return [json.loads(line) for line in seen.lines]


@pytest.fixture(scope="module")
def sql_urls(postgres_url: str) -> Iterator[dict[Access, str]]:
    """A plain reader and a plain writer of the schema `scripted`."""
    parts = urlsplit(postgres_url)
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        for name in ("script_r", "script_w"):
            admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{name}'")
        admin.execute("CREATE SCHEMA scripted AUTHORIZATION script_w")
        admin.execute("GRANT USAGE ON SCHEMA scripted TO script_r")
        admin.execute(
            "CREATE TABLE scripted.items (id int PRIMARY KEY, big int8, price numeric, doc jsonb, at timestamptz)"
        )
        admin.execute(
            "INSERT INTO scripted.items SELECT i, 9007199254740993, 1.10, '{\"a\": [1]}', 'epoch'"
            " FROM generate_series(1, 1200) i"
        )
        admin.execute("ALTER TABLE scripted.items OWNER TO script_w")
        admin.execute("GRANT SELECT ON scripted.items TO script_r")
    host = parts.netloc.rpartition("@")[2]
    names = {Access.READ: "script_r", Access.WRITE: "script_w"}
    yield {access: parts._replace(netloc=f"{name}:{name}@{host}").geturl() for access, name in names.items()}
    processes.close()
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute("DROP SCHEMA scripted CASCADE; DROP ROLE script_r; DROP ROLE script_w")


@pytest.fixture
def run_sql(sql_urls: dict[Access, str]) -> RunSQL:
    def run(
        text: str,
        access: Access = Access.READ,
        seconds: float = 15,
        seen: Recorder | None = None,
        parameters: Sequence[Parameter] = (),
    ) -> Recorder:
        target = Target(f"scripted-{access}", EngineKind.POSTGRESQL, access, sql_urls[access], ("scripted",), MODULES)
        seen = seen or Recorder()
        limits = Limits(seconds, 5000, 5_000_000)
        processes.run(Job("q1", target, Language.SCRIPT, text, limits, tuple(parameters)), seen, seen)
        return seen

    return run


@pytest.fixture(scope="module")
def mongo_urls(mongo_url: str) -> Iterator[dict[Access, str]]:
    """A reader and a writer of the database `scripted`."""
    parts = urlsplit(mongo_url)
    client: MongoClient[dict[str, object]] = MongoClient(mongo_url)
    for name, role in (("script_r", "read"), ("script_w", "readWrite")):
        client.admin.command("createUser", name, pwd=name, roles=[{"role": role, "db": "scripted"}])
    client.scripted.items.insert_many([{"_id": number, "even": number % 2 == 0} for number in range(1200)])
    host = parts.netloc.rpartition("@")[2]
    names = {Access.READ: "script_r", Access.WRITE: "script_w"}
    yield {
        access: parts._replace(netloc=f"{name}:{name}@{host}", path="/scripted").geturl()
        for access, name in names.items()
    }
    processes.close()
    client.drop_database("scripted")
    for name in names.values():
        client.admin.command("dropUser", name)
    client.close()


@pytest.fixture
def run_mongo(mongo_urls: dict[Access, str]) -> RunMongo:
    def run(
        text: str,
        access: Access = Access.READ,
        seen: Recorder | None = None,
        parameters: Sequence[Parameter] = (),
    ) -> Recorder:
        target = Target(f"scripted-{access}", EngineKind.MONGODB, access, mongo_urls[access])
        seen = seen or Recorder()
        limits = Limits(15, 5000, 5_000_000)
        processes.run(Job("q2", target, Language.SCRIPT, text, limits, tuple(parameters)), seen, seen)
        return seen

    return run
