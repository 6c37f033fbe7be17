"""The columns of documents: every top-level field of every document, told from their bytes."""

from __future__ import annotations

import struct
from typing import Final

from executors.base import Column
from executors.mongodb import raw

# A collection whose keys are data (a document for each day, a field for each user) has no end of fields.
MAX_COLUMNS: Final = 1000
# The type of the column that holds the fields beyond them, as one document; no BSON type has this name.
OTHERS: Final = "other fields"
_OTHERS_NAME: Final = "…"
_MAX_SHAPES: Final = 10_000

_read_int32 = struct.Struct("<i").unpack_from
_COUNTED: Final = frozenset({0x02, 0x0D, 0x0E})
_SIZED: Final = frozenset({0x03, 0x04, 0x0F})
_BINARY: Final = 0x05
_REGEX: Final = 0x0B

# The fields of a document in order, each as its type's byte and its name.
Shape = tuple[bytes, ...]


class Fields:
    """Gathers the columns of a result while its documents pass by. A field that stands twice has two columns."""

    def __init__(self) -> None:
        self._types: dict[tuple[bytes, int], str] = {}
        self._shapes: set[Shape] = set()
        self._others = False

    def see(self, data: bytes) -> None:
        """Take note of a block of documents."""
        position, end, shapes = 0, len(data), self._shapes
        while position < end:
            shape, position = _shape(data, position)
            if shape not in shapes:
                self._learn(shape)
                if len(shapes) < _MAX_SHAPES:
                    shapes.add(shape)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns in order of first appearance, with their BSON types: `mixed` for several, null not counted."""
        found = [Column(raw.text(name), kind) for (name, _), kind in self._types.items()]
        return (*found, Column(_OTHERS_NAME, OTHERS)) if self._others else tuple(found)

    def _learn(self, shape: Shape) -> None:
        times: dict[bytes, int] = {}
        for key in shape:
            name = key[1:]
            times[name] = times.get(name, 0) + 1
            self._note((name, times[name]), raw.TYPE_NAMES[key[0]])

    def _note(self, field: tuple[bytes, int], kind: str) -> None:
        known = self._types.get(field)
        if known is None and len(self._types) >= MAX_COLUMNS:
            self._others = True
        elif known in {None, "null"}:
            self._types[field] = kind
        elif kind not in {known, "null"}:
            self._types[field] = "mixed"


def columns(data: bytes) -> tuple[Column, ...]:
    """The columns of a block of documents."""
    fields = Fields()
    fields.see(data)
    return fields.columns


def _shape(data: bytes, start: int) -> tuple[Shape, int]:
    """The shape of the document at `start`, and where it ends. Each document of a result passes here: no calls."""
    end = start + _read_int32(data, start)[0]
    position, last, index, fixed = start + 4, end - 1, data.index, raw.FIXED
    keys: list[bytes] = []
    while position < last:
        name_end = index(0, position + 1)
        keys.append(data[position:name_end])
        kind, value = data[position], name_end + 1
        if (size := fixed.get(kind)) is not None:
            position = value + size
        elif kind in _COUNTED:
            position = value + 4 + _read_int32(data, value)[0]
        elif kind in _SIZED:
            position = value + _read_int32(data, value)[0]
        elif kind == _BINARY:
            position = value + 5 + _read_int32(data, value)[0]
        elif kind == _REGEX:
            position = index(0, index(0, value) + 1) + 1
        else:
            position = raw.value_end(data, kind, value)
    return tuple(keys), end
