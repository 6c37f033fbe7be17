"""Throw-away servers for the tests and the checks, and the environment the portal needs to use them.

`python -m devtools.servers PROGRAM ARG…` runs PROGRAM with a fresh PostgreSQL (and MongoDB, where there is one).
"""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)
from psycopg import sql

from devtools import mongo, postgres
from devtools.binaries import UnavailableError

OWNER = "portal"
POSTGRES_URL = "PORTAL_TEST_POSTGRES_URL"
MONGO_URL = "PORTAL_TEST_MONGO_URL"
MONGO_MISSING = "PORTAL_TEST_MONGO_MISSING"


def new_result_key(name: str) -> str:
    """One entry of `PORTAL_RESULT_KEYS`: `name` and 32 random bytes."""
    return f"{name}:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def new_signing_key() -> str:
    """A `PORTAL_AUDIT_KEY`, in one line."""
    key = Ed25519PrivateKey.generate()
    return base64.b64encode(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())).decode()


def public_key(signing_key: str) -> str:
    """The public key, in PEM, of a `PORTAL_AUDIT_KEY`."""
    key = load_der_private_key(base64.b64decode(signing_key), password=None)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def create_role(url: str, *, name: str, password: str, createdb: bool = False) -> None:
    """Create a role that may sign in: no superuser, as in production. `url` is a superuser's."""
    statement = sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEROLE {} PASSWORD {}").format(
        sql.Identifier(name), sql.SQL("CREATEDB" if createdb else "NOCREATEDB"), sql.Literal(password)
    )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def create_database(url: str, *, name: str, owner: str) -> None:
    """Create a database that nobody but its owner may enter. `url` is a superuser's."""
    with psycopg.connect(url, autocommit=True) as connection:
        database = sql.Identifier(name)
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, sql.Identifier(owner)))
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))


def let_enter(url: str, *, database: str, login: str) -> None:
    """Let a role into a database; what it may do there is given by migrating. `url` is a superuser's."""
    words = sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(database), sql.Identifier(login))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(words)


def hand_over(url: str, *, before: str, owner: str) -> None:
    """Give what one role owns to another, the database that a superuser's `url` names among it."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("REASSIGN OWNED BY {} TO {}").format(sql.Identifier(before), sql.Identifier(owner)))


@contextmanager
def throwaway_folder() -> Iterator[Path]:
    """A temporary folder that the servers' account can pass through."""
    folder = Path(tempfile.mkdtemp(prefix="query-portal-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start_postgres(stack: ExitStack, folder: Path) -> dict[str, str]:
    server = stack.enter_context(postgres.running(folder / "postgresql", durable=False))
    create_role(server.url(), name=OWNER, password=OWNER, createdb=True)
    create_database(server.url(), name=OWNER, owner=OWNER)
    return {
        POSTGRES_URL: server.url(),
        "PORTAL_DATABASE_URL": server.url(OWNER, user=OWNER, password=OWNER),
    }


def _start_mongo(stack: ExitStack, folder: Path) -> dict[str, str]:
    try:
        server = stack.enter_context(mongo.running(folder / "mongodb"))
    except UnavailableError as error:
        if os.environ.get("CI") == "true":
            raise
        return {MONGO_MISSING: str(error)}
    return {MONGO_URL: server.url()}


def _portal() -> dict[str, str]:
    return {
        "PORTAL_SECRET_KEY": secrets.token_urlsafe(48),
        "PORTAL_RESULT_KEYS": new_result_key("test"),
        "PORTAL_AUDIT_KEY": new_signing_key(),
        # Static files straight from their folders; the test runner itself turns DEBUG off.
        "PORTAL_DEBUG": "true",
        "PORTAL_SECURE": "false",
        "PORTAL_ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
    }


def settings_only() -> dict[str, str]:
    """The environment of a process that reads Django's settings and reaches no server."""
    return _portal() | {"PORTAL_DATABASE_URL": f"postgresql://{OWNER}@127.0.0.1:1/{OWNER}"}


@contextmanager
def throwaway() -> Iterator[dict[str, str]]:
    """Run both servers, and yield the environment for a portal on them. A server named in ours is used as it is.

    Raises `UnavailableError` without PostgreSQL, and, where `CI` is `true`, without MongoDB.
    """
    environment = _portal()
    with throwaway_folder() as folder, ExitStack() as first, ExitStack() as second, ThreadPoolExecutor() as pool:
        starts = []
        if POSTGRES_URL not in os.environ or "PORTAL_DATABASE_URL" not in os.environ:
            starts.append(pool.submit(_start_postgres, first, folder))
        if MONGO_URL not in os.environ:
            starts.append(pool.submit(_start_mongo, second, folder))
        for start in starts:
            environment |= start.result()
        yield environment


def main(arguments: Sequence[str]) -> int:
    """Run one program with throw-away servers; the exit status is the program's."""
    with throwaway() as environment:
        return subprocess.run(arguments, check=False, env={**os.environ, **environment}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
