"""A stored result as Parquet, for programs that compute: a type where every value of a column fits it, else text.

Needs pyarrow, an optional extra. The result is read twice: once for which types hold, once to write it, a row group at
a time. Types: https://parquet.apache.org/docs/file-format/types/
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from executors.arranging.kinds import MODIFIER
from executors.base import Column, RowEncoding, Scalar
from executors.cells import Cell, cell_reader
from executors.rows import split_rows
from queries.models import Execution
from queries.results.files import written
from queries.results.reader import blocks, columns_of
from queries.results.typed import exact_number

if TYPE_CHECKING:
    import pyarrow as pa

# Of encoded rows, in one row group: what is in memory at once.
GROUP_BYTES = 2 * 1024 * 1024
# The most digits that a decimal of Parquet's readers has.
DECIMAL_DIGITS = 38
_DECIMAL = re.compile(r"-?([0-9]+)(?:\.([0-9]+))?")
_WHOLE = re.compile(r"0|-?[1-9][0-9]*")
_HEX = re.compile(r"\\x(?:[0-9a-f]{2})*")
_TRUTHS = {"t": "true", "f": "false"}

Cells: TypeAlias = Sequence[str | None]


def is_available() -> bool:
    """Whether pyarrow is installed."""
    return find_spec("pyarrow") is not None


def parquet(execution: Execution) -> Iterator[bytes]:
    """The file as it is read from disk. Raises vault.Unreadable before its first byte."""
    return written(lambda path: _write(execution, path))


def _write(execution: Execution, path: Path) -> None:
    import pyarrow as pa  # noqa: PLC0415 -- optional, and 60 MB of a worker: only who downloads such a file pays for it
    from pyarrow import parquet as pq  # noqa: PLC0415

    forms = _fitting(execution)
    schema = _schema(execution, forms)
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        for columns in _groups(execution):
            arrays = [form.array(cells) for form, cells in zip(forms, columns, strict=True)]
            file.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _schema(execution: Execution, forms: Sequence[_Form]) -> pa.Schema:
    """Each column with the server's name of its type, and what the file is a part of."""
    import pyarrow as pa  # noqa: PLC0415

    columns = columns_of(execution)
    fields = [
        pa.field(name, form.type, metadata={"type": column.type, "name": column.name})
        for name, form, column in zip(_names(columns), forms, columns, strict=True)
    ]
    told = {"rows": execution.row_count, "cut_at": execution.truncated or None}
    return pa.schema(fields, metadata={"query_portal": json.dumps(told)})


def _names(columns: Sequence[Column]) -> list[str]:
    """The columns' names; what was there before is numbered, for readers find columns by name."""
    taken, seen, names = {column.name for column in columns}, Counter[str](), []
    for column in columns:
        seen[column.name] += 1
        name, number = column.name, seen[column.name]
        while number > 1 and name in taken:
            name, number = f"{column.name}_{number}", number + 1
        taken.add(name)
        names.append(name)
    return names


def _groups(execution: Execution) -> Iterator[list[Cells]]:
    """The result as columns of cells, so many rows at a time as GROUP_BYTES hold."""
    encoding, columns = RowEncoding(execution.encoding), columns_of(execution)
    read = cell_reader(encoding, columns)
    rows: list[list[Cell]] = []
    size = 0
    for block in blocks(execution):
        rows.extend(map(read, split_rows(encoding, block)))
        size += len(block)
        if size >= GROUP_BYTES:
            yield _turned(rows, len(columns))
            rows, size = [], 0
    if rows:
        yield _turned(rows, len(columns))


def _turned(rows: Sequence[Sequence[Cell]], width: int) -> list[Cells]:
    return [[_value(row[place]) if place < len(row) else None for row in rows] for place in range(width)]


def _value(cell: Cell) -> str | None:
    """A field that is not there is null, too."""
    return cell if isinstance(cell, str) else None


# --- Types -----------------------------------------------------------------------------------------


class _Form(Protocol):
    """A type of Parquet. `fits` is asked with all cells of a column, some at a time, before `type` and `array` are."""

    @property
    def type(self) -> pa.DataType:
        """Arrow's type."""

    def fits(self, cells: Cells) -> bool:
        """Whether each of these has exactly this value in the type."""

    def array(self, cells: Cells) -> pa.Array:
        """The values; what is not there is null, too. Raises ValueError for a value that does not fit."""


def _fitting(execution: Execution) -> list[_Form]:
    """The first form of each column that all of its values fit."""
    encoding = RowEncoding(execution.encoding)
    offered = [_offered(encoding, column) for column in columns_of(execution)]
    for columns in _groups(execution):
        offered = [[form for form in forms if form.fits(cells)] for forms, cells in zip(offered, columns, strict=True)]
    return [forms[0] for forms in offered]


