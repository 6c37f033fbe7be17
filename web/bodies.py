"""Reading the API's bodies strictly: what is not exactly what was asked for is refused, and says where."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy, deepcopy
from typing import IO, Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ParseError, ValidationError
from rest_framework.fields import empty
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.views import APIView

from web.texts import text_problem


class Parser(JSONParser):
    """JSON, and nothing that only looks like it: brackets nested past the interpreter's stack are no body of ours."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The body as Python values. Raises ParseError."""
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError("It is nested too deeply.") from error


class View(APIView):
    """The base of the API's views that take a body."""

    parser_classes = (Parser,)

    def get_authenticate_header(self, _request: Request) -> str:
        """What a 401 says one may sign in with; without it the framework would answer 403 where tokens are issued."""
        return 'Bearer realm="api"'


class Text(serializers.CharField):
    """Text as it was sent: no number or boolean taken for one, nothing trimmed; empty is a value."""

    def __init__(
        self,
        *,
        raw: bool = False,
        required: bool = True,
        write_only: bool = False,
        help_text: str | None = None,
        most: int | None = None,
        bounds: Mapping[str, object] | None = None,
    ) -> None:
        """`raw` leaves the characters to whoever reads the text next: an analysis names their line and column.

        `most` (characters) and `bounds` (words of JSON Schema) are told to callers by the schema; whoever takes the
        value judges it, so that pages and API say the same.
        """
        super().__init__(trim_whitespace=False, required=required, write_only=write_only, help_text=help_text)
        self.raw = raw
        self.bounds = {**({"maxLength": most} if most else {}), **(bounds or {})}

    def to_internal_value(self, data: object) -> str:
        """The text. Raises ValidationError."""
        if not isinstance(data, str):
            raise ValidationError("Send text.", code="invalid_type")
        if not self.raw:
            check_characters(data)
        return data

    def run_validation(self, data: object = empty) -> object:
        """Without the framework's own validators of characters: theirs have no stable codes."""
        is_empty, value = self.validate_empty_values(data)
        return value if is_empty else self.to_internal_value(value)


class TextBounds(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]  # it registers itself
    """How the schema describes `Text`."""

    target_class = Text

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:  # noqa: ARG002 -- the call of the generator
        """A string within its bounds."""
        field: Text = self.target
        return {"type": "string", **field.bounds}


class StrictSerializer(serializers.Serializer[Any]):
    """A body whose keys are exactly the fields: a misspelt key is an error, not silence."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Its own instances of the fields. The framework builds each anew: a tenth of what a small call costs. Of a
        field without parts a plain copy is as much its own.
        """
        declared = self._declared_fields.items()
        return {name: deepcopy(field) if _has_parts(field) else copy(field) for name, field in declared}

    def to_internal_value(self, data: object) -> object:
        """The values by name. Raises ValidationError with everything that is wrong."""
        if isinstance(data, Mapping):
            # A name may hold what no answer could: half a character.
            unknown = sorted(str(key).encode(errors="replace").decode() for key in data.keys() - self.fields.keys())
            if unknown:
                known = ", ".join(self.fields)
                message = f"There is no such field here; the fields are {known}."
                raise ValidationError({name[:100]: [ErrorDetail(message, "unknown_field")] for name in unknown[:20]})
        return super().to_internal_value(data)


def _has_parts(field: object) -> bool:
    return isinstance(field, serializers.BaseSerializer) or hasattr(field, "child")


def read_body(body: StrictSerializer) -> dict[str, Any]:
    """The values of a body. Raises ValidationError."""
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def check_characters(value: str) -> None:
    """Raises ValidationError for text PostgreSQL cannot hold."""
    problem = text_problem(value)
    if problem is not None:
        raise ValidationError(problem.message, code=problem.code)
