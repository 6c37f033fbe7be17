"""A stored result as CSV, JSON lines or XLSX, streamed in constant memory, and harmless to a spreadsheet."""

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import xlsxwriter

from executors.base import Column, RowEncoding
from executors.copytext import decode_copy_row
from executors.rows import extended_json, split_rows
from queries.models import Execution
from queries.results.cells import Cell, cells, exact_json, exactly
from queries.results.reader import blocks

CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# A cell a spreadsheet would take for a formula. Numbers are not: they are checked by NUMBER first.
# (OWASP, CSV Injection: the full-width signs of East Asian keyboards too.)
FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|-?Infinity")
XLSX_ROWS = 1_048_576
XLSX_CELL = 32_767
SHEET_FULL = "A sheet ends here; the result has {:,} rows. Download it as CSV to have all of them."
READ_BYTES = 64 * 1024


def export(execution: Execution, fmt: str) -> Iterator[bytes]:
    """The result as a stream of bytes. `fmt` is a key of CONTENT_TYPES."""
    return EXPORTERS[fmt](execution)


def harmless(text: str) -> str:
    """The cell, behind an apostrophe when a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(FORMULA) and not NUMBER.fullmatch(text) else text


def _columns(execution: Execution) -> list[Column]:
    return [Column(**column) for column in execution.columns]


# --- CSV -------------------------------------------------------------------------------------------

# At the start of a cell: a formula, unless it is a plain negative number. Two patterns, for a literal start is found
# an order of magnitude faster than a set of two.
# The first two bytes of the full-width signs, which some spreadsheets take for the plain ones.
FULL_WIDTH = b"\xef\xbc"
_MINUS_IN_ROW = re.compile(rb"\t-(?![0-9]+\.?[0-9]*[\t\n])")
_MINUS_FIRST = re.compile(rb"\n-(?![0-9]+\.?[0-9]*[\t\n])")


def _csv(execution: Execution) -> Iterator[bytes]:
    columns = _columns(execution)
    yield _csv_line([column.name for column in columns])
    encoding = RowEncoding(execution.encoding)
    for block in blocks(execution):
        if encoding is RowEncoding.COPY:
            yield copy_to_csv(block)
        else:
            rows = cells(encoding, columns, split_rows(encoding, block))
            yield b"".join(_csv_line(row) for row in rows)


def copy_to_csv(block: bytes) -> bytes:
    """A block of COPY text as CSV: NULL is nothing, an empty string is `""`, a formula is behind an apostrophe.

    Most blocks need only their separators exchanged; the others are taken apart line by line, and only the lines
    that must be, cell by cell. A million rows then cost about what copying them does.
    """
    whole = _exchanged(block)
    if whole is not None:
        return whole
    lines = []
    for line in split_rows(RowEncoding.COPY, block):
        simple = _exchanged(line)
        lines.append(_csv_line(decode_copy_row(line)) if simple is None else simple)
    return b"".join(lines)


def _exchanged(lines: bytes) -> bytes | None:
    """Whole lines with commas for tabs; None when a cell needs quotes or an apostrophe, or holds an escape."""
    if b'"' in lines or b"," in lines or _has_formula(lines):
        return None
    quoted = _quote_empty(lines)
    bare = quoted.replace(b"\\N", b"")
    # Every backslash began a NULL: none was an escape.
    if lines.count(b"\\") * 2 != len(quoted) - len(bare):
        return None
    return bare.replace(b"\t", b",")


def _has_formula(lines: bytes) -> bool:
    for sign in (b"=", b"+", b"@"):
        if sign in lines and (lines.startswith(sign) or b"\t" + sign in lines or b"\n" + sign in lines):
            return True
    if FULL_WIDTH in lines:
        return True
    if b"-" not in lines:
        return False
    first = lines.startswith(b"-") and _MINUS_FIRST.match(b"\n" + lines[: lines.find(b"\n") + 1])
    return bool(first or _MINUS_IN_ROW.search(lines) or _MINUS_FIRST.search(lines))


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
            sheet = book.add_worksheet("result")
            for number, row in enumerate(_table(execution)):
                if number == XLSX_ROWS - 1 and execution.row_count >= XLSX_ROWS:
                    sheet.write_string(number, 0, SHEET_FULL.format(execution.row_count))
                    break
                for column, cell in enumerate(row):
                    if isinstance(cell, str):
                        sheet.write_string(number, column, _shortened(cell))
        with path.open("rb") as file:
            while data := file.read(READ_BYTES):
                yield data


def _shortened(cell: str) -> str:
    """What fits a cell, and an ellipsis where that is not all of it."""
    return cell if len(cell) <= XLSX_CELL else f"{cell[: XLSX_CELL - 1]}…"


def _table(execution: Execution) -> Iterator[Sequence[Cell]]:
    columns = _columns(execution)
    encoding = RowEncoding(execution.encoding)
    yield [column.name for column in columns]
    for block in blocks(execution):
        yield from cells(encoding, columns, split_rows(encoding, block))


EXPORTERS: dict[str, Callable[[Execution], Iterator[bytes]]] = {"csv": _csv, "jsonl": _jsonl, "xlsx": _xlsx}
