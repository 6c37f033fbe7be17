"""The names in an SQL statement as the server reads them: escapes resolved, texts and keywords left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from executors.postgresql.reading.parse import Node

# Members of nodes that hold a name; words of the grammar stand in others.
_NAMES = frozenset(
    {"relname", "schemaname", "catalogname", "aliasname", "ctename", "colname", "newname", "subname", "name"}
)
# Nodes whose names are not of the author's making: texts, types, functions, options.
_OTHERS = frozenset({"A_Const", "typeName", "DefElem", "funcname", "comment"})


def identifiers(node: Node) -> Iterator[tuple[str, int]]:
    """Each name with the byte offset of what it belongs to; names in no script but ASCII come as well."""
    stack: list[tuple[str, Any, int]] = [("", node, 0)]
    while stack:
        key, part, at = stack.pop()
        if isinstance(part, list):
            stack.extend((key, inner, at) for inner in reversed(part))
        elif isinstance(part, dict):
            at = int(part.get("location", at))
            for name, inner in part.items():
                if isinstance(inner, str):
                    if name in _NAMES or (name == "sval" and key == "String"):
                        yield inner, at
                elif name not in _OTHERS:
                    stack.append((name, inner, at))
