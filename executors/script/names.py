"""What the names in a script stand for, where the text makes it certain: declared once, and given a value once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from tree_sitter import Node

from executors.script.syntax import Source

_NAMES = frozenset({"identifier", "shorthand_property_identifier", "shorthand_property_identifier_pattern"})
_PATTERNS = frozenset(
    {
        "object_pattern",
        "array_pattern",
        "rest_pattern",
        "pair_pattern",
        "assignment_pattern",
        "object_assignment_pattern",
    }
)
# Kind of node → the field in which a name is declared there; formal parameters are all declared.
_DECLARING = {
    "variable_declarator": "name",
    "catch_clause": "parameter",
    "function_declaration": "name",
    "function_expression": "name",
    "generator_function_declaration": "name",
    "generator_function": "name",
    "class_declaration": "name",
    "class": "name",
}
_FUNCTIONS = frozenset({"arrow_function", "function_expression", "function_declaration"})
# Longer texts are not put together here: nobody reviews them.
_MOST_TEXT = 100_000
_MOST_DEPTH = 40


@dataclass(slots=True)
class _Name:
    """Where one name is declared, given a value, and used."""

    declared: int = 0
    changed: bool = False
    given: bool = False
    values: list[Node] = field(default_factory=list)
    uses: list[Node] = field(default_factory=list)


class Names:
    """The names of one script. Scopes are not told apart: a name that is declared twice is certain nowhere."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._names: defaultdict[str, _Name] = defaultdict(_Name)
        self._constants: dict[str, str | None] = {}
        for node in source.nodes():
            if node.type in _NAMES:
                self._place(node, self._names[source.name(node)])

    def uses(self, name: str) -> list[Node]:
        """Where a name is read, in the order of the text."""
        return self._names[name].uses if name in self._names else []

    def declared(self, name: str) -> bool:
        """Whether the script has a name of its own like this."""
        return name in self._names and bool(self._names[name].declared or self._names[name].values)

    def single(self, name: str) -> bool:
        """Whether a name stands for one thing wherever it is read."""
        known = self._names.get(name)
        fixed = known is not None and not known.changed and not known.given
        return fixed and known is not None and known.declared == 1 and len(known.values) == 1

    def parameter(self, arguments: Node, given: Node) -> str | None:
        """The name that an argument has in the function that is called: one written in the script, and no other.

        None where that is not certain, and where the name may stand for something else as well, or the argument has
        another (`arguments[0]`).
        """
        if self.uses("arguments"):
            return None
        call = self._source.parent(arguments)
        called = call.child_by_field_name("function") if call is not None else None
        function = self.value(self._source.name(called)) if called is not None and called.type == "identifier" else None
        place = _place_of(self._source.parts(arguments), given)
        if function is None or function.type not in _FUNCTIONS or place is None:
            return None
        parameters = _parameters(self._source, function)
        name = parameters[place] if place < len(parameters) else None
        known = self._names.get(self._source.name(name)) if name is not None and name.type == "identifier" else None
        fixed = known is not None and known.given and known.declared == 1 and not known.changed and not known.values
        return self._source.name(name) if name is not None and fixed else None

    def counts(self, name: str) -> bool:
        """Whether a name only ever holds a number: it begins as one, and is only counted up or down."""
        known = self._names.get(name)
        if known is None or known.declared != 1 or len(known.values) != 1:
            return False
        return known.values[0].type == "number"

    def value(self, name: str) -> Node | None:
        """The expression that a name stands for, where that is certain."""
        return self._names[name].values[0] if self.single(name) else None

    # --- texts ---

    def built(self, node: Node) -> bool:
        """Whether an expression puts a text together from pieces, itself or by a name."""
        for _ in range(_MOST_DEPTH):
            if node.type == "parenthesized_expression" and len(self._source.parts(node)) == 1:
                node = self._source.parts(node)[0]
            elif node.type == "identifier" and (value := self.value(self._source.name(node))) is not None:
                node = value
            else:
                break
        holes = any(child.type == "template_substitution" for child in node.named_children)
        return node.type == "binary_expression" or (node.type == "template_string" and holes)

    def text(self, node: Node | None, depth: int = 0) -> str | None:
        """The text an expression has whenever it runs; None when only the run can tell."""
        return None if node is None or depth > _MOST_DEPTH else self._text(node, depth)

    def _text(self, node: Node, depth: int) -> str | None:
        match node.type:
            case "string":
                return self._source.string(node)
            case "template_string":
                return self._template(node, depth)
            case "parenthesized_expression":
                inner = self._source.parts(node)
                return self.text(inner[0], depth + 1) if len(inner) == 1 else None
            case "binary_expression":
                return self._sum(node, depth)
            case "identifier":
                return self._constant(self._source.name(node), depth)
        return None

    def _constant(self, name: str, depth: int) -> str | None:
        if name not in self._constants:
            self._constants[name] = None  # a name that stands for itself has no text
            self._constants[name] = self.text(self.value(name), depth + 1)
        return self._constants[name]

    def _template(self, node: Node, depth: int) -> str | None:
        pieces: list[str | None] = []
        at = node.start_byte + 1
        for hole in node.named_children:
            if hole.type == "template_substitution":
                pieces.append(self._source.template_text(at, hole.start_byte))
                inner = self._source.parts(hole)
                pieces.append(self.text(inner[0], depth + 1) if len(inner) == 1 else None)
                at = hole.end_byte
        return _joined([*pieces, self._source.template_text(at, node.end_byte - 1)])

    def _sum(self, node: Node, depth: int) -> str | None:
        """A chain of `+`, from its last part to its first: it may be thousands long."""
        pieces: list[str | None] = []
        while node.type == "binary_expression":
            operator, left = node.child_by_field_name("operator"), node.child_by_field_name("left")
            if operator is None or operator.type != "+" or left is None:
                return None
            pieces.append(self.text(node.child_by_field_name("right"), depth + 1))
            if pieces[-1] is None:
                return None
            node = left
        return _joined([self.text(node, depth + 1), *reversed(pieces)])

    # --- reading the tree ---

    def _place(self, node: Node, name: _Name) -> None:
        """Note what a name is at one place: declared, given a value, or read."""
        inner, parent = self._out_of_patterns(node)
        if parent is None or inner is None:
            name.uses.append(node)
        elif parent.type == "formal_parameters" or self._is_only_parameter(parent, inner):
            name.declared += 1
            name.given = True
        elif self._is(parent, _DECLARING.get(parent.type), inner):
            name.declared += 1
            self._declared_value(node, inner, parent, name)
        elif parent.type == "for_in_statement" and self._is(parent, "left", inner):
            name.declared += parent.child_by_field_name("kind") is not None
            name.changed = True
        elif parent.type == "assignment_expression" and self._is(parent, "left", inner):
            value = parent.child_by_field_name("right")
            if inner.id == node.id and value is not None:
                name.values.append(value)
            else:
                name.changed = True
        elif parent.type == "augmented_assignment_expression" and self._is(parent, "left", inner):
            name.values.append(parent)
        elif parent.type == "update_expression":
            name.changed = True
        else:
            name.uses.append(node)

    def _is_only_parameter(self, parent: Node, inner: Node) -> bool:
        """The name of `x => …`, which has no brackets."""
        return parent.type == "arrow_function" and self._is(parent, "parameter", inner)

    def _declared_value(self, node: Node, inner: Node, parent: Node, name: _Name) -> None:
        value = parent.child_by_field_name("value") if parent.type == "variable_declarator" else None
        if inner.id != node.id or parent.type not in {"variable_declarator", "function_declaration"}:
            # A part of what stands on the right, which the follower of `db` takes apart itself.
            name.values.append(node)
        elif parent.type == "function_declaration":
            name.values.append(parent)
        elif value is not None:
            name.values.append(value)

    def _out_of_patterns(self, node: Node) -> tuple[Node | None, Node | None]:
        """The outermost pattern a name is declared in, and what holds it; None for a name that a pattern reads."""
        inner, parent = node, self._source.parent(node)
        while parent is not None and parent.type in _PATTERNS:
            if parent.type == "pair_pattern" and not self._is(parent, "value", inner):
                return None, None
            if parent.type in {"assignment_pattern", "object_assignment_pattern"} and not self._is(
                parent, "left", inner
            ):
                return None, None
            inner, parent = parent, self._source.parent(parent)
        return inner, parent

    def _is(self, parent: Node, name: str | None, child: Node) -> bool:
        """Whether `child` stands in a field of `parent`."""
        found = parent.child_by_field_name(name) if name else None
        return found is not None and found.id == child.id


def _place_of(arguments: list[Node], given: Node) -> int | None:
    """Which argument it is; None behind `...more`."""
    for place, argument in enumerate(arguments):
        if argument.type == "spread_element":
            return None
        if argument.id == given.id:
            return place
    return None


def _parameters(source: Source, function: Node) -> list[Node]:
    several, alone = (function.child_by_field_name(name) for name in ("parameters", "parameter"))
    return source.parts(several) if several is not None else [alone] if alone is not None else []


def _joined(pieces: list[str | None]) -> str | None:
    known = [piece for piece in pieces if piece is not None]
    if len(known) < len(pieces) or sum(map(len, known)) > _MOST_TEXT:
        return None
    return "".join(known)
