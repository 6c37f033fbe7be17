"""Reading the three row encodings, whichever engine wrote them."""

from __future__ import annotations

from collections.abc import Iterator

from executors.base import RowEncoding
from executors.copytext import Row, decode_copy_row


def split_rows(encoding: RowEncoding, data: bytes) -> Iterator[bytes]:
    """The encoded rows of a block, one by one, without decoding them. COPY and JSON rows keep their line feed."""
    if encoding is RowEncoding.BSON:
        yield from _documents(data)
    else:
        yield from _lines(data)


def decode_rows(encoding: RowEncoding, data: bytes) -> Iterator[Row]:
    """The decoded rows of a block: the fields of COPY, one canonical Extended JSON text (BSON), one JSON text."""
    if encoding is RowEncoding.COPY:
        yield from map(decode_copy_row, _lines(data))
    elif encoding is RowEncoding.JSON:
        yield from ((line.decode("utf-8").removesuffix("\n"),) for line in _lines(data))
    else:
        yield from ((extended_json(document),) for document in _documents(data))


def extended_json(document: bytes) -> str:
    """Canonical Extended JSON of one BSON document: every type survives, far years and duplicate keys too."""
    from executors.mongodb.show import canonical  # noqa: PLC0415  only a reader of BSON pays for it

    return canonical(document)


def _lines(data: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        end = data.find(b"\n", start) + 1 or len(data)
        yield data[start:end]
        start = end


def _documents(data: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        end = start + int.from_bytes(data[start : start + 4], "little")
        if end < start + 5 or end > len(data):
            message = "a block of BSON ends inside a document"
            raise ValueError(message)
        yield data[start:end]
        start = end
