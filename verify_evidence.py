"""Checks what Query Portal's audit log leaves behind, offline, with nothing but the portal's public key.

    python verify_evidence.py FILE --key PUBLIC_KEY.pem [--key OLDER.pem] [--checkpoint KEPT.jsonl]

FILE is the evidence of a request (ZIP), an exported log (JSON lines), an archived month of it (the same, with gzip), or
a dump of the audit tables (pg_dump, COPY text). A checkpoint that was kept outside of the portal shows what was cut off
the end, or written anew, since then. Exit status 0 when everything holds, 1 with the first thing that does not and
where it stands. Needs Python 3.11 and `cryptography`.

What is checked, byte by byte (`||` joins, integers are big-endian, hashes SHA-256):

- entry       0x00 || hash of the entry before || its number, 8 bytes || each field behind its length, 4 bytes
- node        0x01 || left || right, over the hashes of entries (RFC 6962), the root of no entry is the hash of nothing
- checkpoint  0x02 || its canonical JSON; signed (Ed25519) is "query-portal/audit-checkpoint/1\\n" || that JSON
- key id      the first 16 hexadecimal digits of the hash of the public key's 32 bytes
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import re
import struct
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

GENESIS = "0" * 64
CONTEXT = b"query-portal/audit-checkpoint/1\n"
FIELDS = ("at", "actor", "actor_label", "action", "subject_kind", "subject_id", "subject_label", "data")
ENTRY = {"seq": int, **dict.fromkeys(FIELDS, str), "previous_hash": str, "hash": str}
CHECKPOINT = {
    "at": str, "first": int, "head": str, "key": str, "log": str, "number": int, "previous": str, "root": str,
    "seq": int, "version": int,
}  # fmt: skip
HEX = re.compile(r"[0-9a-f]{64}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)
# No more than PostgreSQL's bigint, in which the portal counts.
MOST = 2**63 - 1
GZIP = b"\x1f\x8b"
LINE_MOST = 256 * 1024 * 1024
EVIDENCE_MOST = 256 * 1024 * 1024
# The stamp of an entry is taken a moment before it is its turn, and a checkpoint may be signed in that moment.
TURN = timedelta(minutes=10)
# How far out of order the rows of a dump may stand: a table keeps them where there was room.
ROWS_ASTRAY = 100_000
SIGNS_OTHERS = "it signs other entries: one of {} to {} was changed, and all after it were hashed anew"


class Wrong(Exception):
    """What does not hold, and where."""


class Gap(Wrong):
    """Another entry stands where the one with number `expected` should."""

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(f"entry {expected} is missing: entry {found} stands in its place")
        self.expected, self.found = expected, found


def sha256(data: bytes) -> str:
    """The hash, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


# --- JSON and its records --------------------------------------------------------------------------


