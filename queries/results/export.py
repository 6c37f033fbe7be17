"""A stored result as CSV, JSON lines or XLSX, streamed in constant memory, and harmless to a spreadsheet."""

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import xlsxwriter

from executors.base import Column, RowEncoding, Scalar
from executors.cells import Cell, cell_reader, exact_json, exactly
from executors.copytext import decode_copy_row
from executors.rows import extended_json, split_rows
from queries.models import Execution
from queries.results.reader import blocks

CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# What a spreadsheet takes for a formula, when it begins a text. A plain number is none.
# (OWASP, CSV Injection: the full-width signs of East Asian keyboards too.)
FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|-?Infinity")
# Types of PostgreSQL whose values are no text, as `format_type` names them without their modifiers: a type of
# somebody's own that bears such a name comes with its schema, or in quotes.
NOT_TEXT = frozenset(
    {"smallint", "integer", "bigint", "numeric", "real", "double precision", "money", "oid", "boolean", "uuid", "date"}
    | {f"{kind} {zone} time zone" for kind in ("time", "timestamp") for zone in ("with", "without")}
)
MODIFIER = re.compile(r"\([0-9,-]*\)")
INTERVAL = re.compile(r"interval( (year|month|day|hour|minute|second)( to (month|hour|minute|second))?)?")
XLSX_ROWS = 1_048_576
XLSX_CELL = 32_767
SHEET_FULL = "A sheet ends here; the result has {:,} rows. Download it as CSV to have all of them."
READ_BYTES = 64 * 1024


def export(execution: Execution, fmt: str) -> Iterator[bytes]:
    """The result as a stream of bytes. `fmt` is a key of CONTENT_TYPES."""
    return EXPORTERS[fmt](execution)


def harmless(text: str) -> str:
    """The cell, behind an apostrophe when it is text that a spreadsheet would take for a formula."""
    if isinstance(text, Scalar) or not text.startswith(FORMULA) or NUMBER.fullmatch(text):
        return text
    return f"'{text}"


def is_text(column: Column) -> bool:
    """Whether values of the column's type are text, or may hold some."""
    name = MODIFIER.sub("", column.type)
    return name not in NOT_TEXT and not INTERVAL.fullmatch(name)


def _columns(execution: Execution) -> list[Column]:
    return [Column(**column) for column in execution.columns]


# --- CSV -------------------------------------------------------------------------------------------

# The first two bytes of the full-width signs, which some spreadsheets take for the plain ones.
FULL_WIDTH = b"\xef\xbc"
# A cell that is a formula, unless it is a plain negative number.
_MINUS = re.compile(rb"\t-(?![0-9]+\.?[0-9]*\t)")


def _csv(execution: Execution) -> Iterator[bytes]:
    columns = _columns(execution)
    encoding = RowEncoding(execution.encoding)
    rows = _copy_rows(columns) if encoding is RowEncoding.COPY else _cell_rows(encoding, columns)
    head = _csv_line([column.name for column in columns])
    for block in blocks(execution):
        # Together with the first rows: a result that cannot be read has not begun.
        yield head + rows(block)
        head = b""
    if head:
        yield head


def _copy_rows(columns: Sequence[Column]) -> Callable[[bytes], bytes]:
    if not columns:
        return lambda block: b"\n" * block.count(b"\n")
    textual = [is_text(column) for column in columns]
    return lambda block: copy_to_csv(block, textual)


def _cell_rows(encoding: RowEncoding, columns: Sequence[Column]) -> Callable[[bytes], bytes]:
    read = cell_reader(encoding, columns)
    return lambda block: b"".join([_csv_line(read(row)) for row in split_rows(encoding, block)])


def copy_to_csv(block: bytes, textual: Sequence[bool]) -> bytes:
    """A block of COPY text as CSV: NULL is nothing, an empty string is `""`, a formula is behind an apostrophe.

    `textual` says of each column whether its values are text, for nothing else can be a formula. Most blocks need only
    their separators exchanged; the others are taken apart line by line, and only the lines that must be, cell by cell.
    A million rows then cost about what copying them does.
    """
    whole = _exchanged(block, formulas=any(textual))
    if whole is not None:
        return whole
    lines = []
    for line in split_rows(RowEncoding.COPY, block):
        simple = _exchanged(line, formulas=any(textual))
        lines.append(_csv_line(_typed(decode_copy_row(line), textual)) if simple is None else simple)
    return b"".join(lines)


def _typed(row: Sequence[str | None], textual: Sequence[bool]) -> Sequence[str | None]:
    """The row with what is no text marked as such."""
    return [cell if cell is None or text else Scalar(cell) for cell, text in zip(row, textual, strict=True)]


def _exchanged(lines: bytes, *, formulas: bool) -> bytes | None:
    """Whole lines with commas for tabs; None when a cell needs quotes or perhaps an apostrophe, or holds an escape."""
    if b'"' in lines or b"," in lines:
        return None
    # Each cell between two tabs: every question about the beginning of a cell is then one search, not two or four.
    cells = b"\t" + lines.replace(b"\n", b"\t")
    if formulas and _has_formula(cells):
        return None
    quoted = _quote_empty(lines) if b"\t\t" in cells else lines
    if b"\\" not in quoted:
        return quoted.replace(b"\t", b",")
    bare = quoted.replace(b"\\N", b"")
    # Every backslash began a NULL: none was an escape.
    if lines.count(b"\\") * 2 != len(quoted) - len(bare):
        return None
    return bare.replace(b"\t", b",")


