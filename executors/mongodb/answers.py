"""From the server's replies to rows, as mongosh would show them. Values are copied as bytes, never decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bson import Int64, encode
from bson import decode as decode_bson
from bson.codec_options import CodecOptions, DatetimeConversion

from executors.base import TooLarge
from executors.mongodb import raw
from executors.mongodb.reading.command import Value

# What the server adds to every reply about itself and the cluster.
_METADATA = frozenset({"ok", "$clusterTime", "operationTime", "electionId", "opTime"})
_OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS)


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows (encoded documents) and, for a write, how many documents it changed."""

    rows: tuple[bytes, ...]
    affected: int | None = None


def one(document: dict[str, Any], affected: int | None = None) -> Answer:
    """An answer of one document."""
    return Answer((encode(document),), affected)


def decode(data: bytes) -> dict[str, Any]:
    """A reply as Python values, dates of any year included."""
    return decode_bson(data, codec_options=_OPTIONS)


def reply(replies: Sequence[bytes]) -> Answer:
    """The reply itself, without the server's metadata."""
    data = replies[-1]
    kept = ((e.type, e.name, data[e.start : e.end]) for e in raw.elements(data) if e.name not in _METADATA)
    return Answer((raw.document(kept),))


def _reply_field(data: bytes, *path: str) -> tuple[bytes, raw.Element] | None:
    """The element at `path`, and the document it is in."""
    for name in path[:-1]:
        outer = raw.find(data, name)
        if outer is None:
            return None
        data = data[outer.start : outer.end]
    element = raw.find(data, path[-1])
    return None if element is None else (data, element)


def count(replies: Sequence[bytes]) -> Answer:
    """The `n` of a count command."""
    return one({"count": decode(replies[-1])["n"]})


def number(replies: Sequence[bytes]) -> Answer:
    """How many documents a count, or a pipeline that ends with one, has found."""
    return one({"count": _number(replies)})


def has_next(replies: Sequence[bytes]) -> Answer:
    """Whether there is a document."""
    return one({"hasNext": _number(replies) > 0})


def _number(replies: Sequence[bytes]) -> int:
    decoded = decode(replies[-1])
    if "cursor" not in decoded:
        return int(decoded["n"])
    batch = decoded["cursor"]["firstBatch"]
    return int(batch[0]["n"]) if batch else 0


def picked(names: Mapping[str, str]) -> Callable[[Sequence[bytes]], Answer]:
    """Some fields of the reply, under the names that the caller gives them."""

    def answer(replies: Sequence[bytes]) -> Answer:
        data = replies[-1]
        found = ((name, raw.find(data, of)) for name, of in names.items())
        kept = [(e.type, name, data[e.start : e.end]) for name, e in found if e is not None]
        return Answer((raw.document(kept),))

    return answer


def field(path: Sequence[str]) -> Callable[[Sequence[bytes]], Answer]:
    """The value at a path of the only document, as a document of its own; none where there is no such value."""

    def answer(replies: Sequence[bytes]) -> Answer:
        first = next(iter(first_batch(replies).rows), None)
        found = _reply_field(first, *path) if first is not None else None
        if found is None:
            return Answer(())
        data, element = found
        return Answer((raw.document([(element.type, "value", data[element.start : element.end])]),))

    return answer


def counted(replies: Sequence[bytes]) -> Answer:
    """The `n` of the group that counts; no group means no documents."""
    batch = decode(replies[-1])["cursor"]["firstBatch"]
    return one({"count": batch[0]["n"] if batch else 0})


def values(replies: Sequence[bytes]) -> Answer:
    """Each distinct value as a document of its own."""
    found = _reply_field(replies[-1], "values")
    if found is None:
        return Answer(())
    data, array = found
    return Answer(
        tuple(raw.document([(e.type, "value", data[e.start : e.end])]) for e in raw.elements(data, array.start))
    )


def first_batch(replies: Sequence[bytes]) -> Answer:
    """The documents of the only batch of a listing."""
    found = _reply_field(replies[-1], "cursor", "firstBatch")
    return Answer(() if found is None else tuple(raw.array_documents(*found)))


def only_batch(replies: Sequence[bytes]) -> Answer:
    """The documents of a cursor that ends with its first batch. Raises `TooLarge` for one that does not."""
    if decode(replies[-1])["cursor"]["id"]:
        raise TooLarge("The documents of this pipeline do not fit into one reply; shorten it.")
    return first_batch(replies)


def _total(replies: Sequence[bytes], name: str) -> int:
    return sum(int(decode(data).get(name, 0)) for data in replies)


def _upserted(replies: Sequence[bytes]) -> list[Value]:
    return [item["_id"] for data in replies for item in decode(data).get("upserted", [])]


