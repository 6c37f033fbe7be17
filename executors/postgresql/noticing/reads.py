"""Reads of more than is looked at."""

from __future__ import annotations

from collections.abc import Iterator

from executors.base import FindingCode
from executors.postgresql.noticing.looked import Looked, Notice, about, warning
from executors.postgresql.reading.conditions.trees import aggregates, walk
from executors.postgresql.reading.parse import Node

_FEWER = frozenset({"whereClause", "groupClause", "havingClause", "distinctClause", "limitCount"})


def no_limit(looked: Looked) -> Iterator[Notice]:
    """A read of a whole large table."""
    if looked.item.type != "SelectStmt":
        return
    query = looked.item.node
    ((_, level), *_) = looked.of("SelectStmt")
    if query.keys() & _FEWER or aggregates(query) or len(query.get("fromClause", ())) != 1 or len(level.items) != 1:
        return
    table = looked.table(level.items[0])
    if table is not None and looked.is_large(table):
        message = f"This reads all of {table.name}, {about(table.rows or 0)} rows: it has neither WHERE nor LIMIT."
        hint = "Add LIMIT, or a condition; a result is cut at the request's limit of rows."
        yield warning(FindingCode.NO_LIMIT, message, hint, _place(query))


def _place(query: Node) -> int | None:
    return next((node.get("location") for kind, node in walk(query["fromClause"]) if kind == "RangeVar"), None)