def canonical(value: object) -> bytes:
    """The one way in which a value is written."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def parsed(text: bytes, where: str) -> dict[str, Any]:
    """A JSON object that is written in the canonical form."""
    try:
        value = json.loads(text)
        same = isinstance(value, dict) and canonical(value) == text
    except (ValueError, RecursionError) as error:
        raise Wrong(f"{where}: this is no JSON that the portal writes ({type(error).__name__})") from error
    if not same:
        raise Wrong(f"{where}: this is not written as the portal writes it")
    found: dict[str, Any] = value
    return found


def record(value: object, kinds: dict[str, type], where: str) -> dict[str, Any]:
    """An object with exactly these members."""
    if not isinstance(value, dict) or set(value) != set(kinds):
        raise Wrong(f"{where}: it has not the members {', '.join(sorted(kinds))}")
    for name, kind in kinds.items():
        if type(value[name]) is not kind or (kind is int and not 0 <= value[name] <= MOST):
            raise Wrong(f"{where}: its {name} is no value that the portal writes")
    return value


def hashed(value: object, where: str) -> bytes:
    """The 32 bytes of a hash."""
    if not isinstance(value, str) or not HEX.fullmatch(value):
        raise Wrong(f"{where}: this is no hash: {str(value)[:70]!r}")
    return bytes.fromhex(value)


def moment(text: str, where: str) -> datetime:
    """A time as the log writes it."""
    try:
        if MOMENT.fullmatch(text):
            return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)
    except ValueError:
        pass
    raise Wrong(f"{where}: {text[:40]!r} is no time as the log writes it")


class Entry(NamedTuple):
    """An entry of the log; hashes are hexadecimal."""

    seq: int
    fields: Sequence[str]
    previous: str
    hash: str

    def expected_hash(self, previous: str) -> str:
        """The hash it must have when it follows `previous`."""
        parts = [b"\0", bytes.fromhex(previous), struct.pack(">q", self.seq)]
        for text in self.fields:
            encoded = text.encode("utf-8", "surrogatepass")
            parts += (struct.pack(">i", len(encoded)), encoded)
        return sha256(b"".join(parts))

    @property
    def at(self) -> datetime:
        """When."""
        return moment(self.fields[0], f"entry {self.seq}")


def entry_of(value: object, where: str) -> Entry:
    """An entry from its JSON."""
    members = record(value, ENTRY, where)
    where = f"{where}: entry {members['seq']}"
    hashed(members["previous_hash"], where)
    hashed(members["hash"], where)
    return Entry(members["seq"], [members[name] for name in FIELDS], members["previous_hash"], members["hash"])


# --- checkpoints -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Checkpoint:
    """A signed summary of the log up to entry `seq`; `first` is the first entry since the checkpoint before it."""

    number: int
    first: int
    seq: int
    at: datetime
    head: str
    root: str
    previous: str
    log: str
    hash: str


def checkpoint_of(members: object, signature: object, keys: Keys, where: str) -> Checkpoint:
    """A checkpoint whose signature holds."""
    found = record(members, CHECKPOINT, where)
    where = f"{where}: checkpoint {found['number']}"
    if found["version"] != 1:
        raise Wrong(f"{where}: it is of version {found['version']}, which this program does not know")
    for name in ("head", "root", "previous", "log"):
        hashed(found[name], f"{where}: {name}")
    body = canonical(found)
    keys.verify(found["key"], signature, CONTEXT + body, where)
    if not (found["number"] >= 1 and 1 <= found["first"] <= found["seq"] + 1):
        raise Wrong(f"{where}: it speaks of entries {found['first']} to {found['seq']}")
    at = moment(found["at"], where)
    words = {name: found[name] for name in ("number", "first", "seq", "head", "root", "previous", "log")}
    return Checkpoint(**words, at=at, hash=sha256(b"\2" + body))


@dataclass
class Keys:
    """The public keys that are trusted, by their ids."""

    known: dict[str, Ed25519PublicKey] = field(default_factory=dict)

    def read(self, path: str) -> None:
        """Take the keys of a PEM file. Raises Wrong."""
        try:
            found = PEM.findall(Path(path).read_bytes())
            keys = [load_pem_public_key(text) for text in found]
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            raise Wrong(f"{path}: the key cannot be read ({type(error).__name__})") from error
        if not keys or not all(isinstance(key, Ed25519PublicKey) for key in keys):
            raise Wrong(f"{path}: this holds no public key for Ed25519 in PEM")
        for key in keys:
            assert isinstance(key, Ed25519PublicKey)
            self.known[sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw))[:16]] = key

    def verify(self, key_id: str, signature: object, signed: bytes, where: str) -> None:
        """Raises Wrong unless one of the keys signed this."""
        key = self.known.get(key_id)
        if key is None:
            raise Wrong(f"{where}: it is signed with key {key_id[:40]!r}, which is not among those given")
        if not isinstance(signature, str) or not re.fullmatch(r"[0-9a-f]{128}", signature):
            raise Wrong(f"{where}: its signature is none")
        try:
            key.verify(bytes.fromhex(signature), signed)
        except InvalidSignature as error:
            raise Wrong(f"{where}: its signature does not hold: it was changed, or signed by somebody else") from error


class Succession:
    """Checkpoints in their order: each continues the one before it."""

    def __init__(self) -> None:
        self.last: Checkpoint | None = None

    def take(self, point: Checkpoint, where: str) -> None:
        """The next one of all. Raises Wrong."""
        before, where = self.last, f"{where}: checkpoint {point.number}"
        number, first, previous = (before.number + 1, before.seq + 1, before.hash) if before else (1, 1, GENESIS)
        if point.number != number:
            raise Wrong(
                f"{where}: it stands where checkpoint {number} should: one is missing, replayed or out of order"
            )
        if point.previous != previous:
            raise Wrong(f"{where}: it does not continue the checkpoint before it")
        if point.first != first:
            raise Wrong(f"{where}: it begins at entry {point.first}, and the one before it ends at {first - 1}")
        agree(before, point, where)
        self.last = point


def agree(before: Checkpoint | None, after: Checkpoint, where: str) -> None:
    """Raises Wrong for two checkpoints that cannot both be of one log."""
    if before is None:
        return
    if after.log != before.log:
        raise Wrong(f"{where}: it is of another log than checkpoint {before.number}")
    if after.at < before.at:
        raise Wrong(f"{where}: it is back-dated: its time is before that of checkpoint {before.number}")
    if after.seq < before.seq or (after.seq == before.seq and after.head != before.head):
        raise Wrong(f"{where}: it contradicts checkpoint {before.number}: the log would have got shorter")


def kept_checkpoints(paths: Iterable[str], keys: Keys) -> list[Checkpoint]:
    """Those that were kept outside of the portal."""
    found = []
    for path in paths:
        with opened(path) as file:
            for number, text in lines_of(file, path):
                found.append(checkpoint_line(parsed(text, f"{path}: line {number}"), keys, f"{path}: line {number}"))
        if not found:
            raise Wrong(f"{path}: there is no checkpoint in it")
    return found


def checkpoint_line(line: dict[str, Any], keys: Keys, where: str) -> Checkpoint:
    """The checkpoint of a line."""
    if set(line) != {"checkpoint", "signature"}:
        raise Wrong(f"{where}: this is no checkpoint")
    return checkpoint_of(line["checkpoint"], line["signature"], keys, where)


# --- the tree over the entries ---------------------------------------------------------------------


def node(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """The Merkle root of hashes as they come."""

    def __init__(self) -> None:
        self.count = 0
        self._whole: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """One more leaf, to the right of the others."""
        rest = self.count
        while rest & 1:
            leaf = node(self._whole.pop(), leaf)
            rest >>= 1
        self._whole.append(leaf)
        self.count += 1

    def root(self) -> str:
        """Over all so far."""
        if not self._whole:
            return sha256(b"")
        found = self._whole[-1]
        for left in reversed(self._whole[:-1]):
            found = node(left, found)
        return found.hex()


def root_of(leaf: bytes, index: int, width: int, path: Sequence[bytes]) -> str | None:
    """The root that a leaf leads to, None where the path is too short or too long."""
    steps = iter(path)
    while width > 1:
        if index ^ 1 < width:
            beside = next(steps, None)
            if beside is None:
                return None
            leaf = node(beside, leaf) if index & 1 else node(leaf, beside)
        index, width = index >> 1, (width + 1) >> 1
    return leaf.hex() if next(steps, None) is None else None


# --- a log, entry by entry -------------------------------------------------------------------------


class Log:
    """Checks a log from its first entry on, with the checkpoints that were signed of it."""

    def __init__(self, kept: Sequence[Checkpoint]) -> None:
        self.seq, self.head, self.log = 0, GENESIS, ""
        self.unsigned_since = ""
        self._at = datetime.min.replace(tzinfo=UTC)
        self._before: Entry | None = None
        self._tree = Tree()
        self.points = Succession()
        self._kept = sorted(kept, key=lambda point: (point.seq, point.number))
        self._due = list(reversed(self._kept))
        # Up to which entry the log was archived: those are not here.
        self.archived = 0

    def goes_on(self, value: object, keys: Keys, where: str) -> None:
        """What a log begins with whose first entries were archived. Raises Wrong."""
        kind = type(value.get("checkpoint")) if isinstance(value, dict) else dict
        found = record(value, {"checkpoint": dict if kind is dict else type(None), "hashes": list, "last": int}, where)
        if self.seq:
            raise Wrong(f"{where}: it speaks of archived entries, and does not begin the log")
        leaves = [hashed(leaf, f"{where}: hashes") for leaf in found["hashes"]]
        if found["checkpoint"] is not None:
            self.points.last = checkpoint_line(found["checkpoint"], keys, where)
            self.log = self.points.last.log
        before = self.points.last
        if found["last"] < 1 or (before.seq if before else 0) + len(leaves) != found["last"]:
            raise Wrong(f"{where}: its hashes do not lead to entry {found['last']}")
        self.log = self.log or leaves[0].hex()
        self.begin(found["last"], leaves, leaves[-1].hex() if leaves else before.head if before else GENESIS)
        self._hold_begun(leaves, before, where)

    def begin(self, last: int, leaves: Sequence[bytes], head: str) -> None:
        """Behind entry `last`; `leaves` are the hashes before it that the next checkpoint covers."""
        self.seq, self.head, self.archived = last, head, last
        self._tree = Tree()
        for leaf in leaves:
            self._tree.add(leaf)
        self._due = [kept for kept in self._due if kept.seq > last]

    def _hold_begun(self, leaves: Sequence[bytes], before: Checkpoint | None, where: str) -> None:
        for kept in (kept for kept in self._kept if kept.seq <= self.seq):
            among = kept.seq - (self.seq - len(leaves))
            if before is not None and kept.number <= before.number:
                same = kept.hash == before.hash if kept.number == before.number else kept.seq <= before.seq
            else:
                same = among < 1 or leaves[among - 1].hex() == kept.head
            if not same or kept.log != self.log:
                raise Wrong(f"{where}: it is not of the log that checkpoint {kept.number} signs, which was kept")

    def entry(self, entry: Entry, where: str = "") -> None:
        """The next entry. Raises Wrong."""
        where = f"{where}: " if where else ""
        if entry.seq != self.seq + 1:
            self._out_of_place(entry, where)
        if entry.previous != self.head:
            self._torn(entry, where)
        if entry.expected_hash(self.head) != entry.hash:
            raise Wrong(f"{where}entry {entry.seq}: its content does not match its hash")
        self._timely(entry, where)
        self.seq, self.head, self._before = entry.seq, entry.hash, entry
        if not self.archived:
            self.log = self.log or entry.hash
        self._tree.add(bytes.fromhex(entry.hash))
        while self._due and self._due[-1].seq == self.seq:
            self._held_against(self._due.pop())

    def checkpoint(self, point: Checkpoint, where: str) -> None:
        """A checkpoint that stands behind its last entry. Raises Wrong."""
        self.points.take(point, where)
        where = f"{where}: checkpoint {point.number}"
        if point.seq != self.seq:
            raise Wrong(f"{where}: it speaks of {point.seq} entries, and stands behind entry {self.seq}")
        if self.log not in {"", point.log}:
            raise Wrong(f"{where}: it is of another log")
        if point.head != self.head or self._tree.root() != point.root:
            raise Wrong(f"{where}: {SIGNS_OTHERS.format(point.first, point.seq)}")
        if point.at < self._at:
            raise Wrong(f"{where}: entry {self.seq} says that it was written after this was signed")
        self._tree = Tree()
        for kept in self._kept:
            if kept.number == point.number and kept.hash != point.hash:
                raise Wrong(f"{where}: it is not the one that was kept")

    def end(self, where: str = "") -> None:
        """Nothing follows. Raises Wrong where something should."""
        where = f"{where}: " if where else ""
        if self._due:
            due = self._due[-1]
            raise Wrong(
                f"{where}entry {self.seq + 1} is missing: the log ends at entry {self.seq}, and checkpoint "
                f"{due.number} that was kept says that there were {due.seq}"
            )
        if self.points.last is None and not self._kept:
            raise Wrong(f"{where}there is no checkpoint: nobody has signed these {self.seq} entries")
        if self.archived > self.signed:
            raise Wrong(f"{where}no checkpoint signs what the log says of its {self.archived} archived entries")
        last = self.points.last
        if last is not None and self._kept and self._kept[-1].number > last.number:
            raise Wrong(f"{where}checkpoint {last.number + 1} is missing: checkpoint {self._kept[-1].number} was kept")

    @property
    def signed(self) -> int:
        """How many entries some checkpoint covers."""
        points = [*self._kept, *([self.points.last] if self.points.last else [])]
        return max((point.seq for point in points), default=0)

    def _out_of_place(self, entry: Entry, where: str) -> None:
        if entry.seq > self.seq:
            raise Gap(self.seq + 1, entry.seq)
        raise Wrong(f"{where}entry {entry.seq} stands behind entry {self.seq}: it is reordered, or there twice")

    def _torn(self, entry: Entry, where: str) -> None:
        """Which of two entries was changed: one that fits what it says of the other is as it was."""
        if self._before is not None and entry.expected_hash(entry.previous) == entry.hash:
            raise Wrong(
                f"{where}entry {self.seq} was changed and hashed anew: entry {entry.seq} continues another than this"
            )
        raise Wrong(f"{where}entry {entry.seq}: it does not continue the entry before it")

    def _timely(self, entry: Entry, where: str) -> None:
        at = entry.at
        if at < self._at:
            raise Wrong(f"{where}entry {entry.seq} is back-dated: its time is before that of entry {self.seq}")
        last = self.points.last
        if last is not None and at < last.at - TURN:
            raise Wrong(f"{where}entry {entry.seq} is back-dated: checkpoint {last.number} was signed before it, later")
        self._at = at

    def _held_against(self, kept: Checkpoint) -> None:
        if kept.head != self.head or self.log not in {"", kept.log}:
            raise Wrong(
                f"entry {self.seq}: checkpoint {kept.number} that was kept signs another log: an entry up to this one "
                "was changed, and all after it were hashed anew"
            )


def checked_lines(file: BinaryIO, name: str, keys: Keys, kept: Sequence[Checkpoint]) -> str:
    """Check an exported log."""
    log = Log(kept)
    lines = lines_of(file, name)
    for number, text in lines:
        where = f"{name}: line {number}"
        line = parsed(text, where)
        if set(line) == {"archived"}:
            log.goes_on(line["archived"], keys, where)
            continue
        if set(line) != {"entry"}:
            log.checkpoint(checkpoint_line(line, keys, where), where)
            continue
        try:
            log.entry(entry_of(line["entry"], where), where)
        except Gap as gap:
            raise Wrong(f"{where}: {_place_of(gap, lines)}") from gap
    log.end(name)
    return told(log)


def _place_of(gap: Gap, rest: Iterator[tuple[int, bytes]]) -> str:
    """Whether the entry that is missed stands further down."""
    try:
        for number, text in rest:
            entry = json.loads(text).get("entry")
            if isinstance(entry, dict) and entry.get("seq") == gap.expected:
                return f"entry {gap.expected} is out of order: it stands at line {number}, behind entry {gap.found}"
    except (Wrong, ValueError, RecursionError, AttributeError):
        pass
    return str(gap)


def told(log: Log) -> str:
    """What was found, in a sentence."""
    rest = log.seq - log.signed
    newer = f" The last {rest} are newer than the last checkpoint: chained, and not signed yet." if rest else ""
    if log.archived:
        here = f"Entries {log.archived + 1} to {log.seq} hold"
        gone = f" Entries 1 to {log.archived} were archived: they are not in this file."
    else:
        here, gone = f"{log.seq} entries hold", ""
    return f"{here}, signed up to entry {log.signed}; the head is {log.head}.{newer}{gone}"


def lines_of(file: BinaryIO, name: str) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers, without their ends."""
    number = 0
    while text := file.readline(LINE_MOST):
        number += 1
        if not text.endswith(b"\n"):
            raise Wrong(f"{name}: line {number}: it is cut short")
        yield number, text[:-1]


