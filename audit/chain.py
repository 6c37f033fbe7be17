"""The hash chain: what each entry's hash covers, and how to check a whole log.

`hash = sha256(0x00 || previous hash || seq as int8 || fields)`, each field as its UTF-8 bytes behind their length as
int4, in the order of `content`; the database computes the same in `audit_chain()` (migration 0002).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from audit.merkle import Tree

GENESIS = bytes(32)
_INT8 = struct.Struct(">q").pack
_INT4 = struct.Struct(">i").pack


class Entry(NamedTuple):
    """An entry as it is hashed. `content` is what its fields say, as `content` writes them."""

    seq: int
    content: bytes
    previous_hash: bytes
    hash: bytes


class Point(NamedTuple):
    """What a checkpoint says of the entries since the one before it, up to `seq`."""

    number: int
    first: int
    seq: int
    head: bytes
    root: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """The first entry that does not hold, and why."""

    seq: int
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of the log found. `fault` is None when every entry holds.

    `begun` entries were not read: an earlier check had read them, up to a checkpoint. The first `archived` of them are
    not in the database any more. `signed` entries are covered by a checkpoint that holds.
    """

    entries: int
    head: bytes
    fault: Fault | None = None
    begun: int = 0
    signed: int = 0
    archived: int = 0


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


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the log something stands: behind entry `seq`, whose hash is `hash`."""

    seq: int
    hash: bytes


BEGINNING = Place(0, GENESIS)


def verify(
    entries: Iterable[tuple[int, bytes, bytes, bytes]],
    *,
    head: Place,
    begin: Place = BEGINNING,
    points: Sequence[Point] = (),
    leaves: Sequence[bytes] = (),
) -> Verdict:
    """Check the entries behind `begin`, in order of `seq`, against each other, against the checkpoints of them, and
    against the head the database keeps. `leaves`: the hashes up to `begin` that the first of the checkpoints covers.

    Each is an `Entry`, or as plain as it: a name for every field is a fifth of the time of a log of millions.
    """
    previous, seq = begin.hash, begin.seq
    signed = _Signed(points, begin, leaves)
    fault, due = signed.fault, signed.due
    for entry in entries:
        number, content, before, own = entry
        if fault or number != seq + 1 or before != previous or own != entry_hash(number, content, before):
            fault = fault or _fault(Entry(*entry), expected=seq + 1, previous=previous)
            break
        previous, seq = own, number
        if due:
            signed.add(own)
            if due == number:
                fault, due = signed.fault_at(number, own), signed.due
    return Verdict(seq, previous, fault or _end(seq, previous, head, signed), begin.seq, signed.up_to)


def _end(seq: int, previous: bytes, head: Place, signed: _Signed) -> Fault | None:
    if signed.due:
        return Fault(seq + 1, f"the log ends at entry {seq}, but checkpoint {signed.number} covers {signed.due}")
    if (seq, previous) != (head.seq, head.hash):
        return Fault(seq + 1, f"the log ends at entry {seq}, but its head says {head.seq}")
    return None


class _Signed:
    """The checkpoints of a log, as one comes past their entries."""

    def __init__(self, points: Sequence[Point], begin: Place, leaves: Sequence[bytes]) -> None:
        self._rest = list(reversed(points))
        self._tree = Tree()
        self.add = self._tree.add
        for leaf in leaves:
            self.add(leaf)
        self.up_to = begin.seq - len(leaves)
        # What is wrong with those that speak of no entry behind the beginning.
        self.fault = self.fault_at(begin.seq, begin.hash)

    @property
    def due(self) -> int:
        """Up to which entry the next one speaks; 0 when there is none."""
        return self._rest[-1].seq if self._rest else 0

    @property
    def number(self) -> int:
        """Which one that is."""
        return self._rest[-1].number

    def fault_at(self, seq: int, head: bytes) -> Fault | None:
        """What is wrong with the checkpoints that end at this entry."""
        while self._rest and self._rest[-1].seq == seq:
            point = self._rest.pop()
            if (point.head, point.root) != (head, self._tree.root()):
                others = f"one of {point.first} to {seq} was changed, and all after it were hashed anew"
                return Fault(seq, f"checkpoint {point.number} signs other entries: {others}")
            self._tree, self.up_to = Tree(), seq
            self.add = self._tree.add
        return None


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
