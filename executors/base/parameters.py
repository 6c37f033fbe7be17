"""The values that are bound to a statement: by place, or by name with a type."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

# What a parameter may be called: PostgreSQL and JavaScript both read it as a name.
NAME: Final = re.compile(r"(?!__proto__$)[A-Za-z_][A-Za-z0-9_]{0,62}")


class ParameterType(StrEnum):
    """What a named parameter is. A list is one of values of one of the others."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    UUID = "uuid"
    JSON = "json"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class NamedParameter:
    """A value that a statement names.

    `value` is its exact text, as `executors.parameters.exact` writes it (`true`, `-12`, `1.10`, `2026-01-31`); of a
    list the texts of its values; None is null. `of` is the type of a list's values, None for anything else.
    """

    name: str
    type: ParameterType
    value: str | tuple[str, ...] | None
    of: ParameterType | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """The text, or those of the list; none of null."""
        if self.value is None:
            return ()
        return self.value if isinstance(self.value, tuple) else (self.value,)

    @property
    def item(self) -> ParameterType:
        """The type of each of `texts`."""
        return self.of or self.type


# What is bound by its place: numbers wider than a double travel as text. Only of undo statements and of `$1`.
Placed: TypeAlias = str | int | float | bool | None
Parameter: TypeAlias = Placed | NamedParameter


def to_json(parameter: Parameter) -> Any:
    """A parameter as it is stored, answered, hashed and sent between processes."""
    if not isinstance(parameter, NamedParameter):
        return parameter
    written = asdict(parameter)
    if isinstance(parameter.value, tuple):
        written["value"] = list(parameter.value)
    if parameter.of is None:
        del written["of"]
    return written


def from_json(data: Any) -> Parameter:
    """The parameter that `to_json` wrote."""
    if not isinstance(data, Mapping):
        return data  # type: ignore[no-any-return]
    value = data["value"]
    of = data.get("of")
    return NamedParameter(
        data["name"],
        ParameterType(data["type"]),
        tuple(value) if isinstance(value, list) else value,
        ParameterType(of) if of else None,
    )


def named(parameters: Sequence[Parameter]) -> tuple[NamedParameter, ...]:
    """Those that have a name."""
    return tuple(one for one in parameters if isinstance(one, NamedParameter))
