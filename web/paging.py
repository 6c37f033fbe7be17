"""Keyset pages: the cursor is the last id of a page, so a page costs the same at any depth and never repeats a row."""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Iterable
from itertools import accumulate, takewhile

from web.errors import BadInput, FieldError

PAGE = 50
PAGE_MOST = 200
RESULT_PAGE = 100
RESULT_PAGE_MOST = 1000
# Bytes of text in one answer, in all: a page may be shorter than asked for, and `next` leads on.
ANSWER_BYTES = 4_000_000
NUMBER_DIGITS = 18
CURSOR = "^[A-Za-z0-9_-]{11}$"
BAD_CURSOR = "Take the cursor from `next` of the page before."


def encode(position: int) -> str:
    """A cursor for a position; opaque to whoever holds it."""
    return base64.urlsafe_b64encode(struct.pack(">q", position)).decode().rstrip("=")


def decode(cursor: str) -> int:
    """The position a cursor stands for. Raises BadInput."""
    try:
        position: int = struct.unpack(">q", base64.b64decode(cursor + "=", altchars=b"-_", validate=True))[0]
    except (binascii.Error, ValueError, struct.error) as error:
        raise BadInput({"cursor": [FieldError(BAD_CURSOR)]}) from error
    if position < 0:
        raise BadInput({"cursor": [FieldError(BAD_CURSOR)]})
    return position


def page_size(text: str, *, default: int, most: int) -> int:
    """How many to answer. Raises BadInput."""
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= NUMBER_DIGITS and 1 <= int(text) <= most):
        raise BadInput({"limit": [FieldError(f"Send a number from 1 to {most}.")]})
    return int(text)


def fitting(sizes: Iterable[int], most: int = ANSWER_BYTES) -> int:
    """How many of the first items of these sizes, in bytes, one answer holds: at least one."""
    return max(1, sum(1 for _ in takewhile(lambda so_far: so_far <= most, accumulate(sizes))))
