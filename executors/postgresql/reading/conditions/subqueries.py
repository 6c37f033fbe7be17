"""Conditions that ask another query: whether it has a row, whether the row finds itself in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from executors.postgresql.reading.conditions.trees import aggregates, column, conjuncts, equal_columns, one_row
from executors.postgresql.reading.conditions.truth import (
    FALSE,
    TRUE,
    UNKNOWN,
    Truth,
    holds_unless_null,
)
from executors.postgresql.reading.parse import Node
from executors.postgresql.reading.scopes import relation_of, strings

if TYPE_CHECKING:
    from executors.postgresql.reading.conditions.judge import Conditions

# What may leave fewer rows than FROM and WHERE give.
_FEWER = frozenset({"havingClause", "groupClause", "limitCount", "limitOffset", "lockingClause"})
_BARE = frozenset({"targetList", "limitOption", "op"})


def judged(judge: Conditions, node: Node, depth: int) -> Truth:
    """What is known of a condition with a subquery."""
    kind, query = node["subLinkType"], node["subselect"].get("SelectStmt", {})
    if kind == "EXPR_SUBLINK":
        value = bare_value(query)
        return UNKNOWN if value is None else judge.truth(value, depth)
    rows = _rows(judge, query, depth)
    if kind == "EXISTS_SUBLINK":
        return rows if rows.value else _finds_itself(judge, query)
    if kind == "ALL_SUBLINK" and rows.never:
        return TRUE
    if kind == "ANY_SUBLINK":
        if rows.never:
            return FALSE
        if strings(node.get("operName", ())) in ([], ["="]):
            return _member(judge, node.get("testexpr", {}), query, rows, depth)
    return UNKNOWN


def bare_value(query: Node) -> Node | None:
    """The value of `(SELECT value)`."""
    targets = query.get("targetList", ())
    if query.keys() - _BARE or len(targets) != 1 or query.get("op") != "SETOP_NONE":
        return None
    value: Node = targets[0]["ResTarget"]["val"]
    return value


def finds_itself(where: Node, alias: str, other: str) -> Truth:
    """`a.id = b.id` for two names of one table, and nothing besides: every row finds itself."""
    columns = [equal_columns(part, {alias, other}) for part in conjuncts(where)]
    known = frozenset(name for name in columns if name is not None)
    return holds_unless_null(known) if known and None not in columns else UNKNOWN


def _rows(judge: Conditions, query: Node, depth: int) -> Truth:
    """Whether a query has a row: always, never, or not known. A table may be empty at any time."""
    if query.get("op") != "SETOP_NONE":
        return UNKNOWN
    if "limitCount" in query and judge.literal(query["limitCount"], depth) == 0:
        return FALSE
    if one_row(query):
        return TRUE
    where = judge.inside(query).truth(query["whereClause"], depth) if "whereClause" in query else TRUE
    if where.never and ("groupClause" in query or not aggregates(query)):
        return FALSE
    if query.get("valuesLists") or ("fromClause" not in query and where.always):
        return UNKNOWN if query.keys() & _FEWER else TRUE
    return UNKNOWN


def _finds_itself(judge: Conditions, query: Node) -> Truth:
    """`EXISTS (SELECT … FROM t AS x WHERE x.id = t.id)` with t the changed table."""
    alias, target = _own_table(judge, query), judge.target_alias
    if alias is None or target is None or alias == target or query.keys() & _FEWER:
        return UNKNOWN
    return finds_itself(query.get("whereClause", {}), alias, target)


def _member(judge: Conditions, left: Node, query: Node, rows: Truth, depth: int) -> Truth:
    """`x IN (SELECT x)`, and `x IN (SELECT x FROM t)` with t the changed table."""
    targets = query.get("targetList", ())
    if query.get("op") != "SETOP_NONE" or len(targets) != 1 or query.keys() & _FEWER:
        return UNKNOWN
    value = targets[0]["ResTarget"].get("val", {})
    if "fromClause" not in query and rows.always:
        return judge.compare("=", left, value, depth)
    alias, names, found = _own_table(judge, query), column(left), column(value)
    if alias is None or not names or not found or names[-1] != found[-1]:
        return UNKNOWN
    if names[:-1] not in ([], [judge.target_alias]) or found[:-1] not in ([], [alias]):
        return UNKNOWN
    where = judge.inside(query).truth(query["whereClause"], depth) if "whereClause" in query else TRUE
    if not where.always and where.nearly_always != {".".join(found)}:
        return UNKNOWN
    return holds_unless_null(frozenset({".".join(names)}))


def _own_table(judge: Conditions, query: Node) -> str | None:
    """The alias of the changed table in a query over that table alone."""
    items = query.get("fromClause", ())
    table = items[0].get("RangeVar", {}) if len(items) == 1 else {}
    if judge.target is None or not table or relation_of(table) != judge.target:
        return None
    return str(table.get("alias", {}).get("aliasname", judge.target.name))