def inserted(identifiers: Sequence[Value], *, many: bool) -> Callable[[Sequence[bytes]], Answer]:
    """What insertOne and insertMany answer."""

    def answer(replies: Sequence[bytes]) -> Answer:
        named = {"insertedIds": _numbered(enumerate(identifiers))} if many else {"insertedId": identifiers[0]}
        return one({"acknowledged": True, **named}, _total(replies, "n"))

    return answer


def updated(replies: Sequence[bytes]) -> Answer:
    """What updateOne, updateMany and replaceOne answer."""
    upserted = _upserted(replies)
    modified = _total(replies, "nModified")
    document = {
        "acknowledged": True,
        "insertedId": upserted[0] if upserted else None,
        "matchedCount": _total(replies, "n") - len(upserted),
        "modifiedCount": modified,
        "upsertedCount": len(upserted),
    }
    return one(document, modified + len(upserted))


def deleted(replies: Sequence[bytes]) -> Answer:
    """What deleteOne and deleteMany answer."""
    number = _total(replies, "n")
    return one({"acknowledged": True, "deletedCount": number}, number)


def _numbered(identifiers: Iterable[tuple[int, Value]]) -> dict[str, Value]:
    """Identifiers by the number of the operation they belong to, as mongosh writes them."""
    return {str(number): identifier for number, identifier in identifiers}


def _upserted_by(replies: Sequence[bytes], starts: Sequence[int]) -> dict[str, Value]:
    """What was upserted, by the number of its operation; `starts` has the number of each command's first one."""
    return _numbered(
        (start + int(item["index"]), item["_id"])
        for data, start in zip(replies, starts, strict=True)
        for item in decode(data).get("upserted", [])
    )


def bulk(identifiers: Mapping[int, Value], starts: Sequence[int]) -> Callable[[Sequence[bytes]], Answer]:
    """What bulkWrite answers. `identifiers` are those of inserted documents, by the number of their operation."""

    def answer(replies: Sequence[bytes]) -> Answer:
        upserted, modified = _upserted(replies), _total(replies, "nModified")
        updates = [data for data in replies if "nModified" in decode(data)]
        matched = _total(updates, "n") - len(upserted)
        removed = _total(replies, "n") - _total(updates, "n") - len(identifiers)
        document = {
            "acknowledged": True,
            "insertedCount": len(identifiers),
            "insertedIds": _numbered(identifiers.items()),
            "matchedCount": matched,
            "modifiedCount": modified,
            "deletedCount": removed,
            "upsertedCount": len(upserted),
            "upsertedIds": _upserted_by(replies, starts),
        }
        return one(document, len(identifiers) + modified + removed + len(upserted))

    return answer


def together(replies: Sequence[bytes]) -> bytes:
    """The reply to an update of several parts, of the replies to each of them."""
    decoded = [decode(data) for data in replies]
    upserted = [{**item, "index": number} for number, one in enumerate(decoded) for item in one.get("upserted", ())]
    counts = {name: sum(one.get(name, 0) for one in decoded) for name in ("n", "nModified")}
    return encode({"n": counts["n"], **({"upserted": upserted} if upserted else {}), **counts, "ok": 1.0})


def found_and_modified(replies: Sequence[bytes]) -> Answer:
    """The document findOneAnd… returns, or no row."""
    found = _reply_field(replies[-1], "value")
    affected = int(decode(replies[-1]).get("lastErrorObject", {}).get("n", 0))
    if found is None or found[1].type != raw.DOCUMENT:
        return Answer((), affected)
    data, element = found
    return Answer((data[element.start : element.end],), affected)


def written(replies: Sequence[bytes]) -> Answer:
    """The reply of a write command, and how many documents it changed."""
    decoded = decode(replies[-1])
    affected = decoded.get("lastErrorObject", decoded).get("n", 0)
    if "nModified" in decoded:
        affected = decoded["nModified"] + len(decoded.get("upserted", []))
    return Answer(reply(replies).rows, int(affected))


def named_indexes(names: Sequence[str]) -> Callable[[Sequence[bytes]], Answer]:
    """What createIndexes answers: the names of the indexes."""

    def answer(_replies: Sequence[bytes]) -> Answer:
        return Answer(tuple(encode({"name": name}) for name in names))

    return answer


def named_index(name: str) -> Callable[[Sequence[bytes]], Answer]:
    """What createIndex answers: the name of the index."""

    def answer(replies: Sequence[bytes]) -> Answer:
        decoded = decode(replies[-1])
        created = decoded.get("numIndexesAfter", 0) - decoded.get("numIndexesBefore", 0)
        return one({"name": name, "created": Int64(created)})

    return answer
