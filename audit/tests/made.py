"""Logs made up for the verifier: chained and signed as the portal does it, with no database."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from audit import chain, keys
from audit.checkpoints import CONTEXT, GENESIS
from audit.lines import canonical
from audit.merkle import Tree

BEGAN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
Line = dict[str, Any]


@dataclass
class Maker:
    """Writes entries and checkpoints in their order, honestly or after `spoil` changed what is written."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    lines: list[Line] = field(default_factory=list)
    now: dt.datetime = BEGAN
    seq: int = 0
    head: bytes = chain.GENESIS
    _since: Tree = field(default_factory=Tree)
    _point: Line | None = None

    def entry(self, **changed: str) -> Line:
        """The next entry; `changed` fields are what it says instead."""
        self.now += dt.timedelta(seconds=1)
        self.seq += 1
        said = {
            "actor": "7",
            "actor_label": "Mina Cole (manager)",
            "action": "query.approve",
            "subject_kind": "query",
            "subject_id": f"00000000-0000-0000-0000-{self.seq % 10:012}",
            "subject_label": f"QR-{self.seq % 10}",
            "data": json.dumps({"n": self.seq, "ü": "😀\n"}, separators=(",", ":"), ensure_ascii=False),
        }
        at = self.now.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
        entry = {"seq": self.seq, "at": at, **said, **changed, "previous_hash": self.head.hex()}
        self.head = bytes.fromhex(hash_of(entry))
        entry["hash"] = self.head.hex()
        self._since.add(self.head)
        self.lines.append({"entry": entry})
        return entry

    def checkpoint(self, **changed: Any) -> Line:
        """A checkpoint of what is there; `changed` is what it says instead, signed all the same."""
        before = self._point
        first = before["checkpoint"]["seq"] + 1 if before else 1
        self.now += dt.timedelta(seconds=1)
        body = {
            "at": self.now.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z",
            "first": first,
            "head": self.head.hex(),
            "key": keys.key_id(self.key.public_key()),
            "log": next(line["entry"]["hash"] for line in self.lines if "entry" in line),
            "number": before["checkpoint"]["number"] + 1 if before else 1,
            "previous": point_hash(before) if before else GENESIS,
            "root": self._since.root().hex(),
            "seq": self.seq,
            "version": 1,
        } | changed
        self._point = signed(body, self.key)
        self._since = Tree()
        self.lines.append(self._point)
        return self._point

    def public(self, path: Path) -> Path:
        """The public key, in a file."""
        form = PublicFormat.SubjectPublicKeyInfo
        path.write_bytes(self.key.public_key().public_bytes(Encoding.PEM, form))
        return path


def made(count: int, every: int = 5) -> Maker:
    """A log of so many entries, with a checkpoint behind each `every`."""
    maker = Maker()
    for number in range(1, count + 1):
        maker.entry()
        if number % every == 0:
            maker.checkpoint()
    return maker


def signed(body: Line, key: Ed25519PrivateKey) -> Line:
    """A checkpoint's line."""
    return {"checkpoint": body, "signature": key.sign(CONTEXT + canonical(body).encode()).hex()}


def point_hash(line: Line) -> str:
    """What the next checkpoint continues."""
    return sha256(b"\x02" + canonical(line["checkpoint"]).encode()).hexdigest()


def hash_of(entry: Line) -> str:
    """The hash that an entry must have behind its `previous_hash`."""
    at = dt.datetime.fromisoformat(entry["at"])
    names = ("actor", "actor_label", "action", "subject_kind", "subject_id", "subject_label", "data")
    content = chain.content(at=at, **{name: entry[name] for name in names})
    return chain.entry_hash(entry["seq"], content, bytes.fromhex(entry["previous_hash"])).hex()


def rechained(lines: Sequence[Line]) -> None:
    """Hash every entry anew, each behind the one before it, as somebody with the database could."""
    entries = [line["entry"] for line in lines if "entry" in line]
    entries[0]["hash"] = hash_of(entries[0])
    for before, entry in pairwise(entries):
        entry["previous_hash"] = before["hash"]
        entry["hash"] = hash_of(entry)


def written(lines: Sequence[Line]) -> bytes:
    """The lines as a file."""
    return b"".join(canonical(line).encode() + b"\n" for line in lines)


def as_dump(lines: Sequence[Line], order: Callable[[list[Line]], list[Line]] = list) -> bytes:
    """The same as pg_dump writes the tables."""
    entries = order([line["entry"] for line in lines if "entry" in line])
    points = [line for line in lines if "checkpoint" in line]
    columns = (
        "seq, at, actor_label, action, subject_kind, subject_id, subject_label, data, previous_hash, hash, actor_id"
    )
    return "\n".join([
        "--", "-- PostgreSQL database dump", "--", "", "SET TimeZone = 'Asia/Kolkata';", "",
        "COPY public.audit_checkpoints (number, seq, at, body, signature) FROM stdin;",
        *map(_point_row, points), "\\.", "",
        f"COPY public.audit_logs ({columns}) FROM stdin;",
        *map(_entry_row, entries), "\\.", "", "-- done", "",
    ]).encode()  # fmt: skip


def _point_row(line: Line) -> str:
    body = line["checkpoint"]
    cells = (str(body["number"]), str(body["seq"]), _stamp(body["at"]), _text(canonical(body)))
    return "\t".join((*cells, f"\\\\x{line['signature']}"))


def _entry_row(entry: Line) -> str:
    names = ("actor_label", "action", "subject_kind", "subject_id", "subject_label", "data")
    hashes = (f"\\\\x{entry['previous_hash']}", f"\\\\x{entry['hash']}")
    cells = (str(entry["seq"]), _stamp(entry["at"]), *(_text(entry[name]) for name in names), *hashes)
    return "\t".join((*cells, entry["actor"] or "\\N"))


def _stamp(at: str) -> str:
    moment = dt.datetime.fromisoformat(at).astimezone(dt.timezone(dt.timedelta(hours=5, minutes=30)))
    fraction = f".{moment.microsecond:06}".rstrip("0").rstrip(".")
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction}+05:30"


def _text(value: str) -> str:
    for plain, escaped in (("\\", "\\\\"), ("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r")):
        value = value.replace(plain, escaped)
    return value
