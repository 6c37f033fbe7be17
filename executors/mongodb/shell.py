"""Documents as mongosh writes them, from their bytes: every type is named, every digit and every field kept."""

from __future__ import annotations

import base64
import struct
import uuid
from collections.abc import Callable, Iterator
from typing import Final

from executors.mongodb import raw
from executors.mongodb.show import binary, date_text, decimal_text, double_text, int64_text, quoted, regex_parts, string

_WIDTH: Final = 88
_UUID: Final = (4, 16)
# ECMAScript's widest date; a number beyond it is no date in a shell.
_DATES: Final = range(-8_640_000_000_000_000, 8_640_000_000_000_001)
_INT32, _INT64, _DOUBLE = struct.Struct("<i"), struct.Struct("<q"), struct.Struct("<d")
_TIMESTAMP: Final = struct.Struct("<II")
_MORE: Final = "…"


def shell(document: bytes, most: int | None = None) -> tuple[str, bool]:
    """The document in mongosh's words, and whether that is all of it: with `most` it ends after so many characters."""
    writer = _Writer(most)
    text = writer.value(document, raw.DOCUMENT, 0, len(document), "")
    return text, writer.whole


class _Writer:
    """Writes one document; what lies beyond the limit becomes an ellipsis where it stands."""

    def __init__(self, most: int | None) -> None:
        self._left = most
        self.whole = True

    def value(self, data: bytes, kind: int, start: int, end: int, indent: str) -> str:
        """One value; the lines after its first begin with `indent`."""
        if kind == raw.DOCUMENT:
            return _joined(list(self._items(data, start, indent, named=True)), "{}", indent)
        if kind == raw.ARRAY:
            return _joined(list(self._items(data, start, indent, named=False)), "[]", indent)
        if kind == raw.SCOPED_CODE:
            (length,) = _INT32.unpack_from(data, start + 4)
            scope = self.value(data, raw.DOCUMENT, start + 8 + length, end, indent)
            return f"Code({self._text(data, start + 4)}, {scope})"
        if kind in _QUOTED:
            return _QUOTED[kind].format(self._text(data, start))
        return self._counted(_WORDS[kind](data, start, end))

    def _items(self, data: bytes, start: int, indent: str, *, named: bool) -> Iterator[str]:
        inner = indent + "  "
        for element in raw.elements(data, start):
            if self._left is not None and self._left <= 0:
                self.whole = False
                yield _MORE
                return
            label = self._counted(f"{_name(element.name)}: ") if named else ""
            yield label + self.value(data, element.type, element.start, element.end, inner)

    def _text(self, data: bytes, start: int) -> str:
        text = string(data, start, self._left)
        if self._left is not None and len(text) > max(self._left, 0):
            self.whole = False
            text = text[: max(self._left, 0)] + _MORE
        return self._counted(quoted(text))

    def _counted(self, text: str) -> str:
        if self._left is not None:
            self._left -= len(text)
        return text


def _joined(items: list[str], brackets: str, indent: str) -> str:
    left, right = brackets[0], brackets[1]
    if not items:
        return brackets
    line = f"{left} {', '.join(items)} {right}" if left == "{" else f"[{', '.join(items)}]"
    if len(indent) + len(line) <= _WIDTH and "\n" not in line:
        return line
    inner = indent + "  "
    return f"{left}\n{inner}" + f",\n{inner}".join(items) + f"\n{indent}{right}"


def _name(name: str) -> str:
    return name if name.isascii() and name.isidentifier() else quoted(name)


def _date(data: bytes, start: int, _end: int) -> str:
    (milliseconds,) = _INT64.unpack_from(data, start)
    return f'ISODate("{date_text(milliseconds)}")' if milliseconds in _DATES else f"new Date({milliseconds})"


def _binary(data: bytes, start: int, end: int) -> str:
    subtype, content = binary(data, start, end)
    if (subtype, len(content)) == _UUID:
        return f'UUID("{uuid.UUID(bytes=content)}")'
    return f'BinData({subtype}, "{base64.b64encode(content).decode()}")'


def _regex(data: bytes, start: int, end: int) -> str:
    pattern, options = regex_parts(data, start, end)
    return f"BSONRegExp({quoted(pattern)}, {quoted(options)})"


def _timestamp(data: bytes, start: int, _end: int) -> str:
    ordinal, seconds = _TIMESTAMP.unpack_from(data, start)
    return f"Timestamp({{ t: {seconds}, i: {ordinal} }})"


def _pointer(data: bytes, start: int, end: int) -> str:
    return f'DBPointer({quoted(string(data, start))}, ObjectId("{data[end - 12 : end].hex()}"))'


# What holds a text, and how it is written around it.
_QUOTED: Final = {raw.STRING: "{}", 0x0D: "Code({})", 0x0E: "BSONSymbol({})"}
_WORDS: Final[dict[int, Callable[[bytes, int, int], str]]] = {
    0x01: lambda d, s, _: double_text(_DOUBLE.unpack_from(d, s)[0]),
    0x05: _binary,
    0x06: lambda _d, _s, _e: "undefined",
    0x07: lambda d, s, e: f'ObjectId("{d[s:e].hex()}")',
    0x08: lambda d, s, _: "true" if d[s] else "false",
    0x09: _date,
    0x0A: lambda _d, _s, _e: "null",
    0x0B: _regex,
    0x0C: _pointer,
    0x10: lambda d, s, _: str(_INT32.unpack_from(d, s)[0]),
    0x11: _timestamp,
    0x12: lambda d, s, _: f'Long("{int64_text(d, s)}")',
    0x13: lambda d, s, _: f'Decimal128("{decimal_text(d, s)}")',
    0x7F: lambda _d, _s, _e: "MaxKey()",
    0xFF: lambda _d, _s, _e: "MinKey()",
}
