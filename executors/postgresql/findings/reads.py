"""Reads of more than is looked at, and of what is left to chance."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from executors.base import FindingCode
from executors.postgresql.findings.known import Table
from executors.postgresql.findings.looked import Looked, Meant, Notice, about, constant_of, info, warning
from executors.postgresql.reading.conditions.trees import aggregates, column, walk
from executors.postgresql.reading.parse import Node
from executors.postgresql.reading.scopes import Level

_FEWER = frozenset({"whereClause", "groupClause", "havingClause", "distinctClause", "limitCount"})
_DEEP = 10_000


def no_limit(looked: Looked) -> Iterator[Notice]:
    """A read of a whole large table."""
    query = looked.item.node
    table = _only_table(looked, query)
    if table is None or query.keys() & _FEWER or aggregates(query) or not looked.is_large(table):
        return
    message = f"This reads all of {table.name}, {about(table.rows or 0)} rows: it has neither WHERE nor LIMIT."
    hint = "Add LIMIT, or a condition; a result is cut at the request's limit of rows."
    yield warning(FindingCode.NO_LIMIT, message, hint, _place(query))


def unindexed_sort(looked: Looked) -> Iterator[Notice]:
    """The rows of a whole large table put into an order that no index has."""
    query = looked.item.node
    table = _only_table(looked, query)
    if table is None or query.keys() & {"whereClause", "groupClause", "distinctClause"} or aggregates(query):
        return
    first = query["sortClause"][0]["SortBy"] if query.get("sortClause") else {}
    meant = _sorted_by(looked, query, first.get("node", {})) if first else None
    if meant is None or not looked.is_large(table) or table.leads(meant.column.name):
        return
    name, rows = meant.column.name, about(table.rows or 0)
    message = f"All of {table.name}, {rows} rows, is sorted: no index of it begins with {name}."
    yield warning(FindingCode.UNINDEXED_SORT, message, f"An index on {name} would have them in order.", _at(first))


def deep_offset(looked: Looked) -> Iterator[Notice]:
    """OFFSET that throws away many rows."""
    for node, _ in looked.of("SelectStmt"):
        skipped = constant_of(node.get("limitOffset", {}))
        if isinstance(skipped, Decimal) and skipped >= _DEEP:
            message = f"OFFSET {skipped:,}: so many rows are found and thrown away before the first one is answered."
            hint = "Remember the last row of the page before, and ask for those behind it."
            yield info(FindingCode.DEEP_OFFSET, message, hint, _at(node["limitOffset"]))


def unordered_pages(looked: Looked) -> Iterator[Notice]:
    """OFFSET without ORDER BY: a row may stand on two pages, or on none."""
    for node, _ in looked.of("SelectStmt"):
        skipped = constant_of(node.get("limitOffset", {}))
        if isinstance(skipped, Decimal) and skipped > 0 and "sortClause" not in node and "fromClause" in node:
            message = "OFFSET without ORDER BY: which rows are left out is left to chance, and may differ each time."
            yield warning(FindingCode.UNORDERED_PAGES, message, "Order by a unique column.", _at(node["limitOffset"]))


def unordered_limit(looked: Looked) -> Iterator[Notice]:
    """LIMIT without ORDER BY in what decides on a write: it may choose other rows each time."""
    if not looked.changes:
        return
    tested = {
        id(link["subselect"].get("SelectStmt"))
        for link, _ in looked.of("SubLink")
        if link["subLinkType"] == "EXISTS_SUBLINK"
    }
    for node, _ in looked.of("SelectStmt"):
        chosen = "limitCount" in node and "sortClause" not in node and "fromClause" in node
        if chosen and id(node) not in tested and "lockingClause" not in node and not _gathers(node):
            message = (
                "LIMIT without ORDER BY: which rows this write works on is left to chance, and may differ each time."
            )
            hint = "Order by a unique column: then the run does what was rehearsed."
            yield warning(FindingCode.UNORDERED_LIMIT, message, hint, _at(node["limitCount"]))


def outside_column(looked: Looked) -> Iterator[Notice]:
    """A column in a condition of a subquery that none of the subquery's tables has: it is the one outside."""
    inner = {id(link["subselect"].get("SelectStmt")) for link, _ in looked.of("SubLink")}
    for query, level in looked.of("SelectStmt"):
        if id(query) not in inner or "whereClause" not in query or not query.get("fromClause"):
            continue
        for kind, node in walk(query["whereClause"]):
            if kind == "ColumnRef" and looked.levels.get(id(node)) is level and (said := _from_outside(node, level)):
                message, hint = said
                yield info(FindingCode.OUTSIDE_COLUMN, message, hint, node.get("location"))


def _gathers(query: Node) -> bool:
    """Whether it has one row, whatever its LIMIT says."""
    return aggregates(query) and "groupClause" not in query


def _from_outside(node: Node, level: Level) -> tuple[str, str] | None:
    names = column({"ColumnRef": node})
    owner = level.owner(names[0]) if len(names) == 1 else None
    if owner is None or owner[0] is level or owner[1].relation is None or not level.lacks(names[0]):
        return None
    tables = " and ".join(str(item.relation or item.alias) for item in level.items)
    meant = f"{owner[1].alias}.{names[0]}"
    return (
        f"{tables} has no column {names[0]}: in this subquery it is {meant}, of outside.",
        f"Write {meant} if it is meant.",
    )


def _only_table(looked: Looked, query: Node) -> Table | None:
    """The one table that a plain SELECT reads."""
    if looked.item.type != "SelectStmt" or query.get("op") != "SETOP_NONE" or len(query.get("fromClause", ())) != 1:
        return None
    level = looked.levels.get(id(query))
    return looked.table(level.items[0]) if level is not None and len(level.items) == 1 else None


def _sorted_by(looked: Looked, query: Node, node: Node) -> Meant | None:
    """The column that ORDER BY names: by itself, by the name of an output, or by its number."""
    targets = [target["ResTarget"] for target in query.get("targetList", ())]
    number = constant_of(node) if "A_Const" in node else None
    if isinstance(number, Decimal) and 0 < number <= len(targets):
        node = targets[int(number) - 1].get("val", {})
    names = column(node)
    named = [target.get("val", {}) for target in targets if len(names) == 1 and target.get("name") == names[0]]
    level = looked.levels.get(id(query))
    return looked.meant(named[0] if named else node, level) if level is not None else None


def _place(query: Node) -> int | None:
    return next((node.get("location") for kind, node in walk(query["fromClause"]) if kind == "RangeVar"), None)


def _at(node: Node) -> int | None:
    """Where an expression stands, as far as its first part tells."""
    places = (inner["location"] for _, inner in walk({"": node}) if inner.get("location", -1) >= 0)
    return next(places, None)
