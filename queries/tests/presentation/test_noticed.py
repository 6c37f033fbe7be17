"""Findings are put in the order in which they are worth reading."""

from __future__ import annotations

from typing import Any

from queries.presentation.noticed import MOST_AT_ONCE, noticed


def finding(code: str, severity: str, line: int | None = 1, column: int | None = 1) -> dict[str, Any]:
    return {"code": code, "severity": severity, "message": code, "line": line, "column": column, "hint": ""}


def test_what_raises_the_risk_is_read_first_and_the_rest_as_it_stands() -> None:
    found = noticed(
        [
            finding("date_end", "warning", 3),
            finding("cartesian", "warning", 2, 9),
            finding("null_compared", "warning", 2, 4),
            finding("no_where", "warning", 7),
        ]
    )
    assert [one["code"] for one in found.first] == ["no_where", "null_compared", "cartesian", "date_end"]


def test_many_are_folded_and_counted() -> None:
    found = noticed([finding(f"x{number}", "warning", number) for number in range(MOST_AT_ONCE + 3)])
    assert (len(found.first), len(found.more), found.warned) == (MOST_AT_ONCE, 3, MOST_AT_ONCE + 3)


def test_what_is_for_information_stands_apart() -> None:
    found = noticed([finding("insert_by_place", "info", None), finding("gone", "warning")])
    assert [one["code"] for one in found.noted] == ["insert_by_place"]
    assert [one["code"] for one in found.first] == ["gone"]
