"""Rows of a result as HTML that is bounded, whatever the rows hold: what is too long is cut, and the rest asked for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString

from executors.base import Column, RowEncoding
from queries.presentation.values import block, cell
from queries.results import Cell, Room, Window, cell_reader
from queries.results.cells import shell_text
from web.characters import visible

# Bytes of HTML that the rows of a page may have together. One row that has more by itself is cut until it has not.
PAGE_BYTES = 800_000
# Characters of a value that a page holds: usually, and less and less where a row would be too large.
LENGTHS = (10_000, 1_000, 100, 0)
# Characters of a column's name, likewise.
NAME_LENGTHS = (200, 30, 8)
HEAD_BYTES = 200_000
# What the markup around a cell takes.
AROUND = 40

NULL = format_html('<i class="null">{}</i>', "NULL")
ABSENT = format_html('<i class="null">{}</i>', "absent")
EMPTY = format_html('<i class="null">{}</i>', "empty")


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a column, drawn, and its type as the server names it."""

    name: SafeString
    type: str


@dataclass(frozen=True, slots=True)
class ShownPage:
    """Some rows, drawn: as a table, or each as a document. `next` is where the rows after them begin."""

    heads: list[Head]
    rows: list[list[SafeString]]
    documents: list[SafeString]
    has_documents: bool
    first_row: int
    row_count: int
    truncated: str
    next: int | None
    count: int


def table(window: Window, address: str, room: int = PAGE_BYTES) -> ShownPage:
    """The rows as a table. `address` is where a whole value is asked for, by `row` and `column`."""
    rows = list(_rows(window, address, Room(room, room)))
    return _page(window, rows=rows, heads=_heads(window.columns), count=len(rows))


def documents(window: Window, address: str, room: int = PAGE_BYTES) -> ShownPage:
    """Each document in mongosh's words. `address` is where a whole one is asked for, by `row`."""
    found = list(_documents(window, address, Room(room, room)))
    return _page(window, documents=found, count=len(found))


def _page(
    window: Window,
    *,
    count: int,
    rows: Sequence[list[SafeString]] = (),
    documents: Sequence[SafeString] = (),
    heads: Sequence[Head] = (),
) -> ShownPage:
    return ShownPage(
        heads=list(heads),
        rows=list(rows),
        documents=list(documents),
        has_documents=window.encoding is RowEncoding.BSON,
        first_row=window.first_row,
        row_count=window.row_count,
        truncated=window.truncated,
        next=window.next(count),
        count=count,
    )


def _rows(window: Window, address: str, room: Room) -> Iterator[list[SafeString]]:
    read = cell_reader(window.encoding, window.columns, LENGTHS[0])
    for number, encoded in enumerate(window.rows, start=window.first_row):
        cells = read(encoded)
        # A row that cannot fit beside those before it is not drawn in vain.
        if not room.has(_least(cells, LENGTHS[0])):
            return
        row = _fitting_row(cells, f"{address}?row={number}", room.whole)
        taken = size(row)
        if not room.has(taken):
            return
        room.left -= taken
        yield row


def _documents(window: Window, address: str, room: Room) -> Iterator[SafeString]:
    for number, encoded in enumerate(window.rows, start=window.first_row):
        html = _fitting_document(encoded, f"{address}?row={number}", room.whole)
        taken = size([html])
        if not room.has(taken):
            return
        room.left -= taken
        yield html


def fitting_text(text: str, address: str, room: int) -> SafeString:
    """A text of lines, as much of it as there is room for. `address` is where all of it is asked for."""
    *longer, shortest = LENGTHS
    for most in longer:
        html = block(text) if len(text) <= most else _cut(block(text[:most]), address)
        if size([html]) <= room:
            return html
    return _cut(block(text[:shortest]), address)


def size(row: Sequence[SafeString]) -> int:
    """The bytes of HTML of some cells, with what is around them."""
    return sum(AROUND + (len(html) if html.isascii() else len(html.encode())) for html in row)


def _least(cells: Sequence[Cell], most: int) -> int:
    """What the cells take at least, with values of at most so many characters."""
    return sum(AROUND + (min(len(cell), most) if isinstance(cell, str) else 0) for cell in cells)


def _fitting_row(cells: Sequence[Cell], address: str, room: int) -> list[SafeString]:
    """The row with values as long as it has room for."""
    *longer, shortest = LENGTHS
    for most in longer:
        if _least(cells, most) <= room:
            row = _drawn(cells, most, address, room)
            if row is not None:
                return row
    return [_cell(value, shortest, f"{address}&column={place}") for place, value in enumerate(cells)]


def _drawn(cells: Sequence[Cell], most: int, address: str, room: int) -> list[SafeString] | None:
    row: list[SafeString] = []
    for place, value in enumerate(cells):
        row.append(_cell(value, most, f"{address}&column={place}"))
        room -= size(row[-1:])
        if room < 0:
            return None
    return row


def _fitting_document(document: bytes, address: str, room: int) -> SafeString:
    *longer, shortest = LENGTHS
    for most in longer:
        html = _document(document, most, address)
        if size([html]) <= room:
            return html
    return _document(document, shortest, address)


def _cell(value: Cell, most: int, address: str) -> SafeString:
    if value is None:
        return NULL
    if not isinstance(value, str):
        return ABSENT
    if not value:
        return EMPTY
    return cell(value) if len(value) <= most else _cut(cell(value[:most]), address)


def _document(document: bytes, most: int, address: str) -> SafeString:
    text, is_whole = shell_text(document, most)
    return block(text) if is_whole else _cut(block(text), address)


def _cut(beginning: SafeString, address: str) -> SafeString:
    """The beginning of a value, and where all of it is."""
    return format_html('{} <a class="rest" href="{}">… the whole value</a>', beginning, address)


def _heads(columns: Sequence[Column]) -> list[Head]:
    heads: list[Head] = []
    for most in NAME_LENGTHS:
        heads = [Head(visible(_shortened(column.name, most)), column.type) for column in columns]
        if size([head.name for head in heads]) <= HEAD_BYTES:
            break
    return heads


def _shortened(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[:most]}…"
