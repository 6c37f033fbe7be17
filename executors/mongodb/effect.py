"""What a MongoDB session has changed: the documents that each write names, before it and after it.

Within its transaction, the documents a write's filters find are read before it and, by their `_id`, after it; what
differs is what it changed. That is held against what the server counted in its reply: where the two are not the same
(`updateOne` may take another document than the one found first), the counts are the server's and the documents are not
told. Triggers are no part of a deployment's transaction; whatever they do is not seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bson import encode

from executors.base import (
    Effect,
    Gap,
    Images,
    KeepLimits,
    RowBound,
    SchemaChange,
    SchemaVerb,
    TableEffect,
)
from executors.mongodb import answers, images, raw
from executors.mongodb.images import Pair
from executors.mongodb.keys import Documents, Key, by_id, key, key_of
from executors.mongodb.sent import Body, Stream
from executors.mongodb.wire import Wire

_TOLD: Final = KeepLimits(rows=10_000, bytes=32 * 1024 * 1024)
# Commands that change documents, and where they say of which.
_PARTS: Final = {"update": "updates", "delete": "deletes"}
_FINDING: Final = ("collation", "hint")
_FIRST: Final = 100
_INDEXES: Final = {"createIndexes": SchemaVerb.CREATED, "dropIndexes": SchemaVerb.DROPPED}


@dataclass(slots=True)
class Counted:
    """Documents, by the server's own account."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.inserted + self.updated + self.deleted

    def add(self, other: Counted) -> None:
        """Count further ones."""
        self.inserted += other.inserted
        self.updated += other.updated
        self.deleted += other.deleted


@dataclass(slots=True)
class _Collection:
    """What is known of one collection: each document as it was first, and as it was last."""

    before: dict[Key, bytes | None] = field(default_factory=dict)
    after: dict[Key, bytes | None] = field(default_factory=dict)
    counted: Counted = field(default_factory=Counted)
    gap: Gap | None = None
    size: int = 0

    def changes(self) -> list[Pair]:
        """Documents that are not what they were."""
        return [(was, self.after[key]) for key, was in self.before.items() if was != self.after[key]]


class Watcher:
    """Watches the writes of one session. `bound` is held to before each write where no transaction can take it back."""

    def __init__(self, wire: Wire, keep: KeepLimits | None, bound: int | None) -> None:
        self._wire = wire
        self._limits = keep or _TOLD
        self._bound = bound
        self._collections: dict[str, _Collection] = {}
        self._uncounted: list[str] = []
        self._schema: list[SchemaChange] = []

    def command(self, body: Body, send: Callable[[Body], bytes]) -> bytes:
        """The reply to a write, which `send` sends."""
        kind = next(iter(body))
        if kind in _INDEXES:
            reply = send(body)
            self._schema += _indexes(kind, body)
            return reply
        if kind not in {"insert", "update", "delete", "findAndModify"}:
            return send(body)
        found, apart = self._found(kind, body)
        if kind == "update" and not apart and self._wire.in_transaction:
            singles: list[Body] = [{**body, "updates": [part]} for part in body["updates"]]
            return answers.together([self.command(single, send) for single in singles])
        if found is not None and not self._wire.in_transaction and self._bound is not None:
            self._hold(kind, body, len(found))
        reply = send(body)
        self._note(str(body[kind]), kind, body, found, answers.decode(reply))
        return reply

    def put(self, collection: str, changes: Mapping[Key, Pair]) -> None:
        """Documents that are known to have changed, one by one, before and after."""
        known = self._collections.setdefault(collection, _Collection())
        known.counted.add(_count(changes.values()))
        self._add(known, changes)

    def uncounted(self, collection: str) -> None:
        """A write of which nobody tells what it changes: `$out`, `$merge`."""
        self._uncounted.append(collection)

    def effect(self, sample: int) -> Effect:
        """What has changed so far."""
        tables, exact = [], True
        for name, known in sorted(self._collections.items()):
            table, sure = _table(name, known, sample)
            exact = exact and sure
            if table.total:
                tables.append(table)
        missing = [TableEffect(name, 0, 0, 0, complete=False, gap=Gap.NOT_TOLD) for name in self._uncounted]
        schema, lasts = tuple(self._schema), not self._wire.transactional
        return Effect((*tables, *missing), exact and not missing, schema, counted=not missing, lasts=lasts)

    def images(self) -> Iterator[Images]:
        """Every changed document, whole."""
        for name, known in sorted(self._collections.items()):
            yield from images.pieces(name, known.changes())

    # --- one write ---

    def _found(self, kind: str, body: Body) -> tuple[Documents | None, bool]:
        """The documents a write may change, as they are, None where there are too many; and whether each of its parts
        has documents of its own. Where one may be changed twice, the server's counts are of changes, not documents."""
        found: Documents = {}
        filters, seen = list(_filters(kind, body)), 0
        for part in filters:
            documents = self._read(str(body[kind]), part)
            if documents is None:
                return None, True
            found |= documents
            seen += len(documents)
        apart = seen == len(found) and len({encode({"": part["filter"]}) for part in filters}) == len(filters)
        return (found if len(found) <= self._limits.rows else None), apart

    def _hold(self, kind: str, body: Body, found: int) -> None:
        """Without a transaction a write cannot be taken back: one that could pass the bound is not sent."""
        so_far = sum(known.counted.total for known in self._collections.values())
        coming = len(body.get("documents") or ()) if kind == "insert" else max(found, 1 if _upserts(kind, body) else 0)
        if self._bound is not None and so_far + coming > self._bound:
            message = (
                f"It might change {so_far + coming:,} documents and was approved for at most {self._bound:,}. This "
                "server has no transactions, so it was not sent."
            )
            raise RowBound(message, detail={"changed": str(so_far + coming), "bound": str(self._bound)})

    def _note(self, name: str, kind: str, body: Body, found: Documents | None, reply: Mapping[str, Any]) -> None:
        known = self._collections.setdefault(name, _Collection())
        counted = _counted(kind, reply)
        known.counted.add(counted)
        if found is None:
            known.gap = Gap.SIZE
            return
        after = self._read(name, {"filter": by_id([*found, *_new(kind, body, reply)])})
        if after is None:
            known.gap = Gap.SIZE
            return
        both = {one: (found.get(one), after.get(one)) for one in dict.fromkeys((*found, *after))}
        changes = {one: pair for one, pair in both.items() if pair[0] != pair[1]}
        if _count(changes.values()) != counted and not _answered(found, reply):
            known.gap = Gap.UNCERTAIN
        self._add(known, changes)

    def _add(self, known: _Collection, changes: Mapping[Key, Pair]) -> None:
        for one, (was, now) in changes.items():
            known.before.setdefault(one, was)
            known.after[one] = now
            known.size += len(was or b"") + len(now or b"")
        if known.size > self._limits.bytes or len(known.before) > self._limits.rows:
            known.gap = Gap.SIZE

    def _read(self, collection: str, body: Body) -> Documents | None:
        """Documents of this session's own view by their keys; None for more than may be held."""
        found: Documents = {}
        size = 0
        for batch in self._wire.stream(Stream("find", collection, body), most=self._limits.rows + 1):
            size += len(batch)
            if size > self._limits.bytes:
                return None
            found.update((key(document), document) for document in raw.documents(batch))
        return found if len(found) <= self._limits.rows else None


