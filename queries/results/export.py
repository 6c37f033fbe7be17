"""A stored result as CSV, JSON lines or XLSX, streamed in constant memory, and harmless to a spreadsheet."""

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import xlsxwriter

from executors.base import Column, RowEncoding
from executors.rows import decode_copy_row, extended_json, split_rows
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

# What keeps a block of COPY text from being CSV but for its separators.
_NOT_PLAIN = re.compile(rb'[",\\\r]|(?:^|[\t\n])(?:[=+@-]|\xef\xbc[\x9d\x8b\x8d\xa0])', re.MULTILINE)


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
    """A block of COPY text as CSV: NULL is nothing, an empty string is `""`, a formula is behind an apostrophe."""
    if not _NOT_PLAIN.search(block) and not _has_empty(block):
        return block.replace(b"\t", b",")
    return b"".join([_csv_row(line) for line in split_rows(RowEncoding.COPY, block)])


def _has_empty(data: bytes) -> bool:
    return b"\t\t" in data or b"\t\n" in data or b"\n\t" in data or b"\n\n" in data or data[:1] in {b"\t", b"\n"}


def _csv_row(line: bytes) -> bytes:
    if not _NOT_PLAIN.search(line) and not _has_empty(line):
        return line.replace(b"\t", b",")
    return _csv_line(decode_copy_row(line))


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
