"""A portal as in production, on durable servers of its own: gunicorn, two workers, and its people."""

import http.client
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from devtools import flights, mongo, postgres
from devtools.binaries import UnavailableError
from devtools.servers import OWNER, create_database, create_role, new_result_key, throwaway_folder

if TYPE_CHECKING:
    from django.test import Client as Browser

PASSWORD = "bench-password-of-no-value"  # noqa: S105 -- of a server that lives for minutes
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Stage:
    """`port` of the portal, the target's URLs, an administrator's of the portal's own database and of MongoDB ("" where
    there is none), and gunicorn's process id.
    """

    port: int
    reader_url: str
    admin_url: str
    mongo_url: str
    pid: int

    def workers(self) -> list[int]:
        """Process ids of the gunicorn workers, without their helpers."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii").split()
        return [int(child) for child in children]

    def worker_memory(self) -> int:
        """The largest resident size of a worker, bytes."""
        return (
            max(int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) for pid in self.workers()) * 4096
        )


class Client:
    """One person's connection to the API, kept open."""

    def __init__(self, port: int, username: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._headers = {"Content-Type": "application/json"}
        answer = self.post("auth/token/", {"username": username, "password": PASSWORD})
        self._headers["Authorization"] = f"Bearer {answer['access']}"

    def hang_up(self) -> None:
        """Let the next call open a connection anew: the server ends one that was idle for seconds."""
        self._connection.close()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Post JSON; the answer. Raises RuntimeError for anything but success."""
        self._connection.request("POST", f"/api/v1/{path}", json.dumps(body), self._headers)
        return self._answer(path)

    def get(self, path: str) -> Any:
        """Get JSON."""
        self._connection.request("GET", f"/api/v1/{path}", headers=self._headers)
        return self._answer(path)

    def download(self, path: str) -> tuple[int, float]:
        """Read a whole body without keeping it: its bytes, and the seconds until the first."""
        started = time.perf_counter()
        self._connection.request("GET", f"/api/v1/{path}", headers=self._headers)
        response = self._connection.getresponse()
        size, first = len(response.read1(1)), time.perf_counter() - started
        while data := response.read(1 << 16):
            size += len(data)
        return size, first

    def approve(self, query: dict[str, Any]) -> dict[str, Any]:
        """Approve and run it. Raises RuntimeError when it did not end as EXECUTED."""
        answer: dict[str, Any] = self.post(f"queries/{query['id']}/approve/", {"digest": query["digest"]})
        if answer["status"] != "EXECUTED":
            raise RuntimeError(answer["execution"])
        return answer

    def _answer(self, path: str) -> Any:
        response = self._connection.getresponse()
        body = response.read()
        if response.status >= http.client.MULTIPLE_CHOICES:
            raise RuntimeError(f"{path}: {response.status} {body[:500]!r}")
        return json.loads(body)


def submit(statement: str, *, target: str = "flights", language: str = "sql") -> dict[str, Any]:
    """Ask for a statement, through the service: submitting over HTTP is rate-limited, and not what is measured."""
    from accounts.models import User  # noqa: PLC0415 -- the stage has set Django up
    from queries.services import Draft, submit  # noqa: PLC0415

    draft = Draft(pod="bench", target=target, language=language, statement=statement, access="read", reason="Measuring")
    query = submit(actor=User.objects.get(username="author"), draft=draft)
    return {"id": str(query.public_id), "digest": query.digest}


def page(browser: "Browser", url: str) -> None:
    """Ask for a page in this process. Raises RuntimeError for anything but a page."""
    response = browser.get(url)
    if response.status_code != http.client.OK:
        raise RuntimeError(f"{url}: {response.status_code}")


@contextmanager
def staged(*, mongodb: bool = True) -> Iterator[Stage]:
    """Start everything, MongoDB only if wanted and there.

    `os.environ` is that of the portal, so that Django may also be used in this process.
    """
    with throwaway_folder() as folder, ExitStack() as stack:
        server = stack.enter_context(postgres.running(folder / "postgresql", durable=True))
        create_role(server.url(), name=OWNER, password=OWNER, createdb=True)
        create_database(server.url(), name=OWNER, owner=OWNER)
        create_database(server.url(), name="flights", owner="postgres" if "postgres@" in server.url() else OWNER)
        target_url = server.url("flights")
        password = secrets.token_hex(12)
        flights.load(target_url, reader_password=password, writer_password=password)
        _million(target_url)
        port = postgres.free_port()
        os.environ.update(_environment(server, password, port))
        mongo_url = _mongodb(stack, folder, password) if mongodb else ""
        _fill()
        process = stack.enter_context(_gunicorn(port))
        yield Stage(port, os.environ["BENCH_READ_URL"], server.url(OWNER), mongo_url, process.pid)


def _mongodb(stack: ExitStack, folder: Path, password: str) -> str:
    try:
        server = stack.enter_context(mongo.running(folder / "mongodb"))
    except UnavailableError as error:
        print(f"Going on without MongoDB: {error}")
        return ""
    mongo.put_user(server.url(), name="reader", password=password, roles=[{"role": "read", "db": "bench"}])
    os.environ["BENCH_MONGO_URL"] = server.url("bench", user="reader", password=password)
    return server.url()


def _million(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE million AS SELECT row_number() OVER () AS number, f.* FROM flights AS f, "
            "generate_series(1, 3) LIMIT 1000000"
        )
        connection.execute(f"GRANT SELECT ON million TO {flights.READER}")
        connection.execute("VACUUM ANALYZE million")


def _environment(server: postgres.Postgres, password: str, port: int) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "PORTAL_DATABASE_URL": server.url(OWNER, user=OWNER, password=OWNER),
        "PORTAL_SECRET_KEY": secrets.token_urlsafe(48),
        "PORTAL_RESULT_KEYS": new_result_key("bench"),
        "PORTAL_SECURE": "false",
        "PORTAL_BASE_URL": f"http://127.0.0.1:{port}",
        "PORTAL_LOG_LEVEL": "WARNING",
        "PORTAL_RATE_LIMITS": "true",
        "PORTAL_BIND": f"127.0.0.1:{port}",
        "WEB_CONCURRENCY": "2",
        "PORTAL_POD_PLACES": "16",
        "BENCH_READ_URL": server.url("flights", user=flights.READER, password=password),
        "BENCH_WRITE_URL": server.url("flights", user=flights.WRITER, password=password),
    }


def _fill() -> None:
    for command in (("migrate", "-v0"), ("collectstatic", "--noinput", "-v0")):
        subprocess.run([sys.executable, "manage.py", *command], check=True, cwd=ROOT)
    import django  # noqa: PLC0415 -- only now is the environment that of the portal

    django.setup()
    from accounts.models import SYSTEM, Role, User  # noqa: PLC0415
    from pods.membership import create_pod, set_members  # noqa: PLC0415
    from pods.models import Target  # noqa: PLC0415

    author = User.objects.create_user("author", password=PASSWORD)
    managers = [User.objects.create_user(f"manager{i}", password=PASSWORD, role=Role.MANAGER) for i in range(8)]
    pod = create_pod(actor=SYSTEM, name="Bench", slug="bench")
    set_members(actor=SYSTEM, pod=pod, developers=[author], managers=managers)
    Target.objects.create(
        pod=pod,
        name="Flights",
        slug="flights",
        engine="postgresql",
        read_url_variable="BENCH_READ_URL",
        write_url_variable="BENCH_WRITE_URL",
        rows_limit=2_000_000,
        bytes_limit=2_000_000_000,
        seconds_limit=300,
    )


@contextmanager
def _gunicorn(port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "portal.wsgi"]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        _wait(port)
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait(port: int) -> None:
    for _ in range(300):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == http.client.OK:
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("gunicorn did not start")
