"""One value by itself: text whole, JSON folded and coloured, bytes as hex. What is longer is cut, and says so."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from executors.base import Column, Scalar
from executors.cells import Cell
from web.characters import visible, visible_prose

# Characters that are drawn; fewer where the page would be too large.
LENGTHS = (200_000, 50_000, 10_000, 1_000)
PAGE_BYTES = 600_000
# Above so many parts a document is shown as text.
MOST_PARTS = 3_000
# Parts of a document below this depth, and all beyond the first few, are closed.
OPEN_DEPTH = 2
OPEN_PARTS = 50
HEX_LINE = 16
HEX_LINES = 2_000
PRINTABLE = range(0x20, 0x7F)


class _TooMuch(Exception):
    """More parts than are drawn one by one."""


@dataclass(frozen=True, slots=True)
class ShownCell:
    """A value, drawn. `form` is `null`, `absent`, `empty`, `text`, `json` or `bytes`; `size` says how long it is."""

    name: SafeString
    type: str
    form: str
    html: SafeString
    size: str
    is_whole: bool = True


def shown(column: Column, value: Cell) -> ShownCell:
    """The value of a column by itself."""
    name = visible(column.name)
    if not isinstance(value, str):
        return ShownCell(name, column.type, "absent" if value is not None else "null", SafeString(), "")
    if not value:
        return ShownCell(name, column.type, "empty", SafeString(), "")
    if column.type == "bytea" and (data := _bytes(value)) is not None:
        return _hex(name, column.type, data)
    document = _document(value)
    if document is not None:
        return ShownCell(name, column.type, "json", document, _characters(value))
    html, is_whole = _text(value)
    return ShownCell(name, column.type, "text", html, _characters(value), is_whole)


def _characters(text: str) -> str:
    lines = text.count("\n") + 1
    return f"{len(text):,} character" + "s" * (len(text) != 1) + (f", {lines:,} lines" if lines > 1 else "")


def _text(text: str) -> tuple[SafeString, bool]:
    html = SafeString()
    for most in LENGTHS:
        html = visible_prose(text[:most])
        if len(html.encode()) <= PAGE_BYTES:
            return html, most >= len(text)
    return html, False


# --- bytes -----------------------------------------------------------------------------------------


def _bytes(text: str) -> bytes | None:
    """The bytes of PostgreSQL's hex format; None for its older one."""
    try:
        return bytes.fromhex(text[2:]) if text.startswith("\\x") else None
    except ValueError:
        return None


def _hex(name: SafeString, kind: str, data: bytes) -> ShownCell:
    lines = [_hex_line(data, at) for at in range(0, min(len(data), HEX_LINES * HEX_LINE), HEX_LINE)]
    size = f"{len(data):,} byte" + "s" * (len(data) != 1)
    html = format_html('<pre class="hex">{}</pre>', "\n".join(lines))
    return ShownCell(name, kind, "bytes", html, size, len(data) <= HEX_LINES * HEX_LINE)


def _hex_line(data: bytes, at: int) -> str:
    part = data[at : at + HEX_LINE]
    letters = "".join(chr(byte) if byte in PRINTABLE else "·" for byte in part)
    return f"{at:08x}  {part.hex(' '):<{3 * HEX_LINE - 1}}  {letters}"


# --- JSON ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Fields:
    """The fields of an object in their order, those that stand twice both."""

    pairs: Sequence[tuple[str, object]]


def _document(text: str) -> SafeString | None:
    """An object or an array as folded parts, its numbers as they were written; None for anything else, or too much."""
    if len(text) > LENGTHS[0] or text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        value = json.loads(
            text, parse_int=Scalar, parse_float=Scalar, parse_constant=_refuse, object_pairs_hook=_Fields
        )
        html = _part(value, 0, _Count().one)
    except (ValueError, RecursionError, _TooMuch):
        return None
    return html if len(html.encode()) <= PAGE_BYTES else None


def _refuse(_constant: str) -> object:
    raise ValueError


class _Count:
    def __init__(self) -> None:
        self.parts = 0

    def one(self) -> None:
        """Count a part. Raises _TooMuch."""
        self.parts += 1
        if self.parts > MOST_PARTS:
            raise _TooMuch


def _part(value: object, depth: int, count: Callable[[], None]) -> SafeString:
    count()
    if isinstance(value, _Fields):
        items = ((_key(key), _part(item, depth + 1, count)) for key, item in value.pairs)
        return _folded("{}", len(value.pairs), "field", items, depth)
    if isinstance(value, list):
        items = ((SafeString(), _part(item, depth + 1, count)) for item in value)
        return _folded("[]", len(value), "item", items, depth)
    return _leaf(value)


def _folded(
    signs: str, count: int, noun: str, items: Iterator[tuple[SafeString, SafeString]], depth: int
) -> SafeString:
    if not count:
        return format_html('<span class="json__sign">{}</span>', signs)
    is_open = depth < OPEN_DEPTH and count <= OPEN_PARTS
    return format_html(
        '<details class="json__part"{}><summary><span class="json__sign">{}</span> <small>{} {}{}</small></summary>'
        "<ul>{}</ul></details>",
        mark_safe(" open") if is_open or depth == 0 else "",
        signs,
        f"{count:,}",
        noun,
        "s" * (count != 1),
        format_html_join("", "<li>{}{}</li>", items),
    )


def _key(key: str) -> SafeString:
    return format_html('<span class="json__key">{}</span>: ', visible(json.dumps(key, ensure_ascii=False)))


def _leaf(value: object) -> SafeString:
    if value is None or isinstance(value, bool):
        return format_html('<span class="json__word">{}</span>', json.dumps(value))
    if isinstance(value, Scalar):
        return format_html('<span class="json__number">{}</span>', value)
    return format_html('<span class="json__text">{}</span>', visible_prose(json.dumps(value, ensure_ascii=False)))
