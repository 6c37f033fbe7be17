"""What is different between the rows of two results: rows are the same when they have the same key."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import groupby

from executors.arranging.keys import key_reader
from executors.arranging.kinds import kind_of
from executors.arranging.sorting import Sorter
from executors.base import Column, RowEncoding
from executors.cells import picker
from executors.rows import split_rows

_DIGEST_BYTES = 16
_NUMBER_BYTES = 4
_AFTER_KEY = 1 + _DIGEST_BYTES + _NUMBER_BYTES
_LEFT, _RIGHT = b"\x00", b"\x01"
# Of a longer key the digest of all of it stands in for the rest.
_KEY_BYTES = 1024


def _numbers() -> array[int]:
    return array("I")


@dataclass(slots=True)
class Difference:
    """Row numbers from 0: `added` of the right, `removed` of the left, `changed` of both in turns.

    `same` rows stand on both sides. Rows of the `repeated` keys, which stand more than
    once on a side, are paired in their order.
    """

    added: array[int] = field(default_factory=_numbers)
    removed: array[int] = field(default_factory=_numbers)
    changed: array[int] = field(default_factory=_numbers)
    same: int = 0
    repeated: int = 0


@dataclass(frozen=True, slots=True)
class Side:
    """One of two results. `key` are its columns, from 0, that tell a row; the whole row does where there are none."""

    encoding: RowEncoding
    columns: Sequence[Column]
    key: Sequence[int]
    blocks: Iterable[bytes]


def difference(left: Side, right: Side) -> Difference:
    """What became of the rows of `left` in `right`."""
    sorter = Sorter()
    for mark, side in ((_LEFT, left), (_RIGHT, right)):
        key = _key(side)
        rows = (row for block in side.blocks for row in split_rows(side.encoding, block))
        for number, row in enumerate(rows):
            sorter.add(key(row) + mark + _digest(row) + number.to_bytes(_NUMBER_BYTES, "big"))
    found = Difference()
    for _, group in groupby(sorter.sorted(), key=lambda record: record[:-_AFTER_KEY]):
        _tell(found, group)
    if not left.key:
        found.added, found.removed = (array("I", sorted(numbers)) for numbers in (found.added, found.removed))
    return found


def _key(side: Side) -> Callable[[bytes], bytes]:
    if not side.key:
        return _digest
    pick = picker(side.encoding, side.columns, side.key)
    keys = [key_reader(kind_of(side.encoding, side.columns[place]), most=None) for place in side.key]
    return lambda row: _bounded(b"".join([key(cell) for key, cell in zip(keys, pick(row), strict=True)]))


def _bounded(key: bytes) -> bytes:
    return key if len(key) <= _KEY_BYTES else key[:_KEY_BYTES] + _digest(key)


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=_DIGEST_BYTES).digest()


def _tell(found: Difference, group: Iterable[bytes]) -> None:
    """Take the rows of one key apart."""
    left, right = _sides(group)
    found.repeated += len(left) > 1 or len(right) > 1
    common = Counter(digest for digest, _ in left) & Counter(digest for digest, _ in right)
    found.same += common.total()
    gone, come = list(_without(left, common)), list(_without(right, common))
    for pair in zip(gone, come, strict=False):
        found.changed.extend(pair)
    found.removed.extend(gone[len(come) :])
    found.added.extend(come[len(gone) :])


def _sides(group: Iterable[bytes]) -> tuple[list[tuple[bytes, int]], list[tuple[bytes, int]]]:
    """Digest and number of the rows of either side."""
    left: list[tuple[bytes, int]] = []
    right: list[tuple[bytes, int]] = []
    for record in group:
        side = left if record[-_AFTER_KEY : 1 - _AFTER_KEY] == _LEFT else right
        side.append((record[1 - _AFTER_KEY : -_NUMBER_BYTES], int.from_bytes(record[-_NUMBER_BYTES:], "big")))
    return left, right


def _without(rows: Iterable[tuple[bytes, int]], common: Counter[bytes]) -> Iterator[int]:
    """The numbers, in order, of the rows that are not on both sides."""
    left = Counter(common)
    numbers = []
    for digest, number in rows:
        if left[digest] > 0:
            left[digest] -= 1
        else:
            numbers.append(number)
    return iter(sorted(numbers))
