"""Rows of a result as HTML that is bounded, whatever the rows hold: what is too long is cut, and the rest asked for."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString

from executors.arranging import Order
from executors.base import Column, RowEncoding
from executors.cells import Cell, cell_reader, shell_text
from queries.presentation.values import block, cell
from queries.results import Room, Window
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

NUMERIC_TYPES = frozenset(
    "smallint integer bigint numeric real oid money decimal int int2 int4 int8 float4 float8 double long number".split()
)

NULL = format_html('<i class="null">{}</i>', "NULL")
ABSENT = format_html('<i class="null">{}</i>', "absent")
EMPTY = format_html('<i class="null">{}</i>', "empty")
TRUTHS = {
    text: format_html('<abbr class="truth truth--{}" title="{}">{}</abbr>', text, word, text)
    for text, word in (("t", "true"), ("f", "false"))
}


def is_numeric(type_name: str) -> bool:
    """Whether values of this type stand to the right."""
    name = type_name.lower().partition("(")[0].strip()
    return name in NUMERIC_TYPES or name == "double precision"


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a column, drawn, its type as the server names it, and its number from 1.

    `order` is how rows are sorted by it first: `ascending`, `descending`, or not at all.
    """

    name: SafeString
    type: str
    number: int
    is_pinned: bool = False
    order: str = ""

    @property
    def css(self) -> str:
        """The classes of its cells."""
        return " ".join(("num",) * is_numeric(self.type) + ("is-pinned",) * self.is_pinned)

    @property
    def next_order(self) -> str:
        """What sorts by it in the next way: upwards, downwards, not at all."""
        return {"": f"{self.number}", "ascending": f"-{self.number}"}.get(self.order, "")


@dataclass(frozen=True, slots=True)
class ShownPage:
    """Some rows, drawn: as a table, or each as a document. `next` is where the rows after them begin.

    `first_row` and `row_count` are of the rows asked for; `numbers` are those of the rows shown in the whole result,
    from 0, which has `whole` rows.
    """

    heads: list[Head]
    rows: list[list[SafeString]]
    documents: list[SafeString]
    has_documents: bool
    first_row: int
    row_count: int
    whole: int
    numbers: list[int]
    truncated: str
    next: int | None

    @property
    def count(self) -> int:
        """How many rows."""
        return len(self.numbers)

    @property
    def numbered(self) -> Iterator[tuple[int, list[SafeString]]]:
        """The rows of a table, with their numbers from 1."""
        return zip((number + 1 for number in self.numbers), self.rows, strict=True)


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns to draw, from 0, the first `pinned` of them held in sight. All of them without `places`.

    `order` is the column that rows are sorted by first.
    """

    places: Sequence[int] | None = None
    pinned: int = 0
    order: Order | None = None

    def of(self, row: Sequence[Cell]) -> Sequence[Cell]:
        """The cells to draw."""
        return row if self.places is None else [row[place] for place in self.places]

    def numbers(self, count: int) -> Sequence[int]:
        """The places of the cells to draw."""
        return range(count) if self.places is None else self.places

    def order_of(self, place: int) -> str:
        """How rows are sorted by a column."""
        if self.order is None or self.order.column != place:
            return ""
        return "descending" if self.order.descending else "ascending"


ALL = Columns()


def table(window: Window, address: str, room: int = PAGE_BYTES, columns: Columns = ALL) -> ShownPage:
    """The rows as a table. `address` is where a whole value is asked for, by `row` and `column`."""
    rows = list(_rows(window, address, Room(room, room), columns))
    heads = heads_of(window.columns, columns)
    return _page(window, rows=[row for _, row in rows], heads=heads, numbers=[number for number, _ in rows])


def documents(window: Window, address: str, room: int = PAGE_BYTES) -> ShownPage:
    """Each document in mongosh's words. `address` is where a whole one is asked for, by `row`."""
    found = list(_documents(window, address, Room(room, room)))
    return _page(window, documents=[html for _, html in found], numbers=[number for number, _ in found])


def _page(
    window: Window,
    *,
    numbers: list[int],
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
        whole=window.whole,
        numbers=numbers,
        truncated=window.truncated,
        next=window.next(len(numbers)),
    )


def _rows(window: Window, address: str, room: Room, columns: Columns) -> Iterator[tuple[int, list[SafeString]]]:
    read = cell_reader(window.encoding, window.columns, LENGTHS[0])
    numbers = columns.numbers(len(window.columns))
    truths = [at for at, place in enumerate(numbers) if window.columns[place].type == "boolean"]
    for number, encoded in window.rows:
        cells = columns.of(read(encoded))
        # A row that cannot fit beside those before it is not drawn in vain.
        if not room.has(_least(cells, LENGTHS[0])):
            return
        row = _fitting_row(list(zip(numbers, cells, strict=False)), f"{address}?row={number}", room.whole)
        for at in truths:
            row[at] = TRUTHS.get(str(cells[at]), row[at])
        taken = size(row)
        if not room.has(taken):
            return
        room.left -= taken
        yield number, row


def _documents(window: Window, address: str, room: Room) -> Iterator[tuple[int, SafeString]]:
    for number, encoded in window.rows:
        html = _fitting_document(encoded, f"{address}?row={number}", room.whole)
        taken = size([html])
        if not room.has(taken):
            return
        room.left -= taken
        yield number, html


def fitting_text(text: str, address: str, room: int, draw: Callable[[str], SafeString] = block) -> SafeString:
    """A text of lines, as much of it as there is room for. `address` is where all of it is asked for."""
    *longer, shortest = LENGTHS
    for most in longer:
        html = draw(text) if len(text) <= most else _cut(draw(text[:most]), address)
        if size([html]) <= room:
            return html
    return _cut(draw(text[:shortest]), address)


def size(row: Sequence[SafeString]) -> int:
    """The bytes of HTML of some cells, with what is around them."""
    return sum(AROUND + (len(html) if html.isascii() else len(html.encode())) for html in row)


def _least(cells: Sequence[Cell], most: int) -> int:
    """What the cells take at least, with values of at most so many characters."""
    return sum(AROUND + (min(len(cell), most) if isinstance(cell, str) else 0) for cell in cells)


def _fitting_row(cells: Sequence[tuple[int, Cell]], address: str, room: int) -> list[SafeString]:
    """The row, whose cells come with their places, with values as long as it has room for."""
    *longer, shortest = LENGTHS
    for most in longer:
        if _least([value for _, value in cells], most) <= room:
            row = _drawn(cells, most, address, room)
            if row is not None:
                return row
    return [drawn_cell(value, shortest, f"{address}&column={place}") for place, value in cells]


def _drawn(cells: Sequence[tuple[int, Cell]], most: int, address: str, room: int) -> list[SafeString] | None:
    row: list[SafeString] = []
    for place, value in cells:
        row.append(drawn_cell(value, most, f"{address}&column={place}"))
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


def drawn_cell(value: Cell, most: int, address: str) -> SafeString:
    """A value of at most so many characters. `address` is where all of it is asked for."""
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


def heads_of(of: Sequence[Column], columns: Columns = ALL) -> list[Head]:
    """The heads of a table."""
    heads: list[Head] = []
    shown = [(place, of[place]) for place in columns.numbers(len(of))]
    for most in NAME_LENGTHS:
        heads = [
            Head(
                visible(_shortened(column.name, most)),
                column.type,
                place + 1,
                at < columns.pinned,
                columns.order_of(place),
            )
            for at, (place, column) in enumerate(shown)
        ]
        if size([head.name for head in heads]) <= HEAD_BYTES:
            break
    return heads


def _shortened(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[:most]}…"
