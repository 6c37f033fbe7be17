"""A stored result as XLSX, built row by row in a file of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import xlsxwriter
from xlsxwriter.format import Format

from executors.arranging import Kind, kind_of
from executors.base import Column, RowEncoding, Scalar
from executors.cells import Cell, cell_reader
from executors.rows import split_rows
from queries.models import Execution
from queries.results.files import written
from queries.results.reader import blocks, columns_of
from queries.results.typed import Day, exact_day, exact_number

XLSX_ROWS = 1_048_576
XLSX_CELL = 32_767
SHEET_FULL = "A sheet ends here; the result has {:,} rows. Download it as CSV to have all of them."


def workbook(execution: Execution, *, typed: bool = True) -> Iterator[bytes]:
    """The workbook as it is read from its file. Nothing in it is a formula.

    With `typed`, numbers, dates and truths are such where nothing is lost by it; the rest, and all without it, is text.
    """
    return written(lambda path: _write(execution, path, typed=typed))


def _write(execution: Execution, path: Path, *, typed: bool) -> None:
    folder = str(path.parent)
    options = {"constant_memory": True, "tmpdir": folder, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        shortened = _Sheet(book, execution, typed=typed).fill()
        if notes := _notes(execution, shortened):
            beside = book.add_worksheet("not all of it")
            for number, words in enumerate(notes):
                beside.write_string(number, 0, words)


class _Sheet:
    """The sheet that holds the rows."""

    def __init__(self, book: xlsxwriter.Workbook, execution: Execution, *, typed: bool) -> None:
        self._book = book
        self._sheet = book.add_worksheet("result")
        self._execution = execution
        self._columns = columns_of(execution)
        encoding = RowEncoding(execution.encoding)
        self._kinds = [kind_of(encoding, column) if typed else Kind.TEXT for column in self._columns]
        self._formats: dict[str, Format] = {}

    def fill(self) -> int:
        """Write every row that a sheet can hold; how many cells were longer than a sheet's cell."""
        shortened = 0
        for place, column in enumerate(self._columns):
            shortened += self._text(0, place, column.name)
        for number, row in enumerate(_rows(self._execution, self._columns), start=1):
            if number == XLSX_ROWS - 1 and self._execution.row_count >= XLSX_ROWS:
                self._sheet.write_string(number, 0, SHEET_FULL.format(self._execution.row_count))
                break
            for place, cell in enumerate(row):
                if isinstance(cell, str) and not self._typed(number, place, cell):
                    shortened += self._text(number, place, cell)
        return shortened

    def _text(self, row: int, place: int, text: str) -> bool:
        """Write a text; whether it is longer than a cell holds."""
        self._sheet.write_string(row, place, text if len(text) <= XLSX_CELL else f"{text[: XLSX_CELL - 1]}…")
        return len(text) > XLSX_CELL

    def _typed(self, row: int, place: int, text: str) -> bool:
        """Write what is no text by its type, if nothing is lost by it."""
        kind = self._kinds[place]
        if kind is Kind.TRUTH and text in ("t", "f"):
            self._sheet.write_boolean(row, place, text == "t")
            return True
        if kind is Kind.NUMBER or (kind is Kind.MIXED and isinstance(text, Scalar)):
            return self._number(row, place, text)
        if kind is Kind.TIME and (day := exact_day(self._columns[place], text)):
            self._sheet.write_number(row, place, day.serial, self._format(_day_format(day)))
            return True
        return False

    def _number(self, row: int, place: int, text: str) -> bool:
        number = exact_number(text)
        if number is None:
            return False
        decimals = f"0.{'0' * number.decimals}" if number.decimals else "0"
        self._sheet.write_number(
            row, place, number.value, self._format("General" if number.decimals is None else decimals)
        )
        return True

    def _format(self, text: str) -> Format:
        if text not in self._formats:
            self._formats[text] = self._book.add_format({"num_format": text})
        return self._formats[text]


def _day_format(day: Day) -> str:
    clock = " hh:mm:ss" if day.with_clock else ""
    return f"yyyy-mm-dd{clock}" + (".000" if day.with_fraction else "")


def _rows(execution: Execution, columns: Sequence[Column]) -> Iterator[Sequence[Cell]]:
    encoding = RowEncoding(execution.encoding)
    read = cell_reader(encoding, columns)
    for block in blocks(execution):
        yield from map(read, split_rows(encoding, block))


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
