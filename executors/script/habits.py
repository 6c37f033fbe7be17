"""What a script does with its database calls that costs more, hides more or decides less than its author may think.

One function for each habit. The calls are those whose text was found; what the run alone knows is not judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, TypeAlias

from tree_sitter import Node

from executors.base import Access, DatabaseCall, Finding, FindingCode, Severity, WrittenCall
from executors.script.names import Names
from executors.script.syntax import Source

_FUNCTIONS: Final = frozenset({"arrow_function", "function_expression", "function_declaration"})
_FOR_EACH: Final = frozenset({"forEach", "map", "flatMap", "reduce"})
_JUDGING: Final = frozenset({"filter", "some", "every", "find", "findIndex", "findLast", "sort"})
_TOGETHER: Final = frozenset({"Promise.all", "Promise.allSettled", "Promise.any", "Promise.race"})
_TOGETHER_BY: Final = frozenset(name.partition(".")[2] for name in _TOGETHER)
# Other values in the run than in the rehearsal before it.
_BY_CHANCE: Final = frozenset({"Math.random", "Date.now", "crypto.randomUUID", "performance.now"})
_LEAVING: Final = frozenset({"break_statement", "return_statement", "throw_statement"})
# One row or document each, or one set of them: what one statement could do for all.
_SINGLE: Final = frozenset(
    {"INSERT", "UPDATE", "DELETE", "insertOne", "updateOne", "updateMany", "replaceOne", "deleteOne", "deleteMany"}
    | {"findOneAndUpdate", "findOneAndReplace", "findOneAndDelete"}
)
_ROWS: Final = frozenset({"SELECT", "find", "findOne", "aggregate", "countDocuments", "distinct"})


@dataclass(frozen=True, slots=True)
class Placed:
    """A call of the database: where it stands, as it is written, and what its text tells."""

    node: Node
    written: WrittenCall
    told: DatabaseCall

    @property
    def writes(self) -> bool:
        """Whether it certainly writes."""
        return self.told.access is Access.WRITE


def habits(source: Source, names: Names, calls: Sequence[Placed]) -> Iterator[Finding]:
    """Everything to be said of how a script goes about its calls."""
    yield from chain.from_iterable(habit(source, names, call) for call in calls for habit in _OF_CALLS)
    for node in source.nodes():
        yield from chain.from_iterable(habit(source, names, node, calls) for habit in _OF_NODES.get(node.type, ()))


def _finding(source: Source, node: Node, code: FindingCode, severity: Severity, message: str, hint: str) -> Finding:
    return Finding(code, severity, message, *source.place(node), hint)


# --- one call -------------------------------------------------------------------------------------------------


def _in_loop(source: Source, names: Names, call: Placed) -> Iterator[Finding]:  # noqa: ARG001 - all are called alike
    """One statement for each element of a list that is there already."""
    kind = call.told.kinds[0] if len(call.told.kinds) == 1 else ""
    if kind not in _SINGLE | _ROWS or not _repeated(source, call.node):
        return
    if kind in _SINGLE:
        message = f"{kind} is sent once for each turn of a loop, and each is a way to the server and back."
        many = "insertMany or bulkWrite" if kind[0].islower() else "one statement over unnest($1::int[])"
        hint = f"Gather what is to be written, and send it with {many}."
    else:
        message = f"{kind} is asked once for each turn of a loop, and each is a way to the server and back."
        one = "{$in: […]} or $lookup" if kind[0].islower() else "= ANY ($1) or a JOIN"
        hint = f"Ask once, with {one}."
    yield _finding(source, call.node, FindingCode.CALL_IN_LOOP, Severity.INFO, message, hint)


def _repeated(source: Source, node: Node) -> bool:
    """Whether a node stands in what is done for each element of something. `while` goes on until something is done."""
    inner, outer = node, source.parent(node)
    while outer is not None:
        if outer.type == "for_in_statement" and _stands(outer, "body", inner):
            return not _holds_call(source, outer.child_by_field_name("right"))
        if outer.type == "for_statement" and _stands(outer, "body", inner):
            return _counts(outer)
        if inner.type in _FUNCTIONS:
            return _is_for_each(source, inner)
        inner, outer = outer, source.parent(outer)
    return False


def _holds_call(source: Source, node: Node | None) -> bool:
    """`for await (const row of db.iterate(…))` reads on while it writes: its list is not there yet."""
    return node is not None and source.text(node).startswith("db.")


def _counts(loop: Node) -> bool:
    """`for (let i = 0; i < n; i++)`, unlike `for (;;)`."""
    increment = loop.child_by_field_name("increment")
    return increment is not None and increment.type in {"update_expression", "augmented_assignment_expression"}


def _is_for_each(source: Source, function: Node) -> bool:
    arguments = source.parent(function)
    call = source.parent(arguments) if arguments is not None and arguments.type == "arguments" else None
    if call is None or _method(source, call) not in _FOR_EACH:
        return False
    return not _holds_call(source, call.child_by_field_name("function"))


def _not_repeatable(source: Source, names: Names, call: Placed) -> Iterator[Finding]:
    if not call.writes:
        return
    for node in _within(call.node):
        value = names.value(source.name(node)) if node.type == "identifier" else node
        if value is not None and (by := _by_chance(source, value)):
            message = f"{by} is another value in each run: what is rehearsed is not what is written later."
            hint = "Write the value out, or let the database make it with a default."
            yield _finding(source, node, FindingCode.NOT_REPEATABLE, Severity.INFO, message, hint)
            return


def _by_chance(source: Source, node: Node) -> str:
    if node.type == "call_expression":
        function = node.child_by_field_name("function")
        text = source.text(function) if function is not None else ""
        return f"{text}()" if text in _BY_CHANCE else ""
    if node.type == "new_expression" and source.text(node) in {"new Date()", "new Date"}:
        return "new Date()"
    return ""


def _unbounded(source: Source, names: Names, call: Placed) -> Iterator[Finding]:  # noqa: ARG001 - all are called alike
    """`for await (const d of db.c.find())`: it ends when the collection does."""
    finds = next((step for step in call.written.steps if step.name == "find" and step.called), None)
    if finds is None or any(step.name == "limit" for step in call.written.steps):
        return
    filters = list(finds.arguments or ())
    outer = source.parent(call.node)
    if outer is not None and outer.type == "for_in_statement" and (not filters or filters[0].source.strip() == "{}"):
        message = "The loop goes over every document of the collection: there is no filter and no limit."
        hint = "Add a filter or .limit(…) unless all are meant; the time limit of the target ends it."
        yield _finding(source, call.node, FindingCode.NO_LIMIT, Severity.INFO, message, hint)


# --- around calls ---------------------------------------------------------------------------------------------


def _swallowed(source: Source, names: Names, node: Node, calls: Sequence[Placed]) -> Iterator[Finding]:  # noqa: ARG001 - all are called alike
    """`try { … } catch {}` around a call."""
    handler, body = node.child_by_field_name("handler"), node.child_by_field_name("body")
    if handler is None or body is None or not _held(body, calls):
        return
    parameter, inside = handler.child_by_field_name("parameter"), handler.child_by_field_name("body")
    if inside is not None and _says_nothing(source, parameter, inside):
        yield _swallowed_at(source, handler)


def _caught(source: Source, names: Names, node: Node, calls: Sequence[Placed]) -> Iterator[Finding]:  # noqa: ARG001 - all are called alike
    """`db.query(…).catch(() => {})`."""
    given, function = _first_function(source, node), node.child_by_field_name("function")
    if given is None or function is None or _method(source, node) != "catch" or not _held(function, calls):
        return
    parameters = given.child_by_field_name("parameters") or given.child_by_field_name("parameter")
    body = given.child_by_field_name("body")
    if body is not None and _says_nothing(source, parameters, body):
        yield _swallowed_at(source, node)


def _swallowed_at(source: Source, node: Node) -> Finding:
    message = "An error of the database is swallowed here: nobody learns of it, and the script goes on."
    hint = (
        "Throw it again, or write it to the console. After a failed call a transaction is never committed, unless "
        "db.attempt took the call back (PostgreSQL)."
    )
    return _finding(source, node, FindingCode.SWALLOWED_ERROR, Severity.WARNING, message, hint)


def _says_nothing(source: Source, parameter: Node | None, body: Node) -> bool:
    """Whether a handler neither throws, nor logs, nor looks at what it was given."""
    named = {source.text(node) for node in _within(parameter)} if parameter is not None else set()
    for node in _within(body):
        if node.type == "throw_statement" or (node.type == "identifier" and source.text(node) in {*named, "console"}):
            return False
    return True


def _together(source: Source, names: Names, node: Node, calls: Sequence[Placed]) -> Iterator[Finding]:  # noqa: ARG001 - all are called alike
    """`Promise.all` over writes: there is one connection."""
    function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if function is None or arguments is None or _method(source, node) not in _TOGETHER_BY:
        return
    if source.text(function) not in _TOGETHER:
        return
    if any(call.writes for call in _held(arguments, calls)):
        message = f"{source.text(function)} gains nothing here: a script has one connection, and its calls take turns."
        hint = "Await one write after the other, or send them as one: then it is clear which one failed."
        yield _finding(source, node, FindingCode.WRITES_TOGETHER, Severity.INFO, message, hint)


def _async_condition(source: Source, names: Names, node: Node, calls: Sequence[Placed]) -> Iterator[Finding]:  # noqa: ARG001 - all are called alike
    """`list.filter(async …)`: a promise is always true."""
    name, given = _method(source, node), _first_function(source, node)
    if given is not None and name in _JUDGING and any(child.type == "async" for child in given.children):
        message = f"{name} takes the promise of an async function for true: nothing waits for what it finds out."
        hint = "Ask first, in a for loop with await, and judge the answers."
        yield _finding(source, node, FindingCode.ASYNC_CONDITION, Severity.WARNING, message, hint)


def _endless(source: Source, names: Names, node: Node, calls: Sequence[Placed]) -> Iterator[Finding]:  # noqa: ARG001 - all are called alike
    condition, body = node.child_by_field_name("condition"), node.child_by_field_name("body")
    text = source.text(condition).strip("(); ") if condition is not None else ""
    always = text in {"true", "1"} or (node.type == "for_statement" and text == "")
    if always and body is not None and not any(inner.type in _LEAVING for inner in _within(body)):
        message = "Nothing in this loop leaves it: the time limit of the target ends the script."
        hint = "Give it a condition, or a break."
        yield _finding(source, node, FindingCode.ENDLESS_LOOP, Severity.WARNING, message, hint)


# --- reading the tree -----------------------------------------------------------------------------------------


def _held(outer: Node, calls: Sequence[Placed]) -> list[Placed]:
    """The calls that stand in a node."""
    return [call for call in calls if outer.start_byte <= call.node.start_byte and call.node.end_byte <= outer.end_byte]


def _within(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        inner = waiting.pop()
        yield inner
        waiting.extend(reversed(inner.children))


def _method(source: Source, call: Node) -> str:
    """The name after the last dot of what is called."""
    function = call.child_by_field_name("function")
    name = function.child_by_field_name("property") if function is not None else None
    return source.text(name) if name is not None else ""


def _first_function(source: Source, call: Node) -> Node | None:
    arguments = call.child_by_field_name("arguments")
    given = source.parts(arguments) if arguments is not None else []
    return given[0] if given and given[0].type in _FUNCTIONS else None


def _stands(parent: Node, name: str, child: Node) -> bool:
    found = parent.child_by_field_name(name)
    return found is not None and found.id == child.id


_OfCall: TypeAlias = Callable[[Source, Names, Placed], Iterator[Finding]]
_OfNode: TypeAlias = Callable[[Source, Names, Node, Sequence[Placed]], Iterator[Finding]]
_OF_CALLS: Final[tuple[_OfCall, ...]] = (_in_loop, _not_repeatable, _unbounded)
_OF_NODES: Final[dict[str, tuple[_OfNode, ...]]] = {
    "try_statement": (_swallowed,),
    "call_expression": (_caught, _together, _async_condition),
    "while_statement": (_endless,),
    "do_statement": (_endless,),
    "for_statement": (_endless,),
}
