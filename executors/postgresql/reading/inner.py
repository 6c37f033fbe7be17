"""The query inside an EXPLAIN or a CREATE TABLE AS, as a statement of its own."""

from __future__ import annotations

import re
from typing import Any

from executors.postgresql.reading.parse import Node, Statement, parse

AROUND = frozenset({"ExplainStmt", "CreateTableAsStmt"})
_BEGINS = re.compile(r"\(|\b(?:select|insert|update|delete|merge|with|values|table)\b", re.IGNORECASE)
_DATA = re.compile(r"\bwith\s+(?:no\s+)?data\s*\Z", re.IGNORECASE)
# Every beginning costs a parse; names and options that look like one stand before the query, and are few.
_MOST_BEGINNINGS = 20


def inner(item: Statement) -> Statement | None:
    """The query that a statement explains or makes a table of; None where it has none, or its text cannot be told.

    Where it begins is tried, and what was found has the very tree that it has inside.
    """
    wanted = _innermost(item)
    if wanted is None:
        return None
    text = _DATA.sub("", item.text)
    for count, begins in enumerate(_BEGINS.finditer(text)):
        if count == _MOST_BEGINNINGS:
            return None
        statements, _ = parse(text[begins.start() :])
        if len(statements) == 1 and plain({statements[0].type: statements[0].node}) == wanted:
            (kind, node), *_ = wanted.items()
            at = begins.start()
            return Statement(text[at:], item.offset + at, kind, node, types=item.types, unread=item.unread)
    return None


def _innermost(item: Statement) -> Node | None:
    kind, node = item.type, item.node
    while kind in AROUND:
        (kind, node), *_ = node["query"].items()
    return None if kind == item.type else plain({kind: node})


def plain(node: Any) -> Any:
    """A tree without the places in the text."""
    if isinstance(node, dict):
        return {key: plain(value) for key, value in node.items() if not key.endswith("location")}
    return [plain(part) for part in node] if isinstance(node, list) else node
