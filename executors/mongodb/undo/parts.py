"""What `db.putBack` carries: for each collection a parameter of text, a line of JSON for each document.

A line says what the write `left` (null: nothing, it was deleted) and what was there `before` (null: it was added), as
canonical Extended JSON where that gives the same bytes again; else as BSON in base 64 (`left_bson`, `before_bson`): a
field that stands twice, a symbol, text that is no UTF-8. So whoever reads the request reads the documents.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.raw_bson import RawBSONDocument

from executors.base import Parameter, Refused
from executors.mongodb import raw
from executors.mongodb.images import Pair
from executors.mongodb.keys import Key, key
from executors.mongodb.show import canonical
from executors.mongodb.values import values_of

_SIDES: Final = ("left", "before")
_MALFORMED: Final = (ValueError, TypeError, KeyError, IndexError, OverflowError, struct.error)
_OPTIONS: Final[CodecOptions[dict[str, Any]]] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS)


@dataclass(frozen=True, slots=True)
class Part:
    """The documents of one collection by their keys: each as the write left it, and as it was before."""

    collection: str
    changes: Mapping[Key, Pair]

    def keys(self, *, left: bool, before: bool) -> list[Key]:
        """Those that the write left there or not, and that were there before or not."""
        found = self.changes.items()
        return [one for one, pair in found if (pair[0] is not None, pair[1] is not None) == (left, before)]


def written(changes: Sequence[Pair]) -> str:
    """The parameter for documents, each as the write left it and as it was before."""
    return "".join(_line(dict(zip(_SIDES, pair, strict=True))) for pair in changes)


def _line(sides: Mapping[str, bytes | None]) -> str:
    return "{" + ", ".join(_side(name, document) for name, document in sides.items()) + "}\n"


def _side(name: str, document: bytes | None) -> str:
    if document is None:
        return f'"{name}": null'
    text = canonical(document)
    if _encoded(text) == document:
        return f'"{name}": {text}'
    return f'"{name}_bson": "{base64.b64encode(document).decode()}"'


def _encoded(text: str) -> bytes | None:
    """The bytes of one document in canonical Extended JSON; None for what it cannot say."""
    try:
        (value,) = values_of(f"[{text}]")
        return bson.encode(value, codec_options=_OPTIONS)
    except (Refused, bson.errors.BSONError, *_MALFORMED):
        return None


def read(collections: Sequence[str], parameters: Sequence[Parameter]) -> list[Part]:
    """What the parameters of a statement carry. Raises `Refused` for what `written` never writes."""
    return [Part(name, dict(_changes(str(parameter)))) for name, parameter in zip(collections, parameters, strict=True)]


def _changes(parameter: str) -> Iterator[tuple[Key, Pair]]:
    seen: set[Key] = set()
    for number, line in enumerate(parameter.split("\n"), start=1):
        if not line.strip():
            continue
        pair = _pair(line, number)
        keys = {key(document) for document in pair if document is not None}
        if len(keys) != 1 or keys & seen or pair[0] == pair[1]:
            raise Refused(f"Line {number} of a parameter of putBack is not one change of one document of its own.")
        seen |= keys
        yield keys.pop(), pair


def _pair(line: str, number: int) -> Pair:
    try:
        (found,) = values_of(f"[{line}]")
        left, before = (_document(found, name) for name in _SIDES)
    except (Refused, bson.errors.BSONError, *_MALFORMED):
        message = f"Line {number} of a parameter of putBack is not JSON with a document `left` and one `before`."
        raise Refused(message) from None
    return left, before


def _document(found: Mapping[str, Any], name: str) -> bytes | None:
    """A document of a line. Raises one of `_MALFORMED` for what is none, or has no `_id`."""
    if f"{name}_bson" in found:
        document = bytes(RawBSONDocument(base64.b64decode(found[f"{name}_bson"], validate=True)).raw)
    elif found[name] is None:
        return None
    else:
        document = bson.encode(found[name], codec_options=_OPTIONS)
    if raw.find(document, "_id") is None:
        raise ValueError(name)
    return document
