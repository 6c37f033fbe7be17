"""`params.name` in a script: which parameters it names, as far as the text tells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tree_sitter import Node

from executors.base import Finding, FindingCode, NamedParameter, Parameter, Severity
from executors.base.parameters import named
from executors.parameters import missing, unused
from executors.script.names import Names
from executors.script.syntax import Source

_NAME = "params"


def about_parameters(
    source: Source, names: Names, parameters: Sequence[Parameter], refused: Callable[[NamedParameter], str]
) -> Iterator[Finding]:
    """What is missing, not used, or no value of the engine's (`refused` says why)."""
    given = {one.name: one for one in named(parameters)}
    if len(given) < len(parameters):
        hint = "Give each a name, and write params.name."
        yield Finding(FindingCode.SCRIPT_PARAMETERS, Severity.ERROR, "A script takes parameters by name.", hint=hint)
        return
    for one in given.values():
        if said := refused(one):
            yield Finding(FindingCode.PARAMETER_VALUE, Severity.ERROR, said, parameter=one.name)
    if names.declared(_NAME):
        return  # the script has a name of its own like this, and where it hides ours is not told apart
    used = [_used(source, node) for node in names.uses(_NAME)]
    first: dict[str, Node] = {}
    for name, node in (one for several in used if several is not None for one in several):
        first.setdefault(name, node)
    for name, node in first.items():
        if name not in given:
            yield missing(name, *source.place(node))
    if all(several is not None for several in used) and not names.uses("globalThis"):
        for name in sorted(given.keys() - first.keys()):
            yield unused(name, f"params.{name}")


def _used(source: Source, use: Node) -> list[tuple[str, Node]] | None:
    """The names that one mention reads; None where only the run can tell."""
    parent = source.parent(use)
    if parent is None:
        return None
    if parent.type == "variable_declarator":
        return _taken_apart(source, parent.child_by_field_name("name"))
    name = parent.child_by_field_name("property") or parent.child_by_field_name("index")
    of = parent.child_by_field_name("object")
    if name is None or of is None or of.id != use.id:
        return None
    text = _text(source, name)
    return None if text is None else [(text, use)]


def _text(source: Source, name: Node) -> str | None:
    if name.type == "property_identifier":
        return source.text(name)
    return source.string(name) if name.type == "string" else None


def _taken_apart(source: Source, pattern: Node | None) -> list[tuple[str, Node]] | None:
    """`const {a, b: c, d = 1} = params`."""
    if pattern is None or pattern.type != "object_pattern":
        return None
    found: list[tuple[str, Node]] = []
    for part in source.parts(pattern):
        inner = part.child_by_field_name("left") if part.type == "object_assignment_pattern" else part
        key = inner.child_by_field_name("key") if inner is not None and inner.type == "pair_pattern" else inner
        if key is None or key.type not in {"shorthand_property_identifier_pattern", "property_identifier"}:
            return None
        found.append((source.text(key), key))
    return found
