"""Work with the database that a script begins and nothing waits for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tree_sitter import Node

from executors.base import Finding, FindingCode, Severity
from executors.script.names import Names
from executors.script.syntax import Source

_FUNCTIONS = frozenset({"arrow_function", "function_expression", "function_declaration"})
_NOT_KEPT = frozenset({"forEach"})
_KEPT = frozenset({"map", "filter", "flatMap"})


def unawaited(source: Source, names: Names, calls: Sequence[Node]) -> Iterator[Finding]:
    """Functions that call the database and are started without waiting for them. `calls` are the calls in the text."""
    for node in source.nodes():
        if node.type == "return_statement" and _returns_promises(source, node):
            message = "An array of promises is returned here, and not what they come to."
            hint = "Write return await Promise.all(…)."
            yield Finding(FindingCode.NOT_AWAITED, Severity.WARNING, message, *source.place(node), hint)
        if node.type != "call_expression":
            continue
        started = _given_to_each(source, names, node) or _started_alone(source, names, node)
        if started is not None and any(_holds(started, call) for call in calls):
            yield _finding(source, node)


def _returns_promises(source: Source, node: Node) -> bool:
    """`return list.map(async …)` as the result of the script."""
    parts = source.parts(node)
    if len(parts) != 1 or parts[0].type != "call_expression" or not source.is_outermost(node):
        return False
    function, arguments = parts[0].child_by_field_name("function"), parts[0].child_by_field_name("arguments")
    name = function.child_by_field_name("property") if function is not None else None
    given = source.parts(arguments) if arguments is not None else []
    mapped = name is not None and source.text(name) in _KEPT and bool(given) and given[0].type in _FUNCTIONS
    # The cursors of the shell wait in map themselves.
    return mapped and _is_async(given[0]) and not source.text(parts[0]).startswith("db.")


def _finding(source: Source, node: Node) -> Finding:
    message = "Nothing waits for the database calls in this function: what is still open at the end is rolled back."
    hint = "Use for (const item of items) { await … }, or await Promise.all(items.map(…)); await the function itself."
    return Finding(FindingCode.NOT_AWAITED, Severity.WARNING, message, *source.place(node), hint)


def _given_to_each(source: Source, names: Names, call: Node) -> Node | None:
    """The function given to `list.forEach(…)`, which takes no notice of its answer; or to a `map` nobody keeps."""
    function, arguments = call.child_by_field_name("function"), call.child_by_field_name("arguments")
    if function is None or function.type != "member_expression" or arguments is None:
        return None
    name = function.child_by_field_name("property")
    method = source.text(name) if name is not None else ""
    if method not in _NOT_KEPT and not (method in _KEPT and _is_statement(source, call)):
        return None
    # The shell's cursors wait in forEach, and the answer is then awaited or told by itself.
    if method in _NOT_KEPT and _is_awaited(source, call):
        return None
    given = source.parts(arguments)
    return _function(source, names, given[0]) if given else None


def _started_alone(source: Source, names: Names, call: Node) -> Node | None:
    """The async function that a statement starts: `work()` or `(async () => {…})()`."""
    function = call.child_by_field_name("function")
    if function is None or not _is_statement(source, call):
        return None
    started = _function(source, names, function)
    return started if started is not None and _is_async(started) else None


def _function(source: Source, names: Names, node: Node) -> Node | None:
    while node.type == "parenthesized_expression" and len(source.parts(node)) == 1:
        node = source.parts(node)[0]
    value = names.value(source.name(node)) if node.type == "identifier" else node
    return value if value is not None and value.type in _FUNCTIONS else None


def _is_async(node: Node) -> bool:
    return any(child.type == "async" for child in node.children)


def _is_statement(source: Source, node: Node) -> bool:
    parent = source.parent(node)
    return parent is not None and parent.type == "expression_statement"


def _is_awaited(source: Source, node: Node) -> bool:
    parent = source.parent(node)
    return parent is not None and source.kind(parent) in {"await_expression", "return_statement"}


def _holds(outer: Node, inner: Node) -> bool:
    return outer.start_byte <= inner.start_byte and inner.end_byte <= outer.end_byte
