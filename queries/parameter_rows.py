"""The rows of the form in which people name, type and write parameters: one field that is a row for each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django import forms

from executors.base import NamedParameter, ParameterType
from executors.parameters import SCALARS
from queries.services import PARAMETERS, Typed

VALUE, NULL, EMPTY = "value", "null", "empty"
LIST_OF = "list of "
TYPE_CHOICES = (*(kind.value for kind in SCALARS), *(f"{LIST_OF}{kind.value}" for kind in SCALARS))
GIVEN_CHOICES = ((VALUE, "This value"), (NULL, "NULL"), (EMPTY, "Empty text"))
_PARTS = ("name", "type", "value", "given")


@dataclass(frozen=True, slots=True)
class Row:
    """A parameter as typed. `type` is one of `TYPE_CHOICES`, `given` one of `GIVEN_CHOICES`."""

    name: str = ""
    type: str = ParameterType.TEXT.value
    value: str = ""
    given: str = VALUE
    errors: tuple[str, ...] = field(default=(), compare=False)

    @property
    def untouched(self) -> bool:
        """Whether nobody wrote anything in it."""
        return not self.name.strip() and not self.value.strip()

    def typed(self) -> Typed:
        """What the services take."""
        kind, of = self.type, ""
        if kind.startswith(LIST_OF):
            kind, of = ParameterType.LIST.value, kind.removeprefix(LIST_OF)
        name, value = self.name.strip().removeprefix(":").removeprefix("params."), self.value.replace("\r\n", "\n")
        if self.given != VALUE and value:
            return Typed(name, kind, of=of, problem="There is a value and the choice of none; keep one of them.")
        if self.given == NULL:
            return Typed(name, kind, None, of)
        if self.given == EMPTY:
            return Typed(name, kind, [] if of else "", of)
        if not value.strip() and not (value and kind == ParameterType.TEXT):
            return Typed(name, kind, of=of, problem="Write a value, or choose NULL or an empty text.")
        return Typed(name, kind, _elements(value, of) if of else value, of)


def type_of(kind: str, of: str) -> str:
    """One of `TYPE_CHOICES`, from a type and what a list of it is of."""
    return f"{LIST_OF}{of}" if kind == ParameterType.LIST else kind


class ParameterRows(forms.Widget):
    """Reads the rows of a form, or all of them as the one text that `written` makes."""

    def value_from_datadict(self, data: Mapping[str, Any], files: object, name: str) -> str:  # noqa: ARG002 - Django's
        """The rows as one text."""
        if name in data:
            return str(data[name])
        return written(tuple(_rows(data, name)))


def written(rows: Sequence[Row]) -> str:
    """Rows as one text, the opposite of `rows_of`."""
    kept = [{part: text for part, text in asdict(row).items() if part in _PARTS} for row in rows if not row.untouched]
    return json.dumps(kept, ensure_ascii=False) if kept else ""


def rows_of(text: str) -> tuple[Row, ...]:
    """The rows that `written` wrote; none of what it did not write."""
    try:
        found = json.loads(text or "[]")
        return tuple(_row({part: str(row[part]) for part in _PARTS}) for row in found)
    except (ValueError, TypeError, LookupError, RecursionError):
        return ()


def row_of(parameter: NamedParameter) -> Row:
    """The row in which a parameter would have been written."""
    kind = parameter.type.value if parameter.of is None else f"{LIST_OF}{parameter.of.value}"
    if parameter.value is None:
        return Row(parameter.name, kind, given=NULL)
    if parameter.value in {"", ()}:
        return Row(parameter.name, kind, given=EMPTY)
    return Row(parameter.name, kind, _lines(parameter.texts) if parameter.of else parameter.texts[0])


def _row(parts: Mapping[str, str]) -> Row:
    return Row(parts["name"], parts["type"], parts["value"], parts["given"])


def _rows(data: Mapping[str, Any], name: str) -> Iterator[Row]:
    for number in range(PARAMETERS + 1):
        keys = {part: f"{name}-{number}-{part}" for part in _PARTS}
        if keys["name"] in data:
            row = _row({part: str(data.get(key, "")) for part, key in keys.items()})
            if not row.untouched:
                yield row


def _elements(text: str, of: str) -> list[str]:
    """One a line, or all as a JSON array of texts and numbers; JSON itself is one a line."""
    if text.lstrip().startswith("[") and of != ParameterType.JSON:
        try:
            found = json.loads(text, parse_int=str, parse_float=str)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, list) and all(isinstance(item, str) for item in found):
            return found
    return [line for line in text.split("\n") if line.strip()]


def _lines(texts: Sequence[str]) -> str:
    plain = all(text.strip() and "\n" not in text and "\r" not in text for text in texts)
    if plain and not texts[0].lstrip().startswith("["):
        return "\n".join(texts)
    return json.dumps(list(texts), ensure_ascii=False)