# --- a dump of the tables --------------------------------------------------------------------------

COPY = re.compile(rb'COPY (?:(?:"[^"]+"|[^".]+)\.)?"?([^".]+?)"? \((.+)\) FROM stdin;')
# The log may be kept in partitions.
TABLE = re.compile(r"(audit_logs)(?:_\w+)?|audit_checkpoints|audit_head|audit_archives", re.ASCII)
ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
ESCAPE = re.compile(r"\\(.?)", re.DOTALL)
STAMP = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d{0,5}[1-9])?([+-]\d\d(?::\d\d){0,2})", re.ASCII)
NUMBER = re.compile(r"0|[1-9]\d{0,18}", re.ASCII)
Row = dict[str, str]


class Dump:
    """The audit tables of a dump; rows of the log may stand a little out of order."""

    def __init__(self, keys: Keys, kept: Sequence[Checkpoint]) -> None:
        self.log = Log(kept)
        self._keys = keys
        self._waiting: dict[int, tuple[Entry, str]] = {}
        self._points: list[tuple[Checkpoint, str]] = []
        self._leaves = bytearray()
        # Of which entry the first of the leaves is; and what the log begins behind, where it was archived.
        self._first, self._begun = 1, ""
        self._head: tuple[Row, str] | None = None

    def row(self, table: str, row: Row, where: str) -> None:
        """A row of one of the tables."""
        if table == "audit_checkpoints":
            self._points.append((self._checkpoint(row, where), where))
        elif table == "audit_head":
            self._head = (row, where)
        elif table == "audit_archives":
            self._archive(row, where)
        else:
            entry = dumped_entry(row, where)
            if entry.seq <= self.log.archived:
                return
            if entry.seq in self._waiting:
                raise Wrong(f"{where}: entry {entry.seq} is there twice")
            self._waiting[entry.seq] = (entry, where)
            self._feed()

    def end(self, name: str) -> str:
        """The whole dump was read."""
        if not self.log.seq and not self._waiting:
            raise Wrong(f"{name}: this is no evidence and no log, and no dump with a row of the table audit_logs")
        if self._waiting:
            first = min(self._waiting)
            raise Wrong(
                f"{self._waiting[first][1]}: entry {self.log.seq + 1} is missing: the next one is entry {first}"
            )
        self._check_points()
        self.log.end(name)
        self._check_head()
        return told(self.log)

    def _archive(self, row: Row, where: str) -> None:
        """A month that was archived: the log goes on behind the last of them."""
        last, leaves = number(row, "last", where), bytes.fromhex(bytea(row, "leaves", where))
        if last <= self.log.archived:
            return
        if self.log.seq > self.log.archived or len(leaves) % 32 or len(leaves) > 32 * last:
            raise Wrong(f"{where}: what it says of archived entries does not fit the log")
        self._first, self._leaves, self._begun = (
            last - len(leaves) // 32 + 1,
            bytearray(leaves),
            bytea(row, "head", where),
        )
        if leaves and leaves[-32:].hex() != self._begun:
            raise Wrong(f"{where}: its hashes do not lead to entry {last}")
        self.log.begin(last, (), self._begun)
        self._waiting = {seq: found for seq, found in self._waiting.items() if seq > last}

    def _feed(self) -> None:
        while self.log.seq + 1 in self._waiting:
            entry, where = self._waiting.pop(self.log.seq + 1)
            self.log.entry(entry, where)
            self._leaves += bytes.fromhex(entry.hash)
        if len(self._waiting) > ROWS_ASTRAY:
            raise Wrong(f"entry {self.log.seq + 1} is missing, or stands more than {ROWS_ASTRAY} rows out of order")
        if self._waiting and min(self._waiting) <= self.log.seq:
            raise Wrong(f"{self._waiting[min(self._waiting)][1]}: entry {min(self._waiting)} is there twice")

    def _check_points(self) -> None:
        """The checkpoints stand in a table of their own: each is held against the entries it speaks of."""
        for point, where in sorted(self._points, key=lambda found: found[0].number):
            self.log.points.take(point, where)
            self._check_point(point, f"{where}: checkpoint {point.number}")

    def _check_point(self, point: Checkpoint, where: str) -> None:
        if point.seq > self.log.seq:
            raise Wrong(f"{where}: entry {self.log.seq + 1} is missing: it speaks of {point.seq} entries")
        if point.seq < self._first:
            if self.log.archived == point.seq and point.head != self._begun:
                raise Wrong(f"{where}: it signs other entries than the log goes on from")
            return
        if point.first < self._first:
            raise Wrong(f"{where}: not all hashes of the archived entries that it signs are kept")
        tree = Tree()
        for seq in range(point.first, point.seq + 1):
            tree.add(self._leaf(seq))
        if (point.head, point.root, point.log) != (self._leaf(point.seq).hex(), tree.root(), self.log.log or point.log):
            raise Wrong(f"{where}: {SIGNS_OTHERS.format(point.first, point.seq)}")

    def _leaf(self, seq: int) -> bytes:
        at = 32 * (seq - self._first)
        return bytes(self._leaves[at : at + 32])

    def _check_head(self) -> None:
        if self._head is None:
            return
        row, where = self._head
        if (number(row, "seq", where), bytea(row, "hash", where)) != (self.log.seq, self.log.head):
            raise Wrong(f"{where}: the head says {row['seq'][:20]} entries, and the log ends at entry {self.log.seq}")

    def _checkpoint(self, row: Row, where: str) -> Checkpoint:
        body = parsed(text(row, "body", where).encode("utf-8", "surrogatepass"), where)
        point = checkpoint_of(body, bytea(row, "signature", where), self._keys, where)
        stamp_ = datetime.fromisoformat(stamp(row, "at", where)[:-1]).replace(tzinfo=UTC)
        columns = (number(row, "number", where), number(row, "seq", where), stamp_)
        if columns != (point.number, point.seq, point.at):
            raise Wrong(f"{where}: checkpoint {point.number}: its columns say something else than what was signed")
        return point


