"""What people type on the pages, turned into what the services take; the services judge it."""

import json
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.models import User
from executors.base import Parameter
from pods.models import Target
from queries.models import QueryRequest
from queries.services import Draft
from queries.words import ACCESSES, LANGUAGES
from web.errors import BadInput, FieldError

LANGUAGE_CHOICES = tuple((language.value, name) for language, name in LANGUAGES.items())
ROWS_DIGITS = 15
ACCESS_CHOICES = tuple((access.value, name) for access, name in ACCESSES.items())


class RequestForm(forms.Form):
    """A new request. Fields take anything: every rule is in `services.submit`, so that page and API say the same."""

    target = forms.CharField(required=False)
    language = forms.CharField(required=False)
    access = forms.CharField(required=False)
    statement = forms.CharField(required=False, strip=False)
    reason = forms.CharField(required=False)
    ticket = forms.CharField(required=False)
    expects = forms.CharField(required=False)
    parameters = forms.CharField(required=False, strip=False)
    revises = forms.UUIDField(required=False)

    def __init__(self, data: Any = None, *, person: User, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        self.person = person
        self.placed: list[FieldError] = []

    def draft(self) -> Draft:
        """The draft as typed. Call after `is_valid`."""
        values = self.cleaned_data
        target = Target.objects.usable_by(self.person).select_related("pod").filter(slug=values["target"]).first()
        return Draft(
            pod=target.pod.slug if target else "",
            target=values["target"],
            language=values["language"] or (target.languages[0].value if target else ""),
            statement=values["statement"].replace("\r\n", "\n"),  # browsers send every line end so
            access=values["access"],
            reason=values["reason"].replace("\r\n", "\n"),
            ticket=values["ticket"],
            expects=read_rows(values["expects"], "expects"),
            parameters=parse_parameters(values["parameters"]),
        )

    def take_errors(self, error: BadInput) -> None:
        """Show what a service refused at the fields it named; a pod is chosen by its target."""
        self.placed = [problem for problem in error.fields.get("statement", ()) if problem.line]
        for name, problems in error.fields.items():
            field = {"pod": "target"}.get(name, name)
            self.add_error(field if field in self.fields else None, [_worded(problem) for problem in problems])


def read_rows(text: str, field: str) -> int | None:
    """A number of rows as people type it (`1,850`); None for nothing. Raises BadInput for `field`."""
    digits = text.replace(",", "").replace("\u202f", "").replace(" ", "").replace("_", "")
    if not digits:
        return None
    if not (digits.isascii() and digits.isdigit() and len(digits) <= ROWS_DIGITS):
        raise BadInput({field: [FieldError("Write a whole number of rows.", "invalid")]})
    return int(digits)


def parse_parameters(text: str) -> tuple[Parameter, ...]:
    """One parameter a line, as JSON where it is JSON and as text otherwise; blank lines do not count.

    A number that would lose digits as a double stays text: the database reads every digit of it.
    """
    return tuple(_parameter(line.strip()) for line in text.splitlines() if line.strip())


def parameter_lines(parameters: Iterable[Parameter]) -> str:
    """The opposite of `parse_parameters`."""
    return "\n".join(json.dumps(parameter, ensure_ascii=False) for parameter in parameters)


def revision_of(query: QueryRequest) -> dict[str, Any]:
    """What the form starts with when it revises `query`."""
    return {
        "target": query.target.slug,
        "language": query.language,
        "access": query.access,
        "statement": query.statement,
        "reason": query.reason,
        "ticket": query.ticket,
        "expects": "" if query.expects is None else query.expects,
        "parameters": parameter_lines(query.parameters),
        "revises": query.public_id,
    }


def _parameter(line: str) -> Parameter:
    try:
        value = json.loads(line, parse_float=_exact_float, parse_constant=str)
    except (ValueError, RecursionError):
        return line
    return value if isinstance(value, str | int | float | bool) or value is None else line


def _exact_float(digits: str) -> float | str:
    value = float(digits)
    return value if repr(value) == digits else digits


def _worded(problem: FieldError) -> ValidationError:
    where = f"Line {problem.line}" if problem.line else ""
    if where and problem.column:
        where += f", column {problem.column}"
    # No `params`: a message with a percent sign is not a template.
    return ValidationError(f"{where}: {problem.message}" if where else problem.message, code=problem.code)
