"""The arguments of a call as they stand in a script: literals, and a stand-in for what only the run knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser

from executors.base import Argument
from executors.mongodb.reading.command import Path, Value
from executors.mongodb.reading.expressions import UNWRITTEN
from executors.mongodb.reading.literals import Literals, parts
from executors.mongodb.reading.methods import Shape
from executors.mongodb.reading.source import Position, Source, Unreadable

_LANGUAGE: Final = Language(tree_sitter_javascript.language())
# A value nobody has written: the name of a field, so that it is never taken for a constant.
_LEAF: Final = UNWRITTEN
# The path of an argument is its call and its number.
_ARGUMENT: Final = 2
_STAND_INS: Final[dict[Shape, Value]] = {
    Shape.DOCUMENT: {"?": 1},
    Shape.DOCUMENTS: [{"?": _LEAF}],
    Shape.FILTER: {"?": _LEAF},
    Shape.DATA: {"?": _LEAF},
    Shape.DATA_LIST: [{"?": _LEAF}],
    Shape.UPDATE: {"$set": {"?": _LEAF}},
    Shape.PIPELINE: [{"$match": {"?": _LEAF}}],
    Shape.OPTIONS: {},
    Shape.SORT: {"?": 1},
    Shape.OPERATIONS: [{"updateOne": {"filter": {"?": _LEAF}, "update": {"$set": {"?": _LEAF}}}}],
    Shape.NUMBER: 1,
    Shape.VERBOSITY: "queryPlanner",
}
# For a list of documents: an element of it, and down to which length of its path what is not known makes it another.
_ELEMENTS: Final[dict[Shape, tuple[Value, int]]] = {
    Shape.PIPELINE: ({"$match": {"?": _LEAF}}, 3),
    Shape.OPERATIONS: ({"insertOne": {"document": {"?": _LEAF}}}, 4),
}
# Parts of an operation that have to be documents.
_PARTS: Final[dict[int | str, Value]] = {"filter": {"?": _LEAF}, "update": {"$set": {"?": _LEAF}}}


class _Piece(Source):
    """A piece of a script, in brackets so that `{` begins a document; places are those of the script."""

    def __init__(self, argument: Argument) -> None:
        super().__init__(f"({argument.source})")
        self._argument = argument

    def position(self, node: Node) -> Position:
        """Where a node starts in the script."""
        line, column = super().position(node)
        shift = self._argument.column - 2 if line == 1 else 0
        return Position(line + self._argument.line - 1, column + shift)


class _Tolerant(Literals):
    """Literals with holes: `unknown` are the paths of what only the run knows."""

    def __init__(self, source: Source, places: dict[Path, Position], unknown: set[Path]) -> None:
        super().__init__(source)
        self.places = places
        self._unknown = unknown

    def value(self, node: Node, path: Path, depth: int) -> Value:
        """The value of a literal, or a stand-in."""
        try:
            return super().value(node, path, depth)
        except Unreadable:
            self._unknown.add(path)
            return _PARTS.get(path[-1], _LEAF) if len(path) > _ARGUMENT else _LEAF

    def _object(self, node: Node, path: Path, depth: int) -> Value:
        document: dict[str, Value] = {}
        for number, child in enumerate(parts(node)):
            key, value = self._pair(child, number, path, depth)
            self.places[*path, key] = self._source.position(child)
            if value is None:
                self._unknown.add((*path, key))
            document[key] = _LEAF if value is None else self.value(value, (*path, key), depth + 1)
        return self._extended(node, document)

    def _pair(self, child: Node, number: int, path: Path, depth: int) -> tuple[str, Node | None]:
        """A key and its value; "?" and a number for a spread or a computed key, None where no value is written."""
        if child.type == "shorthand_property_identifier":
            return self._source.text(child), None
        key = child.child_by_field_name("key") if child.type == "pair" else None
        if key is None or key.type == "computed_property_name":
            return f"?{number}", None
        return self._key(key, path, depth), child.child_by_field_name("value")


@dataclass(slots=True)
class Written:
    """The arguments of the calls of a chain, with the places of their parts and the paths of what is not known."""

    places: dict[Path, Position] = field(default_factory=dict)
    unknown: set[Path] = field(default_factory=set)

    def arguments(self, number: int, written: tuple[Argument, ...], shapes: tuple[Shape, ...]) -> tuple[Value, ...]:
        """The values of call `number`. After `...more` nothing is known of what follows."""
        values: list[Value] = []
        for index, argument in enumerate(written):
            if argument.spread:
                self.unknown.update((number, later) for later in range(index, len(shapes)))
                return (*values, *(_STAND_INS.get(shape, "?") for shape in shapes[index:]))
            path: Path = (number, index)
            self.places[path] = Position(argument.line, argument.column)
            values.append(self._value(argument, path, shapes[index] if index < len(shapes) else Shape.ANY))
        return tuple(values)

    def _value(self, argument: Argument, path: Path, shape: Shape) -> Value:
        if argument.text is not None:
            return argument.text
        piece = _Piece(argument)
        root = Parser(_LANGUAGE).parse(piece.encoded).root_node
        expression = next(iter(parts(root)), None)
        bracket = parts(expression)[0] if expression is not None and parts(expression) else None
        inner = parts(bracket) if bracket is not None and bracket.type == "parenthesized_expression" else []
        value = _LEAF if len(inner) != 1 else _Tolerant(piece, self.places, self.unknown).value(inner[0], path, 0)
        if len(inner) == 1 and path not in self.unknown:
            return self._with_elements(value, path, shape)
        self.unknown.add(path)
        return _STAND_INS.get(shape, _LEAF)

    def _with_elements(self, value: Value, path: Path, shape: Shape) -> Value:
        """A pipeline or a list of operations whose elements are whole: one of which little is known has a stand-in."""
        if shape not in _ELEMENTS or not isinstance(value, list):
            return value
        element, depth = _ELEMENTS[shape]
        hidden = {part[_ARGUMENT] for part in self.unknown if part[:_ARGUMENT] == path and _is_whole(part, depth)}
        self.unknown.update((*path, index) for index in hidden)
        return [element if index in hidden else item for index, item in enumerate(value)]


def _is_whole(part: Path, depth: int) -> bool:
    """Whether what is not known is an element of a list, its name, or (for operations) the body of it."""
    named = isinstance(part[-1], str) and part[-1].startswith("?")
    return _ARGUMENT < len(part) <= depth or (named and len(part) == _ARGUMENT + 2)
