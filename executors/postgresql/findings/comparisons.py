"""Comparisons of a column in which its type, or what is done to it first, decides otherwise than it looks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from executors.base import FindingCode
from executors.postgresql.findings.known import Index, Table
from executors.postgresql.findings.looked import Looked, Meant, Notice, constant_of, info, operator, warning
from executors.postgresql.reading.conditions.trees import kind_of, walk
from executors.postgresql.reading.parse import Node
from executors.postgresql.reading.scopes import Level, strings

_COMPARES = frozenset({"=", "<", ">", "<=", ">="})
_TIMES = frozenset({"timestamp", "timestamptz"})
_DATE = re.compile(r"\A\s*\d{4}-\d{1,2}-\d{1,2}\s*\Z")
# Types that one index compares with each other.
_FAMILIES = (
    frozenset({"int2", "int4", "int8"}),
    frozenset({"float4", "float8"}),
    frozenset({"numeric"}),
    frozenset({"text", "varchar", "name"}),
    frozenset({"bpchar"}),
    frozenset({"date", "timestamp", "timestamptz"}),
)
_WHOLE, _FLOATS, _EXACT, _TEXTS, _PADDED, _ = _FAMILIES
# What the column of the first is made into when it meets the second: then its own index is of no use.
_CONVERTED = {(_WHOLE, _EXACT), (_WHOLE, _FLOATS), (_EXACT, _FLOATS), (_PADDED, _TEXTS)}


class _Compared(NamedTuple):
    """One side of a comparison, and what it is compared with."""

    side: Node
    other: Node
    node: Node
    level: Level


def date_end(looked: Looked) -> Iterator[Notice]:
    """A time that has to be at most a date: the day itself is left out but for its first moment."""
    for node, level in looked.compared:
        if node["kind"] == "AEXPR_BETWEEN":
            column, end = node.get("lexpr", {}), node["rexpr"]["List"]["items"][1]
        elif node["kind"] == "AEXPR_OP" and operator(node) == "<=":
            column, end = node.get("lexpr", {}), node["rexpr"]
        else:
            continue
        meant, day = looked.meant(column, level), _day(end)
        if meant is not None and meant.column.base in _TIMES and day:
            message = f"{meant.column.name} holds times, and the end is {day} 00:00: the rest of that day is left out."
            hint = f"Write {meant.column.name} < the day after."
            yield warning(FindingCode.DATE_END, message, hint, node.get("location"))


def float_equals(looked: Looked) -> Iterator[Notice]:
    """A float that has to be equal to a fraction."""
    for side, other, node, level in _sides(looked):
        value = constant_of(other) if operator(node) == "=" and "A_Const" in other else None
        if not isinstance(value, Decimal) or value == value.to_integral_value():
            continue
        meant = looked.meant(side, level)
        if meant is not None and meant.column.base in _FLOATS:
            name, kind = meant.column.name, meant.column.type
            message = (
                f"{name} is {kind}, which holds {value} only nearly: a value that was reckoned may not be equal to it."
            )
            yield warning(FindingCode.FLOAT_EQUALS, message, "Compare with a range.", node.get("location"))


def converts_column(looked: Looked) -> Iterator[Notice]:
    """An indexed column that is compared with another type, for which every value of it is converted first."""
    for side, other, node, level in _sides(looked):
        kind = _type_of(looked, other, level)
        meant = looked.meant(side, level) if kind else None
        index = meant.table.leads(meant.column.name) if meant is not None else None
        if meant is None or index is None or (_family(meant.column.base), _family(kind)) not in _CONVERTED:
            continue
        message = (
            f"{meant.column.name} is {meant.column.type} and is compared with {_said(kind)}: "
            f"every value of it is converted first, so the index {index.name} is of no use."
        )
        hint = f"Give a value of the type {meant.column.type}."
        yield _graded(looked, meant.table, FindingCode.CONVERTS_COLUMN, message, hint, node.get("location"))


def function_on_index(looked: Looked) -> Iterator[Notice]:
    """A condition on what is made of an indexed column, which its index does not hold."""
    for side, other, node, level in _sides(looked):
        made = _made_of(looked, side, level)
        if made is None or looked.items_in(other) != set():
            continue
        meant, index, what = made
        name = meant.column.name
        message = f"The condition is on {what} {name}: the index {index.name} on {name} is of no use for it."
        hint = f"Compare {name} itself, or have an index on the expression."
        yield _graded(looked, meant.table, FindingCode.FUNCTION_ON_INDEX, message, hint, node.get("location"))


def _graded(looked: Looked, table: Table, code: FindingCode, message: str, hint: str, at: int | None) -> Notice:
    return (warning if looked.is_large(table) else info)(code, message, hint, at)


def _sides(looked: Looked) -> Iterator[_Compared]:
    for node, level in looked.compared:
        if node["kind"] == "AEXPR_OP" and operator(node) in _COMPARES and "lexpr" in node:
            left, right = node["lexpr"], node["rexpr"]
            yield _Compared(left, right, node, level)
            yield _Compared(right, left, node, level)
        elif (node["kind"] == "AEXPR_IN" and operator(node) == "=") or node["kind"] == "AEXPR_BETWEEN":
            yield _Compared(node["lexpr"], node["rexpr"]["List"]["items"][0], node, level)


def _day(node: Node) -> str:
    """The day that a constant without a time of day names; "" for anything else."""
    value = constant_of(node)
    kind = _cast_to(node)
    return value.strip() if isinstance(value, str) and _DATE.match(value) and kind in {"", "date", *_TIMES} else ""


def _cast_to(node: Node) -> str:
    names = strings(node.get("TypeCast", {}).get("typeName", {}).get("names", ()))
    return names[-1] if names else ""


def _type_of(looked: Looked, node: Node, level: Level) -> str:
    """The type of an expression, where it can be told; a text in quotes has whichever is needed."""
    if kind := _cast_to(node):
        return kind
    value = node.get("A_Const", {})
    if "fval" in value:
        return "int8" if value["fval"]["fval"].isdecimal() and len(value["fval"]["fval"]) < 19 else "numeric"  # noqa: PLR2004
    meant = looked.meant(node, level)
    return meant.column.base if meant is not None else ""


def _family(kind: str) -> frozenset[str]:
    return next((family for family in _FAMILIES if kind in family), frozenset())


def _said(kind: str) -> str:
    return {"int8": "bigint", "bpchar": "character", "float8": "double precision", "float4": "real"}.get(kind, kind)


def _made_of(looked: Looked, side: Node, level: Level) -> tuple[Meant, Index, str] | None:
    """The one indexed column that an expression is made of, unless an index may hold the expression."""
    kind, inner = kind_of(side)
    what = _made_by(kind, inner)
    columns = [inner for key, inner in walk({"": side}) if key == "ColumnRef"] if what else []
    if len(columns) != 1:
        return None
    meant = looked.meant({"ColumnRef": columns[0]}, looked.levels.get(id(columns[0]), level))
    index = meant.table.leads(meant.column.name) if meant is not None else None
    if meant is None or index is None or _held_by_an_index(meant) or _relabels(_cast_to(side), meant.column.base):
        return None
    return meant, index, what


def _made_by(kind: str, node: Node) -> str:
    if kind == "FuncCall":
        return f"{strings(node['funcname'])[-1]}(…) of"
    if kind == "TypeCast":
        return f"the {_said(strings(node['typeName'].get('names', ()))[-1])} of"
    if kind == "CoalesceExpr":
        return "coalesce(…) of"
    return "a calculation with" if kind == "A_Expr" and node["kind"] == "AEXPR_OP" else ""


def _held_by_an_index(meant: Meant) -> bool:
    word = re.compile(rf"\b{re.escape(meant.column.name)}\b")
    return any(word.search(index.expressions) for index in meant.table.indexes)


def _relabels(kind: str, base: str) -> bool:
    """Whether a cast only gives a value another name for its type: an index is used all the same."""
    return kind == base or {kind, base} == {"text", "varchar"}
