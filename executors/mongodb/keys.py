"""Which document one is: its `_id`, to the byte."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from bson import encode
from bson.raw_bson import RawBSONDocument

from executors.mongodb import raw

# The type and the bytes of an `_id`.
Key: TypeAlias = tuple[int, bytes]
Documents: TypeAlias = dict[Key, bytes]


def key(document: bytes) -> Key:
    """The key of a document; one without an `_id` is known by all of it."""
    element = raw.find(document, "_id")
    return (element.type, document[element.start : element.end]) if element else (0, document)


def key_of(identifier: object) -> Key:
    """The key of a document with this `_id`."""
    return key(encode({"_id": identifier}))


def by_id(keys: Iterable[Key]) -> Mapping[str, object]:
    """A filter for these `_id`s. What is equal to the server (1 and 1.0) is found, too."""
    listed = raw.document((kind, str(number), value) for number, (kind, value) in enumerate(keys))
    wanted = raw.document([(raw.ARRAY, "$in", listed)])
    return RawBSONDocument(raw.document([(raw.DOCUMENT, "_id", wanted)]))
