"""Literals of JavaScript as BSON values. Nothing is evaluated: what is not a literal is refused where it stands."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Final

from bson import Int64
from tree_sitter import Node

from executors.base import FindingCode
from executors.javascript import keeps_number, unescaped
from executors.mongodb.reading import constructors
from executors.mongodb.reading.command import Path, Placeholder, Value
from executors.mongodb.reading.source import Position, Source, Unreadable, shown

# How deep BSON documents may nest before the server refuses them.
MAX_DEPTH: Final = 100
# More digits than any double needs.
_MAX_DIGITS: Final = 1100
_SCRIPT: Final = "A query is made of literals only; use a script for anything computed."
_PLACEHOLDER = re.compile(r"\$([1-9]\d{0,8})")
_LEGACY_OCTAL = re.compile(r"0\d")
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


def parts(node: Node) -> list[Node]:
    """The children that mean something: no punctuation, no comments."""
    return [child for child in node.named_children if child.type != "comment"]


class Literals:
    """Reads the values of one statement and remembers where each key and element stood."""

    def __init__(self, source: Source) -> None:
        self._source = source
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
            raise self._source.refuse(node, FindingCode.MONGO_DEPTH, f"Nested more than {MAX_DEPTH} levels deep.")
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
                return self._number(node, 1)
            case "true" | "false" | "null":
                return _WORDS[node.type]
            case "regex":
                return self._regex(node)
            case "unary_expression":
                return self._signed(node)
            case "identifier":
                return self._word(node)
            case "call_expression" | "new_expression":
                return self._constructed(node, path, depth)
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

    def _number(self, node: Node, sign: int) -> Value:
        text = self._source.text(node)
        if _LEGACY_OCTAL.match(text):
            raise self._source.refuse(
                node, FindingCode.MONGO_SYNTAX, "A number may not start with 0.", "Write 0o17 for octal."
            )
        if len(text) > _MAX_DIGITS:
            raise self._source.refuse(node, FindingCode.MONGO_NUMBER, f"A number has at most {_MAX_DIGITS} digits.")
        digits = text.replace("_", "").lower()
        if digits.endswith("n"):
            return self._bigint(node, sign * int(digits[:-1], 0))
        if not keeps_number(text):
            raise self._rounded(node, digits, sign)
        value = float(int(digits, 0)) if digits[:2] in {"0x", "0o", "0b"} else float(digits)
        return constructors.number(sign * value)

    def _rounded(self, node: Node, digits: str, sign: int) -> Unreadable:
        """mongosh would round what a double cannot hold, and send something else than was reviewed."""
        message = (
            f"The number {shown(digits)} has more digits, or is larger or smaller, than a JavaScript number keeps."
        )
        whole = digits[:2] in {"0x", "0o", "0b"} or digits.isdigit()
        written = str(sign * int(digits, 0)) if whole else f"{'-' if sign < 0 else ''}{digits}"
        name = "NumberLong" if whole and int(written) in constructors.INT64 else "NumberDecimal"
        return self._source.refuse(node, FindingCode.MONGO_NUMBER, message, f'Use {name}("{shown(written)}").')

    def _bigint(self, node: Node, value: int) -> Int64:
        if value not in constructors.INT64:
            raise self._source.refuse(
                node, FindingCode.MONGO_NUMBER, "The number does not fit 64 bits.", 'Use NumberDecimal("…").'
            )
        return Int64(value)

    def _signed(self, node: Node) -> Value:
        operator, operand = node.child_by_field_name("operator"), node.child_by_field_name("argument")
        if operator is None or operand is None or operator.type not in {"-", "+"}:
            raise self._not_literal(node)
        sign = -1 if operator.type == "-" else 1
        if operand.type == "number" and not (sign > 0 and self._source.text(operand).endswith("n")):
            return self._number(operand, sign)
        if operand.type == "identifier" and self._source.text(operand) in {"Infinity", "NaN"}:
            return sign * float(self._source.text(operand))
        raise self._not_literal(node)

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
            f'Put text in quotes: "{shown(name)}". {_SCRIPT}',
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
            key = self._key(key_node)
            if key in document:
                raise self._source.refuse(
                    key_node,
                    FindingCode.MONGO_DUPLICATE_KEY,
                    f"The key {shown(key)} stands twice; only one of them would count.",
                )
            self.places[*path, key] = self._source.position(key_node)
            document[key] = self.value(value_node, (*path, key), depth + 1)
        return self._extended(node, document)

    def _key(self, node: Node) -> str:
        match node.type:
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
        name_node = node.child_by_field_name("constructor") or node.child_by_field_name("function")
        arguments = node.child_by_field_name("arguments")
        name = self._source.text(name_node) if name_node is not None else ""
        if name_node is None or name_node.type != "identifier" or name not in constructors.CONSTRUCTORS:
            raise self._not_literal(node)
        if arguments is not None and arguments.type != "arguments":
            raise self._not_literal(node)
        if node.child_by_field_name("optional_chain") is not None:
            raise self._not_literal(node)
        if name == "Date" and node.type == "call_expression":
            raise self._source.refuse(
                node,
                FindingCode.MONGO_VALUE,
                "Date(…) without `new` is the time of the run as text.",
                "Use new Date(…).",
            )
        values = self._values(arguments, path, depth)
        make, fewest, most = constructors.CONSTRUCTORS[name]
        if not fewest <= len(values) <= most:
            raise self._source.refuse(node, FindingCode.MONGO_VALUE, f"{name} does not take {len(values)} arguments.")
        try:
            return make(*values)
        except ValueError as problem:
            raise self._source.refuse(node, FindingCode.MONGO_VALUE, str(problem)) from None

    def _values(self, arguments: Node | None, path: Path, depth: int) -> list[Value]:
        if arguments is None:
            return []
        self._no_holes(arguments)
        return [self.value(child, path, depth + 1) for child in parts(arguments)]

    def _not_pair(self, node: Node) -> Unreadable:
        names = {
            "spread_element": "A spread (`...`)",
            "method_definition": "A method",
            "computed_property_name": "A computed key",
            "shorthand_property_identifier": "A key without a value",
            "private_property_identifier": "A private name",
        }
        return self._source.refuse(
            node,
            FindingCode.MONGO_NOT_LITERAL,
            f"{names.get(node.type, 'This')} is not allowed in a document.",
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
            f"{_NOT_LITERALS.get(node.type, 'This')} is not a literal: {text}",
            _SCRIPT,
        )


def first_problem(nodes: Iterable[Node]) -> Node | None:
    """The first place where the text is not JavaScript, without recursion: the text may nest as deep as it likes."""
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if node.is_error or node.is_missing:
            return node
        if node.has_error:
            stack.extend(reversed(node.children))
    return None