def checked_dump(file: BinaryIO, name: str, keys: Keys, kept: Sequence[Checkpoint]) -> str:
    """Check a dump in COPY text."""
    dump = Dump(keys, kept)
    table, columns = begun(b"")
    for line, data in lines_of(file, name):
        where = f"{name}: line {line}"
        if not table:
            table, columns = begun(data)
        elif data == b"\\.":
            table = ""
        elif kind := TABLE.fullmatch(table):
            dump.row(kind[1] or table, copied(data, columns, where), where)
    if table:
        raise Wrong(f"{name}: it ends within the table {table}")
    return dump.end(name)


def begun(line: bytes) -> tuple[str, list[str]]:
    """The table and the columns whose rows begin after this line; "" where none do."""
    found = COPY.fullmatch(line)
    if not found:
        return "", []
    return found[1].decode("utf-8", "replace"), [
        column.strip(' "') for column in found[2].decode("utf-8", "replace").split(",")
    ]


def copied(data: bytes, columns: Sequence[str], where: str) -> Row:
    """A row of COPY text; a NULL is left out."""
    try:
        cells = data.decode().split("\t")
    except UnicodeDecodeError as error:
        raise Wrong(f"{where}: this is no UTF-8") from error
    if len(cells) != len(columns):
        raise Wrong(f"{where}: it has {len(cells)} columns, and the table {len(columns)}")
    pairs = zip(columns, cells, strict=True)
    return {
        column: ESCAPE.sub(lambda found: _unescaped(found[1], where), cell) for column, cell in pairs if cell != "\\N"
    }


