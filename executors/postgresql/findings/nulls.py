"""Comparisons that NULL makes neither true nor false."""

from __future__ import annotations

from collections.abc import Iterator

from executors.base import FindingCode
from executors.postgresql.findings.looked import Looked, Meant, Notice, info, operator, warning
from executors.postgresql.reading.conditions.trees import column, conjuncts
from executors.postgresql.reading.parse import Node
from executors.postgresql.reading.scopes import strings

_EQUALS = {"=": "IS NULL", "<>": "IS NOT NULL", "!=": "IS NOT NULL"}


def null_compared(looked: Looked) -> Iterator[Notice]:
    """`x = NULL`. Where it is all of a write's condition, that is said to be true for no row already."""
    whole = {id(node.get("whereClause", {}).get("A_Expr")) for node, _ in looked.of("UpdateStmt", "DeleteStmt")}
    for node, _ in looked.of("A_Expr"):
        meant = _EQUALS.get(operator(node)) if node["kind"] == "AEXPR_OP" else None
        if meant and id(node) not in whole and (_is_null(node.get("lexpr", {})) or _is_null(node.get("rexpr", {}))):
            message = f"A comparison with {operator(node)} NULL is never true, whatever stands on the other side."
            yield warning(FindingCode.NULL_COMPARED, message, f"Write {meant}.", node.get("location"))


def null_in_list(looked: Looked) -> Iterator[Notice]:
    """`x IN (1, NULL)` and `x NOT IN (1, NULL)`."""
    for node, _ in looked.of("A_Expr"):
        if node["kind"] != "AEXPR_IN" or not any(map(_is_null, node["rexpr"].get("List", {}).get("items", ()))):
            continue
        if operator(node) == "<>":
            message = "NOT IN with a NULL in its list is true for no row."
            yield warning(FindingCode.NULL_IN_LIST, message, "Take NULL out of the list.", node.get("location"))
        else:
            message = "NULL in the list of IN finds nothing: rows without a value are not among those found."
            yield warning(FindingCode.NULL_IN_LIST, message, "Add OR … IS NULL.", node.get("location"))


def not_in_nulls(looked: Looked) -> Iterator[Notice]:
    """`x NOT IN (SELECT y …)` where y may be NULL: one such row, and no row is found."""
    for query, at in _excluded(looked):
        meant = _only_column(looked, query)
        if meant is not None and _may_be_null(meant, query):
            name, table = meant.column.name, meant.table.name
            message = f"{name} of {table} may be NULL: with one such row in the subquery, NOT IN is true for no row."
            hint = f"Use NOT EXISTS, or add {name} IS NOT NULL to the subquery."
            yield warning(FindingCode.NOT_IN_NULLS, message, hint, at)


def count_nullable(looked: Looked) -> Iterator[Notice]:
    """`count(x)` where x may be NULL."""
    for node, level in looked.of("FuncCall"):
        if strings(node["funcname"])[-1] != "count" or node.get("agg_distinct") or len(node.get("args", ())) != 1:
            continue
        meant = looked.meant(node["args"][0], level)
        if meant is not None and not meant.column.not_null and not _demanded(looked, meant):
            name = meant.column.name
            message = f"count({name}) leaves out the rows in which {name} is NULL."
            yield info(FindingCode.COUNT_NULLABLE, message, "count(*) counts every row.", node.get("location"))


def _is_null(node: Node) -> bool:
    while "TypeCast" in node:
        node = node["TypeCast"]["arg"]
    return bool(node.get("A_Const", {}).get("isnull"))


def _excluded(looked: Looked) -> Iterator[tuple[Node, int | None]]:
    """The queries of NOT IN (…) and of <> ALL (…), with their places."""
    for node, _ in looked.of("BoolExpr"):
        link = node["args"][0].get("SubLink", {}) if node["boolop"] == "NOT_EXPR" else {}
        if link.get("subLinkType") == "ANY_SUBLINK" and not link.get("operName"):
            yield link["subselect"].get("SelectStmt", {}), link.get("location")
    for link, _ in looked.of("SubLink"):
        if link.get("subLinkType") == "ALL_SUBLINK" and strings(link.get("operName", ())) in (["<>"], ["!="]):
            yield link["subselect"].get("SelectStmt", {}), link.get("location")


def _only_column(looked: Looked, query: Node) -> Meant | None:
    targets = query.get("targetList", ())
    level = looked.levels.get(id(query))
    if len(targets) != 1 or level is None:
        return None
    return looked.meant(targets[0].get("ResTarget", {}).get("val", {}), level)


def _may_be_null(meant: Meant, query: Node) -> bool:
    """Whether nothing in the query keeps its NULLs out: any condition on the column itself does."""
    if meant.column.not_null:
        return False
    where = conjuncts(query["whereClause"]) if "whereClause" in query else []
    return not any(_keeps_nulls_out(part, meant.column.name) for part in where)


def _keeps_nulls_out(condition: Node, name: str) -> bool:
    tested = condition.get("NullTest", {})
    if tested.get("nulltesttype") == "IS_NOT_NULL":
        return column(tested.get("arg", {}))[-1:] == [name]
    compared = condition.get("A_Expr", {})
    return "DISTINCT" not in compared.get("kind", "DISTINCT") and column(compared.get("lexpr", {}))[-1:] == [name]


def _demanded(looked: Looked, meant: Meant) -> bool:
    return any(_keeps_nulls_out(node, meant.column.name) for node, _ in looked.conditions)
