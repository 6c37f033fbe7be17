"""Parameters as people read them: on the page of a request, in the differences of a revision."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final, NamedTuple

from executors.base import NamedParameter, Parameter, ParameterType
from executors.base.parameters import Placed

PLACED: Final = {str: "text", bool: "boolean", int: "whole number", float: "number", type(None): "NULL"}


class Shown(NamedTuple):
    """One parameter. `name` as it stands in the statement; `text` is None for NULL; `kind` says its type."""

    name: str
    text: str | None
    kind: str


def shown(parameters: Sequence[Parameter], language: str) -> list[Shown]:
    """A line for each parameter of a statement in `language`."""
    before = ":" if language == "sql" else "params."
    return [
        Shown(f"{before}{one.name}", _text(one), type_words(one))
        if isinstance(one, NamedParameter)
        else Shown(f"${place}", _placed(one), PLACED[type(one)])
        for place, one in enumerate(parameters, 1)
    ]


def type_words(parameter: NamedParameter) -> str:
    """`integer`, `list of date, 3 values`."""
    if parameter.of is None:
        return parameter.type.value
    count = len(parameter.texts)
    counted = "" if parameter.value is None else f", {count:,} value{'' if count == 1 else 's'}"
    return f"list of {parameter.of.value}{counted}"


def _text(parameter: NamedParameter) -> str | None:
    if parameter.value is None:
        return None
    if parameter.of is None:
        return parameter.texts[0]
    quoted = parameter.of is ParameterType.TEXT
    texts = (json.dumps(text, ensure_ascii=False) if quoted else text for text in parameter.texts)
    return f"[{', '.join(texts)}]"


def _placed(value: Placed) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)
