"""`make demo`: the portal, its database, two targets with real data, people and requests, until Ctrl-C.

Environment: PORT (8000), DEMO_DIR (.demo), DEMO_PASSWORD (portal-demo), MONGO_URL (a MongoDB of one's own, an
administrator's URL). State and secrets stay in DEMO_DIR; a second start finds them there.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from devtools import flights, keeper, mongo, postgres, servers, world
from devtools.binaries import UnavailableError

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_PASSWORD = "portal-demo"  # noqa: S105 - printed on the screen, for sample data
PORTAL_DATABASE = "portal"
# Owns the portal's tables; the portal itself runs as a login that owns nothing.
PORTAL_OWNER = "portal_owner"
PORTAL_LOGIN = "portal"
READY_SECONDS = 60
# Of the owner; only who migrates is given it.
MIGRATION = "PORTAL_MIGRATION_DATABASE_URL"
PASSWORDS = (
    "postgres",
    PORTAL_LOGIN,
    PORTAL_OWNER,
    flights.READER,
    flights.WRITER,
    flights.MAINTAINER,
    "mongo",
    world.READER,
    world.WRITER,
)


def say(text: str) -> None:
    """Tell the person at the terminal, at once."""
    print(text, flush=True)


def demo_folder() -> Path:
    """DEMO_DIR, made if it is not there. The servers' account must be able to pass through it, not list it."""
    folder = Path(os.environ.get("DEMO_DIR") or ROOT / ".demo").expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)
    return folder


@contextmanager
def only_demo_in(folder: Path) -> Iterator[None]:
    """Hold DEMO_DIR; a second demo in it ends with a sentence."""
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"A demo is already running on {folder}. Stop it first, or choose another DEMO_DIR.")
        yield


def own_secrets(folder: Path) -> dict[str, str]:
    """The demo's passwords and keys: random, made once, readable by their owner alone. The public key lies beside."""
    path = folder / "secrets.json"
    kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    made = {name: secrets.token_urlsafe(24) for name in PASSWORDS}
    made |= {"secret_key": secrets.token_urlsafe(48), "result_keys": servers.new_result_key("demo")}
    made["audit_key"] = servers.new_signing_key()
    # A demo from before there was one of them is given it.
    if made.keys() - kept.keys():
        kept = made | kept
        keep_secrets(path, kept)
    (folder / "audit-public-key.pem").write_text(servers.public_key(kept["audit_key"]))
    return kept


def keep_secrets(path: Path, made: dict[str, str]) -> None:
    """Store them, all or none."""
    staging = path.with_suffix(".new")
    staging.touch(mode=0o600)
    staging.write_text(json.dumps(made, indent=1))
    staging.rename(path)


def free_or_exit(port: int) -> None:
    """End with a sentence when the portal's port is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((postgres.HOST, port))
        except OSError as error:
            sys.exit(f"Port {port} cannot be used ({error.strerror}). Choose another: make demo PORT={port + 1}")


# --- databases -------------------------------------------------------------------------------------


def _has_role(url: str, name: str) -> bool:
    with psycopg.connect(url) as connection:
        return bool(connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone())


def _has_database(url: str, name: str) -> bool:
    with psycopg.connect(url) as connection:
        return bool(connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone())


def prepare_portal_database(server: postgres.Postgres, kept: dict[str, str]) -> None:
    """The portal's database, its owner and its login, made where missing; what the login owns is handed over."""
    url = server.url()
    for name in (PORTAL_OWNER, PORTAL_LOGIN):
        if not _has_role(url, name):
            servers.create_role(url, name=name, password=kept[name])
    if not _has_database(url, PORTAL_DATABASE):
        servers.create_database(url, name=PORTAL_DATABASE, owner=PORTAL_OWNER)
    # A demo from before there were two roles.
    servers.hand_over(server.url(PORTAL_DATABASE), before=PORTAL_LOGIN, owner=PORTAL_OWNER)
    servers.let_enter(url, database=PORTAL_DATABASE, login=PORTAL_LOGIN)


