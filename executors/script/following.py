"""Follows `db` through the text of a script: through chains, names that stand for one thing, and destructuring.

What cannot be followed is told as such: a use of `db` is a call that was read, or a finding, and never nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

from tree_sitter import Node

from executors.base import Argument, CallReader, Finding, FindingCode, Leads, Severity, Step, WrittenCall
from executors.script.names import Names
from executors.script.syntax import Source

# Longer chains have no sense, and more ways to `db` nobody reviews.
_MOST_STEPS = 30
_MOST_USES = 5000
# Where an expression stands without its value going anywhere.
_ENDS = frozenset(
    {"expression_statement", "if_statement", "while_statement", "do_statement", "unary_expression", "switch_statement"}
)
_NAMING = {"member_expression": "property", "subscript_expression": "index"}
_THROUGH = frozenset({"parenthesized_expression", "await_expression"})
_COMPARING = frozenset({"===", "!==", "==", "!=", "instanceof", "in", "<", ">", "<=", ">="})
# Ways to call a function that say nothing of its arguments where it is named.
_INDIRECT = frozenset({"bind", "call", "apply"})
_PROMISE_METHODS = frozenset({"then", "catch", "finally"})

_FOLLOWED_HINT = "Write the calls out where they are made: db.query(…), db.collection(…).find(…)."


@dataclass(frozen=True, slots=True)
class _Use:
    """An expression that leads to the database: where it stands, and the steps from `db` to it.

    `of_globals` marks `globalThis`, whose property `db` is the database.
    """

    node: Node
    steps: tuple[Step, ...] = ()
    of_globals: bool = False
    told: bool = False


@dataclass(slots=True)
class Followed:
    """What following `db` gave: the calls in the order of the text, what was found, and whether nothing got away."""

    calls: list[WrittenCall] = field(default_factory=list)
    places: list[Node] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    completely: bool = True


def follow(source: Source, names: Names, reader: CallReader) -> Followed:
    """Every call that the script makes through `db`, as far as its text tells."""
    return _Follower(source, names, reader).run()


class _Follower:
    """One walk along every way that begins at `db`."""

    def __init__(self, source: Source, names: Names, reader: CallReader) -> None:
        self._source = source
        self._names = names
        self._reader = reader
        self._waiting: deque[_Use] = deque()
        self._seen: set[str] = set()
        self._parameters: dict[str, tuple[Step, ...]] = {}
        self._found: list[tuple[Node, WrittenCall]] = []
        self._result = Followed()

    def run(self) -> Followed:
        """Follow every use."""
        for name, of_globals in (("db", False), ("globalThis", True)):
            if self._names.declared(name):
                self._lost(self._names.uses(name), f"The script has a name {name} of its own.")
            self._waiting.extend(_Use(node, of_globals=of_globals) for node in self._names.uses(name))
        for count, _ in enumerate(iter(self._next, None)):
            if count > _MOST_USES:
                self._result.completely = False
                break
        self._found.sort(key=lambda found: found[0].start_byte)
        self._result.calls = [call for _, call in self._found]
        self._result.places = [node for node, _ in self._found]
        return self._result

    def _next(self) -> bool | None:
        if not self._waiting:
            return None
        self._climb(self._waiting.popleft())
        return True

    # --- along one expression ---

    def _climb(self, use: _Use) -> None:
        """Go outwards from an expression for as long as what holds it still leads to the database."""
        while True:
            parent = self._source.parent(use.node)
            if parent is None:
                return
            further = self._step(use, parent)
            if further is None:
                return
            use = further

    def _step(self, use: _Use, parent: Node) -> _Use | None:
        """The expression around `use` and what it leads to; None where the way ends."""
        if self._source.kind(parent) == "await_expression" and self._leads(use) is Leads.LAZY:
            self._tell(use)
            return None
        if self._source.kind(parent) in _THROUGH or self._is_last(use.node, parent):
            return replace(use, node=parent)
        if parent.type in _NAMING and self._stands(parent, "object", use.node):
            return self._named(use, parent)
        if parent.type == "call_expression" and self._stands(parent, "function", use.node):
            return self._call(use, parent)
        self._leave(use, parent)
        return None

    def _named(self, use: _Use, node: Node) -> _Use | None:
        """`.name` or `["name"]`."""
        at = node.child_by_field_name(_NAMING[node.type])
        plain = node.type == "member_expression"
        name = None if at is None else self._source.name(at) if plain else self._names.text(at)
        if at is None or name is None:
            self._lose(node)
            return None
        return self._property(use, node, name, at)

    def _is_last(self, node: Node, parent: Node) -> bool:
        """Whether it is the value of `(0, db.query)`."""
        return parent.type == "sequence_expression" and self._source.parts(parent)[-1].id == node.id

    def _property(self, use: _Use, node: Node, name: str, at: Node) -> _Use | None:
        if use.of_globals:
            return _Use(node) if name == "db" else None
        if name in _INDIRECT and use.steps and not use.steps[-1].called:
            return self._bound(use, node, name)
        return self._longer(use, node, Step(name, *self._source.place(at)))

    def _bound(self, use: _Use, node: Node, name: str) -> _Use | None:
        """`db.query.bind(db)` is the same method; with more than the first argument it is another."""
        call = self._source.parent(node)
        called = call is not None and call.type == "call_expression" and name == "bind"
        if call is None or not called or len(self._arguments(call)) != 1:
            self._lose(node)
            return None
        return replace(use, node=call)

    def _call(self, use: _Use, node: Node) -> _Use | None:
        if use.of_globals:
            return None
        arguments = node.child_by_field_name("arguments")
        if not use.steps or use.steps[-1].called or arguments is None or arguments.type != "arguments":
            self._lose(node)
            return None
        written = tuple(self._argument(argument) for argument in self._source.parts(arguments))
        last = replace(use.steps[-1], arguments=written)
        return self._longer(replace(use, steps=use.steps[:-1]), node, last)

    def _longer(self, use: _Use, node: Node, step: Step) -> _Use | None:
        """The way with one step more, and what becomes of it."""
        steps = (*use.steps, step)
        if len(steps) > _MOST_STEPS:
            self._lose(node)
            return None
        further = replace(use, node=node, steps=steps)
        match self._reader.leads(steps):
            case Leads.DATABASE | Leads.ROWS | Leads.LAZY:
                return further
            case Leads.PROMISE:
                self._tell(further)
                self._check_awaited(node)
            case Leads.NOTHING:
                message, hint = self._reader.missing(steps)
                found = Finding(FindingCode.UNKNOWN_METHOD, Severity.ERROR, message, step.line, step.column, hint)
                self._result.findings.append(found)
        return None

    # --- where a way ends ---

    def _leave(self, use: _Use, parent: Node) -> None:
        """The value goes somewhere else than on along the chain."""
        rows = self._leads(use) in {Leads.ROWS, Leads.LAZY}
        if rows:
            use = self._tell(use)
            self._check_returned(use, parent)
        if parent.type == "variable_declarator" and self._stands(parent, "value", use.node):
            self._declared(use, parent)
        elif parent.type == "assignment_expression" and self._stands(parent, "right", use.node):
            left = parent.child_by_field_name("left")
            if left is None or left.type != "identifier" or not self._alias(use, self._source.name(left)):
                self._lose(parent)
        elif parent.type == "arguments" and not rows and self._given(use, parent):
            return
        elif not (rows or parent.type in _ENDS or self._harmless(use.node, parent) or self._only_binds(parent)):
            self._lose(use.node)

    def _leads(self, use: _Use) -> Leads | None:
        return self._reader.leads(use.steps) if use.steps else None

    def _check_returned(self, use: _Use, parent: Node) -> None:
        """A cursor as the result of the script: nobody asks it for its rows."""
        if parent.type == "return_statement" and self._leads(use) is Leads.ROWS and self._source.is_outermost(parent):
            message = "A cursor is returned here, and not its rows."
            hint = "Return the rows: await ….toArray() on MongoDB, (await db.query(…)).rows on PostgreSQL."
            self._add(use.node, FindingCode.RETURNS_NOTHING, Severity.WARNING, message, hint)

    def _declared(self, use: _Use, declarator: Node) -> None:
        name = declarator.child_by_field_name("name")
        if name is None:
            return
        if name.type == "object_pattern" and not use.of_globals:
            self._taken_apart(use, name)
        elif name.type != "identifier" or not self._alias(use, self._source.name(name)):
            self._lose(name)

    def _taken_apart(self, use: _Use, pattern: Node) -> None:
        """`const {query, one: first} = db`."""
        for part in self._source.parts(pattern):
            taken = self._taken(part)
            further = self._longer(use, part, taken[0]) if taken else None
            if taken is None or (further is not None and not self._alias(further, taken[1])):
                self._lose(part)

    def _taken(self, part: Node) -> tuple[Step, str] | None:
        """The property a part of a pattern takes and the name it gets; None for `...rest`, defaults and the like."""
        key: Node | None = part
        local: Node | None = part
        if part.type == "pair_pattern":
            key, local = part.child_by_field_name("key"), part.child_by_field_name("value")
        elif part.type != "shorthand_property_identifier_pattern":
            return None
        if key is None or local is None or local.type not in {"identifier", "shorthand_property_identifier_pattern"}:
            return None
        if key.type == "computed_property_name":
            return None
        name = self._names.text(key) if key.type == "string" else self._source.name(key)
        return None if name is None else (Step(name, *self._source.place(key)), self._source.name(local))

    def _alias(self, use: _Use, name: str) -> bool:
        """Go on wherever a name that stands for `use` is read; False when it may stand for something else."""
        if not self._names.single(name):
            return False
        if name not in self._seen:
            self._seen.add(name)
            self._waiting.extend(replace(use, node=node) for node in self._names.uses(name))
        return True

    def _given(self, use: _Use, arguments: Node) -> bool:
        """Go on in a function of the script's own that is given `use`; False where that cannot be told."""
        parameter = self._names.parameter(arguments, use.node)
        if parameter is None or self._parameters.setdefault(parameter, use.steps) != use.steps or use.of_globals:
            return False
        if parameter not in self._seen:
            self._seen.add(parameter)
            self._waiting.extend(replace(use, node=node) for node in self._names.uses(parameter))
        return True

    def _harmless(self, node: Node, parent: Node) -> bool:
        """Whether an expression only asks about a value, or gives it to nobody."""
        if parent.type == "for_in_statement":
            return False
        operator = parent.child_by_field_name("operator")
        if parent.type == "binary_expression" and operator is not None:
            return operator.type in _COMPARING or (operator.type == "&&" and self._stands(parent, "left", node))
        return parent.type == "ternary_expression" and self._stands(parent, "condition", node)

    def _only_binds(self, arguments: Node) -> bool:
        """`db.query.bind(db)`: the methods of `db` take no notice of what they are bound to."""
        call = self._source.parent(arguments)
        function = call.child_by_field_name("function") if call is not None else None
        if function is None or arguments.type != "arguments" or len(self._source.parts(arguments)) != 1:
            return False
        text = self._source.text(function)
        return text.startswith("db.") and text.endswith(".bind")

    def _tell(self, use: _Use) -> _Use:
        """Note a call that reaches the database, once for each chain."""
        if use.told:
            return use
        line, column = self._source.place(use.node)
        self._found.append((use.node, WrittenCall(use.steps, line, column)))
        return replace(use, told=True)

    def _lose(self, node: Node) -> None:
        self._lost([node], "")

    def _lost(self, nodes: list[Node], why: str) -> None:
        self._result.completely = False
        message = f"{why} This use of db cannot be followed: what it does is only known when it runs.".strip()
        for node in nodes[:20]:
            self._add(node, FindingCode.UNFOLLOWED_USE, Severity.WARNING, message, _FOLLOWED_HINT)

    def _add(self, node: Node, code: FindingCode, severity: Severity, message: str, hint: str = "") -> None:
        self._result.findings.append(Finding(code, severity, message, *self._source.place(node), hint))

    # --- arguments and promises ---

    def _arguments(self, call: Node) -> list[Node]:
        arguments = call.child_by_field_name("arguments")
        return [] if arguments is None else self._source.parts(arguments)

    def _argument(self, node: Node) -> Argument:
        spread = node.type == "spread_element"
        node = self._named_literal(node)
        return Argument(
            self._source.text(node),
            *self._source.place(node),
            None if spread else self._names.text(node),
            self._elements(node),
            spread=spread,
            built=self._names.built(node),
        )

    def _named_literal(self, node: Node) -> Node:
        """A document or an array that has a name for this one place only; with more places it may change on the way."""
        if node.type != "identifier" or len(self._names.uses(self._source.name(node))) != 1:
            return node
        value = self._names.value(self._source.name(node))
        return value if value is not None and value.type in {"object", "array"} else node

    def _elements(self, node: Node) -> int | None:
        parts = self._source.parts(node)
        return len(parts) if node.type == "array" and all(part.type != "spread_element" for part in parts) else None

    def _check_awaited(self, call: Node) -> None:
        """A call whose answer goes nowhere: the script goes on, and may end, before the call does."""
        outer = self._end_of_promise(call)
        operator = outer.child_by_field_name("operator") if outer is not None else None
        dropped = operator is not None and self._source.text(operator) == "void"
        if outer is not None and (outer.type == "expression_statement" or dropped):
            message = "Nothing waits for this call: if it is open when the script returns, all is rolled back."
            self._add(call, FindingCode.NOT_AWAITED, Severity.WARNING, message, "Put await before it.")
        elif outer is not None and outer.type == "variable_declarator":
            self._check_used(outer)
        elif outer is not None and outer.type in _NAMING:
            message = "This is asked of the promise of a call, not of its answer."
            self._add(call, FindingCode.NOT_AWAITED, Severity.WARNING, message, "Write (await db.…).name, in brackets.")

    def _check_used(self, declarator: Node) -> None:
        """`const r = db.query(…)`, and then `r.rows`: what has the name is a promise, not its answer."""
        name = declarator.child_by_field_name("name")
        if name is None or name.type != "identifier" or not self._names.single(self._source.name(name)):
            return
        called = self._source.name(name)
        for use in self._names.uses(called):
            if self._is_taken_for_answer(use):
                message = f"{called} is the promise of a call here, not its answer."
                hint = f"Put await before the call: const {called} = await …"
                self._add(use, FindingCode.NOT_AWAITED, Severity.WARNING, message, hint)
                return

    def _is_taken_for_answer(self, use: Node) -> bool:
        parent = self._source.parent(use)
        if parent is None or parent.type not in _NAMING or not self._stands(parent, "object", use):
            return False
        return parent.type == "subscript_expression" or not self._is_same_promise(parent, use)

    def _end_of_promise(self, node: Node) -> Node | None:
        """What holds a promise, past its `.then(…)` and `.catch(…)`."""
        for _ in range(_MOST_STEPS):
            parent = self._source.parent(node)
            if parent is None or not self._is_same_promise(parent, node):
                return parent
            node = parent
        return None

    def _is_same_promise(self, parent: Node, node: Node) -> bool:
        if parent.type == "member_expression":
            name = parent.child_by_field_name("property")
            return name is not None and self._source.text(name) in _PROMISE_METHODS
        called = parent.type == "call_expression" and self._stands(parent, "function", node)
        return called or parent.type == "parenthesized_expression"

    def _stands(self, parent: Node, name: str, child: Node) -> bool:
        found = parent.child_by_field_name(name)
        return found is not None and found.id == child.id
