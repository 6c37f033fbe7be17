"""`make demo`, as a stranger would use it: start, look, stop with Ctrl-C, start again."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path

import pytest

from devtools import demo, postgres, servers

START_SECONDS = 150
SECOND_START_SECONDS = 45


@pytest.fixture(scope="module")
def demo_folder() -> Iterator[Path]:
    with servers.throwaway_folder() as folder:
        yield folder


def processes_of(folder: Path) -> list[bytes]:
    """Command lines of the processes that have the demo's folder in their environment or on their command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile, or is somebody else's
            line = (entry / "cmdline").read_bytes()
            if line and os.fsencode(folder) in line + (entry / "environ").read_bytes():
                found.append(line)
    return found


@contextmanager
def running_demo(folder: Path, port: int | None = None) -> Iterator[tuple[str, float]]:
    """Start a demo and yield what it printed and the seconds it took; then stop it as Ctrl-C does."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    port = port or postgres.free_port()
    environment = {**own, "DEMO_DIR": str(folder), "PORT": str(port), "PYTHONUNBUFFERED": "1"}
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "devtools.demo"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    printed = ""
    for line in process.stdout:
        printed += line
        if line.startswith("Stop with"):
            break
    try:
        yield printed, time.monotonic() - began
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 0, printed
        assert processes_of(folder) == []


def first_answer(port: int, deadline: float) -> int:
    """What the first sign-in that is answered at all is answered with; 0 where none was by then."""
    sent = json.dumps({"username": "developer", "password": demo.DEFAULT_PASSWORD}).encode()
    address = f"http://127.0.0.1:{port}/api/v1/auth/token/"
    while time.monotonic() < deadline:
        try:
            request = urllib.request.Request(address, sent, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            time.sleep(0.05)
    return 0


@pytest.mark.slow
def test_first_start_is_quick_and_says_where_and_who(demo_folder: Path) -> None:
    port, deadline = postgres.free_port(), time.monotonic() + START_SECONDS
    with ThreadPoolExecutor() as pool:
        answered = pool.submit(first_answer, port, deadline)
        with running_demo(demo_folder, port) as (printed, seconds):
            assert answered.result() == HTTPStatus.OK
            assert seconds < START_SECONDS
            address = re.search(r"http://127\.0\.0\.1:\d+", printed)
            assert address, printed
            with urllib.request.urlopen(f"{address[0]}/accounts/login/", timeout=10) as page:
                assert page.status == HTTPStatus.OK
            for person in ("developer", "manager", "developer2", "manager2", "manager3", "auditor", "admin"):
                assert f"  {person} " in printed
            again = subprocess.run(
                [sys.executable, "-m", "devtools.demo"],
                env={**os.environ, "DEMO_DIR": str(demo_folder)},
                capture_output=True,
                check=False,
                text=True,
            )
            assert "already running" in again.stderr


@pytest.mark.slow
def test_second_start_is_quicker_and_keeps_the_data(demo_folder: Path) -> None:
    if not (demo_folder / "secrets.json").exists():
        with running_demo(demo_folder):
            pass
    with running_demo(demo_folder) as (printed, seconds):
        assert seconds < SECOND_START_SECONDS, printed
        assert "Loading" not in printed


def test_secrets_are_made_once_and_readable_by_their_owner_alone(tmp_path: Path) -> None:
    made = demo.own_secrets(tmp_path)
    assert demo.own_secrets(tmp_path) == made
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mongodb://root:x@db:1/admin?replicaSet=r", "mongodb://me:p%2F@db:1/world?replicaSet=r&authSource=admin"),
        ("mongodb://db:1,db:2/?authSource=admin", "mongodb://me:p%2F@db:1,db:2/world?authSource=admin"),
        ("mongodb://db", "mongodb://me:p%2F@db/world?authSource=admin"),
    ],
)
def test_an_administrators_url_becomes_a_users(url: str, expected: str) -> None:
    assert demo.as_user(url, user="me", password="p/", database="world") == expected