def _unescaped(letter: str, where: str) -> str:
    if letter not in ESCAPES:
        raise Wrong(f"{where}: {letter!r} is escaped, as pg_dump does not")
    return ESCAPES[letter]


def dumped_entry(row: Row, where: str) -> Entry:
    """A row of `audit_logs`."""
    seq = number(row, "seq", where)
    where = f"{where}: entry {seq}"
    actor = str(number(row, "actor_id", where)) if "actor_id" in row else ""
    words = [text(row, name, where) for name in FIELDS[2:]]
    fields = [stamp(row, "at", where), actor, *words]
    return Entry(seq, fields, bytea(row, "previous_hash", where), bytea(row, "hash", where))


def text(row: Row, name: str, where: str) -> str:
    """A column that is never NULL."""
    if name not in row:
        raise Wrong(f"{where}: it has no {name}")
    return row[name]


def number(row: Row, name: str, where: str) -> int:
    """A whole number."""
    found = text(row, name, where)
    if not NUMBER.fullmatch(found) or int(found) > MOST:
        raise Wrong(f"{where}: its {name} is no number that the portal writes")
    return int(found)


def bytea(row: Row, name: str, where: str) -> str:
    """Bytes, hexadecimal."""
    found = text(row, name, where)
    if not re.fullmatch(r"\\x(?:[0-9a-f]{2})*", found):
        raise Wrong(f"{where}: its {name} is not written as PostgreSQL writes bytes")
    if name not in {"signature", "leaves"}:
        hashed(found[2:], f"{where}: {name}")
    return found[2:]


