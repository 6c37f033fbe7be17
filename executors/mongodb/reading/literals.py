"""Literals of JavaScript as BSON values, and what operators make of them. Nothing is run: no name, no function.

What is neither is refused where it stands.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import partial
from typing import Final

from bson.datetime_ms import DatetimeMS
from tree_sitter import Node

from executors.base import FindingCode
from executors.javascript import unescaped
from executors.mongodb.reading import constructors
from executors.mongodb.reading.arithmetic import OPERATORS, Uncomputable, computed, signed, text_of
from executors.mongodb.reading.called import STATICS, of_value
from executors.mongodb.reading.command import Path, Placeholder, Value
from executors.mongodb.reading.given import Given
from executors.mongodb.reading.numerals import numeral
from executors.mongodb.reading.source import Position, Source, Unreadable, shown
from executors.mongodb.show import date_text

# How deep BSON documents may nest before the server refuses them.
MAX_DEPTH: Final = 100
FLATTER: Final = "Write it flatter: $in in place of many $or, stages in place of nested expressions."
_CURLED: Final = "\u2018\u2019\u201c\u201d"
_SCRIPT: Final = "A query is made of literals and what is computed from them; use a script for anything else."
_DATES: Final = "Compute with milliseconds: new Date(Date.now() - 7 * 24 * 60 * 60 * 1000)."
_PLACEHOLDER = re.compile(r"\$([1-9]\d{0,8})")
_WORDS: Final = {
    "true": True,
    "false": False,
    "null": None,
    "NaN": math.nan,
    "Infinity": math.inf,
}
_NOT_LITERALS: Final = {
    "function_expression": "A function",
    "arrow_function": "A function",
    "generator_function": "A function",
    "class": "A class",
    "call_expression": "A call",
    "member_expression": "A property",
    "subscript_expression": "A property",
    "binary_expression": "An operator",
    "ternary_expression": "A condition",
    "assignment_expression": "An assignment",
    "augmented_assignment_expression": "An assignment",
    "update_expression": "An assignment",
    "await_expression": "`await`",
    "yield_expression": "`yield`",
    "sequence_expression": "A list of expressions with commas",
    "unary_expression": "An operator",
    "spread_element": "A spread (`...`)",
    "identifier": "A name",
    "this": "`this`",
    "import": "`import`",
}


_NOT_PAIRS: Final = {
    "spread_element": "A spread (`...`)",
    "method_definition": "A method",
    "shorthand_property_identifier": "A key without a value",
    "private_property_identifier": "A private name",
}


def parts(node: Node) -> list[Node]:
    """The children that mean something: no punctuation, no comments."""
    return [child for child in node.named_children if child.type != "comment"]


def _named(node: Node) -> Node | None:
    """What names a property in code."""
    name = node.child_by_field_name("property") or node.child_by_field_name("index")
    return name if name is not None and name.type in {"property_identifier", "string"} else None


class Literals:
    """Reads the values of one statement and remembers where each key and element stood."""

    def __init__(self, source: Source, now: int | None = None, given: Given | None = None) -> None:
        """`now`: what the clock shows, in milliseconds since 1970; None where it may not be read. `given`: what
        `params.name` stands for; None where it stands for nothing."""
        self._source = source
        self._now = now
        self._given = given
        # Where the clock was read, and where a date was made of parts, which mongosh takes for local time.
        self.clock_reads: list[Position] = []
        self.local_dates: list[tuple[Position, str]] = []
        self.places: dict[Path, Position] = {}
        self.texts: list[tuple[int, int]] = []
        # Whether `$1` stands for a parameter.
        self.placeholders = False

    def arguments(self, node: Node, number: int) -> tuple[Value, ...]:
        """The arguments of call `number` of the chain."""
        self._no_holes(node)
        values = []
        for index, child in enumerate(parts(node)):
            path: Path = (number, index)
            self.places[path] = self._source.position(child)
            values.append(self.value(child, path, 0))
        return tuple(values)

    def value(self, node: Node, path: Path, depth: int) -> Value:  # noqa: C901, PLR0911, PLR0912 - one line for each kind
        """The value of one literal. Raises `Unreadable`."""
        if depth > MAX_DEPTH:
            raise self._source.refuse(
                node, FindingCode.MONGO_DEPTH, f"Nested more than {MAX_DEPTH} levels deep.", FLATTER
            )
        match node.type:
            case "object":
                return self._object(node, path, depth)
            case "array":
                return self._array(node, path, depth)
            case "string":
                return self.string(node)
            case "template_string":
                return self._template(node)
            case "number":
                return numeral(self._source, node, 1)
            case "true" | "false" | "null":
                return _WORDS[node.type]
            case "regex":
                return self._regex(node)
            case "unary_expression":
                return self._signed(node, path, depth)
            case "binary_expression":
                return self._binary(node, path, depth)
            case "identifier":
                return self._word(node)
            case "call_expression" | "new_expression":
                return self._constructed(node, path, depth)
            case "member_expression" | "subscript_expression" if self._given is not None and self._names_one(node):
                return self._parameter(node, self._given)
            case "parenthesized_expression" if len(parts(node)) == 1:
                return self.value(parts(node)[0], path, depth + 1)
            case "undefined":
                raise self._source.refuse(
                    node,
                    FindingCode.MONGO_UNDEFINED,
                    "`undefined` has no value in BSON.",
                    "Use null, or leave the field out.",
                )
        raise self._not_literal(node)

    def _names_one(self, node: Node) -> bool:
        """`params.name` or `params["name"]`."""
        of, name = node.child_by_field_name("object"), _named(node)
        plain = node.child_by_field_name("optional_chain") is None
        return plain and of is not None and self._source.text(of) == "params" and name is not None

    def _parameter(self, node: Node, given: Given) -> Value:
        name = _named(node)
        if name is None:
            raise self._not_literal(node)
        text = self._source.text(name)
        return given.value(
            text if name.type == "property_identifier" else self.string(name), self._source.position(node)
        )

    def string(self, node: Node) -> str:
        """The text of a string literal."""
        self.texts.append(self._source.characters(node))
        return self._unescape(node, self._source.text(node)[1:-1])

    def _template(self, node: Node) -> str:
        self.texts.append(self._source.characters(node))
        for child in node.named_children:
            if child.type == "template_substitution":
                raise self._source.refuse(
                    child, FindingCode.MONGO_NOT_LITERAL, "A template string with a hole is not a literal.", _SCRIPT
                )
        return self._unescape(node, self._source.text(node)[1:-1].replace("\r\n", "\n").replace("\r", "\n"))

    def _unescape(self, node: Node, text: str) -> str:
        try:
            return unescaped(text)
        except UnicodeDecodeError:
            message = "Half a surrogate pair is no character and cannot be stored."
            raise self._source.refuse(node, FindingCode.MONGO_SYNTAX, message) from None
        except ValueError as problem:
            raise self._source.refuse(node, FindingCode.MONGO_SYNTAX, str(problem)) from None

    def _signed(self, node: Node, path: Path, depth: int) -> Value:
        operator, operand = node.child_by_field_name("operator"), node.child_by_field_name("argument")
        if operator is None or operand is None or operator.type not in {"-", "+"}:
            raise self._not_literal(node)
        sign = -1 if operator.type == "-" else 1
        if operand.type == "number" and not (sign > 0 and self._source.text(operand).endswith("n")):
            return numeral(self._source, operand, sign)
        return self._computing(node, lambda: signed(sign, self.value(operand, path, depth + 1)))

    def _binary(self, node: Node, path: Path, depth: int) -> Value:
        """Operators between literals, from the left; a chain of them is no nesting."""
        chain = [node]
        while (left := chain[-1].child_by_field_name("left")) is not None and left.type == "binary_expression":
            chain.append(left)
        reads = len(self.clock_reads)
        value = self.value(left, path, depth + 1) if left is not None else None
        for step in reversed(chain):
            operator, right = step.child_by_field_name("operator"), step.child_by_field_name("right")
            if operator is None or right is None or operator.type not in OPERATORS or _is_ambiguous(step, operator):
                raise self._not_literal(step)
            operand, name, so_far = self.value(right, path, depth + 1), operator.type, value
            # What depends on the time of the run cannot be written out, so it is what JavaScript makes of it.
            exact = len(self.clock_reads) == reads
            value = self._computing(step, partial(computed, name, so_far, operand, exact=exact))
        return value

    def _computing(self, node: Node, compute: Callable[[], Value]) -> Value:
        try:
            return compute()
        except Uncomputable as problem:
            raise self._source.refuse(node, problem.code, str(problem), problem.hint) from None

    def _word(self, node: Node) -> Value:
        name = self._source.text(node)
        if name in {"MinKey", "MaxKey"}:
            return constructors.CONSTRUCTORS[name][0]()
        if name in _WORDS:
            return _WORDS[name]
        if self.placeholders and (match := _PLACEHOLDER.fullmatch(name)):
            return Placeholder(int(match[1]))
        raise self._source.refuse(
            node,
            FindingCode.MONGO_NOT_LITERAL,
            f"{shown(name)} is a name, not a literal.",
            f'Put text in quotes: "{shown(name.strip(_CURLED))}". {_SCRIPT}',
        )

    def _regex(self, node: Node) -> Value:
        pattern, flags = node.child_by_field_name("pattern"), node.child_by_field_name("flags")
        try:
            return constructors.regex(
                self._source.text(pattern) if pattern else "", self._source.text(flags) if flags else ""
            )
        except ValueError as problem:
            raise self._source.refuse(node, FindingCode.MONGO_VALUE, str(problem)) from None

    def _array(self, node: Node, path: Path, depth: int) -> list[Value]:
        self._no_holes(node)
        values = []
        for index, child in enumerate(parts(node)):
            self.places[*path, index] = self._source.position(child)
            values.append(self.value(child, (*path, index), depth + 1))
        return values

    def _no_holes(self, node: Node) -> None:
        """Refuse `[1,,2]`: JavaScript makes a hole of it. One comma may stand at the end."""
        expecting = True
        for child in node.children:
            if child.type == "," and expecting:
                raise self._source.refuse(child, FindingCode.MONGO_NOT_LITERAL, "A value is missing before this comma.")
            if child.type not in {"[", "(", "comment"}:
                expecting = child.type == ","

    def _object(self, node: Node, path: Path, depth: int) -> Value:
        document: dict[str, Value] = {}
        for child in parts(node):
            if child.type != "pair":
                raise self._not_pair(child)
            key_node, value_node = child.child_by_field_name("key"), child.child_by_field_name("value")
            if key_node is None or value_node is None:
                raise self._not_pair(child)
            key = self._key(key_node, path, depth)
            if key in document:
                raise self._source.refuse(
                    key_node,
                    FindingCode.MONGO_DUPLICATE_KEY,
                    f"The key {shown(key)} stands twice; only one of them would count.",
                    "Leave one out, or write both under one key: {a: {$gt: 1, $lt: 5}}.",
                )
            self.places[*path, key] = self._source.position(key_node)
            document[key] = self.value(value_node, (*path, key), depth + 1)
        return self._extended(node, document)

    def _key(self, node: Node, path: Path, depth: int) -> str:
        match node.type:
            case "computed_property_name" if len(parts(node)) == 1:
                key = str(self._computing(node, lambda: text_of(self.value(parts(node)[0], path, depth + 1))))
            case "property_identifier":
                key = self._source.text(node)
                if "\\" in key:
                    raise self._source.refuse(
                        node, FindingCode.MONGO_SYNTAX, "A key with an escape must stand in quotes."
                    )
            case "string":
                key = self.string(node)
            case "number":
                key = self._source.text(node)
                if not key.isdigit() or (len(key) > 1 and key[0] == "0"):
                    raise self._source.refuse(
                        node, FindingCode.MONGO_SYNTAX, "A key that is a number like this must stand in quotes."
                    )
            case _:
                raise self._not_pair(node)
        if key == "__proto__":
            raise self._source.refuse(
                node, FindingCode.MONGO_NOT_LITERAL, "JavaScript does not treat __proto__ as a key."
            )
        if "\0" in key:
            raise self._source.refuse(node, FindingCode.MONGO_VALUE, "A key cannot hold a NUL character.")
        return key

    def _extended(self, node: Node, document: dict[str, Value]) -> Value:
        """An Extended JSON document (`{"$oid": "…"}`) stands for its value."""
        name = next(iter(document), "")
        if name not in constructors.EXTENDED:
            return document
        if len(document) > 1:
            raise self._source.refuse(node, FindingCode.MONGO_VALUE, f"{name} stands alone in its document.")
        try:
            return constructors.EXTENDED[name](document[name])
        except ValueError as problem:
            raise self._source.refuse(node, FindingCode.MONGO_VALUE, str(problem)) from None

    def _constructed(self, node: Node, path: Path, depth: int) -> Value:
        callee = node.child_by_field_name("constructor") or node.child_by_field_name("function")
        arguments = node.child_by_field_name("arguments")
        if callee is None or (arguments is not None and arguments.type != "arguments"):
            raise self._not_literal(node)
        if any(part.child_by_field_name("optional_chain") is not None for part in (node, callee)):
            raise self._not_literal(node)
        name = self._source.text(callee)
        if callee.type == "member_expression" and node.type == "call_expression":
            if name == "Date.now":
                return constructors.number(int(self._instant(node, self._values(arguments, path, depth))))
            if name not in STATICS:
                return self._on_value(node, callee, path, depth)
            return self._made(node, STATICS[name], name, self._values(arguments, path, depth))
        if callee.type != "identifier" or name not in constructors.CONSTRUCTORS:
            raise self._not_literal(node)
        if name == "Date" and node.type == "call_expression":
            raise self._source.refuse(
                node,
                FindingCode.MONGO_VALUE,
                "Date(…) without `new` is the time of the run as text.",
                "Use new Date(…).",
            )
        values = self._values(arguments, path, depth)
        if name in {"Date", "ISODate"} and not values:
            return self._instant(node, values)
        made = self._made(node, constructors.CONSTRUCTORS[name], name, values)
        if name == "Date" and len(values) > 1:
            self.local_dates.append((self._source.position(node), date_text(int(made))))
        return made

    def _made(self, node: Node, how: tuple[Callable[..., Value], int, int], name: str, values: list[Value]) -> Value:
        make, fewest, most = how
        if not fewest <= len(values) <= most:
            raise self._source.refuse(node, FindingCode.MONGO_VALUE, f"{name} does not take {len(values)} arguments.")
        try:
            return make(*values)
        except ValueError as problem:
            raise self._source.refuse(node, FindingCode.MONGO_VALUE, str(problem)) from None

    def _on_value(self, node: Node, callee: Node, path: Path, depth: int) -> Value:
        """`ISODate("…").getTime()`: a method without arguments, of a value that is a call itself."""
        subject, method = callee.child_by_field_name("object"), callee.child_by_field_name("property")
        while subject is not None and subject.type == "parenthesized_expression" and len(parts(subject)) == 1:
            subject = parts(subject)[0]
        if subject is None or method is None or subject.type not in {"call_expression", "new_expression"}:
            raise self._not_literal(node)
        value = self.value(subject, path, depth + 1)
        if self._values(node.child_by_field_name("arguments"), path, depth):
            raise self._not_literal(node)
        try:
            return of_value(value, self._source.text(method))
        except ValueError as problem:
            hint = _DATES if isinstance(value, DatetimeMS) else _SCRIPT
            raise self._source.refuse(method, FindingCode.MONGO_NOT_LITERAL, str(problem), hint) from None

    def _instant(self, node: Node, values: list[Value]) -> DatetimeMS:
        """The time of the run, one and the same wherever the statement reads the clock."""
        if values or self._now is None:
            raise self._source.refuse(
                node, FindingCode.MONGO_VALUE, "This is only known when it runs.", 'Write ISODate("…").'
            )
        self.clock_reads.append(self._source.position(node))
        return DatetimeMS(self._now)

    def _values(self, arguments: Node | None, path: Path, depth: int) -> list[Value]:
        if arguments is None:
            return []
        self._no_holes(arguments)
        return [self.value(child, path, depth + 1) for child in parts(arguments)]

    def _not_pair(self, node: Node) -> Unreadable:
        return self._source.refuse(
            node,
            FindingCode.MONGO_NOT_LITERAL,
            f"{_NOT_PAIRS.get(node.type, 'This')} is not allowed in a document.",
            f"Write key: value. {_SCRIPT}",
        )

    def _not_literal(self, node: Node) -> Unreadable:
        text = shown(self._source.text(node))
        if node.type in {"call_expression", "new_expression"}:
            known = ", ".join(sorted(constructors.CONSTRUCTORS))
            return self._source.refuse(
                node,
                FindingCode.MONGO_NOT_LITERAL,
                f"{text} is a call, not a literal.",
                f"Constructors that may be used: {known}. {_SCRIPT}",
            )
        return self._source.refuse(
            node,
            FindingCode.MONGO_NOT_LITERAL,
            f"{_NOT_LITERALS.get(node.type, 'This')} is not a literal: {text}.",
            _SCRIPT,
        )


def _is_ambiguous(step: Node, operator: Node) -> bool:
    """`-2 ** 2`, which JavaScript refuses."""
    left = step.child_by_field_name("left")
    return operator.type == "**" and left is not None and left.type == "unary_expression"
