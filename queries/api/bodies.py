"""Bodies that come in, read strictly."""

from __future__ import annotations

import math
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from executors.base import Access, Language, Parameter, ParameterType
from executors.base.parameters import NAME
from queries.services import (
    COMMENT_LENGTH,
    MOST_EXPECTED,
    PARAMETER_LENGTH,
    PARAMETERS,
    REASON_LENGTH,
    SLUG_LENGTH,
    TICKET_LENGTH,
    Draft,
    Typed,
)
from web.bodies import StrictSerializer, Text, check_characters

BIGINT = 2**63
MOST_LINES = 10**9
WORD = "^[a-z][a-z0-9_]*$"
DIGEST = "^[0-9a-f]{64}$"
TYPES = [kind.value for kind in ParameterType]
PLACED = [{"type": "string", "maxLength": PARAMETER_LENGTH}, {"type": "number"}, {"type": "boolean"}]
VALUE = "As text in its exact form (`1.10`, `2026-01-31`, `true`), or null; of a list a list of these."
SENT = f"{VALUE} Whole numbers, true and false may also be sent as themselves, and JSON without fractions as it is."
ANYTHING: list[dict[str, Any]] = [
    *({"type": kind} for kind in ("string", "integer", "boolean", "object")),
    {"type": "array", "items": {}},
]
TEXTS: list[dict[str, Any]] = [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]


def named_schema(value: list[dict[str, Any]], description: str) -> dict[str, Any]:
    """A parameter with a name, for the OpenAPI schema."""
    return {
        "type": "object",
        "required": ["name", "type", "value"],
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string", "pattern": f"^{NAME.pattern}$"},
            "type": {"type": "string", "enum": TYPES},
            "value": {"oneOf": value, "nullable": True, "description": description},
            "of": {
                "type": "string",
                "enum": TYPES[:-1],
                "description": "What a list is of; text where it is left out.",
            },
        },
    }


def parameter_schema(value: list[dict[str, Any]], description: str) -> dict[str, Any]:
    """A parameter, by name or by its place."""
    by_place = "Without a name it is bound by its place ($1), and numbers wider than 64 bits travel as text."
    return {"oneOf": [*PLACED, named_schema(value, description)], "nullable": True, "description": by_place}


@extend_schema_field(parameter_schema(ANYTHING, SENT))
class ParameterField(serializers.Field[Parameter | Typed, Any, Any, Any]):
    """A parameter: text, a number, a boolean or null, bound by its place; or an object with a name and a type."""

    def __init__(self) -> None:
        super().__init__(allow_null=True)

    def to_internal_value(self, data: object) -> Parameter | Typed:
        """The value. Raises ValidationError."""
        if isinstance(data, dict):
            return _typed(data)
        if isinstance(data, bool):
            return data
        if isinstance(data, str):
            check_characters(data)
            return data
        if isinstance(data, int) and -BIGINT <= data < BIGINT:
            return data
        if isinstance(data, float) and math.isfinite(data):
            return data
        if isinstance(data, int | float):
            raise ValidationError("The number is too large; send it as text.", code="number_too_large")
        message = "Send text, a number, true, false, null, or an object with name, type and value."
        raise ValidationError(message, code="invalid_type")

    def to_representation(self, value: object) -> object:
        """As it is."""
        return value


def _typed(data: dict[str, Any]) -> Typed:
    """A named parameter as sent; what is wrong with its value is the services' to say."""
    unknown = sorted(str(key) for key in data.keys() - {"name", "type", "value", "of"})
    if unknown:
        raise ValidationError(f"A parameter has name, type, value and of; not {unknown[0][:60]}.", code="unknown_field")
    words = [data.get("name"), data.get("type"), data.get("of", "")]
    if not all(isinstance(word, str) for word in words) or "value" not in data:
        raise ValidationError("A parameter has a name, a type and a value.", code="required")
    return Typed(name=data["name"], type=data["type"], value=data["value"], of=data.get("of", ""))


