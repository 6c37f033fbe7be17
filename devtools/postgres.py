"""An embedded PostgreSQL: passwords over loopback TCP, stopped when we end."""

from __future__ import annotations

import secrets
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg

from devtools import keeper
from devtools.binaries import Account, UnavailableError, data_folder, postgresql_programs, server_account

HOST = "127.0.0.1"
SUPERUSER = "postgres"
START_SECONDS = 30.0
# The same order and case of letters on every machine. Before 17 the server takes them from the operating system.
_LOCALE = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
_OLDER_LOCALE = ("--locale=C.UTF-8",)
# What a data folder survives: by default everything that was committed, as in production; for a test, nothing.
THROWAWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
COMMON = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "max_connections": "120",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server. The repr never shows the password."""

    port: int
    password: str = field(repr=False)

    def url(self, database: str = "postgres", *, user: str = SUPERUSER, password: str | None = None) -> str:
        """The URL of one database; the superuser's unless told otherwise."""
        secret = self.password if password is None else password
        return f"postgresql://{quote(user)}:{quote(secret, safe='')}@{HOST}:{self.port}/{quote(database)}"


def free_port() -> int:
    """A TCP port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _initialise(programs: Path, data: Path, password: str, account: Account, locale: Sequence[str]) -> None:
    """Make an empty cluster in `data`."""
    uid, gid = account.ids or (None, None)
    with tempfile.NamedTemporaryFile("w", suffix=".pw") as secret:
        secret.write(password)
        secret.flush()
        account.own(Path(secret.name))
        made = subprocess.run(
            [
                programs / "initdb",
                f"--pgdata={data}",
                f"--username={SUPERUSER}",
                f"--pwfile={secret.name}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                *locale,
                "--no-instructions",
                "--no-sync",
            ],
            capture_output=True,
            check=False,
            text=True,
            cwd="/",
            user=uid,
            group=gid,
            extra_groups=[] if account.ids else None,
        )
    if made.returncode != 0:
        message = f"initdb failed: {made.stderr.strip()[-2000:]}"
        raise UnavailableError(message)


def _wait(server: Postgres, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            psycopg.connect(server.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    message = f"PostgreSQL did not start: {log.read_text()[-2000:]}"
    raise UnavailableError(message)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a kept server and wait until it is gone."""
    if process.stdin:
        process.stdin.close()
    process.wait(keeper.PATIENCE_SECONDS + 5)


@contextmanager
def running(
    state: Path,
    *,
    password: str | None = None,
    port: int = 0,
    durable: bool = True,
    more: Mapping[str, str] | None = None,
    older: Path | None = None,
) -> Iterator[Postgres]:
    """Run a server whose data lives in `state`, making it on first use; `more` are settings of its own.

    `password` is the superuser's, and must be the same every time for the same `state`. `older` has the
    programs of an older release, to be run instead of the packaged one. Raises `UnavailableError`.
    """
    account = server_account()
    programs = older or postgresql_programs(account)
    server = Postgres(port or free_port(), password or secrets.token_urlsafe(24))
    data = data_folder(state, account)
    if not (data / "PG_VERSION").exists():
        _initialise(programs, data, server.password, account, _OLDER_LOCALE if older else _LOCALE)
    settings = COMMON | ({} if durable else THROWAWAY) | dict(more or {}) | {"port": str(server.port)}
    options = [f"--{name}={value}" for name, value in settings.items()]
    program: list[str | Path] = [programs / "postgres", "-D", data, *options]
    log = state.with_name(f"{state.name}.log")
    with log.open("ab") as output:
        process = subprocess.Popen(
            keeper.command(program, stop=signal.SIGINT, user=account.ids),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd="/",
            start_new_session=True,
        )
    try:
        _wait(server, process, log)
        yield server
    finally:
        stop(process)
