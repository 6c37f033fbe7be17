"""The values of a script on their way to MongoDB and back: canonical Extended JSON, and nothing read into it.

The driver's own decoder is not used: it takes `{$regex: "a", $ne: "b"}` for a regular expression and drops the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import bson
from bson.codec_options import CodecOptions, DatetimeConversion

from executors.base import Refused
from executors.mongodb import raw
from executors.mongodb.reading.constructors import EXTENDED
from executors.mongodb.show import canonical

_DRIVER: CodecOptions[Any] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS)
# Names of fields that stand for a value in Extended JSON. In BSON only a field is written so, or a text that ends so.
_NAMES = frozenset({*EXTENDED, "$uuid"})
_NAMED = re.compile(b"(?:" + b"|".join(re.escape(name.encode()) for name in sorted(_NAMES)) + b")\\0")
# The types whose value is a text: string, code and symbol.
_TEXTS = frozenset({0x02, 0x0D, 0x0E})


# --- from a script ---------------------------------------------------------------------------------


def values_of(text: str) -> tuple[Any, ...]:
    """The arguments of a call, from canonical Extended JSON. Raises `Refused`."""
    try:
        values = json.loads(text, object_pairs_hook=_value, parse_constant=_no_constant)
    except (ValueError, ArithmeticError, RecursionError) as error:
        reason = str(error) if type(error) is ValueError else "MongoDB has no type for a value of it."
        raise Refused(f"A script sent what cannot be stored: {reason}") from error
    if not isinstance(values, list):
        raise Refused("A script sent arguments that are no list.")
    return tuple(values)


def _value(pairs: list[tuple[str, Any]]) -> Any:
    """A document, or the value that a document of one field stands for."""
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a field stands twice in one document.")
    name = next(iter(document), "")
    return EXTENDED[name](document[name]) if len(document) == 1 and name in EXTENDED else document


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON.")


# --- to a script -----------------------------------------------------------------------------------


def written(blocks: Sequence[bytes]) -> str:
    """Documents as one JSON array of canonical Extended JSON.

    Raises `Refused` for what a JavaScript object cannot hold as it is: a field that stands twice, a field named
    like a type of Extended JSON, text that is not UTF-8.
    """
    return "[" + ",".join(_written(document) for block in blocks for document in raw.documents(block)) + "]"


def _written(document: bytes) -> str:
    if _may_be_odd(document):
        for problem in _problems(document, 0):
            raise Refused(
                f"A document came back that a script cannot hold: {problem}",
                detail={"hint": "Ask for it in the mongo language, or leave the field out with a projection."},
            )
    return canonical(document)


def _may_be_odd(document: bytes) -> bool:
    """A quick look in the driver's own C: what is decoded and encoded again keeps its size, or lost something."""
    if _NAMED.search(document):
        return True
    try:
        return len(bson.encode(bson.decode(document, _DRIVER), codec_options=_DRIVER)) != len(document)
    except (bson.errors.BSONError, ValueError, OverflowError):
        return True


def _problems(document: bytes, offset: int) -> Iterator[str]:
    """What a script cannot hold, anywhere in a document."""
    waiting = [(offset, False)]
    while waiting:
        start, is_list = waiting.pop()
        seen: set[str] = set()
        for element in raw.elements(document, start):
            if element.name in seen and not is_list:
                yield f"its field {element.name[:60]} stands twice."
            if element.name in _NAMES and not seen:
                yield f"a field is named {element.name}."
            seen.add(element.name)
            if element.type in {raw.DOCUMENT, raw.ARRAY}:
                waiting.append((element.start, element.type == raw.ARRAY))
            elif not _is_text(document, element):
                yield f"the text of its field {element.name[:60]} is not UTF-8."


def _is_text(document: bytes, element: raw.Element) -> bool:
    """Whether an element that is a text can be decoded; others are."""
    if element.type not in _TEXTS:
        return True
    try:
        document[element.start + 4 : element.end - 1].decode()
    except UnicodeDecodeError:
        return False
    return True
