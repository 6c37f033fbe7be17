"""Puts documents back within a transaction: all of them exactly, or none.

What is there now is read in the transaction and compared to the byte with what the write left. Nobody can change it
between that and the write: the server ends a transaction that writes a document which changed since it was read, or
whose `_id` was taken. Afterwards it is read again, and has to be what it was before: an empty timestamp, for one, the
server sets to its own time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from bson.raw_bson import RawBSONDocument

from executors.base import Refused, StatementFailed
from executors.mongodb import answers, raw
from executors.mongodb.effect import Watcher
from executors.mongodb.images import identifier
from executors.mongodb.keys import Documents, Key, by_id, key
from executors.mongodb.sent import Body, Stream
from executors.mongodb.undo.parts import Part
from executors.mongodb.wire import Wire

# What goes into one command; the server takes 48 MB and 100,000 documents.
_BATCH: Final = 500
_BATCH_BYTES: Final = 8 * 1024 * 1024
_NAMED: Final = 10
_UNAUTHORISED: Final = "13"

_CHANGED: Final = "changed since"
_GONE: Final = "gone since"
_TAKEN: Final = "there again"
_OTHERWISE: Final = "not kept by the server as it was"


def put_back(wire: Wire, watcher: Watcher, parts: Sequence[Part]) -> int:
    """Put documents back; how many. Raises `Refused` where any is not what the write left, or not what it was."""
    _require_collections(wire, parts)
    unique = {part.collection for part in parts if _has_unique_index(wire, part.collection)}
    _refuse(parts, [list(_not(wire, part, 0)) for part in parts])
    for part in parts:
        for body in _bodies(part, aside=part.collection in unique):
            wire.command(body, writes=True)
    _refuse(parts, [list(_not(wire, part, 1)) for part in parts])
    for part in parts:
        watcher.put(part.collection, part.changes)
    return sum(len(part.changes) for part in parts)


# --- what is there -----------------------------------------------------------------------------------


def _require_collections(wire: Wire, parts: Sequence[Part]) -> None:
    """Refuse a collection that is gone: the server would make a new one, without its indexes and rules."""
    body: Body = {"listCollections": 1, "nameOnly": True, "authorizedCollections": True}
    body["filter"] = {"name": {"$in": [part.collection for part in parts]}}
    body["cursor"] = {"batchSize": len(parts) + 1}
    listed = answers.decode(wire.command(body))["cursor"]["firstBatch"]
    kinds = {item["name"]: item.get("type", "collection") for item in listed}
    for part in parts:
        kind = kinds.get(part.collection)
        if kind != "collection":
            now = "is gone" if kind is None else f"is a {kind} now"
            raise Refused(f"The collection {part.collection} {now}. Nothing was put back.")


def _has_unique_index(wire: Wire, collection: str) -> bool:
    """Whether a value besides the `_id` must be unique. A login that may not ask finds out by the server's refusal."""
    try:
        listed = answers.decode(wire.command({"listIndexes": collection}))
    except StatementFailed as failure:
        if failure.detail.get("code") == _UNAUTHORISED:
            return False
        raise
    return any(index.get("unique") for index in listed["cursor"]["firstBatch"])


def _not(wire: Wire, part: Part, side: int) -> Iterator[tuple[str, bytes]]:
    """The documents that are not what one side of their change says, and what they are instead."""
    for keys in _batches((one, max(map(len, filter(None, pair)))) for one, pair in part.changes.items()):
        found = _read(wire, part.collection, keys)
        for one in keys:
            pair = part.changes[one]
            wanted, now = pair[side], found.get(one)
            if now != wanted:
                reason = _OTHERWISE if side else _GONE if now is None else _TAKEN if wanted is None else _CHANGED
                yield reason, pair[0] or pair[1] or b""


def _read(wire: Wire, collection: str, keys: Sequence[Key]) -> Documents:
    plan = Stream("find", collection, {"filter": by_id(keys)})
    return {key(document): document for batch in wire.stream(plan) for document in raw.documents(batch)}


def _refuse(parts: Sequence[Part], wrong: Sequence[Sequence[tuple[str, bytes]]]) -> None:
    """Raise `Refused` if there is any, with how many documents of each collection, and the first of them."""
    count = sum(map(len, wrong))
    if not count:
        return
    said = "; ".join(_said(part, found) for part, found in zip(parts, wrong, strict=True) if found)
    documents = "1 document" if count == 1 else f"{count:,} documents"
    raise Refused(f"{documents} cannot be put back exactly ({said}). Nothing was put back.")


def _said(part: Part, found: Sequence[tuple[str, bytes]]) -> str:
    by_reason = groupby(sorted(found, key=lambda item: item[0]), key=lambda item: item[0])
    said = []
    for reason, items in by_reason:
        # The statement has them last first.
        documents = [document for _, document in items][::-1]
        named = ", ".join(map(identifier, documents[:_NAMED])) + (" …" if len(documents) > _NAMED else "")
        said.append(f"{len(documents):,} {reason}: _id {named}")
    return f"{part.collection}: {', '.join(said)}"


# --- what is sent ------------------------------------------------------------------------------------


def _bodies(part: Part, *, aside: bool) -> Iterator[Body]:
    """The commands that put documents back, in an order in which a value that must be unique is free.

    A changed document is replaced; it is taken away and put back where values must be unique (two may have exchanged
    them) and where the server replaces none (a field whose name begins with `$`).
    """
    changed = part.keys(left=True, before=True)
    moved = {one for one in changed if aside or _has_operator(part.changes[one][1] or b"")}
    gone = [*part.keys(left=True, before=False), *(one for one in changed if one in moved)]
    back = [*(one for one in changed if one in moved), *part.keys(left=False, before=True)]
    name = part.collection
    for keys in _batches((one, len(one[1])) for one in gone):
        yield {"delete": name, "deletes": [{"q": by_id(keys), "limit": 0}]}
    for keys in _sized(part, [one for one in changed if one not in moved]):
        yield {"update": name, "updates": [{"q": by_id([one]), "u": _before(part, one)} for one in keys]}
    for keys in _sized(part, back):
        yield {"insert": name, "documents": [_before(part, one) for one in keys]}


def _before(part: Part, one: Key) -> RawBSONDocument:
    return RawBSONDocument(part.changes[one][1] or b"")


def _has_operator(document: bytes) -> bool:
    return any(element.name.startswith("$") for element in raw.elements(document))


def _sized(part: Part, keys: Sequence[Key]) -> Iterator[list[Key]]:
    return _batches((one, len(part.changes[one][1] or b"")) for one in keys)


def _batches(sized: Iterable[tuple[Key, int]]) -> Iterator[list[Key]]:
    batch: list[Key] = []
    size = 0
    for one, length in sized:
        if batch and (len(batch) >= _BATCH or size + length > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += length
    if batch:
        yield batch