def start_postgresql(stack: ExitStack, folder: Path, kept: dict[str, str]) -> dict[str, str]:
    """Start PostgreSQL with the portal's database and the target `flights`; returns the variables for the portal."""
    server = stack.enter_context(postgres.running(folder / "postgresql", password=kept["postgres"]))
    prepare_portal_database(server, kept)
    if not _has_database(server.url(), flights.DATABASE):
        servers.create_database(server.url(), name=flights.DATABASE, owner=postgres.SUPERUSER)
    with psycopg.connect(server.url(flights.DATABASE)) as connection:
        loaded = connection.execute("SELECT to_regclass('public.flights')").fetchone() != (None,)
    if not loaded:
        say("Loading flights into PostgreSQL …")
        passwords = {"reader_password": kept[flights.READER], "writer_password": kept[flights.WRITER]}
        flights.load(server.url(flights.DATABASE), **passwords)
    flights.let_maintain(server.url(flights.DATABASE), kept[flights.MAINTAINER])
    return {
        "PORTAL_DATABASE_URL": server.url(PORTAL_DATABASE, user=PORTAL_LOGIN, password=kept[PORTAL_LOGIN]),
        MIGRATION: server.url(PORTAL_DATABASE, user=PORTAL_OWNER, password=kept[PORTAL_OWNER]),
        "FLIGHTS_READ_URL": server.url(flights.DATABASE, user=flights.READER, password=kept[flights.READER]),
        "FLIGHTS_WRITE_URL": server.url(flights.DATABASE, user=flights.WRITER, password=kept[flights.WRITER]),
        "FLIGHTS_MAINTENANCE_URL": server.url(
            flights.DATABASE, user=flights.MAINTAINER, password=kept[flights.MAINTAINER]
        ),
    }


def as_user(url: str, *, user: str, password: str, database: str) -> str:
    """A MongoDB administrator's URL, turned into another user's (of the database `admin`)."""
    parts = urlsplit(url)
    hosts = parts.netloc.rpartition("@")[2]
    query = parts.query if "authSource=" in parts.query else "&".join(filter(None, [parts.query, "authSource=admin"]))
    return urlunsplit((parts.scheme, f"{user}:{quote(password, safe='')}@{hosts}", f"/{database}", query, ""))


def _fill_world(url: str) -> None:
    """Load `world` unless it is there; a mark in the database `demo` says that the loading came to its end."""
    with MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=5000) as client:
        if client.demo.loaded.find_one({"_id": world.DATABASE}):
            return
        say("Loading countries, flights and cars into MongoDB …")
        world.load(url)
        client.demo.loaded.insert_one({"_id": world.DATABASE})


def start_mongodb(stack: ExitStack, folder: Path, kept: dict[str, str]) -> dict[str, str]:
    """Start MongoDB (or use MONGO_URL) with the target `world`; nothing, and a line that says why, where it cannot."""
    try:
        url = (
            os.environ.get("MONGO_URL")
            or stack.enter_context(mongo.running(folder / "mongodb", password=kept["mongo"])).url()
        )
        _fill_world(url)
        for name, role in ((world.READER, "read"), (world.WRITER, "readWrite")):
            mongo.put_user(url, name=name, password=kept[name], roles=[{"role": role, "db": world.DATABASE}])
    except (UnavailableError, PyMongoError) as error:
        say(f"Going on without MongoDB: {str(error).splitlines()[0]}")
        return {}
    reader, writer = (
        as_user(url, user=name, password=kept[name], database=world.DATABASE) for name in (world.READER, world.WRITER)
    )
    return {"WORLD_READ_URL": reader, "WORLD_WRITE_URL": writer}


def start_databases(stack: ExitStack, folder: Path, kept: dict[str, str]) -> dict[str, str]:
    """Start both servers side by side; returns the variables for the portal."""
    starts: tuple[Callable[[ExitStack, Path, dict[str, str]], dict[str, str]], ...] = (start_postgresql, start_mongodb)
    stacks = [stack.enter_context(ExitStack()) for _ in starts]
    with ThreadPoolExecutor() as pool:
        results = [pool.submit(start, own, folder, kept) for start, own in zip(starts, stacks, strict=True)]
    return {name: value for result in results for name, value in result.result().items()}


# --- the portal ------------------------------------------------------------------------------------


def portal_environment(port: int, folder: Path, kept: dict[str, str], databases: dict[str, str]) -> dict[str, str]:
    """The environment of every process of the portal."""
    return {
        **os.environ,
        **databases,
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DEMO_PASSWORD": os.environ.get("DEMO_PASSWORD") or DEFAULT_PASSWORD,
        "PORTAL_SECRET_KEY": kept["secret_key"],
        "PORTAL_RESULT_KEYS": kept["result_keys"],
        "PORTAL_AUDIT_KEY": kept["audit_key"],
        "PORTAL_CHECKPOINT_TO": f"file:{folder / 'checkpoints.jsonl'}",
        "PORTAL_BASE_URL": f"http://{postgres.HOST}:{port}",
        "PORTAL_ALLOWED_HOSTS": "localhost,127.0.0.1",
        "PORTAL_DEBUG": "false",
        "PORTAL_LOG_FORMAT": "line",
        # Plain HTTP on loopback: no secure cookies, no redirect to https.
        "PORTAL_SECURE": "false",
        "PORTAL_BIND": f"{postgres.HOST}:{port}",
        "PYTHONUNBUFFERED": "1",
    }


