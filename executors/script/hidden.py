"""Code that a script makes when it runs: nobody can read it, and it may do whatever a script may."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from executors.base import Finding, FindingCode, Severity
from executors.script.names import Names
from executors.script.syntax import Source

_MAKES_CODE = frozenset({"eval", "Function"})
# Ways from any value to the constructor of functions, or from one object to the properties of another.
_REFLECTS = frozenset(
    "constructor __proto__ prototype Reflect Proxy arguments getPrototypeOf setPrototypeOf getOwnPropertyDescriptor "
    "getOwnPropertyDescriptors getOwnPropertyNames".split()
)
_NAMES = frozenset(
    {"identifier", "property_identifier", "shorthand_property_identifier", "shorthand_property_identifier_pattern"}
)
# lodash compiles a template to a function.
_COMPILES = "template"


def hidden_code(source: Source, names: Names) -> Iterator[Finding]:
    """Where text becomes code, by the names that JavaScript has for it."""
    for node in source.nodes():
        if node.type not in _NAMES:
            continue
        name = source.name(node)
        if node.type != "property_identifier" and name in _MAKES_CODE and not names.declared(name):
            if not _is_only_compared(source, node):
                yield _finding(source, node, name)
        elif (name == "constructor" or (name == _COMPILES and "lodash" in source.statement)) and _is_called(
            source, node
        ):
            yield _finding(source, node, name)


def could_hide(source: Source, names: Names) -> bool:
    """Whether something in a script may lead to code or to `db` without naming either. Only then is nothing claimed."""
    return any(_reflects(source, names, node) for node in source.nodes())


def _reflects(source: Source, names: Names, node: Node) -> bool:
    if node.type in _NAMES:
        name = source.name(node)
        return name in _REFLECTS and (name != "constructor" or _is_called(source, node))
    if node.type == "string":
        return source.string(node) in _REFLECTS | {"db", "eval", "Function"}
    if node.type == "computed_property_name":
        parent = source.parent(node)
        holder = source.parent(parent) if parent is not None else None
        return holder is not None and holder.type == "object_pattern"
    if node.type != "subscript_expression":
        return False
    index = node.child_by_field_name("index")
    if index is None or index.type == "number":
        return False
    text = names.text(index)
    counted = index.type == "identifier" and names.counts(source.name(index))
    return text in _REFLECTS if text is not None else not counted


def _is_called(source: Source, node: Node) -> bool:
    """Whether a property is called, made with `new`, or given a name to be called by; not asked for its own name."""
    member = source.parent(node)
    outer = source.parent(member) if member is not None else None
    if member is None or outer is None:
        return False
    if member.type != "member_expression":
        return member.type in {"object_pattern", "pair_pattern"}
    return outer.type not in {"member_expression", "binary_expression"}


def _is_only_compared(source: Source, node: Node) -> bool:
    parent = source.parent(node)
    return parent is not None and (
        parent.type == "binary_expression"
        or (parent.type == "unary_expression" and source.text(parent).startswith("typeof"))
    )


def _finding(source: Source, node: Node, name: str) -> Finding:
    message = f"{name} runs text as code, which a reviewer cannot read here."
    return Finding(FindingCode.DYNAMIC_CODE, Severity.WARNING, message, *source.place(node), "Write the code out.")