def _filters(kind: str, body: Body) -> Iterator[Body]:
    """What a write asks for, as options of a find."""
    let = {"let": body["let"]} if "let" in body else {}
    if kind == "findAndModify":
        options: Body = {name: body[name] for name in ("sort", *_FINDING) if name in body}
        yield {"filter": body["query"], "limit": 1, **options, **let}
    for number, part in enumerate(body.get(_PARTS.get(kind, ""), ())):
        options = {name: part[name] for name in _FINDING if name in part}
        # The first that it would find may be changed by the parts before it, so that it takes the next one.
        one = {"limit": min(number + 1, _FIRST)} if _is_for_one(kind, part) else {}
        yield {"filter": part["q"], **one, **options, **let}


def _is_for_one(kind: str, part: Mapping[str, Any]) -> bool:
    return not part.get("multi") if kind == "update" else part["limit"] == 1


def _upserts(kind: str, body: Body) -> bool:
    return bool(body.get("upsert")) or any(part.get("upsert") for part in body.get(_PARTS.get(kind, ""), ()))


def _new(kind: str, body: Body, reply: Mapping[str, Any]) -> Iterator[Key]:
    """The keys of documents that the write added."""
    if kind == "insert":
        yield from (key_of(document["_id"]) for document in body["documents"])
    yield from (key_of(item["_id"]) for item in reply.get("upserted") or ())
    last = reply.get("lastErrorObject") or {}
    if "upserted" in last:
        yield key_of(last["upserted"])


def _indexes(kind: str, body: Body) -> Iterator[SchemaChange]:
    """The indexes that a command makes or takes away, as people name them."""
    named = [index.get("name", index.get("key")) for index in body.get("indexes", ())] or [body.get("index")]
    for name in named:
        keys = name if isinstance(name, str) else json.dumps(name, default=str)
        yield SchemaChange(_INDEXES[kind], f"index {keys} of collection {body[kind]}")


def _counted(kind: str, reply: Mapping[str, Any]) -> Counted:
    if kind == "insert":
        return Counted(inserted=int(reply.get("n", 0)))
    if kind == "delete":
        return Counted(deleted=int(reply.get("n", 0)))
    if kind == "update":
        return Counted(len(reply.get("upserted") or ()), int(reply.get("nModified", 0)))
    return _found_and_modified(reply)


def _found_and_modified(reply: Mapping[str, Any]) -> Counted:
    """One document at most. Whether an update really changed it the server does not say."""
    last = reply.get("lastErrorObject") or {}
    if "upserted" in last:
        return Counted(inserted=1)
    if not last.get("n"):
        return Counted()
    return Counted(updated=1) if "updatedExisting" in last else Counted(deleted=1)


def _answered(found: Documents, reply: Mapping[str, Any]) -> bool:
    """Whether a findAndModify answers with the document that was found before it: it changed that one, if any."""
    value = reply.get("value")
    return isinstance(value, Mapping) and "_id" in value and key_of(value["_id"]) in found


def _count(changes: Iterable[Pair]) -> Counted:
    counted = Counted()
    for was, now in changes:
        counted.add(Counted(int(was is None), int(None not in (was, now)), int(now is None)))
    return counted


def _table(name: str, known: _Collection, sample: int) -> tuple[TableEffect, bool]:
    """The effect on one collection, and whether its counts are exact."""
    changes = known.changes()
    counted = known.counted if known.gap else _count(changes)
    shown = [] if known.gap else changes[:sample]
    columns, rows = images.shown(shown)
    table = TableEffect(
        name,
        counted.inserted,
        counted.updated,
        counted.deleted,
        columns,
        ("_id",) if columns else (),
        rows,
        complete=known.gap is None,
        gap=known.gap,
    )
    return table, known.gap is not Gap.UNCERTAIN
