"""One budget of rows and bytes, whoever keeps the rows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executors.base import TooLarge
from executors.budget import Budget


def taken(budget: Budget, sizes: list[int]) -> list[int]:
    """The sizes of the rows that were admitted."""
    return [size for size in sizes if budget.admit(size)]


@pytest.mark.parametrize(
    ("rows", "most", "sizes", "kept", "truncated"),
    [
        (3, 100, [10, 10, 10], [10, 10, 10], ""),
        (3, 100, [10, 10, 10, 10], [10, 10, 10], "rows"),
        (3, 30, [10, 20], [10, 20], ""),
        (3, 30, [10, 21, 1], [10], "bytes"),
        (2, 30, [10, 20, 20], [10, 20], "rows"),
        (1, 30, [30], [30], ""),
        (3, 30, [], [], ""),
        (3, 30, [0, 0, 0], [0, 0, 0], ""),
    ],
)
def test_a_result_ends_at_the_first_row_that_does_not_fit(
    rows: int, most: int, sizes: list[int], kept: list[int], truncated: str
) -> None:
    budget = Budget(rows, most)
    assert taken(budget, sizes) == kept
    assert (budget.rows, budget.bytes, budget.truncated) == (len(kept), sum(kept), truncated)


def test_a_first_row_larger_than_the_result_may_be_is_a_failure() -> None:
    with pytest.raises(TooLarge, match="more than the 30 bytes"):
        Budget(3, 30).admit(31)


@given(st.integers(1, 10), st.integers(20, 100), st.lists(st.lists(st.integers(0, 20), max_size=5), max_size=8))
def test_blocks_are_counted_as_their_rows_would_be(rows: int, most: int, blocks: list[list[int]]) -> None:
    at_once, singly = Budget(rows, most), Budget(rows, most)
    for block in blocks:
        if not at_once.admit_all(len(block), sum(block)):
            taken(at_once, block)
        taken(singly, block)
    assert (at_once.rows, at_once.bytes, at_once.truncated) == (singly.rows, singly.bytes, singly.truncated)


def test_a_row_cut_elsewhere_ends_the_result_as_one_seen_here_does() -> None:
    budget = Budget(3, 30)
    budget.admit(10)
    budget.end_early("bytes")
    assert (budget.truncated, budget.admit(1)) == ("bytes", False)
    with pytest.raises(TooLarge):
        Budget(3, 30).end_early("bytes")
