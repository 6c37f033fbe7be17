"""Two replicas behind nginx, as `deploy/nginx.conf` has it, restarted one after the other while people work."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from rest_framework_simplejwt.tokens import AccessToken

from accounts.models import User
from conftest import missing
from devtools.postgres import HOST, free_port
from queries.models import Execution, QueryRequest
from queries.tests.faults.conftest import Portal
from queries.tests.running.conftest import ROOT, portal_environment, wait_for
from queries.tests.world import TargetDatabase, World

SETTINGS = {
    "PORTAL_SECURE": "true",
    "PORTAL_TRUSTED_PROXIES": "1",
    "WEB_CONCURRENCY": "1",
    "PORTAL_RATE_LIMITS": "false",
}
PEOPLE = 3
# A busy machine may take its time.
START_SECONDS = 120
# Of a statement that is under way whenever a replica is told to stop.
SECONDS = 2
pytestmark = pytest.mark.slow


# --- the replicas ----------------------------------------------------------------------------------


@dataclass(slots=True)
class Replica:
    """One gunicorn, which can be stopped and started again on the same port."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it says that it can work."""
        environment = portal_environment() | SETTINGS | {"PORTAL_BIND": f"{HOST}:{self.port}"}
        with (self.folder / f"{self.port}.log").open("ab") as out:
            command = [sys.executable, "-m", "gunicorn", "portal.wsgi"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)
        wait_for(Portal(self.port).ready, seconds=START_SECONDS)

    def stop(self) -> int:
        """Tell it to finish; its exit status once it has."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


# --- nginx -----------------------------------------------------------------------------------------


def certify(folder: Path) -> None:
    """A certificate of our own for localhost: `tls.crt`, `tls.key`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "tls.crt").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "tls.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@dataclass(frozen=True, slots=True)
