"""A row of a script's result read piece by piece: a page shows the beginnings of its values and parses no more."""

import json
import re
from collections.abc import Iterator

from executors.base import Scalar

# Possessive: a text of megabytes is passed without a memory of the way back.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{},]')
_TEXT_START = re.compile(rb'"(?:[^"\\]++|\\u[0-9a-fA-F]{4}|\\[^u])*+')
_OPEN, _CLOSE = b"[{", b"]}"
# A character of JSON text takes four bytes at most, an escape of half a pair six.
_BYTES = 12


def spans(row: bytes) -> Iterator[tuple[int, int]]:
    """Where the values of the array stand that a row is, without reading them."""
    depth, start = 0, row.index(b"[") + 1
    for match in _TOKEN.finditer(row):
        sign = match[0]
        if len(sign) > 1:
            continue
        if sign in _OPEN:
            depth += 1
        elif sign in _CLOSE:
            depth -= 1
        if (depth == 0 or (depth == 1 and sign == b",")) and row[start : match.start()].strip():
            yield start, match.start()
            start = match.end()


def beginning(value: bytes, most: int) -> object:
    """The value, or the beginning of its text as it was written when it is long."""
    size = _BYTES * (most + 1)
    if len(value) <= size:
        return json.loads(value, parse_float=Scalar, parse_int=Scalar)
    start = value.lstrip()[:size]
    if text := _TEXT_START.match(start):
        return str(json.loads(text[0].decode("utf-8", "ignore") + '"'))
    return Scalar(start.decode("utf-8", "ignore"))
