"""A real gunicorn with one worker, on the portal's committed database, that stops where a ticket says."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from rest_framework_simplejwt.tokens import AccessToken

from accounts.models import User
from devtools.postgres import HOST, free_port
from executors import processes
from queries.models import QueryRequest
from queries.tests.faults.proxy import Proxy
from queries.tests.running.conftest import ROOT, portal_environment
from queries.tests.world import READ_VARIABLE, WRITE_VARIABLE, TargetDatabase, World, url_with


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

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> int:
        client = http.client.HTTPConnection(HOST, self.port, timeout=30)
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
    found = Portal(free_port())
    environment: dict[str, Any] = portal_environment() | {
        "DJANGO_SETTINGS_MODULE": "queries.tests.faults.settings",
        "PORTAL_BIND": f"{HOST}:{found.port}",
        "WEB_CONCURRENCY": "1",
        "PORTAL_RATE_LIMITS": "false",
    }
    log = Path(tmp_path_factory.mktemp("portal")) / "log"
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