def _has_formula(cells: bytes) -> bool:
    # One byte is looked for an order of magnitude faster than two.
    if any(sign in cells and b"\t" + sign in cells for sign in (b"=", b"+", b"@")):
        return True
    if FULL_WIDTH[:1] in cells and FULL_WIDTH in cells:
        return True
    return b"-" in cells and _MINUS.search(cells) is not None


def _quote_empty(lines: bytes) -> bytes:
    if lines.startswith((b"\t", b"\n")):
        lines = b'""' + lines
    for before, after in ((b"\t\t", b'\t""\t'), (b"\n\t", b'\n""\t'), (b"\t\n", b'\t""\n'), (b"\n\n", b'\n""\n')):
        while before in lines:
            lines = lines.replace(before, after)
    return lines


def _csv_line(row: Sequence[Cell]) -> bytes:
    return (",".join([_csv_cell(harmless(cell)) if isinstance(cell, str) else "" for cell in row]) + "\n").encode()


_QUOTED = re.compile(r'[",\r\n]')


def _csv_cell(text: str) -> str:
    if text == "" or _QUOTED.search(text):
        return '"' + text.replace('"', '""') + '"'
    return text


# --- JSON lines ------------------------------------------------------------------------------------


def _jsonl(execution: Execution) -> Iterator[bytes]:
    encoding = RowEncoding(execution.encoding)
    names = [column["name"] for column in execution.columns]
    for block in blocks(execution):
        rows = split_rows(encoding, block)
        if encoding is RowEncoding.BSON:
            yield "".join([extended_json(row) + "\n" for row in rows]).encode()
        elif encoding is RowEncoding.JSON:
            yield "".join([exact_json(_json_value(names, exactly(row))) + "\n" for row in rows]).encode()
        else:
            yield "".join([_json_line(names, decode_copy_row(row) if names else ()) for row in rows]).encode()


def _json_line(names: list[str], row: Sequence[object]) -> str:
    return json.dumps(_json_value(names, row), ensure_ascii=False) + "\n"


def _json_value(names: list[str], row: Sequence[object]) -> object:
    """An object, or an array when two columns share a name."""
    return dict(zip(names, row, strict=True)) if len(set(names)) == len(names) else list(row)


# --- XLSX ------------------------------------------------------------------------------------------


def _xlsx(execution: Execution) -> Iterator[bytes]:
    """Text cells only, so that no digit is lost and nothing is a formula. Built in a file of its own, row by row."""
    with tempfile.TemporaryDirectory(prefix="portal-xlsx-") as folder:
        path = Path(folder) / "result.xlsx"
        options = {"constant_memory": True, "tmpdir": folder, "strings_to_formulas": False, "strings_to_urls": False}
        with xlsxwriter.Workbook(str(path), options) as book:
            shortened = _fill(book.add_worksheet("result"), execution)
            if notes := _notes(execution, shortened):
                sheet = book.add_worksheet("not all of it")
                for number, words in enumerate(notes):
                    sheet.write_string(number, 0, words)
        with path.open("rb") as file:
            while data := file.read(READ_BYTES):
                yield data


def _fill(sheet: xlsxwriter.worksheet.Worksheet, execution: Execution) -> int:
    """Write every row that a sheet can hold; how many cells were longer than a sheet's cell."""
    shortened = 0
    for number, row in enumerate(_table(execution)):
        if number == XLSX_ROWS - 1 and execution.row_count >= XLSX_ROWS:
            sheet.write_string(number, 0, SHEET_FULL.format(execution.row_count))
            break
        for column, cell in enumerate(row):
            if isinstance(cell, str):
                shortened += len(cell) > XLSX_CELL
                sheet.write_string(number, column, _shortened(cell))
    return shortened


def _notes(execution: Execution, shortened: int) -> list[str]:
    """What of the result is not in the workbook."""
    notes = []
    if execution.truncated:
        limit = "row" if execution.truncated == "rows" else "byte"
        notes.append(f"The result was cut at the {limit} limit of the target: there were more rows in the database.")
    if execution.row_count >= XLSX_ROWS:
        notes.append(SHEET_FULL.format(execution.row_count))
    if shortened:
        notes.append(f"{shortened:,} cells are longer than a sheet can hold and end with an ellipsis. CSV has all.")
    return notes


def _shortened(cell: str) -> str:
    """What fits a cell, and an ellipsis where that is not all of it."""
    return cell if len(cell) <= XLSX_CELL else f"{cell[: XLSX_CELL - 1]}…"


def _table(execution: Execution) -> Iterator[Sequence[Cell]]:
    columns = _columns(execution)
    encoding = RowEncoding(execution.encoding)
    read = cell_reader(encoding, columns)
    yield [column.name for column in columns]
    for block in blocks(execution):
        yield from map(read, split_rows(encoding, block))


EXPORTERS: dict[str, Callable[[Execution], Iterator[bytes]]] = {"csv": _csv, "jsonl": _jsonl, "xlsx": _xlsx}
