"""The hash chain: what each entry's hash covers, and how to check a whole log.

`hash = sha256(0x00 || previous hash || seq as int8 || fields)`, each field as its UTF-8 bytes behind their length as
int4, in the order of `content`; the database computes the same in `audit_chain()` (migration 0002).
"""

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

GENESIS = bytes(32)
_INT8 = struct.Struct(">q").pack
_INT4 = struct.Struct(">i").pack


class Entry(NamedTuple):
    """An entry as it is hashed. `content` is what its fields say, as `content` writes them."""

    seq: int
    content: bytes
    previous_hash: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """The first entry that does not hold, and why."""

    seq: int
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of the whole log found. `fault` is None when every entry holds."""

    entries: int
    head: bytes
    fault: Fault | None = None


def content(
    *,
    at: datetime,
    actor: str,
    actor_label: str,
    action: str,
    subject_kind: str,
    subject_id: str,
    subject_label: str,
    data: str,
) -> bytes:
    """What the hash covers of the fields. `at` is aware; `actor` the user's id as text, "" for the portal."""
    stamp = at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    parts: list[bytes] = []
    for field in (stamp, actor, actor_label, action, subject_kind, subject_id, subject_label, data):
        encoded = field.encode()
        parts += (_INT4(len(encoded)), encoded)
    return b"".join(parts)


def entry_hash(seq: int, content: bytes, previous: bytes) -> bytes:
    """The hash an entry must have when it follows `previous`."""
    return hashlib.sha256(b"\x00" + previous + _INT8(seq) + content).digest()


def verify(entries: Iterable[tuple[int, bytes, bytes, bytes]], *, head_seq: int, head_hash: bytes) -> Verdict:
    """Check entries in order of `seq` against each other and against the head the database keeps.

    Each is an `Entry`, or as plain as it: a name for every field is a fifth of the time of a log of millions.
    """
    previous, seq = GENESIS, 0
    for entry in entries:
        number, content, before, own = entry
        if number != seq + 1 or before != previous or own != entry_hash(number, content, before):
            return Verdict(seq, previous, _fault(Entry(*entry), expected=seq + 1, previous=previous))
        previous, seq = own, number
    if (seq, previous) != (head_seq, head_hash):
        return Verdict(seq, previous, Fault(seq + 1, f"the log ends at entry {seq}, but its head says {head_seq}"))
    return Verdict(seq, previous)


def _fault(entry: Entry, *, expected: int, previous: bytes) -> Fault:
    """Why an entry does not hold that does not."""
    if entry.seq != expected:
        missing = (
            f"entry {expected} is missing"
            if entry.seq == expected + 1
            else f"entries {expected} to {entry.seq - 1} are missing"
        )
        return Fault(expected, missing)
    if entry.previous_hash != previous:
        return Fault(entry.seq, "it does not continue the entry before it")
    return Fault(entry.seq, "its content does not match its hash")
