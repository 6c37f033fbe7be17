"""BSON as bytes: finding documents and elements in it without decoding them, so that nothing is lost or rounded."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

_INT32 = struct.Struct("<i")
_read_int32 = _INT32.unpack_from
# Byte lengths of the values whose length is fixed, by BSON type.
FIXED: Final = {
    0x01: 8, 0x06: 0, 0x07: 12, 0x08: 1, 0x09: 8, 0x0A: 0, 0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16, 0xFF: 0, 0x7F: 0,
}  # fmt: skip
# The server's own names of the types, as `$type` gives them.
TYPE_NAMES: Final = {
    0x01: "double", 0x02: "string", 0x03: "object", 0x04: "array", 0x05: "binData", 0x06: "undefined", 0x07: "objectId",
    0x08: "bool", 0x09: "date", 0x0A: "null", 0x0B: "regex", 0x0C: "dbPointer", 0x0D: "javascript", 0x0E: "symbol",
    0x0F: "javascriptWithScope", 0x10: "int", 0x11: "timestamp", 0x12: "long", 0x13: "decimal", 0xFF: "minKey",
    0x7F: "maxKey",
}  # fmt: skip
DOCUMENT: Final = 0x03
ARRAY: Final = 0x04
STRING: Final = 0x02
SCOPED_CODE: Final = 0x0F
REGEX: Final = 0x0B
NULL: Final = 0x0A


class Element(NamedTuple):
    """One field of a document: its BSON type, its name, and where its value lies."""

    type: int
    name: str
    start: int
    end: int


def text(encoded: bytes) -> str:
    """UTF-8 as text. Bytes that are none, which the server lets in, are shown as escapes."""
    return encoded.decode(errors="backslashreplace")


def elements(data: bytes, offset: int = 0) -> Iterator[Element]:
    """The fields of the document at `offset`, in order, duplicates included."""
    (length,) = _read_int32(data, offset)
    position, last = offset + 4, offset + length - 1
    while position < last:
        kind = data[position]
        name_start = position + 1
        name_end = data.index(0, name_start)
        start = name_end + 1
        position = value_end(data, kind, start)
        yield Element(kind, text(data[name_start:name_end]), start, position)


def value_end(data: bytes, kind: int, start: int) -> int:
    """Where the value that starts at `start` ends."""
    fixed = FIXED.get(kind)
    if fixed is not None:
        return start + fixed
    if kind == REGEX:  # two strings that end with NUL
        return int(data.index(0, data.index(0, start) + 1) + 1)
    (length,) = _read_int32(data, start)
    if kind in {DOCUMENT, ARRAY, 0x0F}:
        return int(start + length)
    if kind in {0x02, 0x0D, 0x0E}:
        return int(start + 4 + length)
    if kind == 0x05:  # noqa: PLR2004 - binary: its length, a subtype, the bytes
        return int(start + 5 + length)
    if kind == 0x0C:  # noqa: PLR2004 - a DBPointer: a string and an ObjectId
        return int(start + 4 + length + 12)
    raise ValueError(f"BSON has no type {kind:#04x}.")


def find(data: bytes, name: str) -> Element | None:
    """The first field of that name."""
    return next((element for element in elements(data) if element.name == name), None)


def documents(data: bytes) -> Iterator[bytes]:
    """The documents of a block, one after the other."""
    position, end = 0, len(data)
    while position < end:
        (length,) = _read_int32(data, position)
        yield data[position : position + length]
        position += length


def array_documents(data: bytes, array: Element) -> Iterator[bytes]:
    """The documents an array holds, as bytes."""
    for element in elements(data, array.start):
        if element.type == DOCUMENT:
            yield data[element.start : element.end]


def document(fields: Iterable[tuple[int, str, bytes]]) -> bytes:
    """A document made of fields: BSON type, name and encoded value."""
    body = b"".join(bytes((kind,)) + name.encode() + b"\0" + value for kind, name, value in fields)
    return _INT32.pack(len(body) + 5) + body + b"\0"


def blocks(data: bytes, size: int) -> Iterator[tuple[bytes, int]]:
    """`data` cut between documents into blocks of about `size` bytes, each with its number of documents."""
    read, start, end = _read_int32, 0, len(data)
    while start < end:
        position, count, enough = start, 0, min(start + size, end)
        while position < enough:
            position += read(data, position)[0]
            count += 1
        yield data[start:position], count
        start = position
