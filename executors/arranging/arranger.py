"""The order of the rows that are asked for, told from the blocks of a result as they pass by."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence

from executors.arranging.asked import Arrangement, Order
from executors.arranging.keys import key_reader
from executors.arranging.kinds import kind_of
from executors.arranging.matching import matcher
from executors.arranging.sorting import Sorter
from executors.base import Column, RowEncoding
from executors.cells import picker
from executors.rows import split_rows

NUMBER_BYTES = 4


def arranged(
    arrangement: Arrangement, encoding: RowEncoding, columns: Sequence[Column], blocks: Iterable[bytes]
) -> array[int]:
    """The numbers, from 0, of the rows asked for, in the order asked for."""
    matches = matcher(arrangement, encoding, columns)
    rows = (row for block in blocks for row in split_rows(encoding, block))
    found = ((number, row) for number, row in enumerate(rows) if matches(row))
    if not arrangement.order:
        return array("I", (number for number, _ in found))
    sorter, key = Sorter(), sort_key(arrangement.order, encoding, columns)
    for number, row in found:
        sorter.add(key(row) + number.to_bytes(NUMBER_BYTES, "big"))
    return array("I", (int.from_bytes(record[-NUMBER_BYTES:], "big") for record in sorter.sorted()))


def sort_key(order: Sequence[Order], encoding: RowEncoding, columns: Sequence[Column]) -> Callable[[bytes], bytes]:
    """What makes the key that an encoded row is sorted by."""
    pick = picker(encoding, columns, [part.column for part in order])
    keys = [key_reader(kind_of(encoding, columns[part.column]), descending=part.descending) for part in order]
    if len(keys) == 1:
        only = keys[0]
        return lambda row: only(pick(row)[0])
    return lambda row: b"".join([key(cell) for key, cell in zip(keys, pick(row), strict=True)])
