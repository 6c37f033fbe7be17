"""The syntax tree of a script, with places counted as people count them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser, Tree

from executors.base import Finding, FindingCode, Severity
from executors.text import Characters

_MOST_ERRORS = 10


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_javascript.language()))


class Source:
    """A script and its tree. Lines and columns count from 1, columns in characters."""

    def __init__(self, statement: str) -> None:
        self._bytes = statement.encode("utf-8", "replace")
        self.tree: Tree = _parser().parse(self._bytes)
        self._characters = Characters(self._bytes)
        self._nodes: list[Node] | None = None

    def nodes(self) -> list[Node]:
        """Every node, parents before children, in the order of the text."""
        if self._nodes is None:
            self._nodes = list(self._walk())
        return self._nodes

    def _walk(self) -> Iterator[Node]:
        waiting = [self.tree.root_node]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))

    def text(self, node: Node) -> str:
        """The text of a node."""
        return self._bytes[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def place(self, node: Node) -> tuple[int, int]:
        """Line and column where a node starts."""
        row, column = node.start_point
        before = self._characters.before
        return row + 1, before(node.start_byte) - before(node.start_byte - column) + 1

    def span(self, node: Node) -> tuple[int, int]:
        """The characters a node takes, from and up to."""
        return self._characters.before(node.start_byte), self._characters.before(node.end_byte)

    def literal(self, node: Node) -> str | None:
        """The value of a string or of a template without holes; None for anything else."""
        if node.type == "string":
            return _unquoted(self.text(node))
        if node.type == "template_string" and not any(child.type == "template_substitution" for child in node.children):
            text = self.text(node)[1:-1]
            return None if "\\" in text else text
        return None


def _unquoted(text: str) -> str | None:
    """The value of a quoted string; None when it holds an escape that JSON has not, which nobody needs in SQL."""
    inside = text[1:-1]
    if "\\" not in inside:
        return inside
    inside = inside.replace("\\'", "'") if text[0] == "'" else inside
    try:
        value = json.loads('"' + inside.replace('\\"', '"').replace('"', '\\"') + '"')
    except ValueError:
        return None
    return str(value)


def syntax_errors(source: Source) -> list[Finding]:
    """Where the script is not JavaScript: at most ten places."""
    if not source.tree.root_node.has_error:
        return []
    found = [node for node in source.nodes() if node.is_error or node.is_missing]
    return [_syntax_error(source, node) for node in found[:_MOST_ERRORS]]


def _syntax_error(source: Source, node: Node) -> Finding:
    line, column = source.place(node)
    if node.is_missing:
        message = f"Syntax error: {node.type} is missing here."
    else:
        text = source.text(node).strip()[:40]
        message = f"Syntax error near {text!r}." if text else "Syntax error."
    return Finding(FindingCode.SYNTAX_ERROR, Severity.ERROR, message, line, column)
