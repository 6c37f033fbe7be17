"""A stored result that cannot be read: an error before the first byte, or a connection that ends in the middle."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from rest_framework_simplejwt.tokens import AccessToken

from executors.base import RowEncoding
from queries import vault
from queries.models import Execution, QueryRequest
from queries.results import writer
from queries.results.access import download
from queries.tests.conftest import SignedIn
from queries.tests.results.stored import copy_rows, store
from queries.tests.running.conftest import ROOT, portal_environment
from queries.tests.world import World
from web.errors import Unavailable

FORMATS = ["csv", "jsonl", "xlsx", "parquet"]


def _forget_a_key(execution: Execution) -> None:
    last = execution.chunks.order_by("-number")[0]
    execution.chunks.filter(pk=last.pk).update(key_id="gone")


def _break_first(execution: Execution) -> None:
    execution.chunks.filter(number=0).update(data=b"broken")


def _lose_middle(execution: Execution) -> None:
    execution.chunks.filter(number=1).delete()


@pytest.fixture
def stored(world: World, monkeypatch: pytest.MonkeyPatch) -> QueryRequest:
    monkeypatch.setattr(writer, "CHUNK_BYTES", 500)
    return store(world, RowEncoding.COPY, [copy_rows([(str(n), "x" * 50)]) for n in range(100)], ["n", "text"])


@pytest.mark.parametrize("harm", [_forget_a_key, _break_first, _lose_middle], ids=lambda harm: harm.__name__)
@pytest.mark.parametrize("kind", FORMATS)
def test_nothing_of_it_is_sent_in_any_format(
    stored: QueryRequest, world: World, client_of: SignedIn, harm: Callable[[Execution], None], kind: str
) -> None:
    """out-12: the one shape of an error, in the API and on the pages."""
    harm(stored.execution)
    client = client_of(world.author)
    answer = client.get(f"/api/v1/queries/{stored.public_id}/result.{kind}")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "unavailable"
    assert "cannot be read" in answer.json()["error"]["message"]
    page = client.get(f"/queries/{stored.public_id}/result.{kind}")
    assert page.status_code == 503
    assert "cannot be read" in page.content.decode()


def test_pages_and_calls_of_rows_say_the_same(stored: QueryRequest, world: World, client_of: SignedIn) -> None:
    """out-12."""
    _break_first(stored.execution)
    client = client_of(world.author)
    answer = client.get(f"/api/v1/queries/{stored.public_id}/result/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    page = client.get(f"/queries/{stored.public_id}/result/")
    assert page.status_code == 503
    assert "cannot be read" in page.content.decode()
    assert client.get(f"/queries/{stored.public_id}/result/value/?row=0&column=1").status_code == 503


def test_a_workbook_is_read_whole_before_it_begins(stored: QueryRequest, world: World) -> None:
    stored.execution.chunks.filter(number=2).update(data=b"broken")
    with pytest.raises(Unavailable):
        download(actor=world.author, query=stored, format="xlsx")


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_break_in_the_middle_is_no_end(stored: QueryRequest, world: World, kind: str) -> None:
    stored.execution.chunks.filter(number=2).update(data=b"broken")
    file = download(actor=world.author, query=stored, format=kind)
    assert next(file.stream)
    with pytest.raises(vault.Unreadable):
        list(file.stream)


@pytest.fixture
def server(committed: World) -> Iterator[int]:
    """The portal as it is served in production, on a port of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "portal.wsgi", "--bind", f"127.0.0.1:{port}", "--workers", "1"]
    environment = {**portal_environment(), "PORTAL_BIND": f"127.0.0.1:{port}", "WEB_CONCURRENCY": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(port: int) -> None:
    by = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < by
            time.sleep(0.1)
        else:
            return


def test_a_client_sees_that_the_end_is_missing(server: int, committed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """out-12: no clean end of a chunked answer, from the real server."""
    monkeypatch.setattr(writer, "CHUNK_BYTES", 100_000)
    rows = [copy_rows([(str(n), "x" * 50_000)]) for n in range(40)]
    query = store(committed, RowEncoding.COPY, rows, ["n", "text"])
    query.execution.chunks.filter(number=12).update(data=b"broken")
    connection = http.client.HTTPConnection("127.0.0.1", server, timeout=30)
    headers = {"Authorization": f"Bearer {AccessToken.for_user(committed.author)}"}
    connection.request("GET", f"/api/v1/queries/{query.public_id}/result.csv", headers=headers)
    answer = connection.getresponse()
    assert answer.status == 200
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        answer.read()
    connection.close()
