"""Checkpoints: signed summaries of the log, each continuing the one before, to be kept outside of the portal.

Signed are `CONTEXT` and the body, which is canonical JSON; the hash of a checkpoint is `sha256(0x02 || body)`.
`verify_evidence.py` checks them with the public key alone.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from contextlib import closing

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from audit import chain, entries, keys, months
from audit.lines import canonical
from audit.merkle import Tree
from audit.models import AuditLog, Checkpoint
from audit.publishing import failing, forwarding

logger = logging.getLogger(__name__)

CONTEXT = b"query-portal/audit-checkpoint/1\n"
GENESIS = "0" * 64
VERSION = 1
# First half of the advisory lock's key: "a checkpoint is being made".
LOCK_SPACE = 0x51504350
# Its time is never before that of an entry it covers, nor before that of the checkpoint it continues.
MOMENT = """
SELECT to_char(now AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), now
FROM (SELECT greatest(clock_timestamp(), at, %s::timestamptz) AS now FROM audit_head OFFSET 0) AS moment
"""
# A checkpoint covers no more, so that whoever proves an entry to be in it reads no more.
MOST_COVERED = 65_536
# How many times its pause a checkpoint may be late before somebody is told.
PATIENCE = 2


class Broken(Exception):
    """The entries since the last checkpoint do not hold: they are not signed."""


def last() -> Checkpoint | None:
    """The newest one."""
    return Checkpoint.objects.first()


def make_due() -> int:
    """Sign what is to be signed by now, if this process has the key; how many. Raises Broken."""
    return 0 if keys.signing_key() is None or not _due(last()) else int(make() is not None)


def make(*, up_to: int = 0) -> Checkpoint | None:
    """Sign the log as it is now, unless entry `up_to` is covered by the time it is our turn. Raises Broken.

    None where there is no key, no entry, or nothing to do.
    """
    key = keys.signing_key()
    if key is None:
        return None
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [LOCK_SPACE])
        before, head = last(), entries.head()
        covered = before is not None and before.seq >= up_to > 0
        if covered or not head.seq or not (up_to or _due(before)):
            return None
        made = _sign(before, _next_end(before, head), key)
        while made.seq < head.seq:
            made = _sign(made, _next_end(made, head), key)
    return made


def ensure(seq: int) -> bool:
    """Whether a checkpoint covers an entry, signed now if there was none and this process has the key.

    Raises Broken.
    """
    return _covers(seq) or (make(up_to=seq) is not None) or _covers(seq)


def _covers(seq: int) -> bool:
    return Checkpoint.objects.filter(seq__gte=seq).exists()


def signed_content(checkpoint: Checkpoint) -> bytes:
    """What the signature is over."""
    return CONTEXT + checkpoint.body.encode()


def _due(before: Checkpoint | None) -> bool:
    if before is None:
        return True
    pause = dt.timedelta(minutes=settings.PORTAL_CHECKPOINT_MINUTES)
    many: int = settings.PORTAL_CHECKPOINT_ENTRIES
    return timezone.now() - before.at >= pause or entries.head().seq - before.seq >= many


def _sign(before: Checkpoint | None, head: chain.Place, key: Ed25519PrivateKey) -> Checkpoint:
    root = _root_since(before, head)
    with connection.cursor() as cursor:
        cursor.execute(MOMENT, [before.at if before else None])
        at, stamp = cursor.fetchone()
    number = before.number + 1 if before else 1
    body = canonical({
        "at": at,
        "first": before.seq + 1 if before else 1,
        "head": head.hash.hex(),
        "key": keys.key_id(key.public_key()),
        "log": before.facts["log"] if before else _log_id(),
        "number": number,
        "previous": before.hash if before else GENESIS,
        "root": root.hex(),
        "seq": head.seq,
        "version": VERSION,
    })  # fmt: skip
    signature = key.sign(CONTEXT + body.encode())
    return Checkpoint.objects.create(number=number, seq=head.seq, at=stamp, body=body, signature=signature)


def _next_end(before: Checkpoint | None, head: chain.Place) -> chain.Place:
    """Up to where the next checkpoint may speak."""
    end = (before.seq if before else 0) + MOST_COVERED
    if end >= head.seq:
        return head
    return chain.Place(end, bytes(AuditLog.objects.values_list("hash", flat=True).get(seq=end)))


def _root_since(before: Checkpoint | None, head: chain.Place) -> bytes:
    """The root over the entries since the last checkpoint, which are checked before they are signed."""
    begin = chain.Place(before.seq, bytes.fromhex(before.facts["head"])) if before else chain.BEGINNING
    tree = Tree()
    # Closed before anything else is asked of the connection: a fault leaves the rest of it unread.
    with closing(entries.stream(after=begin.seq, until=head.seq)) as read:
        verdict = chain.verify(_passing(read, tree), head=head, begin=begin)
    if verdict.fault:
        raise Broken(f"entry {verdict.fault.seq}: {verdict.fault.reason}")
    return tree.root()


def _passing(read: Iterator[entries.Row], tree: Tree) -> Iterator[entries.Row]:
    for entry in read:
        tree.add(entry[3])
        yield entry


def _log_id() -> str:
    """What tells this log from another: the hash of its first entry."""
    return bytes(AuditLog.objects.values_list("hash", flat=True).get(seq=1)).hex()


# --- the alarm -------------------------------------------------------------------------------------


def alarms() -> list[str]:
    """What is wrong with the log's checkpoints and months now, and with what carries entries out, in sentences."""
    behind = [f"Checkpoints of the audit log do not reach {found.place}: {found.problem}." for found in failing()]
    return [*filter(None, [_missing()]), *behind, *forwarding.alarms(), *months.alarms()]


def _missing() -> str:
    """Why there is no checkpoint that should be there; "" when they come as they should."""
    newest = last()
    minutes = PATIENCE * settings.PORTAL_CHECKPOINT_MINUTES
    since = timezone.now() - dt.timedelta(minutes=minutes)
    if newest is not None:
        late = newest.at < since
        return f"The last checkpoint of the audit log is more than {minutes} minutes old." if late else ""
    first = AuditLog.objects.filter(seq=1).values_list("at", flat=True).first()
    if first is None:
        return ""
    if keys.signing_key() is None:
        return "No checkpoint of the audit log was ever signed: PORTAL_AUDIT_KEY is not set."
    return "No checkpoint of the audit log was ever signed." if first < since else ""
