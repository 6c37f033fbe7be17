"""Comparisons of text with patterns."""

from __future__ import annotations

from collections.abc import Iterator

from executors.base import FindingCode
from executors.postgresql.findings.looked import Looked, Notice, info
from executors.postgresql.reading.conditions.literals import constant
from executors.postgresql.reading.conditions.trees import column

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
