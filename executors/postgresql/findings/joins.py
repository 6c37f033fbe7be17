"""Tables that stand beside each other in FROM with nothing that ties them."""

from __future__ import annotations

from collections.abc import Iterator

from executors.base import FindingCode
from executors.postgresql.findings.looked import Looked, Notice, info, operator, warning
from executors.postgresql.reading.conditions.trees import conjuncts, walk
from executors.postgresql.reading.parse import Node
from executors.postgresql.reading.scopes import Item, Level


def cartesian(looked: Looked) -> Iterator[Notice]:
    """`FROM a, b` without a condition on both: each row of one with each of the other."""
    for query, level in looked.of("SelectStmt"):
        tables = [item for item in _tables(query, level) if not _is_single(looked, item)]
        if len(tables) < 2 or not query.get("fromClause"):  # noqa: PLR2004 - a pair
            continue
        parts = _tied(looked, query, level)
        if parts is None or all(_together(parts, tables[0], other) for other in tables[1:]):
            continue
        loose = next(other for other in tables[1:] if not _together(parts, tables[0], other))
        message = (
            f"Nothing ties {loose.alias} to {tables[0].alias}: each row of one is put together with each of the other."
        )
        note = info if _said_so(query) else warning
        yield note(FindingCode.CARTESIAN, message, "Compare a column of both.", _place(query, loose))


def several_matches(looked: Looked) -> Iterator[Notice]:
    """UPDATE … FROM where several rows may match the one that is changed."""
    for node, level in looked.of("UpdateStmt"):
        if len(level.items) != 2 or len(node.get("fromClause", ())) != 1:  # noqa: PLR2004 - the target and one more
            continue
        target, source = level.items
        table = looked.table(source)
        values = looked.items_in({"": node.get("targetList", [])})
        if table is None or "whereClause" not in node or values is None or source not in values:
            continue
        tied = {name for part in conjuncts(node["whereClause"]) if (name := _fixed(looked, part, source, level))}
        if tied and target != source and not table.unique_within(tied):
            names = " and ".join(sorted(tied))
            message = (
                f"{names} is not unique in {table.name}: if several rows match one of {target.alias}, any is taken."
            )
            yield warning(FindingCode.SEVERAL_MATCHES, message, "Tie it by a unique column, or aggregate it first.")


def _fixed(looked: Looked, condition: Node, source: Item, level: Level) -> str:
    """The column of `source` that a condition sets equal to something that is not of it."""
    node = condition.get("A_Expr", {})
    if node.get("kind") != "AEXPR_OP" or operator(node) != "=" or "lexpr" not in node:
        return ""
    for side, other in ((node["lexpr"], node["rexpr"]), (node["rexpr"], node["lexpr"])):
        meant, others = looked.meant(side, level), looked.items_in(other)
        if meant is not None and meant.item == source and others is not None and source not in others:
            return meant.column.name
    return ""


def _tables(query: Node, level: Level) -> list[Item]:
    """The tables of FROM as they are written; not what WITH names."""
    tables = (item for item in level.items if item.relation is not None)
    return sorted(tables, key=lambda item: _place(query, item) or 0)


def _is_single(looked: Looked, item: Item) -> bool:
    """Whether a table certainly is a table of settings, with a row or none."""
    table = looked.table(item)
    return table is not None and table.rows is not None and 0 < table.rows <= 1


def _together(parts: list[set[str]], one: Item, other: Item) -> bool:
    return any({one.alias, other.alias} <= part for part in parts)


def _tied(looked: Looked, query: Node, level: Level) -> list[set[str]] | None:
    """The aliases that conditions tie together; None where that cannot be told."""
    parts = [{item.alias} for item in level.items]
    for node in _ties(query):
        items = looked.items_in(node)
        if items is None:
            return None
        _join(parts, {item.alias for item in items})
    for kind, node in walk({"": query["fromClause"]}):
        if kind == "JoinExpr" and (node.get("isNatural") or node.get("usingClause")):
            _join(parts, {alias for side in ("larg", "rarg") for alias in _aliases(node[side])})
    return parts


def _ties(query: Node) -> Iterator[Node]:
    """Everything that may tie tables: what has to hold, and what looks at the tables beside it."""
    if "whereClause" in query:
        yield from conjuncts(query["whereClause"])
    for kind, node in walk({"": query["fromClause"]}):
        if kind == "JoinExpr" and "quals" in node:
            yield from conjuncts(node["quals"])
        elif kind == "RangeFunction" or (kind == "RangeSubselect" and node.get("lateral")):
            # It stands for itself as well, by a name that is none of a column.
            yield {"RowExpr": {"args": [{kind: node}]}}


def _join(parts: list[set[str]], aliases: set[str]) -> None:
    touched = [part for part in parts if part & aliases]
    if len(touched) > 1:
        parts[:] = [part for part in parts if part not in touched] + [set().union(*touched)]


def _aliases(node: Node) -> Iterator[str]:
    for kind, inner in walk({"": node}):
        if kind in {"RangeVar", "RangeSubselect"}:
            yield inner.get("alias", {}).get("aliasname", inner.get("relname", ""))


def _said_so(query: Node) -> bool:
    """Whether it says CROSS JOIN."""
    joins = [node for kind, node in walk({"": query["fromClause"]}) if kind == "JoinExpr"]
    return any(node.keys().isdisjoint({"quals", "usingClause", "isNatural"}) for node in joins)


def _place(query: Node, item: Item) -> int | None:
    for kind, node in walk({"": query["fromClause"]}):
        if kind == "RangeVar" and node.get("alias", {}).get("aliasname", node["relname"]) == item.alias:
            return node.get("location")
    return None