def stamp(row: Row, name: str, where: str) -> str:
    """A time of any zone, as the log writes it."""
    found = STAMP.fullmatch(text(row, name, where))
    try:
        if found and found[4] != "-00":
            fraction = (found[3] or ".").ljust(7, "0")
            zone = found[4] if ":" in found[4] else f"{found[4]}:00"
            at = datetime.fromisoformat(f"{found[1]}T{found[2]}{fraction}{zone}").astimezone(UTC)
            return f"{at.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
    except (ValueError, OverflowError):
        pass
    raise Wrong(f"{where}: its {name} is no time as PostgreSQL writes it")


# --- the evidence of a request ---------------------------------------------------------------------

PARTS = ("manifest.json", "request.json", "summary.html", "log.jsonl")
LOCAL = struct.Struct("<4sHHHHHLLLHH")
CENTRAL = struct.Struct("<4s4B4HL2L5H2L")
END = struct.Struct("<4s4H2LH")
# 1 January 1980: the ZIP's own beginning of time.
DAY = 0x21
OWNER_ONLY = 0o600 << 16
MANIFEST = {"entries": list, "files": dict, "kind": str, "request": str, "version": int}
STEPS = {
    "query.submit", "query.endorse", "query.approve", "query.reject", "query.withdraw", "query.expire", "query.claim",
    "query.complete", "query.fail", "query.close",
}  # fmt: skip
VERDICTS = {"query.endorse": "approve", "query.approve": "approve", "query.reject": "reject"}


def unpacked(data: bytes, name: str) -> dict[str, bytes]:
    """The parts of a ZIP that is, to the byte, as the portal writes it: nothing compressed, nothing besides."""
    parts, offset = {}, 0
    for part in PARTS:
        if len(data) < offset + LOCAL.size + len(part):
            raise Wrong(f"{name}: byte {len(data)}: it is cut short; {part} is missing")
        size = LOCAL.unpack_from(data, offset)[8]
        begin = offset + LOCAL.size + len(part)
        parts[part] = data[begin : begin + size]
        offset = begin + size
    expected = packed(parts)
    if expected != data:
        pairs = zip(expected, data, strict=False)
        at = next((i for i, (ours, theirs) in enumerate(pairs) if ours != theirs), min(len(expected), len(data)))
        raise Wrong(f"{name}: byte {at}: the ZIP is not as the portal wrote it ({_part_at(parts, at)})")
    return parts


def packed(parts: dict[str, bytes]) -> bytes:
    """The one ZIP that these parts make."""
    files, directory = [], []
    offset = 0
    for name, data in parts.items():
        crc, size = zlib.crc32(data), len(data)
        header = LOCAL.pack(b"PK\3\4", 20, 0, 0, 0, DAY, crc, size, size, len(name), 0) + name.encode()
        central = CENTRAL.pack(
            b"PK\1\2", 20, 3, 20, 0, 0, 0, 0, DAY, crc, size, size, len(name), 0, 0, 0, 0, OWNER_ONLY, offset
        )
        files += [header, data]
        directory.append(central + name.encode())
        offset += len(header) + size
    listed = b"".join(directory)
    count = len(parts)
    return b"".join([*files, listed, END.pack(b"PK\5\6", 0, 0, count, count, len(listed), offset, 0)])


def _part_at(parts: dict[str, bytes], at: int) -> str:
    end = 0
    for name, data in parts.items():
        end += LOCAL.size + len(name) + len(data)
        if at < end:
            return f"in {name} or its header"
    return "in its directory"