class Rows(serializers.IntegerField):
    """A number of rows: nothing that only looks like one is taken for it."""

    def __init__(self, *, help_text: str) -> None:
        super().__init__(required=False, allow_null=True, min_value=0, max_value=MOST_EXPECTED, help_text=help_text)

    def to_internal_value(self, data: object) -> int:
        """The number. Raises ValidationError."""
        if not isinstance(data, int) or isinstance(data, bool):
            raise ValidationError("Send a whole number.", code="invalid_type")
        return data


class Line(serializers.IntegerField):
    """The number of a line: nothing that only looks like one is taken for it."""

    def to_internal_value(self, data: object) -> int:
        """The number. Raises ValidationError."""
        if not isinstance(data, int) or isinstance(data, bool):
            raise ValidationError("Send a whole number.", code="invalid_type")
        return super().to_internal_value(data)


class DraftBody(StrictSerializer):
    """Body of `queries/check/`."""

    pod = Text(help_text="Slug of the pod.", most=SLUG_LENGTH, bounds={"minLength": 1})
    target = Text(help_text="Slug of the target.", most=SLUG_LENGTH, bounds={"minLength": 1})
    language = Text(bounds={"enum": [language.value for language in Language]})
    statement = Text(raw=True, bounds={"minLength": 1})
    access = Text(bounds={"enum": [access.value for access in Access]})
    reason = Text(required=False, most=REASON_LENGTH)
    parameters = serializers.ListField(child=ParameterField(), required=False, max_length=PARAMETERS)
    ticket = Text(required=False, most=TICKET_LENGTH)
    expects = Rows(help_text="How many rows a write should change.")

    def draft(self) -> Draft:
        """What the services take."""
        sent = dict(self.validated_data)
        sent.pop("revises", None)
        return Draft(**{**sent, "parameters": tuple(sent.get("parameters", ()))})


class SubmitBody(DraftBody):
    """Body of POST `queries/`. `revises` is the id of your own earlier request that this one replaces."""

    reason = Text(help_text="What this is for; reviewers read it first.", most=REASON_LENGTH, bounds={"minLength": 1})
    revises = serializers.UUIDField(required=False, allow_null=True)


class ApproveBody(StrictSerializer):
    """Body of `approve/`: the digest of the request as you read it."""

    digest = Text(most=64, bounds={"pattern": DIGEST})
    comment = Text(required=False, most=COMMENT_LENGTH)
    bound = Rows(help_text="How many rows a write may change at most; left out: as rehearsed, expected or usual.")


class RehearseBody(StrictSerializer):
    """Body of `rehearse/`: the digest of the request as you read it."""

    digest = Text(most=64, bounds={"pattern": DIGEST})


class UndoBody(StrictSerializer):
    """Body of `undo/`. Without a reason of your own it names the request that is taken back."""

    reason = Text(required=False, most=REASON_LENGTH)


class RejectBody(StrictSerializer):
    """Body of `reject/`. With `ask_for_changes` the author is invited to revise."""

    comment = Text(required=False, help_text="Why; needed to ask for changes.", most=COMMENT_LENGTH)
    digest = Text(required=False, bounds={"pattern": "^([0-9a-f]{64})?$", "maxLength": 64})
    ask_for_changes = serializers.BooleanField(required=False)

    def validate_ask_for_changes(self, value: bool) -> bool:  # noqa: FBT001 -- the framework calls it so
        """Refuse what only looks like a boolean."""
        if not isinstance(self.initial_data.get("ask_for_changes"), bool):
            raise ValidationError("Send true or false.", code="invalid_type")
        return value


class CommentBody(StrictSerializer):
    """Body of `withdraw/` and `cancel/`."""

    comment = Text(required=False, most=COMMENT_LENGTH)


class RemarkBody(StrictSerializer):
    """Body of `comments/`: about the whole, or about one line of the statement, from 1."""

    text = Text(
        help_text="What you say; `@name` tells somebody of the pod.", most=COMMENT_LENGTH, bounds={"minLength": 1}
    )
    line = Line(required=False, allow_null=True, min_value=1, max_value=MOST_LINES)


class CloseBody(StrictSerializer):
    """Body of `close/`."""

    comment = Text(help_text="What you found on the target.", most=COMMENT_LENGTH)
