"""The parameters of a draft: what was typed for each becomes a value in its exact form, or an error at its field."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from executors.base import NamedParameter, Parameter, ParameterType
from executors.base.parameters import NAME
from executors.parameters import Mistyped, exact
from web.errors import FieldError
from web.texts import text_problem

PARAMETERS = 100
PARAMETER_LENGTH = 100_000
LIST_LENGTH = 10_000


@dataclass(frozen=True, slots=True)
class Typed:
    """A named parameter as it came in. `value` is text, true or false, a whole number, null, a list of these, or of
    type `json` anything; `of` the type of a list's values, "text" where it says none. `problem` is what is
    wrong with how it was written, before anybody looks at its type."""

    name: str
    type: str
    value: object = None
    of: str = ""
    problem: str = ""


Errors = dict[str, list[FieldError]]


def field_of(name: str) -> str:
    """The field under which errors of the named parameter stand."""
    return f"parameters.{name}"


def given(parameters: Sequence[Parameter | Typed]) -> tuple[Parameter, ...]:
    """Those that are values by now."""
    return tuple(one for one in parameters if not isinstance(one, Typed))


def values(parameters: Sequence[Parameter | Typed], errors: Errors) -> tuple[Parameter, ...]:
    """Every parameter as a value; one that is none is null, so that the rest can be judged, and stands in `errors`."""
    if len(parameters) > PARAMETERS:
        errors["parameters"] = [FieldError(f"At most {PARAMETERS} parameters.", "too_many")]
        return ()
    placed = [one for one in parameters if not isinstance(one, Typed)]
    _check_placed(placed, errors)
    typed = [one for one in parameters if isinstance(one, Typed)]
    if placed and typed and not all(isinstance(one, NamedParameter) for one in placed):
        errors["parameters"] = [FieldError("Give every parameter a name, or none.", "mixed")]
        return ()
    named = [_named(one, errors) for one in typed if _has_name(one, errors)]
    for name in {one.name for one in named if sum(other.name == one.name for other in named) > 1}:
        errors[field_of(name)] = [FieldError(f"There are two parameters with the name {name}.", "twice")]
    return (*placed, *{one.name: one for one in named}.values())


def _check_placed(parameters: Sequence[Parameter], errors: Errors) -> None:
    if any(isinstance(one, str) and text_problem(one, most=PARAMETER_LENGTH) for one in parameters):
        errors["parameters"] = [FieldError("A parameter holds a NUL byte or is longer than 100,000 characters.")]
    elif any(isinstance(one, float) and not math.isfinite(one) for one in parameters):
        errors["parameters"] = [FieldError("A parameter is not a finite number; send it as text.", "not_finite")]


def _has_name(typed: Typed, errors: Errors) -> bool:
    if NAME.fullmatch(typed.name):
        return True
    message = "A name is letters, digits and underscores without accents, at most 63, and begins with no digit."
    errors.setdefault("parameters", []).append(FieldError(message, "name"))
    return False


def _named(typed: Typed, errors: Errors) -> NamedParameter:
    """The parameter; null where what was typed is no such value."""
    try:
        kind, of = _types(typed)
        return NamedParameter(typed.name, kind, _value(typed, kind, of), of)
    except Mistyped as problem:
        errors[field_of(typed.name)] = [FieldError(str(problem), "parameter_value")]
        return NamedParameter(typed.name, ParameterType.TEXT, None)


def _types(typed: Typed) -> tuple[ParameterType, ParameterType | None]:
    kind = _kind(typed.type, "type")
    of = _kind(typed.of or ParameterType.TEXT, "of") if kind is ParameterType.LIST else None
    if of is ParameterType.LIST or (of is None and typed.of):
        raise Mistyped("Only a list says what it is of, and it is of no lists.")
    return kind, of


def _kind(word: str, field: str) -> ParameterType:
    try:
        return ParameterType(word)
    except ValueError:
        raise Mistyped(f"The {field} is one of {', '.join(ParameterType)}.") from None


def _value(typed: Typed, kind: ParameterType, of: ParameterType | None) -> str | tuple[str, ...] | None:
    value = typed.value
    if typed.problem:
        raise Mistyped(typed.problem)
    if value is None:
        return None
    if of is None:
        return _exact(value, kind)
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise Mistyped("Send a list of values.")
    if len(value) > LIST_LENGTH:
        raise Mistyped(f"It holds {len(value):,} values; at most {LIST_LENGTH:,} fit.")
    texts = tuple(_item(number, item, of) for number, item in enumerate(value, 1))
    if sum(map(len, texts)) > PARAMETER_LENGTH:
        raise Mistyped(f"Its values have more than {PARAMETER_LENGTH:,} characters together.")
    return texts


def _item(number: int, value: object, kind: ParameterType) -> str:
    try:
        return _exact(value, kind)
    except Mistyped as problem:
        raise Mistyped(f"Value {number:,}: {problem}") from None


def _exact(value: object, kind: ParameterType) -> str:
    text = _text(value, kind)
    problem = text_problem(text, most=PARAMETER_LENGTH)
    if problem:
        raise Mistyped(problem.message)
    return exact(kind, text)


def _text(value: object, kind: ParameterType) -> str:
    """What was sent as text: JSON may also be sent as what it stands for, numbers and true or false as themselves."""
    if isinstance(value, str):
        return value
    if kind is ParameterType.JSON:
        return json.dumps(_without_fractions(value), ensure_ascii=False)
    if isinstance(value, bool):
        if kind is ParameterType.BOOLEAN:
            return str(value).lower()
    elif isinstance(value, int) and kind in {ParameterType.INTEGER, ParameterType.DECIMAL}:
        return str(value)
    if isinstance(value, float) and kind is ParameterType.DECIMAL:
        raise Mistyped("Send a decimal as text, so that no digit of it is lost.")
    if value is None:
        raise Mistyped("A list holds no null.")
    raise Mistyped(f"Send a value of type {kind} as text.")


def _without_fractions(value: object) -> object:
    """`value`, unless a number in it may have lost digits on its way here."""
    if isinstance(value, float):
        raise Mistyped("Send JSON with fractions as text, so that no digit of it is lost.")
    for item in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        _without_fractions(item)
    return value
