"""An embedded MongoDB: a one-member replica set with authentication on, so that transactions and roles are real."""

from __future__ import annotations

import base64
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from devtools import keeper
from devtools.binaries import UnavailableError, data_folder, mongod_program, server_account
from devtools.postgres import HOST, free_port, stop

ADMIN = "admin"
REPLICA_SET = "portal"
START_SECONDS = 40.0
ALREADY_INITIALISED = 23
USER_EXISTS = 51003


@dataclass(frozen=True, slots=True)
class Mongo:
    """A running server. The repr never shows the password."""

    port: int
    password: str = field(repr=False)

    def url(self, database: str = "admin", *, user: str = ADMIN, password: str | None = None) -> str:
        """The URL of one database, for a user of the `admin` database."""
        secret = quote(self.password if password is None else password, safe="")
        options = f"authSource=admin&replicaSet={REPLICA_SET}&directConnection=true"
        return f"mongodb://{quote(user)}:{secret}@{HOST}:{self.port}/{quote(database)}?{options}"


def put_user(url: str, *, name: str, password: str, roles: list[dict[str, str]]) -> None:
    """Create the user `name` in the `admin` database, or give it this password and these roles."""
    with MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=5000) as client:
        try:
            client.admin.command("createUser", name, pwd=password, roles=roles)
        except OperationFailure as error:
            if error.code != USER_EXISTS:
                raise
            client.admin.command("updateUser", name, pwd=password, roles=roles)


def _bare(port: int) -> MongoClient[dict[str, Any]]:
    """A client without a user: what the localhost exception allows before there is one."""
    return MongoClient(HOST, port, directConnection=True, serverSelectionTimeoutMS=500, connectTimeoutMS=500)


def _initialise(server: Mongo) -> None:
    """Make a fresh server a replica set of one and create its administrator."""
    with _bare(server.port) as client:
        member = {"_id": 0, "host": f"{HOST}:{server.port}"}
        try:
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [member]})
        except OperationFailure as error:
            if error.code != ALREADY_INITIALISED:
                raise
        _wait_for_primary(client)
        client.admin.command("createUser", ADMIN, pwd=server.password, roles=["root"])


def _wait_for_primary(client: MongoClient[dict[str, Any]]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not client.admin.command("hello")["isWritablePrimary"]:
        if time.monotonic() > deadline:
            message = "mongod did not become primary"
            raise UnavailableError(message)
        time.sleep(0.05)


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    with _bare(port) as client:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                client.admin.command("ping")
            except PyMongoError:
                time.sleep(0.05)
            else:
                return
    message = f"mongod did not start: {log.read_text(errors='replace')[-1000:]}"
    raise UnavailableError(message)


def _key_file(data: Path) -> Path:
    """The file that turns authentication on in a replica set; mongod wants it readable by its own user alone."""
    path = data / "keyfile"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(base64.b64encode(secrets.token_bytes(96)))
        server_account().own(path)
    return path


def _ready(server: Mongo, marker: Path) -> None:
    """Bring the server to the state every start shares: primary, with its administrator."""
    if not marker.exists():
        _initialise(server)
        marker.write_text(str(server.port))
        return
    with MongoClient[dict[str, Any]](server.url(), serverSelectionTimeoutMS=5000) as client:
        _wait_for_primary(client)


@contextmanager
def running(state: Path, *, password: str | None = None, port: int = 0) -> Iterator[Mongo]:
    """Run a server whose data lives in `state`, making it on first use.

    The port of a replica set's member is part of its configuration, so the first start's port is kept; `password` is
    the administrator's, the same every time for the same `state`. Raises `UnavailableError`.
    """
    account = server_account()
    program = mongod_program(account)
    data = data_folder(state, account)
    marker = state.with_name(f"{state.name}.port")
    kept = int(marker.read_text()) if marker.exists() else 0
    server = Mongo(kept or port or free_port(), password or secrets.token_urlsafe(24))
    options = (
        f"--dbpath {data} --port {server.port} --bind_ip {HOST} --replSet {REPLICA_SET} --keyFile {_key_file(data)}"
    )
    memory = "--wiredTigerCacheSizeGB 0.5 --oplogSize 128 --nounixsocket --quiet"
    log = state.with_name(f"{state.name}.log")
    with log.open("ab") as output:
        process = subprocess.Popen(
            keeper.command([program, *options.split(), *memory.split()], stop=signal.SIGTERM, user=account.ids),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd="/",
            start_new_session=True,
        )
    try:
        _wait(server.port, process, log)
        _ready(server, marker)
        yield server
    finally:
        stop(process)
