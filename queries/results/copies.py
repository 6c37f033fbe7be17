"""Some rows and columns of a result as text for a clipboard: exact, in the words of whoever takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from executors.arranging import Kind, kind_of
from executors.base import Column, RowEncoding, Scalar
from executors.cells import Cell, cell_reader
from queries.results.export import csv_line, typed_object
from queries.results.windows import Window
from web.errors import BadInput, FieldError

MOST_ROWS = 1_000
MOST_CHARACTERS = 2_000_000


class Form(StrEnum):
    """How rows are copied."""

    TSV = "tsv"
    CSV = "csv"
    JSON = "json"
    MARKDOWN = "markdown"
    IN_LIST = "in"
    INSERT = "insert"


@dataclass(frozen=True, slots=True)
class Copied:
    """The text of so many rows."""

    text: str
    count: int


@dataclass(frozen=True, slots=True)
class _Cells:
    """Rows cut to the columns that are copied."""

    columns: Sequence[Column]
    kinds: Sequence[Kind]
    rows: Sequence[Sequence[Cell]]
    table: str

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]


def copied(window: Window, form: Form, places: Sequence[int] | None, table: str) -> Copied:
    """The rows as text. `places` are the columns, from 0, all of them when None; `table` is where an INSERT goes to.

    Raises BadInput when that is more than a clipboard should hold.
    """
    chosen = range(len(window.columns)) if places is None else places
    columns = [window.columns[place] for place in chosen]
    read, rows, size = cell_reader(window.encoding, window.columns), [], 0
    for _, encoded in window.rows:
        size += len(encoded)
        if size > MOST_CHARACTERS:
            raise BadInput(
                {"rows": [FieldError("That is more than can be copied. Copy fewer rows, or download them.")]}
            )
        cells = read(encoded)
        rows.append([cells[place] for place in chosen])
    kinds = [kind_of(window.encoding, column) for column in columns]
    return Copied(_FORMS[form](_Cells(columns, kinds, rows, table)), len(rows))


def forms(encoding: RowEncoding) -> list[tuple[Form, str]]:
    """The forms that rows of that encoding can be copied in, with what they are called."""
    sql = encoding is RowEncoding.COPY
    return [(form, words) for form, words in WORDS.items() if sql or form not in (Form.IN_LIST, Form.INSERT)]


WORDS = {
    Form.TSV: "Tabs, for a spreadsheet",
    Form.CSV: "CSV",
    Form.JSON: "JSON",
    Form.MARKDOWN: "Markdown table",
    Form.IN_LIST: "IN list",
    Form.INSERT: "INSERT",
}


def _separated(separator: str) -> Callable[[_Cells], str]:
    return lambda cells: b"".join([csv_line(row, separator) for row in _with_types(cells)]).decode()


def _with_types(cells: _Cells) -> Iterable[Sequence[Cell]]:
    """Names and rows; what is no text by its type says so, for it is no formula."""
    yield cells.names
    for row in cells.rows:
        yield [
            Scalar(cell) if isinstance(cell, str) and kind not in (Kind.TEXT, Kind.MIXED) else cell
            for cell, kind in zip(row, cells.kinds, strict=True)
        ]


def _json(cells: _Cells) -> str:
    rows = [typed_object(cells.kinds, cells.columns, row) for row in cells.rows]
    return "[\n" + ",\n".join(f"  {row}" for row in rows) + "\n]\n" if rows else "[]\n"


def _markdown(cells: _Cells) -> str:
    numeric = [kind is Kind.NUMBER for kind in cells.kinds]
    lines = [
        cells.names,
        ["---:" if right else "---" for right in numeric],
        *([_words(cell) for cell in row] for row in cells.rows),
    ]
    head = [_markdown_cell(name) for name in lines[0]]
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, *lines[1:]))


def _words(cell: Cell) -> str:
    return _markdown_cell(cell) if isinstance(cell, str) else "NULL"


def _markdown_cell(text: str) -> str:
    for plain, written in (("\\", "\\\\"), ("|", "\\|"), ("<", "&lt;"), ("\r\n", "<br>"), ("\n", "<br>"), ("`", "\\`")):
        text = text.replace(plain, written)
    return text


def _in_list(cells: _Cells) -> str:
    """Each value once, without NULL, which an IN never meets; values of several columns in brackets."""
    rows = ([_literal(cell, kind) for cell, kind in zip(row, cells.kinds, strict=True)] for row in cells.rows)
    found = dict.fromkeys(_bracketed(row) for row in rows if "NULL" not in row)
    return f"({', '.join(found)})\n"


def _bracketed(literals: Sequence[str]) -> str:
    return literals[0] if len(literals) == 1 else f"({', '.join(literals)})"


def _insert(cells: _Cells) -> str:
    if not cells.rows:
        return ""
    names = ", ".join(_quoted(name) for name in cells.names)
    rows = (", ".join(_literal(cell, kind) for cell, kind in zip(row, cells.kinds, strict=True)) for row in cells.rows)
    return f"INSERT INTO {cells.table} ({names}) VALUES\n" + ",\n".join(f"  ({row})" for row in rows) + ";\n"


def _literal(cell: Cell, kind: Kind) -> str:
    """A literal of SQL. What is not a number or a truth is text, which the column's type then reads."""
    if not isinstance(cell, str):
        return "NULL"
    if kind is Kind.TRUTH and cell in ("t", "f"):
        return "true" if cell == "t" else "false"
    if kind is Kind.NUMBER and cell.lstrip("-")[:1].isdigit():
        return cell
    # A backslash means itself only where standard_conforming_strings is on; E'…' says what it means everywhere.
    escaped = cell.replace("'", "''")
    return f"E'{escaped.replace(chr(92), chr(92) * 2)}'" if "\\" in cell else f"'{escaped}'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


_FORMS: dict[Form, Callable[[_Cells], str]] = {
    Form.TSV: _separated("\t"),
    Form.CSV: _separated(","),
    Form.JSON: _json,
    Form.MARKDOWN: _markdown,
    Form.IN_LIST: _in_list,
    Form.INSERT: _insert,
}
