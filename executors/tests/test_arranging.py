"""Sorting, searching and comparing encoded rows: by value and exactly, whatever the memory they take."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from decimal import Decimal

import bson
import pytest

from executors.arranging import Arrangement, Condition, Kind, Operator, Order, sorting
from executors.arranging.arranger import arranged
from executors.arranging.differing import Side, difference
from executors.arranging.keys import is_of, key_reader
from executors.base import Column, RowEncoding, Scalar
from executors.copytext import encode_copy_row
from executors.processes import arrangers
from executors.processes.arrangers import Rows, Unarranged, arrange, compare

Cells = Sequence[str | None]

# Values in the order the server itself gives them (`ORDER BY` of PostgreSQL 18), by the type of their column.
IN_ORDER: dict[str, list[str]] = {
    "numeric": [
        "-Infinity", "-1000000000000000000000000000000.5", "-10", "-9.99", "-0.001", "0", "0.0000000000000000001",
        "0.5", "9", "10", "10.000000000000000000001", "99", "100", "12345678901234567890.10", "Infinity", "NaN",
    ],
    "bigint": ["-9223372036854775808", "-1", "0", "7", "70", "9007199254740992", "9007199254740993"],
    "double precision": ["-1e+300", "-1.5e-07", "1e-300", "1.5e-07", "2.5", "1e+20", "1.0000000000000001e+20", "NaN"],
    "date": ["-infinity", "4713-01-01 BC", "0001-12-31 BC", "0001-01-01", "1999-12-31", "2026-02-28", "2026-03-01",
             "10000-01-01", "infinity"],
    "timestamp without time zone": ["2026-03-01 00:00:00", "2026-03-01 00:00:00.000001", "2026-03-01 23:59:59"],
    # The hour that is there twice when summer time ends; the text alone would turn the two around.
    "timestamp with time zone": ["2026-10-25 02:30:00+02", "2026-10-25 02:10:00+01", "2026-10-25 03:00:00+01"],
    "time with time zone": ["00:00:00+01", "00:00:00+00", "12:00:00.5+05:30", "24:00:00+00"],
    "interval": ["-1 days", "-00:05:00", "00:00:00", "23:59:59.5", "1 day", "29 days 23:00:00", "1 mon",
                 "1 mon 00:00:01", "1 year -1 days", "1 year"],
    "boolean": ["f", "t"],
    "text": ["", " ", "10", "9", "Z", "a", "a\tb", "ab", "ä", "\U0001f600"],
}  # fmt: skip


def copied(rows: Sequence[Cells]) -> bytes:
    return b"".join(encode_copy_row([None if cell is None else cell.encode() for cell in row]) for row in rows)


def order(rows: Sequence[Cells], types: Sequence[str], arrangement: Arrangement) -> list[int]:
    columns = [Column(f"c{n}", kind) for n, kind in enumerate(types)]
    return list(arranged(arrangement, RowEncoding.COPY, columns, [copied(rows)]))


def by(*columns: int) -> Arrangement:
    """Sorted by columns counted from 1; downwards by a negative one."""
    return Arrangement(order=tuple(Order(abs(column) - 1, column < 0) for column in columns))


@pytest.mark.parametrize("kind", IN_ORDER)
def test_values_are_sorted_as_the_server_sorts_them(kind: str) -> None:
    values = IN_ORDER[kind]
    shuffled = random.Random(7).sample(values, len(values))
    rows: list[Cells] = [[None], *([value] for value in shuffled), [None]]
    up = [rows[number][0] for number in order(rows, [kind], by(1))]
    down = [rows[number][0] for number in order(rows, [kind], by(-1))]
    assert up == [*values, None, None]
    assert down == [*reversed(values), None, None]


def test_any_two_numbers_compare_as_decimals_do() -> None:
    chance = random.Random(11)
    texts = [f"{chance.choice(['', '-'])}{chance.randrange(10**chance.randrange(1, 25))}e{chance.randrange(-30, 30)}"
             for _ in range(400)]  # fmt: skip
    texts += [str(chance.uniform(-1000, 1000)) for _ in range(400)]
    key = key_reader(Kind.NUMBER)
    assert [Decimal(t) for t in sorted(texts, key=key)] == sorted(map(Decimal, texts))
    assert key("10") == key("10.00") == key("1e1") == key("+010")


def test_rows_that_are_alike_stay_in_their_order_and_a_second_column_decides() -> None:
    rows: list[Cells] = [["b", "1"], ["a", "2"], ["b", "0"], ["a", "2"], [None, "9"]]
    assert order(rows, ["text", "integer"], by(1)) == [1, 3, 0, 2, 4]
    assert order(rows, ["text", "integer"], by(-1)) == [0, 2, 1, 3, 4]
    assert order(rows, ["text", "integer"], by(1, 2)) == [1, 3, 2, 0, 4]
    assert order(rows, ["text", "integer"], by(-2, 1)) == [4, 1, 3, 0, 2]


def test_more_than_memory_holds_is_put_aside_and_merged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorting, "RUN_RECORDS", 50)
    monkeypatch.setattr(sorting, "BLOCK_BYTES", 300)
    numbers = random.Random(3).sample(range(-5000, 5000), 1234)
    found = order([[str(n)] for n in numbers], ["integer"], by(1))
    assert [numbers[place] for place in found] == sorted(numbers)


def test_what_is_put_aside_is_not_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorting, "RUN_RECORDS", 2)
    sorter = sorting.Sorter()
    for word in (b"secret one", b"secret two", b"secret three"):
        sorter.add(word)
    (run,) = sorter._runs
    assert b"secret" not in run._file.read()
    run._file.seek(0)
    assert list(sorter.sorted()) == [b"secret one", b"secret three", b"secret two"]


CONDITIONS = [
    ("numeric", ["10.00", "9", "x", None, "-1"], Operator.EQUAL, "10", [0]),
    ("numeric", ["10.00", "9", "NaN", None, "-1"], Operator.LESS, "9.5", [1, 4]),
    ("numeric", ["10.00", "9", "NaN", None, "-1"], Operator.AT_LEAST, "9", [0, 1, 2]),
    ("numeric", ["1", None], Operator.NOT_EQUAL, "1", []),
    ("bigint", ["9007199254740992", "9007199254740993"], Operator.MORE, "9007199254740992", [1]),
    (
        "timestamp with time zone",
        ["2026-01-01 01:00:00+02", "2026-01-01 00:30:00Z"],
        Operator.LESS,
        "2026-01-01",
        [0],
    ),
    ("date", ["2026-01-01", "2025-12-31", "infinity"], Operator.AT_MOST, "2026-01-01", [0, 1]),
    ("interval", ["1 mon", "31 days"], Operator.MORE, "30 days", [1]),
    ("boolean", ["t", "f", None], Operator.EQUAL, "true", [0]),
    ("text", ["Straße", "STRASSE", "Stras", None], Operator.CONTAINS, "strasse", [0, 1]),
    ("text", ["abc", "ABd", "xab", None], Operator.STARTS, "ab", [0, 1]),
    ("text", ["10", "9"], Operator.MORE, "5", [1]),
    ("text", ["", None, "x"], Operator.EQUAL, "", [0]),
    ("text", ["", None, "x"], Operator.NULL, "", [1]),
    ("text", ["", None, "x"], Operator.NOT_NULL, "", [0, 2]),
    ("text", ["a\tb", "a b", "a\\tb"], Operator.EQUAL, "a\tb", [0]),
    ("text", ["%", "_", "a"], Operator.CONTAINS, "%", [0]),
]


@pytest.mark.parametrize(("kind", "values", "operator", "value", "expected"), CONDITIONS)
def test_conditions(kind: str, values: list[str | None], operator: Operator, value: str, expected: list[int]) -> None:
    arrangement = Arrangement(conditions=(Condition(0, operator, value),))
    assert order([[cell] for cell in values], [kind], arrangement) == expected


@pytest.mark.parametrize(
    ("search", "expected"),
    [("NEEDLE", [0, 2]), ("n", [0, 2, 3]), ("\\N", []), ("e\tx", []), ("line\nend", [3]), ("\\", [1]), ("é", [4])],
)
def test_search_looks_at_values_and_not_at_how_they_are_stored(search: str, expected: list[int]) -> None:
    rows: list[Cells] = [["the needle", "x"], ["\\x", None], ["a", "Needle"], ["li", "a line\nend"], ["É", "q"]]
    assert order(rows, ["text", "text"], Arrangement(search=search)) == expected


def test_documents_are_sorted_by_value_absent_fields_last() -> None:
    documents: list[dict[str, object]] = [
        {"a": 10},
        {"a": "9"},
        {"b": 1},
        {"a": None},
        {"a": 9.5},
        {"a": bson.Int64(2**60 + 1)},
        {"a": 2**60},
    ]
    block = b"".join(bson.encode(document) for document in documents)
    columns = [Column("a", "mixed"), Column("b", "int")]
    assert list(arranged(by(1), RowEncoding.BSON, columns, [block])) == [4, 0, 6, 5, 1, 3, 2]


def test_values_of_a_script_are_sorted_by_value() -> None:
    rows = [["b"], [10], ["10"], [9], [None], [True], [10**30]]
    block = "".join(json.dumps(row) + "\n" for row in rows).encode()
    assert list(arranged(by(1), RowEncoding.JSON, [Column("a", "")], [block])) == [3, 1, 6, 2, 0, 5, 4]


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (Kind.NUMBER, "1e5", True), (Kind.NUMBER, "", False), (Kind.NUMBER, ".", False), (Kind.NUMBER, "1,5", False),
        (Kind.NUMBER, "\u0661", False), (Kind.TIME, "2026-11-26 10:00", True), (Kind.TIME, "26.11.2026", False),
        (Kind.CLOCK, "10:00", True), (Kind.SPAN, "", False), (Kind.SPAN, "2 days 01:00:00", True),
        (Kind.TRUTH, "TRUE", True), (Kind.TRUTH, "1", False), (Kind.TEXT, "x", True),
    ],
)  # fmt: skip
def test_what_is_a_value_of_a_kind(kind: Kind, text: str, expected: bool) -> None:
    assert is_of(kind, text) is expected


def test_scalars_of_absurd_exponents_are_text() -> None:
    assert key_reader(Kind.MIXED)(Scalar("1e99999999999"))[:1] == key_reader(Kind.MIXED)("x")[:1]


# --- two results -----------------------------------------------------------------------------------


def sides(left: Sequence[Cells], right: Sequence[Cells], *key: int) -> tuple[Side, Side]:
    columns = [Column("id", "integer"), Column("v", "text")]
    return (
        Side(RowEncoding.COPY, columns, key, [copied(left)]),
        Side(RowEncoding.COPY, columns, key, [copied(right)]),
    )


def test_rows_are_added_removed_and_changed_by_key() -> None:
    found = difference(*sides([["1", "a"], ["2", "b"], ["3", None]], [["3", ""], ["1", "a"], ["4", "d"]], 0))
    assert (list(found.added), list(found.removed), list(found.changed)) == ([2], [1], [2, 0])
    assert (found.same, found.repeated) == (1, 0)


def test_without_a_key_the_whole_row_tells() -> None:
    found = difference(*sides([["1", "a"], ["1", "a"], ["2", "b"]], [["1", "a"], ["2", "c"]]))
    assert (list(found.added), list(found.removed), list(found.changed)) == ([1], [1, 2], [])
    assert found.same == 1


def test_keys_that_repeat_are_paired_in_their_order_and_counted() -> None:
    found = difference(*sides([["1", "a"], ["1", "b"], ["1", "c"]], [["1", "x"], ["1", "b"]], 0))
    assert (list(found.added), list(found.removed), list(found.changed)) == ([], [2], [0, 0])
    assert (found.same, found.repeated) == (1, 1)


def test_null_is_a_key_of_its_own_and_long_keys_are_told_apart() -> None:
    long = "x" * 5000
    found = difference(*sides([[None, "a"], ["1", long + "a"]], [["1", long + "b"], [None, "b"]], 0))
    assert list(found.changed) == [1, 0, 0, 1]
    found = difference(*sides([["1", long + "a"]], [["1", long + "b"]], 1))
    assert (list(found.added), list(found.removed)) == ([0], [0])


# --- in a process of its own -----------------------------------------------------------------------


def test_a_process_sorts_and_compares() -> None:
    rows = [[str(n % 100), f"text {n}"] for n in range(3000)]
    columns = [Column("id", "integer"), Column("v", "text")]
    given = [copied(rows[:1000]), copied(rows[1000:])]
    numbers = arrange(Arrangement("text", (), (Order(0, descending=True),)), Rows(RowEncoding.COPY, columns, given))
    assert [rows[n] for n in numbers] == sorted(rows, key=lambda row: -int(row[0]))
    found = compare(
        Rows(RowEncoding.COPY, columns, given),
        Rows(RowEncoding.COPY, columns, [copied(rows[1:])]),
        ([1], [1]),
    )
    assert (list(found.removed), len(found.added), found.same) == ([0], 0, 2999)


def test_what_takes_too_long_ends_with_a_sentence() -> None:
    rows = Rows(RowEncoding.COPY, [Column("n", "integer")], (copied([[str(n)]]) for n in range(10**9)))
    with pytest.raises(Unarranged, match=r"not done within 1\.5 s"):
        arrange(by(1), rows, seconds=1.5)


def test_more_than_a_few_at_once_are_told_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrangers, "_PATIENCE_SECONDS", 0.01)
    rows = Rows(RowEncoding.COPY, [Column("n", "integer")], [])
    with arrangers._arranger(5), arrangers._arranger(5), pytest.raises(Unarranged, match="busy") as caught:
        arrange(by(1), rows)
    assert caught.value.passing
    assert list(arrange(by(1), rows)) == []