def run(environment: dict[str, str], *arguments: str) -> None:
    """Run Python to its end; end with its output when it fails."""
    command = [sys.executable, *arguments]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")


def static_fingerprint() -> str:
    """Changes when a static file of ours does, or a package that may bring some."""
    files = sorted(path for path in (ROOT / "static").rglob("*") if path.is_file())
    facts = [f"{path}:{path.stat().st_mtime_ns}" for path in (*files, ROOT / "requirements.txt")]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def collect_static(environment: dict[str, str]) -> None:
    """Hash and compress the static files, unless the last time still holds."""
    stamp = ROOT / "staticfiles" / ".fingerprint"
    fingerprint = static_fingerprint()
    if stamp.exists() and stamp.read_text() == fingerprint:
        return
    run(environment, "manage.py", "collectstatic", "--noinput", "--clear", "--verbosity=0")
    stamp.write_text(fingerprint)


@contextmanager
def serving(environment: dict[str, str], log: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run Python beside us; it is told to finish when we leave, and by its keeper should we be killed."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            keeper.command([sys.executable, *arguments], stop=signal.SIGTERM, user=None),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=environment,
            cwd=ROOT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        postgres.stop(process)


def wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for the first answer; end with the log when there is none."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):  # noqa: S310 - our own http:// address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    sys.exit(f"The portal did not start. The end of {log}:\n{log.read_text(errors='replace')[-4000:]}")


def announce(environment: dict[str, str], folder: Path, seconds: float) -> None:
    """Print the one block: where, who, how to stop."""
    url = environment["PORTAL_BASE_URL"]
    research = "research (world in MongoDB)" if "WORLD_READ_URL" in environment else "research (no MongoDB here)"
    say(f"""
Query Portal is ready after {seconds:.0f} s: {url}

  sign in as    who that is
  developer     asks, in the pod operations (flights in PostgreSQL)
  manager       decides, in the pod operations
  developer2    asks, in the pod {research}
  manager2      decides, in the pod research
  manager3      decides, in both: on what the other managers ask, too
  auditor       reads the audit log
  admin         users, pods and targets: {url}/admin/

  password      {environment["DEMO_PASSWORD"]}, the same for all
  API           {url}/api/docs/
  log, data     {folder}
  public key    {folder / "audit-public-key.pem"} verifies the audit log and evidence

Stop with Ctrl-C. The data is kept; the next start takes seconds.
""")


def stop_on_signals() -> None:
    """Make every polite way to end us the same: unwind, and stop what was started."""

    def leave(_signal: int, _frame: FrameType | None) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        sys.exit(0)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


def main() -> None:
    """Start everything, and wait for the end."""
    began = time.monotonic()
    stop_on_signals()
    port = int(os.environ.get("PORT") or 8000)
    folder = demo_folder()
    log = folder / "portal.log"
    with ExitStack() as stack:
        stack.enter_context(only_demo_in(folder))
        free_or_exit(port)
        kept = own_secrets(folder)
        say("Starting the databases …")
        databases = start_databases(stack, folder, kept)
        migrating = {MIGRATION: databases.pop(MIGRATION)}
        environment = portal_environment(port, folder, kept, databases)
        say("Preparing the portal …")
        collect_static(environment)
        log.unlink(missing_ok=True)
        # Nobody is answered before there is something to answer with.
        run(environment | migrating, "-m", "devtools.prepare")
        process = stack.enter_context(serving(environment, log, "-m", "gunicorn", "portal.wsgi"))
        stack.enter_context(serving(environment, log, "manage.py", "maintain"))
        wait_until_ready(environment["PORTAL_BASE_URL"], process, log)
        announce(environment, folder, time.monotonic() - began)
        code = process.wait()
        sys.exit(f"The portal ended by itself ({code}). The end of {log}:\n{log.read_text(errors='replace')[-4000:]}")


if __name__ == "__main__":
    try:
        main()
    except UnavailableError as failure:
        sys.exit(str(failure))
