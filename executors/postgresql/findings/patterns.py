"""Comparisons of text with patterns; an operator that passes for a variable."""

from __future__ import annotations

from collections.abc import Iterator

from executors.base import FindingCode
from executors.postgresql.findings.looked import Looked, Notice, info, warning
from executors.postgresql.reading.conditions.literals import constant
from executors.postgresql.reading.conditions.trees import column
from executors.postgresql.reading.scopes import strings

# The one operator that other products begin a variable with.
_ABSOLUTE = "@"
_LIKE = frozenset({"AEXPR_LIKE", "AEXPR_ILIKE"})


def leading_wildcard(looked: Looked) -> Iterator[Notice]:
    """`LIKE '%…'`, unless it lets everything through, which is told apart."""
    for node, _ in looked.of("A_Expr"):
        pattern = constant(node.get("rexpr", {}).get("A_Const", {})) if node["kind"] in _LIKE else None
        if isinstance(pattern, str) and pattern.startswith("%") and pattern.strip("%"):
            what = column(node.get("lexpr", {}))[-1:] or ["the text"]
            message = f"The pattern for {what[0]} begins with %: no ordinary index helps to find it, every row is read."
            hint = "If the beginning is known, leave the first % out."
            yield info(FindingCode.LEADING_WILDCARD, message, hint, node.get("location"))


def absolute_value(looked: Looked) -> Iterator[Notice]:
    """`id = @id`: a variable elsewhere, and here the absolute value of the column."""
    for node, _ in looked.of("A_Expr"):
        if "lexpr" in node or strings(node.get("name", ()))[-1:] != [_ABSOLUTE]:
            continue
        if name := column(node.get("rexpr", {})):
            message = f"@{name[-1]} is the absolute value of the column {name[-1]}; it is no variable."
            hint = f"Write :{name[-1]} for a parameter, or abs({name[-1]}) if that is meant."
            yield warning(FindingCode.ABSOLUTE_VALUE, message, hint, node.get("location"))
