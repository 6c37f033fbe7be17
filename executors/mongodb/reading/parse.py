"""From the text of one mongosh expression to a `Command`, with tree-sitter's JavaScript grammar."""

from __future__ import annotations

import difflib
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser

from executors.base import FindingCode, Parameter
from executors.mongodb.reading import forms
from executors.mongodb.reading.command import Call, Command
from executors.mongodb.reading.given import Given
from executors.mongodb.reading.literals import Literals, parts
from executors.mongodb.reading.methods import (
    DATABASE_METHODS,
    INSTEAD,
    METHODS,
    MODIFIERS,
    SHOW_DATABASES,
    SUPPORTED,
    Method,
)
from executors.mongodb.reading.source import Position, Source, Unreadable, shown
from executors.text import MAX_BYTES

_MAX_CALLS: Final = 50
_LANGUAGE: Final = Language(tree_sitter_javascript.language())
_EXPECTED: Final = (
    'A query is one expression: db.<collection>.<method>(…), for example db.orders.find({status: "paid"}).'
)
_SCRIPT: Final = "Use a script for anything else."
_USE = re.compile(r"\s*use\s+[\"']?([^\s;\"']{1,64})[\"']?[ \t]*(?:;|\r?\n)(?=\s*\S)")
_SHOW = re.compile(r"\s*show\s+(collections|tables|dbs|databases)\s*;?\s*")
_SHOWN: Final = {"collections": "getCollectionNames", "tables": "getCollectionNames"}
_SHELL_COMMAND = re.compile(r"\s*(show|use|it|exit|quit|help|load|cls)\b(?!\s*[.(\[])")
# `> `, `test> `, `rs0 [direct: primary] test> `; SQL; a shell; a parameter as SQL has it.
_NO_QUERY = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), hint)
    for pattern, hint in (
        (r"\s*[^\n>\"'(){};=]{0,120}>\s", "Leave the shell's prompts out, and what it answered."),
        (r"\s*(?:mongosh|mongo|sudo|docker|kubectl)\s", "Write the query alone: there is no shell here."),
        (
            r"\s*(?:select\b.*\bfrom|insert\s+into|update\s+\S+\s+set|delete\s+from)\b",
            f"This is SQL, and the target is MongoDB. {_EXPECTED}",
        ),
        (r".*[{,\[(:]\s*:[a-z_]\w*\s*[,})\]]", "A parameter is written params.name."),
    )
)


def parse(statement: str, now: int | None = None, parameters: Sequence[Parameter] | None = None) -> Command:
    """Read one mongosh expression. Raises `Unreadable` with the first thing that is not understood, and where.

    `now` is what the statement's clock shows, in milliseconds since 1970: the one instant at which it is read.
    `params.name` stands for one of `parameters`; in a text that takes none (None) it is a name like any other.
    """
    try:
        source = Source(statement)
    except UnicodeEncodeError:
        raise Unreadable(FindingCode.MONGO_SYNTAX, "The statement is not valid Unicode.", Position(1, 1)) from None
    if len(source.encoded) > MAX_BYTES:
        raise Unreadable(
            FindingCode.MONGO_TOO_LONG,
            f"The statement is longer than {MAX_BYTES:,} bytes.",
            Position(1, 1),
            "Split it, or use a script.",
        )
    if "\0" in statement:
        raise Unreadable(FindingCode.MONGO_SYNTAX, "The statement holds a NUL character.", Position(1, 1))
    used = _USE.match(statement)
    if used:
        rest = parse(re.sub(r"[^\n]", " ", used[0]) + statement[used.end() :], now, parameters)
        return replace(rest, database=rest.database or used[1])
    if listed := _SHOW.fullmatch(statement):
        return Command("", _SHOWN.get(listed[1], SHOW_DATABASES))
    instant = time.time_ns() // 1_000_000 if now is None else now
    given = None if parameters is None else Given(parameters)
    try:
        command = _Chain(source, instant, given).command(_expression(source))
    except Unreadable as unreadable:
        unreadable.before = given.wrong if given else ()
        raise
    return replace(command, wrong=(*given.wrong, *given.unused())) if given else command


