"""Bodies about templates, read strictly."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from executors.base import Access, Language
from executors.base.parameters import NAME
from queries.api.bodies import ANYTHING, DIGEST, SENT, TYPES, Line, Rows
from queries.models.template import DESCRIPTION_LENGTH, NAME_LENGTH
from queries.services import (
    COMMENT_LENGTH,
    MOST_RUNS,
    MOST_TARGETS,
    PARAMETERS,
    REASON_LENGTH,
    SLUG_LENGTH,
    STATEMENT_LENGTH,
    TICKET_LENGTH,
    Asked,
    Declared,
    TemplateDraft,
    Terms,
    Typed,
)
from web.bodies import StrictSerializer, Text

USERNAME_LENGTH = 150
MOST_NAMED = 100
DECLARED = {
    "type": "object",
    "required": ["name", "type"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "pattern": f"^{NAME.pattern}$"},
        "type": {"type": "string", "enum": TYPES},
        "of": {"type": "string", "enum": TYPES[:-1], "description": "What a list is of; text where it is left out."},
        "usual": {"oneOf": ANYTHING, "nullable": True, "description": f"The value that a form begins with. {SENT}"},
    },
}
VALUES = {
    "type": "object",
    "additionalProperties": {"oneOf": ANYTHING, "nullable": True},
    "maxProperties": PARAMETERS,
    "description": f"By the name of the parameter. {SENT}",
}


@extend_schema_field(DECLARED)
class DeclaredField(serializers.Field[Declared, Any, Any, Any]):
    """A parameter of a template: its name and type, and a usual value or none."""

    def to_internal_value(self, data: object) -> Declared:
        """The declaration. Raises ValidationError."""
        if not isinstance(data, dict) or data.keys() - {"name", "type", "of", "usual"}:
            raise ValidationError("Send an object with name, type, of and usual.", code="invalid_type")
        words = [data.get("name"), data.get("type"), data.get("of", "")]
        if not all(isinstance(word, str) for word in words):
            raise ValidationError("A parameter has a name and a type.", code="required")
        typed = Typed(data["name"], data["type"], data.get("usual"), data.get("of", ""))
        return Declared(typed, "usual" in data)

    def to_representation(self, value: object) -> object:
        """As it is."""
        return value


@extend_schema_field(VALUES)
class ValuesField(serializers.Field[tuple[Typed, ...], Any, Any, Any]):
    """A value for each parameter, by its name."""

    def to_internal_value(self, data: object) -> tuple[Typed, ...]:
        """The values. Raises ValidationError."""
        if not isinstance(data, dict) or len(data) > PARAMETERS:
            raise ValidationError(f"Send an object with at most {PARAMETERS} values.", code="invalid_type")
        return tuple(Typed(str(name), "", value) for name, value in data.items())

    def to_representation(self, value: object) -> object:
        """As it is."""
        return value


def _slug(help_text: str) -> Text:
    return Text(help_text=help_text, most=SLUG_LENGTH, bounds={"minLength": 1})


def _digest() -> Text:
    return Text(help_text="Of the template as you read it.", most=64, bounds={"pattern": DIGEST})


class TemplateBody(StrictSerializer):
    """What a template says. Of `targets` all are of one pod and one engine."""

    name = Text(most=NAME_LENGTH, bounds={"minLength": 1})
    description = Text(required=False, most=DESCRIPTION_LENGTH)
    language = Text(bounds={"enum": [language.value for language in Language]})
    access = Text(bounds={"enum": [access.value for access in Access]})
    statement = Text(raw=True, most=STATEMENT_LENGTH, bounds={"minLength": 1})
    targets = serializers.ListField(child=_slug("Slug of a target."), min_length=1, max_length=MOST_TARGETS)
    parameters = serializers.ListField(child=DeclaredField(), required=False, max_length=PARAMETERS)

    def draft(self, pod: str = "") -> TemplateDraft:
        """What the services take."""
        sent = {name: value for name, value in self.validated_data.items() if name not in {"pod", "digest"}}
        sent |= {name: tuple(sent.get(name, ())) for name in ("targets", "parameters")}
        return TemplateDraft(**sent, pod=pod or self.validated_data.get("pod", ""))


class CreateTemplateBody(TemplateBody):
    """Body of POST `templates/`."""

    pod = _slug("Slug of the pod.")


class ChangeTemplateBody(TemplateBody):
    """Body of `change/`: all of what the template says from now on."""

    digest = _digest()


class RetireTemplateBody(StrictSerializer):
    """Body of `retire/`."""

    digest = _digest()


class AskBody(StrictSerializer):
    """Body of `ask/`."""

    digest = _digest()
    target = _slug("Slug of one of its targets.")
    values = ValuesField(required=False)
    reason = Text(help_text="What this is for.", most=REASON_LENGTH, bounds={"minLength": 1})
    ticket = Text(required=False, most=TICKET_LENGTH)
    expects = Rows(help_text="How many rows a write should change.")

    def asked(self) -> Asked:
        """What the services take."""
        return Asked(**self.validated_data)


class GrantBody(StrictSerializer):
    """Body of `grant/`: on which target, until when, how often and for whom. `people` null is all developers."""

    digest = _digest()
    target = _slug("Slug of one of its targets.")
    until = serializers.DateField(help_text="The last day, of UTC.", input_formats=["%Y-%m-%d"])
    runs_a_day = Line(min_value=1, max_value=MOST_RUNS, help_text="In all.")
    runs_a_person = Line(min_value=1, max_value=MOST_RUNS, help_text="For each person, at most as many as in all.")
    people = serializers.ListField(
        child=Text(most=USERNAME_LENGTH), allow_null=True, max_length=MOST_NAMED, help_text="User names."
    )
    comment = Text(required=False, most=COMMENT_LENGTH)

    def terms(self) -> Terms:
        """What the services take."""
        sent = {name: value for name, value in self.validated_data.items() if name != "digest"}
        named = sent.pop("people")
        return Terms(**sent, people=None if named is None else tuple(named))


class WithdrawGrantBody(StrictSerializer):
    """Body of `withdraw/`."""

    target = _slug("Slug of the target on which it holds.")