class Evidence:
    """The parts of an evidence file, held against each other, the log and the signatures."""

    def __init__(self, parts: dict[str, bytes], keys: Keys, name: str) -> None:
        self._parts, self._keys, self._name = parts, keys, name
        self.points: dict[int, Checkpoint] = {}
        self.entries: dict[int, Entry] = {}
        self.data: dict[int, dict[str, Any]] = {}

    def check(self, kept: Sequence[Checkpoint]) -> str:
        """Everything. Raises Wrong."""
        where = f"{self._name}: manifest.json"
        manifest = record(parsed(self._parts["manifest.json"], where), MANIFEST, where)
        self._check_log()
        self._check_anchor(manifest)
        self._check_subject(manifest["request"])
        self._check_files(manifest, where)
        request = parsed(self._parts["request.json"], f"{self._name}: request.json")
        if (request.get("id"), manifest["kind"]) != (manifest["request"], "query-portal evidence"):
            raise Wrong(f"{self._name}: request.json: it is of another request than the manifest")
        self._check_entries(manifest["entries"])
        self._check_kept(kept)
        Told(request, self.entries, self.data, manifest["entries"], f"{self._name}: request.json").check()
        last = self.points[max(self.points)]
        note = request.get("digest_note")
        return (
            f"The evidence of {request['number']} holds: {len(self.entries)} audit entries, signed up to entry "
            f"{last.seq} by checkpoint {last.number} of {last.at.isoformat()}.{f' {note}' if note else ''}"
        )

    def _check_files(self, manifest: dict[str, Any], where: str) -> None:
        expected = {name: sha256(self._parts[name]) for name in ("request.json", "summary.html")}
        if set(manifest["files"]) != set(expected):
            raise Wrong(f"{where}: it lists other files")
        for name, digest in expected.items():
            if manifest["files"][name] != digest:
                raise Wrong(f"{self._name}: {name}: it is not the one that the manifest lists")

    def _check_log(self) -> None:
        """Each entry is proven to be in a checkpoint; all in their order."""
        name = f"{self._name}: log.jsonl"
        lines = self._parts["log.jsonl"]
        if not lines.endswith(b"\n"):
            raise Wrong(f"{name}: its last line is cut short")
        parsed_lines = [
            (f"{name}: line {number}", parsed(line, f"{name}: line {number}"))
            for number, line in enumerate(lines[:-1].split(b"\n"), start=1)
        ]
        for where, line in parsed_lines:
            if set(line) != {"entry", "proof"}:
                self._take_checkpoint(checkpoint_line(line, self._keys, where), where)
        for where, line in parsed_lines:
            if set(line) == {"entry", "proof"}:
                self._take_entry(entry_of(line["entry"], where), line["proof"], where)

    def _take_checkpoint(self, point: Checkpoint, where: str) -> None:
        if self.points:
            last = self.points[max(self.points)]
            where = f"{where}: checkpoint {point.number}"
            if point.number <= last.number or point.first <= last.seq:
                raise Wrong(f"{where}: it is replayed, or stands out of order")
            agree(last, point, where)
        self.points[point.number] = point

    def _check_subject(self, request: str) -> None:
        for seq, entry in self.entries.items():
            if (entry.fields[4], entry.fields[5]) != ("query", request):
                raise Wrong(f"{self._name}: log.jsonl: entry {seq}: it is about something else than this request")

    def _take_entry(self, entry: Entry, proof: object, where: str) -> None:
        where = f"{where}: entry {entry.seq}"
        if entry.expected_hash(entry.previous) != entry.hash:
            raise Wrong(f"{where}: its content does not match its hash")
        self._check_proof(entry, record(proof, {"checkpoint": int, "path": list}, where), where)
        self._check_order(entry, where)
        self.entries[entry.seq] = entry
        self.data[entry.seq] = self._data_of(entry, where)

    def _check_proof(self, entry: Entry, proof: dict[str, Any], where: str) -> None:
        point = self.points.get(proof["checkpoint"])
        if point is None or not point.first <= entry.seq <= point.seq:
            raise Wrong(f"{where}: checkpoint {proof['checkpoint']} does not cover it, or is not there")
        path = [hashed(step, f"{where}: its proof") for step in proof["path"]]
        leaf = bytes.fromhex(entry.hash)
        if root_of(leaf, entry.seq - point.first, point.seq - point.first + 1, path) != point.root:
            raise Wrong(f"{where}: it is not among the entries that checkpoint {point.number} signs")
        if entry.at > point.at:
            raise Wrong(f"{where}: it says that it was written after it was signed")

    def _check_order(self, entry: Entry, where: str) -> None:
        if not self.entries:
            return
        last = self.entries[max(self.entries)]
        if entry.seq <= last.seq:
            raise Wrong(f"{where}: it stands behind entry {last.seq}: it is reordered, or there twice")
        if entry.at < last.at:
            raise Wrong(f"{where}: it is back-dated: its time is before that of entry {last.seq}")
        if entry.seq == last.seq + 1 and entry.previous != last.hash:
            raise Wrong(f"{where}: it does not continue the entry before it")

    @staticmethod
    def _data_of(entry: Entry, where: str) -> dict[str, Any]:
        try:
            data = json.loads(entry.fields[7])
        except (ValueError, RecursionError) as error:
            raise Wrong(f"{where}: its data is no JSON") from error
        return data if isinstance(data, dict) else {}

    def _check_anchor(self, manifest: dict[str, Any]) -> None:
        """The log holds the hash of the manifest, and with it of everything that the manifest lists."""
        digest = sha256(self._parts["manifest.json"])
        for seq, entry in self.entries.items():
            if entry.fields[3] == "query.evidence" and self.data[seq].get("manifest") == digest:
                listed = manifest["entries"]
                if all(type(item) is int for item in listed) and all(item < seq for item in listed):
                    return
        raise Wrong(
            f"{self._name}: manifest.json: no audit entry tells of it: it was changed, or made by somebody else"
        )

    def _check_entries(self, listed: Sequence[int]) -> None:
        missing = [seq for seq in listed if seq not in self.entries]
        if missing:
            raise Wrong(f"{self._name}: log.jsonl: entry {missing[0]} is missing: the manifest lists it")

    def _check_kept(self, kept: Sequence[Checkpoint]) -> None:
        for point in kept:
            for own in self.points.values():
                where = f"{self._name}: log.jsonl: checkpoint {own.number}"
                if own.number == point.number and own.hash != point.hash:
                    raise Wrong(f"{where}: it is not the one that was kept")
                if own.number == point.number + 1 and own.previous != point.hash:
                    raise Wrong(f"{where}: it does not continue the one that was kept")
                first, second = (own, point) if own.number < point.number else (point, own)
                agree(first, second, where)


