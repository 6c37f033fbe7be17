"""Comparisons of one column with literals: whether together they let every value through, or none.

Between the literals nothing changes, so a value for each of them, one between each two, and one at each end tell all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any, TypeAlias

from executors.postgresql.reading.conditions.literals import ORDERED, UNREAD, constant
from executors.postgresql.reading.conditions.trees import MOST_PARTS, column, columns_of, kind_of
from executors.postgresql.reading.conditions.truth import UNKNOWN, Truth, holds_unless_null
from executors.postgresql.reading.parse import Node
from executors.postgresql.reading.scopes import strings

# A condition as nested words: ("and", …), ("or", …), ("not", x), or (operator, literal).
_Plan: TypeAlias = tuple[Any, ...]

_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_MOST_LITERALS = 60


def together(boolop: str, parts: Sequence[Node]) -> Truth:
    """What AND or OR of such comparisons comes to, for each column by itself."""
    by_column: dict[str, list[_Plan]] = {}
    for part in parts[:MOST_PARTS]:
        names = columns_of(part)
        plan = _plan(part, 0) if len(names) == 1 else None
        if plan is not None:
            by_column.setdefault(next(iter(names)), []).append(plan)
    for name, plans in by_column.items():
        whole: _Plan = ("and" if boolop == "AND_EXPR" else "or", *plans)
        found = _over_all(whole) if len(plans) > 1 or len(parts) == 1 else None
        if found is True and (boolop == "OR_EXPR" or len(plans) == len(parts)):
            return holds_unless_null(frozenset({name}))
        if found is False and (boolop == "AND_EXPR" or len(plans) == len(parts)):
            return Truth(false_unless_null=frozenset({name}))
    return UNKNOWN


def _plan(node: Node, depth: int) -> _Plan | None:
    kind, inner = kind_of(node)
    if depth > 5:  # noqa: PLR2004 - deeper ones are nobody's slip
        return None
    if kind == "BoolExpr":
        parts = [_plan(part, depth + 1) for part in inner["args"][:MOST_PARTS]]
        if None in parts or len(parts) < len(inner["args"]):
            return None
        return (inner["boolop"].removesuffix("_EXPR").lower(), *parts)
    return _compared(inner) if kind == "A_Expr" else None


def _compared(node: Node) -> _Plan | None:
    kind, left, right = node["kind"], node.get("lexpr", {}), node["rexpr"]
    if kind == "AEXPR_OP":
        return _comparison(strings(node["name"])[-1], left, right)
    if kind in {"AEXPR_BETWEEN", "AEXPR_NOT_BETWEEN"}:
        low, high = right["List"]["items"]
        plan = _joined("and", (_comparison(">=", left, low), _comparison("<=", left, high)))
        return ("not", plan) if plan and "NOT" in kind else plan
    if kind == "AEXPR_IN":
        plan = _joined("or", [_comparison("=", left, item) for item in right["List"]["items"][:MOST_PARTS]])
        return ("not", plan) if plan and strings(node["name"]) == ["<>"] else plan
    return None


def _joined(word: str, plans: Sequence[_Plan | None]) -> _Plan | None:
    return None if None in plans else (word, *plans)


def _comparison(name: str, left: Node, right: Node) -> _Plan | None:
    if column(right) and not column(left):
        left, right, name = right, left, _TURNED.get(name, name)
    value = constant(right.get("A_Const", {})) if column(left) else UNREAD
    if name not in ORDERED or value is UNREAD or value is None:
        return None
    return (name, value) if isinstance(value, Decimal) or name in {"=", "<>", "!="} else None


def _over_all(plan: _Plan) -> bool | None:
    """True if every value fits, False if none does."""
    literals = set(_literals(plan))
    if not literals or len(literals) > _MOST_LITERALS or len({type(value) for value in literals}) > 1:
        return None
    if len(literals) > 1 and any(isinstance(value, str) for value in literals):
        return None  # two texts may be one date
    fits = [_fits(plan, value) for value in _samples(literals)]
    return all(fits) if all(fits) or not any(fits) else None


def _literals(plan: _Plan) -> Iterable[Any]:
    for part in plan[1:]:
        if isinstance(part, tuple):
            yield from _literals(part)
        else:
            yield part


def _samples(literals: set[Any]) -> list[Any]:
    if all(isinstance(value, bool) for value in literals):
        return [True, False]
    if any(isinstance(value, str) for value in literals):
        return [*literals, object()]
    ordered = sorted(literals)
    between = [(low + high) / 2 for low, high in pairwise(ordered)]
    return [ordered[0] - 1, *ordered, *between, ordered[-1] + 1]


def _fits(plan: _Plan, value: Any) -> bool:
    word, *parts = plan
    if word == "and":
        return all(_fits(part, value) for part in parts)
    if word == "or":
        return any(_fits(part, value) for part in parts)
    if word == "not":
        return not _fits(parts[0], value)
    literal = parts[0]
    if word in {"=", "<>", "!="}:
        return bool((value == literal) is (word == "="))
    return bool({"<": value < literal, ">": value > literal, "<=": value <= literal, ">=": value >= literal}[word])
