"""What says a column in other words: `x + 0`, `x || ''`, `coalesce(x, x)` are `x`, and `x - x` is nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from executors.postgresql.reading.conditions.literals import UNREAD, constant
from executors.postgresql.reading.conditions.trees import columns_of, fickle, fingerprint, kind_of
from executors.postgresql.reading.parse import Node
from executors.postgresql.reading.scopes import strings

_DEPTH = 20
# What leaves a value as it is on the right of an operator, and on both sides of it.
_RIGHT: dict[str, Any] = {"+": Decimal(0), "-": Decimal(0), "*": Decimal(1), "/": Decimal(1), "||": ""}
_BOTH = frozenset({"+", "*", "||"})
_TEXTS = frozenset({"text", "varchar", "bpchar"})


def simplest(node: Node, depth: int = 0) -> Node:
    """An expression without what leaves its value as it is; the same one where nothing does."""
    kind, inner = kind_of(node)
    rule = _RULES.get(kind)
    return node if rule is None or depth > _DEPTH else rule(node, inner, depth + 1)


def vanishes(node: Node) -> bool:
    """Whether an expression of columns is 0 whatever is in them, NULL aside: `x - x`, `x * 0`."""
    inner = node.get("A_Expr", {})
    name = strings(inner.get("name", ()))[-1:]
    if inner.get("kind") != "AEXPR_OP" or "lexpr" not in inner or not columns_of(node) or fickle(node):
        return False
    left, right = inner["lexpr"], inner["rexpr"]
    if name == ["*"]:
        return 0 in (_constant(left), _constant(right))
    return name == ["-"] and _alike([left, right])


def never_null(node: Node) -> bool:
    """Whether an expression has a value whatever is in its columns: `coalesce(x, 'a')`, `concat(x)`."""
    kind, inner = kind_of(node)
    if kind == "FuncCall":
        return strings(inner["funcname"]) in (["concat"], ["pg_catalog", "concat"])
    last = inner.get("args", ()) if kind == "CoalesceExpr" else ()
    return any(_constant(part) is not None for part in last)


def _operator(node: Node, inner: Node, depth: int) -> Node:
    if inner["kind"] != "AEXPR_OP":
        return node
    name, right = strings(inner["name"])[-1], simplest(inner["rexpr"], depth)
    if "lexpr" not in inner:
        return _signed(node, name, right)
    left = simplest(inner["lexpr"], depth)
    unchanged = _RIGHT.get(name, UNREAD)
    if _constant(right) == unchanged:
        return left
    if name in _BOTH and _constant(left) == unchanged:
        return right
    return {"A_Expr": {**inner, "lexpr": left, "rexpr": right}}


def _signed(node: Node, name: str, operand: Node) -> Node:
    """`+x`, and `-(-x)`."""
    if name == "+":
        return operand
    inner = operand.get("A_Expr", {})
    twice = name == "-" and inner.get("kind") == "AEXPR_OP" and "lexpr" not in inner
    return inner["rexpr"] if twice and strings(inner["name"]) == ["-"] else node


def _one_of_many(node: Node, inner: Node, depth: int) -> Node:
    """`coalesce(x, x)`, `greatest(x, x)`."""
    args = [simplest(part, depth) for part in inner.get("args", ())]
    return args[0] if _alike(args) else node


def _case(node: Node, inner: Node, depth: int) -> Node:
    results = [part["CaseWhen"]["result"] for part in inner.get("args", ())]
    results = [simplest(part, depth) for part in [*results, *([inner["defresult"]] if "defresult" in inner else [])]]
    return results[0] if "defresult" in inner and _alike(results) else node


def _cast(node: Node, inner: Node, depth: int) -> Node:
    """A cast to text of any length: what is cast can be compared with that only where it is text itself."""
    kind = inner["typeName"]
    whole = "typmods" not in kind and not _TEXTS.isdisjoint(strings(kind.get("names", ()))[-1:])
    return simplest(inner["arg"], depth) if whole else node


def _collated(_node: Node, inner: Node, depth: int) -> Node:
    return simplest(inner["arg"], depth)


def _called(_node: Node, inner: Node, depth: int) -> Node:
    return {"FuncCall": {**inner, "args": [simplest(part, depth) for part in inner.get("args", ())]}}


_RULES: dict[str, Callable[[Node, Node, int], Node]] = {
    "A_Expr": _operator,
    "CaseExpr": _case,
    "CoalesceExpr": _one_of_many,
    "CollateClause": _collated,
    "FuncCall": _called,
    "MinMaxExpr": _one_of_many,
    "TypeCast": _cast,
}


def _constant(node: Node) -> Any:
    value = constant(node["A_Const"]) if "A_Const" in node else UNREAD
    return None if value is UNREAD else value


def _alike(nodes: Sequence[Node]) -> bool:
    marks = [fingerprint(node) for node in nodes]
    return bool(marks) and marks[0] is not None and len(set(marks)) == 1
