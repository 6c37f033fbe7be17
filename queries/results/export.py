"""A stored result as CSV, JSON lines, XLSX or Parquet, streamed in constant memory and harmless to a spreadsheet."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from executors.arranging import Kind, kind_of
from executors.arranging.kinds import INTERVAL, MODIFIER
from executors.base import Column, RowEncoding, Scalar
from executors.cells import Cell, cell_reader, exact_json, exactly
from executors.copytext import decode_copy_row
from executors.rows import extended_json, split_rows
from queries.models import Execution
from queries.results.parquet import is_available, parquet
from queries.results.reader import blocks, columns_of
from queries.results.typed import typed_json
from queries.results.workbook import workbook

CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
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


SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t"}
# What tells a spreadsheet that a file is UTF-8.
MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Shape:
    """How a download is written: `separator` (a key of SEPARATORS) and byte-order `mark` of CSV.

    `typed`: numbers, truths and documents as such where nothing is lost, instead of their text. Workbooks are unless
    told otherwise, JSON lines are not. Documents and what scripts returned always keep the types they have.
    """

    separator: str = "comma"
    mark: bool = False
    typed: bool | None = None

    @property
    def told(self) -> dict[str, object]:
        """What is not as usual."""
        chosen = {"separator": self.separator, "mark": self.mark, "typed": self.typed}
        return {name: value for name, value in chosen.items() if value != getattr(USUAL, name)}


USUAL = Shape()


def formats() -> list[str]:
    """The keys of CONTENT_TYPES that this portal can write."""
    return [fmt for fmt in CONTENT_TYPES if fmt != "parquet" or is_available()]


def export(execution: Execution, fmt: str, shape: Shape = USUAL) -> Iterator[bytes]:
    """The result as a stream of bytes. `fmt` is one of `formats`."""
    if fmt == "parquet":
        return parquet(execution)
    if fmt == "xlsx":
        return workbook(execution, typed=shape.typed is not False)
    if fmt == "jsonl":
        return _jsonl(execution, typed=bool(shape.typed))
    return _csv(execution, shape)


def harmless(text: str) -> str:
    """The cell, behind an apostrophe when it is text that a spreadsheet would take for a formula."""
    if isinstance(text, Scalar) or not text.startswith(FORMULA) or NUMBER.fullmatch(text):
        return text
    return f"'{text}"


def is_text(column: Column) -> bool:
    """Whether values of the column's type are text, or may hold some."""
    name = MODIFIER.sub("", column.type)
    return name not in NOT_TEXT and not INTERVAL.fullmatch(name)


# --- CSV -------------------------------------------------------------------------------------------

# The first two bytes of the full-width signs, which some spreadsheets take for the plain ones.
FULL_WIDTH = b"\xef\xbc"
# A cell that is a formula, unless it is a plain negative number.
_MINUS = re.compile(rb"\t-(?![0-9]+\.?[0-9]*\t)")


def _csv(execution: Execution, shape: Shape) -> Iterator[bytes]:
    columns, separator = columns_of(execution), SEPARATORS[shape.separator]
    encoding = RowEncoding(execution.encoding)
    is_copy = encoding is RowEncoding.COPY
    rows = _copy_rows(columns, separator) if is_copy else _cell_rows(encoding, columns, separator)
    head = MARK * shape.mark + csv_line([column.name for column in columns], separator)
    for block in blocks(execution):
        # Together with the first rows: a result that cannot be read has not begun.
        yield head + rows(block)
        head = b""
    if head:
        yield head


def _copy_rows(columns: Sequence[Column], separator: str) -> Callable[[bytes], bytes]:
    if not columns:
        return lambda block: b"\n" * block.count(b"\n")
    textual = [is_text(column) for column in columns]
    return lambda block: copy_to_csv(block, textual, separator)


def _cell_rows(encoding: RowEncoding, columns: Sequence[Column], separator: str) -> Callable[[bytes], bytes]:
    read = cell_reader(encoding, columns)
    return lambda block: b"".join([csv_line(read(row), separator) for row in split_rows(encoding, block)])