class Proxy:
    """nginx with the configuration that is deployed, but for its paths and ports."""

    folder: Path
    port: int

    def configure(self) -> None:
        """Write the configuration, moved into the folder."""
        text = (ROOT / "deploy" / "nginx.conf").read_text()
        for before, after in {
            "listen 80;": f"listen {HOST}:{free_port()};",
            "listen 443 ssl;": f"listen {HOST}:{self.port} ssl;",
            "worker_processes auto;": "worker_processes 1;",
            "/run/nginx.pid": f"{self.folder}/nginx.pid",
            "/dev/stderr": f"{self.folder}/nginx.log",
            "/etc/nginx/portal/": f"{self.folder}/",
            "/etc/nginx/tls/": f"{self.folder}/",
            "http {": "http {\n" + "".join(f"{kind}_temp_path {self.folder}/{kind};\n" for kind in TEMPORARY),
        }.items():
            assert before in text, before
            text = text.replace(before, after)
        (self.folder / "nginx.conf").write_text(text)

    def send_to(self, *replicas: Replica) -> None:
        """Name the replicas that requests go to from now on."""
        lines = "".join(f"server {HOST}:{replica.port};\n" for replica in replicas)
        (self.folder / "upstream.conf").write_text(lines)

    def run(self, *arguments: str) -> None:
        """nginx's own command."""
        command = ["nginx", "-p", str(self.folder), "-e", f"{self.folder}/nginx.log", "-c", f"{self.folder}/nginx.conf"]
        own = {**os.environ, "PATH": PATH}
        ended = subprocess.run([*command, *arguments], env=own, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr

    def workers(self) -> set[str]:
        """Its processes that answer, as numbers."""
        master = (self.folder / "nginx.pid").read_text().strip()
        return set(Path(f"/proc/{master}/task/{master}/children").read_text().split())

    def reload(self) -> None:
        """Take the new names; what came before is answered by those who took it."""
        before = self.workers()
        self.run("-s", "reload")
        wait_for(lambda: bool(self.workers() - before))


# Where Debian has it, ordinary people do not look.
PATH = f"{os.environ['PATH']}:/usr/sbin"
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@contextmanager
def proxied(folder: Path, *replicas: Replica) -> Iterator[Proxy]:
    """Run nginx before the replicas."""
    if not shutil.which("nginx", path=PATH):
        missing("no nginx: install the package `nginx`")
    folder.chmod(0o755)
    proxy = Proxy(folder, free_port())
    certify(folder)
    proxy.configure()
    proxy.send_to(*replicas)
    proxy.run()
    try:
        yield proxy
    finally:
        proxy.run("-s", "stop")


# --- people ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class People:
    """They ask, approve and read by HTTPS, each call on a connection of its own, until they are told to stop."""

    port: int
    context: ssl.SSLContext
    world: World
    tokens: dict[int, str]
    told: threading.Event = field(default_factory=threading.Event)
    answers: Counter[str] = field(default_factory=Counter)
    asked: list[str] = field(default_factory=list)

    def call(self, method: str, path: str, by: User, body: Mapping[str, object] | None = None) -> dict[str, object]:
        """A call of the API; its status is counted, and so is an answer that never came."""
        headers = {"Authorization": f"Bearer {self.tokens[by.pk]}", "Content-Type": "application/json"}
        client = http.client.HTTPSConnection("localhost", self.port, timeout=60, context=self.context)
        try:
            client.request(method, f"/api/v1/{path}", json.dumps(body) if body else None, headers)
            answer = client.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.answers[f"{method} {type(error).__name__}"] += 1
            return {}
        finally:
            client.close()
        self.answers[f"{method} {answer.status}"] += 1
        return json.loads(text) if answer.status in {200, 201} else {}

    def work(self, number: int) -> None:
        """Ask, approve, read, again and again; the first of them has statements that take their time."""
        for turn in range(10_000):
            if self.told.is_set():
                return
            tag = f"rolling {number} {turn}"
            pause = f" RETURNING pg_sleep({SECONDS})" if number == 0 else ""
            fields = {"statement": f"INSERT INTO effects (tag) VALUES ('{tag}'){pause}", "reason": "Load."}
            place = {"pod": self.world.pod.slug, "target": self.world.target.slug}
            body = {**place, **fields, "language": "sql", "access": "write"}
            query = self.call("POST", "queries/", self.world.author, body)
            self.asked.append(tag)
            approval = {"digest": query.get("digest", "")}
            self.call("POST", f"queries/{query.get('id')}/approve/", self.world.reviewer, approval)
            self.call("GET", f"queries/{query.get('id')}/", self.world.author)


@contextmanager
def working(people: People) -> Iterator[None]:
    """Have them work meanwhile."""
    threads = [threading.Thread(target=people.work, args=(number,)) for number in range(PEOPLE)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        people.told.set()
        for thread in threads:
            thread.join(timeout=60)


def restart(replica: Replica, proxy: Proxy, others: list[Replica], long_one: Callable[[], bool]) -> None:
    """Take it out, let it finish, start it anew, put it back: `docs/operate.md` says the same."""
    wait_for(long_one)
    proxy.send_to(*others)
    proxy.reload()
    # What the old workers of nginx had just taken reaches it within this.
    time.sleep(0.5)
    assert replica.stop() == 0
    replica.start()
    proxy.send_to(replica, *others)
    proxy.reload()


def test_no_request_is_lost_and_none_runs_twice(
    committed: World, target_database: TargetDatabase, tmp_path: Path
) -> None:
    committed.change_target(places=8, seconds_limit=30)
    tokens = {person.pk: str(AccessToken.for_user(person)) for person in (committed.author, committed.reviewer)}
    before = QueryRequest.objects.count()

    def long_one() -> bool:
        return Execution.objects.filter(finished_at=None, query__statement__contains="pg_sleep").exists()

    with ExitStack() as stack:
        replicas = [Replica(tmp_path), Replica(tmp_path)]
        for replica in replicas:
            stack.callback(replica.stop)
            replica.start()
        proxy = stack.enter_context(proxied(tmp_path, *replicas))
        context = ssl.create_default_context(cafile=str(tmp_path / "tls.crt"))
        people = People(proxy.port, context, committed, tokens)
        with working(people):
            for replica in replicas:
                restart(replica, proxy, [other for other in replicas if other is not replica], long_one)
    # Each call was answered, and with what was asked.
    assert set(people.answers) == {"POST 201", "POST 200", "GET 200"}, people.answers
    assert people.answers["POST 201"] == people.answers["POST 200"] == len(people.asked) > PEOPLE
    queries = QueryRequest.objects.order_by("pk")[before:]
    assert {query.status for query in queries} == {"EXECUTED"}
    assert len(queries) == len(people.asked)
    with psycopg.connect(target_database.admin_url) as target:
        rows = target.execute("SELECT tag, count(*) FROM effects WHERE tag LIKE 'rolling %' GROUP BY tag").fetchall()
    assert {*rows} == {(tag, 1) for tag in people.asked}
