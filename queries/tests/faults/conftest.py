"""A real gunicorn with one worker, on the portal's committed database, that stops where a ticket says."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client as DjangoClient
from rest_framework_simplejwt.tokens import AccessToken

from accounts.models import User
from devtools.postgres import HOST, free_port
from executors import processes
from queries.models import QueryRequest
from queries.tests.faults.proxy import Proxy
from queries.tests.running.conftest import ROOT, portal_environment
from queries.tests.world import READ_VARIABLE, WRITE_VARIABLE, TargetDatabase, World, url_with


def _session(person: User) -> str:
    client = DjangoClient()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


@dataclass(frozen=True, slots=True)
class Portal:
    port: int
    pid: int = 0

    def approve(self, query: QueryRequest, by: User) -> int:
        """The answer's status; 0 when the portal died instead of answering."""
        return self.act("approve", query, by)

    def processes(self, words: str) -> list[int]:
        """Those of its processes whose command has these words, the oldest of them first."""
        found, left = [], [self.pid]
        while left:
            pid = left.pop(0)
            with suppress(OSError):
                # A child belongs to the thread that started it.
                for children in Path(f"/proc/{pid}/task").glob("*/children"):
                    left += map(int, children.read_text().split())
                if words in Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "):
                    found.append(pid)
        return found

    def act(self, verb: str, query: QueryRequest, by: User) -> int:
        """The answer's status; 0 when the portal died instead of answering."""
        body = json.dumps({"digest": query.digest})
        headers = {
            "Authorization": f"Bearer {AccessToken.for_user(by)}",
            "Content-Type": "application/json",
            "Host": "localhost",
        }
        try:
            return self._ask("POST", f"/api/v1/queries/{query.public_id}/{verb}/", body, headers)
        except (ConnectionError, http.client.HTTPException):
            return 0

    def ready(self) -> bool:
        """Whether it answers."""
        try:
            return self._ask("GET", "/healthz", None, {"Host": "localhost"}) == 200
        except (OSError, http.client.HTTPException):
            return False

    def get(self, path: str, by: User | None = None, *, seconds: float) -> float:
        """How long a page took. Raises TimeoutError after so many seconds."""
        cookies = {} if by is None else {"Cookie": _session(by)}
        started = time.monotonic()
        assert self._ask("GET", path, None, {"Host": "localhost", **cookies}, seconds) == 200, path
        return time.monotonic() - started

    def post(self, path: str, body: dict[str, object], by: User) -> tuple[int, float]:
        """The status of a call's answer, and how long it took."""
        headers = {
            "Authorization": f"Bearer {AccessToken.for_user(by)}",
            "Content-Type": "application/json",
            "Host": "localhost",
        }
        started = time.monotonic()
        status = self._ask("POST", path, json.dumps(body), headers)
        return status, time.monotonic() - started

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str], seconds: float = 30) -> int:
        client = http.client.HTTPConnection(HOST, self.port, timeout=seconds)
        try:
            client.request(method, path, body, headers)
            answer = client.getresponse()
            answer.read()
            return answer.status
        finally:
            client.close()


@pytest.fixture(scope="module")
def portal(committed: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """gunicorn as in production, but for one worker and the points."""
    points = {"DJANGO_SETTINGS_MODULE": "queries.tests.faults.settings", "WEB_CONCURRENCY": "1"}
    with served(tmp_path_factory.mktemp("portal"), points) as found:
        yield found


@contextmanager
def served(folder: Path, changed: dict[str, str]) -> Iterator[Portal]:
    """gunicorn as in production, on the database that is connected now, with some settings of its own."""
    found = Portal(free_port())
    environment = portal_environment() | {
        "PORTAL_BIND": f"{HOST}:{found.port}",
        "PORTAL_RATE_LIMITS": "false",
        **changed,
    }
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "portal.wsgi"], cwd=ROOT, env=environment, stdout=out, stderr=out
        )
    try:
        by = time.monotonic() + 30
        while not found.ready():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < by, log.read_text()
            time.sleep(0.1)
        yield replace(found, pid=process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


@pytest.fixture
def proxy(world: World, target_database: TargetDatabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """Between the portal and the target."""
    there = urlsplit(target_database.write_url)
    proxy = Proxy(str(there.hostname), there.port or 0)
    for variable, url in ((READ_VARIABLE, target_database.read_url), (WRITE_VARIABLE, target_database.write_url)):
        monkeypatch.setenv(variable, url_with(url, database=target_database.name, port=proxy.port))
    yield proxy
    proxy.close()
    # Helpers keep connections to a proxy that is gone.
    processes.close()