def _expression(source: Source) -> Node:
    """The one expression a statement consists of."""
    shell = _SHELL_COMMAND.match(source.encoded.decode())
    if shell:
        hint = (
            "The target names the database; leave it out, or put a query below it." if shell[1] == "use" else _EXPECTED
        )
        raise Unreadable(
            FindingCode.MONGO_SYNTAX, f"`{shell[1]}` is a command of the shell, not a query.", Position(1, 1), hint
        )
    root = Parser(_LANGUAGE).parse(source.encoded).root_node
    statements = parts(root)
    if root.has_error:
        raise _syntax_error(source, root)
    if not statements:
        raise Unreadable(FindingCode.MONGO_SYNTAX, "The statement is empty.", Position(1, 1), _EXPECTED)
    if len(statements) > 1 and statements[0].type not in {"hash_bang_line", "html_comment"}:
        raise source.refuse(
            statements[1], FindingCode.MONGO_ONE_STATEMENT, "Only one expression may stand here.", _SCRIPT
        )
    if statements[0].type != "expression_statement":
        raise source.refuse(
            statements[0], FindingCode.MONGO_NOT_A_QUERY, "This is not a query.", f"{_EXPECTED} {_SCRIPT}"
        )
    return parts(statements[0])[0]


def _syntax_error(source: Source, root: Node) -> Unreadable:
    problem = _first_problem([root])
    if problem is None:
        return Unreadable(FindingCode.MONGO_SYNTAX, "The statement is not valid JavaScript.", Position(1, 1))
    if problem.is_missing:
        return source.refuse(problem, FindingCode.MONGO_SYNTAX, f"{problem.type} is missing here.")
    what = f"The statement cannot be read from here: {shown(source.text(problem))}"
    return source.refuse(problem, FindingCode.MONGO_SYNTAX, what, _way_out(source.encoded.decode()))


def _way_out(text: str) -> str:
    """What to do with what is no JavaScript at all; "" where that is not known."""
    return next((hint for pattern, hint in _NO_QUERY if pattern.match(text)), "")


def _without_brackets(node: Node) -> Node:
    while node.type == "parenthesized_expression" and len(parts(node)) == 1:
        node = parts(node)[0]
    return node


def _first_problem(nodes: Iterable[Node]) -> Node | None:
    """The first place where the text is not JavaScript, without recursion: the text may nest as deep as it likes."""
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if node.is_error or node.is_missing:
            return node
        if node.has_error:
            stack.extend(reversed(node.children))
    return None


