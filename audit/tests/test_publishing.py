"""Checkpoints on their way out: to a file, a webhook, a bucket, Slack; sent again until taken."""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core import checks
from django.test import Client as DjangoClient
from django.utils import timezone

import verify_evidence
from audit import checkpoints, keys
from audit.lines import checkpoint_line, whole_log
from audit.models import Checkpoint, CheckpointDelivery
from audit.publishing import bucket, publish_due
from audit.publishing.deliveries import LEASE
from audit.tests.test_log import write
from portal.tests.people import make_auditor

pytestmark = pytest.mark.django_db
SECRET_PATH = "/hook/T0PS3CR3T"


@dataclass
class Outside:
    """A server that keeps what it is sent, and answers what it is told to."""

    url: str = ""
    taken: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def lines(self) -> list[str]:
        return [body.decode() for _, _, _, body in self.taken]


@pytest.fixture
def outside() -> Iterator[Outside]:
    server_state = Outside()

    class Keeper(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = server_state.answers.pop(0) if server_state.answers else 200
            if status < 300:
                server_state.taken.append((self.command, self.path, dict(self.headers), body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        do_PUT = do_POST  # noqa: N815 -- the name that http.server calls

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Keeper)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server_state.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield server_state
    server.shutdown()
    server.server_close()


def made(count: int = 1) -> list[Checkpoint]:
    """So many checkpoints, of an entry each."""
    for number in range(count):
        checkpoints.make(up_to=write(n=number).seq)
    return list(Checkpoint.objects.order_by("number"))


def lines() -> list[str]:
    return [checkpoint_line(point) for point in Checkpoint.objects.order_by("number")]


def delivery() -> CheckpointDelivery:
    return CheckpointDelivery.objects.get()


def wait_over() -> None:
    CheckpointDelivery.objects.update(due_at=timezone.now(), leased_until=None)


def test_a_file_grows_by_a_line_each_and_shows_what_was_cut_off(settings: Any, tmp_path: Path) -> None:
    kept, key, log = tmp_path / "kept.jsonl", tmp_path / "key.pem", tmp_path / "log.jsonl"
    settings.PORTAL_CHECKPOINT_TO = [f"file:{kept}"]
    made(2)
    assert publish_due() == 2
    made(1)
    assert [publish_due(), publish_due()] == [1, 0]
    assert kept.read_text() == "".join(lines())
    key.write_text(keys.pem())
    log.write_text("".join(line for line in whole_log() if '"seq":3' not in line))
    with pytest.raises(verify_evidence.Wrong, match="entry 3 is missing"):
        verify_evidence.verified(str(log), [str(key)], [str(kept)])


def test_a_webhook_gets_each_once_and_its_address_is_told_to_nobody(settings: Any, outside: Outside) -> None:
    settings.PORTAL_CHECKPOINT_TO = [outside.url + SECRET_PATH]
    first, second = made(2)
    assert publish_due() == 2
    assert outside.lines() == lines()
    assert [headers["Idempotency-Key"] for _, _, headers, _ in outside.taken] == [first.hash, second.hash]
    assert delivery().place.startswith("http://127.0.0.1/…")
    assert SECRET_PATH not in delivery().place


def test_a_bucket_holds_an_object_for_each(settings: Any, outside: Outside) -> None:
    settings.PORTAL_CHECKPOINT_TO = ["s3://audit/portal a"]
    settings.PORTAL_BUCKET_ENDPOINT, settings.PORTAL_BUCKET_KEY_ID = outside.url, "key"
    settings.PORTAL_BUCKET_SECRET = "secret"
    made(1)
    assert publish_due() == 1
    ((method, path, headers, body),) = outside.taken
    assert (method, path) == ("PUT", "/audit/portal%20a/checkpoint-000000000001.jsonl")
    assert body.decode() == lines()[0]
    headers = {name.lower(): value for name, value in headers.items()}
    assert headers["x-amz-content-sha256"] == sha256(body).hexdigest()
    assert _resigned(outside.url + path, headers, body)


def _resigned(address: str, headers: dict[str, str], body: bytes) -> bool:
    """As the service does it: the signature is computed anew from what came."""
    at = dt.datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    assert abs(timezone.now() - at) < dt.timedelta(minutes=15)
    return bucket.signed("PUT", address, body, at)["Authorization"] == headers["authorization"]


EXAMPLE = "https://examplebucket.s3.amazonaws.com"
EXAMPLES: list[tuple[str, str, bytes, dict[str, str], str]] = [
    ("GET", "/test.txt", b"", {"Range": "bytes=0-9"},
     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
    ("PUT", "/test%24file.text", b"Welcome to Amazon S3.",
     {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
    ("GET", "/?max-keys=2&prefix=J", b"", {},
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "headers", "signature"), EXAMPLES)
def test_a_request_is_signed_as_in_the_examples_of_the_service(
    method: str, path: str, body: bytes, headers: dict[str, str], signature: str, settings: Any
) -> None:
    settings.PORTAL_BUCKET_KEY_ID = "AKIAIOSFODNN7EXAMPLE"
    settings.PORTAL_BUCKET_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    at = dt.datetime(2013, 5, 24, tzinfo=dt.UTC)
    found = bucket.signed(method, EXAMPLE + path, body, at, headers)["Authorization"]
    assert re.search("Signature=(.+)", found)[1] == signature  # type: ignore[index]


# --- when it is not taken --------------------------------------------------------------------------


def test_what_was_not_taken_is_sent_again_in_its_order(settings: Any, outside: Outside) -> None:
    settings.PORTAL_CHECKPOINT_TO = [outside.url]
    made(3)
    outside.answers = [200, 500]
    assert publish_due() == 0
    assert (delivery().sent, delivery().attempts, delivery().problem) == (1, 1, "It answered 500")
    assert publish_due() == 0
    wait_over()
    assert publish_due() == 2
    assert outside.lines() == lines()
    assert (delivery().problem, delivery().failing_since, delivery().attempts) == ("", None, 0)


def test_pauses_grow_and_no_failure_ends_the_trying(settings: Any, outside: Outside) -> None:
    settings.PORTAL_CHECKPOINT_TO = [outside.url]
    made(1)
    pauses = []
    for _ in range(14):
        outside.answers = [503]
        publish_due()
        pauses.append((delivery().due_at - timezone.now()).total_seconds())
        wait_over()
    assert pauses[0] < 6
    assert pauses == sorted(pauses[:9]) + pauses[9:]
    assert 1700 < pauses[-1] <= 1800


@pytest.mark.parametrize("status", [301, 302, 307, 400, 403, 404])
def test_no_other_answer_counts_as_taken_and_no_redirect_is_followed(
    status: int, settings: Any, outside: Outside
) -> None:
    settings.PORTAL_CHECKPOINT_TO = [outside.url]
    made(1)
    outside.answers = [status]
    assert publish_due() == 0
    assert outside.taken == []
    assert delivery().problem == f"It answered {status}"


NOWHERE = {
    "file:/nowhere/at/all": "The file cannot be written: No such file or directory",
    "http://127.0.0.1:1/hook": "It cannot be reached: ConnectionRefusedError",
    "s3://bucket": "PORTAL_BUCKET_ENDPOINT, PORTAL_BUCKET_KEY_ID and PORTAL_BUCKET_SECRET are not all set",
    "slack:#payments": "PORTAL_SLACK_TOKEN is not set",
}


@pytest.mark.parametrize("place", NOWHERE)
def test_why_it_does_not_get_there_is_said_on_the_page_and_by_the_probe(
    place: str, settings: Any, client: DjangoClient
) -> None:
    settings.PORTAL_CHECKPOINT_TO = [place]
    made(1)
    publish_due()
    assert delivery().problem == NOWHERE[place]
    assert client.get("/readyz").json()["alarms"] == []
    CheckpointDelivery.objects.update(failing_since=timezone.now() - dt.timedelta(hours=1))
    (alarm,) = client.get("/readyz").json()["alarms"]
    assert NOWHERE[place] in alarm
    client.force_login(make_auditor(), backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/audit/").content.decode()
    assert NOWHERE[place] in page
    assert "/hook" not in page
    # A place that is sent to no longer worries nobody.
    settings.PORTAL_CHECKPOINT_TO = []
    assert client.get("/readyz").json()["alarms"] == []


def test_two_replicas_do_not_send_at_once(settings: Any, outside: Outside) -> None:
    settings.PORTAL_CHECKPOINT_TO = [outside.url]
    made(1)
    publish_due()
    made(1)
    CheckpointDelivery.objects.update(leased_until=timezone.now() + LEASE)
    assert publish_due() == 0
    # A sender that died gave nothing back: its lease ends.
    CheckpointDelivery.objects.update(leased_until=timezone.now())
    assert publish_due() == 1


def test_a_place_that_nothing_can_be_sent_to_is_named(settings: Any) -> None:
    settings.PORTAL_CHECKPOINT_TO = ["file:/ok", "ftp://user:secret@host/x"]
    found = [error for error in checks.run_checks(tags=["portal"]) if error.id == "portal.E008"]
    assert ["ftp" in error.msg and "secret" not in error.msg for error in found] == [True]