def copy_to_csv(block: bytes, textual: Sequence[bool], separator: str = ",") -> bytes:
    """A block of COPY text as CSV: NULL is nothing, an empty string is `""`, a formula is behind an apostrophe.

    `textual` says of each column whether its values are text, for nothing else can be a formula. Most blocks need only
    their separators exchanged; the others are taken apart line by line, and only the lines that must be, cell by cell.
    A million rows then cost about what copying them does.
    """
    whole = _exchanged(block, separator.encode(), formulas=any(textual))
    if whole is not None:
        return whole
    lines = []
    for line in split_rows(RowEncoding.COPY, block):
        simple = _exchanged(line, separator.encode(), formulas=any(textual))
        lines.append(csv_line(_typed(decode_copy_row(line), textual), separator) if simple is None else simple)
    return b"".join(lines)


def _typed(row: Sequence[str | None], textual: Sequence[bool]) -> Sequence[str | None]:
    """The row with what is no text marked as such."""
    return [cell if cell is None or text else Scalar(cell) for cell, text in zip(row, textual, strict=True)]


def _exchanged(lines: bytes, separator: bytes, *, formulas: bool) -> bytes | None:
    """Whole lines with the separator for tabs; None when a cell needs quotes, perhaps an apostrophe, or unescaping."""
    if b'"' in lines or (separator != b"\t" and separator in lines):
        return None
    # Each cell between two tabs: every question about the beginning of a cell is then one search, not two or four.
    cells = b"\t" + lines.replace(b"\n", b"\t")
    if formulas and _has_formula(cells):
        return None
    quoted = _quote_empty(lines) if b"\t\t" in cells else lines
    if b"\\" not in quoted:
        return quoted.replace(b"\t", separator)
    bare = quoted.replace(b"\\N", b"")
    # Every backslash began a NULL: none was an escape.
    if lines.count(b"\\") * 2 != len(quoted) - len(bare):
        return None
    return bare.replace(b"\t", separator)


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


def csv_line(row: Sequence[Cell], separator: str = ",") -> bytes:
    """A line of cells, harmless to a spreadsheet."""
    cells = [_csv_cell(harmless(cell), separator) if isinstance(cell, str) else "" for cell in row]
    return (separator.join(cells) + "\n").encode()


_QUOTED = {separator: re.compile(rf'["\r\n{separator}]') for separator in SEPARATORS.values()}


def _csv_cell(text: str, separator: str) -> str:
    if text == "" or _QUOTED[separator].search(text):
        return '"' + text.replace('"', '""') + '"'
    return text


# --- JSON lines ------------------------------------------------------------------------------------


def _jsonl(execution: Execution, *, typed: bool) -> Iterator[bytes]:
    encoding = RowEncoding(execution.encoding)
    columns = columns_of(execution)
    if typed and encoding is RowEncoding.COPY and columns:
        yield from _typed_lines(execution, columns)
        return
    names = [column["name"] for column in execution.columns]
    for block in blocks(execution):
        rows = split_rows(encoding, block)
        if encoding is RowEncoding.BSON:
            yield "".join([extended_json(row) + "\n" for row in rows]).encode()
        elif encoding is RowEncoding.JSON:
            yield "".join([exact_json(_json_value(names, exactly(row))) + "\n" for row in rows]).encode()
        else:
            yield "".join([_json_line(names, decode_copy_row(row) if names else ()) for row in rows]).encode()


def _typed_lines(execution: Execution, columns: Sequence[Column]) -> Iterator[bytes]:
    kinds = [kind_of(RowEncoding.COPY, column) for column in columns]
    for block in blocks(execution):
        rows = map(decode_copy_row, split_rows(RowEncoding.COPY, block))
        yield "".join([typed_object(kinds, columns, row) + "\n" for row in rows]).encode()


def typed_object(kinds: Sequence[Kind], columns: Sequence[Column], row: Sequence[Cell]) -> str:
    """A row as a JSON object of typed values, or as an array when two columns share a name."""
    values = [typed_json(kind, column, cell) for kind, column, cell in zip(kinds, columns, row, strict=True)]
    if len({column.name for column in columns}) < len(columns):
        return f"[{', '.join(values)}]"
    names = (json.dumps(column.name, ensure_ascii=False) for column in columns)
    return "{" + ", ".join(f"{name}: {value}" for name, value in zip(names, values, strict=True)) + "}"


def _json_line(names: list[str], row: Sequence[object]) -> str:
    return json.dumps(_json_value(names, row), ensure_ascii=False) + "\n"


def _json_value(names: list[str], row: Sequence[object]) -> object:
    """An object, or an array when two columns share a name."""
    return dict(zip(names, row, strict=True)) if len(set(names)) == len(names) else list(row)
