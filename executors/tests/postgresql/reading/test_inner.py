"""The query inside an EXPLAIN or a CREATE TABLE AS is found by its own tree, wherever its words stand."""

from __future__ import annotations

import pytest

from executors.postgresql.reading.inner import inner
from executors.postgresql.reading.parse import parse


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("EXPLAIN SELECT 1", "SELECT 1"),
        ("EXPLAIN ANALYZE VERBOSE SELECT 1", "SELECT 1"),
        ("EXPLAIN (ANALYZE, COSTS off) DELETE FROM a", "DELETE FROM a"),
        ("EXPLAIN (SELECT 1)", "(SELECT 1)"),
        ("EXPLAIN (VERBOSE) (SELECT 1) UNION (SELECT 2)", "(SELECT 1) UNION (SELECT 2)"),
        ("explain /* select 2 */ select 1", "select 1"),
        ("EXPLAIN WITH a AS (SELECT 1) SELECT * FROM a", "WITH a AS (SELECT 1) SELECT * FROM a"),
        ('CREATE TABLE "select" (a, b) AS TABLE c', "TABLE c"),
        ("CREATE TABLE t WITH (fillfactor = 70) AS VALUES (1) WITH NO DATA", "VALUES (1) "),
        ("EXPLAIN CREATE TABLE t AS SELECT 'as select 2' WITH DATA", "SELECT 'as select 2' "),
        ("EXPLAIN MERGE INTO a USING b ON a.id = b.id WHEN MATCHED THEN DELETE", None),
        ("SELECT 1", ""),
    ],
)
def test_query_inside_is_found(text: str, found: str | None) -> None:
    (item,), _ = parse(f"  {text}")
    query = inner(item)
    assert (query.text if query else "") == (text.removeprefix("EXPLAIN ") if found is None else found)
    assert query is None or query.offset == item.offset + item.text.index(query.text)


def test_a_query_that_cannot_be_told_from_what_stands_before_it_is_not_guessed() -> None:
    options = ", ".join(["COSTS"] * 3)
    (item,), _ = parse(f"EXPLAIN ({options}) /* {'select ' * 30} */ SELECT 1")
    assert inner(item) is None
