"""Parameters by name: each `:name` of a text becomes a `$1` of the server's that takes the same place in it.

So whatever is said of a place in the text holds for what the author wrote. What is inside quotes, dollars and comments
is no name; `::` is a cast, `:=` a named argument, and the colon between two bounds (`[1:2]`) that of a slice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

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
    | (?P<place>\$[0-9]+)
    | (?P<word>[\w\x80-\U0010ffff][\w$\x80-\U0010ffff]*)
    | (?P<sign>\S)
    """,
    re.VERBOSE,
)
# After these words a value begins; any other word in front of a colon is the lower bound of a slice.
_BEFORE_A_VALUE = frozenset({"and", "array", "case", "else", "in", "not", "or", "then", "when"})

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


class _Use(NamedTuple):
    """A `:name`, or a `$1`, of a text, and where it stands."""

    name: str
    at: int


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
    parts = tuple(_parts(text, frozenset(given)))
    uses = [part for part in parts if not part.name.startswith("$")]
    placed = [part for part in parts if part.name.startswith("$")]
    first: dict[str, int] = {}
    for use in uses:
        first.setdefault(use.name, use.at)
    numbers = _numbered(first)
    findings = tuple(_findings(text, first, placed, parameters))
    if not uses:
        return Bound(text, tuple(one for one in parameters if not isinstance(one, NamedParameter)), findings)
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
    """The names and numbers outside texts and comments, in order."""
    scan = _Scan(given)
    after = 0
    for kind, start, end in (*tokens(text), ("", len(text), len(text))):
        yield from scan.code(text, after, start)
        if "comment" not in kind:
            scan.operand = True
        after = end


class _Scan:
    """Goes through code and knows whether it is inside the brackets of a subscript, and behind a value there."""

    def __init__(self, given: frozenset[str]) -> None:
        self._given = given
        self._brackets: list[str] = []
        self._begins = False
        self.operand = False

    def code(self, text: str, start: int, end: int) -> Iterator[_Use]:
        """The names and numbers between two places."""
        at = start
        while part := _PART.search(text, at, end):
            at = part.end()
            if part["name"]:
                if self._slices(part["name"]):
                    at = part.start() + 1
                    self.operand = self._begins = False
                    continue
                yield _Use(part["name"], part.start())
            elif part["place"]:
                yield _Use(part["place"], part.start())
            self._note(part)

    def _slices(self, name: str) -> bool:
        """Whether a colon in front of a name is one between the bounds of a slice."""
        if not self._brackets or self._brackets[-1] != "subscript":
            return False
        return self.operand or (self._begins and name not in self._given)

    def _note(self, part: re.Match[str]) -> None:
        sign = part["sign"]
        if sign == "[":
            self._brackets.append("subscript" if self.operand else "list")
        elif sign == "(":
            self._brackets.append("(")
        elif sign in {"]", ")"} and self._brackets:
            self._brackets.pop()
        self._begins = sign == "["
        word = part["word"]
        self.operand = bool(part["name"] or part["place"] or sign in {"]", ")"}) or (
            word is not None and word.lower() not in _BEFORE_A_VALUE
        )


def _numbered(names: dict[str, int]) -> dict[str, int]:
    """A number for each name. The shortest come first: `$10` has no room where `:a` stands."""
    return {name: number for number, name in enumerate(sorted(names, key=lambda name: (len(name), names[name])), 1)}


def _numbers_in(text: str, uses: Sequence[_Use], numbers: dict[str, int]) -> str:
    pieces, after = [], 0
    for use in uses:
        pieces += [text[after : use.at], f"${numbers[use.name]}".ljust(len(use.name) + 1)]
        after = use.at + len(use.name) + 1
    return "".join((*pieces, text[after:]))


def _findings(
    text: str, first: dict[str, int], placed: Sequence[_Use], parameters: Sequence[Parameter]
) -> Iterator[Finding]:
    places, given = Places(text), {one.name for one in named(parameters)}
    for name, at in first.items():
        if name not in given:
            yield missing(name, *places.at(at))
    for name in sorted(given - first.keys()):
        yield unused(name, f":{name}", "; in quotes, comments and the body of a function it is text")
    for use in placed[:1] if first or given else ():
        message, hint = f"{use.name} counts places where the parameters have names.", "Write its name, as :name."
        yield _error(FindingCode.PARAMETERS_MISMATCH, message, places.at(use.at), hint)
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
