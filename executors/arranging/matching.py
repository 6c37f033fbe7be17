"""Which rows meet what is asked of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from executors.arranging.asked import Arrangement, Condition, Operator
from executors.arranging.keys import key_reader, typed_key
from executors.arranging.kinds import Kind, kind_of
from executors.base import Column, RowEncoding
from executors.cells import Cell, cell_reader, picker

Matches: TypeAlias = Callable[[bytes], bool]
_Test: TypeAlias = Callable[[str], bool]


def matcher(arrangement: Arrangement, encoding: RowEncoding, columns: Sequence[Column]) -> Matches:
    """What tells whether an encoded row is asked for."""
    tests = [_of_conditions(arrangement.conditions, encoding, columns)] if arrangement.conditions else []
    if arrangement.search:
        tests.append(_of_search(arrangement.search, encoding, columns))
    return lambda row: all(test(row) for test in tests)


def _of_conditions(conditions: Sequence[Condition], encoding: RowEncoding, columns: Sequence[Column]) -> Matches:
    pick = picker(encoding, columns, [condition.column for condition in conditions])
    tests = [_of_condition(condition, kind_of(encoding, columns[condition.column])) for condition in conditions]
    return lambda row: all(test(cell) for test, cell in zip(tests, pick(row), strict=True))


def _of_condition(condition: Condition, kind: Kind) -> Callable[[Cell], bool]:
    if condition.operator is Operator.NULL:
        return lambda cell: not isinstance(cell, str)
    test = _test(condition, kind)
    return lambda cell: isinstance(cell, str) and test(cell)


def _test(condition: Condition, kind: Kind) -> _Test:
    value, operator = condition.value, condition.operator
    if operator is Operator.NOT_NULL:
        return lambda _cell: True
    if operator is Operator.CONTAINS:
        needle = value.casefold()
        return lambda cell: needle in cell.casefold()
    if operator is Operator.STARTS:
        needle = value.casefold()
        return lambda cell: cell.casefold().startswith(needle)
    return _compared(operator, value, kind)


def _compared(operator: Operator, value: str, kind: Kind) -> _Test:
    """By value, not by text: 10 is 10.00. What is of another kind is neither more nor less, and never equal."""
    key = key_reader(kind, most=None)
    wanted = typed_key(value) if kind is Kind.MIXED else key(value)
    rank = wanted[:1]
    # A text of digits is what somebody typed, too.
    if operator is Operator.EQUAL:
        return lambda cell: cell == value or key(cell) == wanted
    if operator is Operator.NOT_EQUAL:
        return lambda cell: cell != value and key(cell) != wanted
    if operator is Operator.LESS:
        return lambda cell: (found := key(cell)) < wanted and found[:1] == rank
    if operator is Operator.AT_MOST:
        return lambda cell: (found := key(cell)) <= wanted and found[:1] == rank
    if operator is Operator.MORE:
        return lambda cell: (found := key(cell)) > wanted and found[:1] == rank
    return lambda cell: (found := key(cell)) >= wanted and found[:1] == rank


def _of_search(search: str, encoding: RowEncoding, columns: Sequence[Column]) -> Matches:
    needle, read = search.casefold(), cell_reader(encoding, columns)

    def in_cells(row: bytes) -> bool:
        return any(isinstance(cell, str) and needle in cell.casefold() for cell in read(row))

    if encoding is not RowEncoding.COPY or not columns or "\t" in needle or "\n" in needle:
        return in_cells

    def in_line(row: bytes) -> bool:
        # Without a backslash a line is its cells, as they are, with tabs between them.
        return in_cells(row) if b"\\" in row else needle in row.decode().casefold()

    return in_line