class _Chain:
    """Takes a chain of calls apart, from its last call back to `db`."""

    def __init__(self, source: Source, now: int, given: Given | None) -> None:
        self._source = source
        self._literals = Literals(source, now, given)
        # What a property at the end stands for.
        self._of_results: list[Call] = []

    def command(self, node: Node) -> Command:
        """The command a chain spells."""
        links, base = self._links(node)
        names, calls = self._names(links, base)
        if not calls:
            raise self._source.refuse(node, FindingCode.MONGO_NOT_A_QUERY, "Nothing is called here.", _EXPECTED)
        if len(calls) > _MAX_CALLS:
            raise self._source.refuse(
                node, FindingCode.MONGO_SYNTAX, f"More than {_MAX_CALLS} calls stand in one chain."
            )
        return self._checked(".".join(names), calls)

    def _links(self, node: Node) -> tuple[list[Node], Node]:
        """The properties, indexes and calls of the chain in order of writing, and what they start from."""
        links: list[Node] = []
        while True:
            node = _without_brackets(node)
            if node.child_by_field_name("optional_chain") is not None:
                raise self._source.refuse(
                    node, FindingCode.MONGO_SYNTAX, "`?.` is not understood.", "Write a plain dot."
                )
            following = node.child_by_field_name("function" if node.type == "call_expression" else "object")
            if node.type not in {"call_expression", "member_expression", "subscript_expression"} or following is None:
                return links[::-1], node
            links.append(node)
            node = following

    def _names(self, links: list[Node], base: Node) -> tuple[list[str], list[tuple[str, Node, Node]]]:
        """The parts of the collection's name, then the calls: method, where it is named, its arguments."""
        self._require_db(base)
        names: list[str] = []
        calls: list[tuple[str, Node, Node]] = []
        pending: tuple[str, Node] | None = None
        properties: list[tuple[str, Node]] = []
        for link in links:
            if link.type != "call_expression":
                if pending:
                    if calls:
                        properties.append(pending)
                    else:
                        names.append(pending[0])
                pending = self._name(link)
                continue
            arguments = link.child_by_field_name("arguments")
            if pending is not None and properties:
                raise self._after_call(names, calls[0], properties[0])
            if pending is None or arguments is None or arguments.type != "arguments":
                raise self._source.refuse(link, FindingCode.MONGO_SYNTAX, "This call is not understood.", _EXPECTED)
            if pending[0] in {"getCollection", "collection"} and not names and not calls:
                names.append(self._collection(arguments, pending))
            else:
                calls.append((*pending, arguments))
            pending = None
        if pending and not calls:
            raise self._not_called(names, pending)
        if pending:
            self._of_result(names, calls, [*properties, pending])
        return names, calls

    def _of_result(
        self, names: list[str], calls: list[tuple[str, Node, Node]], properties: list[tuple[str, Node]]
    ) -> None:
        """`.findOne(…).name`, `.toArray().length`: properties that a call could stand for."""
        meant = forms.results([call[0] for call in calls], [name for name, _ in properties])
        if meant is None:
            raise self._after_call(names, calls[0], properties[0])
        self._of_results.append(Call(*meant, self._source.position(properties[0][1])))

    def _not_called(self, names: list[str], pending: tuple[str, Node]) -> Unreadable:
        last, node = pending
        if names and last in METHODS:
            hint = f"Call it: db.{shown('.'.join(names))}.{last}(…)."
            message = f"{last} is a method; it is not called."
            return self._source.refuse(node, FindingCode.MONGO_NOT_A_QUERY, message, hint)
        name = shown(".".join([*names, last]))
        return self._source.refuse(
            node,
            FindingCode.MONGO_NOT_A_QUERY,
            f"db.{name} is a name; nothing is called.",
            f"For example db.{name}.find({{}}). {_EXPECTED}",
        )

    def _require_db(self, base: Node) -> None:
        if base.type == "identifier" and self._source.text(base) == "db":
            return
        if base.type == "await_expression":
            raise self._source.refuse(
                base, FindingCode.MONGO_NOT_A_QUERY, "`await` is not needed in a query.", "Leave it out."
            )
        raise self._source.refuse(
            base,
            FindingCode.MONGO_NOT_A_QUERY,
            f"A query starts with db, not with {shown(self._source.text(base))}.",
            _way_out(self._source.encoded.decode()) or f"{_EXPECTED} {_SCRIPT}",
        )

    def _name(self, link: Node) -> tuple[str, Node]:
        node = link.child_by_field_name("property") or link.child_by_field_name("index")
        if node is not None and node.type == "property_identifier" and "\\" not in self._source.text(node):
            return self._source.text(node), node
        if node is not None and node.type == "string":
            return self._literals.string(node), node
        if node is not None and node.type == "number":
            message, hint = "An element of a result is not taken out here.", "Use .skip(…).limit(1), or a script."
            raise self._source.refuse(node, FindingCode.MONGO_NOT_A_QUERY, message, hint)
        raise self._source.refuse(
            node or link,
            FindingCode.MONGO_SYNTAX,
            "The name of a collection or method is written plainly or in quotes.",
            _EXPECTED,
        )

    def _collection(self, arguments: Node, pending: tuple[str, Node]) -> str:
        name, node = pending
        values = parts(arguments)
        if name == "getCollection" and len(values) == 1 and values[0].type in {"string", "template_string"}:
            return str(self._literals.value(values[0], (), 0))
        raise self._source.refuse(
            node, FindingCode.MONGO_SYNTAX, f"{name} is not understood.", 'Use db.getCollection("name").'
        )

    def _after_call(self, names: list[str], call: tuple[str, Node, Node], pending: tuple[str, Node]) -> Unreadable:
        """A name after a call. What was called is the better thing to speak of when it is not known."""
        if call[0] != "explain":
            self._method(".".join(names), call[0], call[1])
        name, node = pending
        return self._source.refuse(
            node,
            FindingCode.MONGO_NOT_A_QUERY,
            f"The property {shown(name)} of a result is not available.",
            "Use a script to work on results.",
        )

    def _checked(self, collection: str, calls: list[tuple[str, Node, Node]]) -> Command:
        explain: list[Call] = []
        if collection and calls[0][0] == "explain" and len(calls) > 1:
            name, node, arguments = calls.pop(0)
            # In front of the method it is numbered after all the others.
            values = forms.modifier(name, self._literals.arguments(arguments, len(calls)))
            explain.append(Call(name, values, self._source.position(node)))
        form, specification = self._first(collection, *calls[0])
        method, node = form.method, calls[0][1]
        modifiers = [
            self._modifier(method, specification, call, number) for number, call in enumerate(calls[1:], start=1)
        ]
        modifiers += self._of_results
        if explain and not specification.explainable:
            raise self._source.refuse(
                node,
                FindingCode.MONGO_MODIFIER,
                f"{method} cannot be explained.",
                "find, aggregate, countDocuments and distinct can.",
            )
        return Command(
            form.collection,
            method,
            form.args,
            (*modifiers, *explain),
            self._source.position(node),
            form.places(self._literals.places),
            tuple(self._literals.texts),
            tuple(self._literals.clock_reads),
            tuple(self._literals.local_dates),
        )

    def _first(self, collection: str, name: str, node: Node, arguments: Node) -> tuple[forms.Form, Method]:
        """The method itself in its usual form, and what is known of it."""
        if not forms.is_other(collection, name):
            self._literals.placeholders = self._method(collection, name, node).parameters
        try:
            form = forms.usual(collection, name, self._literals.arguments(arguments, 0))
        except ValueError as problem:
            if isinstance(problem, Unreadable):
                raise
            raise self._source.refuse(node, FindingCode.MONGO_ARGUMENTS, str(problem)) from None
        specification = self._method(form.collection, form.method, node)
        self._require_number(specification, name, node, form.args)
        return form, specification

    def _method(self, collection: str, method: str, node: Node) -> Method:
        known = METHODS if collection else DATABASE_METHODS
        if method in known:
            return known[method]
        if not collection and method in METHODS:
            hint = f"Name a collection: db.<collection>.{method}(…)."
        else:
            hint = INSTEAD.get(method) or _similar(method, list(known)) or f"{SUPPORTED} {_SCRIPT}"
        raise self._source.refuse(node, FindingCode.MONGO_METHOD, f"The method {shown(method)} is not supported.", hint)

    def _require_number(self, method: Method, name: str, node: Node, values: tuple[object, ...]) -> None:
        if len(values) < method.fewest or len(values) > method.most:
            wanted = str(method.fewest) if method.fewest == method.most else f"{method.fewest} to {method.most}"
            raise self._source.refuse(
                node, FindingCode.MONGO_ARGUMENTS, f"{name} takes {wanted} arguments, not {len(values)}.", method.usage
            )

    def _modifier(self, method: str, specification: Method, call: tuple[str, Node, Node], number: int) -> Call:
        name, node, arguments = call
        if name not in specification.modifiers:
            allowed = ", ".join(sorted(specification.modifiers)) or "nothing"
            known = f"After {method}: {allowed}."
            hint = INSTEAD.get(name, known) if name not in MODIFIERS else known
            raise self._source.refuse(node, FindingCode.MONGO_MODIFIER, f"{shown(name)} cannot follow {method}.", hint)
        values = forms.modifier(name, self._literals.arguments(arguments, number))
        self._require_number(MODIFIERS[name], name, node, values)
        return Call(name, values, self._source.position(node))


def _similar(name: str, known: list[str]) -> str:
    found = difflib.get_close_matches(name[:60], known, n=1, cutoff=0.75)
    return f"Did you mean {found[0]}?" if found else ""
