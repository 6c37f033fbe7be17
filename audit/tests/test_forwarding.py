"""Every entry reaches a SIEM, in order and until it was taken: by syslog over TCP and TLS, and by HTTP."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core import checks
from django.utils import timezone

from audit import checkpoints
from audit.models import AuditLog, EntryDelivery
from audit.publishing import forward_due, forwarding, syslog
from audit.tests.test_log import write
from audit.tests.test_publishing import Outside, outside

__all__ = ["outside"]
pytestmark = pytest.mark.django_db
FACT = r'"((?:\\.|[^"\\])*)"'
HEAD = re.compile(
    r"<(\d+)>1 (\S+) (\S+) query-portal - (\S+) "
    rf'\[entry@32473 seq="(\d+)" hash="([0-9a-f]{{64}})" actor={FACT} subject={FACT} address={FACT}\] '
)


@dataclass
class Receiver:
    """A syslog server: what it was sent, connection by connection. `rude` connections are cut after a few octets."""

    port: int = 0
    rude: int = 0
    taken: list[bytes] = field(default_factory=list)

    def messages(self) -> list[str]:
        """Each message of every connection, by its length."""
        found = []
        for data in self.taken:
            rest = data
            while rest:
                length, _, rest = rest.partition(b" ")
                found.append(rest[: int(length)].decode())
                rest = rest[int(length) :]
        return found

    def numbers(self) -> list[int]:
        return [int(HEAD.match(one)[5]) for one in self.messages()]  # type: ignore[index]  # it matches


@contextmanager
def receiving(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    receiver = Receiver()
    listener = socket.create_server(("127.0.0.1", 0))
    receiver.port = listener.getsockname()[1]

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with suppress(OSError), connection:
                    _read(receiver, context.wrap_socket(connection, server_side=True) if context else connection)

    threading.Thread(target=serve, daemon=True).start()
    yield receiver
    listener.close()


def _read(receiver: Receiver, connection: socket.socket) -> None:
    if receiver.rude:
        receiver.rude -= 1
        connection.recv(10)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
        return
    data = b""
    while piece := connection.recv(65536):
        data += piece
    receiver.taken.append(data)
    connection.close()


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    with receiving() as found:
        settings.PORTAL_SIEM_TO = [f"syslog+tcp://127.0.0.1:{found.port}"]
        yield found


def again() -> None:
    """The pause is over."""
    EntryDelivery.objects.update(due_at=timezone.now())


def numbers() -> list[int]:
    return list(AuditLog.objects.order_by("seq").values_list("seq", flat=True))


def test_every_entry_comes_once_in_its_order_and_as_it_is(receiver: Receiver) -> None:
    for number in range(450):
        write(n=number)
    assert forward_due() == len(numbers())
    assert receiver.numbers() == numbers()
    assert len(receiver.taken) == 3
    entry, said = AuditLog.objects.latest("seq"), receiver.messages()[-1]
    found = HEAD.match(said)
    assert found
    assert (found[1], found[4], found[6]) == ("110", entry.action, bytes(entry.hash).hex())
    assert found[2] == f"{entry.at:%Y-%m-%dT%H:%M:%S.%fZ}"
    body = json.loads(said[found.end() :].removeprefix("\ufeff"))
    assert (body["data"], body["seq"]) == (entry.data, entry.seq)
    assert forward_due() == 0


def test_what_was_cut_off_comes_again_and_nothing_is_missing(receiver: Receiver) -> None:
    receiver.rude = 2
    for number in range(3):
        write(n=number, text='ä\n]"\\' * 50_000)
    for attempts in (1, 2):
        assert forward_due() == 0
        row = EntryDelivery.objects.get()
        assert (row.attempts, row.sent, row.problem.partition(":")[0]) == (attempts, 0, "It did not take them")
        assert row.due_at > timezone.now()
        assert forward_due() == 0
        again()
    assert forward_due() == 3
    assert receiver.numbers() == numbers()


def test_who_does_not_close_may_not_have_read(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syslog, "TIMEOUT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.PORTAL_SIEM_TO = [f"syslog+tcp://127.0.0.1:{silent.getsockname()[1]}"]
        write()
        assert forward_due() == 0
        assert EntryDelivery.objects.get().problem == "It did not take them: TimeoutError"


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Its certificate, and a server's end with it."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "siem")]),
    )
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path, private = folder / "siem.pem", folder / "siem.key"
    path.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, private)
    return path, context


def test_over_tls_the_server_has_to_show_who_it_is(settings: Any, tmp_path: Path) -> None:
    path, context = certificate(tmp_path)
    with receiving(context) as receiver:
        settings.PORTAL_SIEM_TO = [f"syslog+tls://127.0.0.1:{receiver.port}"]
        write()
        assert forward_due() == 0
        assert "Its certificate does not hold" in EntryDelivery.objects.get().problem
        assert receiver.taken == []
        settings.PORTAL_SIEM_CA = str(path)
        again()
        assert forward_due() == 1
        assert receiver.numbers() == numbers()


def test_by_http_a_batch_is_an_array_with_a_key(settings: Any, outside: Outside) -> None:
    settings.PORTAL_SIEM_TO, settings.PORTAL_SIEM_TOKEN = [f"{outside.url}/hook/S3CR3T"], "Bearer siem"
    outside.answers = [503, 200]
    first, second = write(n=1), write(n=2)
    assert forward_due() == 0
    assert EntryDelivery.objects.get().problem == "It answered 503"
    again()
    assert forward_due() == 2
    [(_, path, headers, body)] = outside.taken
    assert (path, headers["Authorization"]) == ("/hook/S3CR3T", "Bearer siem")
    assert headers["Idempotency-Key"] == f"{first.seq}-{bytes(second.hash).hex()}"
    assert [entry["seq"] for entry in json.loads(body)] == [first.seq, second.seq]
    assert "S3CR3T" not in EntryDelivery.objects.get().place


@pytest.mark.parametrize("late", [False, True])
def test_a_place_that_is_behind_is_an_alarm(
    late: bool, settings: Any, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    write()
    monkeypatch.setattr(forwarding, "PATIENCE", dt.timedelta(minutes=-1 if late else 10))
    behind = [alarm for alarm in checkpoints.alarms() if "Entries of the audit log" in alarm]
    place = f"syslog+tcp://127.0.0.1:{receiver.port}"
    why = f"Entries of the audit log do not reach {place}: nothing was sent; maintain has to run."
    assert behind == ([why] if late else [])
    forward_due()
    assert not [alarm for alarm in checkpoints.alarms() if "Entries of the audit log" in alarm]


def test_nobody_sends_where_somebody_is_sending(receiver: Receiver) -> None:
    write()
    EntryDelivery.objects.create(
        place=f"syslog+tcp://127.0.0.1:{receiver.port}", leased_until=timezone.now() + dt.timedelta(minutes=1)
    )
    assert forward_due() == 0
    assert receiver.taken == []


@pytest.mark.parametrize(
    ("written", "said"),
    [("udp://siem", "udp"), ("siem.internal", "…"), ("syslog+tcp://", "syslog+tcp"), ("syslog+tls://siem", None)],
)
def test_what_nothing_can_be_sent_to_stops_the_start(written: str, said: str | None, settings: Any) -> None:
    settings.PORTAL_SIEM_TO = [written]
    found = [one.msg for one in checks.run_checks(tags=["portal"]) if one.id == "portal.E020"]
    assert found == ([f"PORTAL_SIEM_TO: nothing can be sent to {said}:…"] if said else [])


def test_a_message_escapes_what_ends_it() -> None:
    entry = {
        "seq": 1, "hash": "0" * 64, "actor_label": 'A "b" ]\\', "subject_kind": "pod", "subject_id": "x",
        "action": "query.refused", "at": "2026-01-01T00:00:00.000000Z", "data": "{}",
    }  # fmt: skip
    said = syslog.message(entry).decode()
    assert said.startswith("<108>1 ")
    assert r'actor="A \"b\" \]\\"' in said
