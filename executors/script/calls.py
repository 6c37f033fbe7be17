"""The calls on `db` that stand in a script's text, as plain data; each engine knows what its own mean."""

from __future__ import annotations

from tree_sitter import Node

from executors.base import Argument, Step, WrittenCall
from executors.script.syntax import Source

# A text that is put together from pieces, which is how values become code.
_BUILT = frozenset({"template_string", "binary_expression"})
_MOST_STEPS = 30


def written_calls(source: Source) -> list[WrittenCall]:
    """Every call of a chain on `db`, in the order of the text, with the steps that lead to it."""
    chains: dict[int, tuple[Step, ...]] = {}
    found: list[WrittenCall] = []
    for node in reversed(source.nodes()):  # a receiver comes before what is called on it
        if node.type == "call_expression" and (steps := _steps(source, node, chains)):
            chains[node.id] = steps
            found.append(WrittenCall(steps, *source.place(node)))
    return found[::-1]


def _steps(source: Source, node: Node, chains: dict[int, tuple[Step, ...]]) -> tuple[Step, ...]:
    """The chain that ends with a call; empty when it does not begin at `db`, or is longer than any that has a sense."""
    called = _method(source, node)
    if called is None:
        return ()
    receiver, method = called
    before = chains.get(receiver.id, ())
    if len(before) >= _MOST_STEPS or not (before or _is_db(source, receiver)):
        return ()
    return (*before, Step(method, tuple(_argument(source, argument) for argument in _arguments(node))))


def _is_db(source: Source, node: Node) -> bool:
    return node.type == "identifier" and source.text(node) == "db"


def _method(source: Source, node: Node) -> tuple[Node, str] | None:
    """The receiver and the name of `receiver.name(…)`."""
    function = node.child_by_field_name("function")
    if function is None or function.type != "member_expression":
        return None
    receiver = function.child_by_field_name("object")
    name = function.child_by_field_name("property")
    return None if receiver is None or name is None else (receiver, source.text(name))


def _arguments(node: Node) -> list[Node]:
    arguments = node.child_by_field_name("arguments")
    return [] if arguments is None else [child for child in arguments.named_children if child.type != "comment"]


def _argument(source: Source, node: Node) -> Argument:
    literal = source.literal(node)
    built = literal is None and node.type in _BUILT
    return Argument(literal, _array_length(node), built)


def _array_length(node: Node) -> int | None:
    """How many elements an array literal has; None when only the run can tell."""
    if node.type != "array" or any(child.type == "spread_element" for child in node.named_children):
        return None
    return sum(child.type != "comment" for child in node.named_children)
