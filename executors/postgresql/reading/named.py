"""Parameters by name: each `:name` of a text becomes a `$1` of the server's that takes the same place in it.

So whatever is said of a place in the text holds for what the author wrote. What is inside quotes, dollars and comments
is no name; `::` is a cast, `:=` a named argument, and the colon between two bounds (`[1:2]`) that of a slice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from executors.base import Finding, FindingCode, NamedParameter, Parameter, ParameterType, Severity
from executors.base.parameters import NAME, named
from executors.parameters import missing, unused
from executors.postgresql.reading.facts import Facts
from executors.postgresql.reading.lexer import tokens
from executors.postgresql.reading.parse import Statement
from executors.text import Places

_MAYBE = re.compile(r"(?<!:):(?=[A-Za-z_])")
_PSQL = re.compile(r"(?<!:):\Z")
_PART = re.compile(
    r"""
      ::|:=
    | :(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?![\w$\x80-\U0010ffff])
    | (?P<place>(?<![\w$\x80-\U0010ffff])\$[0-9]+)
    | (?P<sign>[][()])
    """,
    re.VERBOSE,
)
_LAST_WORD = re.compile(r"[\w$\x80-\U0010ffff]+\Z")
# Behind these words a value begins; any other word in front of a colon is the lower bound of a slice.
_BEFORE_A_VALUE = frozenset({"and", "array", "case", "else", "in", "not", "or", "then", "when"})
# No name of a keyword or number that matters here is longer.
_LOOKED_BACK = 80
# As many as a request may have.
_MOST_NAMES = 100

# What the server is told of a value's type, and of a list of such values (oids of pg_type; the server's own never
# change). 0: what its place asks for, as a literal in quotes.
_TOLD = {
    ParameterType.TEXT: (0, 0),
    ParameterType.BOOLEAN: (16, 1000),
    ParameterType.DATE: (1082, 1182),
    ParameterType.DECIMAL: (1700, 1231),
    ParameterType.UUID: (2950, 2951),
    ParameterType.JSON: (3802, 3807),
}
_INT4, _INT8, _NUMERIC = (23, 1007), (20, 1016), (1700, 1231)
_TIMESTAMP, _TIMESTAMPTZ = (1114, 1115), (1184, 1185)
_ANY_TEXT = 25


# A `:name`, or "$" for a `$1`, and where it stands.
_Use: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Bound:
    """A text as the server takes it; its values in the order of their numbers; what is wrong with the names."""

    text: str
    values: tuple[Parameter, ...]
    findings: tuple[Finding, ...] = ()

    def told(self, item: Statement, facts: Facts) -> Statement:
        """A statement of the text with the types that the server is told of its parameters. It declares those of the
        other statements with it."""
        if not facts.numbers or not named(self.values):
            return item
        given = self.values[: max(facts.numbers)]
        return replace(
            item,
            types=tuple(_oid(one) if number in facts.numbers else _ANY_TEXT for number, one in enumerate(given, 1)),
        )


def bound(text: str, parameters: Sequence[Parameter]) -> Bound:
    """`text` with every `:name` as a number. Names that have no value get null, and are findings."""
    given = {one.name: one for one in named(parameters)}
    if not given and not _MAYBE.search(text):
        return Bound(text, tuple(parameters))
    parts = list(_parts(text, frozenset(given)))
    uses = [part for part in parts if part[0] != "$"]
    placed = next((at for name, at in parts if name == "$"), None)
    first: dict[str, int] = {}
    for name, at in uses:
        first.setdefault(name, at)
    findings = tuple(_findings(text, first, placed, parameters))
    if not uses or len(first) > _MOST_NAMES:
        return Bound(text, tuple(one for one in parameters if not isinstance(one, NamedParameter)), findings)
    numbers = _numbered(first)
    values = [given.get(name) or NamedParameter(name, ParameterType.TEXT, None) for name in numbers]
    return Bound(_numbers_in(text, uses, numbers), tuple(values), findings)


def psql_variables(text: str) -> Iterator[Finding]:
    """`:'name'` and `:"name"`, which psql writes into the text, of one that is no SQL."""
    places = Places(text)
    for kind, start, end in tokens(text):
        name = text[start + 1 : end - 1]
        if kind in {"string", "name"} and _PSQL.search(text, max(0, start - 2), start) and NAME.fullmatch(name):
            message = f"psql would write its variable {name} here."
            hint = "Write :name without quotes, and give the parameter a type and a value."
            yield _error(FindingCode.CLIENT_COMMAND, message, places.at(start - 1), hint)


def _parts(text: str, given: frozenset[str]) -> Iterator[_Use]:
    """The names, and "$" for a number, outside texts and comments, in order."""
    scan = _Scan(text, given)
    after = 0
    for kind, start, end in tokens(text):
        yield from scan.code(after, start)
        if "comment" not in kind:
            scan.behind_value = True
        after = end
    yield from scan.code(after, len(text))


class _Scan:
    """Goes through code and knows whether it is inside the brackets of a subscript."""

    def __init__(self, text: str, given: frozenset[str]) -> None:
        self._text = text
        self._given = given
        self._subscripts = "[" in text
        self._brackets: list[str] = []
        # Whether what stands in front of a stretch of code, comments aside, is a value.
        self.behind_value = False

    def code(self, start: int, end: int) -> Iterator[_Use]:
        """The names and numbers between two places."""
        at = start
        while part := _PART.search(self._text, at, end):
            at, kind = part.end(), part.lastgroup
            if kind == "name":
                if self._brackets and self._slices(part["name"], start, part.start()):
                    at = part.start() + 1
                    continue
                yield part["name"], part.start()
            elif kind == "place":
                yield "$", part.start()
            elif kind == "sign" and self._subscripts:
                self._bracket(part["sign"], start, part.start())
        if self._subscripts:
            self.behind_value = self._is_value(start, end)

    def _bracket(self, sign: str, start: int, at: int) -> None:
        if sign in "([":
            self._brackets.append("[" if sign == "[" and self._is_value(start, at) else "(")
        elif self._brackets:
            self._brackets.pop()

    def _slices(self, name: str, start: int, at: int) -> bool:
        """Whether a colon in front of a name is one between the bounds of a slice."""
        if self._brackets[-1] != "[":
            return False
        before = self._text[max(start, at - _LOOKED_BACK) : at].rstrip()
        begins = name not in self._given and before.endswith("[")
        return begins or self._is_value(start, at)

    def _is_value(self, start: int, at: int) -> bool:
        """Whether a value ends in front of `at`."""
        before = self._text[max(start, at - _LOOKED_BACK) : at].rstrip()
        if not before:
            return self.behind_value if at - start <= _LOOKED_BACK else False
        word = _LAST_WORD.search(before)
        return word[0].lower() not in _BEFORE_A_VALUE if word else before[-1] in "])"


def _numbered(names: dict[str, int]) -> dict[str, int]:
    """A number for each name. The shortest come first: `$10` has no room where `:a` stands."""
    return {name: number for number, name in enumerate(sorted(names, key=lambda name: (len(name), names[name])), 1)}


def _numbers_in(text: str, uses: Sequence[_Use], numbers: dict[str, int]) -> str:
    written = {name: f"${number}".ljust(len(name) + 1) for name, number in numbers.items()}
    pieces, after = [], 0
    for name, at in uses:
        pieces.append(text[after:at])
        pieces.append(written[name])
        after = at + len(name) + 1
    pieces.append(text[after:])
    return "".join(pieces)


def _findings(
    text: str, first: dict[str, int], placed: int | None, parameters: Sequence[Parameter]
) -> Iterator[Finding]:
    places, given = Places(text), {one.name for one in named(parameters)}
    if len(first) > _MOST_NAMES:
        message = f"The statement names {len(first):,} parameters; a request has at most {_MOST_NAMES}."
        yield _error(FindingCode.PARAMETERS_MISMATCH, message, places.at(min(first.values())), "Name fewer.")
        return
    for name, at in first.items():
        if name not in given:
            yield missing(name, *places.at(at))
    for name in sorted(given - first.keys()):
        yield unused(name, f":{name}", "; in quotes, comments and the body of a function it is text")
    if placed is not None and (first or given):
        message, hint = "A number counts places where the parameters have names.", "Write the name, as :name."
        yield _error(FindingCode.PARAMETERS_MISMATCH, message, places.at(placed), hint)
    too_short = [name for name, number in _numbered(first).items() if len(str(number)) > len(name)]
    for name in too_short[:1]:
        message = f"There are too many parameters with names as short as {name}."
        yield _error(FindingCode.PARAMETERS_MISMATCH, message, places.at(first[name]), "Give some a longer name.")


def _error(code: FindingCode, message: str, place: tuple[int, int], hint: str) -> Finding:
    return Finding(code, Severity.ERROR, message, *place, hint)


def _oid(parameter: Parameter) -> int:
    """A number has the type it would have if it stood in the text; a time with an offset is one of a zone."""
    if not isinstance(parameter, NamedParameter):
        return 0
    is_list = parameter.type is ParameterType.LIST
    match parameter.item:
        case ParameterType.INTEGER:
            widest = max((abs(int(text) + (int(text) < 0)) for text in parameter.texts), default=0)
            oids = _INT4 if widest < 2**31 else _INT8 if widest < 2**63 else _NUMERIC
        case ParameterType.TIMESTAMP:
            local = bool(parameter.texts) and not any(map(_has_offset, parameter.texts))
            oids = _TIMESTAMP if local else _TIMESTAMPTZ
        case kind:
            oids = _TOLD[kind]
    return oids[is_list]


def _has_offset(text: str) -> bool:
    return text.endswith("Z") or "+" in text or text.count("-") > 2  # noqa: PLR2004 - a day has two