def _offered(encoding: RowEncoding, column: Column) -> list[_Form]:
    """The forms to try, the best one first. A type of somebody's own with a server's name comes with its schema."""
    import pyarrow as pa  # noqa: PLC0415

    if encoding is not RowEncoding.COPY:
        return [
            _Nothing(),
            _Parsed(pa.int64(), _scalars(_WHOLE.fullmatch)),
            _Parsed(pa.float64(), _scalars(exact_number)),
            _Text(),
        ]
    name = MODIFIER.sub("", column.type)
    if name == "numeric":
        return [_Decimals(), _Text()]
    exact: dict[str, _Form] = {
        "smallint": _Parsed(pa.int16()),
        "integer": _Parsed(pa.int32()),
        "bigint": _Parsed(pa.int64()),
        "oid": _Parsed(pa.uint32()),
        "real": _Parsed(pa.float32()),
        "double precision": _Parsed(pa.float64()),
        "boolean": _Parsed(pa.bool_(), _truths),
        "bytea": _Bytes(),
        "date": _Parsed(pa.date32()),
        "timestamp without time zone": _Parsed(pa.timestamp("us")),
        "timestamp with time zone": _Parsed(pa.timestamp("us", "UTC")),
    }
    return [exact[name], _Text()] if name in exact else [_Text()]


class _Text:
    """What has no type of its own."""

    @property
    def type(self) -> pa.DataType:
        import pyarrow as pa  # noqa: PLC0415

        return pa.string()

    def fits(self, cells: Cells) -> bool:
        del cells
        return True

    def array(self, cells: Cells) -> pa.Array:
        import pyarrow as pa  # noqa: PLC0415

        return pa.array([None if cell is None else str(cell) for cell in cells], self.type)


class _Nothing(_Text):
    """A column that nothing is in, and nobody told the type of."""

    def fits(self, cells: Cells) -> bool:
        return all(cell is None for cell in cells)


class _Parsed:
    """What Arrow itself parses, and refuses where a value is none of the type."""

    def __init__(self, to: pa.DataType, prepared: Callable[[Cells], Cells] | None = None) -> None:
        self._type = to
        self._prepared = prepared

    @property
    def type(self) -> pa.DataType:
        return self._type

    def fits(self, cells: Cells) -> bool:
        try:
            self.array(cells)
        except ValueError:
            return False
        return True

    def array(self, cells: Cells) -> pa.Array:
        return _Text().array(self._prepared(cells) if self._prepared else cells).cast(self._type)


class _Decimals:
    """`numeric`: as many digits as the longest before the point and behind it, if a decimal has so many."""

    def __init__(self) -> None:
        self._whole, self._scale = 1, 0

    @property
    def type(self) -> pa.DataType:
        import pyarrow as pa  # noqa: PLC0415

        return pa.decimal128(self._whole + self._scale, self._scale)

    def fits(self, cells: Cells) -> bool:
        for cell in _there(cells):
            match = _DECIMAL.fullmatch(cell)
            if match is None:
                return False
            self._whole = max(self._whole, len(match[1]))
            self._scale = max(self._scale, len(match[2] or ""))
        return self._whole + self._scale <= DECIMAL_DIGITS

    def array(self, cells: Cells) -> pa.Array:
        import pyarrow as pa  # noqa: PLC0415

        return pa.array([None if cell is None else Decimal(cell) for cell in cells], self.type)


class _Bytes:
    """`bytea` as the server writes it in hexadecimal."""

    @property
    def type(self) -> pa.DataType:
        import pyarrow as pa  # noqa: PLC0415

        return pa.binary()

    def fits(self, cells: Cells) -> bool:
        return all(map(_HEX.fullmatch, _there(cells)))

    def array(self, cells: Cells) -> pa.Array:
        import pyarrow as pa  # noqa: PLC0415

        return pa.array([None if cell is None else bytes.fromhex(cell[2:]) for cell in cells], self.type)


def _there(cells: Cells) -> Iterator[str]:
    return (cell for cell in cells if cell is not None)


def _truths(cells: Cells) -> Cells:
    """`t` and `f` in words that Arrow knows."""
    return [None if cell is None else _TRUTHS[cell] for cell in cells]


def _scalars(takes: Callable[[str], object]) -> Callable[[Cells], Cells]:
    """Of documents and scripts: what was no text there. Raises ValueError for a text, and what is not taken."""

    def prepared(cells: Cells) -> Cells:
        if not all(isinstance(cell, Scalar) and takes(cell) for cell in _there(cells)):
            raise ValueError
        return cells

    return prepared