@dataclass
class Told:
    """What `request.json` says, against what the entries say of the same."""

    request: dict[str, Any]
    entries: dict[int, Entry]
    data: dict[int, dict[str, Any]]
    listed: Sequence[int]
    where: str

    def check(self) -> None:
        """Raises Wrong where the two tell different stories."""
        self._digest()
        self._status()
        self._decisions()
        self._comments()
        self._result()

    def _steps(self) -> Iterator[tuple[int, str, dict[str, Any]]]:
        for seq in sorted(self.listed):
            action = self.entries[seq].fields[3]
            if action in STEPS:
                yield seq, action, self.data[seq]

    def _digest(self) -> None:
        form, digest = self.request.get("digest_form"), self.request.get("digest")
        for seq, _, data in self._steps():
            if data.get("digest") != digest:
                raise Wrong(f"{self.where}: entry {seq} is about another digest")
        if form is None and self.request.get("digest_note"):
            return
        if not isinstance(form, str) or sha256(form.encode("utf-8", "surrogatepass")) != digest:
            raise Wrong(f"{self.where}: the digest is not that of the statement and what belongs to it")
        content = parsed(form.encode("utf-8", "surrogatepass"), f"{self.where}: digest_form")
        for name in ("language", "statement", "access", "limits", "target", "parameters"):
            if content.get(name) != self.request.get(name):
                raise Wrong(f"{self.where}: its {name} is not what the digest covers")

    def _status(self) -> None:
        status: object = None
        for seq, action, data in self._steps():
            before = None if action == "query.submit" else data.get("from")
            if before != status:
                raise Wrong(f"{self.where}: entry {seq} leads on from {before}, and the request was {status}")
            status = data.get("to")
        if status != self.request.get("status"):
            raise Wrong(f"{self.where}: it is {self.request.get('status')}, and the log ends at {status}")

    def _decisions(self) -> None:
        told = [
            (self.entries[seq].fields[1], VERDICTS[action], data.get("digest"), data.get("bound"))
            for seq, action, data in self._steps()
            if action in VERDICTS
        ]
        shown = self.request.get("decisions")
        if not isinstance(shown, list) or not all(isinstance(decision, dict) for decision in shown):
            raise Wrong(f"{self.where}: its decisions cannot be read")
        names = ("reviewer_id", "verdict", "digest", "bound")
        if told != [tuple(decision.get(name) for name in names) for decision in shown]:
            raise Wrong(f"{self.where}: its decisions are not those of the log")

    def _comments(self) -> None:
        told = [
            (self.entries[seq].fields[1], self.data[seq].get("comment"), self.data[seq].get("line"))
            for seq in sorted(self.listed)
            if self.entries[seq].fields[3] == "query.comment"
        ]
        shown = self.request.get("comments")
        if not isinstance(shown, list) or not all(isinstance(comment, dict) for comment in shown):
            raise Wrong(f"{self.where}: its comments cannot be read")
        if told != [(comment.get("author_id"), comment.get("text"), comment.get("line")) for comment in shown]:
            raise Wrong(f"{self.where}: its comments are not those of the log")

    def _result(self) -> None:
        execution = self.request.get("execution")
        digests = [data.get("result") for _, action, data in self._steps() if action == "query.complete"]
        shown = execution.get("result_digest") if isinstance(execution, dict) else None
        if shown != (digests[-1] if digests else None):
            raise Wrong(f"{self.where}: the digest of its result is not that of the log")


def checked_evidence(file: BinaryIO, name: str, keys: Keys, kept: Sequence[Checkpoint]) -> str:
    """Check the evidence of a request."""
    data = file.read(EVIDENCE_MOST + 1)
    if len(data) > EVIDENCE_MOST:
        raise Wrong(f"{name}: it is larger than any evidence")
    return Evidence(unpacked(data, name), keys, name).check(kept)


# --- the command -----------------------------------------------------------------------------------


def opened(path: str) -> BinaryIO:
    """The file. Raises Wrong."""
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise Wrong(f"{path}: it cannot be read ({error.strerror})") from error


def checker_for(beginning: bytes) -> Callable[[BinaryIO, str, Keys, Sequence[Checkpoint]], str]:
    """What a file is, by how it begins."""
    if beginning.startswith(b"PK"):
        return checked_evidence
    return checked_lines if beginning.startswith(b"{") else checked_dump


def verified(path: str, keys: Sequence[str], checkpoints: Sequence[str] = ()) -> str:
    """What was found, in a sentence. Raises Wrong."""
    known = Keys()
    for key in keys:
        known.read(key)
    kept = kept_checkpoints(checkpoints, known)
    with opened(path) as file:
        beginning = file.read(2)
        file.seek(0)
        if beginning != GZIP:
            return checker_for(beginning)(file, path, known, kept)
        try:
            with gzip.open(file, "rb") as lines:
                return checked_lines(io.BufferedReader(lines), path, known, kept)
        except (OSError, EOFError, zlib.error) as error:
            raise Wrong(f"{path}: it cannot be unpacked: it was changed, or is cut short") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Check evidence, an exported log or a dump of Query Portal, offline.")
    parser.add_argument("file", metavar="FILE", help="evidence (ZIP), exported log (JSON lines) or dump (COPY text)")
    parser.add_argument("--key", action="append", required=True, metavar="PEM", help="a public key; may be repeated")
    parser.add_argument("--checkpoint", action="append", default=[], metavar="KEPT", help="checkpoints kept elsewhere")
    options = parser.parse_args(arguments)
    try:
        print(verified(options.file, options.key, options.checkpoint))
    except Wrong as wrong:
        print(wrong, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
