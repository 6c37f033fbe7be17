"""The syntax tree of a script, with places counted as people count them."""

from __future__ import annotations

import re
from functools import cache

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser, Tree

from executors.base import Finding, FindingCode, Severity
from executors.javascript import unescaped
from executors.text import Characters

_MOST_ERRORS = 10
# Before a bracket the grammar takes `await` for the name of a function. It knows `void` for what both are.
_AWAIT = re.compile(rb"(\bfor(?:\s|/\*.*?\*/)*)?\bawait(?=(?:\s|/\*.*?\*/|//[^\n]*\n)*[(\[`/+-])", re.DOTALL)
_AS_WORD = b"void "
COMMENTS = frozenset({"comment", "html_comment"})
FUNCTIONS = frozenset(
    {"arrow_function", "function_expression", "function_declaration", "method_definition"}
    | {"generator_function", "generator_function_declaration"}
)


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_javascript.language()))


class Source:
    """A script and its tree. Lines and columns count from 1, columns in characters."""

    def __init__(self, statement: str) -> None:
        self.statement = statement
        self._bytes = statement.encode("utf-8", "replace")
        self.tree: Tree = _parser().parse(_AWAIT.sub(_as_word, self._bytes))
        self._characters = Characters(self._bytes)
        self._nodes: list[Node] | None = None
        self._parents: dict[int, Node] = {}

    def nodes(self) -> list[Node]:
        """Every node, parents before children, in the order of the text."""
        if self._nodes is None:
            self._nodes = self._walk()
        return self._nodes

    def _walk(self) -> list[Node]:
        walked: list[Node] = []
        parents = self._parents
        waiting = [self.tree.root_node]
        while waiting:
            node = waiting.pop()
            walked.append(node)
            if children := node.children:
                for child in children:
                    parents[child.id] = node
                waiting += children[::-1]
        return walked

    def kind(self, node: Node) -> str:
        """The type of a node; `await_expression` for `await (…)` as for any other."""
        awaits = node.type == "unary_expression" and self._bytes.startswith(b"await", node.start_byte)
        return "await_expression" if awaits else node.type

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

    def name(self, node: Node) -> str:
        """A name as JavaScript knows it: letters of it may be written as escapes."""
        text = self.text(node)
        try:
            return unescaped(text)
        except ValueError:
            return text

    def string(self, node: Node) -> str | None:
        """The value of a string in quotes; None when it holds what no text does."""
        try:
            return unescaped(self.text(node)[1:-1])
        except ValueError:
            return None

    def template_text(self, start: int, end: int) -> str | None:
        """The value of a piece of a template, between two bytes of the script."""
        try:
            return unescaped(
                self._bytes[start:end].decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
            )
        except ValueError:
            return None

    def parts(self, node: Node) -> list[Node]:
        """The children that mean something: no punctuation, no comments."""
        return [child for child in node.named_children if child.type not in COMMENTS]

    def is_outermost(self, node: Node) -> bool:
        """Whether a node stands in no function of the script's own."""
        outer = self.parent(node)
        while outer is not None:
            if outer.type in FUNCTIONS:
                return False
            outer = self.parent(outer)
        return True

    def parent(self, node: Node) -> Node | None:
        """What a node stands in."""
        self.nodes()
        return self._parents.get(node.id)


def _as_word(match: re.Match[bytes]) -> bytes:
    """The same number of bytes, so that every place stays where it is."""
    return match[0] if match[1] else _AS_WORD


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
