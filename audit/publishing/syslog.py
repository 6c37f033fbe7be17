"""Entries as syslog messages (RFC 5424), counted in octets (RFC 6587), over TCP or TLS (RFC 5425).

Syslog has no answer. So each batch has a connection of its own, which we end first: a receiver that closes it in turn
has read to the end. One that does not may not have, and gets the batch again.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from audit.lines import canonical
from audit.publishing.sending import TIMEOUT_SECONDS, Unsent

TCP, TLS = "syslog+tcp", "syslog+tls"
PORTS = {TCP: 601, TLS: 6514}
# Facility 13 is that of audit logs.
INFORMS, WARNS = 13 * 8 + 6, 13 * 8 + 4
WARNINGS = frozenset({"access.refused", "query.refused", "user.lock_out", "user.sign_in_failed"})
APP = "query-portal"
# Of a number that documentation may use (RFC 5612): nobody else's meaning is claimed.
STRUCTURE = "entry@32473"
BOM = b"\xef\xbb\xbf"


def message(entry: Mapping[str, Any]) -> bytes:
    """One entry, as `audit.lines` gives it: who and what as structured data, all of it as JSON."""
    priority = WARNS if entry["action"] in WARNINGS else INFORMS
    host = urlsplit(settings.PORTAL_BASE_URL).hostname or "-"
    facts = {
        "seq": entry["seq"],
        "hash": entry["hash"],
        "actor": entry["actor_label"],
        "subject": f"{entry['subject_kind']}:{entry['subject_id']}",
        "address": json.loads(entry["data"]).get("address", ""),
    }
    structured = " ".join(f'{name}="{_escaped(str(value))}"' for name, value in facts.items())
    head = f"<{priority}>1 {entry['at']} {host} {APP} - {entry['action']} [{STRUCTURE} {structured}] "
    return head.encode() + BOM + canonical(entry).encode()


def framed(entries: Sequence[Mapping[str, Any]]) -> bytes:
    """Each message behind its length."""
    return b"".join(b"%d %s" % (len(one), one) for one in map(message, entries))


def send(address: str, entries: Sequence[Mapping[str, Any]]) -> None:
    """Raises Unsent unless the receiver read all of it."""
    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    try:
        with socket.create_connection((host, port), timeout=TIMEOUT_SECONDS) as plain:
            if parts.scheme == TLS:
                _say_over_tls(plain, host, framed(entries))
            else:
                plain.sendall(framed(entries))
                plain.shutdown(socket.SHUT_WR)
                _until_closed(plain)
    except ssl.SSLCertVerificationError as error:
        raise Unsent(f"Its certificate does not hold: {error.verify_message}") from error
    except (OSError, ValueError) as error:
        raise Unsent(f"It did not take them: {type(error).__name__}") from error


def _say_over_tls(plain: socket.socket, host: str, data: bytes) -> None:
    context = ssl.create_default_context(cafile=settings.PORTAL_SIEM_CA or None)
    with context.wrap_socket(plain, server_hostname=host) as secured:
        secured.sendall(data)
        # Our end, and then theirs: a receiver that just closes has read to it as well.
        with suppress(ssl.SSLEOFError, ssl.SSLZeroReturnError):
            secured.unwrap()


def _until_closed(plain: socket.socket) -> None:
    while plain.recv(4096):
        pass


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")
