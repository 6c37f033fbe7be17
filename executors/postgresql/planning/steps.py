"""From EXPLAIN's JSON to the steps that people read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from executors.base import PlanStep

Node = dict[str, Any]

# The server's own words, where they say little to who does not read plans.
_WORDS = {
    "Seq Scan": "Reads the whole table",
    "Parallel Seq Scan": "Reads the whole table, in parallel",
    "Index Scan": "Looks up by index",
    "Index Only Scan": "Reads an index alone",
    "Bitmap Heap Scan": "Reads the rows found by index",
    "Bitmap Index Scan": "Looks up by index",
    "Nested Loop": "Joins row by row",
    "ModifyTable": "Changes rows",
}
_JOINS = {"Hash Join": "Joins by hash", "Merge Join": "Joins in order", "Nested Loop": "Joins row by row"}
_CHANGES = {"Insert": "Adds rows", "Update": "Changes rows", "Delete": "Removes rows", "Merge": "Merges rows"}
_WHOLE = "Seq Scan"
# What runs beside a node rather than gives it its rows.
_BESIDE = frozenset({"InitPlan", "SubPlan"})
# Nobody reads more; a plan over thousands of partitions has more.
MOST_STEPS = 200


class Relation(NamedTuple):
    """A table by its schema and name."""

    schema: str
    name: str


def walk(root: Node) -> Iterator[tuple[int, Node]]:
    """The nodes of a plan from the top, each with its depth; without recursion, for a plan may be very deep."""
    stack = [(0, root)]
    while stack:
        depth, node = stack.pop()
        yield depth, node
        stack.extend((depth + 1, child) for child in reversed(node.get("Plans", ())))


def read_wholly(root: Node) -> set[Relation]:
    """The tables that are read from the first row to the last."""
    return {relation_of(node) for _, node in walk(root) if node["Node Type"] == _WHOLE}


def relation_of(node: Node) -> Relation:
    """The table of a node."""
    return Relation(str(node.get("Schema", "")), str(node.get("Relation Name", "")))


def steps(root: Node, sizes: Mapping[Relation, int]) -> Iterator[PlanStep]:
    """The steps of a plan; `sizes` are about how many rows the tables that are read wholly have."""
    share_out(root)
    for number, (depth, node) in enumerate(walk(root)):
        if number == MOST_STEPS:
            return
        yield _step(depth, node, sizes)


def share_out(root: Node) -> None:
    """Note in each node what part of the cost of the whole is its own.

    A node that stops early costs less than what is below it would in whole; those get what it has, in proportion.
    """
    root["budget"] = 1.0
    for _, node in walk(root):
        children = node.get("Plans", ())
        below = sum(child["Total Cost"] for child in children)
        whole = max(node["Total Cost"], below)
        node["share"] = node["budget"] * (1 - below / whole) if whole else node["budget"] / (len(children) + 1)
        for child in children:
            part = child["Total Cost"] / whole if whole else 1 / (len(children) + 1)
            child["budget"] = node["budget"] * part


def rows(root: Node) -> int:
    """About how many rows a statement returns; of one that writes, how many it changes, at most."""
    changing = [node for _, node in walk(root) if node["Node Type"] == "ModifyTable"]
    if not changing:
        return int(root["Plan Rows"])
    return sum(_given(node) for node in changing)


def _given(node: Node) -> int:
    """The rows that come to a node: a statement without RETURNING gives none itself."""
    below = [child for child in node.get("Plans", ()) if child.get("Parent Relationship") not in _BESIDE]
    return sum(int(child["Plan Rows"]) for child in below)


def _step(depth: int, node: Node, sizes: Mapping[Relation, int]) -> PlanStep:
    relation = relation_of(node)
    own = relation.name or str(node.get("Index Name", "") or node.get("CTE Name", "") or node.get("Function Name", ""))
    reads = sizes.get(relation) if node["Node Type"] == _WHOLE else None
    if node["Node Type"] == _WHOLE:
        # Where the server never counted the table, it still supposes how many rows come out of it.
        reads = max(reads or 0, int(node["Plan Rows"]))
    given = _given(node) if node["Node Type"] == "ModifyTable" else int(node["Plan Rows"])
    return PlanStep(depth, _what(node), own, given, float(node["Total Cost"]), node["share"], reads)


def _what(node: Node) -> str:
    kind = str(node["Node Type"])
    if kind == "ModifyTable":
        return _CHANGES.get(str(node.get("Operation")), _WORDS[kind])
    words = _JOINS.get(kind) or _WORDS.get(f"Parallel {kind}" if node.get("Parallel Aware") else kind) or kind
    index = node.get("Index Name") if node.get("Relation Name") else None
    return f"{words} {index}" if index else words
