"""Beside a peer, in the same run: django-sql-explorer under the same gunicorn, on the same server.

Its page runs the statement each time it is looked at and shows the first rows; ours is approved and run once, its
result stored sealed, and then shown. Both times are told: `run and shown` for both, and `shown again`.
"""

import http.client
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.figure import Figure, in_turns, seconds
from bench.stage import ROOT, Client, Stage, submit
from devtools.postgres import free_port
from devtools.servers import create_database

VENV = ROOT / ".venv-peers"
PACKAGES = ("django-sql-explorer==5.3.1", "gunicorn", "psycopg[binary]", "whitenoise")
SITE = Path(__file__).parent / "explorer"
ROWS = (1, 1_000, 10_000, 100_000)
MILLION = "select * from million"
ROUNDS = 5
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Peer:
    """The running peer: its port, its process, its signed-in session, and the numbers of its queries."""

    port: int
    pid: int
    session: str
    queries: dict[str, int]

    def page(self, statement: str) -> None:
        """Look at the page of a query, which runs it."""
        self._get(f"/explorer/{self.queries[statement]}/")

    def csv(self, statement: str) -> None:
        """Download it."""
        self._get(f"/explorer/{self.queries[statement]}/download?format=csv")

    def memory(self) -> float:
        """The largest resident size of a worker, MiB."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii").split()
        sizes = [int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) for pid in children]
        return max(sizes) * 4096 / MIB

    def _get(self, path: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request("GET", path, headers={"Cookie": f"sessionid={self.session}"})
        response = connection.getresponse()
        body = response.read()
        connection.close()
        if response.status != http.client.OK:
            raise RuntimeError(f"{path}: {response.status} {body[:300]!r}")


def measure(stage: Stage) -> Iterator[Figure]:
    """One figure a size: ours ÷ theirs, each with its milliseconds; then CSV and memory."""
    statements = {rows: f"select * from flights limit {rows}" for rows in ROWS}
    with _explorer(stage, [*statements.values(), MILLION]) as peer:
        author, manager = Client(stage.port, "author"), Client(stage.port, "manager0")
        for rows, statement in statements.items():
            yield from _page(author, manager, peer, rows, statement)
        manager.hang_up()
        query = manager.approve(submit(MILLION))
        author.hang_up()
        path = f"queries/{query['id']}/result.csv"
        ours, theirs = (seconds(lambda: author.download(path)), seconds(lambda: peer.csv(MILLION)))
        yield Figure("CSV of 1M rows: ours ÷ explorer's", ours / theirs, note=f"{ours:.1f} s against {theirs:.1f} s")
        ours, theirs = stage.worker_memory() / MIB, peer.memory()
        note = f"{ours:.0f} MiB against {theirs:.0f} MiB"
        yield Figure("memory of a worker afterwards: ours ÷ explorer's", ours / theirs, note=note)


def _page(author: Client, manager: Client, peer: Peer, rows: int, statement: str) -> Iterator[Figure]:
    queries = iter([submit(statement) for _ in range(ROUNDS + 1)])
    seen: list[str] = []

    def run_and_show() -> None:
        for client in (author, manager):
            client.hang_up()
        seen.append(manager.approve(next(queries))["id"])
        author.get(f"queries/{seen[-1]}/result/?limit=200")

    def show() -> None:
        author.get(f"queries/{seen[-1]}/result/?limit=200")

    first, again, theirs = in_turns([run_and_show, show, lambda: peer.page(statement)], ROUNDS)
    for name, ours in (("run and shown", first), ("shown again", again)):
        note = f"{ours * 1000:.0f} ms against {theirs * 1000:.0f} ms"
        yield Figure(f"{rows:,} rows, {name}: ours ÷ explorer's page", ours / theirs, note=note)


@contextmanager
def _explorer(stage: Stage, statements: list[str]) -> Iterator[Peer]:
    python = _environment()
    create_database(stage.admin_url, name="explorer", owner="portal")
    port = free_port()
    variables = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "settings",
        "EXPLORER_SECRET_KEY": secrets.token_urlsafe(48),
        "EXPLORER_DATABASE_URL": stage.admin_url.rpartition("/")[0] + "/explorer",
        "EXPLORER_TARGET_URL": stage.reader_url,
    }
    prepared = subprocess.run(
        [python, "prepare.py", *statements], cwd=SITE, env=variables, check=True, stdout=subprocess.PIPE
    )
    found = json.loads(prepared.stdout.splitlines()[-1])  # migrations may print before it
    # As ours: two workers, and as many threads as it needs here.
    command = [python, "-m", "gunicorn", "-w2", "--threads=8", "-t600", f"-b127.0.0.1:{port}"]
    process = subprocess.Popen([*command, "django.core.wsgi:get_wsgi_application()"], cwd=SITE, env=variables)
    try:
        peer = Peer(port, process.pid, found["session"], found["queries"])
        _wait(peer, statements[0])
        yield peer
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait(peer: Peer, statement: str) -> None:
    for _ in range(300):
        try:
            peer.page(statement)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("django-sql-explorer did not start")


def _environment() -> str:
    """The interpreter of a virtual environment of the peers' own, made if it is not there."""
    python = str(VENV / "bin" / "python")
    if not Path(python).exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return python
