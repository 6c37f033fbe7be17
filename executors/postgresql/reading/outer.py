"""Columns of subqueries that are not the subquery's own: a name that none of its tables has is looked for outside."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from executors.base import FindingCode, Severity
from executors.postgresql.reading.conditions.trees import column
from executors.postgresql.reading.facts import Facts
from executors.postgresql.reading.parse import Node
from executors.postgresql.reading.scopes import Catalogue, Level, enter, is_query

Remark = tuple[FindingCode, Severity, str, str]

_CHANGES = frozenset({"UpdateStmt", "DeleteStmt", "MergeStmt"})
_WITH_VALUES = frozenset({"ANY_SUBLINK", "ALL_SUBLINK", "EXPR_SUBLINK", "ARRAY_SUBLINK"})
_MOST_NAMED = 5


def outer_names(facts: Facts, catalogue: Catalogue) -> Iterator[Remark]:
    """`x IN (SELECT x FROM t)` where t has no x: the x inside is the one outside, and compares with itself."""
    if len(facts.levels) < 2:  # noqa: PLR2004 - no query in another
        return
    changes = any(kind in _CHANGES for kind, _, _ in facts.levels)
    for _, node, level in facts.levels:
        for link in _links(node):
            compared = {column(part)[-1] for part in _compared(link) if column(part)}
            for query, around in _arms(link["subselect"].get("SelectStmt", {}), level, catalogue):
                yield from _outer_values(query, enter(query, around, catalogue), level, compared if changes else set())


def _outer_values(query: Node, inner: Level, outer: Level, compared: Collection[str]) -> Iterator[Remark]:
    """The values of one subquery that no table of its own has a part in; `compared` are the columns beside it."""
    tables = " and ".join(str(item.relation or item.alias) for item in inner.items[:_MOST_NAMED])
    for target in query.get("targetList", ()) if query.get("fromClause") else ():
        value = target.get("ResTarget", {}).get("val", {})
        names = _own_names(value)
        if not names or not {item.alias for item in inner.items}.isdisjoint(names):  # a whole row
            continue
        if all(map(inner.lacks, names)):
            yield _outside(names[0], tables, inner, alone=bool(column(value)) and names[0] in compared)
        elif column(value) == names and names[0] in compared and not _has(inner, names[0], outer):
            yield _perhaps_outside(names[0], tables)


def _arms(query: Node, level: Level, catalogue: Catalogue) -> Iterator[tuple[Node, Level]]:
    """The queries of a UNION (or the one query), each with what lies around it."""
    stack = [(query, level)]
    while stack:
        node, around = stack.pop()
        if node.get("op", "SETOP_NONE") == "SETOP_NONE":
            yield node, around
        else:
            inside = enter(node, around, catalogue)
            stack += [(node["rarg"], inside), (node["larg"], inside)]


def _own_names(value: Node) -> list[str]:
    """The columns of an expression; none where one has its table before it, or another query stands in it."""
    names: list[str] = []
    stack: list[object] = [value]
    while stack:
        part = stack.pop()
        if isinstance(part, list):
            stack.extend(reversed(part))
        elif isinstance(part, dict):
            if "SubLink" in part or ("ColumnRef" in part and len(column(part)) != 1):
                return []
            names += column(part)
            stack.extend(reversed(part.values()))
    return names


def _compared(link: Node) -> list[Node]:
    """What stands before IN (SELECT …): one expression, or those of a row."""
    tested: Node = link.get("testexpr", {})
    row: list[Node] = tested.get("RowExpr", {}).get("args", [tested])
    return row


def _links(node: Node) -> Iterator[Node]:
    """The subqueries with values that stand in the expressions of one query itself."""
    stack: list[tuple[str, object]] = [(key, part) for key, part in node.items() if key != "withClause"]
    while stack:
        key, part = stack.pop()
        if isinstance(part, list):
            stack.extend((key, inner) for inner in part)
        elif isinstance(part, dict):
            if key == "SubLink":
                if part["subLinkType"] in _WITH_VALUES:
                    yield part
                stack.append(("", part.get("testexpr", {})))
            elif not is_query(key, part):
                stack.extend(part.items())


def _has(inner: Level, name: str, outer: Level) -> bool:
    """Whether a query certainly has the column: it is known to, or is over the very table outside."""
    around = {item.relation for item in outer.items} if len(outer.items) == 1 else set()
    return any((item.columns and name in item.columns) or (item.relation in around) for item in inner.items)


def _outside(name: str, tables: str, inner: Level, *, alone: bool) -> Remark:
    owner = inner.owner(name)
    meant = f"{owner[1].alias}.{name}" if owner else f"the {name} outside the subquery"
    so = "so the comparison is with itself" if alone else "and nothing of the subquery decides on it"
    message = f"{tables} has no column {name}: in the subquery it means {meant}, {so}."
    return FindingCode.OUTER_NAME, Severity.WARNING, message, f"Name the table before the column: {tables}.{name}."


def _perhaps_outside(name: str, tables: str) -> Remark:
    message = f"If {tables} has no column {name}, it means the one outside the subquery, and every row matches."
    return FindingCode.OUTER_NAME, Severity.WARNING, message, f"Name the table before the column: {tables}.{name}."
