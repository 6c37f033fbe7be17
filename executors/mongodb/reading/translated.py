"""What works in mongosh and is no query, as the script that does the same: the text stays, with its calls awaited.

A shell waits for every answer by itself and prints what it is given; a script says `await`, `return` and `console.log`.
Nothing is translated that could come to mean something else: whoever cannot be told is told so (an empty text).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser

from executors.mongodb.reading.literals import parts
from executors.mongodb.reading.methods import COLLECTION_METHODS, CURSOR_ASKING, CURSOR_SHAPING

_LANGUAGE: Final = Language(tree_sitter_javascript.language())
_USE: Final = re.compile(r"\s*use\s+[\"']?[^\s;\"']{1,64}[\"']?[ \t]*(?:;|\r?\n)")
_FUNCTIONS: Final = frozenset(
    "arrow_function function_expression function_declaration generator_function generator_function_declaration "
    "method_definition".split()
)
_CHAINED: Final = frozenset({"member_expression", "subscript_expression"})
# What the shell has of its own: printed to the console, or written as text.
_PRINT: Final = {"print": "console.log", "printjson": "console.log"}
_WORDS: Final = {**_PRINT, "tojson": "JSON.stringify"}
# What a script has without declaring it.
_GLOBALS: Final = frozenset(
    "Array BigInt Boolean Date Error Infinity Intl JSON Map Math NaN Number Object Promise RegExp Set String Symbol "
    "console decodeURIComponent encodeURIComponent isFinite isNaN params parseFloat parseInt require undefined "
    "BSONRegExp Binary Decimal128 Double ISODate Int32 Long MaxKey MinKey NumberDecimal NumberInt NumberLong ObjectId "
    "Timestamp UUID".split()
)
# What gives names.
_DECLARING: Final = frozenset(
    {*_FUNCTIONS, "variable_declarator", "for_in_statement", "catch_clause", "class_declaration"}
)
_CURSORS: Final = frozenset({"find", "aggregate"})
# A cursor that is counted by reading it.
_READ_OUT: Final = frozenset({"itcount", "length"})
_MOST_CHARACTERS: Final = 200_000
# In which order words come that are put at one place.
_OUTERMOST, _OUTER, _AROUND, _INNER = range(4)


class _Untranslatable(Exception):
    """It could come to mean something else."""


class _Kind(Enum):
    """What a piece of the text stands for."""

    DATABASE = 1
    COLLECTION = 2
    CURSOR = 3
    # An answer that has to be waited for.
    ANSWER = 4
    VALUE = 5


def translated(statement: str) -> str:
    """The script that does what a text does in mongosh; "" where that cannot be told."""
    if len(statement) > _MOST_CHARACTERS:
        return ""
    if used := _USE.match(statement):
        statement = statement[used.end() :]
    encoded = statement.encode("utf-8", "replace")
    root = Parser(_LANGUAGE).parse(encoded).root_node
    if root.has_error:
        return ""
    translation = _Translation(encoded)
    try:
        translation.program(root)
    except (_Untranslatable, RecursionError):
        return ""
    return translation.text() if translation.asks else ""


class _Translation:
    """The changes to a text, gathered while its tree is walked once."""

    def __init__(self, encoded: bytes) -> None:
        self._encoded = encoded
        # What is put at a byte, and what is replaced from one byte to another.
        self._edits: list[tuple[int, int, int, str]] = []
        self._names: dict[str, _Kind] = {}
        self._waiting: set[str] = set()
        self._declared_names: set[str] = set()
        self._inside: list[set[int]] = []
        self.asks = False
        self._call: Mapping[_Kind, Callable[[Node, Node, str], _Kind]] = {
            _Kind.DATABASE: lambda node, _, name: self._on_database(node, name),
            _Kind.COLLECTION: self._on_collection,
            _Kind.CURSOR: self._on_cursor,
            _Kind.VALUE: self._on_value,
        }

    def text(self) -> str:
        """The text with its changes."""
        made, at = [], 0
        for start, end, _, words in sorted(self._edits):
            made += [self._encoded[at:start].decode("utf-8", "replace"), words]
            at = max(at, end)
        return "".join([*made, self._encoded[at:].decode("utf-8", "replace")]).strip()

    def program(self, root: Node) -> None:
        """The statements of a text; the value of the last one is what it returns."""
        self._find_waiting(root)
        self._find_declared(root)
        statements = parts(root)
        for statement in statements[:-1]:
            self._flush(statement)
        for last in statements[-1:]:
            if last.type == "expression_statement" and self._is_value(parts(last)[0]):
                self._return(parts(last)[0])
            else:
                self._flush(last)

    def _return(self, node: Node) -> None:
        """A shell shows what a cursor gives, a script returns it."""
        self._insert(node.start_byte, "return ", _OUTERMOST)
        waits = node.type == "await_expression"
        if (self._walk(parts(node)[0]) if waits else self._flush(node)) is _Kind.CURSOR:
            if not waits:
                self._wait(node)
            self._insert(node.end_byte, ".toArray()")

    def _is_value(self, node: Node) -> bool:
        """Whether a shell shows it: not what is printed or assigned, and not a loop."""
        name = node.child_by_field_name("function") if node.type == "call_expression" else None
        word = self._of(name.child_by_field_name("property") or name) if name else ""
        return node.type != "assignment_expression" and word not in {"forEach", *_PRINT, "console.log", "log"}

    def _find_waiting(self, root: Node) -> None:
        """The names of functions that ask the database: whoever calls them waits for them."""
        stack = [root]
        while stack:
            node = stack.pop()
            stack.extend(node.named_children)
            name = node.child_by_field_name("name")
            value = node if node.type == "function_declaration" else node.child_by_field_name("value")
            if name is not None and value is not None and value.type in _FUNCTIONS and self._names_db(value):
                self._waiting.add(self._of(name))

    def _find_declared(self, root: Node) -> None:
        """The names that the text itself gives; in a shell a first assignment does as well, and is declared here."""
        stack = [root]
        while stack:
            node = stack.pop()
            stack.extend(node.named_children)
            if node.type in _DECLARING:
                self._declared_names |= {self._of(name) for name in self._names_in(node)}
        for statement in parts(root):
            inner = parts(statement)[0] if statement.type == "expression_statement" else None
            left = inner.child_by_field_name("left") if inner and inner.type == "assignment_expression" else None
            if left is not None and left.type == "identifier" and self._of(left) not in self._declared_names:
                self._insert(statement.start_byte, "let ", _OUTERMOST)
                self._declared_names.add(self._of(left))

    def _names_in(self, node: Node) -> list[Node]:
        """The names a declaration gives: of a variable, a loop, a function and its parameters."""
        found: list[Node] = []
        fields = ("name", "parameter", "parameters", "left")
        stack = [part for part in map(node.child_by_field_name, fields) if part is not None]
        while stack:
            part = stack.pop()
            if part.type in {"identifier", "shorthand_property_identifier_pattern"}:
                found.append(part)
            stack.extend(part.named_children)
        return found

    def _names_db(self, root: Node) -> bool:
        stack = [root]
        while stack:
            node = stack.pop()
            if node.type == "identifier" and self._of(node) == "db":
                return True
            stack.extend(node.named_children)
        return False

    # --- walking ---

    def _flush(self, node: Node) -> _Kind:
        """Walk a node, and wait for it where it is an answer."""
        kind = self._walk(node)
        if kind is _Kind.ANSWER:
            self._wait(node)
            return _Kind.VALUE
        return kind

    def _walk(self, node: Node) -> _Kind:
        if node.type == "identifier":
            return self._identifier(node)
        if node.type in _CHAINED:
            return self._member(node)
        if node.type == "call_expression":
            return self._called(node)
        if node.type == "parenthesized_expression" and len(parts(node)) == 1:
            return self._flush(parts(node)[0])
        self._other(node)
        return _Kind.VALUE

    def _other(self, node: Node) -> None:
        if node.type in _FUNCTIONS:
            self._function(node)
        elif node.type == "await_expression":
            self._mark()
            self._walk(parts(node)[0])
        elif node.type == "variable_declarator":
            self._declared(node)
        elif node.type == "for_in_statement":
            self._loop(node)
        else:
            kinds = [self._flush(part) for part in parts(node)]
            if node.type == "assignment_expression" and kinds[-1] in {_Kind.CURSOR, _Kind.COLLECTION}:
                self._names[self._of(parts(node)[0])] = kinds[-1]

    def _identifier(self, node: Node) -> _Kind:
        name = self._of(node)
        if name == "db":
            return _Kind.DATABASE
        if name not in self._declared_names and name not in _GLOBALS:
            raise _Untranslatable  # nothing has that name, or only the shell
        return self._names.get(name, _Kind.VALUE)

    def _declared(self, node: Node) -> None:
        value, name = node.child_by_field_name("value"), node.child_by_field_name("name")
        kind = self._flush(value) if value is not None else _Kind.VALUE
        if kind is _Kind.DATABASE:
            raise _Untranslatable
        if name is not None and kind is not _Kind.VALUE:
            self._names[self._of(name)] = kind

    def _loop(self, node: Node) -> None:
        """`for (const d of cursor)` waits for each of them."""
        right, body = node.child_by_field_name("right"), node.child_by_field_name("body")
        if right is not None and self._flush(right) is _Kind.CURSOR:
            self._insert(node.start_byte + len("for"), " await")
            self._mark()
        if body is not None:
            self._flush(body)

    def _function(self, node: Node) -> bool:
        """Walk a function; whether it waits for something, and so has to be waited for."""
        self._inside.append(set())
        body = node.child_by_field_name("body")
        if body is not None:
            self._flush(body)
        waits = bool(self._inside.pop())
        if waits and not self._of(node).startswith("async"):
            self._insert(node.start_byte, "async ")
        name = node.child_by_field_name("name")
        if waits and not self._is_awaited(node) and (name is None or self._of(name) not in self._waiting):
            raise _Untranslatable
        return waits

    def _is_awaited(self, node: Node) -> bool:
        """Whether callers wait for a function by its name, or it is an argument, which is dealt with there."""
        parent = node.parent
        if parent is None or parent.type == "arguments":
            return True
        name = parent.child_by_field_name("name")
        return parent.type == "variable_declarator" and name is not None and self._of(name) in self._waiting

    # --- members and calls ---

    def _member(self, node: Node) -> _Kind:
        holder, index = node.child_by_field_name("object"), node.child_by_field_name("index")
        if holder is None or node.child_by_field_name("optional_chain") is not None:
            raise _Untranslatable
        kind = self._walk(holder)
        if index is not None:
            self._flush(index)
        if kind in {_Kind.DATABASE, _Kind.COLLECTION}:
            if index is not None and index.type != "string":
                self._named_by_the_run(node, holder, index, kind)
            return _Kind.COLLECTION
        if kind is _Kind.CURSOR:
            if index is None:
                raise _Untranslatable
            self._wrap(holder, ".toArray()")
        elif kind is _Kind.ANSWER:
            self._wrap(holder)
        return _Kind.VALUE

    def _named_by_the_run(self, node: Node, holder: Node, index: Node, kind: _Kind) -> None:
        """`db[name]` as `db.getCollection(name)`."""
        if kind is not _Kind.DATABASE:
            raise _Untranslatable
        self._edits.append((holder.end_byte, index.start_byte, 0, ".getCollection("))
        self._edits.append((index.end_byte, node.end_byte, 0, ")"))

    def _called(self, node: Node) -> _Kind:
        function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        if function is None or arguments is None or arguments.type != "arguments":
            raise _Untranslatable
        if function.type not in _CHAINED:
            return self._plainly_called(node, function)
        holder, name = function.child_by_field_name("object"), function.child_by_field_name("property")
        if holder is None or name is None or function.child_by_field_name("optional_chain") is not None:
            raise _Untranslatable
        kind = self._walk(holder)
        if kind is _Kind.ANSWER:
            self._wrap(holder)
            kind = _Kind.VALUE
        return self._call[kind](node, function, self._of(name))

    def _plainly_called(self, node: Node, function: Node) -> _Kind:
        name = self._of(function)
        if function.type == "identifier" and name in _WORDS:
            self._replace(function, _WORDS[name])
            self._arguments(node)
            return _Kind.VALUE
        self._flush(function)
        self._arguments(node)
        return _Kind.ANSWER if name in self._waiting else _Kind.VALUE

    def _on_database(self, node: Node, name: str) -> _Kind:
        self._arguments(node)
        if name in {"getCollection", "collection"}:
            return _Kind.COLLECTION
        if name in {"listCollections", "getCollectionNames"}:
            self.asks = True
            return _Kind.CURSOR if name == "listCollections" else _Kind.ANSWER
        raise _Untranslatable

    def _on_collection(self, node: Node, function: Node, name: str) -> _Kind:
        self.asks = True
        arguments = node.child_by_field_name("arguments")
        if arguments is not None and any(given.type in _FUNCTIONS for given in parts(arguments)):
            raise _Untranslatable  # a callback, as old drivers take it
        self._arguments(node)
        if name == "count":
            self._rename(function, "countDocuments")
            return _Kind.ANSWER
        if name not in COLLECTION_METHODS:
            raise _Untranslatable
        return _Kind.CURSOR if name in _CURSORS else _Kind.ANSWER

    def _on_cursor(self, node: Node, function: Node, name: str) -> _Kind:
        if name in _READ_OUT:
            holder, arguments = function.child_by_field_name("object"), node.child_by_field_name("arguments")
            if holder is None or arguments is None or parts(arguments):
                raise _Untranslatable
            self._wrap(holder, ".toArray()")
            self._edits.append((holder.end_byte, node.end_byte, 1, ".length"))
            return _Kind.VALUE
        if name in {"count", "size"} and parts(node.child_by_field_name("arguments") or node):
            raise _Untranslatable  # whether it heeds skip and limit
        if name == "size":
            self._rename(function, "count")
        elif name not in CURSOR_SHAPING and name not in CURSOR_ASKING:
            raise _Untranslatable
        # Both wait for what they call with each document.
        self._arguments(node, waits=name in {"forEach", "map"})
        return _Kind.CURSOR if name in CURSOR_SHAPING else _Kind.ANSWER

    def _on_value(self, node: Node, function: Node, name: str) -> _Kind:
        """A method of an array waits for nothing: one that asks the database for each element is written out."""
        waits = self._arguments(node, waits=name in {"forEach", "map"})
        if not waits:
            return _Kind.VALUE
        if name == "map":
            self._insert(node.start_byte, "Promise.all(")
            self._insert(node.end_byte, ")")
            return _Kind.ANSWER
        self._written_out(node, function)
        return _Kind.VALUE

    def _written_out(self, node: Node, function: Node) -> None:
        """`list.forEach(f)` as a loop that waits for `f`."""
        holder, arguments = function.child_by_field_name("object"), node.child_by_field_name("arguments")
        given = parts(arguments) if arguments is not None else []
        parent = node.parent
        if holder is None or len(given) != 1 or parent is None or parent.type != "expression_statement":
            raise _Untranslatable
        parameters = given[0].child_by_field_name("parameters")
        if parameters is not None and len(parts(parameters)) > 1:
            raise _Untranslatable
        self._insert(node.start_byte, "for (const each of ")
        self._edits.append((holder.end_byte, given[0].start_byte, 0, ") await ("))
        self._edits.append((given[0].end_byte, node.end_byte, 0, ")(each)"))
        self._mark()

    def _arguments(self, node: Node, *, waits: bool = False) -> bool:
        """Walk what a call is given; whether a function among it waits. None may, unless the call waits for it."""
        arguments = node.child_by_field_name("arguments")
        found = False
        for given in parts(arguments) if arguments is not None else ():
            if given.type in _FUNCTIONS:
                found = self._function(given) or found
            elif given.type == "identifier" and self._of(given) in self._waiting:
                found = True
            elif given.type == "identifier" and waits and self._of(given) in _WORDS:
                self._replace(given, "(d) => console.log(d)")
            elif self._flush(given) is _Kind.CURSOR:
                self._wrap(given, ".toArray()")
        if found and not waits:
            raise _Untranslatable
        return found

    # --- changes ---

    def _of(self, node: Node) -> str:
        return self._encoded[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def _mark(self) -> None:
        if self._inside:
            self._inside[-1].add(1)

    def _wait(self, node: Node) -> None:
        self._insert(node.start_byte, "await ", _OUTER)
        self._mark()

    def _wrap(self, node: Node, after: str = "") -> None:
        self._insert(node.start_byte, "(await ", _INNER)
        self._insert(node.end_byte, f"{after})")
        self._mark()

    def _insert(self, at: int, words: str, order: int = _AROUND) -> None:
        self._edits.append((at, at, order, words))

    def _replace(self, node: Node, words: str) -> None:
        self._edits.append((node.start_byte, node.end_byte, 0, words))

    def _rename(self, function: Node, words: str) -> None:
        name = function.child_by_field_name("property")
        if name is not None:
            self._replace(name, words)
