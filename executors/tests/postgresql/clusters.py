"""PostgreSQL servers of a test's own, that are killed, copied, restarted and promoted."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from devtools import postgres
from devtools.binaries import data_folder, server_account
from executors.base import Access, EngineKind, Target

PASSWORD = "cluster"
# A COMMIT is answered long before it is on disk.
UNFLUSHED = {"synchronous_commit": "off", "wal_writer_delay": "10s", "autovacuum": "off", "full_page_writes": "on"}
DURABLE = {"autovacuum": "off"}


class Cluster:
    """A server and its data. `port` stays the same over restarts, as an address does."""

    def __init__(self, folder: Path, settings: Mapping[str, str], port: int = 0, programs: Path | None = None) -> None:
        self.port = port or postgres.free_port()
        self.settings = dict(settings)
        self._state = folder
        self._programs = programs
        self._running: AbstractContextManager[postgres.Postgres] | None = None

    @property
    def data(self) -> Path:
        """Where its files are."""
        return data_folder(self._state, server_account())

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._running = postgres.running(
            self._state, password=PASSWORD, port=self.port, more=self.settings, older=self._programs
        )
        self._running.__enter__()

    def stop(self) -> None:
        """Shut it down cleanly, if it runs."""
        if self._running:
            self._running.__exit__(None, None, None)
            self._running = None

    def kill(self) -> None:
        """`kill -9` of the postmaster: nothing is flushed any more."""
        os.kill(self._postmaster(), signal.SIGKILL)
        self.stop()
        self._wait_for_the_rest()

    def kill_a_backend(self) -> None:
        """`kill -9` of one session: the postmaster lives on, everything else starts anew."""
        victim = psycopg.connect(self.url())
        os.kill(victim.info.backend_pid, signal.SIGKILL)
        self.wait_for(lambda: _closed(victim))
        self.wait_for(self._answers)

    def copy(self, folder: Path) -> Cluster:
        """Another server at the same address, from the files as they are now."""
        other = Cluster(folder, self.settings, self.port, self._programs)
        folder = other.data
        shutil.copytree(self.data, folder, dirs_exist_ok=True)
        (folder / "postmaster.pid").unlink(missing_ok=True)
        ids = server_account().ids
        if ids:
            subprocess.run(["chown", "-R", f"{ids[0]}:{ids[1]}", folder], check=True)
        return other

    def url(self, database: str = "postgres", *, user: str = postgres.SUPERUSER) -> str:
        """The superuser's URL, or another login's."""
        return postgres.Postgres(self.port, PASSWORD).url(database, user=user)

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """A superuser's connection in autocommit mode."""
        return psycopg.connect(self.url(), autocommit=True)

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        """Run one statement as superuser; its rows."""
        with self.connect() as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def target(self) -> Target:
        """The server as a plain login reaches it that may write."""
        return Target("cluster", EngineKind.POSTGRESQL, Access.WRITE, self.url(user="writer"), ("public",))

    def wait_for(self, what: Callable[[], bool], seconds: float = 30) -> None:
        """Until it holds."""
        by = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < by, "it did not happen in time"
            time.sleep(0.02)

    def _postmaster(self) -> int:
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _wait_for_the_rest(self) -> None:
        """Its other processes see that the postmaster is gone, and go."""
        key = (self.data / "postmaster.pid").read_text().split("\n")[6].split()
        self.wait_for(lambda: not _attached(int(key[1])))


def _attached(segment: int) -> bool:
    """Whether a process still holds the server's shared memory segment."""
    for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1]) == segment:
            return int(fields[6]) > 0
    return False


def _closed(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


@contextmanager
def cluster(settings: Mapping[str, str], *, name: str = "pg", programs: Path | None = None) -> Iterator[Cluster]:
    """A server, of an older release if `programs` says so, with a table `effects` and a login `writer`."""
    with TemporaryDirectory(prefix="cluster") as folder:
        Path(folder).chmod(0o755)
        found = Cluster(Path(folder) / name, settings, programs=programs)
        found.start()
        try:
            found.execute(f"CREATE ROLE writer LOGIN PASSWORD '{PASSWORD}'")
            found.execute("CREATE TABLE effects (id bigserial PRIMARY KEY, tag text NOT NULL)")
            found.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON effects TO writer")
            found.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO writer")
            found.execute("CHECKPOINT")
            yield found
        finally:
            found.stop()
