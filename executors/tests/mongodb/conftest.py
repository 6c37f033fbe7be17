"""A database of its own on the live MongoDB, with a read and a write user, and what a run tells the portal."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import quote, urlsplit

import pytest
from bson import decode_all
from pymongo import MongoClient
from pymongo.database import Database

from executors import processes, registry
from executors.base import Access, Call, Column, EngineKind, Images, Job, Language, Limits, Outcome, RowEncoding, Target
from executors.mongodb.engine import MongoDBEngine
from executors.runner import StatementRunner

Document = dict[str, Any]
PASSWORD = "p@ss:w/rd-" + secrets.token_hex(4)


@dataclass
class Sink:
    """Keeps what it is given."""

    announced: list[tuple[Column, ...]] = field(default_factory=list)
    blocks: list[bytes] = field(default_factory=list)
    count: int = 0

    def columns(self, columns: Sequence[Column], encoding: RowEncoding) -> None:
        """Remember a result set's columns."""
        assert encoding is RowEncoding.BSON
        self.announced.append(tuple(columns))

    def all_columns(self, columns: Sequence[Column]) -> None:
        """The last result set has these columns in all."""
        self.announced[-1] = tuple(columns)

    def rows(self, data: bytes, count: int) -> None:
        """Remember a block."""
        self.blocks.append(data)
        self.count += count

    @property
    def data(self) -> bytes:
        """All documents."""
        return b"".join(self.blocks)

    @property
    def documents(self) -> list[Document]:
        """All documents, decoded."""
        return decode_all(self.data)


@dataclass
class Recorder:
    """A control that remembers; `stop` says whether somebody asked to stop, `commit` may raise."""

    stop: Callable[[], bool] = lambda: False
    commit: Callable[[str], None] = lambda _: None
    backends: list[str] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)
    images: list[Images] = field(default_factory=list)

    def started(self, backend: str) -> None:
        """Remember the session."""
        self.backends.append(backend)

    def committing(self, transaction: str) -> None:
        """Remember the transaction, unless it is forbidden."""
        self.commit(transaction)
        self.commits.append(transaction)

    def kept(self, images: Images) -> None:
        """Keep what an undo would need."""
        self.images.append(images)

    def cancelled(self) -> bool:
        """Whether to stop."""
        return self.stop()

    def progressed(self, done: int, total: int) -> None:
        """A query is one statement."""
        raise AssertionError((done, total))

    def called(self, call: Call) -> None:
        """A query is no script."""
        raise AssertionError(call)

    def logged(self, level: str, text: str) -> None:
        """A query has no console."""
        raise AssertionError(text)


@dataclass
class Bench:
    """One database: the administrator's view of it, and how to run a statement as the portal does."""

    database: Database[Document]
    read: Target
    write: Target
    sink: Sink = field(default_factory=Sink)
    control: Recorder = field(default_factory=Recorder)

    def job(self, statement: str, access: Access, **limits: float) -> Job:
        """A statement as a job with small limits."""
        target = self.read if access is Access.READ else self.write
        bounds: dict[str, Any] = {"seconds": 10.0, "rows": 100_000, "bytes": 50_000_000, **limits}
        return Job("query-" + secrets.token_hex(4), target, Language.MONGO, statement, Limits(**bounds))

    def run(self, statement: str, access: Access = Access.READ, **limits: float) -> Outcome:
        """Run a statement into a new sink."""
        return self.run_job(self.job(statement, access, **limits))

    def run_job(self, job: Job) -> Outcome:
        """Run a job into a new sink."""
        self.sink = Sink()
        return cast("Outcome", StatementRunner(registry.engine(EngineKind.MONGODB)).run(job, self.sink, self.control))


@pytest.fixture(scope="session")
def mongo_targets(mongo_url: str) -> Iterator[tuple[MongoClient[Document], Target, Target]]:
    """A database with a user who may read it and one who may write it."""
    name = "executors_" + secrets.token_hex(4)
    parts = urlsplit(mongo_url)
    targets = []
    with MongoClient[Document](mongo_url) as client:
        for access, role in ((Access.READ, "read"), (Access.WRITE, "readWrite")):
            user = f"{name}_{role}"
            client.admin.command("createUser", user, pwd=PASSWORD, roles=[{"role": role, "db": name}])
            netloc = f"{user}:{quote(PASSWORD, safe='')}@{parts.netloc.rpartition('@')[2]}"
            url = parts._replace(netloc=netloc, path=f"/{name}").geturl()
            targets.append(Target(name, EngineKind.MONGODB, access, url))
        yield client, targets[0], targets[1]
        processes.close()
        shared = registry.engine(EngineKind.MONGODB)
        assert isinstance(shared, MongoDBEngine)
        shared.close()
        client.drop_database(name)
        for target in targets:
            client.admin.command("dropUser", urlsplit(target.url).username)


@pytest.fixture
def engine() -> Iterator[MongoDBEngine]:
    """An engine of its own, as another process would have."""
    engine = MongoDBEngine()
    yield engine
    engine.close()


@pytest.fixture
def mongo(mongo_targets: tuple[MongoClient[Document], Target, Target]) -> Iterator[Bench]:
    """An empty database to run statements on."""
    client, read, write = mongo_targets
    database = client[read.key]
    yield Bench(database, read, write)
    client.drop_database(database)
