"""Where things stand in a statement, and the error that says what could not be read there."""

from __future__ import annotations

from typing import NamedTuple

from tree_sitter import Node

from executors.base import Finding, FindingCode, Severity
from executors.text import Characters


class Position(NamedTuple):
    """A place in a statement: line and column from 1, columns in characters."""

    line: int
    column: int


class Unreadable(ValueError):
    """A statement, or a part of it, that is not a MongoDB command made of literals."""

    def __init__(self, code: FindingCode, message: str, position: Position, hint: str = "") -> None:
        super().__init__(message)
        # What was wrong with the parameters before it: what follows from that is none of its own.
        self.before: tuple[Finding, ...] = ()
        self.finding = Finding(code, Severity.ERROR, message, position.line, position.column, hint)


class Source:
    """The text of a statement, and the encoded form whose offsets tree-sitter speaks of."""

    def __init__(self, text: str) -> None:
        self.encoded = text.encode()
        self._characters = Characters(self.encoded)

    def text(self, node: Node) -> str:
        """The characters of a node, as written."""
        return self.encoded[node.start_byte : node.end_byte].decode()

    def position(self, node: Node) -> Position:
        """Where a node starts."""
        row, column = node.start_point
        before = self._characters.before
        return Position(row + 1, before(node.start_byte) - before(node.start_byte - column) + 1)

    def characters(self, node: Node) -> tuple[int, int]:
        """Where a node starts and ends, in characters from the start of the statement."""
        return self._characters.before(node.start_byte), self._characters.before(node.end_byte)

    def refuse(self, node: Node, code: FindingCode, message: str, hint: str = "") -> Unreadable:
        """The error for a node that cannot be read."""
        return Unreadable(code, message, self.position(node), hint)


def shown(text: str, length: int = 40) -> str:
    """A piece of a statement short enough for a message."""
    flat = " ".join(text.split())
    return flat if len(flat) <= length else flat[: length - 1] + "…"
